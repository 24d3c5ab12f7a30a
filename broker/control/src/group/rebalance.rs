//! The course of a rebalance: asking the members to join again, the end of the join phase, and its time limits
//! (Kafka: GroupMetadataManager.prepareRebalance, completeClassicGroupJoin, tryCompleteInitialRebalanceElseSchedule).

use std::sync::Arc;

use bytes::Bytes;

use super::draft::Draft;
use super::event::GroupChange;
use super::reply::{GroupReply, JoinReply, SyncReply};
use super::state::GroupState;
use super::timer::GroupTimer;
use crate::error_code::ErrorCode;

impl Draft<'_> {
    /// Starts a rebalance, or goes on with the one under way.
    pub(super) fn rebalance_or_complete_join(&mut self, reason: &str) {
        if self.group.state == GroupState::PreparingRebalance {
            self.maybe_complete_join();
        } else {
            self.start_rebalance(reason);
        }
    }

    /// Asks all members to join again.
    pub(super) fn start_rebalance(&mut self, reason: &str) {
        if self.group.state == GroupState::CompletingRebalance {
            self.send_back_syncing_members();
        }
        let initial = self.group.state == GroupState::Empty;
        self.log(format!(
            "Preparing to rebalance group {} in state {} with old generation {} (reason: {reason})",
            self.group.id,
            self.group.state.name(),
            self.group.generation
        ));
        self.change(GroupChange::RebalanceStarted { at: self.now });
        if initial {
            let delay_ms = i64::from(self.config.initial_rebalance_delay_ms);
            let remaining_ms = (self.group.rebalance_timeout_ms() - delay_ms).max(0);
            self.arm_initial_join(delay_ms, remaining_ms);
        } else if self.group.has_all_members_joined() {
            self.complete_join();
        } else {
            self.arm_join();
        }
    }

    fn send_back_syncing_members(&mut self) {
        let waiting: Vec<_> =
            self.group.members.values().filter_map(|m| Some((m.id.clone(), m.awaiting_sync?))).collect();
        for (member_id, reply_to) in waiting {
            self.reply(reply_to, GroupReply::Sync(SyncReply::error(ErrorCode::RebalanceInProgress)));
            self.extend_session_by_timeout(&member_id);
        }
    }

    /// Lets a member's session end its own timeout from now.
    pub(super) fn extend_session_by_timeout(&mut self, member_id: &Arc<str>) {
        if let Some(timeout_ms) = self.group.members.get(member_id).map(|m| i64::from(m.session_timeout_ms)) {
            self.extend_session(member_id, timeout_ms);
        }
    }

    fn next_join_timer(&mut self) -> u64 {
        let rebalance = self.group.join_timer + 1;
        self.change(GroupChange::JoinTimerArmed(rebalance));
        rebalance
    }

    fn arm_join(&mut self) {
        let at = self.now.plus_ms(self.group.rebalance_timeout_ms());
        let rebalance = self.next_join_timer();
        self.arm(at, GroupTimer::Join { group_id: self.group.id.clone(), rebalance });
    }

    fn arm_initial_join(&mut self, delay_ms: i64, remaining_ms: i64) {
        let rebalance = self.next_join_timer();
        let group_id = self.group.id.clone();
        let at = self.now.plus_ms(delay_ms);
        self.arm(at, GroupTimer::InitialJoin { group_id, rebalance, delay_ms, remaining_ms });
    }

    /// One step of the delay before a first rebalance is over: waits on if somebody has come in the meantime and the rebalance
    /// timeout allows it.
    pub(super) fn initial_delay_over(&mut self, delay_ms: i64, remaining_ms: i64) {
        if self.group.new_member_added && remaining_ms > 0 {
            self.change(GroupChange::NewMemberAdded(false));
            let next_ms = i64::from(self.config.initial_rebalance_delay_ms).min(remaining_ms);
            self.arm_initial_join(next_ms, (remaining_ms - delay_ms).max(0));
        } else {
            self.complete_join();
        }
    }

    /// Ends the join phase if everybody is there; a first rebalance waits for its delay nonetheless.
    pub(super) fn maybe_complete_join(&mut self) {
        let first = self.group.previous_state == GroupState::Empty;
        if self.group.state == GroupState::PreparingRebalance && !first && self.group.has_all_members_joined() {
            self.complete_join();
        }
    }

    /// Ends the join phase with those who are there. Static members stay without having joined.
    pub(super) fn complete_join(&mut self) {
        self.remove_absent_dynamic_members();
        if self.group.members.is_empty() {
            self.empty_generation();
        } else if self.elect_joined_leader() {
            self.next_generation();
        } else {
            self.log(format!(
                "Group {} could not complete its rebalance because no member joined again",
                self.group.id
            ));
            self.arm_join();
        }
    }

    fn remove_absent_dynamic_members(&mut self) {
        let absent = self.group.members.values().filter(|m| m.awaiting_join.is_none() && m.instance_id.is_none());
        let absent: Vec<_> = absent.map(|m| m.id.clone()).collect();
        if !absent.is_empty() {
            self.log(format!(
                "Group {} removed dynamic members who have not joined: {}",
                self.group.id,
                absent.join(", ")
            ));
        }
        for member_id in absent {
            self.remove_member(&member_id);
        }
    }

    /// Makes sure that a member that has joined leads; false if none has.
    fn elect_joined_leader(&mut self) -> bool {
        let leader = self.group.leader.as_ref().and_then(|id| self.group.members.get(id));
        if leader.is_some_and(|l| l.awaiting_join.is_some()) {
            return true;
        }
        let Some(next) = self.group.members.values().find(|m| m.awaiting_join.is_some()) else { return false };
        let next = next.id.clone();
        self.log(format!("Group {} is led by {next} now, as its leader did not join in time", self.group.id));
        self.change(GroupChange::LeaderElected(next));
        true
    }

    fn empty_generation(&mut self) {
        let mut value = self.group.save(self.now, |_| Bytes::new());
        value.generation = value.generation.saturating_add(1);
        value.protocol = None;
        value.leader = None;
        self.log(format!("Group {} with generation {} is now empty", self.group.id, value.generation));
        self.save(value);
    }

    fn next_generation(&mut self) {
        let waiting: Vec<_> = self.group.members.values().map(|m| (m.id.clone(), m.awaiting_join)).collect();
        let generation = self.group.generation.saturating_add(1);
        let protocol = self.group.select_protocol();
        self.change(GroupChange::GenerationStarted { generation, protocol, at: self.now });
        self.log(format!("Stabilized group {} generation {generation} with {} members", self.group.id, waiting.len()));
        for (member_id, reply_to) in waiting {
            if let Some(reply_to) = reply_to {
                let reply = self.joined(&member_id);
                self.reply_join(reply_to, reply);
            }
            self.extend_session_by_timeout(&member_id);
        }
        let timer = GroupTimer::Sync { group_id: self.group.id.clone(), generation };
        self.arm(self.now.plus_ms(self.group.rebalance_timeout_ms()), timer);
    }

    /// The answer to a member that is part of the current generation.
    pub(super) fn joined(&self, member_id: &Arc<str>) -> JoinReply {
        let leads = self.group.is_leader(member_id);
        JoinReply {
            error: ErrorCode::None,
            generation: self.group.generation,
            protocol_type: self.group.protocol_type.clone(),
            protocol_name: self.group.protocol.clone(),
            leader: self.group.leader.clone().unwrap_or_else(|| Arc::from("")),
            skip_assignment: false,
            member_id: member_id.clone(),
            members: if leads { self.group.joined_members() } else { Vec::new() },
        }
    }

    /// Members that joined and never asked for their assignment have had their time.
    pub(super) fn expire_pending_sync(&mut self) {
        let late: Vec<_> = self.group.pending_sync.iter().cloned().collect();
        if late.is_empty() {
            return;
        }
        for member_id in &late {
            self.remove_member(member_id);
        }
        self.start_rebalance(&format!("removing {} on pending sync request expiration", late.join(", ")));
    }
}
