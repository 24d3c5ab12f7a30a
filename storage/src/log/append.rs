//! Appends batches (Kafka: UnifiedLog.append).

use std::collections::BTreeMap;
use std::io::IoSlice;

use bytes::Bytes;

use super::validate::{self, Prepared};
use super::{AbortedTransaction, AppendError, AppendOutcome, Log};
use crate::batch::{BatchHeader, TimestampType};
use crate::error::StorageError;
use crate::ids::{LeaderEpoch, ProducerId, Timestamp};
use crate::producer::{BatchMetadata, CompletedTransaction, ProducerAppend, ProducerError, ProducerOrigin, marker_of};
use crate::segment::PlacedBatch;

/// Who appends, which says how much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client: everything is checked, one batch at a time.
    Client,
    /// A coordinator of this broker: no sequences; control batches are allowed.
    Coordinator,
}

/// The circumstances of an append.
#[derive(Clone, Copy, Debug)]
pub struct AppendOptions {
    /// Who appends.
    pub origin: Origin,
    /// The epoch of this leader.
    pub leader_epoch: LeaderEpoch,
    /// The broker's clock.
    pub now: Timestamp,
    /// The transaction coordinator has confirmed that this partition is part of the producer's transaction (KIP-890). Needed
    /// for the first batch of a transaction here.
    pub verified: bool,
}

/// What an append changes apart from the bytes.
#[derive(Default)]
struct Changes {
    producers: BTreeMap<ProducerId, ProducerAppend>,
    completed: Vec<CompletedTransaction>,
}

impl Log {
    /// Appends whole batches, all or none. Base offsets and leader epochs of `batches` are overwritten.
    pub fn append(&mut self, batches: Bytes, options: AppendOptions) -> Result<AppendOutcome, AppendError> {
        self.check_not_broken()?;
        let prepared = validate::prepare(batches, self.log_end, &self.config, &options)?;
        let size = prepared.iter().map(Prepared::size).sum::<usize>() as u64;
        if size > self.config.segment_bytes {
            let limit = self.config.segment_bytes;
            let message = format!("{size} bytes at once, segment.bytes allows {limit}");
            return Err(AppendError::RecordListTooLarge(message));
        }
        if options.origin == Origin::Client
            && let Some(earlier) = prepared.first().and_then(|batch| self.duplicate_of(&batch.header))
        {
            return Ok(self.duplicate_outcome(&earlier));
        }
        let changes = self.check_producers(&prepared, &options)?;
        self.write(&prepared, size, &options)?;
        self.commit(&prepared, changes)?;
        Ok(self.outcome(&prepared, &options))
    }

    fn duplicate_of(&self, header: &BatchHeader) -> Option<BatchMetadata> {
        if !header.has_producer() {
            return None;
        }
        self.producers.entry(header.producer_id)?.duplicate_of(header)
    }

    fn duplicate_outcome(&self, earlier: &BatchMetadata) -> AppendOutcome {
        AppendOutcome {
            base_offset: earlier.first_offset(),
            last_offset: earlier.last_offset,
            // Kafka: UnifiedLog.append; also where the producer has set it itself.
            log_append_time: earlier.timestamp,
            log_start_offset: self.log_start,
            duplicate: true,
        }
    }

    fn check_producers(&self, prepared: &[Prepared], options: &AppendOptions) -> Result<Changes, AppendError> {
        let mut changes = Changes::default();
        let origin = match options.origin {
            Origin::Client => ProducerOrigin::Client,
            Origin::Coordinator => ProducerOrigin::Coordinator,
        };
        for Prepared { header, batch, .. } in prepared.iter().filter(|ready| ready.header.has_producer()) {
            let id = header.producer_id;
            if header.is_transactional() && !header.is_control() && !options.verified {
                self.check_in_transaction(header)?;
            }
            let append = changes.producers.entry(id).or_insert_with(|| self.producers.prepare(id, origin));
            if !header.is_control() {
                append.data(header)?;
            } else if let Some((marker, timestamp)) = marker_of(batch) {
                let completed = append.marker(marker, header.producer_epoch, header.base_offset, timestamp)?;
                changes.completed.extend(completed);
            }
        }
        Ok(changes)
    }

    /// KIP-890: a transaction begins only where its coordinator knows of it, or it might never end.
    fn check_in_transaction(&self, header: &BatchHeader) -> Result<(), AppendError> {
        if self.has_ongoing_transaction_in(header.producer_id, header.producer_epoch) {
            return Ok(());
        }
        // A fenced producer is to learn that it is fenced.
        if let Some(entry) = self.producers.entry(header.producer_id)
            && header.producer_epoch < entry.epoch
        {
            let (producer_id, found, current) = (header.producer_id, header.producer_epoch, entry.epoch);
            return Err(ProducerError::InvalidProducerEpoch { producer_id, found, current }.into());
        }
        let (id, epoch) = (header.producer_id, header.producer_epoch);
        let message = format!("the batch of producer {id} epoch {epoch} is not part of a transaction known here");
        Err(AppendError::InvalidTxnState(message))
    }

    fn write(&mut self, prepared: &[Prepared], size: u64, options: &AppendOptions) -> Result<(), StorageError> {
        let headers = || prepared.iter().map(|ready| &ready.header);
        let newest = headers().map(|header| header.max_timestamp).max().unwrap_or(Timestamp::NONE);
        let last = headers().last().map_or(self.log_end, BatchHeader::last_offset);
        self.roll_if_due(size, newest, last, options.now)?;
        let (log_end, epoch) = (self.log_end, options.leader_epoch);
        self.epochs.assign(epoch, log_end)?;
        let mut parts: Vec<IoSlice<'_>> = Vec::with_capacity(2 * prepared.len());
        let mut placed = Vec::with_capacity(prepared.len());
        for ready in prepared {
            parts.push(IoSlice::new(&ready.head));
            parts.push(IoSlice::new(ready.body()));
            placed.push(PlacedBatch { header: ready.header, size: ready.size() });
        }
        let before = self.active().size();
        let written = self.active_mut().append(&mut parts, &placed);
        // The bytes may be there although the indexes failed: then memory and disk disagree.
        self.broken = written.is_err() && self.active().size() != before;
        written
    }

    fn commit(&mut self, prepared: &[Prepared], changes: Changes) -> Result<(), StorageError> {
        let end = prepared.last().map_or(self.log_end, |ready| ready.header.next_offset());
        self.log_end = end;
        for append in changes.producers.into_values() {
            self.producers.update(append);
        }
        for completed in &changes.completed {
            let last_stable_offset = self.producers.stable_offset_after(completed);
            if completed.aborted {
                let noted = self.active_mut().note_aborted(AbortedTransaction {
                    producer_id: completed.producer_id,
                    first_offset: completed.first_offset,
                    last_offset: completed.last_offset,
                    last_stable_offset,
                });
                self.broken |= noted.is_err();
                noted?;
            }
            self.producers.complete(completed);
        }
        self.producers.set_end(end);
        Ok(())
    }

    fn outcome(&self, prepared: &[Prepared], options: &AppendOptions) -> AppendOutcome {
        let base_offset = prepared.first().map_or(self.log_end, |ready| ready.header.base_offset);
        let last_offset = prepared.last().map_or(self.log_end, |ready| ready.header.last_offset());
        let log_append_time = match self.config.timestamp_type {
            TimestampType::CreateTime => Timestamp::NONE,
            TimestampType::LogAppendTime => options.now,
        };
        let log_start_offset = self.log_start;
        AppendOutcome { base_offset, last_offset, log_append_time, log_start_offset, duplicate: false }
    }
}
