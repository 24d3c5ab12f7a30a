//! What is asked of a transaction coordinator, one type a request.

use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};

use super::timer::Timer;
use super::version::TransactionVersion;
use crate::machine::ReplyTo;

/// A command of [`super::TransactionMachine`].
#[derive(Clone, Debug)]
pub enum Command {
    /// Start a producer or fence its earlier incarnation. Answered by [`super::Reply::InitProducerId`].
    InitProducerId(InitProducerId),
    /// Make partitions part of the transaction (AddPartitionsToTxn without verify-only, and the implicit addition by an append of
    /// a version 2 producer). Answered by [`super::Reply::AddPartitions`].
    AddPartitions(AddPartitions),
    /// Make the group's partition of `__consumer_offsets` part of the transaction. Answered by [`super::Reply::AddPartitions`].
    AddOffsets(AddOffsets),
    /// Commit or abort. Answered by [`super::Reply::EndTxn`].
    EndTxn(EndTxn),
    /// The runtime has written every marker of a [`super::Effect::WriteMarkers`]. Not answered.
    MarkersWritten(MarkersWritten),
    /// A timer has fired. Not answered.
    Timer(Timer),
}

impl Command {
    /// Who waits for the answer, if there is one.
    #[must_use]
    pub fn reply_to(&self) -> Option<ReplyTo> {
        match self {
            Command::InitProducerId(command) => Some(command.reply_to),
            Command::AddPartitions(command) => Some(command.reply_to),
            Command::AddOffsets(command) => Some(command.reply_to),
            Command::EndTxn(command) => Some(command.reply_to),
            Command::MarkersWritten(_) | Command::Timer(_) => None,
        }
    }
}

/// InitProducerId with a transactional id. (Without one no coordinator is asked: the runtime hands out a fresh producer id, epoch 0.)
#[derive(Clone, Debug)]
pub struct InitProducerId {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The transactional id; an empty one is refused.
    pub transactional_id: String,
    /// Milliseconds after which the coordinator aborts a transaction by itself; more than 0, at most `transaction.max.timeout.ms`.
    pub timeout_ms: i32,
    /// Who the producer believes it is (KIP-360); `None` when the request holds producer id -1.
    pub expected: Option<(ProducerId, ProducerEpoch)>,
    /// A producer id nobody has, from the metadata machine's blocks; thrown away when it is not needed.
    pub fresh_producer_id: ProducerId,
    /// When an open transaction must be aborted first: `true` lets the machine ask the runtime to bring the command again once the
    /// markers are written ([`super::Effect::Again`]), `false` answers CONCURRENT_TRANSACTIONS at once, as Kafka does.
    pub wait_for_abort: bool,
}

/// AddPartitionsToTxn of one transaction.
#[derive(Clone, Debug)]
pub struct AddPartitions {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The transactional id.
    pub transactional_id: String,
    /// The producer's id.
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// The partitions; the caller has checked that they exist and that the client may write to them.
    pub partitions: Vec<TopicPartition>,
    /// See [`TransactionVersion::of_add_partitions`].
    pub client_version: TransactionVersion,
}

/// AddOffsetsToTxn.
#[derive(Clone, Debug)]
pub struct AddOffsets {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The transactional id.
    pub transactional_id: String,
    /// The producer's id.
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// The partition of `__consumer_offsets` that holds the group: [`super::partition_for`] of the group id.
    pub offsets_partition: i32,
}

/// EndTxn.
#[derive(Clone, Debug)]
pub struct EndTxn {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The transactional id.
    pub transactional_id: String,
    /// The producer's id.
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// Commit, or else abort.
    pub commit: bool,
    /// See [`TransactionVersion::of_end_txn`]. A job inside the broker passes [`TransactionVersion::V0`]: it cannot send a batch
    /// late, so its epoch stays and it needs no answer but the error code.
    pub client_version: TransactionVersion,
    /// A producer id nobody has, used only when version 2 has used up the epochs of the present one.
    pub fresh_producer_id: ProducerId,
}

/// Names the transaction whose markers are written; everything but the transactional id is copied from the effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkersWritten {
    /// The transactional id.
    pub transactional_id: String,
    /// The producer id in the markers.
    pub producer_id: ProducerId,
    /// The epoch in the markers.
    pub producer_epoch: ProducerEpoch,
}
