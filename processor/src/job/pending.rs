//! What a task has computed and not committed, and when it is to be.

use forebay_storage::ids::Timestamp;

use super::options::TaskOptions;

/// What is not committed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    /// When the oldest of it came about.
    since: Option<Timestamp>,
    /// Whether records were processed, and not only time moved.
    pub records: bool,
}

impl Pending {
    /// Something has come about.
    pub fn note(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    /// Since when there is something, in ms before `now`.
    #[must_use]
    pub fn age_ms(&self, now: Timestamp) -> i64 {
        self.since.map_or(0, |since| now.0 - since.0)
    }

    /// When it is to be committed: at once if there are `results` that somebody waits for, the rest a little later.
    #[must_use]
    pub fn due(&self, results: bool, options: &TaskOptions) -> Option<Timestamp> {
        let since = self.since?;
        Some(match (results, self.records) {
            (true, _) => since,
            (false, true) => since.plus_ms(options.state_commit_ms),
            (false, false) => since.plus_ms(options.progress_commit_ms),
        })
    }
}
