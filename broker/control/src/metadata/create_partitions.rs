//! CreatePartitions (Kafka: ControllerApis.createPartitions, ReplicationControlManager.createPartitions; KIP-195).

use std::collections::BTreeMap;

use forebay_storage::ids::BrokerId;

use super::command::{CreatePartitions, MorePartitions};
use super::config::MAX_RECORDS_PER_REQUEST;
use super::effect::Effect;
use super::image::TopicInfo;
use super::machine::{Decision, MetadataMachine};
use super::placement::new_partition;
use super::record::Event;
use super::refusal::{Refusal, outcome};
use super::reply::{CreatePartitionsResult, Reply};
use crate::error_code::ErrorCode;

impl MetadataMachine {
    pub(super) fn create_partitions(&self, command: CreatePartitions) -> Decision {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        command.topics.iter().for_each(|t| *counts.entry(t.name.clone()).or_default() += 1);
        let mut decision = Decision::default();
        let mut results = Vec::with_capacity(command.topics.len());
        for asked in command.topics {
            let verdict = match counts.remove(&asked.name) {
                Some(1) => self.enlarge(&asked, &mut decision),
                Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
                None => continue, // Answered already.
            };
            let (error, message) = outcome(verdict);
            results.push(CreatePartitionsResult { name: asked.name, error, message });
        }
        if command.validate_only {
            decision = Decision::default();
        }
        decision.replies.push((command.reply_to, Reply::CreatePartitions(results)));
        decision
    }

    fn enlarge(&self, asked: &MorePartitions, decision: &mut Decision) -> Result<(), Refusal> {
        let topic = self.topic(&asked.name).ok_or(Refusal::silent(ErrorCode::UnknownTopicOrPartition))?;
        let present = topic.partitions.len();
        let additional = additional(topic, asked.count)?;
        self.check_room(additional, decision.events.len())?;
        let replicas = match &asked.assignments {
            Some(assignments) => self.chosen(topic, additional, assignments)?,
            None => self.place(present, additional, topic.replication_factor())?,
        };
        for (at, replicas) in replicas.into_iter().enumerate() {
            decision.events.push(Event::Partition(new_partition(topic.topic_id, present + at, replicas)));
        }
        decision.effects.push(Effect::OpenPartitions {
            topic: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: (topic.partition_count()..asked.count).collect(),
        });
        Ok(())
    }

    fn check_room(&self, additional: usize, added: usize) -> Result<(), Refusal> {
        if added.saturating_add(additional) > MAX_RECORDS_PER_REQUEST {
            // Kafka: BoundedListTooLongException, which is no error of the protocol.
            return Err(Refusal::silent(ErrorCode::UnknownServerError));
        }
        if self.partition_total() + added + additional > self.config.max_partitions {
            let message = format!("This broker holds at most {} partitions.", self.config.max_partitions);
            return Err(Refusal::new(ErrorCode::PolicyViolation, message));
        }
        Ok(())
    }

    fn chosen(
        &self,
        topic: &TopicInfo,
        additional: usize,
        assignments: &[Vec<BrokerId>],
    ) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        if assignments.len() != additional {
            let message = format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        let factor = usize::try_from(topic.replication_factor()).ok();
        assignments.iter().try_for_each(|replicas| self.check_replicas(replicas, factor))?;
        Ok(assignments.to_vec())
    }
}

/// How many partitions come on top; INVALID_PARTITIONS when it would be none.
fn additional(topic: &TopicInfo, count: i32) -> Result<usize, Refusal> {
    let present = topic.partition_count();
    if count == present {
        let message = format!("Topic already has {present} partition(s).");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    if count < present {
        let message =
            format!("The topic {} currently has {present} partition(s); {count} would not be an increase.", topic.name);
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    Ok(usize::try_from(count - present).expect("it is more"))
}
