//! What a fetch answers, without the wire's versions.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{BrokerId, LeaderEpoch, Offset, ProducerId, TopicId};

use crate::api::piece::Piece;

/// An answer to Fetch. What a version of the wire does not have is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchAnswer {
    /// How long the client was or is held back by a quota, in milliseconds.
    pub throttle_ms: i32,
    /// An error of the request as a whole, of its session for example (version 7 and later).
    pub error: ErrorCode,
    /// The fetch session, 0 for none (version 7 and later, KIP-227).
    pub session_id: i32,
    /// The topics in the order of the answer.
    pub topics: Vec<TopicAnswer>,
    /// Where the leaders live that partitions name in `current_leader` (version 16 and later, KIP-951).
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// The partitions of one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicAnswer {
    /// Its name, which goes out up to version 12.
    pub name: Arc<str>,
    /// Its id, which goes out from version 13 on (KIP-516).
    pub id: TopicId,
    /// Its partitions in the order of the answer.
    pub partitions: Vec<PartitionAnswer>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionAnswer {
    /// Its number.
    pub partition: i32,
    /// What went wrong with it.
    pub error: ErrorCode,
    /// The high watermark, -1 with an error.
    pub high_watermark: Offset,
    /// The last stable offset, -1 with an error.
    pub last_stable_offset: Offset,
    /// The log's first offset, -1 with an error (version 5 and later).
    pub log_start_offset: Offset,
    /// The aborted transactions of the records, for readers of committed records; `None` for others.
    pub aborted_transactions: Option<Vec<Aborted>>,
    /// A follower that the client had better read from, -1 for none (version 11 and later, KIP-392).
    pub preferred_read_replica: BrokerId,
    /// Where the client's log and ours part (version 12 and later, KIP-595).
    pub diverging_epoch: Option<EpochEnd>,
    /// The leader, when the client asked another broker (version 12 and later, KIP-951).
    pub current_leader: Option<Leader>,
    /// Whole batches; the pieces follow each other and need not have been in one piece in the log.
    pub records: Vec<Piece>,
}

/// An aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// Whose transaction.
    pub producer_id: ProducerId,
    /// Its first offset.
    pub first_offset: Offset,
}

/// The end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The first offset behind it.
    pub end_offset: Offset,
}

/// A leader and its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The broker.
    pub id: BrokerId,
    /// Its term.
    pub epoch: LeaderEpoch,
}

/// How to reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEndpoint {
    /// The broker.
    pub id: BrokerId,
    /// Its host.
    pub host: Arc<str>,
    /// Its port.
    pub port: i32,
    /// Its rack.
    pub rack: Option<Arc<str>>,
}

impl FetchAnswer {
    /// An answer that is an error of the whole request, as Kafka's `SessionErrorContext` gives it.
    #[must_use]
    pub fn refused(error: ErrorCode) -> FetchAnswer {
        FetchAnswer { throttle_ms: 0, error, session_id: 0, topics: Vec::new(), node_endpoints: Vec::new() }
    }
}

impl PartitionAnswer {
    /// A partition that cannot be read, as Kafka's `FetchResponse.partitionResponse` gives it: no offsets, no records.
    #[must_use]
    pub fn refused(partition: i32, error: ErrorCode) -> PartitionAnswer {
        PartitionAnswer {
            partition,
            error,
            high_watermark: Offset(-1),
            last_stable_offset: Offset(-1),
            log_start_offset: Offset(-1),
            aborted_transactions: None,
            preferred_read_replica: BrokerId(-1),
            diverging_epoch: None,
            current_leader: None,
            records: Vec::new(),
        }
    }

    /// Bytes of its records.
    #[must_use]
    pub fn records_len(&self) -> usize {
        self.records.iter().map(Piece::len).sum()
    }
}
