//! ListConfigResources (74): names of what has configs (KIP-1142); in version 0 client metrics subscriptions alone (KIP-1000).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::ConfigResource as Configured;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// All kinds that have names (Kafka: ListConfigResourcesRequest.supportedResourceTypes).
const KINDS: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

/// Answers from the controller's state.
pub async fn handle(
    call: &Call,
    request: ListConfigResourcesRequest,
    metadata: &Arc<Metadata>,
    cluster: &Cluster,
) -> ListConfigResourcesResponse {
    let supported: &[i8] = if call.version == 0 { &[CLIENT_METRICS] } else { &KINDS };
    if request.resource_types.iter().any(|kind| !supported.contains(kind)) {
        return ListConfigResourcesResponse::default().with_error_code(ErrorCode::UnsupportedVersion.code());
    }
    let wanted = |kind: &i8| request.resource_types.is_empty() || request.resource_types.contains(kind);
    let of = |kind: i8| names(kind, metadata, cluster).into_iter().map(move |name| (kind, name));
    let resources = supported.iter().copied().filter(wanted).flat_map(of);
    let resource = |(kind, name): (i8, String)| {
        ConfigResource::default().with_resource_type(kind).with_resource_name(convert::text(&name))
    };
    ListConfigResourcesResponse::default().with_config_resources(resources.map(resource).collect())
}

/// The names of the groups or of the client metrics subscriptions that have something set.
fn configured(kind: i8, metadata: &Metadata) -> Vec<String> {
    let name = |resource: &Configured| match (kind, resource) {
        (GROUP, Configured::Group(name)) | (CLIENT_METRICS, Configured::ClientMetrics(name)) => Some(name.clone()),
        _ => None,
    };
    metadata.query(|m| m.all_dynamic_configs().filter_map(|(resource, _)| name(resource)).collect())
}

fn names(kind: i8, metadata: &Metadata, cluster: &Cluster) -> Vec<String> {
    match kind {
        TOPIC => metadata.query(|m| m.topics().map(|t| t.name.clone()).collect()),
        BROKER | BROKER_LOGGER => vec![cluster.node_id.to_string()],
        _ => configured(kind, metadata),
    }
}
