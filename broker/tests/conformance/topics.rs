//! CreateTopics, DeleteTopics, CreatePartitions.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit, fetch_offset};
use crate::support::records::batch;
use crate::support::requests::{Topic, append, create_topic, fetch_in};
use crate::support::{Broker, text, topic};

fn create(client: &mut Client, wanted: CreatableTopic) -> CreatableTopicResult {
    let request = CreateTopicsRequest::default().with_topics(vec![wanted]).with_timeout_ms(5000);
    client.call(7, &request).topics.remove(0)
}

fn wanted(name: &str) -> CreatableTopic {
    CreatableTopic::default().with_name(topic(name)).with_num_partitions(1).with_replication_factor(1)
}

fn with_config(name: &str, key: &str, value: &str) -> CreatableTopic {
    let config = CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)));
    wanted(name).with_configs(vec![config])
}

#[test]
fn creation_is_refused_with_kafka_s_codes() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "here", 1, &[]);
    let assigned = |brokers: Vec<BrokerId>| {
        let to = CreatableReplicaAssignment::default().with_partition_index(0).with_broker_ids(brokers);
        wanted("a").with_num_partitions(-1).with_replication_factor(-1).with_assignments(vec![to])
    };
    let cases = [
        (wanted("here"), 36, "TOPIC_ALREADY_EXISTS"),
        (wanted("bad name"), 17, "INVALID_TOPIC_EXCEPTION"),
        (wanted(""), 17, "INVALID_TOPIC_EXCEPTION"),
        (wanted("a").with_num_partitions(0), 37, "INVALID_PARTITIONS"),
        (wanted("a").with_replication_factor(2), 38, "INVALID_REPLICATION_FACTOR"),
        (wanted("a").with_replication_factor(0), 38, "INVALID_REPLICATION_FACTOR"),
        (with_config("a", "retention.ms", "soon"), 40, "INVALID_CONFIG"),
        (with_config("a", "no.such.config", "1"), 40, "INVALID_CONFIG"),
        (with_config("a", "cleanup.policy", "keep"), 40, "INVALID_CONFIG"),
        (assigned(vec![BrokerId(9)]), 39, "INVALID_REPLICA_ASSIGNMENT"),
        (assigned(vec![BrokerId(1)]).with_num_partitions(1), 42, "INVALID_REQUEST"),
    ];
    for (wanted, code, name) in cases {
        let said = format!("{wanted:?}");
        let result = create(&mut client, wanted);
        assert_eq!(result.error_code, code, "{name} for {said}: {:?}", result.error_message);
    }
    // `.` and `_` are one character in metric names: topics that differ by them alone collide.
    assert_eq!(create(&mut client, wanted("c.d")).error_code, 0);
    assert_eq!(create(&mut client, wanted("c_d")).error_code, 17, "INVALID_TOPIC_EXCEPTION");
}

#[test]
fn the_answer_tells_what_was_made() {
    let broker = Broker::start();
    let mut client = broker.client();
    let made = create(&mut client, with_config("made", "retention.ms", "7000").with_num_partitions(3));
    assert_eq!((made.error_code, made.num_partitions, made.replication_factor), (0, 3, 1));
    assert!(!made.topic_id.is_nil());
    let configs = made.configs.unwrap();
    let of = |name: &str| configs.iter().find(|c| &*c.name == name).map(|c| (c.value.as_deref(), c.config_source));
    // Kafka: ConfigSource 1 is the topic's own, 5 the default.
    assert_eq!(of("retention.ms"), Some((Some("7000"), 1)));
    assert_eq!(of("cleanup.policy"), Some((Some("delete"), 5)));
    // The broker's defaults, as -1 asks for (KIP-464).
    let defaults = create(&mut client, wanted("defaults").with_num_partitions(-1).with_replication_factor(-1));
    assert_eq!((defaults.error_code, defaults.num_partitions, defaults.replication_factor), (0, 1, 1));
}

#[test]
fn a_name_that_is_asked_for_twice_is_not_made_at_all() {
    let broker = Broker::start();
    let mut client = broker.client();
    let request = CreateTopicsRequest::default().with_topics(vec![wanted("twin"), wanted("twin")]);
    let response = client.call(7, &request);
    assert!(response.topics.iter().all(|t| t.error_code == 42), "INVALID_REQUEST: {response:?}");
    assert_eq!(create(&mut client, wanted("twin")).error_code, 0);
}

#[test]
fn validation_alone_makes_nothing() {
    let broker = Broker::start();
    let mut client = broker.client();
    let request = CreateTopicsRequest::default().with_topics(vec![wanted("maybe")]).with_validate_only(true);
    let response = client.call(7, &request);
    assert_eq!(response.topics[0].error_code, 0);
    assert_eq!(create(&mut client, wanted("maybe")).error_code, 0);
}

fn delete(client: &mut Client, state: DeleteTopicState) -> i16 {
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(5000);
    client.call(6, &request).responses[0].error_code
}

