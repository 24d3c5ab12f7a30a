//! The controller's machine: hands each command to the file that knows its rules, and answers questions about the cluster.

use std::collections::BTreeMap;

use forebay_storage::ids::{BrokerId, ProducerId, Timestamp, TopicId};

use super::client_quotas::ClientQuotas;
use super::command::{Command, ConfigResource};
use super::config::MetadataConfig;
use super::effect::Effect;
use super::image::{BrokerInfo, PartitionInfo, TopicInfo};
use super::record::{ConfigRecord, Event, PartitionRecord};
use super::reply::Reply;
use super::scram::ScramCredentials;
use super::topic_config::{ConfigEntry, Effective, Layers};
use crate::machine::{Machine, ReplyTo};

/// A decision of this machine. It arms no timers.
pub type Decision = crate::machine::Decision<Event, Reply, std::convert::Infallible, Effect>;

/// The metadata of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataMachine {
    pub(super) config: MetadataConfig,
    pub(super) topics: BTreeMap<String, TopicInfo>,
    pub(super) names: BTreeMap<TopicId, String>,
    pub(super) brokers: BTreeMap<BrokerId, BrokerInfo>,
    pub(super) configs: BTreeMap<ConfigResource, BTreeMap<String, String>>,
    pub(super) client_quotas: ClientQuotas,
    pub(super) scram_credentials: ScramCredentials,
    pub(super) features: BTreeMap<String, i16>,
    pub(super) next_producer_id: ProducerId,
}

impl MetadataMachine {
    /// An empty machine, to be filled by replay.
    #[must_use]
    pub fn new(config: MetadataConfig) -> MetadataMachine {
        MetadataMachine {
            config,
            topics: BTreeMap::new(),
            names: BTreeMap::new(),
            brokers: BTreeMap::new(),
            configs: BTreeMap::new(),
            client_quotas: ClientQuotas::new(),
            scram_credentials: ScramCredentials::new(),
            features: BTreeMap::new(),
            next_producer_id: ProducerId(0),
        }
    }

    /// A topic by its name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&TopicInfo> {
        self.topics.get(name)
    }

    /// A topic by its id.
    #[must_use]
    pub fn topic_by_id(&self, id: TopicId) -> Option<&TopicInfo> {
        self.topics.get(self.names.get(&id)?)
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = &TopicInfo> {
        self.topics.values()
    }

    /// A partition.
    #[must_use]
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionInfo> {
        self.topics.get(topic)?.partitions.get(usize::try_from(partition).ok()?)
    }

    /// All registered nodes, by number.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &BrokerInfo)> {
        self.brokers.iter().map(|(id, info)| (*id, info))
    }

    /// The first producer id of the next block.
    #[must_use]
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// What is set at run time for a topic, a node or a group; empty when nothing is.
    #[must_use]
    pub fn dynamic_configs(&self, resource: &ConfigResource) -> BTreeMap<String, String> {
        self.configs.get(resource).cloned().unwrap_or_default()
    }

    /// Everything that has something set at run time.
    pub fn all_dynamic_configs(&self) -> impl Iterator<Item = (&ConfigResource, &BTreeMap<String, String>)> {
        self.configs.iter()
    }

    /// What is set on a topic; `None` when there is no such topic.
    #[must_use]
    pub fn topic_overrides(&self, topic: &str) -> Option<BTreeMap<String, String>> {
        self.topics.contains_key(topic).then(|| self.dynamic_configs(&ConfigResource::Topic(topic.to_owned())))
    }

    /// The effective configs of a topic. For a name without a topic, those it would have without configs of its own.
    #[must_use]
    pub fn topic_config(&self, topic: &str) -> Effective {
        Effective::new(&self.layers(&self.dynamic_configs(&ConfigResource::Topic(topic.to_owned()))))
    }

    /// All configs of a topic, as DescribeConfigs shows them; `None` when there is no such topic.
    #[must_use]
    pub fn describe_topic_configs(&self, topic: &str) -> Option<Vec<ConfigEntry>> {
        Some(self.layers(&self.topic_overrides(topic)?).describe())
    }

    /// The values behind the configs of a topic. One node is all the cluster has, so its dynamic configs are those of the first node.
    pub(super) fn layers<'a>(&'a self, topic: &'a BTreeMap<String, String>) -> Layers<'a> {
        let node = self.brokers.keys().next().and_then(|id| self.configs.get(&ConfigResource::Broker(Some(*id))));
        Layers { topic, node, cluster: self.configs.get(&ConfigResource::Broker(None)), server: &self.config.server }
    }

    pub(super) fn partition_total(&self) -> usize {
        self.topics.values().map(|t| t.partitions.len()).sum()
    }

    fn apply_partition(&mut self, record: PartitionRecord) {
        let Some(topic) = self.names.get(&record.topic_id).and_then(|name| self.topics.get_mut(name)) else { return };
        let Ok(at) = usize::try_from(record.partition) else { return };
        if topic.partitions.len() <= at {
            topic.partitions.resize(at + 1, PartitionInfo::unknown());
        }
        topic.partitions[at] = PartitionInfo {
            replicas: record.replicas,
            isr: record.isr,
            leader: record.leader,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        };
    }

    fn apply_config(&mut self, record: ConfigRecord) {
        let configs = self.configs.entry(record.resource.clone()).or_default();
        match record.value {
            Some(value) => configs.insert(record.name, value),
            None => configs.remove(&record.name),
        };
        if configs.is_empty() {
            self.configs.remove(&record.resource);
        }
    }

    fn remove_topic(&mut self, id: TopicId) {
        if let Some(name) = self.names.remove(&id) {
            self.topics.remove(&name);
            self.configs.remove(&ConfigResource::Topic(name));
        }
    }
}

