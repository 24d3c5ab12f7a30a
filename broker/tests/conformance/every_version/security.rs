//! APIs on security, on a listener without any.

use bytes::Bytes;
use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::text;

const SECURITY_DISABLED: i16 = 54;
const DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: i16 = 64;
const ILLEGAL_SASL_STATE: i16 = 34;

pub fn describe_acls(client: &mut Client, _: &World, version: i16) {
    assert_eq!(client.call(version, &DescribeAclsRequest::default()).error_code, SECURITY_DISABLED);
}

pub fn create_acls(client: &mut Client, _: &World, version: i16) {
    client.call(version, &CreateAclsRequest::default());
    let request = CreateAclsRequest::default().with_creations(vec![Default::default()]);
    assert_eq!(client.call(version, &request).results[0].error_code, SECURITY_DISABLED);
}

pub fn delete_acls(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DeleteAclsRequest::default());
    let request = DeleteAclsRequest::default().with_filters(vec![Default::default()]);
    assert_eq!(client.call(version, &request).filter_results[0].error_code, SECURITY_DISABLED);
}

pub fn create_delegation_token(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &CreateDelegationTokenRequest::default());
    assert_eq!(response.error_code, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
}

pub fn renew_delegation_token(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &RenewDelegationTokenRequest::default());
    assert_eq!(response.error_code, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
}

pub fn expire_delegation_token(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &ExpireDelegationTokenRequest::default());
    assert_eq!(response.error_code, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
}

pub fn describe_delegation_token(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &DescribeDelegationTokenRequest::default());
    assert_eq!(response.error_code, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
}

pub fn sasl_handshake(client: &mut Client, _: &World, version: i16) {
    let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    assert_eq!(client.call(version, &request).error_code, ILLEGAL_SASL_STATE);
}

pub fn sasl_authenticate(client: &mut Client, _: &World, version: i16) {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(b"\0a\0b"));
    assert_eq!(client.call(version, &request).error_code, ILLEGAL_SASL_STATE);
}
