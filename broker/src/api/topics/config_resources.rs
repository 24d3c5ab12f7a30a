//! What IncrementalAlterConfigs and AlterConfigs share: resources by Kafka's numbers, checks before the controller is asked, and
//! answers in the order of the request (Kafka: ConfigAdminManager).

use std::collections::BTreeMap;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::command::{AlterConfigs, AlterResource, ConfigChange, ConfigOpKind, ConfigResource};
use forebay_control::metadata::{Command, Reply};
use forebay_storage::ids::BrokerId;

use crate::config::key::{KeyType, Scope};
use crate::config::table::table;
use crate::config::{BrokerConfig, client_metrics, dynamic, group};
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// Numbers of `ConfigResource.Type`.
pub const TOPIC: i8 = 2;
/// A broker; with an empty name all of them.
pub const BROKER: i8 = 4;
/// The log levels of a broker.
pub const BROKER_LOGGER: i8 = 8;
/// A client metrics subscription.
pub const CLIENT_METRICS: i8 = 16;
/// A group.
pub const GROUP: i8 = 32;

/// An error code with its message.
pub type Refused = (ErrorCode, Option<String>);

/// The changes of one resource, as a request names it.
pub struct Asked {
    /// Kafka's number of the kind of resource.
    pub kind: i8,
    /// Its name.
    pub name: String,
    /// What to do, or why that cannot be understood.
    pub change: Result<ConfigChange, Refused>,
}

/// Makes the changes; one answer for each entry of the request, in its order.
pub fn alter(
    asked: Vec<Asked>,
    validate_only: bool,
    metadata: &Metadata,
    cluster: &Cluster,
    config: &BrokerConfig,
) -> Vec<Refused> {
    let mut counts: BTreeMap<(i8, String), usize> = BTreeMap::new();
    asked.iter().for_each(|a| *counts.entry((a.kind, a.name.clone())).or_default() += 1);
    let mut answers = Vec::with_capacity(asked.len());
    let mut resources = Vec::new();
    for entry in asked {
        let once = counts[&(entry.kind, entry.name.clone())] == 1;
        let repeated = || invalid("Each resource must appear at most once.");
        let checked = if once { to_controller(entry, metadata, cluster, config) } else { Err(repeated()) };
        answers.push(checked.map(|resource| resources.push(resource)).err());
    }
    let mut outcomes = ask(resources, validate_only, metadata).into_iter();
    let mut next = || outcomes.next().unwrap_or((ErrorCode::UnknownServerError, None));
    answers.into_iter().map(|refused| refused.unwrap_or_else(&mut next)).collect()
}

fn ask(resources: Vec<AlterResource>, validate_only: bool, metadata: &Metadata) -> Vec<Refused> {
    let count = resources.len();
    if count == 0 {
        return Vec::new();
    }
    let reply = metadata.ask(|reply_to| Command::AlterConfigs(AlterConfigs { reply_to, resources, validate_only }));
    match reply {
        Ok(Reply::AlterConfigs(results)) => results.into_iter().map(|r| (r.error, r.message)).collect(),
        Ok(other) => unreachable!("a change of configs is answered by {other:?}"),
        Err(error) => vec![(error, None); count],
    }
}

fn to_controller(
    asked: Asked,
    metadata: &Metadata,
    cluster: &Cluster,
    config: &BrokerConfig,
) -> Result<AlterResource, Refused> {
    let change = asked.change?;
    let resource = match asked.kind {
        TOPIC => ConfigResource::Topic(asked.name),
        BROKER => {
            let node = broker(&asked.name, cluster)?;
            check_lists(&change)?;
            let dynamic = metadata.dynamic();
            let present = if node.is_some() { dynamic.node.clone() } else { dynamic.cluster.clone() };
            let next = after(Scope::Broker, present, &change);
            let now = |name: &str| dynamic::in_force(config.values(), &dynamic, name).map(str::to_owned);
            dynamic::check(&next, node.is_some(), now).map_err(|message| invalid(&message))?;
            ConfigResource::Broker(node)
        }
        BROKER_LOGGER => {
            return Err(invalid(
                "Log levels are set by FOREBAY_LOG when the broker starts; they cannot be changed at run time",
            ));
        }
        CLIENT_METRICS if asked.name.is_empty() => return Err(invalid("Subscription name can't be empty")),
        CLIENT_METRICS => {
            let resource = ConfigResource::ClientMetrics(asked.name);
            let present = metadata.query(|m| m.dynamic_configs(&resource));
            client_metrics::check(&after(Scope::ClientMetrics, present, &change)).map_err(|refused| match refused {
                client_metrics::Refused::Request(message) => invalid(&message),
                client_metrics::Refused::Config(message) => (ErrorCode::InvalidConfig, Some(message)),
            })?;
            resource
        }
        GROUP => {
            let next = after(Scope::Group, metadata.group_overrides(&asked.name), &change);
            group::check(&next, config.values()).map_err(|message| (ErrorCode::InvalidConfig, Some(message)))?;
            ConfigResource::Group(asked.name)
        }
        other => return Err(invalid(&format!("Unknown resource type {other}"))),
    };
    Ok(AlterResource { resource, change })
}

