//! Metadata and DescribeCluster.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::topic_configs::describe;
use crate::support::client::Client;
use crate::support::requests::{Topic, create_topic, init_producer};
use crate::support::{Broker, topic};

fn by_name(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic(name)))
}

fn ask(client: &mut Client, version: i16, wanted: MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic {
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let request = if version >= 4 { request.with_allow_auto_topic_creation(may_create) } else { request };
    client.call(version, &request).topics.remove(0)
}

fn names(response: &MetadataResponse) -> Vec<&str> {
    response.topics.iter().filter_map(|t| t.name.as_ref()).map(|n| n.as_str()).collect()
}

#[test]
fn metadata_of_all_none_and_some() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    // Version 0 asks for all with an empty list, later ones with null; their empty list asks for none.
    assert_eq!(names(&client.call(0, &MetadataRequest::default())), ["known"]);
    assert_eq!(names(&client.call(12, &MetadataRequest::default().with_topics(None))), ["known"]);
    let none = client.call(1, &MetadataRequest::default());
    assert!(none.topics.is_empty());
    let brokers: Vec<_> = none.brokers.iter().map(|b| (b.node_id.0, &*b.host, b.port)).collect();
    assert_eq!(brokers, [(1, "127.0.0.1", i32::from(broker.port()))]);
    assert_eq!(none.controller_id.0, 1);

    let found = ask(&mut client, 12, by_name("known"), false);
    assert_eq!((found.error_code, found.topic_id, found.is_internal), (0, known.id, false));
    let partitions: Vec<_> = found
        .partitions
        .iter()
        .map(|p| (p.partition_index, p.leader_id.0, p.replica_nodes.clone(), p.isr_nodes.clone()))
        .collect();
    let here = vec![BrokerId(1)];
    assert_eq!(partitions, [(0, 1, here.clone(), here.clone()), (1, 1, here.clone(), here)]);
    let cluster_id = client.call(2, &MetadataRequest::default()).cluster_id.unwrap();
    assert_eq!(cluster_id.len(), 22, "a base64 UUID without padding");
    let described = client.call(0, &DescribeClusterRequest::default());
    assert_eq!(described.cluster_id, cluster_id);
}

#[test]
fn metadata_by_id() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let by_id = |id| MetadataRequestTopic::default().with_name(None).with_topic_id(id);
    let found = ask(&mut client, 12, by_id(known.id), false);
    assert_eq!((found.error_code, found.name), (0, Some(topic("known"))));
    let missing = ask(&mut client, 12, by_id(Topic::unknown().id), false);
    assert_eq!((missing.error_code, missing.name, missing.topic_id), (100, None, Topic::unknown().id));
    // Versions 10 and 11 have the field, but brokers take ids from version 12 on (KAFKA-10774).
    for version in [10, 11] {
        let early = ask(&mut client, version, by_name("known").with_topic_id(known.id), false);
        assert_eq!(early.error_code, 42, "INVALID_REQUEST");
        assert_eq!(ask(&mut client, version, by_id(known.id), false).error_code, 42, "INVALID_REQUEST");
    }
}

#[test]
fn metadata_of_a_topic_that_is_not_there() {
    let broker = Broker::start();
    let mut client = broker.client();
    let missing = ask(&mut client, 12, by_name("new"), false);
    assert_eq!((missing.error_code, missing.topic_id, missing.partitions.len()), (3, Uuid::nil(), 0));
    assert_eq!(missing.name, Some(topic("new")));
    for bad in ["", ".", "..", "with space", &"x".repeat(250)] {
        assert_eq!(ask(&mut client, 12, by_name(bad), true).error_code, 17, "INVALID_TOPIC_EXCEPTION for {bad:?}");
    }
    // Kafka answers UNKNOWN_TOPIC_OR_PARTITION while it makes the topic; after that it is there.
    let first = ask(&mut client, 4, by_name("new"), true);
    assert_eq!((first.error_code, first.partitions.len()), (3, 0));
    let made = ask(&mut client, 4, by_name("new"), false);
    assert_eq!((made.error_code, made.partitions.len()), (0, 1), "num.partitions=1");
    // Versions before 4 have no say in it: the topic is made.
    assert_eq!(ask(&mut client, 1, by_name("newer"), true).error_code, 3);
    assert_eq!(ask(&mut client, 12, by_name("newer"), false).error_code, 0);
}

