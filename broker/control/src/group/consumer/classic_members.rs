//! Members that speak the classic protocol in a consumer group: SyncGroup, Heartbeat and LeaveGroup, answered at once, as nobody
//! waits for anybody (Kafka: classicGroupSyncToConsumerGroup, classicGroupHeartbeatToConsumerGroup,
//! classicGroupLeaveToConsumerGroup).

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{Timestamp, TopicId};

use super::change::ConsumerChange;
use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::member::{ConsumerMember, MemberState};
use super::timers::ConsumerTimer;
use crate::error_code::ErrorCode;
use crate::group::classic_group::CONSUMER_PROTOCOL_TYPE;
use crate::group::command::{Heartbeat, Leave, LeavingMember, Sync};
use crate::group::draft::GroupDecision;
use crate::group::machine::GroupMachine;
use crate::group::records::{ClassicProtocols, Subscription, encode_assignment};
use crate::group::reply::{GroupReply, LeaveReply, LeftMember, SyncReply};

impl GroupMachine {
    /// SyncGroup to a consumer group.
    pub(in crate::group) fn sync_consumer_group(
        &self,
        now: Timestamp,
        group: &ConsumerGroup,
        sync: &Sync,
    ) -> GroupDecision {
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        let reply = draft.sync_classic(sync).unwrap_or_else(SyncReply::error);
        draft.decision.replies.push((sync.reply_to, GroupReply::Sync(reply)));
        draft.decision
    }

    /// Heartbeat to a consumer group.
    pub(in crate::group) fn heartbeat_consumer_group(
        &self,
        now: Timestamp,
        group: &ConsumerGroup,
        heartbeat: &Heartbeat,
    ) -> GroupDecision {
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        let error = draft.heartbeat_classic(heartbeat).err().unwrap_or(ErrorCode::None);
        draft.decision.replies.push((heartbeat.reply_to, GroupReply::Heartbeat(error)));
        draft.decision
    }

    /// LeaveGroup to a consumer group: members of both protocols can be taken out by it.
    pub(in crate::group) fn leave_consumer_group_as_classic(
        &self,
        now: Timestamp,
        group: &ConsumerGroup,
        leave: &Leave,
    ) -> GroupDecision {
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        let mut gone = BTreeSet::new();
        let mut members = Vec::with_capacity(leave.members.len());
        for leaving in &leave.members {
            let error = match draft.leaving_member(leaving) {
                Ok(member) => {
                    gone.insert(member.id.clone());
                    ErrorCode::None
                }
                Err(error) => error,
            };
            let (member_id, instance_id) = (leaving.member_id.clone(), leaving.instance_id.clone());
            members.push(LeftMember { member_id, instance_id, error });
        }
        draft.fence(&gone);
        let reply = LeaveReply { error: ErrorCode::None, members };
        draft.decision.replies.push((leave.reply_to, GroupReply::Leave(reply)));
        draft.decision
    }
}

impl ConsumerDraft<'_> {
    /// The member that a classic request comes from.
    fn classic_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(Arc<ConsumerMember>, ClassicProtocols), ErrorCode> {
        let member = match instance_id {
            None => self.member(member_id).ok_or(ErrorCode::UnknownMemberId)?,
            Some(instance) => self.static_member_as(member_id, instance).map_err(|refusal| refusal.error)?,
        };
        let classic = member.data.classic.clone().ok_or(ErrorCode::UnknownMemberId)?;
        if member.epoch != generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok((member, classic))
    }

    fn sync_classic(&mut self, sync: &Sync) -> Result<SyncReply, ErrorCode> {
        let (member, classic) = self.classic_member(&sync.member_id, sync.instance_id.as_deref(), sync.generation)?;
        let (protocol, metadata) = classic.protocols.first().ok_or(ErrorCode::UnknownServerError)?;
        let other_type = sync.protocol_type.as_deref().is_some_and(|kind| kind != CONSUMER_PROTOCOL_TYPE);
        if other_type || sync.protocol_name.as_ref().is_some_and(|name| name != protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        // One that has partitions to give up has joined again already, and joins once more when it has done so.
        if self.group.target_epoch > member.epoch && member.state != MemberState::UnrevokedPartitions {
            self.await_join(&member);
            return Err(ErrorCode::RebalanceInProgress);
        }
        let version = Subscription::decode(metadata).map_err(|_| ErrorCode::UnknownServerError)?.version;
        self.change(ConsumerChange::SyncAwaited(member.id.clone(), None));
        self.extend_session(&member.id, classic.session_timeout_ms);
        Ok(SyncReply {
            error: ErrorCode::None,
            protocol_type: sync.protocol_type.clone(),
            protocol_name: sync.protocol_name.clone(),
            assignment: self.classic_assignment(&member, version),
        })
    }

    fn classic_assignment(&self, member: &ConsumerMember, version: i16) -> Bytes {
        let topics = member.assigned.iter().filter_map(|(id, partitions)| {
            Some((&**self.image().by_id(*id)?.name(), partitions.keys().copied().collect()))
        });
        encode_assignment(version, topics)
    }

    /// A member that is sent back to join has the rebalance timeout for it, from the first time on.
    fn await_join(&mut self, member: &ConsumerMember) {
        if self.group.deadlines.get(&member.id).is_some_and(|d| d.join.is_some()) {
            return;
        }
        let at = self.now.plus_ms(i64::from(member.data.rebalance_timeout_ms).max(0));
        self.change(ConsumerChange::JoinAwaited(member.id.clone(), Some(at)));
        self.arm(&member.id, at, ConsumerTimer::Join);
    }

    fn heartbeat_classic(&mut self, heartbeat: &Heartbeat) -> Result<(), ErrorCode> {
        let instance = heartbeat.instance_id.as_deref();
        let (member, classic) = self.classic_member(&heartbeat.member_id, instance, heartbeat.generation)?;
        self.extend_session(&member.id, classic.session_timeout_ms);
        let has_to_join = member.epoch < self.group.target_epoch
            || match member.state {
                MemberState::UnrevokedPartitions => true,
                MemberState::UnreleasedPartitions => !self.waits_for_others(&member),
                MemberState::Stable | MemberState::Unknown(_) => false,
            };
        if has_to_join {
            self.await_join(&member);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether others still have partitions that the member shall have.
    fn waits_for_others(&self, member: &ConsumerMember) -> bool {
        let target = self.group.target(&member.id);
        let missing = |topic: &TopicId, p: &i32| !member.assigned.get(topic).is_some_and(|of| of.contains_key(p));
        target
            .iter()
            .any(|(topic, partitions)| partitions.iter().any(|p| missing(topic, p) && self.group.is_owned(*topic, *p)))
    }

    fn leaving_member(&self, leaving: &LeavingMember) -> Result<Arc<ConsumerMember>, ErrorCode> {
        match &leaving.instance_id {
            None => self.member(&leaving.member_id).ok_or(ErrorCode::UnknownMemberId),
            // An administrator names the instance only.
            Some(instance) if leaving.member_id.is_empty() => {
                self.group.static_member(instance).cloned().ok_or(ErrorCode::UnknownMemberId)
            }
            Some(instance) => self.static_member_as(&leaving.member_id, instance).map_err(|refusal| refusal.error),
        }
    }
}
