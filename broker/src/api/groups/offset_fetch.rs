//! OffsetFetch (9): the committed positions of groups.

use std::collections::HashMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{FetchedOffset, GroupMachine};
use forebay_storage::ids::TopicPartition;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;

/// Answers what is committed; one group before version 8, several from then on.
pub async fn handle(call: &Call, request: OffsetFetchRequest, groups: &Arc<Groups>) -> OffsetFetchResponse {
    if call.version >= 8 {
        let mut answers = Vec::with_capacity(request.groups.len());
        for group in &request.groups {
            let wanted = group.topics.as_ref().map(|topics| {
                topics
                    .iter()
                    .flat_map(|t| t.partition_indexes.iter().map(|p| convert::partition_name(&t.name, *p)))
                    .collect()
            });
            let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
            // Before version 9 these are not there, and the defaults say so.
            let member = (group.member_id.as_ref().map(|id| id.as_str()), group.member_epoch);
            answers.push(match fetch(groups, &group.group_id, member, wanted, request.require_stable).await {
                Ok(found) => answer.with_topics(by_topic(found).into_iter().map(group_topic).collect()),
                Err(error) => answer.with_error_code(error.code()),
            });
        }
        return OffsetFetchResponse::default().with_groups(answers);
    }
    let wanted: Option<Vec<TopicPartition>> = request.topics.as_ref().map(|topics| {
        topics.iter().flat_map(|t| t.partition_indexes.iter().map(|p| convert::partition_name(&t.name, *p))).collect()
    });
    match fetch(groups, &request.group_id, NOBODY, wanted.clone(), request.require_stable).await {
        Ok(found) => OffsetFetchResponse::default()
            .with_topics(by_topic(found).into_iter().map(|t| topic(call.version, t)).collect()),
        Err(error) if call.version >= 2 => OffsetFetchResponse::default().with_error_code(error.code()),
        // Version 1 has no place for an error but the partitions.
        Err(error) => {
            let failed = wanted.unwrap_or_default().into_iter().map(|partition| failed(partition, error)).collect();
            OffsetFetchResponse::default()
                .with_topics(by_topic(failed).into_iter().map(|t| topic(call.version, t)).collect())
        }
    }
}

/// Who asks, where the request does not say: no member, no epoch.
const NOBODY: (Option<&str>, i32) = (None, -1);

async fn fetch(
    groups: &Groups,
    group_id: &str,
    (member_id, member_epoch): (Option<&str>, i32),
    wanted: Option<Vec<TopicPartition>>,
    require_stable: bool,
) -> Result<Vec<FetchedOffset>, ErrorCode> {
    let shard = groups.shard(group_id)?;
    let look = |machine: &GroupMachine| {
        machine.check_offset_fetch(group_id, member_id, member_epoch)?;
        Ok(machine.fetch_offsets(group_id, wanted.as_deref(), require_stable))
    };
    shard.read(look).await.map_err(|_| ErrorCode::CoordinatorNotAvailable)?
}

fn failed(partition: TopicPartition, error: ErrorCode) -> FetchedOffset {
    FetchedOffset {
        topic_id: forebay_storage::ids::TopicId::ZERO,
        partition,
        offset: forebay_storage::ids::Offset(-1),
        leader_epoch: forebay_storage::ids::LeaderEpoch::UNKNOWN,
        metadata: "".into(),
        error,
    }
}

/// The partitions of each topic, topics in the order of their first mention.
fn by_topic(found: Vec<FetchedOffset>) -> Vec<Vec<FetchedOffset>> {
    let mut topics: Vec<Vec<FetchedOffset>> = Vec::new();
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    for offset in found {
        let place = *places.entry(offset.partition.topic.clone()).or_insert(topics.len());
        match topics.get_mut(place) {
            Some(topic) => topic.push(offset),
            None => topics.push(vec![offset]),
        }
    }
    topics
}

fn topic(version: i16, found: Vec<FetchedOffset>) -> OffsetFetchResponseTopic {
    let name = convert::topic_name(&found[0].partition.topic);
    let partitions = found
        .into_iter()
        .map(|f| {
            let answer = OffsetFetchResponsePartition::default()
                .with_partition_index(f.partition.partition)
                .with_committed_offset(f.offset.0)
                .with_metadata(Some(convert::text(&f.metadata)))
                .with_error_code(f.error.code());
            if version >= 5 { answer.with_committed_leader_epoch(f.leader_epoch.0) } else { answer }
        })
        .collect();
    OffsetFetchResponseTopic::default().with_name(name).with_partitions(partitions)
}

fn group_topic(found: Vec<FetchedOffset>) -> OffsetFetchResponseTopics {
    let name = convert::topic_name(&found[0].partition.topic);
    let partitions = found
        .into_iter()
        .map(|f| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(f.partition.partition)
                .with_committed_offset(f.offset.0)
                .with_committed_leader_epoch(f.leader_epoch.0)
                .with_metadata(Some(convert::text(&f.metadata)))
                .with_error_code(f.error.code())
        })
        .collect();
    OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions)
}
