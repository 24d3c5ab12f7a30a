//! How one transactional id changes (Kafka: TransactionMetadata.prepare*); each checks that the change is a legal one.

use std::collections::BTreeSet;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use super::entry::TransactionEntry;
use super::state::TransactionState::{
    self, CompleteAbort, CompleteCommit, Empty, Ongoing, PrepareAbort, PrepareCommit,
};
use super::version::TransactionVersion;

/// The producer is not the newest one of its transactional id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fenced;

impl TransactionEntry {
    /// A copy in the next state. Every change remembers the producer id before it.
    fn to(&self, state: TransactionState) -> TransactionEntry {
        assert!(
            state.valid_previous().contains(&self.state),
            "transactional id {:?} cannot go from {} to {state}",
            self.transactional_id,
            self.state
        );
        TransactionEntry { state, previous_producer_id: self.producer_id, ..self.clone() }
    }

    /// The next epoch for a producer that initialises itself (KIP-360): `expected` is the epoch it believes to have.
    pub(super) fn increment_epoch(
        &self,
        timeout_ms: i32,
        expected: Option<ProducerEpoch>,
        now: Timestamp,
    ) -> Result<TransactionEntry, Fenced> {
        assert!(!self.is_epoch_exhausted(), "no epoch is left for producer id {}", self.producer_id);
        let bumped = ProducerEpoch(self.producer_epoch.0 + 1);
        let (epoch, last) = match expected {
            None => (bumped, ProducerEpoch::NONE),
            Some(expected) if self.producer_epoch == ProducerEpoch::NONE || expected == self.producer_epoch => {
                (bumped, self.producer_epoch)
            }
            // A retry of a call that succeeded: the same answer again.
            Some(expected) if expected == self.last_producer_epoch => (self.producer_epoch, self.last_producer_epoch),
            Some(_) => return Err(Fenced),
        };
        Ok(TransactionEntry { producer_epoch: epoch, last_producer_epoch: last, ..self.emptied(timeout_ms, now) })
    }

    /// A fresh producer id with epoch 0, because the epochs of the present one are used up.
    pub(super) fn rotate_producer_id(
        &self,
        fresh: ProducerId,
        timeout_ms: i32,
        now: Timestamp,
        record_last_epoch: bool,
    ) -> TransactionEntry {
        TransactionEntry {
            producer_id: fresh,
            producer_epoch: ProducerEpoch(0),
            last_producer_epoch: if record_last_epoch { self.producer_epoch } else { ProducerEpoch::NONE },
            ..self.emptied(timeout_ms, now)
        }
    }

    fn emptied(&self, timeout_ms: i32, now: Timestamp) -> TransactionEntry {
        TransactionEntry {
            timeout_ms,
            partitions: BTreeSet::new(),
            started: Timestamp::NONE,
            last_update: now,
            ..self.to(Empty)
        }
    }

    /// With more partitions; begins a transaction when none is open.
    pub(super) fn add_partitions(
        &self,
        added: impl IntoIterator<Item = TopicPartition>,
        version: TransactionVersion,
        now: Timestamp,
    ) -> TransactionEntry {
        let mut next = self.to(Ongoing);
        next.partitions.extend(added);
        if self.state != Ongoing {
            next.started = now;
        }
        next.last_update = now;
        next.client_version = version;
        next
    }

    /// The decision to commit or abort. `next_producer_id` is set when version 2 would run out of epochs.
    pub(super) fn prepare_end(
        &self,
        commit: bool,
        version: TransactionVersion,
        next_producer_id: ProducerId,
        now: Timestamp,
    ) -> TransactionEntry {
        let mut next = self.to(if commit { PrepareCommit } else { PrepareAbort });
        if version.bumps_epoch() {
            // An abort at the largest epoch goes through without a bump, so that a broken producer can be recovered.
            assert!(!commit || self.producer_epoch.0 < i16::MAX, "a client never has the largest epoch");
            next.producer_epoch = ProducerEpoch(self.producer_epoch.0.saturating_add(1));
            next.last_producer_epoch = self.producer_epoch;
        }
        if next.started == Timestamp::NONE || self.state.is_expirable() {
            // Version 2 may abort without a partition having been added; the transaction still needs a start.
            next.started = now;
        }
        next.next_producer_id = next_producer_id;
        next.last_update = now;
        next.client_version = version;
        next
    }

    /// All markers are written.
    pub(super) fn complete(&self, now: Timestamp) -> TransactionEntry {
        let mut next = self.to(if self.state == PrepareCommit { CompleteCommit } else { CompleteAbort });
        if self.client_version.bumps_epoch() && self.next_producer_id != ProducerId::NONE {
            // `last_producer_epoch` stays at the last epoch the client saw, by which a retry is recognised.
            next.producer_id = self.next_producer_id;
            next.producer_epoch = ProducerEpoch(0);
        }
        next.next_producer_id = ProducerId::NONE;
        next.partitions = BTreeSet::new();
        next.last_update = now;
        next
    }
}
