//! UnregisterBroker (64): forgets a broker that is gone (KIP-631). This one is here, and there are no others.

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

/// Answers that the broker is not registered, or that it is at work.
pub async fn handle(_: &Call, request: UnregisterBrokerRequest, cluster: &Cluster) -> UnregisterBrokerResponse {
    let id = request.broker_id.0;
    let (error, message) = if id == cluster.node_id.0 {
        (ErrorCode::PolicyViolation, format!("Broker ID {id} is this broker, which serves this request"))
    } else {
        (ErrorCode::BrokerIdNotRegistered, format!("Broker ID {id} is not currently registered"))
    };
    UnregisterBrokerResponse::default().with_error_code(error.code()).with_error_message(Some(convert::text(&message)))
}
