//! Work outside the machine that a decision of a transaction coordinator asks for.

use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};

use super::command::{Command, MarkersWritten};

/// Work for the runtime, done in order after the decision's events were appended and applied.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write an end marker to each partition, then bring [`Command::MarkersWritten`]. A partition that no longer exists counts as
    /// written (Kafka: TransactionMarkerRequestCompletionHandler does so on UNKNOWN_TOPIC_OR_PARTITION). The list may be empty.
    WriteMarkers(WriteMarkers),
    /// Bring this command again after the markers of the effects before it are written.
    Again(Box<Command>),
}

/// The markers that end one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteMarkers {
    /// The transactional id.
    pub transactional_id: String,
    /// The producer id of the markers.
    pub producer_id: ProducerId,
    /// The epoch of the markers; with version 2 it is one above that of the transaction's records (KIP-890).
    pub producer_epoch: ProducerEpoch,
    /// The coordinator epoch of the markers: the leader epoch of the coordinator's partition.
    pub coordinator_epoch: i32,
    /// COMMIT markers, or else ABORT.
    pub commit: bool,
    /// The version the client used; the partition checks the marker's epoch more strictly for version 2 (KIP-890, 4.2).
    pub client_version: super::TransactionVersion,
    /// Where to, sorted; those of `__consumer_offsets` among them.
    pub partitions: Vec<TopicPartition>,
}

impl WriteMarkers {
    /// The command to bring once all markers are written.
    #[must_use]
    pub fn written(&self) -> Command {
        Command::MarkersWritten(MarkersWritten {
            transactional_id: self.transactional_id.clone(),
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
        })
    }
}
