//! What ShareGroupDescribe shows (Kafka: ShareGroup.asDescribedGroup, ShareGroupMember.asShareGroupDescribeMember).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::config::SIMPLE;
use super::member::ShareMember;
use super::records::StateTopic;
use super::share_group::ShareGroup;
use crate::error_code::ErrorCode;
use crate::group::{AssignedTopic, GroupMachine, TopicsImage};

/// A group as ShareGroupDescribe shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareGroupDescription {
    /// GROUP_ID_NOT_FOUND for a group that is not there or of another protocol.
    pub error: ErrorCode,
    /// Kafka's words for the error.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: Arc<str>,
    /// The state's name; empty on errors.
    pub state: &'static str,
    /// The group's epoch.
    pub epoch: i32,
    /// The epoch of the target assignment.
    pub assignment_epoch: i32,
    /// The assignor; empty on errors.
    pub assignor: &'static str,
    /// The members in the order of their ids.
    pub members: Vec<ShareMemberDescription>,
}

/// A member as ShareGroupDescribe shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareMemberDescription {
    /// The member's id.
    pub member_id: Arc<str>,
    /// `client.rack`.
    pub rack_id: Option<Arc<str>>,
    /// The member's epoch.
    pub epoch: i32,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// The topics that it reads, in order.
    pub topics: Vec<Arc<str>>,
    /// What it has.
    pub assignment: Vec<AssignedTopic>,
}

impl GroupMachine {
    /// Describes a share group.
    #[must_use]
    pub fn describe_share_group(&self, group_id: &str) -> ShareGroupDescription {
        match self.existing_share_group(group_id) {
            Ok(group) => describe(group, &self.topics),
            Err(refusal) => ShareGroupDescription {
                error: refusal.error,
                error_message: Some(refusal.message),
                group_id: Arc::from(group_id),
                state: "",
                epoch: 0,
                assignment_epoch: 0,
                assignor: "",
                members: Vec::new(),
            },
        }
    }

    /// The partitions of a share group that have a state at the share coordinator, with their topics' names. None for a group that is
    /// not there (Kafka: initializedShareGroupPartitions).
    #[must_use]
    pub fn initialized_share_partitions(&self, group_id: &str) -> BTreeMap<TopicId, StateTopic> {
        self.share_groups.get(group_id).map(|group| group.state_value().initialized).unwrap_or_default()
    }
}

fn describe(group: &ShareGroup, image: &TopicsImage) -> ShareGroupDescription {
    ShareGroupDescription {
        error: ErrorCode::None,
        error_message: None,
        group_id: group.id.clone(),
        state: group.state(),
        epoch: group.epoch,
        assignment_epoch: group.target_epoch,
        assignor: SIMPLE,
        members: group.members.values().map(|m| describe_member(m, image)).collect(),
    }
}

fn describe_member(member: &ShareMember, image: &TopicsImage) -> ShareMemberDescription {
    let assigned = member.assigned.iter().map(|(id, partitions)| (*id, partitions.iter().copied()));
    ShareMemberDescription {
        member_id: member.id.clone(),
        rack_id: member.data.rack_id.clone(),
        epoch: member.epoch,
        client_id: member.data.client_id.clone(),
        client_host: member.data.client_host.clone(),
        topics: member.data.topics.iter().cloned().collect(),
        assignment: AssignedTopic::named(assigned, image),
    }
}
