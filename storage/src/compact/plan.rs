//! What there is to compact in a log (Kafka: LogToClean).

use crate::ids::Offset;

/// The part of a log that a pass would compact.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanPlan {
    /// Where the part begins that was not compacted yet.
    pub first_dirty: Offset,
    /// Where the part ends that may be compacted; a segment begins there.
    pub first_uncleanable: Offset,
    /// Bytes of the segments before the first dirty offset.
    pub clean_bytes: u64,
    /// Bytes of the segments between the two offsets.
    pub dirty_bytes: u64,
    /// Records have waited for longer than `max.compaction.lag.ms`.
    pub overdue: bool,
}

impl CleanPlan {
    /// Share of dirty bytes, from 0 to 1; the log with the largest one is to be compacted first.
    #[must_use]
    pub fn dirty_ratio(&self) -> f64 {
        let total = self.clean_bytes + self.dirty_bytes;
        if total == 0 { 0.0 } else { self.dirty_bytes as f64 / total as f64 }
    }
}
