//! DescribeCluster (60): the cluster's id, its controller and its brokers (KIP-700).

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

/// Brokers, as `endpoint_type` asks for them.
const BROKERS: i8 = 1;
/// Controllers; a broker's own listener does not answer for them (KIP-919).
const CONTROLLERS: i8 = 2;

/// Answers with the one broker there is, at the address of the listener that was asked.
pub async fn handle(call: &Call, request: DescribeClusterRequest, cluster: &Cluster) -> DescribeClusterResponse {
    if call.version >= 1 && request.endpoint_type != BROKERS {
        return refused(request.endpoint_type);
    }
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(cluster.node_id.0))
        .with_host(convert::text(&call.listener.advertised_host))
        .with_port(i32::from(call.listener.advertised_port))
        .with_rack(cluster.rack.as_deref().map(convert::text));
    DescribeClusterResponse::default()
        .with_endpoint_type(BROKERS)
        .with_cluster_id(convert::text(&cluster.cluster_id))
        .with_controller_id(BrokerId(cluster.node_id.0))
        .with_brokers(vec![broker])
        .with_cluster_authorized_operations(if request.include_cluster_authorized_operations {
            convert::CLUSTER_OPERATIONS
        } else {
            convert::NO_OPERATIONS
        })
}

/// Kafka: `AuthHelper.computeDescribeClusterResponse`.
fn refused(endpoint_type: i8) -> DescribeClusterResponse {
    let (error, message) = if endpoint_type == CONTROLLERS {
        let message =
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                .to_owned();
        (ErrorCode::MismatchedEndpointType, message)
    } else {
        (ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {endpoint_type}"))
    };
    DescribeClusterResponse::default().with_error_code(error.code()).with_error_message(Some(convert::text(&message)))
}
