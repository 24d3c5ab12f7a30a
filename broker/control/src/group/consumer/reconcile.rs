//! Leads a member from what it has to what it shall have: first it gives up, then it moves to the target's epoch, then it gets what
//! others have given up (Kafka: maybeReconcile, CurrentAssignmentBuilder).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::change::ConsumerChange;
use super::draft::ConsumerDraft;
use super::member::{ConsumerMember, MemberState};
use super::record::ConsumerRecord;
use super::refusal::Refusal;
use super::timers::ConsumerTimer;
use crate::error_code::ErrorCode;
use crate::group::records::EpochAssignment;

/// The partitions that a member says it has.
pub(super) type Owned = BTreeSet<(TopicId, i32)>;

impl ConsumerDraft<'_> {
    /// Takes the member as far as it goes now; the member afterwards.
    pub(super) fn reconcile(
        &mut self,
        id: &Arc<str>,
        subscription_changed: bool,
        owned: Option<&Owned>,
    ) -> Result<Arc<ConsumerMember>, Refusal> {
        let member = self.member(id).ok_or_else(|| Refusal::not_a_member(id, &self.group.id))?;
        if !subscription_changed && member.is_reconciled_to(self.group.target_epoch) {
            return Ok(member);
        }
        let step = Step { draft: self, member: &member, subscription_changed, owned };
        let next = step.next()?;
        if next == *member {
            return Ok(member);
        }
        self.record(ConsumerRecord::Current(id.clone(), Some(next.save_current())));
        if !next.uses_classic_protocol() {
            self.await_revocation(&next);
        }
        Ok(Arc::new(next))
    }

    pub(super) fn await_revocation(&mut self, member: &ConsumerMember) {
        let until = (member.state == MemberState::UnrevokedPartitions)
            .then(|| self.now.plus_ms(i64::from(member.data.rebalance_timeout_ms).max(0)));
        let known = self.group.deadlines.get(&member.id).and_then(|d| d.revocation);
        if known != until {
            self.change(ConsumerChange::RevocationAwaited(member.id.clone(), until));
        }
        if let Some(at) = until {
            self.arm(&member.id, at, ConsumerTimer::Revocation { epoch: member.epoch });
        }
    }
}

/// One step of a member.
struct Step<'a> {
    draft: &'a ConsumerDraft<'a>,
    member: &'a ConsumerMember,
    subscription_changed: bool,
    owned: Option<&'a Owned>,
}

impl Step<'_> {
    fn next(&self) -> Result<ConsumerMember, Refusal> {
        let target_epoch = self.draft.group.target_epoch;
        match self.member.state {
            MemberState::Stable if self.member.epoch != target_epoch => Ok(self.toward_target(self.member.epoch)),
            MemberState::Stable if self.subscription_changed => Ok(self.without_unsubscribed()),
            MemberState::Stable => Ok(self.member.clone()),
            MemberState::UnrevokedPartitions if self.still_owns(&self.member.revoking) => {
                Ok(if self.subscription_changed { self.without_unsubscribed() } else { self.member.clone() })
            }
            MemberState::UnrevokedPartitions | MemberState::UnreleasedPartitions => {
                Ok(self.toward_target(self.member.epoch))
            }
            MemberState::Unknown(_) if self.owned.is_none_or(|owned| !owned.is_empty()) => {
                let message = "The consumer group member is in a unknown state. The member must abandon all its partitions \
                               and rejoin.";
                Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
            }
            MemberState::Unknown(_) => Ok(self.toward_target(target_epoch)),
        }
    }

    /// Whether the member says that it has any of these, or does not say what it has.
    fn still_owns(&self, partitions: &EpochAssignment) -> bool {
        let listed = |(topic, partition): &(TopicId, i32)| {
            partitions.get(topic).is_some_and(|of_topic| of_topic.contains_key(partition))
        };
        self.owned.is_none_or(|owned| owned.iter().any(listed))
    }

    fn member_at(
        &self,
        state: MemberState,
        epoch: i32,
        assigned: EpochAssignment,
        revoking: EpochAssignment,
    ) -> ConsumerMember {
        let previous_epoch = self.member.epoch;
        ConsumerMember { state, epoch, previous_epoch, assigned, revoking, ..self.member.clone() }
    }

    /// The member keeps its epoch and gives up the topics that it no longer reads.
    fn without_unsubscribed(&self) -> ConsumerMember {
        let subscribed = self.draft.subscribed_ids(self.member);
        let (kept, dropped): (EpochAssignment, EpochAssignment) =
            self.member.assigned.clone().into_iter().partition(|(topic, _)| subscribed.contains(topic));
        if dropped.is_empty() {
            return self.member.clone();
        }
        let mut revoking = self.member.revoking.clone();
        for (topic, partitions) in dropped {
            revoking.entry(topic).or_default().extend(partitions);
        }
        if self.still_owns(&revoking) {
            self.member_at(MemberState::UnrevokedPartitions, self.member.epoch, kept, revoking)
        } else {
            // They were given up already.
            self.member_at(self.member.state, self.member.epoch, kept, self.member.revoking.clone())
        }
    }

    fn toward_target(&self, epoch: i32) -> ConsumerMember {
        let subscribed = self.draft.subscribed_ids(self.member);
        let target = self.draft.group.target(&self.member.id);
        let target_epoch = self.draft.group.target_epoch;
        let wanted = |topic: &TopicId, partition: &i32| {
            subscribed.contains(topic) && target.get(topic).is_some_and(|of_topic| of_topic.contains(partition))
        };
        let (mut assigned, mut revoking) = (EpochAssignment::new(), EpochAssignment::new());
        for (topic, partitions) in &self.member.assigned {
            for (partition, since) in partitions {
                let place = if wanted(topic, partition) { &mut assigned } else { &mut revoking };
                place.entry(*topic).or_default().insert(*partition, *since);
            }
        }
        if !revoking.is_empty() && self.still_owns(&revoking) {
            return self.member_at(MemberState::UnrevokedPartitions, epoch, assigned, revoking);
        }
        let mut waits = false;
        for (topic, partitions) in target.iter().filter(|(topic, _)| subscribed.contains(*topic)) {
            for partition in partitions {
                if has(&assigned, topic, partition) {
                    continue;
                }
                // What the member itself has given up meanwhile is free for it.
                if self.draft.group.is_owned(*topic, *partition) && !has(&self.member.revoking, topic, partition) {
                    waits = true;
                } else {
                    assigned.entry(*topic).or_default().insert(*partition, target_epoch);
                }
            }
        }
        let state = if waits { MemberState::UnreleasedPartitions } else { MemberState::Stable };
        self.member_at(state, target_epoch, assigned, BTreeMap::new())
    }
}

fn has(assignment: &EpochAssignment, topic: &TopicId, partition: &i32) -> bool {
    assignment.get(topic).is_some_and(|of_topic| of_topic.contains_key(partition))
}
