//! CreateTopics and automatic creation (Kafka: ControllerApis.createTopics, ReplicationControlManager.createTopics).

use std::collections::{BTreeMap, BTreeSet};

use forebay_storage::ids::{BrokerId, TopicId};

use super::command::{Assignment, ConfigResource, CreateTopics, NewTopic};
use super::config::{MAX_PARTITIONS_PER_REQUEST, MAX_RECORDS_PER_REQUEST};
use super::effect::Effect;
use super::machine::{Decision, MetadataMachine, answered};
use super::placement::new_partition;
use super::record::{ConfigRecord, Event, TopicRecord};
use super::refusal::Refusal;
use super::reply::{CreateTopicResult, Reply};
use super::topic_config;
use super::topic_name::{can_collide, collide, validate_topic_name};
use crate::error_code::ErrorCode;

/// The log of the metadata itself; nobody may make a topic of that name.
const CLUSTER_METADATA_TOPIC: &str = "__cluster_metadata";

/// A topic that passed all checks.
struct Plan {
    replicas: Vec<Vec<BrokerId>>,
    configs: BTreeMap<String, String>,
}

impl MetadataMachine {
    pub(super) fn create_topics(&self, command: CreateTopics) -> Decision {
        if let Err(refusal) = self.check_request_size(&command.topics) {
            let refused = command.topics.into_iter().map(|t| failed(t.name, &refusal)).collect();
            return answered(command.reply_to, Reply::CreateTopics(refused));
        }
        let mut decision = Decision::default();
        let mut results = Vec::with_capacity(command.topics.len());
        let mut partitions = self.partition_total();
        for topic in once_each(command.topics) {
            let plan = topic.and_then(|topic| match self.plan(&topic, partitions) {
                Ok(plan) => Ok((topic, plan)),
                Err(refusal) => Err((topic.name, refusal)),
            });
            match plan {
                Ok((topic, plan)) => {
                    partitions += plan.replicas.len();
                    results.push(self.created(&topic, &plan));
                    add_events(&mut decision, topic, plan);
                }
                Err((name, refusal)) => results.push(failed(name, &refusal)),
            }
        }
        if decision.events.len() > MAX_RECORDS_PER_REQUEST {
            let refusal = Refusal::too_many_records();
            let refused = results.into_iter().map(|r| failed(r.name, &refusal)).collect();
            return answered(command.reply_to, Reply::CreateTopics(refused));
        }
        if command.validate_only {
            decision = Decision::default();
        }
        decision.replies.push((command.reply_to, Reply::CreateTopics(results)));
        decision
    }

