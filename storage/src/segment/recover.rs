//! Recovery of a segment after a crash: what is whole stays, a torn or damaged end goes, indexes are made anew (Kafka:
//! LogSegment.recover).

use std::sync::OnceLock;

use super::{AbortedTransaction, Segment};
use crate::batch::Batch;
use crate::epochs::LeaderEpochs;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::producer::ProducerState;

impl Segment {
    /// Reads the segment from its start; returns its end offset and the number of bytes cut off.
    pub(crate) fn recover(
        &mut self,
        producers: &mut ProducerState,
        epochs: &mut LeaderEpochs,
    ) -> Result<(Offset, u64), StorageError> {
        self.offsets.reset()?;
        self.times.reset()?;
        self.aborts.reset()?;
        self.set_max_timestamp((Timestamp::NONE, self.base));
        self.first_timestamp = OnceLock::new();
        self.bytes_since_index = 0;
        let mut valid = 0;
        let mut end = self.base;
        let mut rest = self.file.read_at(0, usize::MAX)?;
        while let Some(batch) = self.next_valid(&rest, end) {
            let size = batch.bytes.len();
            self.index(&batch.header, valid)?;
            self.bytes_since_index += size;
            self.note(&batch, producers, epochs)?;
            valid += size as u64;
            end = batch.header.next_offset();
            rest = rest.slice(size..);
        }
        drop(rest);
        let cut = self.size() - valid;
        self.file.truncate(valid)?;
        self.seal()?;
        Ok((end, cut))
    }

    /// The batch at the start of `rest`, if it is whole, undamaged and follows on `end`.
    fn next_valid(&self, rest: &bytes::Bytes, end: Offset) -> Option<Batch> {
        let batch = Batch::parse(rest.clone()).ok()?;
        let header = &batch.header;
        let in_order =
            header.base_offset >= end && header.last_offset_delta >= 0 && self.can_hold(header.last_offset());
        (in_order && batch.check_crc().is_ok()).then_some(batch)
    }

    fn note(
        &mut self,
        batch: &Batch,
        producers: &mut ProducerState,
        epochs: &mut LeaderEpochs,
    ) -> Result<(), StorageError> {
        let epoch = batch.header.leader_epoch;
        if epoch.0 >= 0 && epochs.latest().is_none_or(|latest| epoch > latest) {
            epochs.assign(epoch, batch.header.base_offset)?;
        }
        // The snapshot that the state was loaded from may hold this batch already.
        let known = batch.header.next_offset() <= producers.end();
        let completed = if known { None } else { producers.replay(batch) };
        if let Some((completed, last_stable_offset)) = completed
            && completed.aborted
        {
            self.note_aborted(AbortedTransaction {
                producer_id: completed.producer_id,
                first_offset: completed.first_offset,
                last_offset: completed.last_offset,
                last_stable_offset,
            })?;
        }
        Ok(())
    }
}
