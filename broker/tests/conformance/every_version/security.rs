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

pub fn describe_user_scram_credentials(client: &mut Client, _: &World, version: i16) {
    let user = describe_user_scram_credentials_request::UserName::default().with_name(text("nobody"));
    let request = DescribeUserScramCredentialsRequest::default().with_users(Some(vec![user]));
    assert_eq!(client.call(version, &request).results[0].error_code, 91, "RESOURCE_NOT_FOUND");
    assert_eq!(client.call(version, &DescribeUserScramCredentialsRequest::default().with_users(None)).error_code, 0);
}

pub fn alter_user_scram_credentials(client: &mut Client, _: &World, version: i16) {
    client.call(version, &AlterUserScramCredentialsRequest::default());
    let deletion = alter_user_scram_credentials_request::ScramCredentialDeletion::default()
        .with_name(text("nobody"))
        .with_mechanism(1);
    let request = AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]);
    assert_eq!(client.call(version, &request).results[0].error_code, 91, "RESOURCE_NOT_FOUND");
}
