//! Which APIs and versions the scenarios have asked for, and whether both kinds of answer were compared: one that does what it was
//! asked for, and one that refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::{Decodable, Encodable};
use protocol_tests::wire::{self, Answer, Connection};

/// What was compared of one version of an API.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    done: bool,
    refused: bool,
}

static SEEN: Mutex<BTreeMap<(i16, i16), Seen>> = Mutex::new(BTreeMap::new());

/// An answer was written down, so it is compared.
pub fn note(key: i16, version: i16, answer: &str) {
    let codes: BTreeSet<&str> =
        answer.lines().filter_map(|line| line.trim().split_once("error_code: ")).map(|c| c.1).collect();
    let closed = answer == "the connection is closed";
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = seen.entry((key, version)).or_default();
    entry.done |= !closed && (codes.is_empty() || codes.contains("0,"));
    entry.refused |= closed || codes.iter().any(|code| *code != "0,");
}

/// What is not held against Apache Kafka in both ways, and why. A row that covers nothing any more fails the test.
struct Except {
    key: ApiKey,
    /// The last version it is about.
    up_to: i16,
    kind: Kind,
    reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No answer does what it was asked for.
    Done,
    /// No answer refuses.
    Refused,
}

const NO_ERROR: &str = "this version has no error for what a client can ask of one broker";
const NO_AUTHORIZER: &str =
    "without an authorizer, as the twins are started, it is always refused; see the security tests";
const PLAINTEXT: &str = "over PLAINTEXT, as the twins speak, it is always refused; see the security tests";
const STATIC_QUORUM: &str =
    "a quorum whose voters are in its configuration, as the twin has, neither takes nor drops one";
const NO_OFFSET: &str = "of a group or topic that is not there Kafka tells no offset and no error, and of a partition that is not there nothing";
const CLOSED: &str = "listed for librdkafka, and refused by closing the connection; see `api_versions`";

#[rustfmt::skip]
const EXCEPTIONS: &[Except] = &[
    Except { key: ApiKey::Produce, up_to: 2, kind: Kind::Done, reason: CLOSED },
    Except { key: ApiKey::Produce, up_to: 2, kind: Kind::Refused, reason: CLOSED },
    Except { key: ApiKey::OffsetFetch, up_to: 8, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::FindCoordinator, up_to: 0, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::DescribeGroups, up_to: 5, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::ListGroups, up_to: 5, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::SaslHandshake, up_to: 1, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::SaslAuthenticate, up_to: 2, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::ApiVersions, up_to: 2, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::DescribeAcls, up_to: 3, kind: Kind::Done, reason: NO_AUTHORIZER },
    Except { key: ApiKey::CreateAcls, up_to: 3, kind: Kind::Done, reason: NO_AUTHORIZER },
    Except { key: ApiKey::DeleteAcls, up_to: 3, kind: Kind::Done, reason: NO_AUTHORIZER },
    Except { key: ApiKey::CreateDelegationToken, up_to: 3, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::RenewDelegationToken, up_to: 2, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::ExpireDelegationToken, up_to: 2, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::DescribeDelegationToken, up_to: 3, kind: Kind::Done, reason: PLAINTEXT },
    Except { key: ApiKey::DescribeLogDirs, up_to: 4, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::ListPartitionReassignments, up_to: 0, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::DescribeCluster, up_to: 0, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::AddRaftVoter, up_to: 0, kind: Kind::Done, reason: STATIC_QUORUM },
    Except { key: ApiKey::RemoveRaftVoter, up_to: 0, kind: Kind::Done, reason: STATIC_QUORUM },
    Except { key: ApiKey::DescribeShareGroupOffsets, up_to: 1, kind: Kind::Refused, reason: NO_OFFSET },
    Except { key: ApiKey::UnregisterBroker, up_to: 0, kind: Kind::Done, reason: "there is no broker but the one that answers" },
    Except { key: ApiKey::ListTransactions, up_to: 1, kind: Kind::Refused, reason: NO_ERROR },
    Except { key: ApiKey::ListConfigResources, up_to: 0, kind: Kind::Refused, reason: NO_ERROR },
];

/// An error that names every version of an API that Forebay lists and no scenario has compared.
pub fn check(port: u16) -> Result<(), String> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut used = BTreeSet::new();
    let mut missing = String::new();
    for api in listed(port)?.api_keys {
        let name = ApiKey::try_from(api.api_key).map_or("?".to_owned(), |key| format!("{key:?}"));
        for version in api.min_version..=api.max_version {
            let found = seen.get(&(api.api_key, version)).copied().unwrap_or_default();
            for (kind, there) in [(Kind::Done, found.done), (Kind::Refused, found.refused)] {
                let excepted =
                    EXCEPTIONS.iter().position(|e| e.key as i16 == api.api_key && version <= e.up_to && kind == e.kind);
                match (there, excepted) {
                    (true, _) => {}
                    (false, Some(at)) => drop(used.insert(at)),
                    (false, None) => {
                        missing.push_str(&format!("{name} v{version}: no answer was compared: {kind:?}\n"))
                    }
                }
            }
        }
    }
    for (at, exception) in EXCEPTIONS.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
        missing.push_str(&format!("exception {at} covers nothing: {:?} ({})\n", exception.key, exception.reason));
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// The table, as clients are told it.
fn listed(port: u16) -> Result<ApiVersionsResponse, String> {
    let mut body = bytes::BytesMut::new();
    ApiVersionsRequest::default().encode(&mut body, 0).map_err(|e| e.to_string())?;
    let mut connection = Connection::open(port).map_err(|e| e.to_string())?;
    connection.send(&wire::request(18, 0, 1, 1, &body));
    let Answer::Frame(frame) = connection.answer() else { return Err("ApiVersions is not answered".into()) };
    ApiVersionsResponse::decode(&mut Bytes::from(frame).slice(4..), 0).map_err(|e| e.to_string())
}
