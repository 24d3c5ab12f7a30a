//! ConsumerGroupHeartbeat: joining, staying and leaving in one request (Kafka: GroupMetadataManager.consumerGroupHeartbeat).

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};

use super::draft::{ConsumerDraft, extended_session};
use super::group::ConsumerGroup;
use super::member::{AWAY_EPOCH, ConsumerMember, LEAVING_EPOCH};
use super::reconcile::Owned;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;
use crate::group::draft::{GroupDecision, answer};
use crate::group::event::GroupEvent;
use crate::group::machine::GroupMachine;
use crate::group::records::EpochAssignment;
use crate::group::reply::GroupReply;
use crate::machine::ReplyTo;

/// A ConsumerGroupHeartbeat.
#[derive(Clone, Debug)]
pub struct ConsumerHeartbeat {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The member's id; empty only when a member of version 0 joins.
    pub member_id: Arc<str>,
    /// The member's epoch: 0 joins, -1 leaves, -2 leaves for a while (static members).
    pub member_epoch: i32,
    /// `group.instance.id`; `None` for null: not static, or not changed.
    pub instance_id: Option<Arc<str>>,
    /// `client.rack`; `None` for null: none, or not changed.
    pub rack_id: Option<Arc<str>>,
    /// Milliseconds for giving up partitions; `None` for -1: not changed.
    pub rebalance_timeout_ms: Option<i32>,
    /// The topics that the member reads by name; `None` for null: not changed.
    pub topics: Option<Vec<Arc<str>>>,
    /// The regular expression that it reads by; `None` for null: not changed. Version 1 on.
    pub regex: Option<Arc<str>>,
    /// The assignor that it asks for; `None` for null: not changed.
    pub assignor: Option<Arc<str>>,
    /// What the member has; `None` for null: not changed.
    pub owned: Option<Vec<(TopicId, Vec<i32>)>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address as Kafka prints it, `/127.0.0.1`.
    pub client_host: Arc<str>,
    /// Whether the member must bring its id: version 1 on.
    pub requires_member_id: bool,
    /// A random UUID as Kafka prints one (a [`TopicId`]'s text form), for a member that has no id.
    pub fresh_member_id: Arc<str>,
}

/// The answer to ConsumerGroupHeartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    /// Success, or why not.
    pub error: ErrorCode,
    /// Kafka's words for the error; `None` on success.
    pub error_message: Option<String>,
    /// The member's id; `None` on errors.
    pub member_id: Option<Arc<str>>,
    /// The member's epoch; 0 on errors.
    pub member_epoch: i32,
    /// Milliseconds until the next heartbeat is expected; 0 on errors and when the member leaves.
    pub heartbeat_interval_ms: i32,
    /// What the member has from now on; `None` when nothing has changed.
    pub assignment: Option<Vec<(TopicId, Vec<i32>)>>,
}

impl ConsumerHeartbeatReply {
    pub(crate) fn refusal(refusal: Refusal) -> ConsumerHeartbeatReply {
        ConsumerHeartbeatReply {
            error: refusal.error,
            error_message: Some(refusal.message),
            member_id: None,
            member_epoch: 0,
            heartbeat_interval_ms: 0,
            assignment: None,
        }
    }

    pub(crate) fn left(member_id: Arc<str>, member_epoch: i32) -> ConsumerHeartbeatReply {
        ConsumerHeartbeatReply {
            error: ErrorCode::None,
            error_message: None,
            member_id: Some(member_id),
            member_epoch,
            heartbeat_interval_ms: 0,
            assignment: None,
        }
    }
}

impl ConsumerHeartbeat {
    /// Whether all is said that a member says when it joins.
    fn is_full(&self) -> bool {
        let subscribes = self.topics.is_some() || self.regex.is_some();
        self.rebalance_timeout_ms.is_some() && subscribes && self.owned.is_some()
    }

    pub(super) fn owned(&self) -> Option<Owned> {
        self.owned
            .as_ref()
            .map(|owned| owned.iter().flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p))).collect())
    }
}

impl GroupMachine {
    pub(in crate::group) fn consumer_heartbeat(&self, now: Timestamp, heartbeat: ConsumerHeartbeat) -> GroupDecision {
        let reply_to = heartbeat.reply_to;
        self.try_consumer_heartbeat(now, heartbeat).unwrap_or_else(|refusal| {
            answer(reply_to, GroupReply::ConsumerHeartbeat(ConsumerHeartbeatReply::refusal(refusal)))
        })
    }

