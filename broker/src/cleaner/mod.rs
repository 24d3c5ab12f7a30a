//! What keeps logs small in the background: the removal of deleted files, and the cleaner of compacted logs (Kafka: LogCleaner,
//! LogCleanerManager).
//!
//! A thread of the cleaner chooses the dirtiest log, prepares a pass under the log's lock, does the work without it, and puts the
//! result in place under it. Appends wait for none of the work.

mod busy;
mod checkpoints;
mod pass;
mod pick;
mod removals;
mod state;
mod throttle;

pub use busy::Busy;
pub use removals::Removals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::settings::CleanerSettings;
use crate::metrics::CleanerMetrics;
use crate::partition::Partitions;
use state::Shared;

/// No pause between two looks for work is shorter, whatever the configuration says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The cleaner's threads; they end when this is dropped.
pub struct Cleaner {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Cleaner {
    /// Starts `log.cleaner.threads` threads, or none with `log.cleaner.enable=false`. `settings` are asked for before each pass, so
    /// that a change of them acts.
    ///
    /// # Errors
    /// A thread cannot be made.
    pub fn start(
        partitions: Arc<Partitions>,
        metrics: CleanerMetrics,
        settings: impl Fn() -> CleanerSettings + Send + Sync + 'static,
    ) -> std::io::Result<Cleaner> {
        let now = settings();
        let count = if now.enable { now.threads.max(0) } else { 0 };
        let shared = Arc::new(Shared::new(partitions, metrics, Box::new(settings)));
        let mut cleaner = Cleaner { shared: shared.clone(), threads: Vec::new() };
        for number in 0..count {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("forebay-clean-{number}"));
            cleaner.threads.push(thread.spawn(move || work(&shared))?);
        }
        Ok(cleaner)
    }

    /// Ends the threads; passes that are under way are given up.
    pub fn stop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A thread that failed has said so.
            let _ = thread.join();
        }
        self.shared.write_checkpoints();
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.stop();
        }
    }
}

fn work(shared: &Shared) {
    while !shared.is_stopped() {
        let settings = (shared.settings)();
        let Ok(cleaned) = catch_unwind(AssertUnwindSafe(|| pass::clean_filthiest(shared, &settings))) else {
            shared.metrics.dead_threads.inc();
            tracing::error!(
                "a thread of the log cleaner failed and is gone; logs are compacted by the others, if there are any"
            );
            return;
        };
        if !cleaned {
            shared.apply_retention();
            shared.pause(Duration::from_millis(settings.backoff_ms.max(0).unsigned_abs()).max(SHORTEST_PAUSE));
        }
    }
}

#[cfg(test)]
mod tests;
