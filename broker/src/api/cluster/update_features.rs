//! UpdateFeatures (57): levels of the cluster's features (KIP-584).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::{FeatureUpdate, UpdateFeatures, UpgradeType};
use forebay_control::metadata::{Command, Reply};
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;
use crate::share::ShareGroups;

/// Moves all features or none.
pub async fn handle(
    call: &Call,
    request: UpdateFeaturesRequest,
    metadata: &Arc<Metadata>,
    cluster: &Cluster,
    share_groups: &Arc<ShareGroups>,
) -> UpdateFeaturesResponse {
    let updates: Vec<FeatureUpdate> =
        request.feature_updates.iter().map(|update| wanted(call.version, update)).collect();
    let (validate_only, node) = (request.validate_only, cluster.node_id.0);
    let reply =
        metadata.ask(|reply_to| Command::UpdateFeatures(UpdateFeatures { reply_to, updates, validate_only, node }));
    let refused = |error: ErrorCode, message: &str| {
        let message = format!("The update failed for all features since the following feature had an error: {message}");
        UpdateFeaturesResponse::default()
            .with_error_code(error.code())
            .with_error_message(Some(convert::text(&message)))
    };
    match reply {
        Ok(Reply::UpdateFeatures(Ok(()))) if validate_only => {}
        Ok(Reply::UpdateFeatures(Ok(()))) => share_groups.toggled(),
        Ok(Reply::UpdateFeatures(Err(message))) => return refused(ErrorCode::InvalidUpdateVersion, &message),
        Ok(other) => unreachable!("an update of features is answered by {other:?}"),
        Err(error) => return refused(error, "the metadata log cannot be written"),
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

fn wanted(version: i16, update: &FeatureUpdateKey) -> FeatureUpdate {
    let upgrade_type = match (version, update.allow_downgrade, update.upgrade_type) {
        (0, false, _) | (1.., _, 1) => Some(UpgradeType::Upgrade),
        (0, true, _) | (1.., _, 2) => Some(UpgradeType::SafeDowngrade),
        (1.., _, 3) => Some(UpgradeType::UnsafeDowngrade),
        _ => None,
    };
    FeatureUpdate { feature: update.feature.to_string(), level: update.max_version_level, upgrade_type }
}
