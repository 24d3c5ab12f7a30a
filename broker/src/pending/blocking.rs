//! Waiting where waiting cannot be written otherwise: a job's commit, the making of an internal topic.
//!
//! The futures are woken from other threads, as those of [`super::Committed`] are. On a thread of a runtime of several threads the other
//! tasks of that thread move elsewhere meanwhile.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::clock;

/// Waits for a future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    wait(future, None).expect("without a limit it is waited for")
}

/// Waits for a future, at most for `limit`; `None` if that has passed, and then the future is dropped.
pub fn block_on_for<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    wait(future, Some(limit))
}

/// Waits for a future, at most for `limit`. What is not done by then goes on on the runtime of this thread, if there is one, as it must not
/// be left half done.
pub fn carry_through<F>(future: F, limit: Duration) -> Option<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let mut future = Box::pin(future);
    // Nearly always there is nothing to wait for.
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(output);
    }
    match Handle::try_current() {
        Ok(handle) => block_on_for(handle.spawn(future), limit).and_then(Result::ok),
        Err(_) => Some(block_on(future)),
    }
}

fn wait<F: Future>(future: F, limit: Option<Duration>) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(output);
    }
    let deadline = limit.map(|limit| clock::instant() + limit);
    let park = || {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            match deadline.map(left) {
                None => std::thread::park(),
                Some(Duration::ZERO) => return None,
                Some(left) => std::thread::park_timeout(left),
            }
        }
    };
    may_block(park)
}

/// Does work that may take long; where that is a thread of the runtime, the runtime puts another in its place.
pub fn may_block<R>(work: impl FnOnce() -> R) -> R {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(clock::instant())
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::Committed;
    use super::*;

    #[test]
    fn a_thread_may_wait_inside_and_outside_of_a_runtime() {
        let wait = || {
            let (sender, receiver) = oneshot::channel();
            let teller = std::thread::spawn(move || sender.send(Ok(())));
            assert_eq!(block_on(Committed::told_by(receiver)), Ok(()));
            teller.join().unwrap().unwrap();
        };
        wait();
        for mut builder in [tokio::runtime::Builder::new_multi_thread(), tokio::runtime::Builder::new_current_thread()]
        {
            builder.build().unwrap().block_on(async { wait() });
        }
    }

    #[test]
    fn a_limit_ends_the_waiting() {
        let (sender, receiver) = oneshot::channel::<i32>();
        assert!(block_on_for(receiver, Duration::from_millis(1)).is_none());
        assert!(sender.send(1).is_err(), "what nobody waits for is dropped");
        let (sender, receiver) = oneshot::channel();
        let told = std::thread::spawn(move || sender.send(2));
        assert_eq!(block_on_for(receiver, Duration::from_secs(600)), Some(Ok(2)));
        told.join().unwrap().unwrap();
    }

    #[test]
    fn what_is_carried_through_goes_on_without_who_waited() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (go, wait) = oneshot::channel::<()>();
        let (done, heard) = oneshot::channel();
        let work = async move {
            let _ = wait.await;
            let _ = done.send(7);
        };
        let ended = runtime.spawn(async { carry_through(work, Duration::from_millis(1)) });
        assert_eq!(runtime.block_on(ended).unwrap(), None);
        go.send(()).unwrap();
        assert_eq!(runtime.block_on(heard), Ok(7));
    }
}
