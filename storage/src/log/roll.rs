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
        let due = too_large
            || (active.size() > 0 && active.age_ms(newest, now)? > self.max_segment_ms() - self.jitter_ms())
            || active.indexes_full()?
            || !active.can_hold(last);
        if due { self.roll(now) } else { Ok(()) }
    }

    /// The active segment is never compacted, so `max.compaction.lag.ms` bounds its age as well (LogConfig.maxSegmentMs).
    fn max_segment_ms(&self) -> i64 {
        let lag_ms = self.config.compaction.max_compaction_lag_ms;
        if self.config.compact && lag_ms > 0 { self.config.segment_ms.min(lag_ms) } else { self.config.segment_ms }
    }

    /// What the active segment is rolled earlier, so that the logs of a broker do not all roll at once. Kafka draws it at random for
    /// each segment (LogConfig.randomSegmentJitter); here it follows from the partition and the segment, as evenly spread.
    fn jitter_ms(&self) -> i64 {
        let most = self.config.segment_jitter_ms.min(self.max_segment_ms());
        if most <= 0 {
            return 0;
        }
        let name = self.partition.topic.bytes();
        let bytes = name.chain(self.partition.partition.to_be_bytes()).chain(self.active().base().0.to_be_bytes());
        i64::try_from(spread(bytes) % most.unsigned_abs()).expect("less than an i64")
    }

    /// Starts a new segment at the end of the log, unless the active one is empty.
    pub fn roll(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let base = self.log_end;
        if self.active().base() == base {
            return Ok(());
        }
        self.active_mut().seal()?;
        self.release_reserved()?;
        // The batches may have been flushed already, the last index entries were not.
        let sealed: Vec<_> = self.active().files().collect();
        self.unsynced.extend(sealed);
        self.producers.set_end(base);
        self.producers.take_snapshot()?;
        let segment = match self.new_segment(base, now) {
            Ok(segment) => segment,
            Err(error) => {
                // Half a segment must not be found beside batches that are appended to the old one after this.
                self.broken |= Segment::remove_files(&*self.disk, &self.dir, base).is_err();
                return Err(error);
            }
        };
        self.segments.insert(base, segment);
        self.durability.name_added();
        Ok(())
    }

    /// Makes an empty segment; with `preallocate` its whole size is set aside on the disk.
    pub(super) fn new_segment(&self, base: Offset, now: Timestamp) -> Result<Segment, StorageError> {
        let segment = Segment::create(self.disk.clone(), &self.dir, base, self.config.index(), now)?;
        if self.config.preallocate
            && let Err(error) = segment.log_file().reserve(self.config.segment_bytes)
        {
            segment.remove()?;
            return Err(error);
        }
        Ok(segment)
    }

    /// Gives back what `preallocate` set aside and the active segment did not need.
    pub(super) fn release_reserved(&self) -> Result<(), StorageError> {
        if self.config.preallocate { self.active().log_file().release() } else { Ok(()) }
    }
}

/// FNV-1a with the last step of MurmurHash3, which spreads short inputs over all bits.
fn spread(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}
