//! DeleteGroups (42): removes empty groups and their offsets.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{DeleteGroups, GroupCommand, GroupReply};
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::shared;
use crate::api::call::Call;
use crate::coordinator::groups::Groups;

/// Each group lives in a shard of its own, so each is a command of its own.
pub async fn handle(_: &Call, request: DeleteGroupsRequest, groups: &Arc<Groups>) -> DeleteGroupsResponse {
    let results = request
        .groups_names
        .into_iter()
        .map(|group_id| {
            let command =
                |reply_to| GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids: vec![shared(&group_id)] });
            let error = match groups.ask_now(&group_id, command) {
                Ok(GroupReply::DeleteGroups(results)) => results.first().map_or(ErrorCode::None, |r| r.1),
                Ok(other) => unreachable!("a deletion is answered by {other:?}"),
                Err(error) => error,
            };
            DeletableGroupResult::default().with_group_id(group_id).with_error_code(error.code())
        })
        .collect();
    DeleteGroupsResponse::default().with_results(results)
}
