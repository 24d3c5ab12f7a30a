//! ApiVersions (18): the APIs that are served, and the features that are on (KIP-35, KIP-511, KIP-584).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::features::FEATURES;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::api::call::{Call, Hangup, Reply};
use crate::api::{TABLE, convert};
use crate::coordinator::metadata::Metadata;

/// Answers from the table, and from the controller's state.
pub async fn handle(call: &Call, request: ApiVersionsRequest, metadata: &Arc<Metadata>) -> ApiVersionsResponse {
    if call.version >= 3
        && !(is_software_name(&request.client_software_name) && is_software_name(&request.client_software_version))
    {
        return ApiVersionsResponse::default().with_error_code(ErrorCode::InvalidRequest.code());
    }
    let response = ApiVersionsResponse::default().with_api_keys(api_keys());
    if call.version < 3 {
        return response;
    }
    let supported = FEATURES
        .iter()
        // A level of 0 cannot be told before version 4 (KIP-1022).
        .filter(|f| call.version >= 4 || f.min > 0)
        .map(|f| {
            SupportedFeatureKey::default()
                .with_name(convert::text(f.name))
                .with_min_version(f.min)
                .with_max_version(f.max)
        })
        .collect();
    // Clients take what has the greater number for newer, and pass over what has the same: read first, it is never above the levels'.
    let epoch = metadata.log().log_end().0;
    let finalized = metadata.query(|m| {
        let finalized = m.finalized_features().map(|(name, level)| {
            FinalizedFeatureKey::default()
                .with_name(convert::text(name))
                .with_min_version_level(level)
                .with_max_version_level(level)
        });
        finalized.collect()
    });
    response.with_supported_features(supported).with_finalized_features(finalized).with_finalized_features_epoch(epoch)
}

/// The answer to a version that we do not know: in version 0, which every client reads.
pub fn unsupported(call: &Call) -> Result<Reply, Hangup> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UnsupportedVersion.code())
        .with_api_keys(api_keys().into_iter().filter(|k| k.api_key == call.key as i16).collect());
    Call { version: 0, ..call.clone() }.encode(&response)
}

fn api_keys() -> Vec<ApiVersion> {
    TABLE
        .iter()
        .map(|api| {
            ApiVersion::default()
                .with_api_key(api.key as i16)
                .with_min_version(api.listed_min)
                .with_max_version(api.max)
        })
        .collect()
}

/// Kafka: `ApiVersionsRequest.isValid`: letters and digits, with '-' and '.' between them.
fn is_software_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_software_name;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "apache-kafka-java", "4.3.1", "x1"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a_b", ".1"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
