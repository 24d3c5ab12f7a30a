//! What can be asked of a group coordinator without changing it: committed offsets, descriptions, lists.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use crate::error_code::ErrorCode;

/// One partition of an OffsetFetch answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The committed offset; -1 when there is none, or with an error.
    pub offset: Offset,
    /// Epoch of the last record read, or [`LeaderEpoch::UNKNOWN`].
    pub leader_epoch: LeaderEpoch,
    /// The note; empty when there is none.
    pub metadata: Arc<str>,
    /// Success (also when nothing is committed), or UNSTABLE_OFFSET_COMMIT.
    pub error: ErrorCode,
}

/// A group as DescribeGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Success, or GROUP_ID_NOT_FOUND: versions before 6 send success and the state `Dead` instead.
    pub error: ErrorCode,
    /// What is wrong (version 6 on).
    pub error_message: Option<String>,
    /// The group.
    pub group_id: Arc<str>,
    /// The state's name, see [`GroupState::name`](super::GroupState::name).
    pub state: &'static str,
    /// `consumer` for example; empty if there is none.
    pub protocol_type: Arc<str>,
    /// The protocol selected; empty unless the group is stable.
    pub protocol: Arc<str>,
    /// The members in the order of their ids.
    pub members: Vec<MemberDescription>,
}

/// A member as DescribeGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// The member's id.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member (version 4 on).
    pub instance_id: Option<Arc<str>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// The metadata for the protocol selected; empty unless the group is stable.
    pub metadata: Bytes,
    /// The assignment; empty unless the group is stable.
    pub assignment: Bytes,
}

/// A group as ListGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// The group.
    pub group_id: Arc<str>,
    /// `consumer` for example; empty if there is none.
    pub protocol_type: Arc<str>,
    /// The state's name (version 4 on).
    pub state: &'static str,
    /// `classic` (version 5 on).
    pub group_type: &'static str,
}
