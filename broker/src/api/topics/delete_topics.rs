//! DeleteTopics (20): removes topics by name or by id (KIP-516).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::{DeleteTopics, TopicRef};
use forebay_control::metadata::reply::DeleteTopicResult;
use forebay_control::metadata::{Command, Reply};
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::api::errors::EXCEEDED;
use crate::clock;
use crate::coordinator::groups::Groups;
use crate::coordinator::is_internal;
use crate::coordinator::metadata::Metadata;
use crate::quota::{Mutations, Quotas};
use crate::share::ShareGroups;

/// First version whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
const STRICT_FROM: i16 = 5;

/// Answers when the topics are gone from the metadata; their files follow.
pub async fn handle(
    call: &Call,
    request: DeleteTopicsRequest,
    metadata: &Arc<Metadata>,
    groups: &Arc<Groups>,
    share_groups: &Arc<ShareGroups>,
    quotas: &Arc<Quotas>,
) -> DeleteTopicsResponse {
    let (asked, refused): (Vec<_>, Vec<_>) = request.topics.into_iter().partition(is_named_once);
    let by_name = request.topic_names.iter().map(|n| TopicRef::Name(n.to_string()));
    let by_state = asked.iter().map(|t| match &t.name {
        Some(name) => TopicRef::Name(name.to_string()),
        None => TopicRef::Id(TopicId(t.topic_id)),
    });
    let topics: Vec<TopicRef> = if call.version < 6 { by_name.collect() } else { by_state.collect() };
    let (own, topics): (Vec<_>, Vec<_>) = topics.into_iter().partition(|topic| is_own(metadata, topic));
    let mut mutations = quotas.mutations(call.client(), call.version >= STRICT_FROM, clock::now().0);
    let (topics, exceeding): (Vec<_>, Vec<_>) =
        topics.into_iter().partition(|topic| has_room(&mut mutations, topic, metadata));
    call.charge.hold_up(mutations.throttle_ms());
    let asked = topics.clone();
    let reply = metadata.ask(|reply_to| Command::DeleteTopics(DeleteTopics { reply_to, topics }));
    let results = match reply {
        Ok(Reply::DeleteTopics(results)) => results,
        Ok(other) => unreachable!("a deletion is answered by {other:?}"),
        Err(error) => asked
            .into_iter()
            .map(|asked| DeleteTopicResult { asked, name: None, topic_id: TopicId::ZERO, error, message: None })
            .collect(),
    };
    for result in results.iter().filter(|r| r.error.is_ok()) {
        if let Some(name) = &result.name {
            groups.topic_deleted(name);
        }
        share_groups.topic_deleted(result.topic_id);
    }
    let own = own.into_iter().map(kept).chain(exceeding.into_iter().map(exceeded));
    let results = results.into_iter().chain(own).map(|r| answer(call.version, r));
    DeleteTopicsResponse::default().with_responses(refused.into_iter().map(not_named_once).chain(results).collect())
}

/// Whether the quota has room for the deletion of a topic; there is always room for none.
fn has_room(mutations: &mut Mutations<'_>, topic: &TopicRef, metadata: &Metadata) -> bool {
    if !mutations.are_limited() {
        return true;
    }
    let found = metadata.query(|m| match topic {
        TopicRef::Name(name) => m.topic(name).map(|t| t.partitions.len()),
        TopicRef::Id(id) => m.topic_by_id(*id).map(|t| t.partitions.len()),
    });
    found.is_none_or(|partitions| mutations.charge(partitions).is_ok())
}

fn exceeded(asked: TopicRef) -> DeleteTopicResult {
    let topic_id = match asked {
        TopicRef::Name(_) => TopicId::ZERO,
        TopicRef::Id(id) => id,
    };
    let (error, message) = (ErrorCode::ThrottlingQuotaExceeded, Some(EXCEEDED.to_owned()));
    DeleteTopicResult { asked, name: None, topic_id, error, message }
}

/// Whether the coordinators keep their state in this topic.
fn is_own(metadata: &Metadata, topic: &TopicRef) -> bool {
    match topic {
        TopicRef::Name(name) => is_internal(name),
        TopicRef::Id(id) => metadata.query(|m| m.topic_by_id(*id).is_some_and(|t| is_internal(&t.name))),
    }
}

/// Kafka would delete all committed offsets or transactions on request; here they are kept.
fn kept(asked: TopicRef) -> DeleteTopicResult {
    let topic_id = match asked {
        TopicRef::Name(_) => TopicId::ZERO,
        TopicRef::Id(id) => id,
    };
    let message = Some("Internal topics cannot be deleted.".to_owned());
    DeleteTopicResult { asked, name: None, topic_id, error: ErrorCode::InvalidTopicException, message }
}

/// Kafka: a topic has a name or an id in the request, not both and not neither (ControllerApis.deleteTopics).
fn is_named_once(topic: &DeleteTopicState) -> bool {
    topic.name.is_some() == topic.topic_id.is_nil()
}

fn not_named_once(topic: DeleteTopicState) -> DeletableTopicResult {
    let message = match &topic.name {
        Some(_) => "You may not specify both topic name and topic id.",
        None => "Neither topic name nor id were specified.",
    };
    DeletableTopicResult::default()
        .with_name(topic.name)
        .with_topic_id(topic.topic_id)
        .with_error_code(ErrorCode::InvalidRequest.code())
        .with_error_message(Some(convert::text(message)))
}

fn answer(version: i16, result: DeleteTopicResult) -> DeletableTopicResult {
    let name = match (&result.name, &result.asked) {
        (Some(name), _) | (None, TopicRef::Name(name)) => Some(convert::topic_name(name)),
        (None, TopicRef::Id(_)) => None,
    };
    let answer = DeletableTopicResult::default().with_name(name).with_error_code(result.error.code());
    let answer =
        if version >= 5 { answer.with_error_message(result.message.as_deref().map(convert::text)) } else { answer };
    if version >= 6 { answer.with_topic_id(result.topic_id.0) } else { answer }
}
