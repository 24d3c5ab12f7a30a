//! SaslHandshake (17) and SaslAuthenticate (36) on a listener without SASL.

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

/// Kafka: `KafkaApis.handleSaslHandshakeRequest`: authentication is over when a request gets here.
pub async fn handshake(_: &Call, _: SaslHandshakeRequest, _: &Cluster) -> SaslHandshakeResponse {
    SaslHandshakeResponse::default().with_error_code(ErrorCode::IllegalSaslState.code())
}

/// Kafka: `KafkaApis.handleSaslAuthenticateRequest`.
pub async fn authenticate(_: &Call, _: SaslAuthenticateRequest, _: &Cluster) -> SaslAuthenticateResponse {
    let message = "SaslAuthenticate request received after successful authentication";
    SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::IllegalSaslState.code())
        .with_error_message(Some(convert::text(message)))
}
