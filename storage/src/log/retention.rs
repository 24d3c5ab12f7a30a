//! Lets go of old segments (Kafka: UnifiedLog.deleteOldSegments).

use super::Log;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

impl Log {
    /// Deletes segments that are too old or too many; returns how many. Records above the high watermark stay. When all
    /// records are too old, the active segment is rolled first.
    pub fn apply_retention(&mut self, now: Timestamp) -> Result<usize, StorageError> {
        let mut keep_from = self.log_start;
        if self.config.delete {
            keep_from = keep_from.max(self.end_of_expired(now)?).max(self.end_of_excess());
        }
        if keep_from == self.log_end {
            match self.roll(now) {
                // What can go without a new segment goes first, and makes room for it.
                Err(error) if error.is_full() => keep_from = self.active().base(),
                rolled => rolled?,
            }
        }
        let before = self.segments.len();
        self.increment_log_start_offset(keep_from)?;
        self.delete_covered_segments()?;
        Ok(before - self.segments.len())
    }

    /// Moves the first offset up to `offset`, at most to the high watermark, and deletes the segments that lie before it.
    /// Lower offsets change nothing.
    pub fn increment_log_start_offset(&mut self, offset: Offset) -> Result<(), StorageError> {
        let offset = offset.min(self.high_watermark);
        if offset <= self.log_start {
            return Ok(());
        }
        self.epochs.truncate_from_start(offset)?;
        self.log_start = offset;
        self.producers.log_start_moved(offset);
        self.delete_covered_segments()
    }

    /// End of the run of segments, from the first, that are older than the retention time.
    fn end_of_expired(&self, now: Timestamp) -> Result<Offset, StorageError> {
        let mut end = Offset::ZERO;
        if self.config.retention_ms < 0 {
            return Ok(end);
        }
        for (segment, segment_end) in self.segments_with_ends() {
            let newest = segment.largest_timestamp()?;
            let expired = newest.0 >= 0 && now.0.saturating_sub(newest.0) > self.config.retention_ms;
            if segment.size() == 0 || !expired || segment_end > self.high_watermark {
                break;
            }
            end = segment_end;
        }
        Ok(end)
    }

    /// End of the segments without which the log is still as large as it may be.
    fn end_of_excess(&self) -> Offset {
        let mut end = Offset::ZERO;
        let Ok(limit) = u64::try_from(self.config.retention_bytes) else { return end };
        let mut excess = self.size_in_bytes().saturating_sub(limit);
        for (segment, segment_end) in self.segments_with_ends() {
            if segment.size() == 0 || segment.size() > excess || segment_end > self.high_watermark {
                break;
            }
            excess -= segment.size();
            end = segment_end;
        }
        end
    }

    fn segments_with_ends(&self) -> impl Iterator<Item = (&crate::segment::Segment, Offset)> {
        let ends = self.segments.keys().skip(1).copied().chain(std::iter::once(self.log_end));
        self.segments.values().zip(ends)
    }

    /// Deletes the segments that end at or before the first offset, never the active one.
    pub(super) fn delete_covered_segments(&mut self) -> Result<(), StorageError> {
        let mut first = true;
        while let Some(next) = self.segments.keys().nth(1).copied()
            && next <= self.log_start
        {
            if self.durability.has_unsynced_names() && first {
                // By what stays the log knows where it ends: offsets must not be given out again after a crash.
                self.disk.sync_dir(&self.dir)?;
            }
            first = false;
            let (base, segment) = self.segments.pop_first().expect("there are two at least");
            self.retire(segment)?;
            self.producers.remove_snapshot(base)?;
        }
        Ok(())
    }
}
