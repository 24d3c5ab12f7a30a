//! CreatePartitions (37): adds partitions to topics (KIP-195).

use std::sync::Arc;

use forebay_control::metadata::command::{CreatePartitions, MorePartitions};
use forebay_control::metadata::reply::CreatePartitionsResult;
use forebay_control::metadata::{Command, Reply};
use forebay_storage::ids::BrokerId;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Answers when the new partitions' logs are open.
pub async fn handle(_: &Call, request: CreatePartitionsRequest, metadata: &Arc<Metadata>) -> CreatePartitionsResponse {
    let topics: Vec<MorePartitions> = request.topics.iter().map(more).collect();
    let names: Vec<String> = topics.iter().map(|t| t.name.clone()).collect();
    let reply = metadata.ask(|reply_to| {
        Command::CreatePartitions(CreatePartitions { reply_to, topics, validate_only: request.validate_only })
    });
    let results = match reply {
        Ok(Reply::CreatePartitions(results)) => results,
        Ok(other) => unreachable!("an addition is answered by {other:?}"),
        Err(error) => names.into_iter().map(|name| CreatePartitionsResult { name, error, message: None }).collect(),
    };
    let results = results
        .into_iter()
        .map(|r| {
            CreatePartitionsTopicResult::default()
                .with_name(convert::topic_name(&r.name))
                .with_error_code(r.error.code())
                .with_error_message(r.message.as_deref().map(convert::text))
        })
        .collect();
    CreatePartitionsResponse::default().with_results(results)
}

fn more(topic: &CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic
        .assignments
        .as_ref()
        .map(|list| list.iter().map(|a| a.broker_ids.iter().map(|b| BrokerId(b.0)).collect()).collect());
    MorePartitions { name: topic.name.to_string(), count: topic.count, assignments }
}
