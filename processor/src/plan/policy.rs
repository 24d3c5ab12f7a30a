//! What a job does where there is a choice: with records it cannot read, with rows that come too late, at the end of its input.

use std::collections::BTreeMap;

/// The choices of one pipeline, from the source table's options or, for all tables, from SET.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// `forebay.on-error`; `None` if the job does not say: then it fails, but for records that the format was told to ignore
    /// (`json.ignore-parse-errors`).
    pub on_error: Option<OnError>,
    /// `forebay.on-late`.
    pub on_late: OnLate,
    /// `forebay.allowed-lateness` (`table.exec.emit.allow-lateness` in Flink), in milliseconds: for so long after a window's end its
    /// rows are still taken, and each such row puts out the window's corrected result. 0 is none.
    pub allowed_lateness_ms: i64,
    /// `forebay.close-after-idle`, in milliseconds: when everything is read and nothing has come for so long, open windows close.
    pub close_after_idle_ms: Option<i64>,
    /// `forebay.state.memory`, in bytes: what open windows may take of memory, the rest is on disk; `None` for the default.
    pub state_memory_bytes: Option<u64>,
    /// `scan.bounded.mode`: where the input ends, if it does.
    pub bounded: Option<Bounded>,
    /// `scan.watermark.alignment.max-drift`, in milliseconds: a partition whose watermark is further ahead of the slowest one is not
    /// read until that has caught up.
    pub max_drift_ms: Option<i64>,
}

/// What is done with a record from which no row can be made, or whose row cannot be computed or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// `fail`: the job stops before it.
    Fail,
    /// `skip`: it is counted and passed over.
    Skip,
    /// `dead-letter`: it is counted and written to this topic as it is, with headers that say why.
    DeadLetter {
        /// `forebay.dead-letter.topic`.
        topic: String,
    },
}

/// What is done with a row that comes after its last window has closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnLate {
    /// `drop`: it is counted and dropped.
    #[default]
    Drop,
    /// `topic`: it is counted, and its record written to this topic as it is, with headers that say why.
    Topic {
        /// `forebay.late.topic`.
        topic: String,
    },
}

/// `scan.bounded.mode`: where reading ends. The ends are looked up when the job first starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// `latest-offset`: what is there when the job starts.
    LatestOffset,
    /// `group-offsets`: what the group has committed.
    GroupOffsets,
    /// `timestamp`: before the first record whose time is at or after this, in milliseconds.
    Timestamp(i64),
    /// `specific-offsets`: by partition, exclusive; a partition that is not listed is read without end (Flink refuses that at run time).
    SpecificOffsets(BTreeMap<i32, i64>),
}
