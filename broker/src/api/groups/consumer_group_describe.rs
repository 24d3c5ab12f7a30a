//! ConsumerGroupDescribe (69): consumer groups with what each member has and shall have (KIP-848).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{AssignedTopic, ConsumerGroupDescription, ConsumerMemberDescription};
use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId};

use super::maybe_text;
use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::coordinator::features::Features;
use crate::coordinator::groups::Groups;

/// Answers from what is committed in the coordinator's log.
pub async fn handle(
    call: &Call,
    request: ConsumerGroupDescribeRequest,
    groups: &Arc<Groups>,
    config: &Arc<BrokerConfig>,
    features: &Arc<Features>,
) -> ConsumerGroupDescribeResponse {
    if !super::has_consumer_protocol(config, features) {
        let refused = |group_id| {
            DescribedGroup::default().with_group_id(group_id).with_error_code(ErrorCode::UnsupportedVersion.code())
        };
        let groups = request.group_ids.into_iter().map(refused).collect();
        return ConsumerGroupDescribeResponse::default().with_groups(groups);
    }
    let mut described = Vec::with_capacity(request.group_ids.len());
    for group_id in request.group_ids {
        described.push(match groups.read(&group_id, |machine| machine.describe_consumer_group(&group_id)).await {
            Ok(group) => {
                let operations =
                    convert::group_operations(request.include_authorized_operations && group.error.is_ok());
                respond(call.version, group).with_authorized_operations(operations)
            }
            Err(error) => DescribedGroup::default().with_group_id(group_id).with_error_code(error.code()),
        });
    }
    ConsumerGroupDescribeResponse::default().with_groups(described)
}

fn respond(version: i16, group: ConsumerGroupDescription) -> DescribedGroup {
    DescribedGroup::default()
        .with_error_code(group.error.code())
        .with_error_message(group.error_message.as_deref().map(convert::text))
        .with_group_id(GroupId(convert::text(&group.group_id)))
        .with_group_state(convert::text(group.state))
        .with_group_epoch(group.epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(convert::text(&group.assignor))
        .with_members(group.members.into_iter().map(|m| member(version, m)).collect())
}

fn member(version: i16, member: ConsumerMemberDescription) -> Member {
    let described = Member::default()
        .with_member_id(convert::text(&member.member_id))
        .with_instance_id(maybe_text(&member.instance_id))
        .with_rack_id(maybe_text(&member.rack_id))
        .with_member_epoch(member.epoch)
        .with_client_id(convert::text(&member.client_id))
        .with_client_host(convert::text(&member.client_host))
        .with_subscribed_topic_names(member.topics.iter().map(|name| convert::topic_name(name)).collect())
        .with_subscribed_topic_regex(Some(convert::text(&member.regex)))
        .with_assignment(assignment(member.assignment))
        .with_target_assignment(assignment(member.target));
    if version >= 1 { described.with_member_type(i8::from(!member.is_classic)) } else { described }
}

fn assignment(topics: Vec<AssignedTopic>) -> Assignment {
    let topic = |assigned: AssignedTopic| {
        TopicPartitions::default()
            .with_topic_id(assigned.id.0)
            .with_topic_name(convert::topic_name(&assigned.name))
            .with_partitions(assigned.partitions)
    };
    Assignment::default().with_topic_partitions(topics.into_iter().map(topic).collect())
}
