//! ApiVersions: every version, versions that nobody knows, and names of software.

use kafka_protocol::messages::*;

use super::Scenario;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("api_versions::every_version", every_version),
    ("api_versions::names_of_software", names_of_software),
    ("api_versions::versions_nobody_knows", versions_nobody_knows),
];

/// The ranges are held against Kafka's in the broker's own test of its table; here: everything else.
fn every_version(side: &mut Side) -> Result<(), String> {
    for version in 0..=4 {
        let request = ApiVersionsRequest::default();
        let request = if version >= 3 { named(request, "twin", "1.0") } else { request };
        side.ask_sorted(version, &request, without_tables)?;
    }
    Ok(())
}

fn without_tables(answer: &mut ApiVersionsResponse) {
    answer.api_keys.clear();
    answer.finalized_features_epoch = answer.finalized_features_epoch.signum();
    // What the rest of Kafka's switches on is not served yet.
    let common = |name: &str| forebay_features().contains(&name);
    answer.supported_features.retain(|f| common(&f.name));
    answer.finalized_features.retain(|f| common(&f.name));
    answer.supported_features.sort_by(|a, b| a.name.cmp(&b.name));
    answer.finalized_features.sort_by(|a, b| a.name.cmp(&b.name));
}

fn forebay_features() -> [&'static str; 4] {
    ["transaction.version", "group.version", "share.version", "metadata.version"]
}

fn named(request: ApiVersionsRequest, name: &str, version: &str) -> ApiVersionsRequest {
    request.with_client_software_name(text(name)).with_client_software_version(text(version))
}

fn names_of_software(side: &mut Side) -> Result<(), String> {
    for version in 3..=4 {
        for (name, of) in
            [("", "1"), ("a", ""), ("a b", "1"), ("-a", "1"), ("a-", "1"), ("a.b-c", "1.0-x"), ("a", "?"), ("ä", "1")]
        {
            side.about(format!("{name:?} {of:?}"));
            side.ask_sorted(version, &named(ApiVersionsRequest::default(), name, of), without_tables)?;
        }
    }
    Ok(())
}

fn versions_nobody_knows(side: &mut Side) -> Result<(), String> {
    for version in [5, 99, i16::MAX, -1] {
        // The answer is in version 0, with the range of ApiVersions alone.
        side.about("no body");
        side.ask_raw(18, version, 2, &[])?;
    }
    for (key, version) in [(0, 99), (3, 99), (3, -1), (1, 3), (99, 0), (-1, 0), (1, 99), (4, 0), (58, 0), (19, 1)] {
        side.about("not served");
        side.ask_raw(key, version, 1, &[])?;
    }
    Ok(())
}
