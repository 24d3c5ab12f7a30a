//! Offsets and groups that nobody has used for `offsets.retention.minutes` (Kafka: GroupCoordinatorShard.cleanupGroupMetadata,
//! ClassicGroup.offsetExpirationCondition).

use forebay_storage::ids::Timestamp;

use super::classic_group::ClassicGroup;
use super::config::{EXPIRY_PAUSE_MS, MAX_EXPIRED_PER_CHECK};
use super::consumer::ConsumerGroup;
use super::draft::GroupDecision;
use super::event::GroupEvent;
use super::machine::GroupMachine;
use super::records::OffsetCommitValue;
use super::state::GroupState;
use super::timer::GroupTimer;

/// From when on the retention of a group's offsets counts.
#[derive(Clone, Copy)]
enum RetainedSince {
    /// The group lost its last member then.
    Emptied(Timestamp),
    /// Each offset's own commit.
    Committed,
}

impl GroupMachine {
    /// Removes what has expired, at most [`MAX_EXPIRED_PER_CHECK`] records at once, and arms the next check.
    pub(super) fn expire_offsets(&self, now: Timestamp) -> GroupDecision {
        let mut decision = GroupDecision::default();
        for group in self.groups.values() {
            if decision.events.len() < MAX_EXPIRED_PER_CHECK {
                self.expire_group(&mut decision, now, group);
            }
        }
        for group in self.consumer_groups.values() {
            if decision.events.len() < MAX_EXPIRED_PER_CHECK {
                self.expire_consumer_group(&mut decision, now, group);
            }
        }
        let more = decision.events.len() >= MAX_EXPIRED_PER_CHECK;
        let next_ms = if more { EXPIRY_PAUSE_MS } else { self.config.offsets_retention_check_interval_ms };
        decision.timers.push((now.plus_ms(next_ms), GroupTimer::ExpireOffsets));
        decision
    }

    fn expire_group(&self, decision: &mut GroupDecision, now: Timestamp, group: &ClassicGroup) {
        let mut all_gone = true;
        let since = retained_since(group);
        for (partition, value) in self.offsets.committed(&group.id) {
            let expired = since.is_some_and(|since| self.is_expired(now, value, since));
            if !expired || group.is_subscribed_to(&partition.topic) || self.offsets.is_open(&group.id, partition) {
                all_gone = false;
            } else if decision.events.len() < MAX_EXPIRED_PER_CHECK {
                let (group_id, partition) = (group.id.clone(), partition.clone());
                decision.events.push(GroupEvent::OffsetRemoved { group_id, partition });
            } else {
                return;
            }
        }
        let idle = group.state == GroupState::Empty && group.pending_members.is_empty();
        if all_gone && idle && !self.offsets.has_open(&group.id) {
            decision.events.push(GroupEvent::Removed { group_id: group.id.clone() });
        }
    }

    /// Offsets of topics that nobody reads go by their own commit (Kafka: ConsumerGroup.offsetExpirationCondition).
    fn expire_consumer_group(&self, decision: &mut GroupDecision, now: Timestamp, group: &ConsumerGroup) {
        let mut all_gone = true;
        let subscribed = group.subscribed_topics();
        for (partition, value) in self.offsets.committed(group.id()) {
            let expired = self.is_expired(now, value, RetainedSince::Committed);
            let is_read = subscribed.iter().any(|topic| **topic == partition.topic);
            if !expired || is_read || self.offsets.is_open(group.id(), partition) {
                all_gone = false;
            } else if decision.events.len() < MAX_EXPIRED_PER_CHECK {
                let (group_id, partition) = (group.id().clone(), partition.clone());
                decision.events.push(GroupEvent::OffsetRemoved { group_id, partition });
            } else {
                return;
            }
        }
        if all_gone && group.is_empty() && !self.offsets.has_open(group.id()) {
            decision.events.extend(self.end_empty_consumer_group(now, group));
        }
    }

    fn is_expired(&self, now: Timestamp, value: &OffsetCommitValue, since: RetainedSince) -> bool {
        if let Some(expire) = value.expire_timestamp {
            return now >= expire;
        }
        let base = match since {
            RetainedSince::Emptied(at) => at,
            RetainedSince::Committed => value.commit_timestamp,
        };
        now.0.saturating_sub(base.0) >= self.config.offsets_retention_ms()
    }
}

/// `None` while a group's offsets must not expire.
fn retained_since(group: &ClassicGroup) -> Option<RetainedSince> {
    match (&group.protocol_type, group.state) {
        // Nobody ever joined: a consumer that only keeps its offsets here.
        (None, _) => Some(RetainedSince::Committed),
        (Some(_), GroupState::Empty) => {
            Some(group.state_since.map_or(RetainedSince::Committed, RetainedSince::Emptied))
        }
        // Offsets of topics that the members no longer read.
        (Some(_), GroupState::Stable) if group.subscribed_topics.is_some() => Some(RetainedSince::Committed),
        (Some(_), _) => None,
    }
}
