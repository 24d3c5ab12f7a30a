//! A decision about one share group in the making: each change is applied to a copy of the group at once, so that the next step
//! sees it. Copying the group copies references to its members, not the members.

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::member::ShareMember;
use super::records::{ShareGroupEpochValue, ShareGroupRecord, StatePartitionsValue};
use super::share_group::{ShareGroup, ShareGroupChange};
use crate::error_code::ErrorCode;
use crate::group::{GroupDecision, GroupEffect, GroupEvent, GroupMachine, GroupTimer, Refusal, TopicsImage};

/// A decision in the making.
pub(super) struct ShareDraft<'a> {
    pub(super) machine: &'a GroupMachine,
    pub(super) now: Timestamp,
    pub(super) group: ShareGroup,
    pub(super) decision: GroupDecision,
}

impl GroupMachine {
    /// The group, if it is one of this protocol.
    pub(super) fn existing_share_group(&self, group_id: &str) -> Result<&ShareGroup, Refusal> {
        self.share_groups.get(group_id).ok_or_else(|| match self.has_group(group_id) {
            true => not_a_share_group(group_id),
            false => Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group_id} not found.")),
        })
    }

    /// A decision about the group; with `create` it may come into being.
    pub(super) fn draft_share_group(
        &self,
        now: Timestamp,
        group_id: &Arc<str>,
        create: bool,
    ) -> Result<ShareDraft<'_>, Refusal> {
        if let Some(group) = self.share_groups.get(group_id) {
            return Ok(ShareDraft::of(self, now, group.clone()));
        }
        if self.has_group(group_id) {
            return Err(not_a_share_group(group_id));
        }
        if !create {
            return Err(Refusal::new(ErrorCode::GroupIdNotFound, format!("Share group {group_id} not found.")));
        }
        match self.check_room_for_group() {
            Ok(()) => Ok(ShareDraft::of(self, now, ShareGroup::new(group_id.clone()))),
            Err(error) => Err(Refusal::new(error, "The coordinator has no room for another group.")),
        }
    }
}

fn not_a_share_group(group_id: &str) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group_id} is not a share group."))
}

impl<'a> ShareDraft<'a> {
    pub(super) fn of(machine: &'a GroupMachine, now: Timestamp, group: ShareGroup) -> ShareDraft<'a> {
        ShareDraft { machine, now, group, decision: GroupDecision::default() }
    }

    pub(super) fn image(&self) -> &'a TopicsImage {
        &self.machine.topics
    }

    /// Makes a durable change.
    pub(super) fn record(&mut self, record: ShareGroupRecord) {
        self.group.apply(record.clone());
        self.decision.events.push(GroupEvent::Share { group_id: self.group.id.clone(), record });
    }

    /// Makes a volatile change.
    pub(super) fn change(&mut self, change: ShareGroupChange) {
        self.group.change(change.clone());
        self.decision.events.push(GroupEvent::ShareChanged { group_id: self.group.id.clone(), change });
    }

    pub(super) fn log(&mut self, line: String) {
        self.decision.effects.push(GroupEffect::Log(format!("[GroupId {}] {line}", self.group.id)));
    }

    pub(super) fn member(&self, id: &str) -> Result<Arc<ShareMember>, Refusal> {
        self.group.members.get(id).cloned().ok_or_else(|| Refusal::not_a_member(id, &self.group.id))
    }

    /// The hash of the topics that the group reads now.
    pub(super) fn metadata_hash(&self) -> i64 {
        self.image().hash(self.group.subscribed_topics())
    }

    /// Begins a new epoch, for which the target assignment is to be computed.
    pub(super) fn bump_epoch(&mut self, metadata_hash: i64) {
        let epoch = self.group.epoch.saturating_add(1);
        self.record(ShareGroupRecord::Epoch(Some(ShareGroupEpochValue { epoch, metadata_hash })));
        self.log(format!("Bumped group epoch to {epoch} with metadata hash {metadata_hash}."));
    }

    /// Says anew which partitions have a state at the share coordinator.
    pub(super) fn save_state(&mut self, value: StatePartitionsValue) {
        self.record(ShareGroupRecord::StatePartitions(Some(value)));
        self.change(ShareGroupChange::StateWritten(self.now));
    }

    /// Lets a member's session end the group's session timeout from now. A timer that is armed and fires before follows when it does.
    pub(super) fn extend_session(&mut self, id: &Arc<str>) {
        let deadline = self.now.plus_ms(self.machine.share_session_timeout_ms(&self.group.id).into());
        let armed = self.group.sessions.get(id).map(|s| s.timer).filter(|at| *at <= deadline);
        self.change(ShareGroupChange::MemberSeen(id.clone(), deadline, armed.unwrap_or(deadline)));
        if armed.is_none() {
            self.arm(id, deadline);
        }
    }

    pub(super) fn arm(&mut self, id: &Arc<str>, at: Timestamp) {
        let timer = GroupTimer::Share { group_id: self.group.id.clone(), member_id: id.clone(), at };
        self.decision.timers.push((at, timer));
    }
}
