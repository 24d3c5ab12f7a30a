//! Opens the logs that nobody has asked for yet, with low priority, so that retention, compaction and checkpoints see them all.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::Partitions;
use super::held::Unopened;
use crate::pending::may_block;

/// Threads at most.
const MAX_THREADS: usize = 4;
/// How much the system prefers other threads to these, in steps of `nice`.
const NICE: i32 = 10;

/// The partitions that wait to be opened, and the threads that open them.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    partitions: VecDeque<Arc<Unopened>>,
    /// Threads at work on a partition.
    busy: usize,
    closed: bool,
    /// The log of the broker says already that all are open since the start.
    said_open: bool,
}

impl Waiting {
    fn is_idle(&self) -> bool {
        self.busy == 0 && self.partitions.is_empty()
    }
}

impl Queue {
    /// Has a partition opened when there is time.
    pub(super) fn push(&self, unopened: Arc<Unopened>) {
        self.state.lock().partitions.push_back(unopened);
        self.changed.notify_all();
    }

    /// Lets no more partitions be opened, and waits for those that are being opened.
    pub(super) fn close(&self) {
        self.stop();
        self.changed.wait_while(&mut self.state.lock(), |state| state.busy > 0);
    }

    /// Lets no more partitions be opened.
    fn stop(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.partitions.clear();
        self.changed.notify_all();
    }

    /// Without a partition there is nothing to speak of when the first ones are made.
    fn begin(&self) {
        let mut state = self.state.lock();
        state.said_open = state.partitions.is_empty();
    }

    /// Waits until nothing waits to be opened.
    pub(super) fn wait_idle(&self) {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| !state.is_idle());
    }

    /// Whether nothing waits to be opened.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().is_idle()
    }

    fn next(&self) -> Option<Arc<Unopened>> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| !state.closed && state.partitions.is_empty());
        let next = state.partitions.pop_front()?;
        state.busy += 1;
        Some(next)
    }

    fn done(&self) {
        let mut state = self.state.lock();
        state.busy -= 1;
        if !state.closed && !state.said_open && state.busy == 0 && state.partitions.is_empty() {
            state.said_open = true;
            tracing::info!("every log is open");
        }
        self.changed.notify_all();
    }
}

impl Partitions {
    /// Starts to open partitions in the background, one at a time for each data folder. The threads end when the partitions are closed
    /// or dropped.
    pub fn open_in_background(self: &Arc<Self>) {
        self.queue.begin();
        for _ in 0..self.dirs.len().min(MAX_THREADS) {
            let (queue, partitions) = (self.queue.clone(), Arc::downgrade(self));
            let started = thread::Builder::new().name("forebay-open".into()).spawn(move || work(&queue, &partitions));
            if let Err(error) = started {
                tracing::warn!("no thread can be made to open logs; each is opened when it is first used: {error}");
            }
        }
    }

    /// Waits until every partition was opened in the background, or could not be.
    pub fn wait_until_open(&self) {
        may_block(|| self.queue.wait_idle());
    }
}

impl Drop for Partitions {
    fn drop(&mut self) {
        // Not waiting: the last one to hold this may be one of the threads.
        self.queue.stop();
    }
}

fn work(queue: &Queue, partitions: &Weak<Partitions>) {
    give_way();
    while let Some(unopened) = queue.next() {
        let _done = Done(queue);
        let Some(partitions) = partitions.upgrade() else { return };
        // An error was logged, and who needs the partition will see it.
        let _ = partitions.open_now(&unopened);
    }
}

/// Says so when the work on a partition has ended, in whatever way.
struct Done<'a>(&'a Queue);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}

/// Lowers the priority of this thread; on Linux it is the thread's alone.
#[cfg(target_os = "linux")]
fn give_way() {
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {
    let _ = NICE;
}
