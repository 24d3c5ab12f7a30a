//! The last batches of one producer in one partition (Kafka: ProducerStateEntry, BatchMetadata).

use std::collections::VecDeque;

use crate::batch::BatchHeader;
use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// How many batches are remembered, so that a retry of any of them is known: as many as a producer may have in flight.
pub(crate) const REMEMBERED_BATCHES: usize = 5;

/// One batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchMetadata {
    pub(crate) last_sequence: Sequence,
    pub(crate) last_offset: Offset,
    /// Records of the batch less one.
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: Timestamp,
}

impl BatchMetadata {
    pub(crate) fn first_sequence(&self) -> Sequence {
        let first = i64::from(self.last_sequence.0) - i64::from(self.offset_delta);
        // Before 0 comes i32::MAX.
        Sequence(if first >= 0 { first } else { first + i64::from(i32::MAX) + 1 } as i32)
    }

    pub(crate) fn first_offset(&self) -> Offset {
        Offset(self.last_offset.0 - i64::from(self.offset_delta))
    }
}

/// A producer as one log knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerEntry {
    pub(crate) producer_id: ProducerId,
    pub(crate) epoch: ProducerEpoch,
    pub(crate) coordinator_epoch: i32,
    pub(crate) last_timestamp: Timestamp,
    /// First offset of the transaction that is open.
    pub(crate) transaction_start: Option<Offset>,
    /// The last batches of this epoch, oldest first.
    pub(crate) batches: VecDeque<BatchMetadata>,
}

impl ProducerEntry {
    pub(crate) fn new(producer_id: ProducerId) -> ProducerEntry {
        ProducerEntry {
            producer_id,
            epoch: ProducerEpoch::NONE,
            coordinator_epoch: -1,
            last_timestamp: Timestamp::NONE,
            transaction_start: None,
            batches: VecDeque::new(),
        }
    }

    pub(crate) fn last_sequence(&self) -> Sequence {
        self.batches.back().map_or(Sequence::NONE, |batch| batch.last_sequence)
    }

    /// The remembered batch that `header` repeats.
    pub(crate) fn duplicate_of(&self, header: &BatchHeader) -> Option<BatchMetadata> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let repeats = |batch: &&BatchMetadata| {
            batch.first_sequence() == header.base_sequence && batch.last_sequence == header.last_sequence()
        };
        self.batches.iter().find(repeats).copied()
    }

    /// A new epoch forgets the batches of the old one.
    pub(crate) fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.batches.clear();
            self.epoch = epoch;
        }
    }

    pub(crate) fn remember(&mut self, batch: BatchMetadata) {
        if self.batches.len() == REMEMBERED_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    /// Takes over what an append has changed.
    pub(crate) fn merge(&mut self, newer: ProducerEntry) {
        self.enter_epoch(newer.epoch);
        for batch in newer.batches {
            self.remember(batch);
        }
        self.coordinator_epoch = newer.coordinator_epoch;
        self.last_timestamp = newer.last_timestamp;
        self.transaction_start = newer.transaction_start;
    }
}
