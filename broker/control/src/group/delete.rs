//! DeleteGroups, OffsetDelete, and the offsets of deleted topics (Kafka: GroupCoordinatorShard.deleteGroups,
//! OffsetMetadataManager.deleteOffsets, onTopicsDeleted).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::command::{DeleteGroups, DeleteOffsets, TopicDeleted};
use super::consumer::ConsumerGroup;
use super::draft::{GroupDecision, answer};
use super::event::GroupEvent;
use super::machine::GroupMachine;
use super::reply::{DeleteOffsetsReply, GroupReply, PartitionResult};
use super::state::GroupState;
use crate::error_code::ErrorCode;

/// Tells whether a group reads a topic.
type Subscribed<'a> = Box<dyn Fn(&str) -> bool + 'a>;

impl GroupMachine {
    pub(super) fn delete_groups(&self, now: Timestamp, delete: DeleteGroups) -> GroupDecision {
        let mut decision = GroupDecision::default();
        let mut results = Vec::with_capacity(delete.group_ids.len());
        for group_id in delete.group_ids {
            if let Some(group) = self.consumer_groups.get(&group_id) {
                let error = self.delete_consumer_group(&mut decision, now, group);
                results.push((group_id, error));
                continue;
            }
            if let Some(group) = self.share_groups.get(&group_id) {
                let error = GroupMachine::delete_share_group(&mut decision, group);
                results.push((group_id, error));
                continue;
            }
            let error = match self.groups.get(&group_id) {
                None => ErrorCode::GroupIdNotFound,
                Some(group) if group.state != GroupState::Empty => ErrorCode::NonEmptyGroup,
                Some(_) => {
                    self.remove_group(&mut decision, &group_id);
                    ErrorCode::None
                }
            };
            results.push((group_id, error));
        }
        decision.replies.push((delete.reply_to, GroupReply::DeleteGroups(results)));
        decision
    }

    fn remove_group(&self, decision: &mut GroupDecision, group_id: &Arc<str>) {
        self.remove_offsets(decision, group_id);
        decision.events.push(GroupEvent::Removed { group_id: group_id.clone() });
    }

    fn remove_offsets(&self, decision: &mut GroupDecision, group_id: &Arc<str>) {
        for partition in self.offsets.partitions(group_id) {
            decision
                .events
                .push(GroupEvent::OffsetRemoved { group_id: group_id.clone(), partition: partition.clone() });
        }
    }

    fn delete_consumer_group(&self, decision: &mut GroupDecision, now: Timestamp, group: &ConsumerGroup) -> ErrorCode {
        if !group.is_empty() {
            return ErrorCode::NonEmptyGroup;
        }
        self.remove_offsets(decision, group.id());
        decision.events.extend(self.end_empty_consumer_group(now, group));
        ErrorCode::None
    }

    pub(super) fn delete_offsets(&self, delete: DeleteOffsets) -> GroupDecision {
        let checked = self.check_group_id(&delete.group_id).and_then(|()| self.subscription_of(&delete.group_id));
        let is_subscribed = match checked {
            Ok(is_subscribed) => is_subscribed,
            Err(error) => {
                let reply = DeleteOffsetsReply { error, partitions: Vec::new() };
                return answer(delete.reply_to, GroupReply::DeleteOffsets(reply));
            }
        };
        let mut decision = GroupDecision::default();
        let mut partitions = Vec::with_capacity(delete.partitions.len());
        for partition in delete.partitions {
            let subscribed = is_subscribed(&partition.topic);
            let error = if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            partitions.push(PartitionResult { partition: partition.clone(), error });
            let known = self.offsets.get(&delete.group_id, &partition).is_some()
                || self.offsets.is_open(&delete.group_id, &partition);
            if known && !subscribed {
                decision.events.push(GroupEvent::OffsetRemoved { group_id: delete.group_id.clone(), partition });
            }
        }
        let reply = DeleteOffsetsReply { error: ErrorCode::None, partitions };
        decision.replies.push((delete.reply_to, GroupReply::DeleteOffsets(reply)));
        decision
    }

    /// Whether a topic is read by the group; an error if it has members that nothing is known of.
    fn subscription_of(&self, group_id: &str) -> Result<Subscribed<'_>, ErrorCode> {
        if let Some(group) = self.consumer_groups.get(group_id) {
            let topics = group.subscribed_topics();
            return Ok(Box::new(move |topic| topics.iter().any(|t| &***t == topic)));
        }
        match self.groups.get(group_id) {
            None => Err(ErrorCode::GroupIdNotFound),
            Some(group) if group.state == GroupState::Empty || group.uses_consumer_protocol() => {
                Ok(Box::new(|topic| group.is_subscribed_to(topic)))
            }
            Some(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    pub(super) fn topic_deleted(&self, deleted: &TopicDeleted) -> GroupDecision {
        let events = self
            .offsets
            .of_topic(&deleted.topic)
            .map(|(group_id, partition)| GroupEvent::OffsetRemoved {
                group_id: group_id.clone(),
                partition: partition.clone(),
            })
            .collect();
        GroupDecision { events, ..GroupDecision::default() }
    }
}
