//! IncrementalAlterConfigs (44): sets, takes back, lengthens and shortens single configs (KIP-339).

use std::sync::Arc;

use forebay_control::metadata::command::{ConfigChange, ConfigOp, ConfigOpKind};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::config_resources::{Asked, Refused, alter, invalid};
use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// Answers when the changes are in force.
pub async fn handle(
    _: &Call,
    request: IncrementalAlterConfigsRequest,
    metadata: &Arc<Metadata>,
    cluster: &Cluster,
    config: &Arc<BrokerConfig>,
) -> IncrementalAlterConfigsResponse {
    let asked = request.resources.iter().map(asked).collect();
    let outcomes = alter(asked, request.validate_only, metadata, cluster, config);
    let answer = |(resource, (error, message)): (AlterConfigsResource, Refused)| {
        AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_error_code(error.code())
            .with_error_message(message.as_deref().map(convert::text))
    };
    let responses = request.resources.into_iter().zip(outcomes).map(answer).collect();
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    let ops: Result<Vec<ConfigOp>, Refused> = resource.configs.iter().map(op).collect();
    Asked {
        kind: resource.resource_type,
        name: resource.resource_name.to_string(),
        change: ops.map(ConfigChange::Incremental),
    }
}

fn op(config: &AlterableConfig) -> Result<ConfigOp, Refused> {
    let kind = match config.config_operation {
        0 => ConfigOpKind::Set,
        1 => ConfigOpKind::Delete,
        2 => ConfigOpKind::Append,
        3 => ConfigOpKind::Subtract,
        other => return Err(invalid(&format!("Unknown operations type {other}"))),
    };
    Ok(ConfigOp { name: config.name.to_string(), kind, value: config.value.as_ref().map(ToString::to_string) })
}
