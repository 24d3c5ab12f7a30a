//! SyncGroup (Kafka: GroupMetadataManager.classicGroupSyncToClassicGroup).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::Timestamp;

use super::classic_group::ClassicGroup;
use super::command::Sync;
use super::draft::{Draft, GroupDecision, answer};
use super::event::{GroupChange, GroupEvent};
use super::machine::GroupMachine;
use super::reply::{GroupReply, SyncReply};
use super::state::GroupState;
use crate::error_code::ErrorCode;

impl GroupMachine {
    pub(super) fn sync(&self, now: Timestamp, sync: Sync) -> GroupDecision {
        if let Some(group) = self.consumer_groups.get(&sync.group_id) {
            return self.sync_consumer_group(now, group, &sync);
        }
        match self.check_sync(&sync) {
            Ok(group) if group.state == GroupState::Stable => tell_assignment(group, &sync),
            Ok(group) => Draft::of(&self.config, now, group).sync(sync),
            Err(error) => answer(sync.reply_to, GroupReply::Sync(SyncReply::error(error))),
        }
    }

    fn check_sync(&self, sync: &Sync) -> Result<&ClassicGroup, ErrorCode> {
        self.check_group_id(&sync.group_id)?;
        let group = self.groups.get(&sync.group_id).ok_or(ErrorCode::UnknownMemberId)?;
        group.validate_member(&sync.member_id, sync.instance_id.as_deref())?;
        if sync.generation != group.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if differs(&sync.protocol_type, &group.protocol_type) || differs(&sync.protocol_name, &group.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match group.state {
            GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::CompletingRebalance | GroupState::Stable => Ok(group),
        }
    }
}

/// Whether the client believes in something else than the group (KIP-559); what either does not say is not compared.
fn differs(client: &Option<Arc<str>>, group: &Option<Arc<str>>) -> bool {
    matches!((client, group), (Some(client), Some(group)) if client != group)
}

fn tell_assignment(group: &ClassicGroup, sync: &Sync) -> GroupDecision {
    let assignment = group.members.get(&sync.member_id).map(|m| m.assignment.clone()).unwrap_or_default();
    let mut decision = answer(sync.reply_to, GroupReply::Sync(assigned(group, assignment)));
    if group.pending_sync.contains(&sync.member_id) {
        let change = GroupChange::SyncReceived(sync.member_id.clone());
        decision.events.push(GroupEvent::Changed { group_id: group.id.clone(), change });
    }
    decision
}

fn assigned(group: &ClassicGroup, assignment: Bytes) -> SyncReply {
    SyncReply {
        error: ErrorCode::None,
        protocol_type: group.protocol_type.clone(),
        protocol_name: group.protocol.clone(),
        assignment,
    }
}

impl Draft<'_> {
    fn sync(mut self, sync: Sync) -> GroupDecision {
        if let Some(abandoned) = self.group.members.get(&sync.member_id).and_then(|m| m.awaiting_sync) {
            self.reply(abandoned, GroupReply::Sync(SyncReply::error(ErrorCode::RebalanceInProgress)));
        }
        let (member_id, reply_to) = (sync.member_id.clone(), sync.reply_to);
        self.change(GroupChange::SyncParked { member_id, reply_to });
        if self.group.is_leader(&sync.member_id) {
            self.assign(&sync.assignments.into_iter().collect());
        }
        self.decision
    }

    /// The leader has spoken: the generation is stable. A member that it forgot gets nothing.
    fn assign(&mut self, assignments: &BTreeMap<Arc<str>, Bytes>) {
        let value = self.group.save(self.now, |m| assignments.get(&m.id).cloned().unwrap_or_default());
        let waiting: Vec<_> =
            self.group.members.values().filter_map(|m| Some((m.id.clone(), m.awaiting_sync?))).collect();
        self.save(value);
        for (member_id, reply_to) in waiting {
            let assignment = self.group.members.get(&member_id).map(|m| m.assignment.clone()).unwrap_or_default();
            self.reply(reply_to, GroupReply::Sync(assigned(&self.group, assignment)));
            // The session may have run out unnoticed while the member waited.
            self.extend_session_by_timeout(&member_id);
        }
    }
}
