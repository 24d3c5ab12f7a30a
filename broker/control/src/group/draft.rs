//! A decision about one group in the making: each change is applied to a copy of the group at once, so that the next step sees it.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::Timestamp;

use super::classic_group::ClassicGroup;
use super::config::GroupConfig;
use super::effect::GroupEffect;
use super::event::{GroupChange, GroupEvent};
use super::member::Member;
use super::records::GroupMetadataValue;
use super::reply::{GroupReply, JoinReply, SyncReply};
use super::timer::GroupTimer;
use crate::error_code::ErrorCode;
use crate::machine::{Decision, ReplyTo};

/// What a group coordinator decides.
pub(crate) type GroupDecision = Decision<GroupEvent, GroupReply, GroupTimer, GroupEffect>;

/// A decision that is only an answer.
pub(crate) fn answer(reply_to: ReplyTo, reply: GroupReply) -> GroupDecision {
    GroupDecision { replies: vec![(reply_to, reply)], ..GroupDecision::default() }
}

/// A decision in the making. Copying the group copies references to its members, not the members.
pub(super) struct Draft<'a> {
    pub(super) config: &'a GroupConfig,
    pub(super) now: Timestamp,
    pub(super) group: ClassicGroup,
    pub(super) decision: GroupDecision,
}

impl<'a> Draft<'a> {
    /// A decision about a group that exists.
    pub(super) fn of(config: &'a GroupConfig, now: Timestamp, group: &ClassicGroup) -> Draft<'a> {
        Draft { config, now, group: group.clone(), decision: GroupDecision::default() }
    }

    /// A decision about a group that comes into being with it; Kafka writes a record of it at once
    /// (GroupCoordinatorRecordHelpers.newEmptyGroupMetadataRecord).
    pub(super) fn create(config: &'a GroupConfig, now: Timestamp, group_id: &Arc<str>) -> Draft<'a> {
        let group = ClassicGroup::new(group_id.clone(), Some(now));
        let mut draft = Draft { config, now, group, decision: GroupDecision::default() };
        let value = draft.group.save(now, |_| Bytes::new());
        draft.save(value);
        draft
    }

    /// Makes a volatile change.
    pub(super) fn change(&mut self, change: GroupChange) {
        self.group.apply(change.clone());
        self.decision.events.push(GroupEvent::Changed { group_id: self.group.id.clone(), change });
    }

    /// Makes a generation durable.
    pub(super) fn save(&mut self, value: GroupMetadataValue) {
        self.group.load(&value);
        self.decision.events.push(GroupEvent::Saved { group_id: self.group.id.clone(), value });
    }

    pub(super) fn reply(&mut self, reply_to: ReplyTo, reply: GroupReply) {
        self.decision.replies.push((reply_to, reply));
    }

    pub(super) fn reply_join(&mut self, reply_to: ReplyTo, reply: JoinReply) {
        self.reply(reply_to, GroupReply::Join(reply));
    }

    pub(super) fn refuse_join(mut self, reply_to: ReplyTo, member_id: Arc<str>, error: ErrorCode) -> GroupDecision {
        self.reply_join(reply_to, JoinReply::error(member_id, error));
        self.decision
    }

    pub(super) fn arm(&mut self, at: Timestamp, timer: GroupTimer) {
        self.decision.timers.push((at, timer));
    }

    pub(super) fn log(&mut self, line: String) {
        self.decision.effects.push(GroupEffect::Log(line));
    }

    /// Lets a member's session end `timeout_ms` from now.
    pub(super) fn extend_session(&mut self, member_id: &Arc<str>, timeout_ms: i64) {
        let Some(member) = self.group.members.get(member_id) else { return };
        let (change, timer) = extended_session(&self.group.id, member, self.now, timeout_ms);
        self.change(change);
        self.decision.timers.extend(timer);
    }

    /// Answers what a member waits for, before the member is removed or fenced.
    pub(super) fn turn_away(&mut self, member: &Member, joining: JoinReply, syncing: ErrorCode) {
        if let Some(reply_to) = member.awaiting_join {
            self.reply_join(reply_to, joining);
        }
        if let Some(reply_to) = member.awaiting_sync {
            self.reply(reply_to, GroupReply::Sync(SyncReply::error(syncing)));
        }
    }

    /// Removes a member. Whatever it waits for is answered by UNKNOWN_MEMBER_ID, upon which a client joins anew.
    pub(super) fn remove_member(&mut self, member_id: &Arc<str>) {
        if let Some(member) = self.group.members.get(member_id).cloned() {
            let joining = JoinReply::error(Arc::from(""), ErrorCode::UnknownMemberId);
            self.turn_away(&member, joining, ErrorCode::UnknownMemberId);
        }
        self.change(GroupChange::MemberRemoved(member_id.clone()));
    }
}

/// The change that lets a member's session end `timeout_ms` from now, and the timer for it unless one that is armed already
/// will fire before: a heartbeat moves the deadline, and the timer follows when it fires.
pub(super) fn extended_session(
    group_id: &Arc<str>,
    member: &Member,
    now: Timestamp,
    timeout_ms: i64,
) -> (GroupChange, Option<(Timestamp, GroupTimer)>) {
    let deadline = now.plus_ms(timeout_ms);
    let member_id = member.id.clone();
    match member.timer_at {
        Some(at) if at <= deadline => (GroupChange::MemberSeen { member_id, deadline, timer_at: Some(at) }, None),
        _ => {
            let timer = GroupTimer::Session { group_id: group_id.clone(), member_id: member_id.clone(), at: deadline };
            (GroupChange::MemberSeen { member_id, deadline, timer_at: Some(deadline) }, Some((deadline, timer)))
        }
    }
}