/// A decision that answers and does nothing else.
pub(super) fn answered(reply_to: ReplyTo, reply: Reply) -> Decision {
    Decision { replies: vec![(reply_to, reply)], ..Decision::default() }
}

impl Machine for MetadataMachine {
    type Command = Command;
    type Event = Event;
    type Reply = Reply;
    type Timer = std::convert::Infallible;
    type Effect = Effect;

    fn decide(&self, _now: Timestamp, command: Command) -> Decision {
        match command {
            Command::RegisterBroker(command) => self.register_broker(command),
            Command::CreateTopics(command) => self.create_topics(command),
            Command::DeleteTopics(command) => self.delete_topics(command),
            Command::CreatePartitions(command) => self.create_partitions(command),
            Command::AlterConfigs(command) => self.alter_configs(command),
            Command::AlterClientQuotas(command) => self.alter_client_quotas(command),
            Command::AlterScramCredentials(command) => self.alter_scram_credentials(command),
            Command::UpdateFeatures(command) => self.update_features(command),
            Command::AllocateProducerIds { reply_to, broker } => self.allocate_producer_ids(reply_to, broker),
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::RegisterBroker(r) => {
                let info = BrokerInfo {
                    incarnation: r.incarnation,
                    epoch: r.broker_epoch,
                    endpoints: r.endpoints,
                    rack: r.rack,
                };
                self.brokers.insert(r.broker, info);
            }
            Event::Topic(r) => {
                self.names.insert(r.topic_id, r.name.clone());
                let topic = TopicInfo { name: r.name.clone(), topic_id: r.topic_id, partitions: Vec::new() };
                self.topics.insert(r.name, topic);
            }
            Event::Partition(r) => self.apply_partition(r),
            Event::Config(r) => self.apply_config(r),
            Event::RemoveTopic(r) => self.remove_topic(r.topic_id),
            Event::FeatureLevel(r) => {
                self.features.insert(r.name, r.level);
            }
            Event::ProducerIds(r) => self.next_producer_id = r.next_producer_id,
            Event::ClientQuota(r) => self.apply_client_quota(r),
            Event::ScramCredential(r) => self.apply_scram_credential(r),
        }
    }

    fn timer_command(timer: std::convert::Infallible) -> Command {
        match timer {}
    }
}
