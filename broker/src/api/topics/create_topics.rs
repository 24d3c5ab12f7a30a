//! CreateTopics (19): makes topics, or checks whether they could be made.

use std::sync::Arc;

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
use crate::coordinator::metadata::Metadata;

/// Answers when the topics' logs are open.
pub async fn handle(call: &Call, request: CreateTopicsRequest, metadata: &Arc<Metadata>) -> CreateTopicsResponse {
    let names: Vec<_> = request.topics.iter().map(|t| t.name.clone()).collect();
    let topics = request.topics.iter().map(new_topic).collect();
    let reply = metadata
        .ask(|reply_to| Command::CreateTopics(CreateTopics { reply_to, topics, validate_only: request.validate_only }));
    let results = match reply {
        Ok(Reply::CreateTopics(results)) => results.into_iter().map(|r| result(call.version, r)).collect(),
        Ok(other) => unreachable!("a creation is answered by {other:?}"),
        Err(error) => names
            .into_iter()
            .map(|name| CreatableTopicResult::default().with_name(name).with_error_code(error.code()))
            .collect(),
    };
    CreateTopicsResponse::default().with_topics(results)
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
