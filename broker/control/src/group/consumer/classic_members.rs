//! Members that speak the classic protocol in a consumer group: JoinGroup, SyncGroup, Heartbeat and LeaveGroup are answered at once,
//! as nobody waits for anybody (Kafka: classicGroupJoinToConsumerGroup, classicGroupSyncToConsumerGroup,
//! classicGroupHeartbeatToConsumerGroup, classicGroupLeaveToConsumerGroup).

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{Timestamp, TopicId};
use uuid::Uuid;

use super::config::MigrationPolicy;
use super::draft::ConsumerDraft;
use super::group::{ConsumerChange, ConsumerGroup};
use super::member::{ConsumerMember, MemberState};
use super::reconcile::Owned;
use super::timers::ConsumerTimer;
use crate::error_code::ErrorCode;
use crate::group::classic_group::CONSUMER_PROTOCOL_TYPE;
use crate::group::command::{Heartbeat, Join, Leave, LeavingMember, Sync};
use crate::group::draft::{GroupDecision, answer};
use crate::group::machine::GroupMachine;
use crate::group::records::{ClassicProtocols, MemberValue, Subscription, encode_assignment};
use crate::group::reply::{GroupReply, JoinReply, LeaveReply, LeftMember, SyncReply};

impl GroupMachine {
    /// JoinGroup to a consumer group that has members.
    pub(in crate::group) fn join_consumer_group(
        &self,
        now: Timestamp,
        group: &ConsumerGroup,
        join: Join,
    ) -> GroupDecision {
        let reply_to = join.reply_to;
        let draft = ConsumerDraft::of(self, now, group.clone());
        draft
            .join_classic(join)
            .unwrap_or_else(|(error, member_id)| answer(reply_to, GroupReply::Join(JoinReply::error(member_id, error))))
    }

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

/// A refused JoinGroup: why, and the member id that the answer carries.
type JoinRefused = (ErrorCode, Arc<str>);

impl ConsumerDraft<'_> {
    fn join_classic(mut self, mut join: Join) -> Result<GroupDecision, JoinRefused> {
        let refused = |error: ErrorCode| (error, Arc::from(""));
        if self.config().migration_policy == MigrationPolicy::Disabled {
            return Err(refused(ErrorCode::InconsistentGroupProtocol));
        }
        let is_unknown = join.member_id.is_empty();
        if is_unknown {
            join.member_id = kafka_uuid(&join.fresh_member_uuid);
        }
        self.check_room(&join.member_id).map_err(|r| refused(r.error))?;
        if !self.supports_classic(&join) {
            return Err(refused(ErrorCode::InconsistentGroupProtocol));
        }
        if is_unknown && join.instance_id.is_none() && join.require_known_member_id {
            return Err((ErrorCode::MemberIdRequired, join.member_id));
        }
        // Kafka reads the first protocol's metadata; all have the same subscription.
        let metadata = join.protocols.first().map(|(_, metadata)| metadata.clone()).unwrap_or_default();
        let subscription = Subscription::decode(&metadata).map_err(|_| refused(ErrorCode::UnknownServerError))?;
        let replaced = join.instance_id.as_ref().and_then(|instance| self.group.static_member(instance)).cloned();
        let downgrades = replaced.is_some_and(|replaced| self.may_downgrade_by_replacing(&replaced));
        let before = self.find_classic(&join, is_unknown).map_err(refused)?;
        let member = self.update_classic(&before, &join, &subscription, downgrades).map_err(refused)?;
        self.answer_join(&join, &member, downgrades);
        Ok(self.decision)
    }

    /// Whether the member has a protocol that all classic members of the group have.
    fn supports_classic(&self, join: &Join) -> bool {
        let classic: Vec<_> = self.group.members.values().filter_map(|m| m.data.classic.as_ref()).collect();
        let all_have = |name: &str| classic.iter().all(|c| c.protocols.iter().any(|(known, _)| &**known == name));
        &*join.protocol_type == CONSUMER_PROTOCOL_TYPE && join.protocols.iter().any(|(name, _)| all_have(name))
    }

    /// Whether only classic members are left when a classic one takes this member's place.
    fn may_downgrade_by_replacing(&mut self, replaced: &ConsumerMember) -> bool {
        let count = self.group.members.len();
        let last = !replaced.uses_classic_protocol() && self.group.classic_members() == count - 1;
        last && self.may_hold_classic(count)
    }

