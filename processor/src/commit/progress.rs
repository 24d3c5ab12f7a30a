//! The text kept with each committed offset: event time and counters of that input partition.
//!
//! It travels in the offset's `metadata` field in `__consumer_offsets`, so it is committed with the offset or not at all, and a
//! restart goes on with exactly the watermarks it had. Form, version 1: `1;w=1431857103000;i=0;c=1431857043000;l=0;u=0`:
//! - `w` watermark of this partition in ms, `-` if none yet;
//! - `i` 1 if the partition is idle;
//! - `c` watermark of the whole task when this offset was committed, `-` if none; each commit that moves it rewrites at least
//!   one partition's text, so the largest one found is the task's;
//! - `l` late records dropped so far, `u` undecodable records skipped so far.

use std::fmt;
use std::str::FromStr;

use crate::time::{InputTime, NO_WATERMARK};

/// Event time and counters of one input partition, as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputProgress {
    /// Watermark and idleness of the partition.
    pub time: InputTime,
    /// Watermark of the task.
    pub combined: i64,
    /// Late records of this partition dropped since the job was created.
    pub late: u64,
    /// Undecodable records of this partition skipped since the job was created.
    pub undecodable: u64,
}

impl InputProgress {
    /// Before anything was read.
    pub const NEW: InputProgress =
        InputProgress { time: InputTime::NEW, combined: NO_WATERMARK, late: 0, undecodable: 0 };
}

/// A text that is not a committed progress.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("committed metadata {text:?} is not this job's: {reason}")]
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

impl fmt::Display for InputProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (watermark, combined) = (Time(self.time.watermark), Time(self.combined));
        let idle = u8::from(self.time.idle);
        write!(f, "1;w={watermark};i={idle};c={combined};l={};u={}", self.late, self.undecodable)
    }
}

impl FromStr for InputProgress {
    type Err = ProgressError;

    /// Reads what [`fmt::Display`] writes. Unknown keys are refused: a newer version must raise the number in front.
    fn from_str(text: &str) -> Result<InputProgress, ProgressError> {
        let error = |reason| ProgressError { text: text.chars().take(100).collect(), reason };
        let fields = text.strip_prefix("1;").ok_or_else(|| error("it does not begin with version 1"))?;
        let mut progress = InputProgress::NEW;
        for field in fields.split(';') {
            let (key, value) = field.split_once('=').ok_or_else(|| error("a field has no '='"))?;
            let time = || if value == "-" { Some(NO_WATERMARK) } else { value.parse().ok() };
            let known = match key {
                "w" => time().map(|ms| progress.time.watermark = ms),
                "i" => ["0", "1"].iter().position(|flag| *flag == value).map(|flag| progress.time.idle = flag == 1),
                "c" => time().map(|ms| progress.combined = ms),
                "l" => value.parse().ok().map(|count| progress.late = count),
                "u" => value.parse().ok().map(|count| progress.undecodable = count),
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
        let progress: InputProgress = "1;w=1431857103000;i=0;c=1431857043000;l=2;u=3".parse().unwrap();
        let time = InputTime { watermark: 1_431_857_103_000, idle: false };
        assert_eq!(progress, InputProgress { time, combined: 1_431_857_043_000, late: 2, undecodable: 3 });
        assert_eq!(InputProgress::NEW.to_string(), "1;w=-;i=0;c=-;l=0;u=0");
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "1", "2;w=1", "1;w", "1;w=x", "1;i=2", "1;z=1", "1;l=-1", "some client's note"] {
            assert!(text.parse::<InputProgress>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(watermark: i64, idle: bool, combined: i64, late: u64, undecodable: u64) {
            let progress = InputProgress { time: InputTime { watermark, idle }, combined, late, undecodable };
            let text = progress.to_string();
            prop_assert!(text.len() < 4096);
            prop_assert_eq!(text.parse::<InputProgress>().unwrap(), progress);
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: String) {
            let _ = text.parse::<InputProgress>();
        }
    }
}
