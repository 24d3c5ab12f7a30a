//! Cuts the end of a log off, as a follower does that has what its leader has not (Kafka: UnifiedLog.truncateTo).

use super::Log;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

impl Log {
    /// Removes all records at or after `offset`; a batch that contains it goes as a whole. Bytes read before stay readable.
    /// Durable when it returns.
    pub fn truncate_to(&mut self, offset: Offset, now: Timestamp) -> Result<(), StorageError> {
        if offset >= self.log_end {
            return Ok(());
        }
        let first = self.segments.keys().next().copied().unwrap_or(offset);
        if offset < first {
            return self.truncate_fully_and_start_at(offset, now);
        }
        self.all_or_broken(|log| log.cut(offset, now))
    }

    fn cut(&mut self, offset: Offset, now: Timestamp) -> Result<(), StorageError> {
        self.compaction.truncated(offset);
        while self.active().base() > offset {
            let (_, segment) = self.segments.pop_last().expect("a log has a segment at all times");
            segment.remove()?;
        }
        // Ending where a batch begins keeps the log without gaps, by which recovery knows that nothing is missing.
        let offset = self.active_mut().truncate(offset)?;
        self.log_end = offset;
        self.log_start = self.log_start.min(offset);
        self.recovery_point = self.recovery_point.min(offset);
        self.durability.cut(offset);
        self.high_watermark = self.high_watermark.min(offset);
        self.epochs.truncate_from_end(offset)?;
        self.rebuild_producers(now)?;
        self.sync_cut()
    }

    /// Does what cannot be undone half-way: after an error the log must be opened anew.
    fn all_or_broken(&mut self, cut: impl FnOnce(&mut Log) -> Result<(), StorageError>) -> Result<(), StorageError> {
        self.check_not_broken()?;
        self.broken = true;
        match cut(self) {
            Ok(()) => {
                self.broken = false;
                Ok(())
            }
            Err(error) => {
                self.unreadable = true;
                self.flush_failed();
                Err(error)
            }
        }
    }

    /// Makes a truncation durable: what the leader never had must not come back after a crash.
    fn sync_cut(&self) -> Result<(), StorageError> {
        self.active().files().try_for_each(|file| file.sync())?;
        self.disk.sync_dir(&self.dir)
    }

    /// Removes all records; the next one gets `offset`.
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset, now: Timestamp) -> Result<(), StorageError> {
        self.all_or_broken(|log| log.cut_all(offset, now))
    }

    fn cut_all(&mut self, offset: Offset, now: Timestamp) -> Result<(), StorageError> {
        self.compaction.truncated(offset);
        // Whatever stops this half-way, no snapshot may be left that speaks of batches that are gone.
        self.producers.reset(offset)?;
        self.disk.sync_dir(&self.dir)?;
        self.epochs.clear()?;
        while let Some((_, segment)) = self.segments.pop_last() {
            segment.remove()?;
        }
        let segment = self.new_segment(offset, now)?;
        self.segments.insert(offset, segment);
        self.log_start = offset;
        self.log_end = offset;
        self.recovery_point = self.recovery_point.min(offset);
        self.durability.cut(offset);
        self.high_watermark = offset;
        self.sync_cut()
    }

    /// Brings the producers' state to the end of the log: from the newest snapshot, then from the batches after it.
    pub(super) fn rebuild_producers(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let bases = self.segments.keys().copied().collect();
        self.producers.remove_stray_snapshots(&bases, self.log_end)?;
        let (start, end, expiration) = (self.log_start, self.log_end, self.config.producer_id_expiration_ms);
        self.producers.load(start, end, now, expiration)?;
        self.replay_producers(end)?;
        // Transactions that ended before it are replicated.
        self.producers.high_watermark_moved(self.high_watermark);
        Ok(())
    }

    /// Takes the batches from the state's end up to `end` into the producers' state.
    pub(super) fn replay_producers(&mut self, end: Offset) -> Result<(), StorageError> {
        let from = self.producers.end();
        let first = self.segments.range(..=from).next_back().map_or(from, |(base, _)| *base);
        for (_, segment) in self.segments.range(first..) {
            if segment.base() >= end {
                break;
            }
            for at in segment.seek(self.producers.end())? {
                let at = at?;
                if at.header.base_offset >= end {
                    break;
                }
                if at.header.has_producer() {
                    self.producers.replay(&segment.load(&at)?);
                }
            }
        }
        self.producers.set_end(end);
        Ok(())
    }
}
