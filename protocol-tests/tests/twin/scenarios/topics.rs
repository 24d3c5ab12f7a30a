//! CreateTopics, DeleteTopics, CreatePartitions: what is made, what is refused, and with which words.

use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Scenario;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("topics::create_every_version", create_every_version),
    ("topics::create_bad_names", create_bad_names),
    ("topics::create_counts", create_counts),
    ("topics::create_assignments", create_assignments),
    ("topics::create_with_configs", create_with_configs),
    ("topics::create_many", create_many),
    ("topics::delete", delete),
    ("topics::partitions", partitions),
];

fn wanted(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic::default().with_name(topic(name)).with_num_partitions(partitions).with_replication_factor(replicas)
}

fn config(name: &str, value: Option<&str>) -> CreatableTopicConfig {
    CreatableTopicConfig::default().with_name(text(name)).with_value(value.map(text))
}

/// Asks for topics; ids are the broker's, and the list of all configs is another scenario's.
fn create(side: &mut Side, version: i16, topics: Vec<CreatableTopic>, validate: bool) -> Result<(), String> {
    let request =
        CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(10_000).with_validate_only(validate);
    side.ask_sorted(version, &request, |answer| {
        answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
        for result in &mut answer.topics {
            if !result.topic_id.is_nil() {
                result.topic_id = Uuid::max();
            }
            for config in result.configs.iter_mut().flatten().filter(|c| c.name.as_str() == "min.insync.replicas") {
                // Kafka sets it for the whole cluster when storage is formatted with eligible leader replicas (KIP-966).
                config.config_source = if config.config_source == 3 { 5 } else { config.config_source };
            }
        }
    })?;
    Ok(())
}

fn create_every_version(side: &mut Side) -> Result<(), String> {
    for version in 2..=7 {
        let name = side.name(&format!("v{version}"));
        side.about("only validated");
        create(side, version, vec![wanted(&name, 2, 1)], true)?;
        side.about("made");
        create(side, version, vec![wanted(&name, 2, 1)], false)?;
        side.about("made already");
        create(side, version, vec![wanted(&name, 2, 1)], false)?;
        side.about("made already, only validated");
        create(side, version, vec![wanted(&name, 2, 1)], true)?;
        if version >= 4 {
            let name = side.name(&format!("default-{version}"));
            side.about("as many partitions and replicas as the broker likes");
            create(side, version, vec![wanted(&name, -1, -1)], false)?;
        }
    }
    Ok(())
}

fn create_bad_names(side: &mut Side) -> Result<(), String> {
    let long = "n".repeat(250);
    for name in
        ["", ".", "..", "a/b", "a b", "ä", &long, "__consumer_offsets", "__transaction_state", "__cluster_metadata"]
    {
        side.about(format!("{} characters: {:.20}", name.len(), name));
        create(side, 7, vec![wanted(name, 1, 1)], true)?;
    }
    let (dot, low) = (side.name("a.b"), side.name("a_b"));
    side.about("a name with a dot");
    create(side, 7, vec![wanted(&dot, 1, 1)], false)?;
    side.about("which collides with one with an underscore");
    create(side, 7, vec![wanted(&low, 1, 1)], false)?;
    side.about("two that collide in one request");
    create(side, 7, vec![wanted(&side.name("c.d"), 1, 1), wanted(&side.name("c_d"), 1, 1)], true)?;
    side.about("one name twice, and another");
    let (twice, once) = (side.name("twice"), side.name("once"));
    create(side, 7, vec![wanted(&twice, 1, 1), wanted(&once, 1, 1), wanted(&twice, 2, 1)], false)?;
    side.about("no topics");
    create(side, 7, vec![], false)
}

fn create_counts(side: &mut Side) -> Result<(), String> {
    let name = side.name("counts");
    for version in [2, 4, 5, 7] {
        for (partitions, replicas) in [(0, 1), (-2, 1), (-1, 1), (1, 0), (1, -2), (1, -1), (1, 2), (1, 3), (0, 0)] {
            side.about(format!("{partitions} partitions, {replicas} replicas"));
            create(side, version, vec![wanted(&name, partitions, replicas)], true)?;
        }
    }
    side.about("more partitions than a request may make");
    create(side, 7, vec![wanted(&name, 10_001, 1)], true)
}

