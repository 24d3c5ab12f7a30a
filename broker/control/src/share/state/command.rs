//! What is asked of a share coordinator.

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use crate::group::TopicsImage;
use crate::machine::ReplyTo;
use crate::share::partition::StateBatch;

/// A partition as one share group reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharePartitionKey {
    /// The group.
    pub group_id: Arc<str>,
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub partition: i32,
}

/// What a share-partition's leader has to be kept (WriteShareGroupState).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteState {
    /// Epoch of the state; -1 is not checked.
    pub state_epoch: i32,
    /// The leader's epoch; -1 is not checked.
    pub leader_epoch: i32,
    /// SPSO; -1 leaves it.
    pub start_offset: i64,
    /// How many records from SPSO on are done with; -1 where that is not known.
    pub delivery_complete_count: i32,
    /// What has changed.
    pub batches: Vec<StateBatch>,
}

/// A request to a [`ShareCoordinator`](super::ShareCoordinator), each for one share-partition.
#[derive(Clone, Debug)]
pub enum ShareStateCommand {
    /// InitializeShareGroupState: a share-partition begins, or begins anew at another offset.
    Initialize {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Which.
        key: SharePartitionKey,
        /// Epoch of the state from now on.
        state_epoch: i32,
        /// SPSO; -1 when that is for the partition's leader to find.
        start_offset: i64,
    },
    /// ReadShareGroupState, by the partition's leader.
    Read {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Which.
        key: SharePartitionKey,
        /// The leader's epoch; older leaders are fenced from now on. -1 fences nobody.
        leader_epoch: i32,
    },
    /// WriteShareGroupState, by the partition's leader.
    Write {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Which.
        key: SharePartitionKey,
        /// What.
        write: WriteState,
    },
    /// DeleteShareGroupState.
    Delete {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Which.
        key: SharePartitionKey,
    },
    /// ReadShareGroupStateSummary, for describing a group's offsets.
    ReadSummary {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Which.
        key: SharePartitionKey,
    },
    /// Writes snapshots of what has not had one for long, so that the log's old records are not needed any more. To be sent every
    /// `share.coordinator.cold.partition.snapshot.interval.ms`.
    SnapshotCold,
    /// Topics are deleted, and what is kept of them.
    TopicsDeleted(BTreeSet<TopicId>),
    /// The topics are others now.
    TopicsChanged(Arc<TopicsImage>),
}
