//! What a group coordinator answers: plain fields, to be put into the wire's version by the API handlers.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::TopicPartition;

use super::consumer::{ConsumerHeartbeatReply, Refusal};
use super::records::Assignment;
use crate::error_code::ErrorCode;
use crate::share::group::{AlteredShareOffsets, DeletedShareOffsets};

/// An answer of a `GroupMachine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupReply {
    /// To JoinGroup.
    Join(JoinReply),
    /// To SyncGroup.
    Sync(SyncReply),
    /// To Heartbeat.
    Heartbeat(ErrorCode),
    /// To LeaveGroup.
    Leave(LeaveReply),
    /// To ConsumerGroupHeartbeat.
    ConsumerHeartbeat(ConsumerHeartbeatReply),
    /// To ShareGroupHeartbeat.
    ShareHeartbeat(ConsumerHeartbeatReply),
    /// To AlterShareGroupOffsets.
    AlterShareOffsets(Result<AlteredShareOffsets, Refusal>),
    /// To the first half of DeleteShareGroupOffsets.
    DeleteShareOffsets(Result<DeletedShareOffsets, Refusal>),
    /// To the second half: it is written.
    ShareOffsetsDeleted,
    /// To the first half of DeleteGroups: which states the share coordinator has to delete; none where there is no such share group.
    ReleaseShareState(Result<Assignment, ErrorCode>),
    /// To OffsetCommit and TxnOffsetCommit, in the order asked.
    CommitOffsets(Vec<PartitionResult>),
    /// To DeleteGroups, in the order asked.
    DeleteGroups(Vec<(Arc<str>, ErrorCode)>),
    /// To OffsetDelete.
    DeleteOffsets(DeleteOffsetsReply),
}

/// The answer to JoinGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinReply {
    /// Success, or why not.
    pub error: ErrorCode,
    /// The new generation; -1 on errors.
    pub generation: i32,
    /// The group's protocol type; `None` on errors (version 7 on; nullable there).
    pub protocol_type: Option<Arc<str>>,
    /// The protocol selected; `None` on errors. Versions before 7 cannot carry null and take the empty string.
    pub protocol_name: Option<Arc<str>>,
    /// The leader's member id; empty on errors.
    pub leader: Arc<str>,
    /// Whether the leader must not compute an assignment (KIP-814; version 9 on).
    pub skip_assignment: bool,
    /// The member's id, new with MEMBER_ID_REQUIRED.
    pub member_id: Arc<str>,
    /// The members, for the leader only.
    pub members: Vec<JoinedMember>,
}

impl JoinReply {
    /// Refuses `member_id` with `error`.
    #[must_use]
    pub fn error(member_id: Arc<str>, error: ErrorCode) -> JoinReply {
        JoinReply {
            error,
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: Arc::from(""),
            skip_assignment: false,
            member_id,
            members: Vec::new(),
        }
    }
}

/// A member as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member's id.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// The member's metadata for the protocol selected.
    pub metadata: Bytes,
}

/// The answer to SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncReply {
    /// Success, or why not.
    pub error: ErrorCode,
    /// The group's protocol type; `None` on errors (version 5 on).
    pub protocol_type: Option<Arc<str>>,
    /// The protocol selected; `None` on errors (version 5 on).
    pub protocol_name: Option<Arc<str>>,
    /// The member's assignment; empty on errors.
    pub assignment: Bytes,
}

impl SyncReply {
    /// Refuses with `error`.
    #[must_use]
    pub fn error(error: ErrorCode) -> SyncReply {
        SyncReply { error, protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}

/// The answer to LeaveGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveReply {
    /// An error of the whole request. Versions before 3 carry `members[0].error` here instead when this is success.
    pub error: ErrorCode,
    /// What became of each member, in the order asked; empty if `error` is one.
    pub members: Vec<LeftMember>,
}

/// One member of a [`LeaveReply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    /// The member's id as asked.
    pub member_id: Arc<str>,
    /// The instance id as asked.
    pub instance_id: Option<Arc<str>>,
    /// Success, or why not.
    pub error: ErrorCode,
}

/// What became of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionResult {
    /// The partition.
    pub partition: TopicPartition,
    /// Success, or why not.
    pub error: ErrorCode,
}

/// The answer to OffsetDelete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteOffsetsReply {
    /// An error of the whole request.
    pub error: ErrorCode,
    /// What became of each partition, in the order asked; empty if `error` is one.
    pub partitions: Vec<PartitionResult>,
}
