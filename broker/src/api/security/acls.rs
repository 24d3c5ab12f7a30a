//! DescribeAcls (29), CreateAcls (30), DeleteAcls (31), without an authorizer.

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest,
    DescribeAclsResponse,
};

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

/// Kafka: `AclApis`; the controller's and the broker's words differ.
const OF_THE_CONTROLLER: &str = "No Authorizer is configured.";
const OF_THE_BROKER: &str = "No Authorizer is configured on the broker";

/// Lists none: SECURITY_DISABLED.
pub async fn describe(_: &Call, _: DescribeAclsRequest, _: &Cluster) -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(convert::text(OF_THE_BROKER)))
}

/// Makes none: SECURITY_DISABLED for each.
pub async fn create(_: &Call, request: CreateAclsRequest, _: &Cluster) -> CreateAclsResponse {
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(convert::text(OF_THE_CONTROLLER)));
    CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
}

/// Removes none: SECURITY_DISABLED for each.
pub async fn delete(_: &Call, request: DeleteAclsRequest, _: &Cluster) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(convert::text(OF_THE_CONTROLLER)));
    DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
}
