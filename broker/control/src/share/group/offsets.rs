//! AlterShareGroupOffsets and DeleteShareGroupOffsets: the group's part. The share coordinator does the rest, in between
//! (Kafka: alterShareGroupOffsets, sharePartitionsEligibleForOffsetDeletion, completeDeleteShareGroupOffsets).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{Offset, Timestamp, TopicId};

use super::draft::ShareDraft;
use super::initialize::InitializeShareState;
use super::records::StateTopic;
use crate::error_code::ErrorCode;
use crate::group::records::Assignment;
use crate::group::{GroupDecision, GroupMachine, GroupReply, Refusal, answer};
use crate::machine::ReplyTo;

/// Offsets by topic's name and partition.
pub type OffsetsByTopic = Vec<(Arc<str>, Vec<(i32, Offset)>)>;

/// Where a group shall go on reading.
#[derive(Clone, Debug)]
pub struct AlterShareOffsets {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group; it comes into being if it is not there.
    pub group_id: Arc<str>,
    /// The offsets; the answer has the same order.
    pub topics: OffsetsByTopic,
}

/// The answer to [`AlterShareOffsets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredShareOffsets {
    /// What becomes of each topic.
    pub topics: Vec<AlteredShareTopic>,
    /// What the share coordinator has to be asked for before the client gets its answer.
    pub initialize: InitializeShareState,
}

/// A topic of an [`AlteredShareOffsets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredShareTopic {
    /// The name.
    pub name: Arc<str>,
    /// The id; `None` for a topic that is not there.
    pub id: Option<TopicId>,
    /// Each partition with success or UNKNOWN_TOPIC_OR_PARTITION.
    pub partitions: Vec<(i32, ErrorCode)>,
}

/// Topics whose state a group shall lose.
#[derive(Clone, Debug)]
pub struct DeleteShareOffsets {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The topics' names.
    pub topics: Vec<Arc<str>>,
}

/// The answer to [`DeleteShareOffsets`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletedShareOffsets {
    /// Topics that nothing is known of: the name, and whether the topic exists.
    pub unknown: Vec<(Arc<str>, bool)>,
    /// What the share coordinator has to delete, in the order asked; then comes
    /// [`GroupCommand::ShareOffsetsDeleted`](crate::group::GroupCommand::ShareOffsetsDeleted).
    pub delete: Vec<(TopicId, Arc<str>, BTreeSet<i32>)>,
}

/// Topics whose state the share coordinator has deleted.
#[derive(Clone, Debug)]
pub struct ShareOffsetsDeleted {
    /// Where the answer goes, which says that it is written.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The topics.
    pub topics: BTreeSet<TopicId>,
}

/// A group about to be deleted with DeleteGroups: which states go with it.
#[derive(Clone, Debug)]
pub struct ReleaseShareState {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group, of whatever protocol.
    pub group_id: Arc<str>,
}

/// The error of a group that has members (Kafka: Errors.NON_EMPTY_GROUP).
fn not_empty() -> Refusal {
    Refusal::new(ErrorCode::NonEmptyGroup, "The group is not empty.")
}

impl GroupMachine {
    pub(crate) fn alter_share_offsets(&self, now: Timestamp, alter: &AlterShareOffsets) -> GroupDecision {
        self.try_alter(now, alter)
            .unwrap_or_else(|refusal| answer(alter.reply_to, GroupReply::AlterShareOffsets(Err(refusal))))
    }

    fn try_alter(&self, now: Timestamp, alter: &AlterShareOffsets) -> Result<GroupDecision, Refusal> {
        let mut draft = self.draft_share_group(now, &alter.group_id, true)?;
        if !draft.group.is_empty() {
            return Err(not_empty());
        }
        let mut initializing: BTreeMap<TopicId, StateTopic> = BTreeMap::new();
        let mut offsets = BTreeMap::new();
        let mut topics = Vec::with_capacity(alter.topics.len());
        for (name, partitions) in &alter.topics {
            let topic = self.topics.by_name(name);
            let exists = |partition: i32| topic.is_some_and(|topic| (0..topic.partitions()).contains(&partition));
            let id = topic.map(|topic| topic.id());
            let there = partitions.iter().filter(|(partition, _)| exists(*partition));
            if let Some(id) = id {
                let partitions = there.clone().map(|(partition, _)| *partition).collect();
                initializing.insert(id, StateTopic { name: name.clone(), partitions });
                offsets.extend(there.map(|(partition, offset)| ((id, *partition), *offset)));
            }
            let error =
                |partition| if exists(partition) { ErrorCode::None } else { ErrorCode::UnknownTopicOrPartition };
            let partitions = partitions.iter().map(|(partition, _)| (*partition, error(*partition))).collect();
            topics.push(AlteredShareTopic { name: name.clone(), id, partitions });
        }
        draft.add_initializing(initializing);
        let (group_id, state_epoch) = (draft.group.id.clone(), draft.group.epoch);
        let initialize = InitializeShareState { group_id, state_epoch, partitions: offsets };
        let reply = GroupReply::AlterShareOffsets(Ok(AlteredShareOffsets { topics, initialize }));
        draft.decision.replies.push((alter.reply_to, reply));
        Ok(draft.decision)
    }

