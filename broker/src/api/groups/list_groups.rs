//! ListGroups (16): all groups, by state and type if asked.

use std::sync::Arc;

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;

/// Answers from all shards. Names of states and types are compared as Kafka does, without regard to case.
pub async fn handle(call: &Call, request: ListGroupsRequest, groups: &Arc<Groups>) -> ListGroupsResponse {
    let shards = match groups.shards() {
        Ok(shards) => shards,
        Err(error) => return ListGroupsResponse::default().with_error_code(error.code()),
    };
    let states: Vec<&str> = request.states_filter.iter().map(|s| s.as_str()).collect();
    let types: Vec<&str> = request.types_filter.iter().map(|s| s.as_str()).collect();
    let mut listed = Vec::new();
    for shard in shards {
        for group in shard.query(|machine| machine.list_groups(&states, &types)) {
            let mut entry = ListedGroup::default()
                .with_group_id(GroupId(convert::text(&group.group_id)))
                .with_protocol_type(convert::text(&group.protocol_type));
            if call.version >= 4 {
                entry = entry.with_group_state(convert::text(group.state));
            }
            if call.version >= 5 {
                entry = entry.with_group_type(convert::text(group.group_type));
            }
            listed.push(entry);
        }
    }
    ListGroupsResponse::default().with_groups(listed)
}