    /// Kafka: ReplicationControlManager.validateTotalNumberOfPartitions.
    fn check_request_size(&self, topics: &[NewTopic]) -> Result<(), Refusal> {
        let mut total = 0usize;
        for topic in topics {
            let count = if topic.assignments.is_empty() { self.partitions_of(topic) } else { topic.assignments.len() };
            total = total.saturating_add(count);
        }
        if total > MAX_PARTITIONS_PER_REQUEST {
            let message = "Excessively large number of partitions per request.";
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        Ok(())
    }

    /// The number of partitions asked for, the default included; 0 for what is not a number of partitions.
    fn partitions_of(&self, topic: &NewTopic) -> usize {
        let count = if topic.partitions == -1 { self.config.num_partitions } else { topic.partitions };
        usize::try_from(count).unwrap_or(0)
    }

    fn plan(&self, topic: &NewTopic, partitions: usize) -> Result<Plan, Refusal> {
        self.check_name(&topic.name)?;
        let configs = self.check_configs(topic)?;
        let replicas = if topic.assignments.is_empty() { self.automatic(topic)? } else { self.manual(topic)? };
        if partitions + replicas.len() > self.config.max_partitions {
            let message = format!(
                "This broker holds at most {} partitions; it has {partitions} and {} more were asked for.",
                self.config.max_partitions,
                replicas.len()
            );
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        Ok(Plan { replicas, configs })
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        if name == CLUSTER_METADATA_TOPIC {
            let message = format!("Creation of internal topic {name} is prohibited.");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        validate_topic_name(name).map_err(|message| Refusal::new(ErrorCode::InvalidTopicException, message))?;
        if self.topics.contains_key(name) {
            return Err(Refusal::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
        }
        if can_collide(name)
            && let Some(other) = self.topics.keys().find(|other| collide(other, name))
        {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(Refusal::new(ErrorCode::InvalidTopicException, message));
        }
        Ok(())
    }

    fn check_configs(&self, topic: &NewTopic) -> Result<BTreeMap<String, String>, Refusal> {
        let nulls: Vec<&str> =
            topic.configs.iter().filter(|(_, v)| v.is_none()).map(|(name, _)| name.as_str()).collect();
        if !nulls.is_empty() {
            let message = format!("Null value not supported for topic configs: {}", nulls.join(","));
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        }
        let configs: BTreeMap<String, String> =
            topic.configs.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        topic_config::validate(&self.layers(&configs)).map_err(|m| Refusal::new(ErrorCode::InvalidConfig, m))?;
        Ok(configs)
    }

    fn automatic(&self, topic: &NewTopic) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            let message = "Number of partitions was set to an invalid non-positive value.";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        let factor = if topic.replication_factor == -1 {
            self.config.default_replication_factor
        } else {
            topic.replication_factor
        };
        self.place(0, self.partitions_of(topic), factor).map_err(|refusal| {
            let reason = refusal.message.unwrap_or_default();
            Refusal::new(refusal.error, format!("Unable to replicate the partition {factor} time(s): {reason}"))
        })
    }

    fn manual(&self, topic: &NewTopic) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let unset = |what: &str| {
            let message = format!("A manual partition assignment was specified, but {what} was not set to -1.");
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        };
        if topic.replication_factor != -1 {
            return unset("replication factor");
        }
        if topic.partitions != -1 {
            return unset("numPartitions");
        }
        let mut chosen: BTreeMap<i32, &[BrokerId]> = BTreeMap::new();
        let mut factor = None;
        for Assignment { partition, brokers } in &topic.assignments {
            if chosen.contains_key(partition) {
                let message = format!("Found multiple manual partition assignments for partition {partition}");
                return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
            }
            self.check_replicas(brokers, factor)?;
            factor = Some(brokers.len());
            chosen.insert(*partition, brokers);
        }
        if !chosen.keys().copied().eq(0..i32::try_from(chosen.len()).unwrap_or(i32::MAX)) {
            let message = "partitions should be a consecutive 0-based integer sequence";
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(chosen.into_values().map(<[BrokerId]>::to_vec).collect())
    }

    /// Kafka gives a topic that is only validated an id as well, which is forgotten with it.
    fn created(&self, topic: &NewTopic, plan: &Plan) -> CreateTopicResult {
        CreateTopicResult {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            error: ErrorCode::None,
            message: None,
            partitions: i32::try_from(plan.replicas.len()).expect("a request's partitions are limited"),
            replication_factor: i16::try_from(plan.replicas[0].len()).unwrap_or(i16::MAX),
            configs: self.layers(&plan.configs).describe(),
        }
    }
}

/// Each topic once; in place of those named more than once the refusal of the name.
fn once_each(topics: Vec<NewTopic>) -> Vec<Result<NewTopic, (String, Refusal)>> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> =
        topics.iter().filter(|t| !seen.insert(t.name.clone())).map(|t| t.name.clone()).collect();
    let mut said = BTreeSet::new();
    let refusal = || Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
    topics
        .into_iter()
        .filter(|t| !twice.contains(&t.name) || said.insert(t.name.clone()))
        .map(|t| if twice.contains(&t.name) { Err((t.name, refusal())) } else { Ok(t) })
        .collect()
}

fn add_events(decision: &mut Decision, topic: NewTopic, plan: Plan) {
    let NewTopic { name, topic_id, .. } = topic;
    // Kafka's order: the topic, its configs, its partitions.
    decision.events.push(Event::Topic(TopicRecord { name: name.clone(), topic_id }));
    for (config, value) in plan.configs {
        let resource = ConfigResource::Topic(name.clone());
        decision.events.push(Event::Config(ConfigRecord { resource, name: config, value: Some(value) }));
    }
    let partitions = (0..plan.replicas.len()).map(|p| i32::try_from(p).expect("a request's partitions are limited"));
    decision.effects.push(Effect::OpenPartitions { topic: name, topic_id, partitions: partitions.collect() });
    for (partition, replicas) in plan.replicas.into_iter().enumerate() {
        decision.events.push(Event::Partition(new_partition(topic_id, partition, replicas)));
    }
}

fn failed(name: String, refusal: &Refusal) -> CreateTopicResult {
    CreateTopicResult {
        name,
        topic_id: TopicId::ZERO,
        error: refusal.error,
        message: refusal.message.clone(),
        partitions: -1,
        replication_factor: -1,
        configs: Vec::new(),
    }
}
