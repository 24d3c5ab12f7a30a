//! SCRAM credentials: what may be altered, and what is shown (Kafka: ScramControlManager, ScramImage; KIP-554).
//!
//! Keys are made from salted passwords before they come here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::command::{AlterScramCredentials, ScramDeletion, ScramUpsertion};
use super::config::MAX_RECORDS_PER_REQUEST;
use super::machine::{Decision, MetadataMachine};
use super::record::{Event, ScramCredentialRecord};
use super::refusal::{Refusal, outcome};
use super::reply::{AlterScramResult, Reply};
use crate::error_code::ErrorCode;

/// Fewest iterations (Kafka: ScramMechanism.minIterations, of both mechanisms).
pub const MIN_ITERATIONS: i32 = 4096;
/// Most iterations (Kafka: ScramControlManager.MAX_ITERATIONS).
pub const MAX_ITERATIONS: i32 = 16384;

/// A SCRAM mechanism; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256 = 1,
    /// SCRAM-SHA-512.
    Sha512 = 2,
}

impl ScramMechanism {
    /// The mechanism of a number on the wire.
    #[must_use]
    pub fn from_number(number: i8) -> Option<ScramMechanism> {
        [ScramMechanism::Sha256, ScramMechanism::Sha512].into_iter().find(|m| *m as i8 == number)
    }

    /// Its name in SASL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ScramMechanism::Sha256 => "SCRAM-SHA-256",
            ScramMechanism::Sha512 => "SCRAM-SHA-512",
        }
    }
}

/// What a server must know to let a user in (RFC 5802).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// The salt.
    pub salt: Vec<u8>,
    /// StoredKey.
    pub stored_key: Vec<u8>,
    /// ServerKey.
    pub server_key: Vec<u8>,
    /// Iterations.
    pub iterations: i32,
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramCredential(hidden)")
    }
}

/// All credentials, by user and mechanism.
pub type ScramCredentials = BTreeMap<String, BTreeMap<ScramMechanism, ScramCredential>>;

impl MetadataMachine {
    /// All SCRAM credentials.
    #[must_use]
    pub fn scram_credentials(&self) -> &ScramCredentials {
        &self.scram_credentials
    }

    pub(super) fn alter_scram_credentials(&self, command: AlterScramCredentials) -> Decision {
        let mut seen = BTreeSet::new();
        let names = command.deletions.iter().map(|d| &d.user).chain(command.upsertions.iter().map(|u| &u.user));
        let twice: BTreeSet<String> = names.filter(|name| !seen.insert((*name).clone())).cloned().collect();
        let mut decision = Decision::default();
        let mut refused: Vec<AlterScramResult> = Vec::new();
        let mut told_of = BTreeSet::new();
        let mut done = Vec::new();
        let mut told = |user: String, verdict: Result<Event, Refusal>| match verdict {
            Ok(event) => {
                decision.events.push(event);
                done.push(AlterScramResult { user, error: ErrorCode::None, message: None });
            }
            Err(refusal) if told_of.insert(user.clone()) => {
                let (error, message) = outcome(Err(refusal));
                refused.push(AlterScramResult { user, error, message });
            }
            // Kafka: a user's first fault is told.
            Err(_) => {}
        };
        for deletion in command.deletions {
            let verdict = self.deletion(&deletion).and_then(|event| once(&twice, &deletion.user, event));
            told(deletion.user, verdict);
        }
        for upsertion in command.upsertions {
            let (user, verdict) = (upsertion.user.clone(), upsert(upsertion));
            let verdict = verdict.and_then(|event| once(&twice, &user, event));
            told(user, verdict);
        }
        done.extend(refused);
        if decision.events.len() > MAX_RECORDS_PER_REQUEST {
            decision = Decision::default();
            for result in &mut done {
                (result.error, result.message) = outcome(Err(Refusal::too_many_records()));
            }
        }
        decision.replies.push((command.reply_to, Reply::AlterScramCredentials(done)));
        decision
    }

    fn deletion(&self, deletion: &ScramDeletion) -> Result<Event, Refusal> {
        let mechanism = check_name_and_mechanism(&deletion.user, deletion.mechanism)?;
        if self.scram_credentials.get(&deletion.user).is_none_or(|of_user| !of_user.contains_key(&mechanism)) {
            let message = "Attempt to delete a user credential that does not exist";
            return Err(Refusal::new(ErrorCode::ResourceNotFound, message));
        }
        let user = deletion.user.clone();
        Ok(Event::ScramCredential(ScramCredentialRecord { user, mechanism, credential: None }))
    }

    pub(super) fn apply_scram_credential(&mut self, record: ScramCredentialRecord) {
        let of_user = self.scram_credentials.entry(record.user.clone()).or_default();
        match record.credential {
            Some(credential) => of_user.insert(record.mechanism, credential),
            None => of_user.remove(&record.mechanism),
        };
        if of_user.is_empty() {
            self.scram_credentials.remove(&record.user);
        }
    }
}

fn once(twice: &BTreeSet<String>, user: &str, event: Event) -> Result<Event, Refusal> {
    if twice.contains(user) {
        let message = "A user credential cannot be altered twice in the same request";
        return Err(Refusal::new(ErrorCode::DuplicateResource, message));
    }
    Ok(event)
}

fn upsert(upsertion: ScramUpsertion) -> Result<Event, Refusal> {
    let mechanism = check_name_and_mechanism(&upsertion.user, upsertion.mechanism)?;
    let unacceptable = |message: &str| Err(Refusal::new(ErrorCode::UnacceptableCredential, message));
    if upsertion.credential.iterations < MIN_ITERATIONS {
        return unacceptable("Too few iterations");
    }
    if upsertion.credential.iterations > MAX_ITERATIONS {
        return unacceptable("Too many iterations");
    }
    let credential = Some(upsertion.credential);
    Ok(Event::ScramCredential(ScramCredentialRecord { user: upsertion.user, mechanism, credential }))
}

fn check_name_and_mechanism(user: &str, mechanism: i8) -> Result<ScramMechanism, Refusal> {
    if user.is_empty() {
        return Err(Refusal::new(ErrorCode::UnacceptableCredential, "Username must not be empty"));
    }
    ScramMechanism::from_number(mechanism)
        .ok_or_else(|| Refusal::new(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"))
}
