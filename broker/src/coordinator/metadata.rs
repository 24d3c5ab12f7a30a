//! The controller on one node: the metadata machine, its log, and what its decisions do to the partitions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use forebay_control::error_code::ErrorCode;
use forebay_control::machine::{Machine, ReplyTo};
use forebay_control::metadata::command::{
    ConfigResource, CreateTopics, DeleteTopics, NewTopic, RegisterBroker, TopicRef,
};
use forebay_control::metadata::{Command, Effect, MetadataConfig, MetadataMachine, Reply};
use forebay_storage::ids::{BrokerId, LeaderEpoch, Offset, ProducerId, TopicId, TopicPartition};
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::features::Features;
use super::group_view::{self, GroupView, GroupViews};
use super::log_config::partition_config;
use super::replay::{Replayed, replay};
use super::shard::Shard;
use crate::config::dynamic::Dynamic;
use crate::partition::{NewPartition, Partition, PartitionConfig, Partitions};
use crate::pending::block_on;
use crate::quota::Quotas;

/// Topics, their configs, and the blocks of producer ids.
pub struct Metadata {
    node_id: BrokerId,
    shard: Shard<MetadataMachine>,
    partitions: Arc<Partitions>,
    group_views: GroupViews,
    quotas: Arc<Quotas>,
    features: Arc<Features>,
    /// `producer.id.expiration.ms` as the broker was started.
    configured_expiration_ms: i64,
    /// As it is in force.
    producer_id_expiration_ms: watch::Sender<i64>,
    /// Told when configs of brokers have changed.
    broker_config: watch::Sender<()>,
    /// What was decided and is not done yet, in the order of the decisions.
    decided: Mutex<VecDeque<Decided>>,
    /// Held by the one who does it: a topic is not taken in before another of its name that was deleted is taken out.
    performing: Mutex<()>,
    /// Held while configs go from the machine to the logs, so that an older one never comes after a newer one.
    configuring: Mutex<()>,
}

/// The work that a decision asks for, to be done once everything before `end` is committed.
struct Decided {
    end: Offset,
    effects: Vec<Effect>,
    new: NewLogs,
}

/// The partitions that a decision has brought, once they are taken in. Their logs are made by who asked for it, so that nobody waits for
/// those of others.
type NewLogs = Arc<OnceLock<Vec<TopicPartition>>>;

impl Metadata {
    /// Replays the log, registers this node, and opens the log of every partition.
    pub fn open(
        node: RegisterBroker,
        config: MetadataConfig,
        log: Arc<Partition>,
        partitions: Arc<Partitions>,
        producer_id_expiration_ms: i64,
        quotas: Arc<Quotas>,
    ) -> Result<Metadata, String> {
        let mut machine = MetadataMachine::new(config);
        replay(&log, |item| {
            if let Replayed::Record { value: Some(value), .. } = item {
                match forebay_control::metadata::parse(&value) {
                    Ok(Some(event)) => machine.apply(event),
                    Ok(None) => {}
                    Err(e) => return Err(e.to_string()),
                }
            }
            Ok(())
        })
        .map_err(|e| format!("the metadata log is damaged: {e}"))?;
        let node_id = node.broker;
        let metadata = Metadata {
            node_id,
            shard: Shard::new(0, machine, log, Arc::default()),
            partitions,
            group_views: GroupViews::default(),
            quotas,
            features: Arc::default(),
            configured_expiration_ms: producer_id_expiration_ms,
            producer_id_expiration_ms: watch::Sender::new(producer_id_expiration_ms),
            broker_config: watch::Sender::default(),
            decided: Mutex::default(),
            performing: Mutex::new(()),
            configuring: Mutex::new(()),
        };
        metadata.update_quotas();
        metadata.update_producer_id_expiration();
        let topics: Vec<(String, TopicId, i32)> =
            metadata.query(|m| m.topics().map(|t| (t.name.clone(), t.topic_id, t.partition_count())).collect());
        let mut partitions = Vec::new();
        for (topic, topic_id, count) in topics {
            let numbers: Vec<i32> = (0..count).collect();
            partitions.extend(metadata.new_partitions(&topic, topic_id, &numbers, false));
        }
        metadata.partitions.add(partitions);
        let effects = metadata
            .shard
            .run(Command::RegisterBroker(node))
            .map_err(|e| format!("the metadata log cannot be written: {e}"))?;
        let opening = metadata.perform(effects.effects);
        metadata.query(|m| metadata.features.update(m));
        metadata.make_logs(&opening);
        Ok(metadata)
    }

    /// Looks at the machine's state.
    pub fn query<R>(&self, look: impl FnOnce(&MetadataMachine) -> R) -> R {
        self.shard.query(look)
    }

    /// The log behind it.
    pub fn log(&self) -> &Arc<Partition> {
        self.shard.partition()
    }