#[test]
fn internal_topics_are_marked() {
    let broker = Broker::start();
    let mut client = broker.client();
    let request = FindCoordinatorRequest::default().with_key(crate::support::text("g"));
    assert_eq!(client.call(3, &request).error_code, 0);
    let offsets = ask(&mut client, 12, by_name("__consumer_offsets"), false);
    assert_eq!((offsets.error_code, offsets.is_internal, offsets.partitions.len()), (0, true, 3));
}

/// Kafka: AutoTopicCreationManager, which gives internal topics the coordinators' settings.
#[test]
fn internal_topics_are_made_by_whoever_asks_first() {
    let broker = Broker::start();
    let mut client = broker.client();
    let policies =
        [("__consumer_offsets", "compact"), ("__transaction_state", "compact"), ("__share_group_state", "delete")];
    for (name, policy) in policies {
        let missing = ask(&mut client, 12, by_name(name), false);
        assert_eq!((missing.error_code, missing.is_internal, missing.partitions.len()), (3, true, 0), "{name}");
        assert_eq!(ask(&mut client, 12, by_name(name), false).error_code, 3, "{name} is not made when not allowed");
        let making = ask(&mut client, 12, by_name(name), true);
        assert_eq!((making.error_code, making.is_internal, making.partitions.len()), (3, true, 0), "{name}");
        let made = ask(&mut client, 12, by_name(name), false);
        assert_eq!((made.error_code, made.is_internal, made.partitions.len()), (0, true, 3), "{name}");
        let configs = describe(&mut client, 2, name, Some(&["cleanup.policy", "segment.bytes"])).configs;
        let values: Vec<_> = configs.iter().map(|c| c.value.as_deref().unwrap_or_default()).collect();
        assert_eq!(values, [policy, "104857600"], "{name}");
    }
    // And the coordinators work with them.
    for kind in 0..=1 {
        let request = FindCoordinatorRequest::default().with_key(crate::support::text("g")).with_key_type(kind);
        assert_eq!(client.call(3, &request).error_code, 0);
    }
    let (_, epoch) = init_producer(&mut client, 5, Some("t"));
    assert_eq!(epoch, 0);
}

#[test]
fn internal_topics_are_not_made_where_topics_are_not() {
    let broker = Broker::start_with(&["auto.create.topics.enable=false"]);
    let mut client = broker.client();
    for _ in 0..2 {
        assert_eq!(ask(&mut client, 12, by_name("__consumer_offsets"), true).error_code, 3);
    }
}

#[test]
fn authorized_operations_are_told_when_asked_for() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let request = MetadataRequest::default().with_topics(Some(vec![by_name("known")]));
    assert_eq!(client.call(8, &request).topics[0].topic_authorized_operations, i32::MIN);
    let response = client.call(8, &request.with_include_topic_authorized_operations(true));
    // Kafka without an authorizer: all of READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
    assert_eq!(response.topics[0].topic_authorized_operations, 0b1101_1111_1000);
}

#[test]
fn controllers_are_not_described_by_a_broker() {
    let broker = Broker::start();
    let mut client = broker.client();
    let response = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(2));
    assert_eq!(response.error_code, 114, "MISMATCHED_ENDPOINT_TYPE");
    let response = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(7));
    assert_eq!(response.error_code, 115, "UNSUPPORTED_ENDPOINT_TYPE");
    let response = client.call(2, &DescribeClusterRequest::default());
    assert_eq!((response.error_code, response.endpoint_type, response.brokers.len()), (0, 1, 1));
    assert_eq!(response.cluster_authorized_operations, i32::MIN);
}
