//! What a broker still knows after a restart.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit, fetch_offset, join_request, lone_member};
use crate::support::records::{Origin, batch, batch_of, values};
use crate::support::requests::{
    append, create_topic, end_txn, fetch_in, fetch_partition, fetch_request, init_producer, list_offset, produce_in,
};
use crate::support::{Broker, group, text, topic};

fn topic_ids(client: &mut Client) -> Vec<(Option<TopicName>, uuid::Uuid, usize)> {
    let named = ["known", "made-on-demand"].map(|name| MetadataRequestTopic::default().with_name(Some(topic(name))));
    let response = client.call(12, &MetadataRequest::default().with_topics(Some(named.into())));
    response.topics.iter().map(|t| (t.name.clone(), t.topic_id, t.partitions.len())).collect()
}

#[test]
fn topics_and_their_records() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[("max.message.bytes", "5000")]);
    append(&mut client, &known, &batch(&["a", "b"]));
    // The first request for a topic makes it.
    topic_ids(&mut client);
    let before = (topic_ids(&mut client), fetch_in(&mut client, 13, &known, 0, 0).records);
    let cluster = client.call(0, &DescribeClusterRequest::default()).cluster_id;
    broker.restart();
    let mut client = broker.client();
    assert_eq!((topic_ids(&mut client), fetch_in(&mut client, 13, &known, 0, 0).records), before);
    assert_eq!(client.call(0, &DescribeClusterRequest::default()).cluster_id, cluster);
    assert_eq!(append(&mut client, &known, &batch(&["c"])), 2);
    let large = batch(&[&"x".repeat(6000)]);
    assert_eq!(produce_in(&mut client, 9, &known, 1, &large, None).error_code, 10, "MESSAGE_TOO_LARGE, as configured");
    assert_eq!(list_offset(&mut client, 10, &known, -1, false).offset, 3);
}

#[test]
fn producers_and_their_last_batches() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, None);
    let of = |sequence| batch_of(Origin { id, epoch, sequence, transactional: false }, &["x"]);
    assert_eq!(append(&mut client, &known, &of(0)), 0);
    assert_eq!(append(&mut client, &known, &of(1)), 1);
    broker.restart();
    let mut client = broker.client();
    assert_eq!(append(&mut client, &known, &of(1)), 1, "a duplicate");
    assert_eq!(produce_in(&mut client, 13, &known, 0, &of(3), None).error_code, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(append(&mut client, &known, &of(2)), 2);
    assert!(init_producer(&mut client, 5, None).0 > id, "ids are not given twice");
}

#[test]
fn groups_and_their_offsets() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, "readers");
    assert_eq!(commit(&mut client, "readers", (generation, &member), ("known", 0, 8)), 0);
    broker.restart();
    let mut client = broker.client();
    // Kafka writes members and assignments into `__consumer_offsets`: nobody has to join again.
    let beat = HeartbeatRequest::default()
        .with_group_id(group("readers"))
        .with_generation_id(generation)
        .with_member_id(text(&member));
    assert_eq!(client.call(4, &beat).error_code, 0);
    let found = fetch_offset(&mut client, "readers", ("known", 0), true);
    assert_eq!((found.committed_offset, found.metadata), (8, Some(text("note"))));
    assert_eq!(commit(&mut client, "readers", (generation, &member), ("known", 0, 9)), 0);
}

#[test]
fn an_open_transaction_goes_on() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some("txn"));
    let of = |sequence| batch_of(Origin { id, epoch, sequence, transactional: true }, &["x"]);
    assert_eq!(produce_in(&mut client, 13, &known, 0, &of(0), Some("txn")).error_code, 0);
    broker.restart();
    let mut client = broker.client();
    let committed = fetch_request(13, &known, vec![fetch_partition(0, 0)]).with_isolation_level(1);
    let open = client.call(13, &committed).responses.remove(0).partitions.remove(0);
    assert_eq!((open.high_watermark, open.last_stable_offset), (1, 0));
    assert_eq!(produce_in(&mut client, 13, &known, 0, &of(1), Some("txn")).error_code, 0);
    let ended = end_txn(&mut client, 5, "txn", id, epoch, true);
    assert_eq!((ended.error_code, ended.producer_epoch), (0, epoch + 1));
    let ended = client.call(13, &committed).responses.remove(0).partitions.remove(0);
    assert_eq!((ended.last_stable_offset, values(ended.records.unwrap()).len()), (3, 2));
}

#[test]
fn a_broker_that_stops_does_not_wait_for_those_who_wait() {
    let mut broker = Broker::start();
    let (mut reader, mut member) = (broker.client(), broker.client());
    let known = create_topic(&mut reader, "known", 1, &[]);
    let fetch = fetch_request(13, &known, vec![fetch_partition(0, 0)]).with_max_wait_ms(3_600_000);
    let fetching = broker.until_received(|| reader.send(13, &fetch));
    lone_member(&mut member, "readers");
    // Joins a group whose other member does not come.
    let joining = broker.until_received(|| member.send(3, &join_request(3, "readers", "", None)));
    broker.restart();
    assert_eq!(reader.receive(fetching).error_code, 0);
    let refused = member.receive(joining);
    assert_eq!(refused.error_code, 16, "NOT_COORDINATOR, as Kafka's coordinator answers when it unloads");
}
