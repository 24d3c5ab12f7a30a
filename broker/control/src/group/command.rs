//! What is asked of a group coordinator: plain fields, already freed from the wire's versions.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicId, TopicPartition};

use super::consumer::{AllOverrides, ConsumerHeartbeat, RegexesResolved, TopicsImage};
use super::timer::GroupTimer;
use crate::machine::ReplyTo;
use crate::share::group::{
    AlterShareOffsets, DeleteShareOffsets, ReleaseShareState, ShareHeartbeat, ShareOffsetsDeleted,
    ShareStateInitialized,
};

/// A command to a `GroupMachine`.
///
/// The caller has checked authorization and found that the group belongs to this machine's partition of `__consumer_offsets`.
#[derive(Clone, Debug)]
pub enum GroupCommand {
    /// JoinGroup; answered by [`GroupReply::Join`](super::GroupReply::Join), often much later.
    Join(Join),
    /// SyncGroup; answered by [`GroupReply::Sync`](super::GroupReply::Sync), often later.
    Sync(Sync),
    /// Heartbeat; answered at once by [`GroupReply::Heartbeat`](super::GroupReply::Heartbeat).
    Heartbeat(Heartbeat),
    /// LeaveGroup; answered at once by [`GroupReply::Leave`](super::GroupReply::Leave).
    Leave(Leave),
    /// ConsumerGroupHeartbeat; answered at once by [`GroupReply::ConsumerHeartbeat`](super::GroupReply::ConsumerHeartbeat).
    ConsumerHeartbeat(Box<ConsumerHeartbeat>),
    /// ShareGroupHeartbeat; answered at once by [`GroupReply::ShareHeartbeat`](super::GroupReply::ShareHeartbeat).
    ShareHeartbeat(Box<ShareHeartbeat>),
    /// What came of states that the share coordinator was to begin. No reply.
    ShareStateInitialized(ShareStateInitialized),
    /// AlterShareGroupOffsets; answered by [`GroupReply::AlterShareOffsets`](super::GroupReply::AlterShareOffsets).
    AlterShareOffsets(AlterShareOffsets),
    /// DeleteShareGroupOffsets, its first half; answered by [`GroupReply::DeleteShareOffsets`](super::GroupReply::DeleteShareOffsets).
    DeleteShareOffsets(DeleteShareOffsets),
    /// DeleteShareGroupOffsets, its second half; answered by
    /// [`GroupReply::ShareOffsetsDeleted`](super::GroupReply::ShareOffsetsDeleted).
    ShareOffsetsDeleted(ShareOffsetsDeleted),
    /// DeleteGroups, its first half for a share group; answered by
    /// [`GroupReply::ReleaseShareState`](super::GroupReply::ReleaseShareState).
    ReleaseShareState(ReleaseShareState),
    /// The topics as they are from now on. No reply. To be given before the requests that shall see them; consumer groups assign the
    /// partitions of these topics only. Writes nothing, so that it cannot fail for lack of room.
    Topics(Arc<TopicsImage>),
    /// What share groups keep of topics that are gone is to be forgotten. No reply. To be given after [`GroupCommand::Topics`]; what
    /// cannot be written then is forgotten with the next look for expired offsets.
    ForgetTopics,
    /// What is set on single groups from now on, by group. No reply.
    Overrides(Arc<AllOverrides>),
    /// What an effect [`GroupEffect::ResolveRegexes`](super::GroupEffect::ResolveRegexes) asked for. No reply.
    RegexesResolved(RegexesResolved),
    /// OffsetCommit; answered by [`GroupReply::CommitOffsets`](super::GroupReply::CommitOffsets).
    CommitOffsets(CommitOffsets),
    /// TxnOffsetCommit; answered by [`GroupReply::CommitOffsets`](super::GroupReply::CommitOffsets).
    CommitTransactionalOffsets(CommitTransactionalOffsets),
    /// A transaction marker was appended to this machine's partition. No reply.
    TransactionMarker(TransactionMarker),
    /// DeleteGroups; answered by [`GroupReply::DeleteGroups`](super::GroupReply::DeleteGroups).
    DeleteGroups(DeleteGroups),
    /// OffsetDelete; answered by [`GroupReply::DeleteOffsets`](super::GroupReply::DeleteOffsets).
    DeleteOffsets(DeleteOffsets),
    /// A topic is gone, and with it the offsets committed for it. No reply.
    TopicDeleted(TopicDeleted),
    /// A timer has fired. No reply of its own, but parked requests may be answered.
    Timer(GroupTimer),
}

