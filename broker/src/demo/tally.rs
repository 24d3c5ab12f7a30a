//! Counts the demo's windows a second time, from the clicks as they were made, to check the job's results against.

use std::collections::BTreeMap;

use super::shop::Click;

/// Size of the windows of the demo's job, in milliseconds.
pub const WINDOW_MS: i64 = 5_000;

/// What a user did in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many clicks.
    pub clicks: i64,
    /// Sum of bytes.
    pub bytes: i64,
    /// Largest number of bytes.
    pub max_bytes: i64,
}

/// Start of the window and user.
pub type WindowKey = (i64, String);

/// All windows of all clicks seen so far.
#[derive(Default)]
pub struct Tally {
    expected: BTreeMap<WindowKey, Totals>,
    checked: BTreeMap<WindowKey, Totals>,
    wrong: Vec<String>,
}

impl Tally {
    /// Counts a click that was appended to the topic.
    pub fn count(&mut self, click: &Click) {
        let start = click.event_time - click.event_time.rem_euclid(WINDOW_MS);
        let totals = self.expected.entry((start, click.user_id.clone())).or_default();
        totals.clicks += 1;
        totals.bytes += click.bytes;
        totals.max_bytes = totals.max_bytes.max(click.bytes);
    }

    /// Checks a row that the job has put out.
    pub fn check(&mut self, key: WindowKey, got: Totals) {
        match self.expected.get(&key) {
            Some(expected) if *expected == got => {}
            expected => self.wrong.push(format!("window {} of {}: job {got:?}, expected {expected:?}", key.0, key.1)),
        }
        if self.checked.insert(key.clone(), got).is_some() {
            self.wrong.push(format!("window {} of {} was put out twice", key.0, key.1));
        }
    }

    /// How many rows were checked.
    pub fn rows(&self) -> usize {
        self.checked.len()
    }

    /// What is wrong: rows that differ, and rows missing from windows older than the newest that was put out.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = self.wrong.clone();
        let newest = self.checked.keys().next_back().map(|(start, _)| *start);
        let closed = |start: i64| newest.is_some_and(|newest| start < newest);
        for (start, user) in self.expected.keys().filter(|(start, _)| closed(*start)) {
            if !self.checked.contains_key(&(*start, user.clone())) {
                findings.push(format!("window {start} of {user} is missing"));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn click(user: &str, at: i64, bytes: i64) -> Click {
        Click {
            user_id: user.into(),
            url: "/".into(),
            method: "GET",
            status: 200,
            bytes,
            referrer: None,
            agent: "",
            event_time: at,
        }
    }

    #[test]
    fn right_rows_pass_and_wrong_double_and_missing_ones_do_not() {
        let mut tally = Tally::default();
        for (user, at, bytes) in [("a", 1, 10), ("a", 4_999, 30), ("b", 5_000, 7), ("c", 1, 1)] {
            tally.count(&click(user, at, bytes));
        }
        let a = Totals { clicks: 2, bytes: 40, max_bytes: 30 };
        tally.check((0, "a".into()), a);
        assert_eq!(tally.findings(), Vec::<String>::new(), "the newest window may still be incomplete");
        tally.check((5_000, "b".into()), Totals { clicks: 1, bytes: 8, max_bytes: 7 });
        tally.check((0, "a".into()), a);
        let findings = tally.findings();
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings.iter().any(|f| f.contains("window 0 of c is missing")));
    }
}
