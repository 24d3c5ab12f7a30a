//! Parked replies: requests that wait until a state machine answers them, maybe much later.

mod blocking;
mod committed;

pub use blocking::{block_on, block_on_for, carry_through, may_block};
pub use committed::{CommitWaiters, Committed, Lost};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use forebay_control::machine::ReplyTo;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The waiting askers of one kind of machine. A number is given out once and never again.
pub struct Pending<R> {
    next: AtomicU64,
    waiting: Mutex<HashMap<ReplyTo, oneshot::Sender<R>>>,
}

impl<R> Default for Pending<R> {
    fn default() -> Self {
        Pending { next: AtomicU64::new(1), waiting: Mutex::new(HashMap::new()) }
    }
}

impl<R> Pending<R> {
    /// Parks a new asker; what it waits on yields an error once the asker was given up with [`Pending::forget`].
    pub fn park(&self) -> (ReplyTo, oneshot::Receiver<R>) {
        let reply_to = ReplyTo(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(reply_to, sender);
        (reply_to, receiver)
    }

    /// Lets a reply go. One whose asker has left meanwhile goes nowhere.
    pub fn answer(&self, to: ReplyTo, reply: R) {
        let asker = self.waiting.lock().remove(&to);
        if let Some(asker) = asker {
            // The asker's connection may be gone: then nobody wants the answer.
            let _ = asker.send(reply);
        }
    }

    /// Gives an asker up: its receiver yields an error.
    pub fn forget(&self, to: ReplyTo) {
        self.waiting.lock().remove(&to);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reaches_its_asker_and_no_other() {
        let pending: Pending<&str> = Pending::default();
        let (first, mut first_answer) = pending.park();
        let (second, mut second_answer) = pending.park();
        pending.answer(second, "two");
        assert_eq!(second_answer.try_recv(), Ok("two"));
        assert!(first_answer.try_recv().is_err());
        pending.forget(first);
        pending.answer(first, "late");
        assert!(first_answer.try_recv().is_err());
        assert!(pending.is_empty());
    }
}
