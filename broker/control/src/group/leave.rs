//! LeaveGroup (Kafka: GroupMetadataManager.classicGroupLeaveToClassicGroup).

use forebay_storage::ids::Timestamp;

use super::command::{Leave, LeavingMember};
use super::draft::{Draft, GroupDecision, answer};
use super::event::GroupChange;
use super::machine::GroupMachine;
use super::reply::{GroupReply, LeaveReply, LeftMember};
use super::state::GroupState;
use crate::error_code::ErrorCode;

impl GroupMachine {
    pub(super) fn leave(&self, now: Timestamp, leave: &Leave) -> GroupDecision {
        if let Err(error) = self.check_group_id(&leave.group_id) {
            return answer(leave.reply_to, GroupReply::Leave(LeaveReply { error, members: Vec::new() }));
        }
        if let Some(group) = self.consumer_groups.get(&leave.group_id) {
            return self.leave_consumer_group_as_classic(now, group, leave);
        }
        match self.groups.get(&leave.group_id) {
            Some(group) => Draft::of(&self.config, now, group).leave(leave),
            None => {
                let members = leave.members.iter().map(|m| left(m, ErrorCode::UnknownMemberId)).collect();
                answer(leave.reply_to, GroupReply::Leave(LeaveReply { error: ErrorCode::None, members }))
            }
        }
    }
}

fn left(member: &LeavingMember, error: ErrorCode) -> LeftMember {
    LeftMember { member_id: member.member_id.clone(), instance_id: member.instance_id.clone(), error }
}

impl Draft<'_> {
    fn leave(mut self, leave: &Leave) -> GroupDecision {
        let members: Vec<_> = leave
            .members
            .iter()
            .map(|member| left(member, self.remove_leaving(member).err().unwrap_or(ErrorCode::None)))
            .collect();
        let gone: Vec<&str> = members.iter().filter(|m| m.error.is_ok()).map(|m| &*m.member_id).collect();
        let reason = format!("explicit LeaveGroup request for ({}) members", gone.join(", "));
        let any = !gone.is_empty();
        self.reply(leave.reply_to, GroupReply::Leave(LeaveReply { error: ErrorCode::None, members }));
        if any && self.group.state != GroupState::Empty {
            self.rebalance_or_complete_join(&reason);
        }
        self.decision
    }

    fn remove_leaving(&mut self, leaving: &LeavingMember) -> Result<(), ErrorCode> {
        let id = if leaving.member_id.is_empty() {
            // An administrator names the instance only.
            let instance = leaving.instance_id.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
            self.group.static_members.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
        } else if self.group.pending_members.contains_key(&leaving.member_id) {
            self.change(GroupChange::PendingRemoved(leaving.member_id.clone()));
            return Ok(());
        } else {
            self.group.validate_member(&leaving.member_id, leaving.instance_id.as_deref())?.id.clone()
        };
        let reason = leaving.reason.as_deref().unwrap_or("not provided");
        self.log(format!("Member {id} has left group {} through LeaveGroup; client reason: {reason}", self.group.id));
        self.remove_member(&id);
        Ok(())
    }
}