/// A member wants to be part of the group's next generation.
#[derive(Clone, Debug)]
pub struct Join {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The member's id; empty when it has none yet.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member (KIP-345); `None` for a dynamic one. Sent from version 5 on.
    pub instance_id: Option<Arc<str>>,
    /// The client's id; the first part of a new member id.
    pub client_id: Arc<str>,
    /// The client's address as Kafka prints it, `/127.0.0.1`.
    pub client_host: Arc<str>,
    /// Milliseconds without a sign of life after which the member is removed.
    pub session_timeout_ms: i32,
    /// Milliseconds that the member has for joining again in a rebalance. Version 0 has none: pass the session timeout.
    pub rebalance_timeout_ms: i32,
    /// `consumer` or `connect`; all members of a group have the same.
    pub protocol_type: Arc<str>,
    /// The protocols (assignors) that the member supports, best first, each with its metadata (the subscription).
    pub protocols: Vec<(Arc<str>, Bytes)>,
    /// Why the member joins, for the operator's log (KIP-800); version 8 on.
    pub reason: Option<Arc<str>>,
    /// Whether a dynamic member without an id is first given one and sent back (KIP-394): version 4 on.
    pub require_known_member_id: bool,
    /// Whether a static leader may be told to skip the assignment (KIP-814): version 9 on.
    pub supports_skipping_assignment: bool,
    /// A random UUID in its usual text form, from which a new member id is made if one is needed.
    pub fresh_member_uuid: Arc<str>,
}

/// A member has joined and wants its assignment; the leader brings everybody's.
#[derive(Clone, Debug)]
pub struct Sync {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The generation of the member's JoinGroup answer.
    pub generation: i32,
    /// The member.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// The protocol type that the member believes in; checked if given (KIP-559, version 5 on).
    pub protocol_type: Option<Arc<str>>,
    /// The protocol that the member believes was selected; checked if given (KIP-559, version 5 on).
    pub protocol_name: Option<Arc<str>>,
    /// Member id and assignment of each member, from the leader; empty from the others.
    pub assignments: Vec<(Arc<str>, Bytes)>,
}

/// A sign of life.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The member's generation.
    pub generation: i32,
    /// The member.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
}

/// Members leave, or an administrator removes them.
#[derive(Clone, Debug)]
pub struct Leave {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// Who leaves. Versions before 3 name one member.
    pub members: Vec<LeavingMember>,
}

/// One member of a [`Leave`].
#[derive(Clone, Debug)]
pub struct LeavingMember {
    /// The member's id; empty when only the instance id is known.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// Why, for the operator's log (KIP-800).
    pub reason: Option<Arc<str>>,
}

/// One partition's offset to commit.
#[derive(Clone, Debug)]
pub struct OffsetToCommit {
    /// The partition. The caller has found it to exist.
    pub partition: TopicPartition,
    /// The topic's id if known, else [`TopicId::ZERO`]. Kept in memory; Kafka's record has no place for it.
    pub topic_id: TopicId,
    /// The next offset to read.
    pub offset: Offset,
    /// Epoch of the last record read, or [`LeaderEpoch::UNKNOWN`].
    pub leader_epoch: LeaderEpoch,
    /// The client's note; `None` counts as empty.
    pub metadata: Option<Arc<str>>,
}

/// Offsets to commit, by a member, or by anybody when the group has no members.
#[derive(Clone, Debug)]
pub struct CommitOffsets {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The member's generation; -1 from a consumer without group membership or an admin client.
    pub generation: i32,
    /// The member; empty when there is none.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// Milliseconds after which the offset expires (versions 2 to 4); `None` (-1 on the wire) for the broker's retention.
    pub retention_ms: Option<i64>,
    /// Whether a missing group is answered by GROUP_ID_NOT_FOUND (version 9 on) instead of ILLEGAL_GENERATION.
    pub knows_group_id_not_found: bool,
    /// The offsets; the answer has the same order.
    pub offsets: Vec<OffsetToCommit>,
}

/// Offsets to commit when the producer's transaction commits.
#[derive(Clone, Debug)]
pub struct CommitTransactionalOffsets {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The transaction's producer. The caller has verified that this partition is part of its transaction (KIP-890).
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// The member's generation; -1 without fencing by generation (before KIP-447).
    pub generation: i32,
    /// The member; empty when there is none.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// The offsets; the answer has the same order.
    pub offsets: Vec<OffsetToCommit>,
}

/// The end of a producer's transaction in this partition.
#[derive(Clone, Copy, Debug)]
pub struct TransactionMarker {
    /// Whose transaction has ended.
    pub producer_id: ProducerId,
    /// Whether it was committed, not aborted.
    pub committed: bool,
}

/// Empty groups to remove together with their offsets.
#[derive(Clone, Debug)]
pub struct DeleteGroups {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The groups; the answer has the same order.
    pub group_ids: Vec<Arc<str>>,
}

/// Committed offsets to remove.
#[derive(Clone, Debug)]
pub struct DeleteOffsets {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The partitions; the answer has the same order.
    pub partitions: Vec<TopicPartition>,
}

/// A topic is gone.
#[derive(Clone, Debug)]
pub struct TopicDeleted {
    /// The topic's name.
    pub topic: Arc<str>,
}
