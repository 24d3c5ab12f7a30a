//! Members that leave, or whose session has ended (Kafka: shareGroupLeave, shareGroupFenceMember, scheduleShareGroupSessionTimeout).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::draft::ShareDraft;
use super::heartbeat::ShareHeartbeat;
use super::records::ShareGroupRecord;
use super::share_group::ShareGroupChange;
use crate::group::{ConsumerHeartbeatReply, GroupDecision, GroupMachine, GroupReply, Refusal};

impl GroupMachine {
    pub(super) fn leave_share_group(
        &self,
        now: Timestamp,
        heartbeat: &ShareHeartbeat,
    ) -> Result<GroupDecision, Refusal> {
        let group = self.existing_share_group(&heartbeat.group_id)?;
        let mut draft = ShareDraft::of(self, now, group.clone());
        let member = draft.member(&heartbeat.member_id)?;
        draft.log(format!("Member {} left the share group.", member.id));
        draft.fence(&member.id);
        let reply = ConsumerHeartbeatReply::left(heartbeat.member_id.clone(), heartbeat.member_epoch);
        draft.decision.replies.push((heartbeat.reply_to, GroupReply::ShareHeartbeat(reply)));
        Ok(draft.decision)
    }

    /// A member's session timer has fired; it counts only if it is the one that is awaited.
    pub(crate) fn share_session_timer(
        &self,
        now: Timestamp,
        group_id: &str,
        member_id: &Arc<str>,
        at: Timestamp,
    ) -> GroupDecision {
        let Some(group) = self.share_groups.get(group_id) else { return GroupDecision::default() };
        let Some(session) = group.sessions.get(member_id).filter(|session| session.timer == at) else {
            return GroupDecision::default();
        };
        let mut draft = ShareDraft::of(self, now, group.clone());
        if now < session.deadline {
            draft.change(ShareGroupChange::MemberSeen(member_id.clone(), session.deadline, session.deadline));
            draft.arm(member_id, session.deadline);
        } else {
            draft.log(format!("Member {member_id} fenced from the group because the member session expired."));
            draft.fence(member_id);
        }
        draft.decision
    }

    /// Sessions start anew after a restart, and so does the time for answers of the share coordinator (Kafka: onLoaded).
    pub(crate) fn on_share_groups_loaded(&self, now: Timestamp, loaded: &mut GroupDecision) {
        for group in self.share_groups.values() {
            let mut draft = ShareDraft::of(self, now, group.clone());
            for id in group.members.keys() {
                draft.extend_session(id);
            }
            if group.state_partitions.is_some() {
                draft.change(ShareGroupChange::StateWritten(now));
            }
            loaded.events.append(&mut draft.decision.events);
            loaded.timers.append(&mut draft.decision.timers);
        }
    }
}

impl ShareDraft<'_> {
    /// Takes a member out.
    fn fence(&mut self, id: &Arc<str>) {
        self.record(ShareGroupRecord::Current(id.clone(), None));
        self.record(ShareGroupRecord::Target(id.clone(), None));
        self.record(ShareGroupRecord::Member(id.clone(), None));
        let hash = self.metadata_hash();
        self.bump_epoch(hash);
    }
}
