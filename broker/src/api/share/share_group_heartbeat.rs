//! ShareGroupHeartbeat (76): a member of a share group joins, stays, learns what it reads, and leaves (KIP-932).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{ConsumerHeartbeatReply, GroupCommand, GroupReply};
use forebay_control::machine::ReplyTo;
use forebay_control::share::group::ShareHeartbeat;
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::share_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::features::Features;
use crate::coordinator::groups::Groups;

/// Answers at once; what the share coordinator has to do follows, and a later heartbeat brings the partitions.
pub async fn handle(
    call: &Call,
    request: ShareGroupHeartbeatRequest,
    groups: &Arc<Groups>,
    features: &Arc<Features>,
) -> ShareGroupHeartbeatResponse {
    if !features.has_share_groups() {
        return refused(ErrorCode::UnsupportedVersion);
    }
    let command = |reply_to| GroupCommand::ShareHeartbeat(Box::new(heartbeat(call, &request, reply_to)));
    match groups.ask(&request.group_id, command).await {
        Ok(GroupReply::ShareHeartbeat(reply)) => respond(reply),
        Ok(other) => unreachable!("a heartbeat of a share group is answered by {other:?}"),
        Err(error) => refused(error),
    }
}

fn heartbeat(call: &Call, request: &ShareGroupHeartbeatRequest, reply_to: ReplyTo) -> ShareHeartbeat {
    let topics = request.subscribed_topic_names.as_ref();
    ShareHeartbeat {
        reply_to,
        group_id: request.group_id.as_str().into(),
        member_id: request.member_id.as_str().into(),
        member_epoch: request.member_epoch,
        rack_id: request.rack_id.as_deref().map(Arc::from),
        topics: topics.map(|names| names.iter().map(|name| name.as_str().into()).collect()),
        client_id: call.client_id.clone(),
        client_host: format!("/{}", call.peer.ip()).into(),
    }
}

fn respond(reply: ConsumerHeartbeatReply) -> ShareGroupHeartbeatResponse {
    let topic = |(id, partitions): (TopicId, Vec<i32>)| {
        TopicPartitions::default().with_topic_id(id.0).with_partitions(partitions)
    };
    let assignment = reply
        .assignment
        .map(|topics| Assignment::default().with_topic_partitions(topics.into_iter().map(topic).collect()));
    ShareGroupHeartbeatResponse::default()
        .with_error_code(reply.error.code())
        .with_error_message(reply.error_message.as_deref().map(convert::text))
        .with_member_id(reply.member_id.as_deref().map(convert::text))
        .with_member_epoch(reply.member_epoch)
        .with_heartbeat_interval_ms(reply.heartbeat_interval_ms)
        .with_assignment(assignment)
}

fn refused(error: ErrorCode) -> ShareGroupHeartbeatResponse {
    ShareGroupHeartbeatResponse::default().with_error_code(error.code())
}
