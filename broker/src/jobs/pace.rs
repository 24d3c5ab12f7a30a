//! How fast a task is: records each second and the time of its commits, over the last while.

use std::collections::VecDeque;
use std::time::Duration;

use forebay_processor::job::TaskStatus;
use forebay_storage::ids::Timestamp;

/// How far back the rate looks, in milliseconds.
const WINDOW_MS: i64 = 5_000;
/// How many commits the percentile is taken over.
const COMMITS: usize = 256;

/// Samples of one task.
#[derive(Debug, Default)]
pub struct Pace {
    /// At most one a tenth of the window.
    samples: VecDeque<Sample>,
    latencies_us: VecDeque<u64>,
    commits: u64,
    busy: Duration,
}

/// What was by some time.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Timestamp,
    records: u64,
    busy: Duration,
}

impl Pace {
    /// Takes a sample after a step that took `step`.
    pub fn note(&mut self, now: Timestamp, status: &TaskStatus, step: Duration) {
        if status.records_in < self.samples.back().map_or(0, |sample| sample.records) {
            // The task was opened again and counts from 0.
            *self = Pace::default();
        }
        self.busy += step;
        if self.samples.back().is_none_or(|sample| now.0 - sample.at.0 >= WINDOW_MS / 10) {
            self.samples.push_back(Sample { at: now, records: status.records_in, busy: self.busy });
        }
        // One sample older than the window stays, so that the rate has a whole window to look at.
        while self.samples.get(1).is_some_and(|sample| now.0 - sample.at.0 > WINDOW_MS) {
            self.samples.pop_front();
        }
        if status.commits > self.commits {
            self.commits = status.commits;
            self.latencies_us.push_back(status.last_commit_latency_us);
            if self.latencies_us.len() > COMMITS {
                self.latencies_us.pop_front();
            }
        }
    }

    /// Records each second over the last seconds.
    pub fn records_per_second(&self, now: Timestamp) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) if now > first.at => {
                (last.records - first.records) as f64 * 1000.0 / (now.0 - first.at.0) as f64
            }
            _ => 0.0,
        }
    }

    /// The share of the last seconds, 0 to 1, in which the task was at work; the rest it waited.
    pub fn busy_share(&self, now: Timestamp) -> f64 {
        match self.samples.front() {
            Some(first) if now > first.at => {
                let busy = self.busy.saturating_sub(first.busy).as_secs_f64() * 1000.0;
                (busy / (now.0 - first.at.0) as f64).clamp(0.0, 1.0)
            }
            _ => 0.0,
        }
    }

    /// So many percent of the last commits took at most so many milliseconds; none before the first.
    pub fn commit_ms(&self, percent: usize) -> Option<f64> {
        let mut sorted: Vec<u64> = self.latencies_us.iter().copied().collect();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
        sorted.get(at).map(|us| *us as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(records_in: u64, commits: u64, last_commit_latency_us: u64) -> TaskStatus {
        TaskStatus { records_in, commits, last_commit_latency_us, ..TaskStatus::default() }
    }

    #[test]
    fn rates_and_shares_are_of_the_last_seconds() {
        let mut pace = Pace::default();
        assert_eq!((pace.records_per_second(Timestamp(9)), pace.commit_ms(99)), (0.0, None));
        for second in 0..20u64 {
            let now = Timestamp(second as i64 * 1_000);
            pace.note(now, &status(second * 100, second + 1, (second + 1) * 1_000), Duration::from_millis(250));
        }
        // 5 seconds and the sample before them: 600 records and 1.5 s of work in 6 s.
        assert!((pace.records_per_second(Timestamp(19_000)) - 100.0).abs() < 1e-9);
        assert!((pace.busy_share(Timestamp(19_000)) - 0.25).abs() < 1e-9);
        assert_eq!((pace.commit_ms(50), pace.commit_ms(99)), (Some(10.0), Some(20.0)));
        // Nothing happens for long.
        assert!(pace.busy_share(Timestamp(1_000_000)) < 0.01 && pace.records_per_second(Timestamp(1_000_000)) < 1.0);
        pace.note(Timestamp(1_000_000), &status(5, 1, 1), Duration::ZERO);
        assert_eq!(pace.commit_ms(99), Some(0.001), "a task that was opened again begins anew");
    }
}
