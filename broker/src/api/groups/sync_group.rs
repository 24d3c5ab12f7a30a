//! SyncGroup (14): a member fetches its assignment; the leader brings everybody's.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{GroupCommand, GroupReply, Sync, SyncReply};
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use tokio::sync::watch;

use super::{maybe_shared, maybe_text, shared, until_stop};
use crate::api::call::Call;
use crate::coordinator::groups::Groups;

/// Waits for the leader's assignment.
pub async fn handle(
    call: &Call,
    request: SyncGroupRequest,
    groups: &Arc<Groups>,
    stop: &watch::Receiver<bool>,
) -> SyncGroupResponse {
    let command = |reply_to| {
        GroupCommand::Sync(Sync {
            reply_to,
            group_id: shared(&request.group_id),
            generation: request.generation_id,
            member_id: shared(&request.member_id),
            instance_id: maybe_shared(&request.group_instance_id),
            protocol_type: maybe_shared(&request.protocol_type),
            protocol_name: maybe_shared(&request.protocol_name),
            assignments: request.assignments.iter().map(|a| (shared(&a.member_id), a.assignment.clone())).collect(),
        })
    };
    // Kafka: KafkaApis.handleSyncGroupRequest (KIP-559).
    if call.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return SyncGroupResponse::default().with_error_code(ErrorCode::InconsistentGroupProtocol.code());
    }
    let reply = match until_stop(stop, groups.ask(&request.group_id, command)).await {
        Ok(GroupReply::Sync(reply)) => reply,
        Ok(other) => unreachable!("a sync is answered by {other:?}"),
        Err(error) => SyncReply::error(error),
    };
    let response = SyncGroupResponse::default().with_error_code(reply.error.code()).with_assignment(reply.assignment);
    if call.version >= 5 {
        response
            .with_protocol_type(maybe_text(&reply.protocol_type))
            .with_protocol_name(maybe_text(&reply.protocol_name))
    } else {
        response
    }
}
