//! Heartbeat (12): a member is alive.

use std::sync::Arc;

use forebay_control::group::{GroupCommand, GroupReply, Heartbeat};
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::{maybe_shared, shared};
use crate::api::call::Call;
use crate::coordinator::groups::Groups;

/// Answers at once; REBALANCE_IN_PROGRESS tells the member to join again.
pub async fn handle(_: &Call, request: HeartbeatRequest, groups: &Arc<Groups>) -> HeartbeatResponse {
    let command = |reply_to| {
        GroupCommand::Heartbeat(Heartbeat {
            reply_to,
            group_id: shared(&request.group_id),
            generation: request.generation_id,
            member_id: shared(&request.member_id),
            instance_id: maybe_shared(&request.group_instance_id),
        })
    };
    let error = match groups.ask(&request.group_id, command).await {
        Ok(GroupReply::Heartbeat(error)) | Err(error) => error,
        Ok(other) => unreachable!("a heartbeat is answered by {other:?}"),
    };
    HeartbeatResponse::default().with_error_code(error.code())
}
