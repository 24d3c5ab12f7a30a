//! Threads that bring to disk what producers wait for: one sync at a time for a log, and what is appended meanwhile is covered by
//! the next, so that the cost grows with syncs and not with requests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Partition;

/// Threads at most; a file system's journal commits what several wait for together.
const MAX_THREADS: usize = 8;
/// A thread without work ends after this.
const IDLE: Duration = Duration::from_secs(10);

static FLUSHER: Flusher =
    Flusher { state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0 }), work: Condvar::new() };

struct Flusher {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Arc<Partition>>,
    threads: usize,
    idle: usize,
}

/// Has the partition's log synced by another thread, at once if one is free.
pub fn submit(partition: Arc<Partition>) {
    let spawn = {
        let mut state = FLUSHER.state.lock();
        state.queue.push_back(partition);
        let spawn = state.queue.len() > state.idle && state.threads < MAX_THREADS;
        if spawn {
            state.threads += 1;
        } else {
            FLUSHER.work.notify_one();
        }
        spawn
    };
    if spawn && let Err(error) = thread::Builder::new().name("forebay-flush".into()).spawn(work) {
        let mut state = FLUSHER.state.lock();
        state.threads -= 1;
        if state.threads == 0 {
            drop(state);
            // Better late than never: the answers must go.
            tracing::error!("no thread can be made to sync logs: {error}");
            work_off();
        }
    }
}

fn work() {
    let mut state = FLUSHER.state.lock();
    loop {
        if let Some(partition) = state.queue.pop_front() {
            drop(state);
            let again = partition.sync_waiting();
            state = FLUSHER.state.lock();
            if again {
                state.queue.push_back(partition);
            }
            continue;
        }
        state.idle += 1;
        let timed_out = FLUSHER.work.wait_for(&mut state, IDLE).timed_out();
        state.idle -= 1;
        if timed_out && state.queue.is_empty() {
            state.threads -= 1;
            return;
        }
    }
}

fn work_off() {
    loop {
        let Some(partition) = FLUSHER.state.lock().queue.pop_front() else { return };
        while partition.sync_waiting() {}
    }
}
