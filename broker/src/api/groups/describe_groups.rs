//! DescribeGroups (15): state and members of classic groups.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::GroupDescription;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};

use super::maybe_text;
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;

/// Answers from what is committed in the coordinator's log.
pub async fn handle(call: &Call, request: DescribeGroupsRequest, groups: &Arc<Groups>) -> DescribeGroupsResponse {
    let operations = convert::group_operations(request.include_authorized_operations && call.version >= 3);
    let described = request
        .groups
        .iter()
        .map(|group_id| match groups.shard(group_id) {
            Ok(shard) => {
                let group = describe(call.version, shard.query(|machine| machine.describe_group(group_id)));
                if call.version >= 3 && (call.version < 6 || group.error_code == 0) {
                    group.with_authorized_operations(operations)
                } else {
                    group
                }
            }
            Err(error) => DescribedGroup::default().with_group_id(group_id.clone()).with_error_code(error.code()),
        })
        .collect();
    DescribeGroupsResponse::default().with_groups(described)
}

fn describe(version: i16, group: GroupDescription) -> DescribedGroup {
    let members = group
        .members
        .iter()
        .map(|m| {
            let member = DescribedGroupMember::default()
                .with_member_id(convert::text(&m.member_id))
                .with_client_id(convert::text(&m.client_id))
                .with_client_host(convert::text(&m.client_host))
                .with_member_metadata(m.metadata.clone())
                .with_member_assignment(m.assignment.clone());
            if version >= 4 { member.with_group_instance_id(maybe_text(&m.instance_id)) } else { member }
        })
        .collect();
    let described = DescribedGroup::default()
        .with_group_id(GroupId(convert::text(&group.group_id)))
        .with_group_state(convert::text(group.state))
        .with_protocol_type(convert::text(&group.protocol_type))
        .with_protocol_data(convert::text(&group.protocol))
        .with_members(members);
    // Kafka: a group that is not there was "Dead" without an error before version 6 (KIP-1043).
    match group.error {
        ErrorCode::GroupIdNotFound if version < 6 => described,
        error if version >= 6 => described
            .with_error_code(error.code())
            .with_error_message(group.error_message.as_deref().map(convert::text)),
        error => described.with_error_code(error.code()),
    }
}
