//! The committed offsets of all groups, and those that wait for the end of a transaction (Kafka: OffsetMetadataManager).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{ProducerId, TopicPartition};

use super::records::OffsetCommitValue;

/// A committed offset and its place in the order of all commits, which decides between a transaction's and a plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Committed {
    value: OffsetCommitValue,
    position: u64,
}

/// The offsets of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct GroupOffsets {
    committed: BTreeMap<TopicPartition, Committed>,
    /// Open transactions with an offset for the partition.
    open: BTreeMap<TopicPartition, BTreeSet<ProducerId>>,
}

type Pending = BTreeMap<Arc<str>, BTreeMap<TopicPartition, Committed>>;

/// All offsets of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    groups: BTreeMap<Arc<str>, GroupOffsets>,
    /// Offsets of open transactions.
    pending: BTreeMap<ProducerId, Pending>,
    /// How many commits there were.
    commits: u64,
}

impl Offsets {
    /// Takes a commit in; it waits for the transaction's end when there is one.
    pub(super) fn commit(
        &mut self,
        group_id: Arc<str>,
        partition: TopicPartition,
        value: OffsetCommitValue,
        producer_id: Option<ProducerId>,
    ) {
        self.commits += 1;
        let committed = Committed { value, position: self.commits };
        let group = self.groups.entry(group_id.clone()).or_default();
        match producer_id {
            None => {
                group.committed.insert(partition, committed);
            }
            Some(producer_id) => {
                group.open.entry(partition.clone()).or_default().insert(producer_id);
                let pending = self.pending.entry(producer_id).or_default();
                pending.entry(group_id).or_default().insert(partition, committed);
            }
        }
    }

    /// Forgets a partition's offset, pending ones included.
    pub(super) fn remove(&mut self, group_id: &str, partition: &TopicPartition) {
        let Some(group) = self.groups.get_mut(group_id) else { return };
        group.committed.remove(partition);
        for producer_id in group.open.remove(partition).unwrap_or_default() {
            let Some(pending) = self.pending.get_mut(&producer_id) else { continue };
            if let Some(offsets) = pending.get_mut(group_id) {
                offsets.remove(partition);
                if offsets.is_empty() {
                    pending.remove(group_id);
                }
            }
            if pending.is_empty() {
                self.pending.remove(&producer_id);
            }
        }
        self.forget_if_empty(group_id);
    }

    /// Ends a transaction: its offsets count from now on, unless a later plain commit has overtaken them, or never.
    pub(super) fn end_transaction(&mut self, producer_id: ProducerId, committed: bool) {
        for (group_id, offsets) in self.pending.remove(&producer_id).unwrap_or_default() {
            let Some(group) = self.groups.get_mut(&group_id) else { continue };
            for (partition, offset) in offsets {
                if let Some(open) = group.open.get_mut(&partition) {
                    open.remove(&producer_id);
                    if open.is_empty() {
                        group.open.remove(&partition);
                    }
                }
                let overtaken = group.committed.get(&partition).is_some_and(|c| c.position > offset.position);
                if committed && !overtaken {
                    group.committed.insert(partition, offset);
                }
            }
            self.forget_if_empty(&group_id);
        }
    }

    fn forget_if_empty(&mut self, group_id: &str) {
        if self.groups.get(group_id).is_some_and(|g| g.committed.is_empty() && g.open.is_empty()) {
            self.groups.remove(group_id);
        }
    }

    /// A partition's committed offset.
    pub(super) fn get(&self, group_id: &str, partition: &TopicPartition) -> Option<&OffsetCommitValue> {
        self.groups.get(group_id)?.committed.get(partition).map(|c| &c.value)
    }

    /// A group's committed offsets.
    pub(super) fn committed(&self, group_id: &str) -> impl Iterator<Item = (&TopicPartition, &OffsetCommitValue)> {
        self.groups.get(group_id).into_iter().flat_map(|g| g.committed.iter().map(|(p, c)| (p, &c.value)))
    }

    /// How many partitions have an offset in a group, committed or pending.
    pub(super) fn count(&self, group_id: &str) -> usize {
        self.groups.get(group_id).map_or(0, |g| g.committed.len() + g.open.len())
    }

    /// Whether an open transaction has an offset for the partition.
    pub(super) fn is_open(&self, group_id: &str, partition: &TopicPartition) -> bool {
        self.groups.get(group_id).is_some_and(|g| g.open.contains_key(partition))
    }

    /// Whether an open transaction has offsets of the group.
    pub(super) fn has_open(&self, group_id: &str) -> bool {
        self.groups.get(group_id).is_some_and(|g| !g.open.is_empty())
    }

    /// Every partition with a committed or pending offset in the group, once.
    pub(super) fn partitions(&self, group_id: &str) -> BTreeSet<&TopicPartition> {
        self.groups.get(group_id).into_iter().flat_map(|g| g.committed.keys().chain(g.open.keys())).collect()
    }

    /// Every group and partition of `topic` with a committed or pending offset.
    pub(super) fn of_topic<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a TopicPartition)> {
        self.groups.iter().flat_map(move |(group_id, g)| {
            let partitions: BTreeSet<&TopicPartition> =
                g.committed.keys().chain(g.open.keys()).filter(|p| &*p.topic == topic).collect();
            partitions.into_iter().map(move |p| (group_id, p))
        })
    }
}
