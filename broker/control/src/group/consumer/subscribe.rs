//! Who a heartbeat comes from, what it changes of the member, and whether the group begins a new epoch for it
//! (Kafka: getOrMaybeSubscribeDynamicConsumerGroupMember, getOrMaybeSubscribeStaticConsumerGroupMember, updateSubscriptionMetadata).

use std::sync::Arc;

use super::change::ConsumerChange;
use super::draft::ConsumerDraft;
use super::heartbeat::ConsumerHeartbeat;
use super::member::{AWAY_EPOCH, ConsumerMember};
use super::reconcile::Owned;
use super::record::ConsumerRecord;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;
use crate::group::records::{MemberValue, TargetAssignmentValue};

impl ConsumerMember {
    /// What the member is once it has said this.
    pub(super) fn updated(&self, heartbeat: &ConsumerHeartbeat) -> MemberValue {
        let MemberValue { instance_id, rack_id, topics, regex, rebalance_timeout_ms, assignor, .. } = &self.data;
        MemberValue {
            instance_id: heartbeat.instance_id.clone().or_else(|| instance_id.clone()),
            rack_id: heartbeat.rack_id.clone().or_else(|| rack_id.clone()),
            client_id: heartbeat.client_id.clone(),
            client_host: heartbeat.client_host.clone(),
            topics: heartbeat.topics.as_ref().map_or_else(|| topics.clone(), |t| t.iter().cloned().collect()),
            regex: heartbeat.regex.clone().unwrap_or_else(|| regex.clone()),
            rebalance_timeout_ms: heartbeat.rebalance_timeout_ms.unwrap_or(*rebalance_timeout_ms),
            assignor: heartbeat.assignor.clone().or_else(|| assignor.clone()),
            classic: None,
        }
    }

    /// Fences a member that lives in another epoch. With the epoch before it is let in if it has nothing that it must not have: the
    /// answer with the new epoch was lost.
    fn check_epoch(&self, epoch: i32, owned: Option<&Owned>) -> Result<(), Refusal> {
        let fenced = |how: &str| {
            let message = format!(
                "The consumer group member has a {how} member epoch ({epoch}) than the one known by the group coordinator \
                 ({}). The member must abandon all its partitions and rejoin.",
                self.epoch
            );
            Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
        };
        let has = |owned: &Owned| owned.iter().all(|(t, p)| self.assigned.get(t).is_some_and(|a| a.contains_key(p)));
        if epoch > self.epoch && epoch != 0 {
            fenced("greater")
        } else if epoch < self.epoch && epoch != 0 && !(epoch == self.previous_epoch && owned.is_some_and(has)) {
            fenced("smaller")
        } else {
            Ok(())
        }
    }
}

impl ConsumerDraft<'_> {
    /// Refuses a new member of a group that is full.
    pub(super) fn check_room(&self, member_id: &str) -> Result<(), Refusal> {
        let max = self.config().max_size;
        if self.group.members.len() < usize::try_from(max).unwrap_or(0) || self.group.members.contains_key(member_id) {
            return Ok(());
        }
        let message = format!("The consumer group has reached its maximum capacity of {max} members.");
        Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message))
    }

    /// The member as it was before the heartbeat; a new one is not part of the group yet.
    pub(super) fn find_or_subscribe(&mut self, heartbeat: &ConsumerHeartbeat) -> Result<Arc<ConsumerMember>, Refusal> {
        let (id, epoch) = (&heartbeat.member_id, heartbeat.member_epoch);
        let owned = heartbeat.owned();
        let Some(instance) = &heartbeat.instance_id else {
            let member = match self.member(id) {
                Some(member) => member,
                None if epoch == 0 => Arc::new(ConsumerMember::new(id.clone())),
                None => return Err(Refusal::not_a_member(id, &self.group.id)),
            };
            member.check_epoch(epoch, owned.as_ref())?;
            return Ok(member);
        };
        if epoch == 0 {
            return self.subscribe_static(id, instance, false);
        }
        let member = self.static_member_as(id, instance)?;
        member.check_epoch(epoch, owned.as_ref())?;
        Ok(member)
    }

    /// The member that has the instance id, if it is the one that says so.
    pub(super) fn static_member_as(&self, id: &str, instance: &str) -> Result<Arc<ConsumerMember>, Refusal> {
        let member = self.group.static_member(instance).ok_or_else(|| Refusal::instance_unknown(instance))?;
        if &*member.id != id {
            return Err(Refusal::instance_fenced(id, instance, &member.id));
        }
        Ok(member.clone())
    }

    /// A static member joins. It takes the place of the one that had the instance id; among members of the consumer protocol only
    /// once that one has said that it is away.
    pub(super) fn subscribe_static(
        &mut self,
        id: &Arc<str>,
        instance: &Arc<str>,
        classic: bool,
    ) -> Result<Arc<ConsumerMember>, Refusal> {
        let Some(current) = self.group.static_member(instance).cloned() else {
            return Ok(self.member(id).unwrap_or_else(|| Arc::new(ConsumerMember::new(id.clone()))));
        };
        if !classic && !current.uses_classic_protocol() && current.epoch != AWAY_EPOCH {
            let message = format!(
                "Static member {id} with instance id {instance} cannot join the group because the instance id is owned by {} \
                 member.",
                current.id
            );
            return Err(Refusal::new(ErrorCode::UnreleasedInstanceId, message));
        }
        let new = ConsumerMember { id: id.clone(), epoch: 0, previous_epoch: 0, ..(*current).clone() };
        self.replace_member(&current.id, &new);
        Ok(Arc::new(new))
    }

    fn replace_member(&mut self, old: &Arc<str>, new: &ConsumerMember) {
        let partitions = (*self.group.target(old)).clone();
        self.remove_member(old);
        self.save_member(&new.id, &new.data);
        self.record(ConsumerRecord::Target(new.id.clone(), Some(TargetAssignmentValue { partitions })));
        self.record(ConsumerRecord::Current(new.id.clone(), Some(new.save_current())));
        self.log(format!("Static member {old} is replaced by {}.", new.id));
    }

    /// Makes the member what it says it is; tells whether it reads other topics by name than before.
    pub(super) fn update_member(&mut self, before: &ConsumerMember, data: &MemberValue) -> bool {
        if before.data == *data && self.group.members.contains_key(&before.id) {
            return false;
        }
        self.save_member(&before.id, data);
        before.data.topics != data.topics
    }

    /// Begins a new epoch if one is due or what the group reads has changed in the cluster.
    pub(super) fn update_epoch(&mut self, due: bool) {
        let version = self.image().version();
        if !due && self.group.topics_seen == Some(version) {
            return;
        }
        let hash = self.metadata_hash();
        if due || hash != self.group.metadata_hash {
            self.bump_epoch(hash);
        }
        self.change(ConsumerChange::TopicsSeen(version));
        if self.group.has_partition_metadata {
            self.record(ConsumerRecord::PartitionMetadata(false));
        }
    }
}
