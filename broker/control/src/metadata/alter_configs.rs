//! IncrementalAlterConfigs and AlterConfigs of topics, nodes and groups (Kafka: ConfigAdminManager, ConfigurationControlManager; KIP-339).
//!
//! Configs of nodes and groups are stored as they come: the names and values are checked by the one who has the table of the server's keys.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{AlterConfigs, AlterResource, ConfigChange, ConfigOp, ConfigOpKind, ConfigResource};
use super::config::MAX_RECORDS_PER_REQUEST;
use super::effect::Effect;
use super::machine::{Decision, MetadataMachine};
use super::record::{ConfigRecord, Event};
use super::refusal::{Refusal, outcome};
use super::reply::{AlterConfigsResult, Reply};
use super::topic_config::{self, ConfigType};
use super::topic_name::validate_topic_name;
use crate::error_code::ErrorCode;

/// New values by name; `None` takes one back.
type Changes = BTreeMap<String, Option<String>>;

impl MetadataMachine {
    pub(super) fn alter_configs(&self, command: AlterConfigs) -> Decision {
        let mut counts: BTreeMap<ConfigResource, usize> = BTreeMap::new();
        command.resources.iter().for_each(|r| *counts.entry(r.resource.clone()).or_default() += 1);
        let mut decision = Decision::default();
        let mut results = Vec::with_capacity(command.resources.len());
        for asked in command.resources {
            let verdict = match counts.remove(&asked.resource) {
                Some(1) => self.alter(&asked, &mut decision),
                Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Each resource must appear at most once.")),
                None => continue, // Answered already.
            };
            let (error, message) = outcome(verdict);
            results.push(AlterConfigsResult { resource: asked.resource, error, message });
        }
        if command.validate_only {
            decision = Decision::default();
        }
        decision.replies.push((command.reply_to, Reply::AlterConfigs(results)));
        decision
    }

    fn alter(&self, asked: &AlterResource, decision: &mut Decision) -> Result<(), Refusal> {
        check_name(&asked.resource)?;
        let present = self.dynamic_configs(&asked.resource);
        let changes = match &asked.change {
            ConfigChange::Incremental(ops) => self.incremental(&asked.resource, &present, ops)?,
            ConfigChange::Replace(configs) => replacement(&present, configs)?,
        };
        if let ConfigResource::Topic(_) = &asked.resource {
            let mut next = present.clone();
            for (name, value) in &changes {
                match value {
                    Some(value) => next.insert(name.clone(), value.clone()),
                    None => next.remove(name),
                };
            }
            topic_config::validate(&self.layers(&next)).map_err(|m| Refusal::new(ErrorCode::InvalidConfig, m))?;
        }
        self.check_exists(&asked.resource)?;
        if decision.events.len() + changes.len() > MAX_RECORDS_PER_REQUEST {
            return Err(Refusal::too_many_records());
        }
        add_events(decision, &asked.resource, &present, changes);
        Ok(())
    }

