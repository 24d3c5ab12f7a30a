//! ConfigRecord, api key 4: a dynamic config of a topic, a node, a client metrics subscription or a group.

use forebay_storage::ids::BrokerId;

use super::check_version;
use crate::metadata::command::ConfigResource;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 4;
pub(super) const VERSION: u32 = 0;

/// ConfigResource.Type of a topic.
const TOPIC: i8 = 2;
/// ConfigResource.Type of a node.
const BROKER: i8 = 4;
/// ConfigResource.Type of a client metrics subscription.
const CLIENT_METRICS: i8 = 16;
/// ConfigResource.Type of a group.
const GROUP: i8 = 32;

/// A config is set, or taken back when the value is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRecord {
    /// Whose config.
    pub resource: ConfigResource,
    /// The config's name.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

impl ConfigRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        match &self.resource {
            ConfigResource::Topic(name) => {
                w.i8(TOPIC);
                w.compact_string(name);
            }
            ConfigResource::Broker(broker) => {
                w.i8(BROKER);
                // The name of all nodes is the empty one (Kafka: ConfigurationControlManager.DEFAULT_NODE).
                w.compact_string(&broker.map(|b| b.to_string()).unwrap_or_default());
            }
            ConfigResource::ClientMetrics(name) => {
                w.i8(CLIENT_METRICS);
                w.compact_string(name);
            }
            ConfigResource::Group(name) => {
                w.i8(GROUP);
                w.compact_string(name);
            }
        }
        w.compact_string(&self.name);
        w.compact_nullable_string(self.value.as_deref());
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<ConfigRecord, DecodeError> {
        check_version("ConfigRecord", version, VERSION)?;
        let kind = r.i8("resource type")?;
        let resource_name = r.compact_string("resource name")?;
        let record = ConfigRecord {
            resource: resource(kind, resource_name)?,
            name: r.compact_string("name")?.to_owned(),
            value: r.compact_nullable_string("value")?.map(str::to_owned),
        };
        r.skip_tags()?;
        Ok(record)
    }
}

fn resource(kind: i8, name: &str) -> Result<ConfigResource, DecodeError> {
    match kind {
        TOPIC => Ok(ConfigResource::Topic(name.to_owned())),
        BROKER if name.is_empty() => Ok(ConfigResource::Broker(None)),
        BROKER => match name.parse() {
            Ok(id) => Ok(ConfigResource::Broker(Some(BrokerId(id)))),
            Err(_) => Err(DecodeError::invalid("resource name", format!("{name:?} is not a node's number"))),
        },
        CLIENT_METRICS => Ok(ConfigResource::ClientMetrics(name.to_owned())),
        GROUP => Ok(ConfigResource::Group(name.to_owned())),
        other => Err(DecodeError::invalid("resource type", format!("type {other} is not known to this program"))),
    }
}
