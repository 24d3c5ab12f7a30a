//! What ConsumerGroupDescribe shows (Kafka: ConsumerGroup.asDescribedGroup, ConsumerGroupMember.asConsumerGroupDescribeMember).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use super::topics::TopicsImage;
use crate::error_code::ErrorCode;
use crate::group::machine::GroupMachine;

/// A group as ConsumerGroupDescribe shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupDescription {
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
    /// The assignor that most members ask for, or the default.
    pub assignor: Arc<str>,
    /// The members in the order of their ids.
    pub members: Vec<ConsumerMemberDescription>,
}

/// A member as ConsumerGroupDescribe shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMemberDescription {
    /// The member's id.
    pub member_id: Arc<str>,
    /// `group.instance.id`.
    pub instance_id: Option<Arc<str>>,
    /// `client.rack`.
    pub rack_id: Option<Arc<str>>,
    /// The member's epoch.
    pub epoch: i32,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// The topics that it reads by name, in order.
    pub topics: Vec<Arc<str>>,
    /// The regular expression that it reads by; empty when there is none.
    pub regex: Arc<str>,
    /// What it has, with what it has yet to give up.
    pub assignment: Vec<AssignedTopic>,
    /// What it shall have.
    pub target: Vec<AssignedTopic>,
    /// Whether it speaks the classic protocol: member type 0 instead of 1 (version 1 on).
    pub is_classic: bool,
}

/// Partitions of a topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedTopic {
    /// The topic's id.
    pub id: TopicId,
    /// The topic's name.
    pub name: Arc<str>,
    /// The partitions, in order.
    pub partitions: Vec<i32>,
}

impl AssignedTopic {
    /// Those of an assignment whose topics there are, with their names.
    pub(crate) fn named<P>(assignment: impl Iterator<Item = (TopicId, P)>, image: &TopicsImage) -> Vec<AssignedTopic>
    where
        P: IntoIterator<Item = i32>,
    {
        let topic = |(id, partitions): (TopicId, P)| {
            let name = image.by_id(id)?.name().clone();
            Some(AssignedTopic { id, name, partitions: partitions.into_iter().collect() })
        };
        assignment.filter_map(topic).collect()
    }
}

impl GroupMachine {
    /// Describes a consumer group.
    #[must_use]
    pub fn describe_consumer_group(&self, group_id: &str) -> ConsumerGroupDescription {
        match self.existing_consumer_group(group_id) {
            Ok(group) => self.describe_existing(group),
            Err(refusal) => ConsumerGroupDescription {
                error: refusal.error,
                error_message: Some(refusal.message),
                group_id: Arc::from(group_id),
                state: "",
                epoch: 0,
                assignment_epoch: 0,
                assignor: Arc::from(""),
                members: Vec::new(),
            },
        }
    }

    fn describe_existing(&self, group: &ConsumerGroup) -> ConsumerGroupDescription {
        let default = || self.config.consumer.assignors.first().cloned().unwrap_or_else(|| Arc::from(""));
        ConsumerGroupDescription {
            error: ErrorCode::None,
            error_message: None,
            group_id: group.id.clone(),
            state: group.state().name(),
            epoch: group.epoch,
            assignment_epoch: group.target_epoch,
            assignor: group.preferred_assignor().cloned().unwrap_or_else(default),
            members: group.members.values().map(|m| describe_member(group, m, &self.topics)).collect(),
        }
    }
}

fn describe_member(group: &ConsumerGroup, member: &ConsumerMember, image: &TopicsImage) -> ConsumerMemberDescription {
    let mut has: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
    for (topic, partitions) in member.assigned.iter().chain(&member.revoking) {
        has.entry(*topic).or_default().extend(partitions.keys());
    }
    has.values_mut().for_each(|partitions| partitions.sort_unstable());
    let shall = group.target(&member.id);
    let shall = shall.iter().map(|(topic, partitions)| (*topic, partitions.iter().copied()));
    let data = &member.data;
    ConsumerMemberDescription {
        member_id: member.id.clone(),
        instance_id: data.instance_id.clone(),
        rack_id: data.rack_id.clone(),
        epoch: member.epoch,
        client_id: data.client_id.clone(),
        client_host: data.client_host.clone(),
        topics: data.topics.iter().cloned().collect(),
        regex: data.regex.clone(),
        assignment: AssignedTopic::named(has.into_iter(), image),
        target: AssignedTopic::named(shall, image),
        is_classic: member.uses_classic_protocol(),
    }
}
