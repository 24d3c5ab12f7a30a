//! LeaveGroup (13): members leave, or an administrator removes them.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{GroupCommand, GroupReply, Leave, LeaveReply, LeavingMember};
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::{maybe_shared, maybe_text, shared};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;

/// Answers at once.
pub async fn handle(call: &Call, request: LeaveGroupRequest, groups: &Arc<Groups>) -> LeaveGroupResponse {
    let command = |reply_to| {
        GroupCommand::Leave(Leave { reply_to, group_id: shared(&request.group_id), members: members(call, &request) })
    };
    let reply = match groups.ask(&request.group_id, command).await {
        Ok(GroupReply::Leave(reply)) => reply,
        Ok(other) => unreachable!("a leave is answered by {other:?}"),
        Err(error) => LeaveReply { error, members: Vec::new() },
    };
    if call.version < 3 {
        let of_member = reply.members.first().map_or(ErrorCode::None, |m| m.error);
        let error = if reply.error.is_ok() { of_member } else { reply.error };
        return LeaveGroupResponse::default().with_error_code(error.code());
    }
    let members = reply
        .members
        .iter()
        .map(|m| {
            MemberResponse::default()
                .with_member_id(convert::text(&m.member_id))
                .with_group_instance_id(maybe_text(&m.instance_id))
                .with_error_code(m.error.code())
        })
        .collect();
    LeaveGroupResponse::default().with_error_code(reply.error.code()).with_members(members)
}

fn members(call: &Call, request: &LeaveGroupRequest) -> Vec<LeavingMember> {
    if call.version < 3 {
        return vec![LeavingMember { member_id: shared(&request.member_id), instance_id: None, reason: None }];
    }
    let leaving = |m: &kafka_protocol::messages::leave_group_request::MemberIdentity| LeavingMember {
        member_id: shared(&m.member_id),
        instance_id: maybe_shared(&m.group_instance_id),
        reason: maybe_shared(&m.reason),
    };
    request.members.iter().map(leaving).collect()
}