    pub(crate) fn delete_share_offsets(&self, now: Timestamp, delete: &DeleteShareOffsets) -> GroupDecision {
        self.try_delete_offsets(now, delete)
            .unwrap_or_else(|refusal| answer(delete.reply_to, GroupReply::DeleteShareOffsets(Err(refusal))))
    }

    fn try_delete_offsets(&self, now: Timestamp, delete: &DeleteShareOffsets) -> Result<GroupDecision, Refusal> {
        let group = self.existing_share_group(&delete.group_id)?;
        if !group.is_empty() {
            return Err(not_empty());
        }
        let mut draft = ShareDraft::of(self, now, group.clone());
        let mut deleted = DeletedShareOffsets::default();
        // Kafka: without any state it says nothing of the topics either.
        if group.state_partitions.is_some() {
            let mut state = group.state_value();
            for name in &delete.topics {
                let Some(topic) = self.topics.by_name(name) else {
                    deleted.unknown.push((name.clone(), false));
                    continue;
                };
                let mut partitions = match state.initialized.remove(&topic.id()) {
                    Some(known) => known.partitions,
                    None if state.deleting.contains_key(&topic.id()) => (0..topic.partitions()).collect(),
                    None => {
                        deleted.unknown.push((name.clone(), true));
                        continue;
                    }
                };
                // What is awaited would come back else. (Kafka leaves it there; of a topic that has nothing else, it says nothing.)
                partitions.extend(state.initializing.remove(&topic.id()).into_iter().flat_map(|t| t.partitions));
                state.deleting.insert(topic.id(), name.clone());
                deleted.delete.push((topic.id(), name.clone(), partitions));
            }
            draft.name_deleting(&mut state);
            draft.save_state(state);
        }
        draft.decision.replies.push((delete.reply_to, GroupReply::DeleteShareOffsets(Ok(deleted))));
        Ok(draft.decision)
    }

    pub(crate) fn share_offsets_deleted(&self, now: Timestamp, deleted: &ShareOffsetsDeleted) -> GroupDecision {
        let reply = (deleted.reply_to, GroupReply::ShareOffsetsDeleted);
        let known = self.share_groups.get(&deleted.group_id).filter(|group| group.state_partitions.is_some());
        let Some(group) = known else { return answer(reply.0, reply.1) };
        let mut draft = ShareDraft::of(self, now, group.clone());
        let mut state = group.state_value();
        state.deleting.retain(|id, _| !deleted.topics.contains(id));
        draft.name_deleting(&mut state);
        draft.save_state(state);
        draft.decision.replies.push(reply);
        draft.decision
    }

    /// The first step of deleting a share group: all its states are to be deleted (Kafka: shareGroupBuildPartitionDeleteRequest).
    pub(crate) fn release_share_state(&self, now: Timestamp, release: &ReleaseShareState) -> GroupDecision {
        let reply = |states| answer(release.reply_to, GroupReply::ReleaseShareState(states));
        let Some(group) = self.share_groups.get(&release.group_id) else { return reply(Ok(Assignment::new())) };
        if !group.is_empty() {
            return reply(Err(ErrorCode::NonEmptyGroup));
        }
        if group.state_partitions.is_none() {
            return reply(Ok(Assignment::new()));
        }
        let mut state = group.state_value();
        let mut topics: BTreeMap<TopicId, StateTopic> = std::mem::take(&mut state.initialized);
        for (id, topic) in std::mem::take(&mut state.initializing) {
            let known = topics.entry(id).or_insert_with(|| StateTopic { partitions: BTreeSet::new(), ..topic.clone() });
            known.partitions.extend(topic.partitions);
        }
        // What an earlier attempt has left over, as far as the topic is still there.
        for topic in state.deleting.keys().filter_map(|id| self.topics.by_id(*id)) {
            let new = || StateTopic { name: topic.name().clone(), partitions: BTreeSet::new() };
            topics.entry(topic.id()).or_insert_with(new).partitions.extend(0..topic.partitions());
        }
        state.deleting = topics.iter().map(|(id, topic)| (*id, topic.name.clone())).collect();
        let mut draft = ShareDraft::of(self, now, group.clone());
        draft.save_state(state);
        let states = topics.into_iter().map(|(id, topic)| (id, topic.partitions)).collect();
        draft.decision.replies.push((release.reply_to, GroupReply::ReleaseShareState(Ok(states))));
        draft.decision
    }
}
