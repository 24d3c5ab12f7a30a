//! CreateDelegationToken (38), Renew (39), Expire (40), Describe (41): not over a connection whose user is not known (KIP-48).

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::{
    CreateDelegationTokenRequest, CreateDelegationTokenResponse, DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};

use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

const NOT_ALLOWED: i16 = ErrorCode::DelegationTokenRequestNotAllowed.code();
/// The user of a connection without authentication (Kafka: `KafkaPrincipal.ANONYMOUS`).
const ANONYMOUS: (&str, &str) = ("User", "ANONYMOUS");

/// Makes none.
pub async fn create(call: &Call, _: CreateDelegationTokenRequest, _: &Cluster) -> CreateDelegationTokenResponse {
    let (kind, name) = (convert::text(ANONYMOUS.0), convert::text(ANONYMOUS.1));
    let response = CreateDelegationTokenResponse::default()
        .with_error_code(NOT_ALLOWED)
        .with_principal_type(kind.clone())
        .with_principal_name(name.clone())
        .with_issue_timestamp_ms(-1)
        .with_expiry_timestamp_ms(-1)
        .with_max_timestamp_ms(-1);
    if call.version < 3 {
        return response;
    }
    response.with_token_requester_principal_type(kind).with_token_requester_principal_name(name)
}

/// Renews none.
pub async fn renew(_: &Call, _: RenewDelegationTokenRequest, _: &Cluster) -> RenewDelegationTokenResponse {
    RenewDelegationTokenResponse::default().with_error_code(NOT_ALLOWED).with_expiry_timestamp_ms(-1)
}

/// Ends none.
pub async fn expire(_: &Call, _: ExpireDelegationTokenRequest, _: &Cluster) -> ExpireDelegationTokenResponse {
    ExpireDelegationTokenResponse::default().with_error_code(NOT_ALLOWED).with_expiry_timestamp_ms(-1)
}

/// Lists none.
pub async fn describe(_: &Call, _: DescribeDelegationTokenRequest, _: &Cluster) -> DescribeDelegationTokenResponse {
    DescribeDelegationTokenResponse::default().with_error_code(NOT_ALLOWED)
}
