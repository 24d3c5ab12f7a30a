//! What the demo shows, once a second or on every redraw.

use super::tally::Totals;

/// The state of the demo at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Since the demo began, in milliseconds.
    pub elapsed_ms: i64,
    /// Clicks appended so far.
    pub events: u64,
    /// Clicks appended in the last second.
    pub events_per_second: u64,
    /// From the append of the click that closed a window to its rows being readable, in milliseconds: median and largest so far.
    pub latency_ms: Option<(f64, f64)>,
    /// How far the job's watermark is behind the clock, in milliseconds.
    pub watermark_behind_ms: Option<i64>,
    /// Clicks that the job has not read yet.
    pub lag: i64,
    /// Clicks that came too late for their window.
    pub late: u64,
    /// Result rows read so far.
    pub rows: usize,
    /// Windows that closed so far.
    pub windows: usize,
    /// The last closed windows, newest first: start in milliseconds, and the users with the most clicks.
    pub latest: Vec<(i64, Vec<(String, Totals)>)>,
}

/// `12:03:05` of a time in milliseconds since 1970, UTC.
pub fn clock_time(ms: i64) -> String {
    let seconds = ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl Snapshot {
    /// One line for output that is no terminal.
    pub fn line(&self) -> String {
        let latency = self.latency_ms.map_or("-".into(), |(median, _)| format!("{median:.1} ms"));
        let watermark = self.watermark_behind_ms.map_or("-".into(), |ms| format!("{:.1} s behind", ms as f64 / 1000.0));
        let newest = match self.latest.first() {
            Some((start, users)) => {
                let top: Vec<String> = users.iter().take(3).map(|(u, t)| format!("{u} {}", t.clicks)).collect();
                format!("{} {}", clock_time(*start), top.join(", "))
            }
            None => "none yet".into(),
        };
        format!(
            "{:>4} s  events {} ({}/s)  latency {latency}  watermark {watermark}  lag {}  late {}  rows {}  last window {newest}",
            self.elapsed_ms / 1000,
            self.events,
            self.events_per_second,
            self.lag,
            self.late,
            self.rows,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_results_says_so() {
        assert!(Snapshot::default().line().ends_with("last window none yet"));
        assert_eq!(clock_time(1_431_857_103_000), "10:05:03");
        assert_eq!(clock_time(-1_000), "23:59:59");
    }
}
