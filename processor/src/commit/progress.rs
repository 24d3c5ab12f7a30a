//! The text kept with each committed offset: event time and counters of that input partition, and whose they are.
//!
//! It travels in the offset's `metadata` field in `__consumer_offsets`, so it is committed with the offset or not at all, and a
//! restart goes on with exactly the watermarks it had. Form, version 2:
//! `2;j=forebay-job-clicks-0;w=1431857103000;i=0;c=1431857043000;s=1;l=0;u=0;n=4;t=AAAAAAAAAAAAAAAAAAAACQ`
//! - `j` transactional id of the task: another job with the same group, or a tool, has other offsets than this one's state;
//! - `w` watermark of this partition in ms, `-` if none yet;
//! - `i` 1 if the partition is idle;
//! - `c` watermark of the whole task when this offset was committed, `-` if none; each commit that moves it rewrites at least
//!   one partition's text, so the largest one found is the task's;
//! - `s` 1 if there is a changelog that goes with it;
//! - `l` late records so far, `u` records passed over for an error so far;
//! - `e` where the input ends (exclusive), only if it is bounded: it stays where it was when the job first started;
//! - `b` bytes of rows that wait for their place in sessions, only of a merging task that has some: those who read look at it;
//! - `n` how many partitions the topic had when the job first started: one with a higher number has been added since;
//! - `t` id of the topic: one that is made anew under the same name has other records at these offsets.
//!
//! Version 1 has neither `n` nor `t`; it is read.

use std::fmt;

use forebay_storage::ids::{Offset, TopicId};

use crate::time::{InputTime, NO_WATERMARK};

/// Event time and counters of one input partition, as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputProgress {
    /// Watermark and idleness of the partition.
    pub time: InputTime,
    /// Watermark of the task.
    pub combined: i64,
    /// Whether the changelog holds something.
    pub has_state: bool,
    /// Late records of this partition dropped since the job was created.
    pub late: u64,
    /// Records of this partition passed over for an error since the job was created.
    pub undecodable: u64,
    /// Where the input ends, if it is bounded.
    pub end: Option<Offset>,
    /// Bytes of rows that wait for their place, in a merging task.
    pub waiting: u64,
    /// How many partitions the topic had when the job first started, if that is known.
    pub first_partitions: Option<i32>,
    /// The topic's id, if that is known.
    pub topic: Option<TopicId>,
}

/// A text that is not the committed progress of a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("committed metadata {text:?} is not this task's: {reason}")]
pub struct ProgressError {
    text: String,
    reason: &'static str,
}

struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == NO_WATERMARK { f.write_str("-") } else { self.0.fmt(f) }
    }
}

impl InputProgress {
    /// Before anything was read.
    pub const NEW: InputProgress = InputProgress {
        time: InputTime::NEW,
        combined: NO_WATERMARK,
        has_state: false,
        late: 0,
        undecodable: 0,
        end: None,
        waiting: 0,
        first_partitions: None,
        topic: None,
    };

    /// The text for the task `owner`, whose name must not contain a semicolon.
    #[must_use]
    pub fn to_text(&self, owner: &str) -> String {
        let (watermark, combined) = (Time(self.time.watermark), Time(self.combined));
        let (idle, state) = (u8::from(self.time.idle), u8::from(self.has_state));
        let InputProgress { late, undecodable, .. } = self;
        let end = self.end.map(|end| format!(";e={end}")).unwrap_or_default();
        let waiting = if self.waiting > 0 { format!(";b={}", self.waiting) } else { String::new() };
        let first = self.first_partitions.map(|count| format!(";n={count}")).unwrap_or_default();
        let topic = self.topic.map(|id| format!(";t={id}")).unwrap_or_default();
        let more = format!("{end}{waiting}{first}{topic}");
        format!("2;j={owner};w={watermark};i={idle};c={combined};s={state};l={late};u={undecodable}{more}")
    }