fn create_assignments(side: &mut Side) -> Result<(), String> {
    let name = side.name("assigned");
    let assigned = |list: &[(i32, &[i32])]| {
        let one = |(index, brokers): &(i32, &[i32])| {
            CreatableReplicaAssignment::default()
                .with_partition_index(*index)
                .with_broker_ids(brokers.iter().map(|b| BrokerId(*b)).collect())
        };
        list.iter().map(one).collect::<Vec<_>>()
    };
    type Assigned<'a> = &'a [(i32, &'a [i32])];
    let cases: &[(&str, Assigned<'_>)] = &[
        ("two partitions", &[(0, &[1]), (1, &[1])]),
        ("to a broker that is not there", &[(0, &[9])]),
        ("to a broker twice", &[(0, &[1, 1])]),
        ("to no broker", &[(0, &[])]),
        ("to a negative broker", &[(0, &[-1])]),
        ("a gap", &[(0, &[1]), (2, &[1])]),
        ("not from 0", &[(1, &[1])]),
        ("a partition twice", &[(0, &[1]), (0, &[1])]),
        ("a negative partition", &[(-1, &[1])]),
        ("not the same number of replicas", &[(0, &[1]), (1, &[1, 2])]),
    ];
    for (about, list) in cases {
        side.about(*about);
        create(side, 7, vec![wanted(&name, -1, -1).with_assignments(assigned(list))], true)?;
    }
    for (partitions, replicas) in [(1, -1), (-1, 1), (1, 1)] {
        side.about(format!("and {partitions} partitions and {replicas} replicas"));
        let both = wanted(&name, partitions, replicas).with_assignments(assigned(&[(0, &[1])]));
        create(side, 7, vec![both], true)?;
    }
    Ok(())
}

fn create_with_configs(side: &mut Side) -> Result<(), String> {
    let name = side.name("configured");
    let cases: &[(&str, Option<&str>)] = &[
        ("retention.ms", Some("1000")),
        ("retention.ms", Some(" 1000 ")),
        ("retention.ms", Some("-1")),
        ("retention.ms", Some("-2")),
        ("retention.ms", Some("ten")),
        ("retention.ms", Some("")),
        ("retention.ms", None),
        ("cleanup.policy", Some("compact")),
        ("cleanup.policy", Some("compact,delete")),
        ("cleanup.policy", Some("compact, delete")),
        ("cleanup.policy", Some("shred")),
        ("cleanup.policy", Some("")),
        ("compression.type", Some("zstd")),
        ("compression.type", Some("rar")),
        ("compression.gzip.level", Some("0")),
        ("compression.gzip.level", Some("10")),
        ("max.message.bytes", Some("-1")),
        ("max.message.bytes", Some("3000000000")),
        ("min.insync.replicas", Some("0")),
        ("min.insync.replicas", Some("2")),
        ("min.cleanable.dirty.ratio", Some("1.5")),
        ("min.cleanable.dirty.ratio", Some("half")),
        ("segment.bytes", Some("13")),
        ("segment.bytes", Some("1048576")),
        ("segment.ms", Some("0")),
        ("message.timestamp.type", Some("LogAppendTime")),
        ("message.timestamp.type", Some("Never")),
        ("message.timestamp.before.max.ms", Some("-1")),
        ("unclean.leader.election.enable", Some("TRUE")),
        ("unclean.leader.election.enable", Some("yes")),
        ("preallocate", Some("1")),
        ("flush.messages", Some("0")),
        ("index.interval.bytes", Some("-1")),
        ("remote.storage.enable", Some("true")),
        ("local.retention.ms", Some("5")),
        ("leader.replication.throttled.replicas", Some("*")),
        ("leader.replication.throttled.replicas", Some("0:1,1:1")),
        ("leader.replication.throttled.replicas", Some("some")),
        ("message.format.version", Some("3.0")),
        ("message.downconversion.enable", Some("true")),
        ("no.such.config", Some("1")),
        ("", Some("1")),
        ("num.partitions", Some("1")),
    ];
    for (key, value) in cases {
        side.about(format!("{key} = {value:?}"));
        create(side, 4, vec![wanted(&name, 1, 1).with_configs(vec![config(key, *value)])], true)?;
    }
    side.about("one key twice");
    let twice = vec![config("retention.ms", Some("1")), config("retention.ms", Some("2"))];
    create(side, 4, vec![wanted(&name, 1, 1).with_configs(twice)], true)?;
    side.about("all configs in the answer");
    let right = vec![config("retention.ms", Some("5000")), config("cleanup.policy", Some("compact"))];
    create(side, 7, vec![wanted(&name, 1, 1).with_configs(right)], false)
}

fn create_many(side: &mut Side) -> Result<(), String> {
    side.about("one that is good among bad ones");
    let good = side.name("good");
    let configured = wanted(&side.name("config"), 1, 1).with_configs(vec![config("retention.ms", Some("x"))]);
    let list = vec![wanted("bad/name", 1, 1), wanted(&good, 3, 1), wanted(&side.name("replicas"), 1, 5), configured];
    create(side, 7, list, false)
}

fn delete(side: &mut Side) -> Result<(), String> {
    for version in 1..=5 {
        let made = side.topic(&format!("v{version}"), 2, &[])?;
        let names = |names: &[&str]| {
            DeleteTopicsRequest::default()
                .with_topic_names(names.iter().map(|n| topic(n)).collect())
                .with_timeout_ms(10_000)
        };
        let request = names(&[&made.name, "nowhere", "bad/name", ""]);
        side.ask_sorted(version, &request, |a| a.responses.sort_by(|a, b| a.name.cmp(&b.name)))?;
        side.about("once more");
        side.ask(version, &names(&[&made.name]))?;
        side.about("one name twice");
        side.ask_sorted(version, &names(&["twice", "twice", "once"]), |a| {
            a.responses.sort_by(|a, b| a.name.cmp(&b.name))
        })?;
    }
    let by_name = |name: &str| DeleteTopicState::default().with_name(Some(topic(name)));
    let by_id = |id: Uuid| DeleteTopicState::default().with_name(None).with_topic_id(id);
    let request =
        |list: Vec<DeleteTopicState>| DeleteTopicsRequest::default().with_topics(list).with_timeout_ms(10_000);
    let [a, b, c] = [side.topic("a", 1, &[])?, side.topic("b", 1, &[])?, side.topic("c", 1, &[])?];
    for (about, list) in [
        ("by name and by id", vec![by_name(&a.name), by_id(b.id)]),
        ("gone by id, and one that never was", vec![by_id(b.id), by_id(Uuid::from_u128(7))]),
        ("gone by name", vec![by_name(&a.name)]),
        ("by both in one entry", vec![by_name(&c.name).with_topic_id(c.id)]),
        ("by neither", vec![by_id(Uuid::nil())]),
        ("one by its id and its name", vec![by_name(&c.name), by_id(c.id)]),
        ("one id twice", vec![by_id(c.id), by_id(c.id)]),
        ("a name twice", vec![by_name(&c.name), by_name(&c.name)]),
        ("no topics", vec![]),
    ] {
        side.about(about);
        side.ask_sorted(6, &request(list), |a| {
            a.responses.sort_by(|a, b| (&a.name, a.topic_id, a.error_code).cmp(&(&b.name, b.topic_id, b.error_code)));
        })?;
    }
    side.about("still there");
    let asked =
        kafka_protocol::messages::metadata_request::MetadataRequestTopic::default().with_name(Some(topic(&c.name)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
    side.ask_sorted(12, &request, |answer| answer.cluster_id = None)?;
    Ok(())
}

fn partitions(side: &mut Side) -> Result<(), String> {
    let made = side.topic("more", 2, &[])?;
    let to = |name: &str, count: i32, assignments: Option<&[&[i32]]>| {
        let one = |brokers: &&[i32]| {
            CreatePartitionsAssignment::default().with_broker_ids(brokers.iter().map(|b| BrokerId(*b)).collect())
        };
        CreatePartitionsTopic::default()
            .with_name(topic(name))
            .with_count(count)
            .with_assignments(assignments.map(|list| list.iter().map(one).collect()))
    };
    let mut ask = |version: i16, about: &str, topics: Vec<CreatePartitionsTopic>, validate: bool| {
        side.about(about);
        let request =
            CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(10_000).with_validate_only(validate);
        side.ask_sorted(version, &request, |a| a.results.sort_by(|a, b| a.name.cmp(&b.name))).map(drop)
    };
    let name = made.name.as_str();
    for version in 0..=3 {
        ask(version, "only validated", vec![to(name, 9, None)], true)?;
        ask(version, "as many", vec![to(name, i32::from(version) + 2, None)], false)?;
        ask(version, "fewer", vec![to(name, 1, None)], false)?;
        ask(version, "none", vec![to(name, 0, None)], false)?;
        ask(version, "negative", vec![to(name, -1, None)], false)?;
        ask(version, "not there", vec![to("nowhere", 3, None)], false)?;
        ask(version, "twice", vec![to(name, 7, None), to(name, 8, None)], false)?;
        ask(version, "one more", vec![to(name, i32::from(version) + 3, None)], false)?;
    }
    ask(3, "assigned", vec![to(name, 7, Some(&[&[1]]))], false)?;
    ask(3, "assigned too few", vec![to(name, 9, Some(&[&[1]]))], false)?;
    ask(3, "assigned too many", vec![to(name, 8, Some(&[&[1], &[1]]))], false)?;
    ask(3, "assigned to a broker that is not there", vec![to(name, 8, Some(&[&[5]]))], false)?;
    ask(3, "assigned to a broker twice", vec![to(name, 8, Some(&[&[1, 1]]))], false)?;
    ask(3, "assigned to two", vec![to(name, 8, Some(&[&[1, 2]]))], false)?;
    ask(3, "assigned to none", vec![to(name, 8, Some(&[&[]]))], false)?;
    ask(3, "assigned nothing", vec![to(name, 8, Some(&[]))], false)?;
    ask(3, "more than a request may make", vec![to(name, 10_020, None)], true)?;
    ask(3, "bad name", vec![to("bad/name", 2, None)], true)?;
    ask(3, "no topics", vec![], true)
}
