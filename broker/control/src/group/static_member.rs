//! A static member that comes back (KIP-345): it takes its old place under a new member id, which fences the old one
//! (Kafka: GroupMetadataManager.updateStaticMemberThenRebalanceOrCompleteJoin).

use std::sync::Arc;

use super::command::Join;
use super::draft::{Draft, GroupDecision};
use super::event::GroupChange;
use super::join::reason_of;
use super::member::Member;
use super::reply::JoinReply;
use super::state::GroupState;
use crate::error_code::ErrorCode;
use crate::machine::ReplyTo;

impl Draft<'_> {
    pub(super) fn rejoin_static(mut self, old_id: &Arc<str>, new_id: Arc<str>, join: Join) -> GroupDecision {
        let Some(old) = self.group.members.get(old_id).cloned() else {
            return self.refuse_join(join.reply_to, Arc::from(""), ErrorCode::UnknownMemberId);
        };
        let old_leader = self.group.leader.clone().unwrap_or_else(|| Arc::from(""));
        let reason = format!("static member {new_id} came back; client reason: {}", reason_of(&join));
        let (reply_to, skips) = (join.reply_to, join.supports_skipping_assignment);
        self.replace(&old, new_id.clone(), join);
        match self.group.state {
            // The assignment and the protocol stay right: nobody else needs to know.
            GroupState::Stable if self.group.protocol.as_ref() == Some(&self.group.select_protocol()) => {
                let value = self.group.save(self.now, |m| m.assignment.clone());
                self.save(value);
                self.tell_returned_member(reply_to, &new_id, old_leader, skips);
            }
            GroupState::Stable | GroupState::PreparingRebalance => self.rebalance_or_complete_join(&reason),
            // The leader may know the old id already and would assign to it.
            GroupState::CompletingRebalance => self.start_rebalance(&reason),
            GroupState::Empty | GroupState::Dead => unreachable!("a group with a static member is neither"),
        }
        self.decision
    }

    fn replace(&mut self, old: &Member, new_id: Arc<str>, join: Join) {
        let fenced = JoinReply::error(old.id.clone(), ErrorCode::FencedInstanceId);
        self.turn_away(old, fenced, ErrorCode::FencedInstanceId);
        let free = Member {
            id: new_id.clone(),
            awaiting_join: None,
            awaiting_sync: None,
            is_new: false,
            timer_at: None,
            ..old.clone()
        };
        let new = self.with_join(&free, join);
        self.change(GroupChange::MemberReplaced { old: old.id.clone(), new: Arc::new(new) });
        self.extend_session_by_timeout(&new_id);
    }

    /// Before KIP-814 a returned leader is not told that it leads, lest it compute an assignment that nobody asked for.
    fn tell_returned_member(&mut self, reply_to: ReplyTo, member_id: &Arc<str>, old_leader: Arc<str>, skips: bool) {
        let leads = self.group.is_leader(member_id);
        let mut reply = self.joined(member_id);
        if skips {
            reply.skip_assignment = leads;
        } else {
            reply.leader = old_leader;
            reply.members.clear();
        }
        self.reply_join(reply_to, reply);
    }
}