    /// Reads what [`InputProgress::to_text`] wrote for the same `owner`. Unknown keys are refused: a newer version must raise
    /// the number in front.
    pub fn from_text(text: &str, owner: &str) -> Result<InputProgress, ProgressError> {
        let error = |reason| ProgressError { text: text.chars().take(100).collect(), reason };
        let fields = text.strip_prefix("2;j=").or_else(|| text.strip_prefix("1;j="));
        let fields = fields.ok_or_else(|| error("it does not begin with version 1 or 2 and an owner"))?;
        let (found, fields) = fields.split_once(';').ok_or_else(|| error("it ends after the owner"))?;
        if found != owner {
            return Err(error("it belongs to another one"));
        }
        let mut progress = InputProgress::NEW;
        for field in fields.split(';') {
            let (key, value) = field.split_once('=').ok_or_else(|| error("a field has no '='"))?;
            let time = || if value == "-" { Some(NO_WATERMARK) } else { value.parse().ok() };
            let flag = || ["0", "1"].iter().position(|flag| *flag == value).map(|flag| flag == 1);
            let known = match key {
                "w" => time().map(|ms| progress.time.watermark = ms),
                "i" => flag().map(|flag| progress.time.idle = flag),
                "c" => time().map(|ms| progress.combined = ms),
                "s" => flag().map(|flag| progress.has_state = flag),
                "l" => value.parse().ok().map(|count| progress.late = count),
                "u" => value.parse().ok().map(|count| progress.undecodable = count),
                "e" => value.parse().ok().map(|end| progress.end = Some(Offset(end))),
                "b" => value.parse().ok().map(|bytes| progress.waiting = bytes),
                "n" => value.parse().ok().map(|count| progress.first_partitions = Some(count)),
                "t" => value.parse().ok().map(|id| progress.topic = Some(id)),
                _ => return Err(error("it has an unknown field")),
            };
            known.ok_or_else(|| error("a value cannot be read"))?;
        }
        Ok(progress)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_form_given_above() {
        let text = "1;j=forebay-job-clicks-0;w=1431857103000;i=0;c=1431857043000;s=1;l=2;u=3";
        let progress = InputProgress::from_text(text, "forebay-job-clicks-0").unwrap();
        let time = InputTime { watermark: 1_431_857_103_000, idle: false };
        let (has_state, late, undecodable) = (true, 2, 3);
        let expected =
            InputProgress { time, combined: 1_431_857_043_000, has_state, late, undecodable, ..InputProgress::NEW };
        assert_eq!(progress, expected);
        let text = text.replacen('1', "2", 1);
        assert_eq!(progress.to_text("forebay-job-clicks-0"), text);
        let topic = Some("AAAAAAAAAAAAAAAAAAAACQ".parse().unwrap());
        let known = InputProgress { first_partitions: Some(4), topic, ..expected };
        let text = format!("{text};n=4;t=AAAAAAAAAAAAAAAAAAAACQ");
        assert_eq!(known.to_text("forebay-job-clicks-0"), text);
        assert_eq!(InputProgress::from_text(&text, "forebay-job-clicks-0").unwrap(), known);
        assert_eq!(InputProgress::NEW.to_text("j"), "2;j=j;w=-;i=0;c=-;s=0;l=0;u=0");
        assert!(InputProgress::from_text(&text, "forebay-job-clicks-1").is_err(), "another task's");
    }

    #[test]
    fn refuses_other_texts() {
        let good = "1;j=a;w=1;i=0;c=2;s=0;l=0;u=0";
        assert!(InputProgress::from_text(good, "a").is_ok());
        for (from, to) in
            [("w=1", "w=x"), ("i=0", "i=2"), ("c=2", "z=2"), ("l=0", "l=-1"), ("1;j", "3;j"), ("w=1", "w")]
        {
            let text = good.replacen(from, to, 1);
            assert!(InputProgress::from_text(&text, "a").is_err(), "{text:?}");
        }
        for text in ["", "1", "1;j=a", "some client's note"] {
            assert!(InputProgress::from_text(text, "a").is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            watermark: i64, idle: bool, combined: i64, has_state: bool, late: u64, undecodable: u64, end: Option<i64>,
            waiting: u64, first_partitions: Option<i32>, topic in proptest::option::of("[A-Za-z0-9_-]{21}[AQgw]"),
            owner in "[a-z._-]{1,249}",
        ) {
            let (time, end) = (InputTime { watermark, idle }, end.map(Offset));
            let topic = topic.map(|id| id.parse().unwrap());
            let whole = InputProgress { time, combined, has_state, late, undecodable, end, ..InputProgress::NEW };
            let progress = InputProgress { waiting, first_partitions, topic, ..whole };
            let text = progress.to_text(&owner);
            prop_assert!(text.len() < 4096);
            prop_assert_eq!(InputProgress::from_text(&text, &owner).unwrap(), progress);
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: String) {
            let _ = InputProgress::from_text(&text, "");
            let _ = InputProgress::from_text(&format!("1;j=a;{text}"), "a");
        }
    }
}
