//! The timers of a transaction coordinator.

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

/// Names a timer of [`super::TransactionMachine`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A transaction has been open for its timeout. Means something only if exactly that transaction is still open.
    Timeout {
        /// The transactional id.
        transactional_id: String,
        /// The producer id of the transaction.
        producer_id: ProducerId,
        /// The epoch of the transaction.
        producer_epoch: ProducerEpoch,
        /// When the transaction began.
        started: Timestamp,
    },
    /// Look for transactional ids that were not used for `transactional.id.expiration.ms`; arms itself again.
    ExpireIds,
}
