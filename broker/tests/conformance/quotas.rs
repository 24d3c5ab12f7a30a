//! Quotas over the wire: who exceeds one is told so and held up, and the others are not. Rates are computed here from what was sent
//! and how long it took.

use std::time::{Duration, Instant};

use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::records::batch;
use crate::support::requests::{append, create_topic, fetch_partition, fetch_request, produce_request};
use crate::support::{Broker, eventually, text, topic};

/// Two windows of a second: what counts is one whole second, and what has passed of the next.
const SHORT: &[&str] = &["quota.window.num=2", "controller.quota.window.num=2"];
/// What a request may take beside the time for which its client is held up, on a slow machine.
const SLACK: Duration = Duration::from_secs(20);

fn set(client: &mut Client, kind: &str, name: &str, key: &str, value: f64) {
    let entity = EntityData::default().with_entity_type(text(kind)).with_entity_name(Some(text(name)));
    let op = OpData::default().with_key(text(key)).with_value(value);
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    let answer = client.call(1, &AlterClientQuotasRequest::default().with_entries(vec![entry]));
    assert_eq!((answer.entries[0].error_code, &answer.entries[0].error_message), (0, &None));
}

#[test]
fn a_producer_gets_its_rate_and_the_others_are_not_held_up() {
    const RATE: f64 = 200_000.0;
    let broker = Broker::start_with(SHORT);
    let mut admin = broker.client();
    let t = create_topic(&mut admin, "t", 1, &[]);
    set(&mut admin, "client-id", "slow", "producer_byte_rate", RATE);
    let request = produce_request(13, &t, 0, &batch(&[&"x".repeat(20_000)]), None);
    let (mut slow, mut free) = (broker.client().named("slow"), broker.client().named("free"));
    let (start, mut bytes, mut held_up, mut in_all) = (Instant::now(), 0.0, Duration::ZERO, Duration::ZERO);
    while bytes < 3.0 * RATE {
        let sent = Instant::now();
        let answer = slow.call(13, &request);
        let waited = sent.elapsed();
        // KIP-219: the answer comes at once, and the next request is read when its time is over.
        assert!(waited + Duration::from_millis(50) >= held_up, "{waited:?} after {held_up:?}");
        assert!(waited < held_up + SLACK, "{waited:?} after {held_up:?}");
        held_up = Duration::from_millis(u64::try_from(answer.throttle_time_ms).unwrap());
        in_all += held_up;
        bytes += 20_100.0;
    }
    let seconds = start.elapsed().as_secs_f64();
    // The first second's worth may come at once.
    let rate = (bytes - RATE) / seconds;
    assert!(rate < 1.3 * RATE, "{rate} bytes a second over {seconds} s");
    // How slow this machine is does not count: the broker alone leaves it at least half of its rate.
    let granted = (bytes - RATE) / in_all.as_secs_f64();
    assert!(granted > 0.5 * RATE, "{granted} bytes a second, held up for {in_all:?}");
    // From now on it is held up for longer than any answer may take.
    set(&mut admin, "client-id", "slow", "producer_byte_rate", 1.0);
    assert!(slow.call(13, &request).throttle_time_ms > 600_000);
    slow.send(13, &request);
    for _ in 0..30 {
        assert_eq!(free.call(13, &request).throttle_time_ms, 0);
    }
    slow.assert_unanswered();
}

