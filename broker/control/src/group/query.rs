//! What can be asked of a group coordinator without changing it: committed offsets, descriptions, lists.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{LeaderEpoch, Offset, TopicId, TopicPartition};

use super::classic_group::{CONSUMER_PROTOCOL_TYPE, ClassicGroup};
use super::machine::GroupMachine;
use super::member::Member;
use super::records::OffsetCommitValue;
use super::state::GroupState;
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
    /// The topic's id that the offset was committed for, or [`TopicId::ZERO`]. A request by topic id (version 10) for another id
    /// that is not zero either is answered as if nothing were committed.
    pub topic_id: TopicId,
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
    /// The assignment of the last stable generation.
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
    /// `classic`, `consumer` or `share` (version 5 on).
    pub group_type: &'static str,
}

/// The types of groups here, as ListGroups names them.
const CLASSIC_TYPE: &str = "classic";
const CONSUMER_TYPE: &str = "consumer";
const SHARE_TYPE: &str = "share";

impl GroupMachine {
    /// The committed offsets of `partitions` in their order, or of all partitions that have one. With `require_stable`, partitions
    /// for which an open transaction has an offset are answered by UNSTABLE_OFFSET_COMMIT (KIP-447). A group that is not known has
    /// no offsets; that is no error (Kafka: OffsetMetadataManager.fetchOffsets, fetchAllOffsets).
    #[must_use]
    pub fn fetch_offsets(
        &self,
        group_id: &str,
        partitions: Option<&[TopicPartition]>,
        require_stable: bool,
    ) -> Vec<FetchedOffset> {
        let fetched = |partition: &TopicPartition, value: Option<&OffsetCommitValue>| {
            if require_stable && self.offsets.is_open(group_id, partition) {
                fetched(partition, None, ErrorCode::UnstableOffsetCommit)
            } else {
                fetched(partition, value, ErrorCode::None)
            }
        };
        match partitions {
            Some(partitions) => partitions.iter().map(|p| fetched(p, self.offsets.get(group_id, p))).collect(),
            None => self.offsets.committed(group_id).map(|(p, value)| fetched(p, Some(value))).collect(),
        }
    }

    /// Describes a group; one that is not known is `Dead`.
    #[must_use]
    pub fn describe_group(&self, group_id: &str) -> GroupDescription {
        match self.groups.get(group_id) {
            Some(group) => describe(group),
            None => GroupDescription {
                error: ErrorCode::GroupIdNotFound,
                error_message: Some(match self.has_group(group_id) {
                    true => format!("Group {group_id} is not a classic group."),
                    false => format!("Group {group_id} not found."),
                }),
                group_id: Arc::from(group_id),
                state: GroupState::Dead.name(),
                protocol_type: Arc::from(""),
                protocol: Arc::from(""),
                members: Vec::new(),
            },
        }
    }

    /// Lists the groups in one of `states` and of one of `types`, without regard to case; an empty filter lets all pass.
    #[must_use]
    pub fn list_groups<S: AsRef<str>>(&self, states: &[S], types: &[S]) -> Vec<GroupListing> {
        let passes = |filter: &[S], name: &str| {
            filter.is_empty() || filter.iter().any(|f| f.as_ref().trim().eq_ignore_ascii_case(name))
        };
        let classic = self.groups.values().map(|g| GroupListing {
            group_id: g.id.clone(),
            protocol_type: g.protocol_type.clone().unwrap_or_else(|| Arc::from("")),
            state: g.state.name(),
            group_type: CLASSIC_TYPE,
        });
        let consumer = self.consumer_groups.values().map(|g| GroupListing {
            group_id: g.id().clone(),
            protocol_type: CONSUMER_PROTOCOL_TYPE.into(),
            state: g.state().name(),
            group_type: CONSUMER_TYPE,
        });
        let share = self.share_groups.values().map(|g| GroupListing {
            group_id: g.id().clone(),
            protocol_type: SHARE_TYPE.into(),
            state: g.state(),
            group_type: SHARE_TYPE,
        });
        classic
            .chain(consumer)
            .chain(share)
            .filter(|g| passes(types, g.group_type) && passes(states, g.state))
            .collect()
    }

    /// The ids of all groups, those of each type in order.
    pub fn group_ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.keys().chain(self.consumer_groups.keys()).chain(self.share_groups.keys())
    }
}

fn fetched(partition: &TopicPartition, value: Option<&OffsetCommitValue>, error: ErrorCode) -> FetchedOffset {
    FetchedOffset {
        partition: partition.clone(),
        offset: value.map_or(Offset(-1), |v| v.offset),
        leader_epoch: value.map_or(LeaderEpoch::UNKNOWN, |v| v.leader_epoch),
        topic_id: value.map_or(TopicId::ZERO, |v| v.topic_id),
        metadata: value.map_or_else(|| Arc::from(""), |v| v.metadata.clone()),
        error,
    }
}

fn describe(group: &ClassicGroup) -> GroupDescription {
    // The protocol is settled only while the group is stable.
    let protocol = group.protocol.clone().filter(|_| group.state == GroupState::Stable);
    GroupDescription {
        error: ErrorCode::None,
        error_message: None,
        group_id: group.id.clone(),
        state: group.state.name(),
        protocol_type: group.protocol_type.clone().unwrap_or_else(|| Arc::from("")),
        members: group.members.values().map(|m| describe_member(m, protocol.as_deref())).collect(),
        protocol: protocol.unwrap_or_else(|| Arc::from("")),
    }
}

fn describe_member(member: &Member, protocol: Option<&str>) -> MemberDescription {
    MemberDescription {
        member_id: member.id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata: protocol.and_then(|p| member.metadata(p)).cloned().unwrap_or_default(),
        assignment: member.assignment.clone(),
    }
}
