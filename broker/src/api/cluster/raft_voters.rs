//! AddRaftVoter (80) and RemoveRaftVoter (81): not of a quorum that is fixed in the configuration (KIP-853; Kafka: KafkaRaftClient,
//! AddVoterHandler, RemoveVoterHandler).

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::{
    AddRaftVoterRequest, AddRaftVoterResponse, RemoveRaftVoterRequest, RemoveRaftVoterResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

type Refused = (ErrorCode, Option<String>);

/// Adds none.
pub async fn add(_: &Call, request: AddRaftVoterRequest, cluster: &Cluster) -> AddRaftVoterResponse {
    let voter = (request.voter_id, request.voter_directory_id);
    let (error, message) = refuse("Add", "adding", request.cluster_id.as_ref(), voter, cluster);
    AddRaftVoterResponse::default()
        .with_error_code(error.code())
        .with_error_message(message.as_deref().map(convert::text))
}

/// Removes none.
pub async fn remove(_: &Call, request: RemoveRaftVoterRequest, cluster: &Cluster) -> RemoveRaftVoterResponse {
    let voter = (request.voter_id, request.voter_directory_id);
    let (error, message) = refuse("Remove", "removing", request.cluster_id.as_ref(), voter, cluster);
    RemoveRaftVoterResponse::default()
        .with_error_code(error.code())
        .with_error_message(message.as_deref().map(convert::text))
}

fn refuse(
    what: &str,
    doing: &str,
    cluster_id: Option<&StrBytes>,
    (id, directory): (i32, Uuid),
    cluster: &Cluster,
) -> Refused {
    if cluster_id.is_some_and(|asked| **asked != *cluster.cluster_id) {
        let asked = cluster_id.map(StrBytes::as_str).unwrap_or_default();
        let message = format!("The given id \"{asked}\" doesn't match the cluster id \"{}\"", cluster.cluster_id);
        return (ErrorCode::InconsistentClusterId, Some(message));
    }
    if id < 0 || directory.is_nil() {
        return (ErrorCode::InvalidRequest, Some(format!("{what} voter request didn't include a valid voter")));
    }
    let message = format!("Cluster doesn't support {doing} voter because the kraft.version feature is 0");
    (ErrorCode::UnsupportedVersion, Some(message))
}
