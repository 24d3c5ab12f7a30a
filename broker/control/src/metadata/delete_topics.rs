//! DeleteTopics, by name or by id (Kafka: ControllerApis.deleteTopics, ReplicationControlManager.deleteTopics; KIP-516).

use std::collections::BTreeMap;

use forebay_storage::ids::TopicId;

use super::command::{DeleteTopics, TopicRef};
use super::config::MAX_RECORDS_PER_REQUEST;
use super::effect::Effect;
use super::image::TopicInfo;
use super::machine::{Decision, MetadataMachine};
use super::record::{Event, RemoveTopicRecord};
use super::refusal::{Refusal, outcome};
use super::reply::{DeleteTopicResult, Reply};
use crate::error_code::ErrorCode;

impl MetadataMachine {
    pub(super) fn delete_topics(&self, command: DeleteTopics) -> Decision {
        let mut decision = Decision::default();
        let mut results = Vec::with_capacity(command.topics.len());
        let counts = self.count(&command.topics);
        let mut said = std::collections::BTreeSet::new();
        for asked in command.topics {
            if !said.insert(asked.clone()) {
                continue; // One answer for what is asked twice.
            }
            let found = self.find(&asked);
            let meant_twice = found.is_some_and(|topic| counts.1.get(&topic.topic_id).is_some_and(|n| *n > 1));
            if matches!(asked, TopicRef::Id(_)) && counts.0.get(&asked) == Some(&1) && meant_twice {
                continue; // Kafka answers for the name alone where a topic is given by both.
            }
            let verdict = self.may_delete(&asked, found, &counts, decision.events.len());
            if let (Ok(()), Some(topic)) = (&verdict, found) {
                decision.events.push(Event::RemoveTopic(RemoveTopicRecord { topic_id: topic.topic_id }));
                decision.effects.push(Effect::DeletePartitions {
                    topic: topic.name.clone(),
                    topic_id: topic.topic_id,
                    partitions: (0..topic.partition_count()).collect(),
                });
            }
            // Kafka does not look up what is asked twice.
            let found = found.filter(|_| counts.0.get(&asked) == Some(&1));
            results.push(result(asked, found, verdict));
        }
        decision.replies.push((command.reply_to, Reply::DeleteTopics(results)));
        decision
    }

    fn find(&self, asked: &TopicRef) -> Option<&TopicInfo> {
        match asked {
            TopicRef::Name(name) => self.topic(name),
            TopicRef::Id(id) => self.topic_by_id(*id),
        }
    }

    /// How often each reference is in the request, and how often each topic is meant.
    fn count(&self, topics: &[TopicRef]) -> (BTreeMap<TopicRef, usize>, BTreeMap<TopicId, usize>) {
        let mut counts = (BTreeMap::new(), BTreeMap::new());
        for asked in topics {
            *counts.0.entry(asked.clone()).or_default() += 1;
            if let Some(topic) = self.find(asked) {
                *counts.1.entry(topic.topic_id).or_default() += 1;
            }
        }
        counts
    }

    fn may_delete(
        &self,
        asked: &TopicRef,
        found: Option<&TopicInfo>,
        (references, topics): &(BTreeMap<TopicRef, usize>, BTreeMap<TopicId, usize>),
        deleted: usize,
    ) -> Result<(), Refusal> {
        let invalid = |message: &str| Err(Refusal::new(ErrorCode::InvalidRequest, message));
        if !self.config.delete_topic_enable {
            return Err(Refusal::new(ErrorCode::TopicDeletionDisabled, "Topic deletion is disabled."));
        }
        if references.get(asked).is_some_and(|n| *n > 1) {
            return match asked {
                TopicRef::Name(_) => invalid("Duplicate topic name."),
                TopicRef::Id(_) => invalid("Duplicate topic id."),
            };
        }
        let Some(topic) = found else {
            return Err(match asked {
                TopicRef::Name(_) => {
                    Refusal::new(ErrorCode::UnknownTopicOrPartition, "This server does not host this topic-partition.")
                }
                TopicRef::Id(_) => Refusal::new(ErrorCode::UnknownTopicId, "This server does not host this topic ID."),
            });
        };
        if topics.get(&topic.topic_id).is_some_and(|n| *n > 1) {
            return invalid("The provided topic name maps to an ID that was already supplied.");
        }
        if deleted >= MAX_RECORDS_PER_REQUEST {
            return Err(Refusal::too_many_records());
        }
        Ok(())
    }
}

fn result(asked: TopicRef, found: Option<&TopicInfo>, verdict: Result<(), Refusal>) -> DeleteTopicResult {
    let (error, message) = outcome(verdict);
    let name = match (&asked, found) {
        (_, Some(topic)) => Some(topic.name.clone()),
        (TopicRef::Name(name), None) => Some(name.clone()),
        (TopicRef::Id(_), None) => None,
    };
    let topic_id = match (&asked, found) {
        (_, Some(topic)) => topic.topic_id,
        (TopicRef::Id(id), None) => *id,
        (TopicRef::Name(_), None) => TopicId::ZERO,
    };
    DeleteTopicResult { asked, name, topic_id, error, message }
}
