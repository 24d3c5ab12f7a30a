//! AlterUserScramCredentials (51): makes, replaces and takes away SCRAM credentials (KIP-554).

use std::sync::Arc;

use forebay_control::metadata::command::{AlterScramCredentials, ScramDeletion, ScramUpsertion};
use forebay_control::metadata::reply::AlterScramResult;
use forebay_control::metadata::scram::{ScramCredential, ScramMechanism};
use forebay_control::metadata::{Command, Reply};
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};

use super::scram_keys;
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Answers when the credentials are stored.
pub async fn handle(
    _: &Call,
    request: AlterUserScramCredentialsRequest,
    metadata: &Arc<Metadata>,
) -> AlterUserScramCredentialsResponse {
    let deletion = |d: &kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialDeletion| {
        ScramDeletion { user: d.name.to_string(), mechanism: d.mechanism }
    };
    let deletions: Vec<ScramDeletion> = request.deletions.iter().map(deletion).collect();
    let upsertions: Vec<ScramUpsertion> = request.upsertions.iter().map(upsertion).collect();
    let users: Vec<String> =
        deletions.iter().map(|d| d.user.clone()).chain(upsertions.iter().map(|u| u.user.clone())).collect();
    let reply = metadata
        .ask(|reply_to| Command::AlterScramCredentials(AlterScramCredentials { reply_to, deletions, upsertions }));
    let results = match reply {
        Ok(Reply::AlterScramCredentials(results)) => results,
        Ok(other) => unreachable!("a change of credentials is answered by {other:?}"),
        Err(error) => users.into_iter().map(|user| AlterScramResult { user, error, message: None }).collect(),
    };
    let result = |r: AlterScramResult| {
        AlterUserScramCredentialsResult::default()
            .with_user(convert::text(&r.user))
            .with_error_code(r.error.code())
            .with_error_message(r.message.as_deref().map(convert::text))
    };
    AlterUserScramCredentialsResponse::default().with_results(results.into_iter().map(result).collect())
}

/// Of a mechanism that is not known the controller refuses whatever its keys are.
fn upsertion(asked: &ScramCredentialUpsertion) -> ScramUpsertion {
    let mechanism = ScramMechanism::from_number(asked.mechanism).unwrap_or(ScramMechanism::Sha256);
    let (stored_key, server_key) = scram_keys::of_salted_password(mechanism, &asked.salted_password);
    ScramUpsertion {
        user: asked.name.to_string(),
        mechanism: asked.mechanism,
        credential: ScramCredential { salt: asked.salt.to_vec(), stored_key, server_key, iterations: asked.iterations },
    }
}
