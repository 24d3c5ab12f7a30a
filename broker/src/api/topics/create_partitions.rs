//! CreatePartitions (37): adds partitions to topics (KIP-195).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::{CreatePartitions, MorePartitions};
use forebay_control::metadata::reply::CreatePartitionsResult;
use forebay_control::metadata::{Command, Reply};
use forebay_storage::ids::BrokerId;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::api::errors::EXCEEDED;
use crate::clock;
use crate::coordinator::metadata::Metadata;
use crate::quota::{Mutations, Quotas};

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
const STRICT_FROM: i16 = 3;

/// Answers when the new partitions' logs are open.
pub async fn handle(
    call: &Call,
    request: CreatePartitionsRequest,
    metadata: &Arc<Metadata>,
    quotas: &Arc<Quotas>,
) -> CreatePartitionsResponse {
    let topics: Vec<MorePartitions> = request.topics.iter().map(more).collect();
    let mut mutations = quotas.mutations(call.client(), call.version >= STRICT_FROM, clock::now().0);
    let results = if mutations.are_limited() {
        within(&mut mutations, topics, request.validate_only, metadata)
    } else {
        enlarge(topics, request.validate_only, metadata)
    };
    call.charge.hold_up(mutations.throttle_ms());
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

fn enlarge(topics: Vec<MorePartitions>, validate_only: bool, metadata: &Metadata) -> Vec<CreatePartitionsResult> {
    let names: Vec<String> = topics.iter().map(|t| t.name.clone()).collect();
    match metadata.ask(|reply_to| Command::CreatePartitions(CreatePartitions { reply_to, topics, validate_only })) {
        Ok(Reply::CreatePartitions(results)) => results,
        Ok(other) => unreachable!("an addition is answered by {other:?}"),
        Err(error) => names.into_iter().map(|name| CreatePartitionsResult { name, error, message: None }).collect(),
    }
}

/// Enlarges those that the quota has room for. Kafka counts a topic when all else about it is right, so all are checked first.
fn within(
    mutations: &mut Mutations<'_>,
    mut topics: Vec<MorePartitions>,
    validate_only: bool,
    metadata: &Metadata,
) -> Vec<CreatePartitionsResult> {
    let mut results = enlarge(topics.clone(), true, metadata);
    for result in results.iter_mut().filter(|r| r.error.is_ok()) {
        let wanted = topics.iter().find(|t| t.name == result.name).map_or(0, |t| t.count);
        let more = wanted - metadata.topic_partitions(&result.name).unwrap_or(wanted);
        if mutations.charge(usize::try_from(more).unwrap_or(0)).is_err() {
            (result.error, result.message) = (ErrorCode::ThrottlingQuotaExceeded, Some(EXCEEDED.to_owned()));
        }
    }
    if !validate_only {
        topics.retain(|topic| results.iter().any(|r| r.error.is_ok() && r.name == topic.name));
        let mut made = enlarge(topics, false, metadata);
        for result in results.iter_mut().filter(|r| r.error.is_ok()) {
            if let Some(at) = made.iter().position(|m| m.name == result.name) {
                *result = made.swap_remove(at);
            }
        }
    }
    results
}

fn more(topic: &CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic
        .assignments
        .as_ref()
        .map(|list| list.iter().map(|a| a.broker_ids.iter().map(|b| BrokerId(b.0)).collect()).collect());
    MorePartitions { name: topic.name.to_string(), count: topic.count, assignments }
}
