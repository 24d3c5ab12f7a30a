//! DescribeShareGroupOffsets (90): where share groups are in their partitions, and how much is left (KIP-932, KIP-1226).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::state::{SharePartitionKey, StateSummary};
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup as AskedGroup, DescribeShareGroupOffsetsRequestTopic as AskedTopic,
};
use uuid::Uuid;

use super::wire::describe_offsets::{DescribeOffsets, GroupOffsets, PartitionOffset, TopicOffsets, encode};
use crate::api::call::{Call, Outcome};
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::share_states::ShareStates;
use crate::partition::Partitions;

/// Each group is answered for itself; one that is not there has no offsets, which is no error.
pub async fn handle(
    call: &Call,
    request: DescribeOffsets,
    groups: &Arc<Groups>,
    states: &Arc<ShareStates>,
    metadata: &Arc<Metadata>,
    partitions: &Arc<Partitions>,
) -> Outcome {
    let looking = Looking { groups, states, metadata, partitions };
    let mut answers = Vec::with_capacity(request.0.groups.len());
    for group in &request.0.groups {
        let looked = match metadata.features().has_share_groups() {
            true => looking.group(group).await,
            false => Err(ErrorCode::UnsupportedVersion),
        };
        let (topics, error) = match looked {
            Ok(topics) => (topics, ErrorCode::None),
            Err(error) => (Vec::new(), error),
        };
        answers.push(GroupOffsets { group_id: group.group_id.to_string(), topics, error: error.code() });
    }
    Outcome(encode(call, &answers))
}

/// Where it is looked.
struct Looking<'a> {
    groups: &'a Groups,
    states: &'a ShareStates,
    metadata: &'a Metadata,
    partitions: &'a Partitions,
}

impl Looking<'_> {
    async fn group(&self, group: &AskedGroup) -> Result<Vec<TopicOffsets>, ErrorCode> {
        let group_id: Arc<str> = group.group_id.as_str().into();
        let image = self.metadata.group_view().topics;
        let Some(asked) = &group.topics else {
            let initialized =
                self.groups.read(&group_id, |machine| machine.initialized_share_partitions(&group_id)).await?;
            let there = initialized.into_iter().filter_map(|(id, topic)| {
                image
                    .by_id(id)
                    .map(|known| (known.name().clone(), id, topic.partitions.into_iter().collect::<Vec<_>>()))
            });
            return Ok(self.topics(&group_id, there).await);
        };
        let (known, unknown): (Vec<&AskedTopic>, Vec<&AskedTopic>) =
            asked.iter().partition(|topic| image.by_name(&topic.topic_name).is_some());
        // Asked twice is answered once for each partition named, by topic.
        let mut wanted: BTreeMap<TopicId, (Arc<str>, Vec<i32>)> = BTreeMap::new();
        for topic in known {
            let Some(info) = image.by_name(&topic.topic_name) else { continue };
            let (_, numbers) = wanted.entry(info.id()).or_insert_with(|| (info.name().clone(), Vec::new()));
            numbers.extend(&topic.partitions);
        }
        let wanted = wanted.into_iter().map(|(id, (name, numbers))| (name, id, numbers));
        let mut topics = self.topics(&group_id, wanted).await;
        topics.extend(unknown.into_iter().map(not_there));
        Ok(topics)
    }

    async fn topics(
        &self,
        group_id: &Arc<str>,
        wanted: impl Iterator<Item = (Arc<str>, TopicId, Vec<i32>)>,
    ) -> Vec<TopicOffsets> {
        let mut topics = Vec::new();
        for (name, topic_id, numbers) in wanted {
            let mut partitions = Vec::with_capacity(numbers.len());
            for partition in numbers {
                let key = SharePartitionKey { group_id: group_id.clone(), topic_id, partition };
                let summary = self.states.summary(key).await.ok();
                partitions.push(self.partition(&name, partition, summary));
            }
            topics.push(TopicOffsets { name: name.to_string(), id: topic_id.0, partitions });
        }
        topics
    }

    /// Kafka: computeShareGroupLagAndBuildResponse. What the share coordinator does not know, or does not tell, is no error.
    fn partition(&self, topic: &str, partition: i32, summary: Option<StateSummary>) -> PartitionOffset {
        let Some(summary) = summary else {
            return PartitionOffset { partition, start_offset: -1, leader_epoch: 0, lag: -1, error: None };
        };
        let known = PartitionOffset {
            partition,
            start_offset: summary.start_offset,
            leader_epoch: summary.leader_epoch,
            lag: -1,
            error: None,
        };
        if summary.start_offset == -1 || summary.delivery_complete_count == -1 {
            return known;
        }
        match convert::get(self.partitions, topic, partition) {
            Ok(found) => {
                let (_, _, high_watermark) = found.offsets();
                let done = summary.start_offset.saturating_add(summary.delivery_complete_count.into());
                PartitionOffset { lag: high_watermark.0.saturating_sub(done), ..known }
            }
            Err(_) => {
                let error = (ErrorCode::UnknownTopicOrPartition.code(), super::NO_SUCH_PARTITION);
                PartitionOffset { start_offset: 0, leader_epoch: 0, error: Some(error), ..known }
            }
        }
    }
}

fn not_there(topic: &AskedTopic) -> TopicOffsets {
    let nothing = |partition: &i32| PartitionOffset {
        partition: *partition,
        start_offset: -1,
        leader_epoch: 0,
        lag: -1,
        error: None,
    };
    TopicOffsets {
        name: topic.topic_name.to_string(),
        id: Uuid::nil(),
        partitions: topic.partitions.iter().map(nothing).collect(),
    }
}
