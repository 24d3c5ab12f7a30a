//! Members that leave or are taken out (Kafka: consumerGroupLeave, consumerGroupStaticMemberGroupLeave, consumerGroupFenceMembers).

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::heartbeat::{ConsumerHeartbeat, ConsumerHeartbeatReply};
use super::member::{AWAY_EPOCH, ConsumerMember};
use super::record::ConsumerRecord;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;
use crate::group::draft::GroupDecision;
use crate::group::machine::GroupMachine;
use crate::group::records::EpochAssignment;
use crate::group::reply::GroupReply;

impl GroupMachine {
    /// The group, if it is one of this protocol.
    pub(super) fn existing_consumer_group(&self, group_id: &str) -> Result<&ConsumerGroup, Refusal> {
        self.consumer_groups.get(group_id).ok_or_else(|| {
            let message = match self.has_group(group_id) {
                true => format!("Group {group_id} is not a consumer group."),
                false => format!("Group {group_id} not found."),
            };
            Refusal::new(ErrorCode::GroupIdNotFound, message)
        })
    }

    pub(super) fn leave_consumer_group(
        &self,
        now: Timestamp,
        heartbeat: &ConsumerHeartbeat,
    ) -> Result<GroupDecision, Refusal> {
        let group = self.existing_consumer_group(&heartbeat.group_id)?;
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        let member = match &heartbeat.instance_id {
            Some(instance) => draft.static_member_as(&heartbeat.member_id, instance)?,
            None => draft
                .member(&heartbeat.member_id)
                .ok_or_else(|| Refusal::not_a_member(&heartbeat.member_id, &heartbeat.group_id))?,
        };
        if heartbeat.instance_id.is_some() && heartbeat.member_epoch == AWAY_EPOCH {
            draft.log(format!("Static member {} temporarily left the consumer group.", member.id));
            draft.go_away(&member);
        } else {
            draft.log(format!("Member {} left the consumer group.", member.id));
            draft.fence(&[member.id.clone()].into());
        }
        let reply = ConsumerHeartbeatReply::left(heartbeat.member_id.clone(), heartbeat.member_epoch);
        draft.decision.replies.push((heartbeat.reply_to, GroupReply::ConsumerHeartbeat(reply)));
        Ok(draft.decision)
    }
}

impl ConsumerDraft<'_> {
    /// A static member will be back within its session: its partitions stay with its instance id, and whoever comes back with that
    /// counts as having had them from the start.
    fn go_away(&mut self, member: &ConsumerMember) {
        let mut away = ConsumerMember { epoch: AWAY_EPOCH, revoking: EpochAssignment::new(), ..member.clone() };
        away.assigned.values_mut().flat_map(|partitions| partitions.values_mut()).for_each(|epoch| *epoch = 0);
        self.record(ConsumerRecord::Current(member.id.clone(), Some(away.save_current())));
    }

    /// Takes members out. If all that are left speak the classic protocol, the group becomes a classic one.
    pub(super) fn fence(&mut self, members: &BTreeSet<Arc<str>>) {
        if members.is_empty() {
            return;
        }
        if self.may_downgrade_without(members) {
            let reason = format!("Downgrade group {} from consumer to classic for member leaving.", self.group.id);
            if self.downgrade(members, self.group.epoch, Some(&reason)) {
                return;
            }
        }
        let regexes: BTreeSet<Arc<str>> =
            members.iter().filter_map(|id| self.group.members.get(id)?.regex().cloned()).collect();
        for id in members {
            self.remove_member(id);
        }
        for regex in regexes {
            if self.group.readers_by(&regex) == 0 {
                self.record(ConsumerRecord::Regex(regex, None));
            }
        }
        let hash = self.metadata_hash();
        self.bump_epoch(hash);
    }
}
