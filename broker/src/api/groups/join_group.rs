//! JoinGroup (11): a member enters the next generation of its group.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{GroupCommand, GroupReply, Join, JoinReply};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use tokio::sync::watch;

use super::{maybe_shared, maybe_text, shared, until_stop};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;

/// Waits until the rebalance is through.
pub async fn handle(
    call: &Call,
    request: JoinGroupRequest,
    groups: &Arc<Groups>,
    stop: &watch::Receiver<bool>,
) -> JoinGroupResponse {
    let member_id = shared(&request.member_id);
    let command = |reply_to| {
        GroupCommand::Join(Join {
            reply_to,
            group_id: shared(&request.group_id),
            member_id: member_id.clone(),
            instance_id: maybe_shared(&request.group_instance_id),
            client_id: call.client_id.clone(),
            client_host: format!("/{}", call.peer.ip()).into(),
            session_timeout_ms: request.session_timeout_ms,
            // Kafka: version 0 has no rebalance timeout of its own.
            rebalance_timeout_ms: match call.version {
                0 => request.session_timeout_ms,
                _ => request.rebalance_timeout_ms,
            },
            protocol_type: shared(&request.protocol_type),
            protocols: request.protocols.iter().map(|p| (shared(&p.name), p.metadata.clone())).collect(),
            reason: maybe_shared(&request.reason),
            require_known_member_id: call.version >= 4 && request.group_instance_id.is_none(),
            supports_skipping_assignment: call.version >= 9,
            fresh_member_uuid: uuid::Uuid::new_v4().to_string().into(),
        })
    };
    let reply = match until_stop(stop, groups.ask(&request.group_id, command)).await {
        Ok(GroupReply::Join(reply)) => reply,
        Ok(other) => unreachable!("a join is answered by {other:?}"),
        Err(error) => JoinReply::error(member_id, error),
    };
    respond(call.version, reply)
}

fn respond(version: i16, reply: JoinReply) -> JoinGroupResponse {
    let members = reply
        .members
        .iter()
        .map(|m| {
            let member = JoinGroupResponseMember::default()
                .with_member_id(convert::text(&m.member_id))
                .with_metadata(m.metadata.clone());
            if version >= 5 { member.with_group_instance_id(maybe_text(&m.instance_id)) } else { member }
        })
        .collect();
    let protocol_name = match maybe_text(&reply.protocol_name) {
        None if version < 7 => Some(convert::text("")),
        name => name,
    };
    let mut response = JoinGroupResponse::default()
        .with_error_code(reply.error.code())
        .with_generation_id(reply.generation)
        .with_protocol_name(protocol_name)
        .with_leader(convert::text(&reply.leader))
        .with_member_id(convert::text(&reply.member_id))
        .with_members(members);
    if version >= 7 {
        response = response.with_protocol_type(maybe_text(&reply.protocol_type));
    }
    if version >= 9 {
        response = response.with_skip_assignment(reply.skip_assignment);
    }
    debug_assert!(reply.error != ErrorCode::None || !reply.member_id.is_empty());
    response
}
