//! Metadata (3): brokers, topics and the leaders of partitions; makes a topic that is asked for and not there, for the next request.

use std::collections::HashSet;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::{TopicInfo, validate_topic_name};
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::{internal_topics, is_internal};
use crate::node::Cluster;
use crate::partition::Partitions;

/// Kafka: MetadataResponse.NO_LEADER_ID.
pub const NO_LEADER: BrokerId = BrokerId(-1);

/// Answers from the controller's state.
pub async fn handle(
    call: &Call,
    request: MetadataRequest,
    metadata: &Arc<Metadata>,
    partitions: &Arc<Partitions>,
    cluster: &Cluster,
    config: &Arc<BrokerConfig>,
) -> MetadataResponse {
    if call.version < 12 && request.topics.iter().flatten().any(|t| t.name.is_none() || !t.topic_id.is_nil()) {
        return refused(ErrorCode::InvalidRequest, call.version, request.topics.unwrap_or_default());
    }
    if request.topics.iter().flatten().any(|t| t.name.is_none() && t.topic_id.is_nil()) {
        return refused(ErrorCode::UnknownServerError, call.version, request.topics.unwrap_or_default());
    }
    let with_operations = request.include_topic_authorized_operations;
    let all = match &request.topics {
        None => true,
        // Version 0 has no null: an empty list asks for all.
        Some(topics) => call.version == 0 && topics.is_empty(),
    };
    let topics = if all {
        metadata.query(|m| m.topics().map(|t| topic(call.version, t, partitions, with_operations)).collect())
    } else {
        let maker = (request.allow_auto_topic_creation && config.topics.auto_create).then_some(&**config);
        let asked = once_each(request.topics.unwrap_or_default());
        asked.into_iter().map(|t| one(call.version, t, metadata, partitions, maker, with_operations)).collect()
    };
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(cluster.node_id.0))
        .with_host(convert::text(&call.listener.advertised_host))
        .with_port(i32::from(call.listener.advertised_port));
    let broker = if call.version >= 1 { broker.with_rack(cluster.rack.as_deref().map(convert::text)) } else { broker };
    let mut response = MetadataResponse::default().with_brokers(vec![broker]).with_topics(topics);
    if call.version >= 1 {
        response = response.with_controller_id(BrokerId(cluster.node_id.0));
    }
    if call.version >= 2 {
        response = response.with_cluster_id(Some(convert::text(&cluster.cluster_id)));
    }
    if (8..=10).contains(&call.version) && request.include_cluster_authorized_operations {
        response = response.with_cluster_authorized_operations(convert::CLUSTER_OPERATIONS);
    }
    response
}

/// Kafka: versions 10 and 11 have a field for ids, and brokers refuse to look at it (KafkaApis.handleTopicMetadataRequest); a topic with
/// neither a name nor an id is no request at all.
fn refused(error: ErrorCode, version: i16, topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let one = |topic: MetadataRequestTopic| {
        let name = topic.name.unwrap_or_default();
        let answer = MetadataResponseTopic::default().with_error_code(error.code()).with_name(Some(name));
        if version >= 10 { answer.with_topic_id(topic.topic_id) } else { answer }
    };
    let response = MetadataResponse::default().with_topics(topics.into_iter().map(one).collect());
    if version >= 13 { response.with_error_code(error.code()) } else { response }
}

/// Each topic once; where there are ids, Kafka does not look at entries without (KafkaApis.handleTopicMetadataRequest).
fn once_each(topics: Vec<MetadataRequestTopic>) -> Vec<MetadataRequestTopic> {
    let by_id = topics.iter().any(|t| !t.topic_id.is_nil());
    let mut seen = HashSet::new();
    let asked = topics.into_iter().filter(|t| !by_id || !t.topic_id.is_nil());
    asked.filter(|t| seen.insert((t.topic_id, t.name.clone().filter(|_| !by_id)))).collect()
}

