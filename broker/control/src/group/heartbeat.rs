//! Heartbeat, and what happens when none comes (Kafka: GroupMetadataManager.classicGroupHeartbeatToClassicGroup,
//! expireClassicGroupMemberHeartbeat).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::classic_group::ClassicGroup;
use super::command::Heartbeat;
use super::draft::{Draft, GroupDecision, answer, extended_session};
use super::event::{GroupChange, GroupEvent};
use super::machine::GroupMachine;
use super::member::Member;
use super::reply::GroupReply;
use super::state::GroupState;
use super::timer::GroupTimer;
use crate::error_code::ErrorCode;

impl GroupMachine {
    pub(super) fn heartbeat(&self, now: Timestamp, heartbeat: &Heartbeat) -> GroupDecision {
        if let Some(group) = self.consumer_groups.get(&heartbeat.group_id) {
            return self.heartbeat_consumer_group(now, group, heartbeat);
        }
        let (group, member) = match self.check_heartbeat(heartbeat) {
            Ok(found) => found,
            Err(error) => return answer(heartbeat.reply_to, GroupReply::Heartbeat(error)),
        };
        let error = match group.state {
            GroupState::PreparingRebalance => ErrorCode::RebalanceInProgress,
            _ => ErrorCode::None,
        };
        let mut decision = answer(heartbeat.reply_to, GroupReply::Heartbeat(error));
        keep_alive(&mut decision, now, group, member);
        decision
    }

    fn check_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(&ClassicGroup, &Member), ErrorCode> {
        self.check_group_id(&heartbeat.group_id)?;
        let group = self.groups.get(&heartbeat.group_id).ok_or(ErrorCode::UnknownMemberId)?;
        let member = group.validate_member(&heartbeat.member_id, heartbeat.instance_id.as_deref())?;
        if heartbeat.generation != group.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok((group, member))
    }

    /// A session timer has fired. It counts only if it is the member's current one, and then the deadline decides.
    pub(super) fn session_timer(
        &self,
        now: Timestamp,
        group_id: &Arc<str>,
        member_id: &Arc<str>,
        at: Timestamp,
    ) -> GroupDecision {
        let Some(group) = self.groups.get(group_id) else { return GroupDecision::default() };
        let Some(member) = group.members.get(member_id) else { return GroupDecision::default() };
        if member.timer_at != Some(at) {
            return GroupDecision::default();
        }
        let mut draft = Draft::of(&self.config, now, group);
        let deadline = member.deadline;
        if now < deadline {
            let timer = GroupTimer::Session { group_id: group_id.clone(), member_id: member_id.clone(), at: deadline };
            draft.arm(deadline, timer);
            draft.change(GroupChange::MemberSeen { member_id: member_id.clone(), deadline, timer_at: Some(deadline) });
        } else if member.is_waiting_for_us() {
            // The answer that it waits for starts the session anew.
            draft.change(GroupChange::MemberSeen { member_id: member_id.clone(), deadline, timer_at: None });
        } else {
            draft.log(format!("Member {member_id} in group {group_id} has failed, removing it from the group"));
            draft.remove_member(member_id);
            draft.after_removal(&format!("removing member {member_id} on heartbeat expiration"));
        }
        draft.decision
    }

    /// A member id that was given out has not been used in time.
    pub(super) fn pending_member_timer(
        &self,
        now: Timestamp,
        group_id: &Arc<str>,
        member_id: &Arc<str>,
        at: Timestamp,
    ) -> GroupDecision {
        match self.groups.get(group_id) {
            Some(group) if group.pending_members.get(member_id) == Some(&at) => {
                let mut draft = Draft::of(&self.config, now, group);
                draft.change(GroupChange::PendingRemoved(member_id.clone()));
                if group.state == GroupState::PreparingRebalance && draft.group.has_all_members_joined() {
                    draft.complete_join();
                }
                draft.decision
            }
            _ => GroupDecision::default(),
        }
    }
}

/// A member's session goes on.
pub(super) fn keep_alive(decision: &mut GroupDecision, now: Timestamp, group: &ClassicGroup, member: &Member) {
    let (change, timer) = extended_session(&group.id, member, now, i64::from(member.session_timeout_ms));
    decision.events.push(GroupEvent::Changed { group_id: group.id.clone(), change });
    decision.timers.extend(timer);
}

impl Draft<'_> {
    /// A member has failed: the others share its work, or a rebalance need not wait for it any longer.
    fn after_removal(&mut self, reason: &str) {
        match self.group.state {
            GroupState::PreparingRebalance if self.group.has_all_members_joined() => self.complete_join(),
            GroupState::Stable | GroupState::CompletingRebalance => self.start_rebalance(reason),
            _ => {}
        }
    }
}
