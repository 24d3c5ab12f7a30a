//! DescribeUserScramCredentials (50): which users may log in with SCRAM, by which mechanisms (KIP-554). Never the keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::scram::{ScramCredential, ScramCredentials, ScramMechanism};
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Answers from the controller's state (Kafka: ScramImage.describe).
pub async fn handle(
    _: &Call,
    request: DescribeUserScramCredentialsRequest,
    metadata: &Arc<Metadata>,
) -> DescribeUserScramCredentialsResponse {
    // How often each user is asked for.
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for user in request.users.iter().flatten() {
        *users.entry(user.name.to_string()).or_default() += 1;
    }
    let results = metadata.query(|m| {
        let credentials = m.scram_credentials();
        if users.is_empty() {
            users = credentials.keys().map(|user| (user.clone(), 1)).collect();
        }
        users.iter().map(|(user, times)| result(user, *times, credentials)).collect()
    });
    DescribeUserScramCredentialsResponse::default().with_results(results)
}

fn result(user: &str, times: usize, credentials: &ScramCredentials) -> DescribeUserScramCredentialsResult {
    let answer = DescribeUserScramCredentialsResult::default().with_user(convert::text(user));
    let refuse = |error: ErrorCode, message: &str| {
        let message = convert::text(&format!("{message}{user}"));
        answer.clone().with_error_code(error.code()).with_error_message(Some(message))
    };
    if times > 1 {
        let message = "Cannot describe SCRAM credentials for the same user twice in a single request: ";
        return refuse(ErrorCode::DuplicateResource, message);
    }
    let Some(of_user) = credentials.get(user) else {
        let message = "Attempt to describe a user credential that does not exist: ";
        return refuse(ErrorCode::ResourceNotFound, message);
    };
    let info = |(mechanism, credential): (&ScramMechanism, &ScramCredential)| {
        CredentialInfo::default().with_mechanism(*mechanism as i8).with_iterations(credential.iterations)
    };
    answer.with_credential_infos(of_user.iter().map(info).collect())
}
