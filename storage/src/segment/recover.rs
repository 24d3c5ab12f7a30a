//! Recovery of a segment after a crash: what is whole stays, a torn or damaged end goes, indexes are made anew (Kafka:
//! LogSegment.recover).

use std::sync::OnceLock;

use super::{AbortedTransaction, Resume, Segment, Windows};
use crate::batch::Batch;
use crate::epochs::LeaderEpochs;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::producer::ProducerState;

/// What recovery has found.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Where the segment ends.
    pub(crate) end: Offset,
    /// How many bytes were cut off, and why.
    pub(crate) cut: Option<(u64, String)>,
}

impl Segment {
    /// Reads the segment, from its start or from the batch that [`Segment::resume_point`] gave, and makes its indexes anew from there
    /// on. `producers` must be as they were before the first batch that is read, or after one that follows it; in the latter case the
    /// aborted transactions up to there are in their index. The new indexes are synced if they are to be `durable`.
    pub(crate) fn recover(
        &mut self,
        from: Option<Resume>,
        producers: &mut ProducerState,
        epochs: &mut LeaderEpochs,
        durable: bool,
    ) -> Result<Recovered, StorageError> {
        let (mut valid, mut end) = self.begin_anew(from.as_ref(), producers.end())?;
        let mut windows = Windows::new(self.file.clone());
        let mut reason = String::new();
        while valid < self.size() {
            let rest = windows.at(valid)?;
            let batch = match self.next_valid(&rest, end) {
                Ok(batch) => batch,
                Err(wrong) => {
                    reason = wrong;
                    break;
                }
            };
            let size = batch.bytes.len();
            self.index(&batch.header, valid)?;
            self.bytes_since_index += size;
            self.note(&batch, producers, epochs)?;
            valid += size as u64;
            end = batch.header.next_offset();
        }
        drop(windows);
        let cut = Some(self.size() - valid).filter(|cut| *cut > 0);
        if cut.is_some() {
            self.file.truncate(valid)?;
            // At once: the next crash must not bring it back behind what is written in its place.
            self.file.sync()?;
            self.aborts.truncate(end)?;
        }
        if from.is_none() {
            self.complete_indexes(durable)?;
        } else {
            // Nothing hangs on when each of them is complete: until the recovery point moves they are taken up where they were now.
            self.seal()?;
        }
        Ok(Recovered { end, cut: cut.map(|bytes| (bytes, reason)) })
    }

    /// Leaves in the indexes what comes before the first batch to be read; where that is, and its offset.
    fn begin_anew(&mut self, from: Option<&Resume>, known: Offset) -> Result<(u64, Offset), StorageError> {
        self.first_timestamp = OnceLock::new();
        // It has its entry, as if it had just been indexed.
        self.bytes_since_index = 0;
        let Some(Resume { at, offsets, times, aborts }) = from else {
            self.offsets.start_over()?;
            self.times.start_over()?;
            self.aborts.reset()?;
            self.set_max_timestamp((Timestamp::NONE, self.base));
            return Ok((0, self.base));
        };
        self.offsets.keep(*offsets)?;
        self.times.keep(*times)?;
        self.aborts.keep(*aborts)?;
        self.aborts.truncate(known)?;
        let largest = self.times.last()?;
        self.set_max_timestamp(largest);
        Ok((at.position, at.header.base_offset))
    }

    /// Writes the indexes, the one by offset last: a segment that has it has the others, whenever this is interrupted.
    fn complete_indexes(&mut self, durable: bool) -> Result<(), StorageError> {
        if self.size() > 0 {
            let (timestamp, offset) = self.max_timestamp()?;
            self.times.maybe_push(timestamp, offset)?;
        }
        self.times.store_whole(durable)?;
        self.aborts.store()?;
        if durable {
            if let Some(file) = self.aborts.file() {
                file.sync()?;
            }
            self.disk.sync_dir(&self.dir)?;
        }
        self.offsets.store_whole(durable)
    }

    /// The batch at the start of `rest`, if it is whole, undamaged and follows on `end`; else what is wrong.
    fn next_valid(&self, rest: &bytes::Bytes, end: Offset) -> Result<Batch, String> {
        let batch = Batch::parse(rest.clone()).map_err(|error| error.to_string())?;
        let header = &batch.header;
        let in_order =
            header.base_offset >= end && header.last_offset_delta >= 0 && self.can_hold(header.last_offset());
        if !in_order {
            let (first, last) = (header.base_offset, header.last_offset());
            return Err(format!("a batch of offsets {first} to {last} does not follow on offset {end}"));
        }
        batch.check_crc().map_err(|error| error.to_string())?;
        Ok(batch)
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
