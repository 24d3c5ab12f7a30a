//! The state machine of one partition of `__consumer_offsets`: hands each command to its verb, and each event to what it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::classic_group::ClassicGroup;
use super::command::GroupCommand;
use super::config::{GroupConfig, MAX_GROUPS_PER_PARTITION};
use super::consumer::{AllOverrides, ConsumerGroup, ConsumerRecord, GroupOverrides, TopicsImage};
use super::draft::{Draft, GroupDecision};
use super::effect::GroupEffect;
use super::event::GroupEvent;
use super::offsets::Offsets;
use super::records::MAX_STRING_BYTES;
use super::reply::GroupReply;
use super::state::GroupState;
use super::timer::GroupTimer;
use crate::error_code::ErrorCode;
use crate::machine::Machine;
use crate::share::group::{ShareGroup, ShareGroupRecord};

/// All groups of one partition of `__consumer_offsets`, and their committed offsets.
#[derive(Clone, Debug)]
pub struct GroupMachine {
    pub(crate) config: GroupConfig,
    pub(super) groups: BTreeMap<Arc<str>, ClassicGroup>,
    /// Groups of the consumer protocol; a group is in one of the three maps only.
    pub(super) consumer_groups: BTreeMap<Arc<str>, ConsumerGroup>,
    /// Share groups.
    pub(crate) share_groups: BTreeMap<Arc<str>, ShareGroup>,
    pub(crate) topics: Arc<TopicsImage>,
    pub(super) overrides: Arc<AllOverrides>,
    pub(super) offsets: Offsets,
}

impl GroupMachine {
    /// A machine without groups. Feed it the log's records, then call [`GroupMachine::on_loaded`].
    #[must_use]
    pub fn new(config: GroupConfig) -> GroupMachine {
        GroupMachine {
            config,
            groups: BTreeMap::new(),
            consumer_groups: BTreeMap::new(),
            share_groups: BTreeMap::new(),
            topics: Arc::default(),
            overrides: Arc::default(),
            offsets: Offsets::default(),
        }
    }

    /// What follows once the log has been replayed: sessions start anew, a group over `group.max.size` is rebalanced, and expired
    /// offsets are looked for from now on (Kafka: GroupMetadataManager.onLoaded).
    #[must_use]
    pub fn on_loaded(&self, now: Timestamp) -> GroupDecision {
        let mut loaded = GroupDecision::default();
        for group in self.groups.values() {
            let mut draft = Draft::of(&self.config, now, group);
            for member_id in group.members.keys() {
                draft.extend_session_by_timeout(member_id);
            }
            if group.members.len() > usize::try_from(self.config.max_size).unwrap_or(0) {
                draft.start_rebalance("the group was loaded and is over its capacity group.max.size");
            }
            loaded.events.append(&mut draft.decision.events);
            loaded.timers.append(&mut draft.decision.timers);
            loaded.effects.append(&mut draft.decision.effects);
        }
        self.on_consumer_groups_loaded(now, &mut loaded);
        self.on_share_groups_loaded(now, &mut loaded);
        let check = now.plus_ms(self.config.offsets_retention_check_interval_ms);
        loaded.timers.push((check, GroupTimer::ExpireOffsets));
        loaded
    }

    /// Group ids are not empty (Kafka: GroupCoordinatorService.isGroupIdNotEmpty) and fit into a record.
    pub(super) fn check_group_id(&self, group_id: &str) -> Result<(), ErrorCode> {
        if group_id.is_empty() || group_id.len() > MAX_STRING_BYTES { Err(ErrorCode::InvalidGroupId) } else { Ok(()) }
    }

