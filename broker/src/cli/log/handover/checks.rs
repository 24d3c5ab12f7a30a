//! Whether the partitions in the metadata are those in the folders.

use std::collections::BTreeSet;

use forebay_control::metadata::{MetadataMachine, PartitionInfo};
use forebay_storage::ids::{TopicId, TopicPartition};

use super::folder::DataFolders;
use super::plan::{Plan, some_of};

/// Kafka's config of a topic whose older segments are in remote storage (KIP-405).
const REMOTE_STORAGE: &str = "remote.storage.enable";

/// Folders that do not fit the metadata: what stands in the way, what is worth knowing. The same for both directions.
pub(super) fn folders(plan: &mut Plan, folders: &DataFolders, machine: &MetadataMachine) {
    let (mut missing, mut others) = (Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (partition, topic_id, _) in partitions(machine) {
        match folders.find(&partition) {
            None => missing.push(partition.to_string()),
            Some((_, Some(found))) if found != topic_id => others.push(partition.to_string()),
            Some(_) => {}
        }
        known.insert(partition);
    }
    if !missing.is_empty() {
        plan.obstacles.push(format!(
            "there is no folder of {} of the partitions: {}; name all folders of log.dirs",
            missing.len(),
            some_of(&missing)
        ));
    }
    if !others.is_empty() {
        plan.obstacles.push(format!("these folders are of another topic of the same name: {}", some_of(&others)));
    }
    let found = folders.dirs.iter().flat_map(|dir| dir.partitions.keys());
    let strays: Vec<String> = found.filter(|found| !known.contains(*found)).map(ToString::to_string).collect();
    if !strays.is_empty() {
        plan.notes.push(format!("folders of no topic, left as they are: {}", some_of(&strays)));
    }
    let future: Vec<String> = folders.dirs.iter().flat_map(|dir| dir.future.clone()).collect();
    if !future.is_empty() {
        plan.notes
            .push(format!("replicas on their way to another folder, which stay where they are: {}", some_of(&future)));
    }
}

/// Whether this node alone has everything that a cluster of Kafka had.
pub(super) fn whole_cluster(plan: &mut Plan, folders: &DataFolders, machine: &MetadataMachine) {
    let node = folders.node();
    let (mut elsewhere, mut behind, mut replicated) = (Vec::new(), Vec::new(), 0u64);
    for (partition, _, info) in partitions(machine) {
        if !info.replicas.contains(&node) {
            elsewhere.push(partition.to_string());
        } else if info.replicas.len() > 1 && !info.isr.contains(&node) {
            // The only replica has everything: Kafka takes it off the list when it stops (KIP-966).
            behind.push(partition.to_string());
        }
        replicated += u64::from(info.replicas.len() > 1);
    }
    if !elsewhere.is_empty() {
        plan.obstacles.push(format!(
            "{} partitions have no replica on this node: {}; reassign them to it before Kafka is stopped",
            elsewhere.len(),
            some_of(&elsewhere)
        ));
    }
    if !behind.is_empty() {
        plan.obstacles.push(format!("this node's replicas are not in sync: {}", some_of(&behind)));
    }
    if replicated > 0 {
        plan.notes
            .push(format!("{replicated} partitions have replicas on other nodes too; from now on they have one, here"));
    }
    for topic in machine.topics() {
        let overrides = machine.topic_overrides(&topic.name).unwrap_or_default();
        if overrides.get(REMOTE_STORAGE).is_some_and(|value| value == "true") {
            plan.obstacles
                .push(format!("topic {} has segments in remote storage, which is not served yet", topic.name));
        }
    }
}

fn partitions(machine: &MetadataMachine) -> impl Iterator<Item = (TopicPartition, TopicId, &PartitionInfo)> {
    machine.topics().flat_map(|topic| {
        let numbered = (0i32..).zip(&topic.partitions);
        numbered.map(|(number, info)| (TopicPartition::new(topic.name.as_str(), number), topic.topic_id, info))
    })
}
