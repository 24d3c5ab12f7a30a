//! ShareGroupDescribe (77): share groups with what each member has (KIP-932).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::AssignedTopic;
use forebay_control::share::group::{ShareGroupDescription, ShareMemberDescription};
use kafka_protocol::messages::share_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::{GroupId, ShareGroupDescribeRequest, ShareGroupDescribeResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::features::Features;
use crate::coordinator::groups::Groups;

/// Answers from what is committed in the coordinator's log.
pub async fn handle(
    _: &Call,
    request: ShareGroupDescribeRequest,
    groups: &Arc<Groups>,
    features: &Arc<Features>,
) -> ShareGroupDescribeResponse {
    if !features.has_share_groups() {
        let refused = |group_id| {
            DescribedGroup::default().with_group_id(group_id).with_error_code(ErrorCode::UnsupportedVersion.code())
        };
        return ShareGroupDescribeResponse::default().with_groups(request.group_ids.into_iter().map(refused).collect());
    }
    let mut described = Vec::with_capacity(request.group_ids.len());
    for group_id in request.group_ids {
        described.push(match describe(&group_id, groups).await {
            Ok(group) => {
                let operations =
                    convert::group_operations(request.include_authorized_operations && group.error.is_ok());
                respond(group).with_authorized_operations(operations)
            }
            Err(error) => DescribedGroup::default().with_group_id(group_id).with_error_code(error.code()),
        });
    }
    ShareGroupDescribeResponse::default().with_groups(described)
}

async fn describe(group_id: &str, groups: &Groups) -> Result<ShareGroupDescription, ErrorCode> {
    if group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    groups.read(group_id, |machine| machine.describe_share_group(group_id)).await
}

fn respond(group: ShareGroupDescription) -> DescribedGroup {
    DescribedGroup::default()
        .with_error_code(group.error.code())
        .with_error_message(group.error_message.as_deref().map(convert::text))
        .with_group_id(GroupId(convert::text(&group.group_id)))
        .with_group_state(convert::text(group.state))
        .with_group_epoch(group.epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(convert::text(group.assignor))
        .with_members(group.members.into_iter().map(member).collect())
}

fn member(member: ShareMemberDescription) -> Member {
    let topic = |assigned: AssignedTopic| {
        TopicPartitions::default()
            .with_topic_id(assigned.id.0)
            .with_topic_name(convert::topic_name(&assigned.name))
            .with_partitions(assigned.partitions)
    };
    let assignment = Assignment::default().with_topic_partitions(member.assignment.into_iter().map(topic).collect());
    Member::default()
        .with_member_id(convert::text(&member.member_id))
        .with_rack_id(member.rack_id.as_deref().map(convert::text))
        .with_member_epoch(member.epoch)
        .with_client_id(convert::text(&member.client_id))
        .with_client_host(convert::text(&member.client_host))
        .with_subscribed_topic_names(member.topics.iter().map(|name| convert::topic_name(name)).collect())
        .with_assignment(assignment)
}