    fn timer_fired(&self, now: Timestamp, timer: GroupTimer) -> GroupDecision {
        match timer {
            GroupTimer::Session { group_id, member_id, at } => self.session_timer(now, &group_id, &member_id, at),
            GroupTimer::PendingMember { group_id, member_id, at } => {
                self.pending_member_timer(now, &group_id, &member_id, at)
            }
            GroupTimer::InitialJoin { group_id, rebalance, delay_ms, remaining_ms } => {
                self.in_join_phase(now, &group_id, rebalance, |d| d.initial_delay_over(delay_ms, remaining_ms))
            }
            GroupTimer::Join { group_id, rebalance } => {
                self.in_join_phase(now, &group_id, rebalance, |d| d.complete_join())
            }
            GroupTimer::Sync { group_id, generation } => self.sync_timer(now, &group_id, generation),
            GroupTimer::Consumer { group_id, member_id, at, timer } => {
                self.consumer_timer(now, &group_id, &member_id, at, timer)
            }
            GroupTimer::Share { group_id, member_id, at } => self.share_session_timer(now, &group_id, &member_id, at),
            GroupTimer::ExpireOffsets => {
                let mut decision = self.expire_offsets(now);
                // Those for which there was no room when they went.
                decision.events.extend(self.share_topics_gone(now));
                decision
            }
        }
    }

    /// Goes on with a group if its join phase is still the one that the timer was armed for.
    fn in_join_phase(
        &self,
        now: Timestamp,
        group_id: &str,
        rebalance: u64,
        go_on: impl FnOnce(&mut Draft<'_>),
    ) -> GroupDecision {
        match self.groups.get(group_id) {
            Some(group) if group.state == GroupState::PreparingRebalance && group.join_timer == rebalance => {
                let mut draft = Draft::of(&self.config, now, group);
                go_on(&mut draft);
                draft.decision
            }
            _ => GroupDecision::default(),
        }
    }

    fn sync_timer(&self, now: Timestamp, group_id: &str, generation: i32) -> GroupDecision {
        let waits = |g: &ClassicGroup| matches!(g.state, GroupState::CompletingRebalance | GroupState::Stable);
        match self.groups.get(group_id) {
            Some(group) if group.generation == generation && waits(group) => {
                let mut draft = Draft::of(&self.config, now, group);
                draft.expire_pending_sync();
                draft.decision
            }
            _ => GroupDecision::default(),
        }
    }

    /// What is set on this group, or on all.
    pub(crate) fn overrides_of(&self, group_id: &str) -> GroupOverrides {
        self.overrides.of(group_id)
    }

    /// Whether there is a group of this name, of whatever protocol.
    pub(crate) fn has_group(&self, group_id: &str) -> bool {
        self.groups.contains_key(group_id)
            || self.consumer_groups.contains_key(group_id)
            || self.share_groups.contains_key(group_id)
    }

    pub(crate) fn check_room_for_group(&self) -> Result<(), ErrorCode> {
        let count = self.groups.len() + self.consumer_groups.len() + self.share_groups.len();
        if count < MAX_GROUPS_PER_PARTITION { Ok(()) } else { Err(ErrorCode::CoordinatorNotAvailable) }
    }

    fn apply_consumer(&mut self, group_id: Arc<str>, record: ConsumerRecord) {
        if record == ConsumerRecord::Epoch(None) {
            self.consumer_groups.remove(&group_id);
        } else if record.creates() {
            // A classic group that only holds offsets has no record of its own that could remove it.
            self.groups.remove(&group_id);
            let new = || ConsumerGroup::new(group_id.clone());
            self.consumer_groups.entry(group_id.clone()).or_insert_with(new).apply(record);
        } else if let Some(group) = self.consumer_groups.get_mut(&group_id) {
            group.apply(record);
        }
    }

    fn apply_share(&mut self, group_id: Arc<str>, record: ShareGroupRecord) {
        if record == ShareGroupRecord::Epoch(None) {
            self.share_groups.remove(&group_id);
        } else if record.creates() {
            // A classic group that only holds offsets has no record of its own that could remove it.
            self.groups.remove(&group_id);
            self.share_groups.entry(group_id.clone()).or_insert_with(|| ShareGroup::new(group_id)).apply(record);
        } else if let Some(group) = self.share_groups.get_mut(&group_id) {
            group.apply(record);
        }
    }

    fn group_or_new(&mut self, group_id: &Arc<str>, since: Option<Timestamp>) -> &mut ClassicGroup {
        self.groups.entry(group_id.clone()).or_insert_with(|| ClassicGroup::new(group_id.clone(), since))
    }
}

/// A decision that is one change.
fn only(event: GroupEvent) -> GroupDecision {
    GroupDecision { events: vec![event], ..GroupDecision::default() }
}

impl Machine for GroupMachine {
    type Command = GroupCommand;
    type Event = GroupEvent;
    type Reply = GroupReply;
    type Timer = GroupTimer;
    type Effect = GroupEffect;

