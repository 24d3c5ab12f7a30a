//! From a consumer group to a classic group while members stay (Kafka: validateOnlineDowngradeWithFencedMembers,
//! validateOnlineDowngradeWithReplacedMember, convertToClassicGroup, ClassicGroup.fromConsumerGroup).

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::Timestamp;

use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use super::record::ConsumerRecord;
use crate::group::classic_group::{CONSUMER_PROTOCOL_TYPE, ClassicGroup};
use crate::group::draft::Draft;
use crate::group::event::{GroupChange, GroupEvent};
use crate::group::machine::GroupMachine;
use crate::group::member::Member;
use crate::group::records::{Assignment, Subscription, encode_assignment};

impl ConsumerDraft<'_> {
    /// Whether the group becomes a classic one when these members are gone.
    pub(super) fn may_downgrade_without(&mut self, leaving: &BTreeSet<Arc<str>>) -> bool {
        let left: Vec<_> = self.group.members.values().filter(|m| !leaving.contains(&m.id)).collect();
        if left.is_empty() || !left.iter().all(|m| m.uses_classic_protocol()) {
            return false;
        }
        let count = left.len();
        self.may_hold_classic(count)
    }

    /// Whether the policy and `group.max.size` let the group be a classic one of so many members.
    pub(super) fn may_hold_classic(&mut self, members: usize) -> bool {
        if !self.config().migration_policy.allows_downgrade() {
            self.log("Cannot downgrade to classic group because the online downgrade is disabled.".into());
            return false;
        }
        if members > usize::try_from(self.machine.config.max_size).unwrap_or(0) {
            self.log("Cannot downgrade to classic group because it is greater than classic group max size.".into());
            return false;
        }
        true
    }

    /// Writes the end of the group.
    pub(super) fn record_end(&mut self) {
        let ids: Vec<Arc<str>> = self.group.members.keys().cloned().collect();
        let regexes: Vec<Arc<str>> = self.group.regexes.keys().cloned().collect();
        ids.iter().for_each(|id| self.record(ConsumerRecord::Current(id.clone(), None)));
        ids.iter().for_each(|id| self.record(ConsumerRecord::Target(id.clone(), None)));
        self.record(ConsumerRecord::TargetEpoch(None));
        ids.iter().for_each(|id| self.record(ConsumerRecord::Member(id.clone(), None)));
        regexes.into_iter().for_each(|regex| self.record(ConsumerRecord::Regex(regex, None)));
        self.record(ConsumerRecord::PartitionMetadata(false));
        self.record(ConsumerRecord::Epoch(None));
    }

    /// Makes it a classic group without `leaving`; false if what a member joined with cannot be read, and then nothing is done.
    pub(super) fn downgrade(&mut self, leaving: &BTreeSet<Arc<str>>, generation: i32, rebalance: Option<&str>) -> bool {
        let Some(classic) = self.as_classic(leaving, generation, rebalance.is_some()) else { return false };
        self.record_end();
        let decision = std::mem::take(&mut self.decision);
        let group = ClassicGroup::new(classic.id.clone(), Some(self.now));
        let mut draft = Draft { config: &self.machine.config, now: self.now, group, decision };
        draft.save(classic.save(self.now, |member| member.assignment.clone()));
        for member in classic.members.values() {
            // The record has one protocol of each member; in memory there are all.
            draft.change(GroupChange::MemberJoined(member.clone()));
            draft.extend_session_by_timeout(&member.id);
        }
        if let Some(reason) = rebalance {
            draft.start_rebalance(reason);
        }
        self.decision = draft.decision;
        self.log("Converted the consumer group to a classic group.".into());
        true
    }

    fn as_classic(&self, leaving: &BTreeSet<Arc<str>>, generation: i32, rebalances: bool) -> Option<ClassicGroup> {
        let mut classic = ClassicGroup::new(self.group.id.clone(), Some(self.now));
        for member in self.group.members.values().filter(|m| !leaving.contains(&m.id)) {
            classic.apply(GroupChange::MemberJoined(Arc::new(as_classic_member(member)?)));
        }
        let protocol = classic.select_protocol();
        for member in classic.members.values_mut() {
            let assignment = self.assignment_of(&member.id, member.metadata(&protocol)?, rebalances)?;
            Arc::make_mut(member).assignment = assignment;
        }
        (classic.generation, classic.protocol) = (generation, Some(protocol));
        Some(classic)
    }

    /// The member's assignment, in the version that it speaks: what it shall have, which it gets with its next SyncGroup. If a
    /// rebalance follows, nobody gets that any more; then it is what the member has, given up or not. Kafka takes the target here
    /// too, so that a group that becomes a consumer group again at once gives away what its members have not given up.
    fn assignment_of(&self, member_id: &str, metadata: &[u8], rebalances: bool) -> Option<Bytes> {
        let version = Subscription::decode(metadata).ok()?.version;
        let mut partitions: Assignment = (*self.group.target(member_id)).clone();
        if rebalances {
            let member = self.group.members.get(member_id)?;
            partitions.clear();
            for (topic, of_topic) in member.assigned.iter().chain(&member.revoking) {
                partitions.entry(*topic).or_default().extend(of_topic.keys());
            }
        }
        let topics = partitions.iter().filter_map(|(id, of_topic)| {
            Some((&**self.image().by_id(*id)?.name(), of_topic.iter().copied().collect()))
        });
        Some(encode_assignment(version, topics))
    }
}

impl GroupMachine {
    /// The end of a consumer group without members, whether it is deleted or a classic one takes its place.
    pub(in crate::group) fn end_empty_consumer_group(&self, now: Timestamp, group: &ConsumerGroup) -> Vec<GroupEvent> {
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        draft.record_end();
        draft.decision.events
    }
}

fn as_classic_member(member: &ConsumerMember) -> Option<Member> {
    let classic = member.data.classic.as_ref()?;
    Some(Member {
        id: member.id.clone(),
        instance_id: member.data.instance_id.clone(),
        client_id: member.data.client_id.clone(),
        client_host: member.data.client_host.clone(),
        rebalance_timeout_ms: member.data.rebalance_timeout_ms,
        session_timeout_ms: classic.session_timeout_ms,
        protocol_type: CONSUMER_PROTOCOL_TYPE.into(),
        protocols: classic.protocols.clone(),
        assignment: Bytes::new(),
        awaiting_join: None,
        awaiting_sync: None,
        is_new: false,
        deadline: Timestamp(i64::MIN),
        timer_at: None,
    })
}