/// This broker, or all for an empty name (Kafka: ConfigAdminManager.validateResourceNameIsCurrentNodeId).
fn broker(name: &str, cluster: &Cluster) -> Result<Option<BrokerId>, Refused> {
    if name.is_empty() {
        return Ok(None);
    }
    let id: i32 = name.parse().map_err(|_| invalid(&format!("Node id must be an integer, but it is: {name}")))?;
    if id != cluster.node_id.0 {
        return Err(invalid(&format!("Unexpected broker id, expected {}, but received {name}", cluster.node_id)));
    }
    Ok(Some(cluster.node_id))
}

/// Of a broker's keys only lists take items (Kafka: ConfigAdminManager.prepareIncrementalConfigs). Of other resources the controller
/// knows it.
fn check_lists(change: &ConfigChange) -> Result<(), Refused> {
    let ConfigChange::Incremental(ops) = change else { return Ok(()) };
    for op in ops {
        let verb = match op.kind {
            ConfigOpKind::Append => "append",
            ConfigOpKind::Subtract => "subtract",
            ConfigOpKind::Set | ConfigOpKind::Delete => continue,
        };
        let message = match table().get(Scope::Broker, &op.name) {
            Some(key) if key.key_type == KeyType::List => continue,
            Some(key) => format!("Config value {verb} is not allowed for config key: {}", key.name),
            None => format!("Unknown config name: {}", op.name),
        };
        return Err((ErrorCode::InvalidConfig, Some(message)));
    }
    Ok(())
}

/// What is set on a resource when a change has come through. What the controller will refuse does not count.
fn after(scope: Scope, mut present: BTreeMap<String, String>, change: &ConfigChange) -> BTreeMap<String, String> {
    match change {
        ConfigChange::Replace(configs) => {
            configs.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect()
        }
        ConfigChange::Incremental(ops) => {
            for op in ops {
                // Kafka has no lists there, and the controller says so.
                let is_list_op = matches!(op.kind, ConfigOpKind::Append | ConfigOpKind::Subtract);
                if is_list_op && matches!(scope, Scope::ClientMetrics | Scope::Group) {
                    continue;
                }
                let value = match op.kind {
                    ConfigOpKind::Set => op.value.clone(),
                    ConfigOpKind::Delete => None,
                    ConfigOpKind::Append | ConfigOpKind::Subtract => {
                        let default = || table().get(scope, &op.name).and_then(|key| key.default);
                        let start = present.get(&op.name).map(String::as_str).or_else(default).unwrap_or_default();
                        Some(changed_list(start, op.kind, op.value.as_deref().unwrap_or_default()))
                    }
                };
                match value {
                    Some(value) => present.insert(op.name.clone(), value),
                    None => present.remove(&op.name),
                };
            }
            present
        }
    }
}

fn changed_list(start: &str, kind: ConfigOpKind, items: &str) -> String {
    let mut list: Vec<&str> = start.split(',').filter(|item| !item.is_empty()).collect();
    for item in items.split(',') {
        match kind {
            ConfigOpKind::Append if !list.contains(&item) => list.push(item),
            ConfigOpKind::Subtract => list.retain(|present| *present != item),
            _ => {}
        }
    }
    list.join(",")
}

/// A request that makes no sense.
pub fn invalid(message: &str) -> Refused {
    (ErrorCode::InvalidRequest, Some(message.to_owned()))
}