    fn find_classic(&mut self, join: &Join, is_unknown: bool) -> Result<Arc<ConsumerMember>, ErrorCode> {
        match &join.instance_id {
            None => Ok(self
                .member(&join.member_id)
                .unwrap_or_else(|| Arc::new(ConsumerMember::new(join.member_id.clone())))),
            Some(instance) if is_unknown => {
                self.subscribe_static(&join.member_id, instance, true).map_err(|refusal| refusal.error)
            }
            Some(instance) => self.static_member_as(&join.member_id, instance).map_err(|refusal| refusal.error),
        }
    }

    fn update_classic(
        &mut self,
        before: &ConsumerMember,
        join: &Join,
        subscription: &Subscription,
        downgrades: bool,
    ) -> Result<Arc<ConsumerMember>, ErrorCode> {
        let generation = self.group.epoch;
        let topics_changed = self.update_member(before, &joined_data(before, join, subscription));
        let data = self.member(&before.id).map(|m| m.data.clone()).unwrap_or_else(|| before.data.clone());
        let regex = self.update_regexes(before, &data).map_err(|refusal| refusal.error)?;
        let changed = topics_changed || regex.has_changed();
        self.update_epoch(changed);
        let rebalances = downgrades && self.group.target_epoch < self.group.epoch;
        if !downgrades {
            self.update_target();
        }
        let owned = self.owned_by(subscription);
        let member = match rebalances {
            true => self.member(&before.id).ok_or(ErrorCode::UnknownMemberId)?,
            false => self.reconcile(&before.id, changed, Some(&owned)).map_err(|refusal| refusal.error)?,
        };
        if downgrades {
            let reason = format!("Downgrade group {} from consumer to classic with stale assignment.", self.group.id);
            if !self.downgrade(&BTreeSet::new(), generation, rebalances.then_some(&*reason)) {
                return Err(ErrorCode::GroupIdNotFound);
            }
        }
        Ok(member)
    }

    fn owned_by(&self, subscription: &Subscription) -> Owned {
        let topics = subscription.owned.iter().filter_map(|(name, of)| Some((self.image().by_name(name)?.id(), of)));
        topics.flat_map(|(id, of)| of.iter().map(move |partition| (id, *partition))).collect()
    }

    fn answer_join(&mut self, join: &Join, member: &ConsumerMember, downgrades: bool) {
        if !downgrades {
            self.change(ConsumerChange::JoinAwaited(member.id.clone(), None));
            self.extend_session(&member.id, join.session_timeout_ms);
            let at = self.now.plus_ms(i64::from(join.rebalance_timeout_ms).max(0));
            self.change(ConsumerChange::SyncAwaited(member.id.clone(), Some(at)));
            self.arm(&member.id, at, ConsumerTimer::Sync);
        }
        let protocol_name = join.protocols.first().map(|(name, _)| name.clone());
        let reply = JoinReply {
            error: ErrorCode::None,
            generation: member.epoch,
            protocol_type: Some(CONSUMER_PROTOCOL_TYPE.into()),
            protocol_name,
            leader: Arc::from(""),
            skip_assignment: false,
            member_id: member.id.clone(),
            members: Vec::new(),
        };
        self.decision.replies.push((join.reply_to, GroupReply::Join(reply)));
    }

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

/// Kafka gives members of consumer groups ids in its own text form of a UUID.
fn kafka_uuid(text: &Arc<str>) -> Arc<str> {
    Uuid::parse_str(text).map_or_else(|_| text.clone(), |uuid| TopicId(uuid).to_string().into())
}

fn joined_data(before: &ConsumerMember, join: &Join, subscription: &Subscription) -> MemberValue {
    let known = &before.data;
    MemberValue {
        instance_id: join.instance_id.clone().or_else(|| known.instance_id.clone()),
        rack_id: subscription.rack_id.clone().or_else(|| known.rack_id.clone()),
        client_id: join.client_id.clone(),
        client_host: join.client_host.clone(),
        topics: subscription.topics.iter().cloned().collect(),
        // Classic consumers resolve expressions themselves.
        regex: Arc::from(""),
        rebalance_timeout_ms: if join.rebalance_timeout_ms == -1 {
            known.rebalance_timeout_ms
        } else {
            join.rebalance_timeout_ms
        },
        assignor: known.assignor.clone(),
        classic: Some(ClassicProtocols {
            session_timeout_ms: join.session_timeout_ms,
            protocols: join.protocols.clone(),
        }),
    }
}
