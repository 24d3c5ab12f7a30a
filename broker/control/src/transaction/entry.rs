//! What the coordinator knows of one transactional id (Kafka: TransactionMetadata, read side).

use std::collections::BTreeSet;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use super::effect::WriteMarkers;
use super::state::TransactionState;
use super::timer::Timer;
use super::version::TransactionVersion;

/// One transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionEntry {
    /// The transactional id.
    pub transactional_id: String,
    /// The producer id in use.
    pub producer_id: ProducerId,
    /// The producer id before the last change of state; -1 when there was none.
    pub previous_producer_id: ProducerId,
    /// The producer id that takes over when the markers are written; -1 unless the epochs are used up.
    pub next_producer_id: ProducerId,
    /// The epoch in use; -1 only before the first InitProducerId is decided.
    pub producer_epoch: ProducerEpoch,
    /// The epoch before that, -1 when unknown. Kafka does not store it, so it is lost in a restart.
    pub last_producer_epoch: ProducerEpoch,
    /// Milliseconds after which the coordinator aborts an open transaction.
    pub timeout_ms: i32,
    /// State.
    pub state: TransactionState,
    /// The partitions of the open transaction.
    pub partitions: BTreeSet<TopicPartition>,
    /// When the open transaction began; -1 when none did.
    pub started: Timestamp,
    /// When something last changed.
    pub last_update: Timestamp,
    /// The version the client used last.
    pub client_version: TransactionVersion,
}

impl TransactionEntry {
    /// An id that is seen for the first time.
    #[must_use]
    pub fn new(transactional_id: String, fresh: ProducerId, timeout_ms: i32, now: Timestamp) -> TransactionEntry {
        TransactionEntry {
            transactional_id,
            producer_id: fresh,
            previous_producer_id: ProducerId::NONE,
            next_producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            last_producer_epoch: ProducerEpoch::NONE,
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            started: Timestamp::NONE,
            last_update: now,
            client_version: TransactionVersion::V0,
        }
    }

    /// Whether no further epoch may be given to a client: the largest is kept for fencing.
    #[must_use]
    pub fn is_epoch_exhausted(&self) -> bool {
        is_epoch_exhausted(self.producer_epoch)
    }

    /// Whether it is a two-phase-commit transaction, which has no timeout (KIP-939).
    #[must_use]
    pub fn is_two_phase_commit(&self) -> bool {
        self.timeout_ms == i32::MAX
    }

    /// The markers to write in a prepared state.
    #[must_use]
    pub fn markers(&self, coordinator_epoch: i32) -> WriteMarkers {
        assert!(self.state.is_prepared(), "markers follow a decision, the state is {}", self.state);
        WriteMarkers {
            transactional_id: self.transactional_id.clone(),
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            coordinator_epoch,
            commit: self.state == TransactionState::PrepareCommit,
            client_version: self.client_version,
            partitions: self.partitions.iter().cloned().collect(),
        }
    }

    /// The timer that ends the open transaction: its time is over one millisecond after the timeout
    /// (Kafka: TransactionStateManager.timedOutTransactions). `None` when it has none.
    #[must_use]
    pub fn timeout(&self) -> Option<(Timestamp, Timer)> {
        if self.state != TransactionState::Ongoing || self.is_two_phase_commit() {
            return None;
        }
        let timer = Timer::Timeout {
            transactional_id: self.transactional_id.clone(),
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            started: self.started,
        };
        Some((self.started.plus_ms(i64::from(self.timeout_ms)).plus_ms(1), timer))
    }
}

/// Whether `epoch` is the last one or the last but one.
#[must_use]
pub fn is_epoch_exhausted(epoch: ProducerEpoch) -> bool {
    epoch.0 >= i16::MAX - 1
}

/// Whether `epoch` is the one that is kept for fencing. No client was ever given it, so a request that names it is made up.
#[must_use]
pub fn is_reserved_epoch(epoch: ProducerEpoch) -> bool {
    epoch.0 == i16::MAX
}
