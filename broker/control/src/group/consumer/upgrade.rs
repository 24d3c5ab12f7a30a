//! From a classic group to a consumer group while its members stay (Kafka: getOrMaybeCreateConsumerGroup, validateOnlineUpgrade,
//! convertToConsumerGroup, ConsumerGroup.fromClassicGroup).

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};

use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use super::record::ConsumerRecord;
use super::refusal::Refusal;
use super::topics::TopicsImage;
use crate::error_code::ErrorCode;
use crate::group::classic_group::ClassicGroup;
use crate::group::event::GroupEvent;
use crate::group::machine::GroupMachine;
use crate::group::member::Member;
use crate::group::records::{
    Assignment, ClassicProtocols, EpochAssignment, GroupEpochValue, MemberValue, Subscription, TargetAssignmentValue,
    TargetEpochValue, decode_assignment,
};
use crate::group::reply::{GroupReply, JoinReply, SyncReply};
use crate::group::state::GroupState;

impl GroupMachine {
    /// A decision about the group; with `create` it comes into being, or a classic group becomes it.
    pub(super) fn draft_consumer_group(
        &self,
        now: Timestamp,
        group_id: &Arc<str>,
        create: bool,
    ) -> Result<ConsumerDraft<'_>, Refusal> {
        if let Some(group) = self.consumer_groups.get(group_id) {
            return Ok(ConsumerDraft::of(self, now, group.clone()));
        }
        let not_found = |message: String| Err(Refusal::new(ErrorCode::GroupIdNotFound, message));
        if self.share_groups.contains_key(group_id) {
            return not_found(format!("Group {group_id} is not a consumer group."));
        }
        match self.groups.get(group_id) {
            None if !create => not_found(format!("Consumer group {group_id} not found.")),
            None => match self.check_room_for_group() {
                Ok(()) => Ok(ConsumerDraft::of(self, now, ConsumerGroup::new(group_id.clone()))),
                Err(error) => Err(Refusal::new(error, "The coordinator has no room for another group.")),
            },
            Some(_) if !create => not_found(format!("Group {group_id} is not a consumer group.")),
            Some(classic) => {
                let mut draft = ConsumerDraft::of(self, now, ConsumerGroup::new(group_id.clone()));
                draft.decision.events.push(GroupEvent::Removed { group_id: group_id.clone() });
                if classic.state == GroupState::Empty {
                    draft.log("Converted the empty classic group to a consumer group.".into());
                } else {
                    draft.upgrade(classic)?;
                }
                Ok(draft)
            }
        }
    }
}

fn cannot(group_id: &str, why: &str) -> Refusal {
    let message = format!("Cannot upgrade classic group {group_id} to consumer group because {why}.");
    Refusal::new(ErrorCode::GroupIdNotFound, message)
}