fn one(
    version: i16,
    asked: MetadataRequestTopic,
    metadata: &Metadata,
    partitions: &Partitions,
    maker: Option<&BrokerConfig>,
    with_operations: bool,
) -> MetadataResponseTopic {
    let refused = |error: ErrorCode| {
        let answer = MetadataResponseTopic::default().with_error_code(error.code()).with_name(asked.name.clone());
        let answer = if version >= 8 && with_operations && asked.name.is_some() {
            answer.with_topic_authorized_operations(convert::TOPIC_OPERATIONS)
        } else {
            answer
        };
        if version >= 10 { answer.with_topic_id(asked.topic_id) } else { answer }
    };
    let Some(name) = asked.name.as_ref().filter(|_| asked.topic_id.is_nil()) else {
        let id = TopicId(asked.topic_id);
        let found = metadata.query(|m| m.topic_by_id(id).map(|t| topic(version, t, partitions, with_operations)));
        let mut missing = refused(ErrorCode::UnknownTopicId);
        if version < 12 {
            missing.name = Some(convert::topic_name(""));
        }
        return found.unwrap_or(missing);
    };
    if let Some(found) = metadata.query(|m| m.topic(name).map(|t| topic(version, t, partitions, with_operations))) {
        return found;
    }
    if validate_topic_name(name).is_err() {
        return refused(ErrorCode::InvalidTopicException);
    }
    let missing = || {
        let answer = refused(ErrorCode::UnknownTopicOrPartition);
        if version >= 1 { answer.with_is_internal(is_internal(name)) } else { answer }
    };
    let Some(config) = maker else { return missing() };
    // Kafka: AutoTopicCreationManager.createTopics makes a topic behind the answer, which says that it is not there, whatever has become
    // of it; clients ask again.
    let created = match internal_topics::settings_of(name, config) {
        // What a coordinator keeps there has the coordinator's settings, whoever is the first to ask for it.
        Some(internal) => metadata.create_topic(name, internal.partitions, &internal.configs),
        None => metadata.create_topic(name, -1, &[]),
    };
    if let Err((error, message)) = created {
        tracing::warn!("topic {} cannot be made: {error} {message}", name.as_str());
    }
    missing()
}

fn topic(version: i16, info: &TopicInfo, partitions: &Partitions, with_operations: bool) -> MetadataResponseTopic {
    let offline = partitions.offline_of(&info.name);
    let partitions = info
        .partitions
        .iter()
        .enumerate()
        .map(|(index, p)| {
            let answer = MetadataResponsePartition::default()
                .with_partition_index(index as i32)
                .with_leader_id(BrokerId(p.leader.0))
                .with_replica_nodes(p.replicas.iter().map(|b| BrokerId(b.0)).collect())
                .with_isr_nodes(p.isr.iter().map(|b| BrokerId(b.0)).collect());
            let answer = if version >= 7 { answer.with_leader_epoch(p.leader_epoch.0) } else { answer };
            if !offline.contains(&(index as i32)) {
                return answer;
            }
            // Kafka: KRaftMetadataCache.partitionMetadata; a partition whose only replica lies in a failed folder has no leader.
            let answer = answer.with_leader_id(NO_LEADER).with_error_code(ErrorCode::LeaderNotAvailable.code());
            let replicas = p.replicas.iter().map(|b| BrokerId(b.0)).collect();
            if version >= 5 { answer.with_offline_replicas(replicas) } else { answer }
        })
        .collect();
    let mut answer =
        MetadataResponseTopic::default().with_name(Some(convert::topic_name(&info.name))).with_partitions(partitions);
    if version >= 1 {
        answer = answer.with_is_internal(is_internal(&info.name));
    }
    if version >= 10 {
        answer = answer.with_topic_id(info.topic_id.0);
    }
    if version >= 8 && with_operations {
        answer = answer.with_topic_authorized_operations(convert::TOPIC_OPERATIONS);
    }
    answer
}