#[test]
fn topics_are_deleted_by_id_and_by_name_and_come_back_empty() {
    let broker = Broker::start();
    let mut client = broker.client();
    let first = create_topic(&mut client, "again", 1, &[]);
    append(&mut client, &first, &batch(&["old"]));
    let by_id = |id| DeleteTopicState::default().with_name(None).with_topic_id(id);
    assert_eq!(delete(&mut client, by_id(Topic::unknown().id)), 100, "UNKNOWN_TOPIC_ID");
    assert_eq!(delete(&mut client, by_id(first.id)), 0);
    assert_eq!(delete(&mut client, by_id(first.id)), 100);
    let by_name = |name: &str| DeleteTopicState::default().with_name(Some(topic(name)));
    assert_eq!(delete(&mut client, by_name("again")), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    let both = by_name("again").with_topic_id(first.id);
    assert_eq!(delete(&mut client, both), 42, "INVALID_REQUEST: a name and an id");

    let second = create_topic(&mut client, "again", 1, &[]);
    assert_ne!(first.id, second.id);
    assert_eq!(fetch_in(&mut client, 12, &second, 0, 0).high_watermark, 0);
    assert_eq!(fetch_in(&mut client, 13, &first, 0, 0).error_code, 100, "the old id is gone");
    assert_eq!(delete(&mut client, by_name("again")), 0);
}

/// Two who know nothing of each other: what is decided in one order must not be done in another.
#[test]
fn a_topic_made_while_its_namesake_is_deleted_has_its_partitions() {
    let broker = Broker::start();
    let (mut one, mut two) = (broker.client(), broker.client());
    create_topic(&mut one, "again", 3, &[]);
    for round in 0..100 {
        let id = std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                loop {
                    let made = create(&mut two, wanted("again").with_num_partitions(3));
                    match made.error_code {
                        0 => return made.topic_id,
                        code => assert_eq!(code, 36, "TOPIC_ALREADY_EXISTS"),
                    }
                }
            });
            assert_eq!(delete(&mut one, DeleteTopicState::default().with_name(Some(topic("again")))), 0);
            made.join().unwrap()
        });
        let made = Topic { name: "again".into(), id };
        for partition in 0..3 {
            assert_eq!(
                fetch_in(&mut one, 13, &made, partition, 0).error_code,
                0,
                "round {round}, partition {partition}"
            );
        }
    }
}

#[test]
fn a_deletion_wakes_the_fetch_that_waits() {
    let broker = Broker::start();
    let (mut reader, mut admin) = (broker.client(), broker.client());
    let doomed = create_topic(&mut admin, "doomed", 1, &[]);
    let request =
        crate::support::requests::fetch_request(13, &doomed, vec![crate::support::requests::fetch_partition(0, 0)]);
    let sent = broker.until_received(|| reader.send(13, &request.with_max_wait_ms(i32::MAX)));
    assert_eq!(delete(&mut admin, DeleteTopicState::default().with_name(Some(topic("doomed")))), 0);
    let response = reader.receive(sent);
    // Not by its id, although the request had that: Kafka's delayed fetch knows the partition by its name.
    assert_eq!(response.responses[0].partitions[0].error_code, 3, "UNKNOWN_TOPIC_OR_PARTITION");
}

#[test]
fn partitions_are_added_and_never_taken_away() {
    let broker = Broker::start();
    let mut client = broker.client();
    let growing = create_topic(&mut client, "growing", 2, &[]);
    let mut grow = |name: &str, count: i32, validate_only: bool| {
        let more = CreatePartitionsTopic::default().with_name(topic(name)).with_count(count).with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![more]).with_validate_only(validate_only);
        client.call(3, &request).results[0].error_code
    };
    assert_eq!(grow("growing", 1, false), 37, "INVALID_PARTITIONS");
    assert_eq!(grow("growing", 2, false), 37, "INVALID_PARTITIONS: as many as there are");
    assert_eq!(grow("nowhere", 5, false), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(grow("growing", 4, true), 0);
    assert_eq!(grow("growing", 3, false), 0);
    assert_eq!(fetch_in(&mut client, 12, &growing, 2, 0).error_code, 0);
    assert_eq!(fetch_in(&mut client, 12, &growing, 3, 0).error_code, 3);
}

#[test]
fn the_broker_s_own_topics_are_its_own() {
    let broker = Broker::start();
    let mut client = broker.client();
    assert_eq!(create(&mut client, wanted("__cluster_metadata")).error_code, 42, "INVALID_REQUEST");
    create_topic(&mut client, "known", 1, &[]);
    assert_eq!(commit(&mut client, "g", (-1, ""), ("known", 0, 4)), 0);
    let state = DeleteTopicState::default().with_name(Some(topic("__consumer_offsets")));
    assert_eq!(delete(&mut client, state), 17, "INVALID_TOPIC_EXCEPTION, where Kafka would lose all offsets");
    assert_eq!(fetch_offset(&mut client, "g", ("known", 0), true).committed_offset, 4);
}
