//! ConsumerGroupHeartbeat (68): a member of a consumer group joins, stays, learns what it reads, and leaves (KIP-848).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{ConsumerHeartbeat, ConsumerHeartbeatReply, GroupCommand, GroupReply};
use forebay_control::machine::ReplyTo;
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use uuid::Uuid;

use super::{maybe_shared, maybe_text, shared};
use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::coordinator::features::Features;
use crate::coordinator::groups::Groups;

/// Answers at once; the next heartbeat brings the next step.
pub async fn handle(
    call: &Call,
    request: ConsumerGroupHeartbeatRequest,
    groups: &Arc<Groups>,
    config: &Arc<BrokerConfig>,
    features: &Arc<Features>,
) -> ConsumerGroupHeartbeatResponse {
    if !super::has_consumer_protocol(config, features) {
        return refused(ErrorCode::UnsupportedVersion);
    }
    let command = |reply_to| GroupCommand::ConsumerHeartbeat(Box::new(heartbeat(call, &request, reply_to)));
    match groups.ask(&request.group_id, command).await {
        Ok(GroupReply::ConsumerHeartbeat(reply)) => respond(reply),
        Ok(other) => unreachable!("a heartbeat of a consumer group is answered by {other:?}"),
        Err(error) => refused(error),
    }
}

fn heartbeat(call: &Call, request: &ConsumerGroupHeartbeatRequest, reply_to: ReplyTo) -> ConsumerHeartbeat {
    let topics = request.subscribed_topic_names.as_ref();
    let owned = request.topic_partitions.as_ref();
    ConsumerHeartbeat {
        reply_to,
        group_id: shared(&request.group_id),
        member_id: shared(&request.member_id),
        member_epoch: request.member_epoch,
        instance_id: maybe_shared(&request.instance_id),
        rack_id: maybe_shared(&request.rack_id),
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|ms| *ms != -1),
        topics: topics.map(|names| names.iter().map(|name| shared(name)).collect()),
        regex: maybe_shared(&request.subscribed_topic_regex),
        assignor: maybe_shared(&request.server_assignor),
        owned: owned.map(|topics| topics.iter().map(|t| (TopicId(t.topic_id), t.partitions.clone())).collect()),
        client_id: call.client_id.clone(),
        client_host: format!("/{}", call.peer.ip()).into(),
        requires_member_id: call.version >= 1,
        fresh_member_id: fresh_member_id().into(),
    }
}

/// Kafka: Uuid.randomUuid, whose texts do not begin with a dash.
fn fresh_member_id() -> String {
    loop {
        let id = TopicId(Uuid::new_v4()).to_string();
        if !id.starts_with('-') {
            return id;
        }
    }
}

fn respond(reply: ConsumerHeartbeatReply) -> ConsumerGroupHeartbeatResponse {
    let topic = |(id, partitions): (TopicId, Vec<i32>)| {
        TopicPartitions::default().with_topic_id(id.0).with_partitions(partitions)
    };
    let assignment = reply
        .assignment
        .map(|topics| Assignment::default().with_topic_partitions(topics.into_iter().map(topic).collect()));
    ConsumerGroupHeartbeatResponse::default()
        .with_error_code(reply.error.code())
        .with_error_message(reply.error_message.as_deref().map(convert::text))
        .with_member_id(maybe_text(&reply.member_id))
        .with_member_epoch(reply.member_epoch)
        .with_heartbeat_interval_ms(reply.heartbeat_interval_ms)
        .with_assignment(assignment)
}

fn refused(error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default().with_error_code(error.code())
}
