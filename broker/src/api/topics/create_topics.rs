//! CreateTopics (19): makes topics, or checks whether they could be made.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::{Assignment, CreateTopics, NewTopic};
use forebay_control::metadata::reply::CreateTopicResult;
use forebay_control::metadata::{Command, Reply};
use forebay_storage::ids::{BrokerId, TopicId};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use uuid::Uuid;

use crate::api::call::Call;
use crate::api::convert;
use crate::api::errors::EXCEEDED;
use crate::clock;
use crate::coordinator::metadata::Metadata;
use crate::quota::{Mutations, Quotas};

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
const STRICT_FROM: i16 = 6;

/// Answers when the topics' logs are open.
pub async fn handle(
    call: &Call,
    request: CreateTopicsRequest,
    metadata: &Arc<Metadata>,
    quotas: &Arc<Quotas>,
) -> CreateTopicsResponse {
    let topics: Vec<NewTopic> = request.topics.iter().map(new_topic).collect();
    let mut mutations = quotas.mutations(call.client(), call.version >= STRICT_FROM, clock::now().0);
    let results = if mutations.are_limited() {
        within(&mut mutations, topics, request.validate_only, metadata)
    } else {
        create(topics, request.validate_only, metadata)
    };
    call.charge.hold_up(mutations.throttle_ms());
    CreateTopicsResponse::default().with_topics(results.into_iter().map(|r| result(call.version, r)).collect())
}

fn create(topics: Vec<NewTopic>, validate_only: bool, metadata: &Metadata) -> Vec<CreateTopicResult> {
    let names: Vec<String> = topics.iter().map(|t| t.name.clone()).collect();
    match metadata.ask(|reply_to| Command::CreateTopics(CreateTopics { reply_to, topics, validate_only })) {
        Ok(Reply::CreateTopics(results)) => results,
        Ok(other) => unreachable!("a creation is answered by {other:?}"),
        Err(error) => names.into_iter().map(|name| refused(name, error, None)).collect(),
    }
}

/// Makes those that the quota has room for. Kafka counts a topic when all else about it is right, so all are checked first.
fn within(
    mutations: &mut Mutations<'_>,
    mut topics: Vec<NewTopic>,
    validate_only: bool,
    metadata: &Metadata,
) -> Vec<CreateTopicResult> {
    let mut results = create(topics.clone(), true, metadata);
    for result in results.iter_mut().filter(|r| r.error.is_ok()) {
        if mutations.charge(usize::try_from(result.partitions).unwrap_or(0)).is_err() {
            let error = ErrorCode::ThrottlingQuotaExceeded;
            *result = refused(result.name.clone(), error, Some(EXCEEDED.to_owned()));
        }
    }
    if !validate_only {
        let passed = |name: &str| results.iter().any(|r| r.error.is_ok() && r.name == name);
        topics.retain(|topic| passed(&topic.name));
        let mut made = create(topics, false, metadata);
        for result in results.iter_mut().filter(|r| r.error.is_ok()) {
            if let Some(at) = made.iter().position(|m| m.name == result.name) {
                *result = made.swap_remove(at);
            }
        }
    }
    results
}

fn refused(name: String, error: ErrorCode, message: Option<String>) -> CreateTopicResult {
    let (topic_id, configs) = (TopicId::ZERO, Vec::new());
    CreateTopicResult { name, topic_id, error, message, partitions: -1, replication_factor: -1, configs }
}

fn new_topic(topic: &CreatableTopic) -> NewTopic {
    NewTopic {
        name: topic.name.to_string(),
        topic_id: TopicId(Uuid::new_v4()),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|a| Assignment {
                partition: a.partition_index,
                brokers: a.broker_ids.iter().map(|b| BrokerId(b.0)).collect(),
            })
            .collect(),
        configs: topic.configs.iter().map(|c| (c.name.to_string(), c.value.as_ref().map(|v| v.to_string()))).collect(),
    }
}

fn result(version: i16, result: CreateTopicResult) -> CreatableTopicResult {
    let mut answer = CreatableTopicResult::default()
        .with_name(convert::topic_name(&result.name))
        .with_error_code(result.error.code())
        .with_error_message(result.message.as_deref().map(convert::text));
    if version >= 5 {
        answer = answer.with_num_partitions(result.partitions).with_replication_factor(result.replication_factor);
        let configs = result
            .configs
            .iter()
            .map(|c| {
                CreatableTopicConfigs::default()
                    .with_name(convert::text(c.name))
                    .with_value(c.value.as_deref().map(convert::text))
                    .with_read_only(c.read_only)
                    .with_config_source(c.source as i8)
                    .with_is_sensitive(c.sensitive)
            })
            .collect();
        answer = answer.with_configs(Some(configs));
    }
    if version >= 7 {
        answer = answer.with_topic_id(result.topic_id.0);
    }
    answer
}