    fn decide(&self, now: Timestamp, command: GroupCommand) -> GroupDecision {
        match command {
            GroupCommand::Join(join) => self.join(now, join),
            GroupCommand::Sync(sync) => self.sync(now, sync),
            GroupCommand::Heartbeat(heartbeat) => self.heartbeat(now, &heartbeat),
            GroupCommand::Leave(leave) => self.leave(now, &leave),
            GroupCommand::ConsumerHeartbeat(heartbeat) => self.consumer_heartbeat(now, *heartbeat),
            GroupCommand::ShareHeartbeat(heartbeat) => self.share_heartbeat(now, &heartbeat),
            GroupCommand::ShareStateInitialized(initialized) => self.share_state_initialized(now, &initialized),
            GroupCommand::AlterShareOffsets(alter) => self.alter_share_offsets(now, &alter),
            GroupCommand::DeleteShareOffsets(delete) => self.delete_share_offsets(now, &delete),
            GroupCommand::ShareOffsetsDeleted(deleted) => self.share_offsets_deleted(now, &deleted),
            GroupCommand::ReleaseShareState(release) => self.release_share_state(now, &release),
            GroupCommand::Topics(topics) => only(GroupEvent::Topics(topics)),
            GroupCommand::ForgetTopics => {
                GroupDecision { events: self.share_topics_gone(now), ..GroupDecision::default() }
            }
            GroupCommand::Overrides(overrides) => only(GroupEvent::Overrides(overrides)),
            GroupCommand::RegexesResolved(resolved) => self.regexes_resolved(now, resolved),
            GroupCommand::CommitOffsets(commit) => self.commit_offsets(now, commit),
            GroupCommand::CommitTransactionalOffsets(commit) => self.commit_transactional_offsets(now, commit),
            GroupCommand::TransactionMarker(marker) => GroupMachine::end_transaction(marker),
            GroupCommand::DeleteGroups(delete) => self.delete_groups(now, delete),
            GroupCommand::DeleteOffsets(delete) => self.delete_offsets(delete),
            GroupCommand::TopicDeleted(deleted) => self.topic_deleted(&deleted),
            GroupCommand::Timer(timer) => self.timer_fired(now, timer),
        }
    }

    fn apply(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Saved { group_id, value } => {
                self.consumer_groups.remove(&group_id);
                self.share_groups.remove(&group_id);
                self.group_or_new(&group_id, value.state_since).load(&value);
            }
            GroupEvent::Removed { group_id } => {
                self.groups.remove(&group_id);
            }
            GroupEvent::OffsetCommitted { group_id, partition, value, producer } => {
                // A consumer outside of group management commits to a group that nobody joined.
                if !self.consumer_groups.contains_key(&group_id) && !self.share_groups.contains_key(&group_id) {
                    self.group_or_new(&group_id, Some(value.commit_timestamp));
                }
                self.offsets.commit(group_id, partition, value, producer.map(|(id, _)| id));
            }
            GroupEvent::OffsetRemoved { group_id, partition } => self.offsets.remove(&group_id, &partition),
            GroupEvent::TransactionEnded { producer_id, committed } => {
                self.offsets.end_transaction(producer_id, committed);
            }
            GroupEvent::Consumer { group_id, record } => self.apply_consumer(group_id, record),
            GroupEvent::ConsumerChanged { group_id, change } => {
                if let Some(group) = self.consumer_groups.get_mut(&group_id) {
                    group.change(change);
                }
            }
            GroupEvent::Share { group_id, record } => self.apply_share(group_id, record),
            GroupEvent::ShareChanged { group_id, change } => {
                if let Some(group) = self.share_groups.get_mut(&group_id) {
                    group.change(change);
                }
            }
            GroupEvent::Topics(topics) => self.topics = topics,
            GroupEvent::Overrides(overrides) => self.overrides = overrides,
            GroupEvent::Changed { group_id, change } => {
                if let Some(group) = self.groups.get_mut(&group_id) {
                    group.apply(change);
                }
            }
        }
    }

    fn timer_command(timer: GroupTimer) -> GroupCommand {
        GroupCommand::Timer(timer)
    }
}
