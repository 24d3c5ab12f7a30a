//! JoinGroup of a member that speaks the classic protocol to a consumer group (Kafka: classicGroupJoinToConsumerGroup). It is
//! answered at once: nobody waits for others, and nobody leads.

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};
use uuid::Uuid;

use super::change::ConsumerChange;
use super::config::MigrationPolicy;
use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use super::reconcile::Owned;
use super::timers::ConsumerTimer;
use crate::error_code::ErrorCode;
use crate::group::classic_group::CONSUMER_PROTOCOL_TYPE;
use crate::group::command::Join;
use crate::group::draft::{GroupDecision, answer};
use crate::group::machine::GroupMachine;
use crate::group::records::{ClassicProtocols, MemberValue, Subscription};
use crate::group::reply::{GroupReply, JoinReply};

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
        // Where somebody has yet to give up or to get something, the assignment is stale too.
        let rebalances =
            rebalances || !self.group.members.values().all(|m| m.is_reconciled_to(self.group.target_epoch));
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
