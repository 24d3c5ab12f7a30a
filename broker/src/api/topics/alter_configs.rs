//! AlterConfigs (33): replaces all dynamic configs of a resource; the older form, which clients of before KIP-339 use.

use std::sync::Arc;

use forebay_control::metadata::command::ConfigChange;
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::config_resources::{Asked, Refused, alter};
use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// Answers when the changes are in force.
pub async fn handle(
    _: &Call,
    request: AlterConfigsRequest,
    metadata: &Arc<Metadata>,
    cluster: &Cluster,
    config: &Arc<BrokerConfig>,
) -> AlterConfigsResponse {
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
    AlterConfigsResponse::default().with_responses(responses)
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    let configs = resource.configs.iter();
    let configs = configs.map(|c| (c.name.to_string(), c.value.as_ref().map(ToString::to_string))).collect();
    Asked {
        kind: resource.resource_type,
        name: resource.resource_name.to_string(),
        change: Ok(ConfigChange::Replace(configs)),
    }
}
