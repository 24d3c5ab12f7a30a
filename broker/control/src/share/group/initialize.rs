//! Partitions get a state at the share coordinator once a group reads them: asked for, awaited, and there or not (Kafka:
//! subscribedTopicsChangeMap, addInitializingTopicsRecords, initializeShareGroupState, uninitializeShareGroupState,
//! maybeCleanupShareGroupState).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{Offset, Timestamp, TopicId};

use super::draft::ShareDraft;
use super::records::{ShareGroupRecord, StatePartitionsValue, StateTopic};
use super::share_group::ShareGroupChange;
use crate::group::records::Assignment;
use crate::group::{GroupDecision, GroupEffect, GroupEvent, GroupMachine, TopicsImage};

/// The name of a topic that the cluster no longer has, as Kafka writes it.
const UNKNOWN: &str = "<UNKNOWN>";

/// States to begin at the share coordinator (InitializeShareGroupState).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitializeShareState {
    /// The group.
    pub group_id: Arc<str>,
    /// Epoch of the states: the group's.
    pub state_epoch: i32,
    /// Where each begins; -1 leaves that to the partition's leader. By topic and partition, in order.
    pub partitions: BTreeMap<(TopicId, i32), Offset>,
}

/// What came of an effect [`GroupEffect::InitializeShareState`], or of the states that an answer to AlterShareGroupOffsets named.
#[derive(Clone, Debug)]
pub struct ShareStateInitialized {
    /// The group.
    pub group_id: Arc<str>,
    /// The partitions that were asked for.
    pub partitions: Assignment,
    /// Whether all of them have a state now. If not, they will be asked for again.
    pub done: bool,
}

impl GroupMachine {
    pub(crate) fn share_state_initialized(&self, now: Timestamp, initialized: &ShareStateInitialized) -> GroupDecision {
        let Some(group) = self.share_groups.get(&initialized.group_id) else { return GroupDecision::default() };
        let mut draft = ShareDraft::of(self, now, group.clone());
        let mut state = draft.group.state_value();
        let mut any = false;
        for (topic, partitions) in &initialized.partitions {
            // Others were deleted meanwhile. (Kafka puts those back, and the group keeps offsets that it was told are gone.)
            let taken = take_away(&mut state.initializing, *topic, partitions);
            any |= !taken.is_empty();
            if initialized.done && !taken.is_empty() {
                let known = state.initialized.entry(*topic);
                let name = topic_name(&self.topics, *topic);
                let known = known.or_insert_with(|| StateTopic { name, partitions: BTreeSet::new() });
                known.partitions.extend(taken);
            }
        }
        if !any {
            return GroupDecision::default();
        }
        draft.name_deleting(&mut state);
        draft.save_state(state);
        draft.decision
    }

    /// What the group still awaits of `wanted`: a deletion may have come in between.
    #[must_use]
    pub fn still_awaited(&self, wanted: &InitializeShareState) -> InitializeShareState {
        let state = self.share_groups.get(&wanted.group_id).and_then(|group| group.state_partitions.as_ref());
        let is_awaited = |(topic, partition): &(TopicId, i32)| {
            let topic = state.and_then(|state| state.initializing.get(topic));
            topic.is_some_and(|topic| topic.partitions.contains(partition))
        };
        let mut left = wanted.clone();
        left.partitions.retain(|partition, _| is_awaited(partition));
        left
    }

