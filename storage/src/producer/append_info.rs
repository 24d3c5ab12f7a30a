//! Checks the batches of one append against their producer's state, and collects what they change (Kafka: ProducerAppendInfo).
//!
//! Nothing changes in the log's state until the append is written.

use crate::batch::{BatchHeader, ControlRecord};
use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::{BatchMetadata, ProducerEntry, ProducerError};

/// Whose append it is, which says how much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProducerOrigin {
    /// All is checked.
    Client,
    /// Sequences are not: coordinators write without.
    Coordinator,
    /// Nothing is: a leader has done so.
    Replication,
}

/// A transaction that a marker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompletedTransaction {
    pub(crate) producer_id: ProducerId,
    pub(crate) first_offset: Offset,
    /// Offset of the marker.
    pub(crate) last_offset: Offset,
    pub(crate) aborted: bool,
}

/// The changes of one append to one producer's state.
#[derive(Debug)]
pub(crate) struct ProducerAppend {
    origin: ProducerOrigin,
    /// State before the append.
    current_epoch: ProducerEpoch,
    current_last_sequence: Sequence,
    /// What the append adds; starts without batches.
    pub(super) updated: ProducerEntry,
    /// First offsets of transactions that the append opens.
    pub(super) started: Vec<Offset>,
}

impl ProducerAppend {
    pub(crate) fn new(producer_id: ProducerId, current: Option<&ProducerEntry>, origin: ProducerOrigin) -> Self {
        let unknown = ProducerEntry::new(producer_id);
        let current = current.unwrap_or(&unknown);
        let updated = ProducerEntry { batches: Default::default(), ..current.clone() };
        ProducerAppend {
            origin,
            current_epoch: current.epoch,
            current_last_sequence: current.last_sequence(),
            updated,
            started: Vec::new(),
        }
    }

    pub(crate) fn producer_id(&self) -> ProducerId {
        self.updated.producer_id
    }

    /// Adds a batch of data whose offsets are assigned.
    pub(crate) fn data(&mut self, header: &BatchHeader) -> Result<(), ProducerError> {
        self.check_epoch(header.producer_epoch)?;
        if self.origin == ProducerOrigin::Client {
            self.check_sequence(header)?;
        }
        self.updated.enter_epoch(header.producer_epoch);
        self.updated.remember(BatchMetadata {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        self.updated.last_timestamp = header.max_timestamp;
        match self.updated.transaction_start {
            Some(since) if !header.is_transactional() => {
                return Err(ProducerError::InvalidTxnState { producer_id: self.producer_id(), since });
            }
            None if header.is_transactional() => {
                self.updated.transaction_start = Some(header.base_offset);
                self.started.push(header.base_offset);
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a marker. `None` if no transaction was open: then it changes nothing that readers see.
    pub(crate) fn marker(
        &mut self,
        marker: ControlRecord,
        epoch: ProducerEpoch,
        offset: Offset,
        timestamp: Timestamp,
    ) -> Result<Option<CompletedTransaction>, ProducerError> {
        self.check_epoch(epoch)?;
        if self.updated.coordinator_epoch > marker.coordinator_epoch && self.origin != ProducerOrigin::Replication {
            return Err(ProducerError::CoordinatorFenced {
                producer_id: self.producer_id(),
                found: marker.coordinator_epoch,
                current: self.updated.coordinator_epoch,
            });
        }
        let completed = self.updated.transaction_start.take().map(|first_offset| CompletedTransaction {
            producer_id: self.producer_id(),
            first_offset,
            last_offset: offset,
            aborted: !marker.is_commit(),
        });
        self.updated.enter_epoch(epoch);
        self.updated.coordinator_epoch = marker.coordinator_epoch;
        self.updated.last_timestamp = timestamp;
        Ok(completed)
    }

    fn check_epoch(&self, found: ProducerEpoch) -> Result<(), ProducerError> {
        let current = self.updated.epoch;
        if found < current && self.origin != ProducerOrigin::Replication {
            return Err(ProducerError::InvalidProducerEpoch { producer_id: self.producer_id(), found, current });
        }
        Ok(())
    }

    fn check_sequence(&self, header: &BatchHeader) -> Result<(), ProducerError> {
        let found = header.base_sequence;
        let out_of_order =
            |last| Err(ProducerError::OutOfOrderSequence { producer_id: self.producer_id(), found, last });
        if header.producer_epoch != self.updated.epoch {
            // A new epoch begins at 0, unless the log does not know the producer (any more): then any sequence will do.
            if found.0 != 0 && self.updated.epoch != ProducerEpoch::NONE {
                return out_of_order(self.updated.last_sequence());
            }
            return Ok(());
        }
        let last = if !self.updated.batches.is_empty() {
            self.updated.last_sequence()
        } else if header.producer_epoch == self.current_epoch {
            self.current_last_sequence
        } else {
            Sequence::NONE
        };
        if self.current_epoch == ProducerEpoch::NONE || follows(last, found) { Ok(()) } else { out_of_order(last) }
    }
}

fn follows(last: Sequence, next: Sequence) -> bool {
    i64::from(next.0) == i64::from(last.0) + 1 || (next.0 == 0 && last.0 == i32::MAX)
}
