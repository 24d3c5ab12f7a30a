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

use parking_lot::Mutex;

use crate::config::settings::CleanerSettings;
use crate::metrics::CleanerMetrics;
use crate::partition::Partitions;
use state::Shared;

/// No pause between two looks for work is shorter, whatever the configuration says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The cleaner's threads; they end when this is dropped.
pub struct Cleaner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Cleaner {
    /// Starts `log.cleaner.threads` threads, or none with `log.cleaner.enable=false`. `settings` are asked for before each pass, so
    /// that a change of them acts; one of the number of threads with [`Cleaner::resize`].
    ///
    /// # Errors
    /// A thread cannot be made.
    pub fn start(
        partitions: Arc<Partitions>,
        metrics: CleanerMetrics,
        settings: impl Fn() -> CleanerSettings + Send + Sync + 'static,
    ) -> std::io::Result<Cleaner> {
        let shared = Arc::new(Shared::new(partitions, metrics, Box::new(settings)));
        let cleaner = Cleaner { shared, threads: Mutex::default() };
        cleaner.resize()?;
        Ok(cleaner)
    }

    /// Makes or ends threads until there are as many as are set now; waits for the passes of those that end.
    ///
    /// # Errors
    /// A thread cannot be made.
    pub fn resize(&self) -> std::io::Result<()> {
        let mut threads = self.threads.lock();
        if self.shared.is_stopped() {
            return Ok(());
        }
        let now = (self.shared.settings)();
        let count = if now.enable { usize::try_from(now.threads).unwrap_or(0) } else { 0 };
        self.shared.set_threads(count);
        let kept = count.min(threads.len());
        for surplus in threads.drain(kept..) {
            // A thread that failed has said so.
            let _ = surplus.join();
        }
        for number in threads.len()..count {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name(format!("forebay-clean-{number}"));
            threads.push(thread.spawn(move || work(&shared, number))?);
        }
        Ok(())
    }

    /// Ends the threads; passes that are under way are given up.
    pub fn stop(&self) {
        self.shared.stop();
        for thread in self.threads.lock().drain(..) {
            let _ = thread.join();
        }
        self.shared.write_checkpoints();
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        if !self.threads.get_mut().is_empty() {
            self.stop();
        }
    }
}

fn work(shared: &Shared, number: usize) {
    while !shared.is_over(number) {
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
            let pause = Duration::from_millis(settings.backoff_ms.max(0).unsigned_abs()).max(SHORTEST_PAUSE);
            shared.pause(number, pause);
        }
    }
}

#[cfg(test)]
mod tests;
