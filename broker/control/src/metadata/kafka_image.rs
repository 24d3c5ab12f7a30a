//! What Kafka's controller has decided, read from its snapshot and log, and the same as records of this program; and the other way.

use std::collections::BTreeMap;

use bytes::Bytes;
use forebay_storage::ids::{BrokerId, LeaderEpoch, ProducerId, TopicId};
use uuid::Uuid;

use super::command::ConfigResource;
use super::config::MetadataConfig;
use super::image::{PartitionInfo, TopicInfo};
use super::machine::MetadataMachine;
use super::record::{
    ClientQuotaRecord, ConfigRecord, DecodeError, Event, FeatureLevelRecord, KafkaRecord, PartitionRecord,
    ProducerIdsRecord, ScramCredentialRecord, TopicRecord, UnservedKind, parse_kafkas,
};
use crate::machine::Machine;

/// The metadata of a cluster of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaImage {
    machine: MetadataMachine,
    unserved: BTreeMap<(UnservedKind, String), String>,
    /// The records of a transaction that has not ended.
    open: Option<Vec<KafkaRecord>>,
}

impl Default for KafkaImage {
    fn default() -> Self {
        KafkaImage { machine: MetadataMachine::new(MetadataConfig::default()), unserved: BTreeMap::new(), open: None }
    }
}

impl KafkaImage {
    /// Takes in one record of the snapshot or the log, in their order.
    pub fn apply(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        let record = parse_kafkas(value)?;
        match (record, &mut self.open) {
            (KafkaRecord::BeginTransaction, _) => self.open = Some(Vec::new()),
            (KafkaRecord::AbortTransaction, _) => self.open = None,
            (KafkaRecord::EndTransaction, _) => {
                for record in self.open.take().unwrap_or_default() {
                    self.apply_record(record);
                }
            }
            (record, Some(open)) => open.push(record),
            (record, None) => self.apply_record(record),
        }
        Ok(())
    }

    fn apply_record(&mut self, record: KafkaRecord) {
        match record {
            KafkaRecord::Event(event) => self.machine.apply(event),
            KafkaRecord::PartitionChange(change) => {
                let topic = self.machine.topic_by_id(change.topic_id);
                let at = usize::try_from(change.partition).ok();
                if let Some(before) = topic.zip(at).and_then(|(topic, at)| topic.partitions.get(at)) {
                    let after = change.onto(before);
                    self.machine.apply(Event::Partition(after));
                }
            }
            KafkaRecord::UnregisterBroker(gone) => {
                self.machine.brokers.remove(&gone.broker);
            }
            KafkaRecord::Unserved(unserved) => {
                let id = (unserved.kind, unserved.id);
                match unserved.text {
                    Some(text) => self.unserved.insert(id, text),
                    None => self.unserved.remove(&id),
                };
            }
            KafkaRecord::OfNoUse
            | KafkaRecord::BeginTransaction
            | KafkaRecord::EndTransaction
            | KafkaRecord::AbortTransaction => {}
        }
    }

    /// The topics, configs and so on. A transaction of the controller that has not ended counts for nothing, as a new controller
    /// of Kafka aborts it.
    #[must_use]
    pub fn machine(&self) -> &MetadataMachine {
        &self.machine
    }

    /// What is there and not served yet: its kind and what it says.
    pub fn unserved(&self) -> impl Iterator<Item = (UnservedKind, &str)> {
        self.unserved.iter().map(|((kind, _), text)| (*kind, text.as_str()))
    }

    /// The records that give a machine of this program the same state, with `node` as the only replica and the leader of
    /// every partition, in a new epoch.
    #[must_use]
    pub fn events(&self, node: BrokerId) -> Vec<Event> {
        records(&self.machine, node)
    }
}

/// The records of a snapshot for Kafka with the state of a machine of this program: `node` is the only replica and the leader of every
/// partition, in a new epoch, and `directory` tells where the replica lies.
///
/// The node is not registered, it registers when it starts. Where eligible leader replicas are on (KIP-966), Kafka takes that for
/// an unclean shutdown, empties the in-sync replicas and elects the last leader it knows: the one that stands here. With no leader
/// here the partitions would stay without one.
#[must_use]
pub fn snapshot_for_kafka(
    machine: &MetadataMachine,
    node: BrokerId,
    directory: impl Fn(&str, i32) -> Uuid,
) -> Vec<Bytes> {
    let encode = |event: Event| match &event {
        Event::Partition(partition) => {
            let topic = machine.topic_by_id(partition.topic_id).map_or("", |topic| topic.name.as_str());
            partition.encode_in(&[directory(topic, partition.partition)])
        }
        other => other.encode(),
    };
    records(machine, node).into_iter().map(encode).collect()
}

/// The whole state as records, in the order of Kafka's snapshots (MetadataImage.write).
fn records(machine: &MetadataMachine, node: BrokerId) -> Vec<Event> {
    let mut events = Vec::new();
    let level = |name: &str, level: i16| Event::FeatureLevel(FeatureLevelRecord { name: name.to_owned(), level });
    // The level of the metadata says how to read what follows.
    const FIRST: &str = "metadata.version";
    events.extend(machine.feature_level(FIRST).map(|found| level(FIRST, found)));
    events.extend(machine.features.iter().filter(|(name, _)| *name != FIRST).map(|(name, found)| level(name, *found)));
    for TopicInfo { name, topic_id, partitions } in machine.topics() {
        events.push(Event::Topic(TopicRecord { name: name.clone(), topic_id: *topic_id }));
        events.extend(
            partitions.iter().enumerate().map(|(number, info)| Event::Partition(led_by(node, *topic_id, number, info))),
        );
    }
    for (resource, configs) in &machine.configs {
        // The node's own configs; those of other nodes are not this one's affair.
        if matches!(resource, ConfigResource::Broker(Some(other)) if *other != node) {
            continue;
        }
        events.extend(configs.iter().map(|(name, value)| {
            Event::Config(ConfigRecord { resource: resource.clone(), name: name.clone(), value: Some(value.clone()) })
        }));
    }
    for (entity, quotas) in &machine.client_quotas {
        events.extend(quotas.iter().map(|(key, value)| {
            Event::ClientQuota(ClientQuotaRecord { entity: entity.clone(), key: key.clone(), value: Some(*value) })
        }));
    }
    for (user, credentials) in &machine.scram_credentials {
        events.extend(credentials.iter().map(|(mechanism, credential)| {
            let (user, credential) = (user.clone(), Some(credential.clone()));
            Event::ScramCredential(ScramCredentialRecord { user, mechanism: *mechanism, credential })
        }));
    }
    if machine.next_producer_id > ProducerId(0) {
        let next_producer_id = machine.next_producer_id;
        events.push(Event::ProducerIds(ProducerIdsRecord { broker: node, broker_epoch: -1, next_producer_id }));
    }
    events
}

fn led_by(node: BrokerId, topic_id: TopicId, number: usize, info: &PartitionInfo) -> PartitionRecord {
    PartitionRecord {
        partition: i32::try_from(number).expect("a topic's partitions are limited"),
        topic_id,
        replicas: vec![node],
        isr: vec![node],
        leader: node,
        leader_epoch: LeaderEpoch(info.leader_epoch.0.saturating_add(1)),
        partition_epoch: info.partition_epoch.saturating_add(1),
    }
}
