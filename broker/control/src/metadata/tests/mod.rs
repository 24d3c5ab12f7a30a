//! Scenarios of the controller: a small runtime with a log.

mod configs;
mod creating;
mod deleting;
mod enlarging;
mod kafka_image;
mod properties;
mod quotas;
mod registering;

use forebay_storage::ids::{BrokerId, Timestamp, TopicId};
use uuid::Uuid;

use super::command::*;
use super::reply::*;
use super::*;
use crate::error_code::ErrorCode;
use crate::machine::{Event as _, LogRecord, Machine, ReplyTo};

const ASKER: ReplyTo = ReplyTo(1);

/// The runtime of the controller.
struct World {
    machine: MetadataMachine,
    log: Vec<LogRecord>,
    effects: Vec<Effect>,
    next_id: u128,
}

impl World {
    /// One node, number 1.
    fn new() -> World {
        World::with(MetadataConfig::default(), &[1])
    }

    fn with(config: MetadataConfig, brokers: &[i32]) -> World {
        let machine = MetadataMachine::new(config);
        let mut world = World { machine, log: Vec::new(), effects: Vec::new(), next_id: 0 };
        for broker in brokers {
            world.register(*broker);
        }
        world
    }

    fn register(&mut self, broker: i32) {
        let node = RegisterBroker {
            broker: BrokerId(broker),
            incarnation: Uuid::from_u128(7),
            endpoints: vec![Endpoint { name: "PLAINTEXT".into(), host: "h".into(), port: 9092, security_protocol: 0 }],
            rack: None,
        };
        assert_eq!(self.run(Command::RegisterBroker(node)), None);
    }

    fn run(&mut self, command: Command) -> Option<Reply> {
        let decision = self.machine.decide(Timestamp(0), command);
        assert!(decision.timers.is_empty() && decision.replies.len() <= 1);
        for event in decision.events {
            self.log.push(event.record().unwrap());
            self.machine.apply(event);
        }
        self.effects.extend(decision.effects);
        decision.replies.into_iter().next().map(|(_, reply)| reply)
    }

    fn topic(&mut self, name: &str, partitions: i32, factor: i16) -> NewTopic {
        self.next_id += 1;
        let topic_id = TopicId(Uuid::from_u128(self.next_id));
        NewTopic { partitions, replication_factor: factor, ..NewTopic::with_defaults(name, topic_id) }
    }

    fn create_all(&mut self, topics: Vec<NewTopic>, validate_only: bool) -> Vec<CreateTopicResult> {
        match self.run(Command::CreateTopics(CreateTopics { reply_to: ASKER, topics, validate_only })) {
            Some(Reply::CreateTopics(results)) => results,
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, topic: NewTopic) -> CreateTopicResult {
        self.create_all(vec![topic], false).remove(0)
    }

    /// Creates a topic that must be accepted.
    fn made(&mut self, name: &str, partitions: i32) -> TopicId {
        let topic = self.topic(name, partitions, -1);
        let result = self.create(topic);
        assert_eq!(result.error, ErrorCode::None, "{:?}", result.message);
        result.topic_id
    }

    /// The error and message of creating a topic.
    fn refused(&mut self, topic: NewTopic) -> (ErrorCode, String) {
        let before = self.machine.clone();
        let result = self.create(topic);
        assert_eq!(self.machine, before, "a refusal changes nothing");
        assert_eq!((result.partitions, result.replication_factor, result.topic_id), (-1, -1, TopicId::ZERO));
        (result.error, result.message.unwrap_or_default())
    }

    fn replayed(&self) -> MetadataMachine {
        let mut machine = MetadataMachine::new(self.machine.config.clone());
        for record in &self.log {
            assert!(record.key.is_empty(), "metadata records have no key");
            machine.apply(parse(record.value.as_deref().unwrap()).unwrap().unwrap());
        }
        machine
    }
}

fn with_configs(mut topic: NewTopic, configs: &[(&str, Option<&str>)]) -> NewTopic {
    topic.configs = configs.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect();
    topic
}

/// Partitions and the nodes chosen for them.
type Assigned<'a> = &'a [(i32, &'a [i32])];

fn assigned(mut topic: NewTopic, assignments: Assigned<'_>) -> NewTopic {
    topic.assignments = assignments
        .iter()
        .map(|(partition, brokers)| Assignment {
            partition: *partition,
            brokers: brokers.iter().map(|b| BrokerId(*b)).collect(),
        })
        .collect();
    topic
}