    fn check_exists(&self, resource: &ConfigResource) -> Result<(), Refusal> {
        match resource {
            ConfigResource::Topic(name) if !self.topics.contains_key(name) => {
                Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, format!("The topic '{name}' does not exist.")))
            }
            ConfigResource::Broker(Some(id)) if !self.brokers.contains_key(id) => {
                Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, format!("No broker with id {id} found.")))
            }
            _ => Ok(()),
        }
    }

    fn incremental(
        &self,
        resource: &ConfigResource,
        present: &BTreeMap<String, String>,
        ops: &[ConfigOp],
    ) -> Result<Changes, Refusal> {
        refuse_duplicates(ops.iter().map(|op| op.name.as_str()))?;
        let null = |op: &&ConfigOp| op.kind != ConfigOpKind::Delete && op.value.is_none();
        refuse_nulls(ops.iter().filter(null).map(|op| op.name.as_str()))?;
        let mut changes = Changes::new();
        for op in ops {
            let given = op.value.as_deref().unwrap_or_default();
            let value = match op.kind {
                ConfigOpKind::Set => Some(given.to_owned()),
                ConfigOpKind::Delete => None,
                ConfigOpKind::Append | ConfigOpKind::Subtract => {
                    Some(self.change_list(resource, present.get(&op.name).map(String::as_str), op)?)
                }
            };
            changes.insert(op.name.clone(), value);
        }
        Ok(changes)
    }

    /// The list with items added or taken off. It starts from Kafka's default when the config is not set on the resource itself
    /// (Kafka: ConfigurationControlManager.getParts).
    fn change_list(&self, resource: &ConfigResource, present: Option<&str>, op: &ConfigOp) -> Result<String, Refusal> {
        let definition = match resource {
            ConfigResource::Topic(_) => topic_config::definition(&op.name),
            ConfigResource::Broker(_) | ConfigResource::Group(_) | ConfigResource::ClientMetrics(_) => None,
        };
        let is_list = matches!(resource, ConfigResource::Broker(_))
            || definition.is_some_and(|d| d.config_type == ConfigType::List);
        if !is_list {
            let verb = if op.kind == ConfigOpKind::Append { "APPEND" } else { "SUBTRACT" };
            let message = format!("Can't {verb} to key {} because its type is not LIST.", op.name);
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        }
        let start = present.or(definition.map(|d| d.default)).unwrap_or_default();
        let mut items: Vec<&str> = start.split(',').filter(|item| !item.is_empty()).collect();
        for item in op.value.as_deref().unwrap_or_default().split(',') {
            match op.kind {
                ConfigOpKind::Append if !items.contains(&item) => items.push(item),
                ConfigOpKind::Subtract => items.retain(|present| *present != item),
                _ => {}
            }
        }
        Ok(items.join(","))
    }
}

/// Whether a resource may have that name (Kafka: ControllerConfigurationValidator).
fn check_name(resource: &ConfigResource) -> Result<(), Refusal> {
    let no_default =
        |kind: &str| Refusal::new(ErrorCode::InvalidRequest, format!("Default {kind} resources are not allowed."));
    match resource {
        ConfigResource::Topic(name) if name.is_empty() => Err(no_default("topic")),
        ConfigResource::Topic(name) => {
            validate_topic_name(name).map_err(|message| Refusal::new(ErrorCode::InvalidTopicException, message))
        }
        ConfigResource::Group(name) if name.is_empty() => Err(no_default("group")),
        ConfigResource::ClientMetrics(name) if name.is_empty() => Err(no_default("client metrics")),
        ConfigResource::Broker(_) | ConfigResource::Group(_) | ConfigResource::ClientMetrics(_) => Ok(()),
    }
}

fn refuse_duplicates<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    if names.all(|name| seen.insert(name)) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"))
}

fn refuse_nulls<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InvalidRequest, format!("Null value not supported for : {}", names.join(", "))))
}

/// What AlterConfigs comes to: all that is set now and not named goes back to its default.
fn replacement(present: &BTreeMap<String, String>, configs: &[(String, Option<String>)]) -> Result<Changes, Refusal> {
    refuse_duplicates(configs.iter().map(|(name, _)| name.as_str()))?;
    refuse_nulls(configs.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()))?;
    let mut changes: Changes = present.keys().map(|name| (name.clone(), None)).collect();
    for (name, value) in configs {
        changes.insert(name.clone(), value.clone());
    }
    Ok(changes)
}

fn add_events(
    decision: &mut Decision,
    resource: &ConfigResource,
    present: &BTreeMap<String, String>,
    changes: Changes,
) {
    let is_broker = matches!(resource, ConfigResource::Broker(_));
    for (name, value) in changes {
        // The same value again makes a record for nodes, so that they load it anew (KAFKA-14136).
        if is_broker || present.get(&name) != value.as_ref() {
            decision.events.push(Event::Config(ConfigRecord { resource: resource.clone(), name, value }));
        }
    }
    decision.effects.extend(match resource {
        ConfigResource::Topic(topic) => Some(Effect::TopicConfigChanged { topic: topic.clone() }),
        ConfigResource::Broker(_) => Some(Effect::BrokerConfigChanged),
        ConfigResource::Group(_) => Some(Effect::GroupConfigChanged),
        ConfigResource::ClientMetrics(_) => None,
    });
}
