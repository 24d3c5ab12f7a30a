//! How fast a task is: records each second and the time of its commits, over the last while.

use std::collections::VecDeque;

use forebay_processor::job::TaskStatus;
use forebay_storage::ids::Timestamp;

/// How far back the rate looks, in milliseconds.
const WINDOW_MS: i64 = 5_000;
/// How many commits the percentile is taken over.
const COMMITS: usize = 256;

/// Samples of one task.
#[derive(Debug, Default)]
pub struct Pace {
    /// Time and number of records read by then, at most one a tenth of the window.
    samples: VecDeque<(Timestamp, u64)>,
    latencies_ms: VecDeque<i64>,
    commits: u64,
}

impl Pace {
    /// Takes a sample.
    pub fn note(&mut self, now: Timestamp, status: &TaskStatus) {
        if status.records_in < self.samples.back().map_or(0, |(_, records)| *records) {
            // The task was opened again and counts from 0.
            *self = Pace::default();
        }
        if self.samples.back().is_none_or(|(at, _)| now.0 - at.0 >= WINDOW_MS / 10) {
            self.samples.push_back((now, status.records_in));
        }
        // One sample older than the window stays, so that the rate has a whole window to look at.
        while self.samples.get(1).is_some_and(|(at, _)| now.0 - at.0 > WINDOW_MS) {
            self.samples.pop_front();
        }
        if status.commits > self.commits {
            self.commits = status.commits;
            self.latencies_ms.push_back(status.last_commit_latency_ms);
            if self.latencies_ms.len() > COMMITS {
                self.latencies_ms.pop_front();
            }
        }
    }

    /// Records each second over the last seconds.
    pub fn records_per_second(&self, now: Timestamp) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some((first, before)), Some((_, after))) if now > *first => {
                (after - before) as f64 * 1000.0 / (now.0 - first.0) as f64
            }
            _ => 0.0,
        }
    }

    /// The 99th percentile of the last commits; none before the first.
    pub fn commit_p99_ms(&self) -> Option<f64> {
        let mut sorted: Vec<i64> = self.latencies_ms.iter().copied().collect();
        sorted.sort_unstable();
        let at = (sorted.len() * 99).div_ceil(100).checked_sub(1)?;
        sorted.get(at).map(|ms| *ms as f64)
    }
}
