//! What a share coordinator answers.

use crate::error_code::ErrorCode;
use crate::share::partition::StateBatch;

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareStateError {
    /// Kafka's code.
    pub error: ErrorCode,
    /// Kafka's words.
    pub message: &'static str,
}

/// The state of a share-partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadState {
    /// Epoch of the state.
    pub state_epoch: i32,
    /// SPSO; -1 when the partition's leader has to find it.
    pub start_offset: i64,
    /// States of records.
    pub batches: Vec<StateBatch>,
}

/// The state of a share-partition without its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSummary {
    /// Epoch of the state.
    pub state_epoch: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// SPSO; -1 when it is not known.
    pub start_offset: i64,
    /// How many records from SPSO on are done with; -1 when it is not known.
    pub delivery_complete_count: i32,
}

impl StateSummary {
    /// Of a share-partition that nothing is kept of (Kafka: PartitionFactory).
    pub(super) const UNKNOWN: StateSummary =
        StateSummary { state_epoch: 0, leader_epoch: 0, start_offset: -1, delivery_complete_count: -1 };
}

/// An answer to a [`ShareStateCommand`](super::ShareStateCommand).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareStateReply {
    /// To Initialize, Write and Delete.
    Done(Result<(), ShareStateError>),
    /// To Read.
    Read(Result<ReadState, ShareStateError>),
    /// To ReadSummary.
    Summary(Result<StateSummary, ShareStateError>),
}
