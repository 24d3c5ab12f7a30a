//! UpdateFeatures (57): levels of the cluster's features (KIP-584). Each is at its highest level, and stays there.

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::features::FEATURES;
use crate::api::call::Call;
use crate::api::convert;
use crate::node::Cluster;

/// How a level may change, as `upgrade_type` says it: up only, down without loss, down whatever is lost.
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

/// Answers for each update whether the feature is at that level. One that cannot be had fails all.
pub async fn handle(call: &Call, request: UpdateFeaturesRequest, cluster: &Cluster) -> UpdateFeaturesResponse {
    for update in &request.feature_updates {
        if let Err(reason) = check(call.version, update, cluster.node_id.0) {
            let message = format!(
                "The update failed for all features since the following feature had an error: Invalid update version {} for \
                 feature {}. {reason}",
                update.max_version_level,
                update.feature.as_str(),
            );
            return UpdateFeaturesResponse::default()
                .with_error_code(ErrorCode::InvalidUpdateVersion.code())
                .with_error_message(Some(convert::text(&message)));
        }
    }
    let response = UpdateFeaturesResponse::default().with_error_message(None);
    if call.version >= 2 {
        return response;
    }
    let done = |update: &FeatureUpdateKey| {
        // Kafka writes the name of the error that there is none.
        UpdatableFeatureResult::default()
            .with_feature(update.feature.clone())
            .with_error_message(Some(convert::text("NONE")))
    };
    response.with_results(request.feature_updates.iter().map(done).collect())
}

/// Kafka: `FeatureControlManager.updateFeature`, and that a level that is on here cannot be lowered.
fn check(version: i16, update: &FeatureUpdateKey, node: i32) -> Result<(), String> {
    let kind = match (version, update.allow_downgrade) {
        (0, false) => UPGRADE,
        (0, true) => SAFE_DOWNGRADE,
        _ => update.upgrade_type,
    };
    if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&kind) {
        return Err("The controller does not support the given upgrade type.".to_owned());
    }
    let wanted = update.max_version_level;
    if wanted < 0 {
        return Err("A feature version cannot be less than 0.".to_owned());
    }
    let Some(feature) = FEATURES.iter().find(|f| f.name == update.feature.as_str()) else {
        return Err(format!("Local controller {node} does not support this feature."));
    };
    if !(feature.min..=feature.max).contains(&wanted) {
        return Err(format!("Local controller {node} only supports versions {}-{}", feature.min, feature.max));
    }
    match (wanted < feature.finalized, kind) {
        (false, _) => Ok(()),
        (true, UPGRADE) => {
            Err("Can't downgrade the version of this feature without setting the upgrade type to either \
                                safe or unsafe downgrade."
                .to_owned())
        }
        (true, _) => Err(format!("This broker runs at level {} and knows no way down.", feature.finalized)),
    }
}
