//! DescribeConfigs (32): the configuration in force of topics, brokers, groups and client metrics subscriptions.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::ConfigResource;
use forebay_control::metadata::validate_topic_name;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::api::call::Call;
use crate::api::convert;
use crate::config::BrokerConfig;
use crate::config::describe::{self, Described};
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// Answers from the configuration and the overrides in the controller's state.
pub async fn handle(
    call: &Call,
    request: DescribeConfigsRequest,
    metadata: &Arc<Metadata>,
    config: &Arc<BrokerConfig>,
    cluster: &Cluster,
) -> DescribeConfigsResponse {
    let wanted = Wanted {
        version: call.version,
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
    };
    let results = request
        .resources
        .into_iter()
        .map(|resource| {
            let answer = DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            match describe(&resource, metadata, config, cluster) {
                Ok(all) => answer.with_configs(wanted.select(&resource, all)),
                Err((error, message)) => {
                    answer.with_error_code(error.code()).with_error_message(Some(convert::text(&message)))
                }
            }
        })
        .collect();
    DescribeConfigsResponse::default().with_results(results)
}

fn describe(
    resource: &DescribeConfigsResource,
    metadata: &Metadata,
    config: &BrokerConfig,
    cluster: &Cluster,
) -> Result<Vec<Described>, (ErrorCode, String)> {
    let name = resource.resource_name.as_str();
    match resource.resource_type {
        TOPIC => match metadata.topic_overrides(name) {
            Some(overrides) => Ok(describe::topic(config.values(), &metadata.dynamic(), &overrides)),
            None => Err(match validate_topic_name(name) {
                Ok(()) => (ErrorCode::UnknownTopicOrPartition, String::new()),
                Err(message) => (ErrorCode::InvalidTopicException, message),
            }),
        },
        // Kafka: an empty name asks for what is set for all brokers at run time.
        BROKER if name.is_empty() => Ok(describe::all_brokers(&metadata.dynamic())),
        BROKER if name.parse() == Ok(cluster.node_id.0) => Ok(describe::broker(config.values(), &metadata.dynamic())),
        BROKER | BROKER_LOGGER if name.parse::<i32>().is_err() && !name.is_empty() => {
            Err((ErrorCode::InvalidRequest, format!("Broker id must be an integer, but it is: {name}")))
        }
        BROKER => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} or empty string, but received {name}", cluster.node_id),
        )),
        BROKER_LOGGER if name.is_empty() => Err((ErrorCode::InvalidRequest, "Broker id must not be empty".into())),
        BROKER_LOGGER if name.parse() != Ok(cluster.node_id.0) => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} but received {name}", cluster.node_id),
        )),
        // Log levels are set by FOREBAY_LOG and cannot be changed at run time.
        BROKER_LOGGER => Ok(Vec::new()),
        GROUP if name.is_empty() => Err((ErrorCode::InvalidRequest, "Group name must not be empty".into())),
        GROUP => Ok(describe::group(config.values(), &metadata.group_overrides(name))),
        CLIENT_METRICS if name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty".into()))
        }
        CLIENT_METRICS => {
            let resource = ConfigResource::ClientMetrics(name.to_owned());
            Ok(describe::client_metrics(&metadata.query(|m| m.dynamic_configs(&resource))))
        }
        // Kafka: the sentence of the error itself.
        _ => Err((
            ErrorCode::InvalidRequest,
            "This most likely occurs because of a request being malformed by the client library or the message was sent to an \
             incompatible broker. See the broker logs for more details."
                .into(),
        )),
    }
}

/// What the client wants of each config.
struct Wanted {
    version: i16,
    synonyms: bool,
    documentation: bool,
}

impl Wanted {
    fn select(&self, resource: &DescribeConfigsResource, all: Vec<Described>) -> Vec<DescribeConfigsResourceResult> {
        let keys: Option<Vec<&str>> =
            resource.configuration_keys.as_ref().map(|keys| keys.iter().map(|k| k.as_str()).collect());
        let named = |d: &Described| keys.as_ref().is_none_or(|keys| keys.is_empty() || keys.contains(&d.name));
        all.into_iter().filter(named).map(|d| self.entry(d)).collect()
    }

    fn entry(&self, described: Described) -> DescribeConfigsResourceResult {
        let synonyms = if self.synonyms {
            described
                .synonyms
                .iter()
                .map(|s| {
                    DescribeConfigsSynonym::default()
                        .with_name(convert::text(s.name))
                        .with_value(s.value.as_deref().map(convert::text))
                        .with_source(s.source as i8)
                })
                .collect()
        } else {
            Vec::new()
        };
        let entry = DescribeConfigsResourceResult::default()
            .with_name(convert::text(described.name))
            .with_value(described.value.as_deref().map(convert::text))
            .with_read_only(described.read_only)
            .with_config_source(described.source as i8)
            .with_is_sensitive(described.sensitive)
            .with_synonyms(synonyms);
        if self.version < 3 {
            return entry;
        }
        let documentation = self.documentation.then(|| convert::text(described.doc));
        entry.with_config_type(described.key_type as i8).with_documentation(documentation)
    }
}
