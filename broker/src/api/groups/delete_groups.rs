//! DeleteGroups (42): removes empty groups and their offsets.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use crate::api::call::Call;
use crate::coordinator::groups::Groups;
use crate::share::ShareGroups;

/// Each group lives in a shard of its own, so each is a command of its own.
pub async fn handle(
    _: &Call,
    request: DeleteGroupsRequest,
    groups: &Arc<Groups>,
    share_groups: &Arc<ShareGroups>,
) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        let error =
            groups.delete_group(&group_id, || share_groups.close(&group_id)).await.err().unwrap_or(ErrorCode::None);
        results.push(DeletableGroupResult::default().with_group_id(group_id).with_error_code(error.code()));
    }
    DeleteGroupsResponse::default().with_results(results)
}