    /// What the deletion of topics means for the groups that have states for them. The share coordinator forgets those by itself.
    pub(crate) fn share_topics_gone(&self, now: Timestamp) -> Vec<GroupEvent> {
        let mut events = Vec::new();
        for group in self.share_groups.values() {
            let Some(state) = &group.state_partitions else { continue };
            let ids = state.initializing.keys().chain(state.initialized.keys()).chain(state.deleting.keys());
            let gone: BTreeSet<TopicId> = ids.filter(|id| self.topics.by_id(**id).is_none()).copied().collect();
            if gone.is_empty() {
                continue;
            }
            let mut left = (**state).clone();
            left.initializing.retain(|id, _| !gone.contains(id));
            left.initialized.retain(|id, _| !gone.contains(id));
            left.deleting.retain(|id, _| !gone.contains(id));
            let group_id = group.id.clone();
            let record = ShareGroupRecord::StatePartitions(Some(left));
            events.push(GroupEvent::Share { group_id: group_id.clone(), record });
            events.push(GroupEvent::ShareChanged { group_id, change: ShareGroupChange::StateWritten(now) });
        }
        events
    }
}

impl ShareDraft<'_> {
    /// Asks for a state of each partition that is read and has none. Who was asked long ago is asked again.
    pub(super) fn initialize_partitions(&mut self) {
        let without = self.partitions_without_state();
        if without.is_empty() {
            return;
        }
        let partitions =
            without.iter().flat_map(|(id, topic)| topic.partitions.iter().map(|p| ((*id, *p), Offset(-1))));
        let initialize = InitializeShareState {
            group_id: self.group.id.clone(),
            state_epoch: self.group.epoch,
            partitions: partitions.collect(),
        };
        self.add_initializing(without);
        self.decision.effects.push(GroupEffect::InitializeShareState(initialize));
    }

    fn partitions_without_state(&self) -> BTreeMap<TopicId, StateTopic> {
        let state = self.group.state_value();
        let patience_ms = self.machine.config.share.initialize_retry_interval_ms;
        let is_awaited = self.group.state_written_at.is_some_and(|at| self.now < at.plus_ms(patience_ms));
        let mut without = BTreeMap::new();
        for name in self.group.subscribed_topics() {
            let Some(topic) = self.image().by_name(name) else { continue };
            let mut partitions: BTreeSet<i32> = (0..topic.partitions()).collect();
            let mut known = [Some(&state.initialized), is_awaited.then_some(&state.initializing)].into_iter().flatten();
            known.by_ref().filter_map(|topics| topics.get(&topic.id())).for_each(|topic| {
                partitions.retain(|partition| !topic.partitions.contains(partition));
            });
            if !partitions.is_empty() {
                without.insert(topic.id(), StateTopic { name: name.clone(), partitions });
            }
        }
        without
    }

    /// Writes that these partitions are to get a state.
    pub(super) fn add_initializing(&mut self, topics: BTreeMap<TopicId, StateTopic>) {
        if topics.is_empty() {
            return;
        }
        let mut state = self.group.state_value();
        for (id, topic) in topics {
            let known = state.initializing.entry(id);
            let known = known.or_insert_with(|| StateTopic { name: topic.name, partitions: BTreeSet::new() });
            known.partitions.extend(topic.partitions);
        }
        state.deleting.retain(|id, _| !state.initializing.contains_key(id));
        self.name_deleting(&mut state);
        self.save_state(state);
    }

    /// Kafka keeps the ids alone, and looks the names up whenever it writes them.
    pub(super) fn name_deleting(&self, state: &mut StatePartitionsValue) {
        state.deleting.iter_mut().for_each(|(id, name)| *name = topic_name(self.image(), *id));
    }
}

pub(super) fn topic_name(image: &TopicsImage, id: TopicId) -> Arc<str> {
    image.by_id(id).map_or_else(|| UNKNOWN.into(), |topic| topic.name().clone())
}

/// Takes those of a topic's `partitions` that are in `topics` out of it.
fn take_away(topics: &mut BTreeMap<TopicId, StateTopic>, id: TopicId, partitions: &BTreeSet<i32>) -> BTreeSet<i32> {
    let Some(topic) = topics.get_mut(&id) else { return BTreeSet::new() };
    let taken = topic.partitions.intersection(partitions).copied().collect();
    topic.partitions.retain(|partition| !partitions.contains(partition));
    if topic.partitions.is_empty() {
        topics.remove(&id);
    }
    taken
}