#[test]
fn a_consumer_beyond_its_rate_gets_nothing_until_its_time_is_over() {
    let broker = Broker::start_with(SHORT);
    let mut admin = broker.client();
    let t = create_topic(&mut admin, "t", 1, &[]);
    append(&mut admin, &t, &batch(&[&"x".repeat(50_000)]));
    set(&mut admin, "client-id", "slow", "consumer_byte_rate", 60_000.0);
    let mut slow = broker.client().named("slow");
    let request = fetch_request(13, &t, vec![fetch_partition(0, 0)]);
    let first = slow.call(13, &request);
    assert_eq!((first.throttle_time_ms, first.responses.len()), (0, 1));
    let second = slow.call(13, &request);
    assert!(second.throttle_time_ms > 0 && second.responses.is_empty() && second.error_code == 0, "{second:?}");
    let start = Instant::now();
    let third = slow.call(13, &request);
    let (waited, held_up) = (start.elapsed(), Duration::from_millis(second.throttle_time_ms.unsigned_abs().into()));
    assert!(waited + Duration::from_millis(50) >= held_up, "{waited:?} of {held_up:?}");
    assert!(waited < held_up + SLACK, "{waited:?} of {held_up:?}");
    assert!(third.throttle_time_ms > 0 || third.responses[0].partitions[0].records.is_some());
    let free = broker.client().named("free").call(13, &request);
    assert_eq!((free.throttle_time_ms, free.responses.len()), (0, 1));
}

fn create(client: &mut Client, version: i16, names: &[&str], partitions: i32) -> CreateTopicsResponse {
    let wanted = |name: &&str| {
        CreatableTopic::default().with_name(topic(name)).with_num_partitions(partitions).with_replication_factor(1)
    };
    let topics = names.iter().map(wanted).collect();
    client.call(version, &CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(5000))
}

fn errors(answer: &CreateTopicsResponse) -> Vec<i16> {
    answer.topics.iter().map(|t| t.error_code).collect()
}

/// It is held up for `most` milliseconds, less what has been made up for since it asked.
fn assert_throttled(answer: &CreateTopicsResponse, most: i32, asked: Instant) {
    let least = most - i32::try_from(asked.elapsed().as_millis()).unwrap() - 1;
    assert!((least.max(1)..=most).contains(&answer.throttle_time_ms), "{} of {most}", answer.throttle_time_ms);
}

#[test]
fn topics_beyond_the_rate_of_changes_are_refused_or_held_up() {
    const EXCEEDED: i16 = 89;
    let broker = Broker::start_with(SHORT);
    let mut admin = broker.client();
    // Two tokens at once, and one a second.
    set(&mut admin, "client-id", "new", "controller_mutation_rate", 1.0);
    set(&mut admin, "client-id", "old", "controller_mutation_rate", 1.0);
    let mut new = broker.client().named("new");
    let sent = Instant::now();
    let answer = create(&mut new, 7, &["a", "b", "c"], 2);
    assert_eq!(errors(&answer), [0, 0, EXCEEDED], "a leaves none, b goes two below");
    assert_throttled(&answer, 2000, sent);
    assert_eq!(answer.topics[2].error_message.as_deref(), Some("The throttling quota has been exceeded."));
    assert_eq!(answer.topics[1].num_partitions, 2);
    assert_eq!(errors(&create(&mut new, 7, &["a"], 1)), [36], "TOPIC_ALREADY_EXISTS comes before the quota");
    assert!(sent.elapsed() >= Duration::from_millis(answer.throttle_time_ms.unsigned_abs().into()), "held up");
    let mut old = broker.client().named("old");
    let sent = Instant::now();
    let answer = create(&mut old, 5, &["d", "e"], 2);
    assert_eq!(errors(&answer), [0, 0]);
    assert_throttled(&answer, 2000, sent);
    let mut other = broker.client();
    assert_eq!(errors(&create(&mut other, 7, &["f", "g", "h"], 5)), [0, 0, 0]);
    let topics = vec![delete_topics_request::DeleteTopicState::default().with_name(Some(topic("f")))];
    set(&mut admin, "client-id", "gone", "controller_mutation_rate", 1.0);
    let mut gone = broker.client().named("gone");
    let delete = |client: &mut Client, topics| {
        client.call(6, &DeleteTopicsRequest::default().with_topics(topics)).responses[0].error_code
    };
    assert_eq!(delete(&mut gone, topics), 0);
    let topics = vec![delete_topics_request::DeleteTopicState::default().with_name(Some(topic("g")))];
    assert_eq!(delete(&mut gone, topics), EXCEEDED);
    let more = create_partitions_request::CreatePartitionsTopic::default()
        .with_name(topic("h"))
        .with_count(6)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(5000);
    assert_eq!(other.call(3, &request).results[0].error_code, 0);
}