    fn try_consumer_heartbeat(
        &self,
        now: Timestamp,
        mut heartbeat: ConsumerHeartbeat,
    ) -> Result<GroupDecision, Refusal> {
        self.check_consumer_heartbeat(&heartbeat)?;
        if matches!(heartbeat.member_epoch, LEAVING_EPOCH | AWAY_EPOCH) {
            return self.leave_consumer_group(now, &heartbeat);
        }
        if let Some(group) = self.consumer_groups.get(&heartbeat.group_id)
            && let Some(decision) = self.steady_heartbeat(now, group, &heartbeat)
        {
            return Ok(decision);
        }
        if heartbeat.member_id.is_empty() {
            heartbeat.member_id = heartbeat.fresh_member_id.clone();
        }
        let draft = self.draft_consumer_group(now, &heartbeat.group_id, heartbeat.member_epoch == 0)?;
        draft.heartbeat(&heartbeat)
    }

    /// The answer to a heartbeat that says nothing new to a group in which nothing is new: almost every one.
    fn steady_heartbeat(
        &self,
        now: Timestamp,
        group: &ConsumerGroup,
        heartbeat: &ConsumerHeartbeat,
    ) -> Option<GroupDecision> {
        let member = group.members.get(&heartbeat.member_id)?;
        let settled = group.topics_seen == Some(self.topics.version())
            && group.epoch <= group.target_epoch
            && group.regexes.is_empty()
            && member.regex().is_none()
            && member.is_reconciled_to(group.target_epoch);
        let instance_is_its = heartbeat.instance_id.is_none() || heartbeat.instance_id == member.data.instance_id;
        if !settled
            || heartbeat.member_epoch != member.epoch
            || !instance_is_its
            || member.updated(heartbeat) != member.data
        {
            return None;
        }
        let timeout_ms = self.consumer_session_timeout_ms(&group.id);
        let (change, timer) = extended_session(group, &member.id, now, timeout_ms);
        let reply = self.heartbeat_reply(&group.id, member, heartbeat.is_full());
        let mut decision = answer(heartbeat.reply_to, GroupReply::ConsumerHeartbeat(reply));
        decision.events.push(GroupEvent::ConsumerChanged { group_id: group.id.clone(), change });
        decision.timers.extend(timer);
        Some(decision)
    }

    fn heartbeat_reply(
        &self,
        group_id: &str,
        member: &ConsumerMember,
        tell_assignment: bool,
    ) -> ConsumerHeartbeatReply {
        let interval_ms = self.overrides_of(group_id).heartbeat_interval_ms;
        ConsumerHeartbeatReply {
            error: ErrorCode::None,
            error_message: None,
            member_id: Some(member.id.clone()),
            member_epoch: member.epoch,
            heartbeat_interval_ms: interval_ms.unwrap_or(self.config.consumer.heartbeat_interval_ms),
            assignment: tell_assignment.then(|| partitions_of(&member.assigned)),
        }
    }

    pub(super) fn consumer_session_timeout_ms(&self, group_id: &str) -> i32 {
        self.overrides_of(group_id).session_timeout_ms.unwrap_or(self.config.consumer.session_timeout_ms)
    }
}

impl ConsumerDraft<'_> {
    fn heartbeat(mut self, heartbeat: &ConsumerHeartbeat) -> Result<GroupDecision, Refusal> {
        let joins = heartbeat.member_epoch == 0;
        self.check_room(&heartbeat.member_id)?;
        let before = self.find_or_subscribe(heartbeat)?;
        let data = before.updated(heartbeat);
        let topics_changed = self.update_member(&before, &data);
        let regex = self.update_regexes(&before, &data)?;
        // Kafka counts on the newcomer to read something; one that does not would leave the others without an assignment.
        let bump = topics_changed || regex.needs_new_target() || self.is_upgraded;
        self.update_epoch(bump);
        self.update_target();
        let owned = heartbeat.owned();
        let member = self.reconcile(&before.id, topics_changed || regex.has_changed(), owned.as_ref())?;
        self.extend_session_by_group(&before.id);
        let tell = joins || heartbeat.is_full() || before.assigned != member.assigned;
        let reply = self.machine.heartbeat_reply(&self.group.id, &member, tell);
        self.decision.replies.push((heartbeat.reply_to, GroupReply::ConsumerHeartbeat(reply)));
        Ok(self.decision)
    }
}

fn partitions_of(assigned: &EpochAssignment) -> Vec<(TopicId, Vec<i32>)> {
    assigned.iter().map(|(topic, partitions)| (*topic, partitions.keys().copied().collect())).collect()
}
