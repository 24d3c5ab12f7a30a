//! Records of Kafka's internal topics in words, by the parsers of `forebay_control`.

use forebay_control::group::records::{
    GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, SavedMember,
};
use forebay_control::metadata::command::ConfigResource;
use forebay_control::metadata::{self, Event};
use forebay_control::transaction::record::{decode_key, decode_value};
use forebay_storage::ids::{BrokerId, Timestamp};
use serde_json::{Value, json};

use super::fields::{Fields, fields};
use crate::coordinator::{METADATA_LOG, OFFSETS_TOPIC, TRANSACTIONS_TOPIC};

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decoded {
    /// What kind of record it is.
    pub(super) kind: &'static str,
    /// Its fields.
    pub(super) fields: Fields,
}

impl Decoded {
    /// One line.
    pub(super) fn line(&self) -> String {
        let mut line = self.kind.to_owned();
        for (name, value) in &self.fields.0 {
            let value = match value {
                Value::String(text) => super::text::shown(Some(text.as_bytes())),
                other => other.to_string(),
            };
            line.push_str(&format!(" {name}={value}"));
        }
        line
    }
}

/// Reads a record of `topic`; `None` if the topic's records are the users' own, an error if it cannot be read.
pub(super) fn decode(topic: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<Result<Decoded, String>> {
    match topic {
        OFFSETS_TOPIC => Some(group(key.unwrap_or_default(), value)),
        TRANSACTIONS_TOPIC => Some(transaction(key.unwrap_or_default(), value)),
        METADATA_LOG => Some(change(value.unwrap_or_default())),
        _ => None,
    }
}

fn group(key: &[u8], value: Option<&[u8]>) -> Result<Decoded, String> {
    let (kind, key) = key.split_first_chunk::<2>().ok_or("the key has no type")?;
    match i16::from_be_bytes(*kind) {
        OffsetCommitKey::LEGACY_TYPE | OffsetCommitKey::TYPE => {
            let key = OffsetCommitKey::decode(key).map_err(|e| e.to_string())?;
            let value = value.map(OffsetCommitValue::decode).transpose().map_err(|e| e.to_string())?;
            Ok(offset_commit(&key, value.as_ref()))
        }
        GroupMetadataKey::TYPE => {
            let key = GroupMetadataKey::decode(key).map_err(|e| e.to_string())?;
            let value = value.map(GroupMetadataValue::decode).transpose().map_err(|e| e.to_string())?;
            Ok(group_metadata(&key, value.as_ref()))
        }
        other => Err(format!("a record of type {other}, only 0, 1 and 2 are known")),
    }
}

fn offset_commit(key: &OffsetCommitKey, value: Option<&OffsetCommitValue>) -> Decoded {
    let (group, topic, partition) = (&*key.group_id, &*key.partition.topic, key.partition.partition);
    let Some(value) = value else {
        let fields = fields!({ "group": group, "topic": topic, "partition": partition });
        return Decoded { kind: "offset_removed", fields };
    };
    let fields = fields!({
        "group": group,
        "topic": topic,
        "partition": partition,
        "offset": value.offset.0,
        "leader_epoch": value.leader_epoch.0,
        "metadata": &*value.metadata,
        "commit_timestamp_ms": value.commit_timestamp.0,
        "expire_timestamp_ms": value.expire_timestamp.map(|time| time.0),
        "topic_id": value.topic_id.to_string(),
    });
    Decoded { kind: "offset_commit", fields }
}

fn group_metadata(key: &GroupMetadataKey, value: Option<&GroupMetadataValue>) -> Decoded {
    let Some(value) = value else {
        return Decoded { kind: "group_removed", fields: fields!({ "group": &*key.group_id }) };
    };
    let member = |member: &SavedMember| {
        json!({
            "member_id": &*member.member_id,
            "instance_id": member.instance_id.as_deref(),
            "client_id": &*member.client_id,
            "client_host": &*member.client_host,
            "rebalance_timeout_ms": member.rebalance_timeout_ms,
            "session_timeout_ms": member.session_timeout_ms,
        })
    };
    let members: Vec<Value> = value.members.iter().map(member).collect();
    let fields = fields!({
        "group": &*key.group_id,
        "protocol_type": &*value.protocol_type,
        "generation": value.generation,
        "protocol": value.protocol.as_deref(),
        "leader": value.leader.as_deref(),
        "state_since_ms": value.state_since.map(|time: Timestamp| time.0),
        "members": members,
    });
    Decoded { kind: "group_metadata", fields }
}

fn transaction(key: &[u8], value: Option<&[u8]>) -> Result<Decoded, String> {
    let id = decode_key(key).map_err(|e| e.to_string())?;
    let Some(value) = value else {
        return Ok(Decoded { kind: "transactional_id_removed", fields: fields!({ "transactional_id": id }) });
    };
    let entry = decode_value(id, value).map_err(|e| e.to_string())?;
    let fields = fields!({
        "transactional_id": entry.transactional_id,
        "state": entry.state.name(),
        "producer_id": entry.producer_id.0,
        "producer_epoch": entry.producer_epoch.0,
        "timeout_ms": entry.timeout_ms,
        "partitions": entry.partitions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "started_ms": entry.started.0,
        "last_update_ms": entry.last_update.0,
    });
    Ok(Decoded { kind: "transaction", fields })
}

fn change(value: &[u8]) -> Result<Decoded, String> {
    let Some(event) = metadata::parse(value).map_err(|e| e.to_string())? else {
        return Ok(Decoded { kind: "no_op", fields: fields!({}) });
    };
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect::<Vec<_>>();
    let (kind, fields) = match event {
        Event::RegisterBroker(r) => {
            let endpoint = |e: &metadata::command::Endpoint| format!("{}://{}:{}", e.name, e.host, e.port);
            let endpoints: Vec<String> = r.endpoints.iter().map(endpoint).collect();
            let fields = fields!({
                "broker": r.broker.0, "broker_epoch": r.broker_epoch, "endpoints": endpoints, "rack": r.rack,
                "fenced": r.fenced,
            });
            ("register_broker", fields)
        }
        Event::Topic(r) => ("topic", fields!({ "name": r.name, "topic_id": r.topic_id.to_string() })),
        Event::Partition(r) => {
            let fields = fields!({
                "topic_id": r.topic_id.to_string(), "partition": r.partition, "replicas": ids(&r.replicas),
                "isr": ids(&r.isr), "leader": r.leader.0, "leader_epoch": r.leader_epoch.0,
                "partition_epoch": r.partition_epoch,
            });
            ("partition", fields)
        }
        Event::Config(r) => {
            let (of, whose) = match r.resource {
                ConfigResource::Topic(topic) => ("topic", topic),
                ConfigResource::Broker(broker) => ("broker", broker.map(|b| b.to_string()).unwrap_or_default()),
                ConfigResource::ClientMetrics(name) => ("client-metrics", name),
                ConfigResource::Group(name) => ("group", name),
            };
            ("config", fields!({ "resource_type": of, "resource": whose, "name": r.name, "value": r.value }))
        }
        Event::RemoveTopic(r) => ("remove_topic", fields!({ "topic_id": r.topic_id.to_string() })),
        Event::FeatureLevel(r) => ("feature_level", fields!({ "name": r.name, "level": r.level })),
        Event::ProducerIds(r) => {
            let fields = fields!({
                "broker": r.broker.0, "broker_epoch": r.broker_epoch, "next_producer_id": r.next_producer_id.0,
            });
            ("producer_ids", fields)
        }
        Event::ClientQuota(r) => {
            let value = r.value.map(|value| value.0);
            ("client_quota", fields!({ "entity": r.entity, "key": r.key, "value": value }))
        }
        // Never the keys.
        Event::ScramCredential(r) => {
            let iterations = r.credential.map(|credential| credential.iterations);
            let fields = fields!({ "user": r.user, "mechanism": r.mechanism.name(), "iterations": iterations });
            ("scram_credential", fields)
        }
    };
    Ok(Decoded { kind, fields })
}
