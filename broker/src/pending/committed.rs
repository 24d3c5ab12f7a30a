//! Who waits until a partition has committed what they speak of: answers to producers, replies of coordinators.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use forebay_storage::ids::Offset;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The partition's log can no longer commit it: its disk failed, or its topic was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log went offline before the records were on disk")]
pub struct Lost;

type Then = Box<dyn FnOnce(Result<(), Lost>) + Send>;

/// Those who wait for one partition's high watermark, by what they wait for and then by their coming.
#[derive(Default)]
pub struct CommitWaiters {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    waiting: BTreeMap<(Offset, u64), Then>,
}

impl CommitWaiters {
    /// Runs `then` when everything before `end` is committed, or never will be; at once if `now` knows already. `now` is asked
    /// while nobody can be released.
    pub fn add(&self, end: Offset, now: impl FnOnce() -> Option<Result<(), Lost>>, then: Then) {
        let mut inner = self.inner.lock();
        match now() {
            Some(known) => {
                drop(inner);
                then(known);
            }
            None => {
                inner.next += 1;
                let number = inner.next;
                inner.waiting.insert((end, number), then);
            }
        }
    }

    /// Lets go who waits for `committed` or less. What is asked by [`CommitWaiters::add`] must say so already.
    pub fn release(&self, committed: Offset) {
        let mut ready = {
            let mut inner = self.inner.lock();
            let later = inner.waiting.split_off(&(Offset(committed.0 + 1), 0));
            std::mem::replace(&mut inner.waiting, later)
        };
        while let Some((_, then)) = ready.pop_first() {
            then(Ok(()));
        }
    }

    /// Lets all go, in vain.
    pub fn fail(&self) {
        let mut all = std::mem::take(&mut self.inner.lock().waiting);
        while let Some((_, then)) = all.pop_first() {
            then(Err(Lost));
        }
    }
}

/// Becomes ready when the records are committed, or cannot be.
pub struct Committed(State);

enum State {
    Known(Result<(), Lost>),
    Waiting(oneshot::Receiver<Result<(), Lost>>),
}

impl Committed {
    /// Known at once.
    pub fn known(outcome: Result<(), Lost>) -> Committed {
        Committed(State::Known(outcome))
    }

    /// Told later; a sender that is dropped tells that the records are lost.
    pub fn told_by(receiver: oneshot::Receiver<Result<(), Lost>>) -> Committed {
        Committed(State::Waiting(receiver))
    }
}

impl Future for Committed {
    type Output = Result<(), Lost>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(outcome) => Poll::Ready(*outcome),
            State::Waiting(receiver) => pin!(receiver).poll(context).map(|told| told.unwrap_or(Err(Lost))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(waiters: &CommitWaiters, end: i64) -> oneshot::Receiver<Result<(), Lost>> {
        let (sender, receiver) = oneshot::channel();
        let then = Box::new(move |outcome| {
            let _ = sender.send(outcome);
        });
        waiters.add(Offset(end), || None, then);
        receiver
    }

    #[test]
    fn those_who_wait_for_less_go_and_the_others_stay() {
        let waiters = CommitWaiters::default();
        let (mut five, mut six) = (told(&waiters, 5), told(&waiters, 6));
        waiters.release(Offset(4));
        assert!(five.try_recv().is_err());
        waiters.release(Offset(5));
        assert_eq!(five.try_recv(), Ok(Ok(())));
        assert!(six.try_recv().is_err());
        waiters.fail();
        assert_eq!(six.try_recv(), Ok(Err(Lost)));
    }
}