impl ConsumerDraft<'_> {
    fn upgrade(&mut self, classic: &ClassicGroup) -> Result<(), Refusal> {
        if !self.config().migration_policy.allows_upgrade() {
            return Err(cannot(&classic.id, "online upgrade is disabled"));
        }
        if !classic.uses_consumer_protocol() {
            return Err(cannot(&classic.id, "the group does not use the consumer embedded protocol"));
        }
        if classic.members.len() > usize::try_from(self.config().max_size).unwrap_or(0) {
            return Err(cannot(&classic.id, "the group size exceeds the consumer group maximum size"));
        }
        self.send_back_to_join(classic);
        let members = converted(classic, self.image())?;
        self.record_converted(classic.generation, &members);
        for member in &members {
            let timeout_ms = member.data.classic.as_ref().map_or(0, |c| c.session_timeout_ms);
            self.extend_session(&member.id, timeout_ms);
        }
        self.is_upgraded = true;
        self.log("Converted the classic group to a consumer group.".into());
        Ok(())
    }

    /// Whoever waits for the classic rebalance joins again and finds the new group.
    fn send_back_to_join(&mut self, classic: &ClassicGroup) {
        for member in classic.members.values() {
            if let Some(reply_to) = member.awaiting_join {
                let reply = JoinReply::error(member.id.clone(), ErrorCode::RebalanceInProgress);
                self.decision.replies.push((reply_to, GroupReply::Join(reply)));
            }
            if let Some(reply_to) = member.awaiting_sync {
                let reply = SyncReply::error(ErrorCode::RebalanceInProgress);
                self.decision.replies.push((reply_to, GroupReply::Sync(reply)));
            }
        }
    }

    /// The order is Kafka's (ConsumerGroup.createConsumerGroupRecords).
    fn record_converted(&mut self, generation: i32, members: &[ConsumerMember]) {
        for member in members {
            self.save_member(&member.id, &member.data);
        }
        let metadata_hash = self.metadata_hash();
        self.record(ConsumerRecord::Epoch(Some(GroupEpochValue { epoch: generation, metadata_hash })));
        for member in members {
            let partitions: Assignment =
                member.assigned.iter().map(|(topic, of_topic)| (*topic, of_topic.keys().copied().collect())).collect();
            self.record(ConsumerRecord::Target(member.id.clone(), Some(TargetAssignmentValue { partitions })));
        }
        let value = TargetEpochValue { epoch: generation, computed_at: Timestamp(0) };
        self.record(ConsumerRecord::TargetEpoch(Some(value)));
        for member in members {
            self.record(ConsumerRecord::Current(member.id.clone(), Some(member.save_current())));
        }
    }
}

fn converted(classic: &ClassicGroup, image: &TopicsImage) -> Result<Vec<ConsumerMember>, Refusal> {
    // Before its first generation a group has no protocol yet.
    let protocol = classic.protocol.clone().unwrap_or_else(|| classic.select_protocol());
    let mut taken: BTreeSet<(TopicId, i32)> = BTreeSet::new();
    let mut members = Vec::with_capacity(classic.members.len());
    for member in classic.members.values() {
        let member = converted_member(classic, member, &protocol, image)?;
        for (topic, partitions) in &member.assigned {
            for partition in partitions.keys() {
                if !taken.insert((*topic, *partition)) {
                    let message = format!(
                        "Cannot set the epoch of {topic}-{partition} to {0} because the partition is still owned at epoch {0}",
                        classic.generation
                    );
                    return Err(Refusal::new(ErrorCode::UnknownServerError, message));
                }
            }
        }
        members.push(member);
    }
    Ok(members)
}

fn converted_member(
    classic: &ClassicGroup,
    member: &Member,
    protocol: &str,
    image: &TopicsImage,
) -> Result<ConsumerMember, Refusal> {
    let malformed = || cannot(&classic.id, "the embedded consumer protocol is malformed");
    // A member that has never synced has no assignment.
    let (topics, has_data) = match member.assignment.is_empty() {
        true => (Vec::new(), false),
        false => decode_assignment(&member.assignment).map_err(|_| malformed())?,
    };
    if has_data {
        let why = "an unsupported custom assignor is in use. Please refer to the documentation or switch to a default \
                   assignor before re-attempting the upgrade";
        return Err(cannot(&classic.id, why));
    }
    let metadata = member.metadata(protocol).ok_or_else(malformed)?;
    let subscription = Subscription::decode(metadata).map_err(|_| malformed())?;
    let epochs = |partitions: Vec<i32>| partitions.into_iter().map(|p| (p, classic.generation)).collect();
    let assigned: EpochAssignment = topics
        .into_iter()
        .filter_map(|(topic, partitions)| Some((image.by_name(&topic)?.id(), epochs(partitions))))
        .collect();
    let (session_timeout_ms, protocols) = (member.session_timeout_ms, member.protocols.clone());
    let new = ConsumerMember::new(member.id.clone());
    Ok(ConsumerMember {
        epoch: classic.generation,
        previous_epoch: classic.generation,
        assigned,
        data: MemberValue {
            instance_id: member.instance_id.clone(),
            rack_id: subscription.rack_id,
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            topics: subscription.topics.into_iter().collect(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            classic: Some(ClassicProtocols { session_timeout_ms, protocols }),
            ..new.data.clone()
        },
        ..new
    })
}