    /// Runs a command; what it decides is done before this returns, and after what was decided before it. Only logs of what others have
    /// decided may still be in the making: who uses one then waits for it.
    pub fn ask(&self, command: impl FnOnce(ReplyTo) -> Command) -> Result<Reply, ErrorCode> {
        let lost = |_| ErrorCode::KafkaStorageError;
        let new = NewLogs::default();
        let begun = {
            let mut decided = self.decided.lock();
            let mut begun = self.shard.begin(command).map_err(lost)?;
            let effects = std::mem::take(&mut begun.ran.effects);
            decided.push_back(Decided { end: begun.ran.end, effects, new: new.clone() });
            begun
        };
        block_on(self.shard.committed(begun.ran.end)).map_err(lost)?;
        self.perform_up_to(begun.ran.end);
        self.make_logs(new.get().map_or(&[], Vec::as_slice));
        // Let go for the same offset, perhaps a moment later than we were.
        block_on(begun.reply()).map_err(lost)
    }

    /// Does what was decided up to there, but for making logs. Whoever comes second waits until it is done.
    fn perform_up_to(&self, end: Offset) {
        let _performing = self.performing.lock();
        let next = || {
            let mut decided = self.decided.lock();
            if decided.front()?.end <= end { decided.pop_front() } else { None }
        };
        while let Some(Decided { effects, new, .. }) = next() {
            new.set(self.perform(effects)).expect("a decision is done once");
        }
    }

    /// The number of partitions of a topic, if it exists.
    pub fn topic_partitions(&self, topic: &str) -> Option<i32> {
        self.query(|m| m.topic(topic).map(|t| t.partition_count()))
    }

    /// What is set on a topic, if it exists.
    pub fn topic_overrides(&self, topic: &str) -> Option<BTreeMap<String, String>> {
        self.query(|m| m.topic_overrides(topic))
    }

    /// What is set at run time for this broker and for all.
    pub fn dynamic(&self) -> Dynamic {
        let of = |m: &MetadataMachine, id| m.dynamic_configs(&ConfigResource::Broker(id));
        self.query(|m| Dynamic { node: of(m, Some(self.node_id)), cluster: of(m, None) })
    }

    /// Tells whenever what is set at run time for this broker or for all has changed.
    pub fn broker_config_changes(&self) -> watch::Receiver<()> {
        self.broker_config.subscribe()
    }

    /// The quotas in force.
    pub fn quotas(&self) -> &Arc<Quotas> {
        &self.quotas
    }

    /// The features that are on.
    pub fn features(&self) -> &Arc<Features> {
        &self.features
    }

    /// What is set on a group.
    pub fn group_overrides(&self, group_id: &str) -> BTreeMap<String, String> {
        self.query(|m| m.dynamic_configs(&ConfigResource::Group(group_id.to_owned())))
    }

    /// The number of the last change that groups must know of.
    pub fn group_view_change(&self) -> u64 {
        self.group_views.change()
    }

    /// What groups must know.
    pub fn group_view(&self) -> GroupView {
        // The log's end grows with each change, and does not shrink when the broker starts again.
        let end = || self.log().log_end().0;
        self.group_views.now(|old| {
            let dynamic = self.dynamic();
            self.query(|m| (group_view::topics(&old.topics, m, end()), group_view::overrides(m, &dynamic)))
        })
    }

    /// The id of the topic of an existing partition.
    pub fn topic_id_of(&self, partition: &TopicPartition) -> Option<TopicId> {
        self.query(|m| {
            m.topic(&partition.topic)
                .filter(|t| (0..t.partition_count()).contains(&partition.partition))
                .map(|t| t.topic_id)
        })
    }

