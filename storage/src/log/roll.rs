//! Starts a new segment when the active one is full or old (Kafka: UnifiedLog.maybeRoll, LogSegment.shouldRoll).

use super::Log;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::segment::Segment;

impl Log {
    /// Rolls if the active segment cannot or should not take `size` bytes with times up to `newest` and offsets up to `last`.
    pub(super) fn roll_if_due(
        &mut self,
        size: u64,
        newest: Timestamp,
        last: Offset,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let active = self.active();
        let too_large = active.size() + size > self.config.segment_bytes;
        let limit_ms = self.max_segment_ms().saturating_sub(self.config.segment_jitter_ms);
        let due = too_large
            || (active.size() > 0 && active.age_ms(newest, now)? > limit_ms)
            || active.indexes_full()?
            || !active.can_hold(last);
        if due { self.roll(now) } else { Ok(()) }
    }

    /// The active segment is never compacted, so `max.compaction.lag.ms` bounds its age as well (LogConfig.maxSegmentMs).
    fn max_segment_ms(&self) -> i64 {
        let lag_ms = self.compaction.config.max_compaction_lag_ms;
        if self.config.compact && lag_ms > 0 { self.config.segment_ms.min(lag_ms) } else { self.config.segment_ms }
    }

    /// Starts a new segment at the end of the log, unless the active one is empty.
    pub fn roll(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let base = self.log_end;
        if self.active().base() == base {
            return Ok(());
        }
        self.active_mut().seal()?;
        // The batches may have been flushed already, the last index entries were not.
        let sealed: Vec<_> = self.active().files().collect();
        self.unsynced.extend(sealed);
        self.producers.set_end(base);
        self.producers.take_snapshot()?;
        let segment = Segment::create(self.disk.clone(), &self.dir, base, self.config.index(), now)?;
        self.segments.insert(base, segment);
        self.durability.name_added();
        Ok(())
    }
}