#[test]
fn who_keeps_the_broker_busy_is_held_up_for_a_second_at_most() {
    let broker = Broker::start_with(SHORT);
    let mut admin = broker.client();
    set(&mut admin, "client-id", "busy", "request_percentage", 0.000_1);
    let mut busy = broker.client().named("busy");
    let answer = busy.call(12, &MetadataRequest::default());
    assert_eq!(answer.throttle_time_ms, 1000);
    assert_eq!(admin.call(12, &MetadataRequest::default()).throttle_time_ms, 0);
}

#[test]
fn connections_beyond_the_rate_of_an_address_are_closed_after_a_while() {
    let broker = Broker::start_with(SHORT);
    let mut admin = broker.client();
    set(&mut admin, "ip", "127.0.0.1", "connection_creation_rate", 3.0);
    let start = Instant::now();
    let mut clients: Vec<Client> = (0..12).map(|_| broker.client()).collect();
    for client in &mut clients {
        client.send_body(18, 0, 1, &[]);
    }
    let accepted = clients.iter_mut().filter_map(Client::receive_frame).count();
    let refused = clients.len() - accepted;
    assert!(accepted >= 3 && refused >= 1, "{accepted} and {refused}");
    assert_eq!(broker.metrics().connections_refused.get(), refused as u64);
    assert!(start.elapsed() > Duration::from_millis(100), "who is refused is kept waiting");
    assert_eq!(admin.call(0, &ApiVersionsRequest::default()).error_code, 0, "connections that stand are left alone");
}

#[test]
fn quotas_and_credentials_outlive_a_restart() {
    let mut broker = Broker::start();
    let mut admin = broker.client();
    set(&mut admin, "user", "alice", "consumer_byte_rate", 1e6);
    let upsertion = alter_user_scram_credentials_request::ScramCredentialUpsertion::default()
        .with_name(text("alice"))
        .with_mechanism(1)
        .with_iterations(4096)
        .with_salt(vec![1, 2].into())
        .with_salted_password(vec![3; 32].into());
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
    assert_eq!(admin.call(0, &request).results[0].error_code, 0);
    broker.restart();
    let mut admin = broker.client();
    let quotas = admin.call(1, &DescribeClientQuotasRequest::default()).entries.unwrap();
    assert_eq!((quotas.len(), quotas[0].values[0].value), (1, 1e6));
    let users = admin.call(0, &DescribeUserScramCredentialsRequest::default().with_users(None)).results;
    assert_eq!((users.len(), users[0].credential_infos[0].iterations), (1, 4096));
}

#[test]
fn a_client_that_leaves_while_it_is_held_up_is_noticed() {
    let broker = Broker::start();
    let mut admin = broker.client();
    let t = create_topic(&mut admin, "t", 1, &[]);
    set(&mut admin, "client-id", "slow", "producer_byte_rate", 1.0);
    let mut slow = broker.client().named("slow");
    let answer = slow.call(13, &produce_request(13, &t, 0, &batch(&[&"x".repeat(20_000)]), None));
    assert!(answer.throttle_time_ms > 600_000, "{} ms", answer.throttle_time_ms);
    drop(slow);
    eventually("it has left", || broker.metrics().connections.get() == 1);
    // One that has sent more meanwhile is noticed when it is cut: as here, where it leaves with an answer unread.
    let mut slow = broker.client().named("slow");
    let request = produce_request(13, &t, 0, &batch(&["x"]), None);
    let _ = (slow.send(13, &request), slow.send(13, &request));
    eventually("there is an answer", || !slow.is_silent_for(Duration::from_millis(5)));
    drop(slow);
    eventually("it has left", || broker.metrics().connections.get() == 1);
}