    /// Makes one topic; -1 partitions are the broker's default. Its number of partitions, or why not.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(String, String)],
    ) -> Result<i32, (ErrorCode, String)> {
        let mut topic = NewTopic::with_defaults(name, TopicId(Uuid::new_v4()));
        topic.partitions = partitions;
        topic.replication_factor = 1;
        topic.configs = configs.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let reply = self.ask(|reply_to| {
            Command::CreateTopics(CreateTopics { reply_to, topics: vec![topic], validate_only: false })
        });
        match reply {
            Ok(Reply::CreateTopics(results)) => match results.first() {
                Some(created) if created.error.is_ok() => Ok(created.partitions),
                // Somebody else was quicker.
                Some(failed) if failed.error == ErrorCode::TopicAlreadyExists => {
                    Ok(self.topic_partitions(name).unwrap_or(0))
                }
                Some(failed) => Err((failed.error, failed.message.clone().unwrap_or_default())),
                None => Err((ErrorCode::UnknownServerError, "no answer".into())),
            },
            Ok(other) => unreachable!("a creation is answered by {other:?}"),
            Err(error) => Err((error, "the metadata log cannot be written".into())),
        }
    }

    /// Deletes one topic.
    pub fn delete_topic(&self, name: &str) -> Result<(), ErrorCode> {
        let topics = vec![TopicRef::Name(name.to_owned())];
        match self.ask(|reply_to| Command::DeleteTopics(DeleteTopics { reply_to, topics }))? {
            Reply::DeleteTopics(results) => match results.first() {
                Some(failed) if !failed.error.is_ok() => Err(failed.error),
                _ => Ok(()),
            },
            other => unreachable!("a deletion is answered by {other:?}"),
        }
    }

    /// A block of producer ids: the first and how many.
    pub fn allocate_producer_ids(&self) -> Result<(ProducerId, i32), ErrorCode> {
        match self.ask(|reply_to| Command::AllocateProducerIds { reply_to, broker: self.node_id })? {
            Reply::ProducerIds { error: ErrorCode::None, first, count } => Ok((first, count)),
            Reply::ProducerIds { error, .. } => Err(error),
            other => unreachable!("an allocation is answered by {other:?}"),
        }
    }

    /// Does what a decision asks for, but for making the logs of new partitions, which takes long: those are returned.
    fn perform(&self, effects: Vec<Effect>) -> Vec<TopicPartition> {
        let mut opening = Vec::new();
        for effect in effects {
            match effect {
                Effect::OpenPartitions { topic, topic_id, partitions } => opening.push((topic, topic_id, partitions)),
                Effect::DeletePartitions { topic, topic_id, .. } => {
                    self.partitions.delete_topic(&topic, topic_id);
                    self.group_views.changed();
                }
                Effect::GroupConfigChanged => self.group_views.changed(),
                Effect::ClientQuotasChanged => self.update_quotas(),
                Effect::FeaturesChanged => self.query(|m| self.features.update(m)),
                Effect::TopicConfigChanged { topic } => self.update_config(&topic),
                Effect::BrokerConfigChanged => {
                    self.group_views.broker_config_changed(&self.dynamic());
                    self.update_producer_id_expiration();
                    let topics: Vec<String> = self.query(|m| m.topics().map(|t| t.name.clone()).collect());
                    topics.iter().for_each(|topic| self.update_config(topic));
                    self.broker_config.send_replace(());
                }
            }
        }
        if opening.is_empty() { Vec::new() } else { self.take_in(&opening) }
    }

    /// Takes in the new partitions of all topics of a request.
    fn take_in(&self, opening: &[(String, TopicId, Vec<i32>)]) -> Vec<TopicPartition> {
        let of_topic =
            |(topic, id, numbers): &(String, TopicId, Vec<i32>)| self.new_partitions(topic, *id, numbers, true);
        let new: Vec<NewPartition> = opening.iter().flat_map(of_topic).collect();
        let names: Vec<TopicPartition> = new.iter().map(|new| new.name.clone()).collect();
        self.partitions.add(new);
        self.group_views.changed();
        names
    }

    /// Makes the logs of new partitions, several at a time.
    fn make_logs(&self, names: &[TopicPartition]) {
        self.partitions.make(names);
        // Their configs may have changed since they were taken in.
        let topics: BTreeSet<&str> = names.iter().map(|name| &*name.topic).collect();
        topics.into_iter().for_each(|topic| self.update_config(topic));
    }

    fn update_quotas(&self) {
        let _guard = self.configuring.lock();
        self.query(|m| self.quotas.update(m.client_quotas()));
    }

    /// How long producers are remembered that write nothing more, and how that changes.
    pub fn producer_id_expiration_ms(&self) -> watch::Receiver<i64> {
        self.producer_id_expiration_ms.subscribe()
    }

    fn update_producer_id_expiration(&self) {
        let _guard = self.configuring.lock();
        let set = self.dynamic().get("producer.id.expiration.ms").and_then(|value| value.parse().ok());
        let expiration_ms = set.unwrap_or(self.configured_expiration_ms);
        // Who is told looks through the producers of all logs.
        self.producer_id_expiration_ms.send_if_modified(|now| std::mem::replace(now, expiration_ms) != expiration_ms);
    }

    fn config_of(&self, topic: &str) -> PartitionConfig {
        let expiration_ms = *self.producer_id_expiration_ms.borrow();
        self.query(|m| partition_config(m, topic, expiration_ms))
    }

    fn update_config(&self, topic: &str) {
        let _guard = self.configuring.lock();
        let config = self.config_of(topic);
        self.partitions.update_config(topic, &config);
    }

    fn new_partitions(&self, topic: &str, topic_id: TopicId, numbers: &[i32], is_new: bool) -> Vec<NewPartition> {
        let config = self.config_of(topic);
        let new = |number: &i32| NewPartition {
            name: TopicPartition::new(topic, *number),
            topic_id,
            // Above 0 in a folder that was Apache Kafka's: epochs in a log only rise.
            leader_epoch: self.query(|m| m.partition(topic, *number).map_or(LeaderEpoch(0), |p| p.leader_epoch)),
            config: config.clone(),
            is_new,
        };
        numbers.iter().map(new).collect()
    }
}
