//! Share sessions: their epochs, their number, and what is answered in them (Kafka: SharePartitionManager.newContext).

use kafka_protocol::messages::share_fetch_request::ForgottenTopic;

use super::{ACCEPT, member, topic};
use crate::support::Broker;
use crate::support::records::batch;
use crate::support::requests::{Topic, append, create_topic, delete_topic};
use crate::support::share::{ShareMember, Taken, initialize, summary};
use crate::support::share_groups::{alter_share_offset, delete_share_offsets};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_REQUEST: i16 = 42;
const UNKNOWN_TOPIC_ID: i16 = 100;
const SHARE_SESSION_NOT_FOUND: i16 = 122;
const INVALID_SHARE_SESSION_EPOCH: i16 = 123;
const SHARE_SESSION_LIMIT_REACHED: i16 = 133;

#[test]
fn requests_of_a_session_are_counted() {
    let broker = Broker::start();
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a"]));
    let mut one = member(&broker, "one");
    let error = |one: &mut ShareMember, epoch| {
        let request = one.request(&topic, &[]).with_share_session_epoch(epoch).with_max_wait_ms(0);
        one.fetch(&request).error_code
    };
    assert_eq!(error(&mut one, 1), SHARE_SESSION_NOT_FOUND);
    assert_eq!(error(&mut one, -1), SHARE_SESSION_NOT_FOUND);
    assert_eq!(one.acknowledge_in(&topic, &[], 1, false).0, SHARE_SESSION_NOT_FOUND);
    one.epoch = 0;
    let early = one.request(&topic, &[(0, 0, &[ACCEPT])]);
    assert_eq!(one.fetch(&early).error_code, INVALID_REQUEST, "acknowledgements before there is anything");
    one.epoch = 0;
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 0, 1)]);
    assert_eq!(error(&mut one, 2), INVALID_SHARE_SESSION_EPOCH);
    assert_eq!(error(&mut one, 1), 0);
    assert_eq!(one.acknowledge_in(&topic, &[(0, 0, &[ACCEPT])], 0, false).0, INVALID_SHARE_SESSION_EPOCH);
    assert_eq!(one.acknowledge_in(&topic, &[(0, 0, &[ACCEPT])], 5, false).0, INVALID_SHARE_SESSION_EPOCH);
    assert_eq!(one.acknowledge_in(&topic, &[(0, 0, &[ACCEPT])], 2, false), (0, Some(0), None));
    assert_eq!(error(&mut one, -1), 0);
    assert_eq!(error(&mut one, 3), SHARE_SESSION_NOT_FOUND);
}

#[test]
fn nothing_without_a_group_or_a_member() {
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut one = member(&broker, "one");
    let nobody = one.request(&topic, &[]).with_group_id(None);
    assert_eq!(one.fetch(&nobody).error_code, INVALID_REQUEST);
    let mut long = member(&broker, &"m".repeat(37));
    let request = long.request(&topic, &[]);
    assert_eq!(long.fetch(&request).error_code, INVALID_REQUEST);
}

#[test]
fn a_session_remembers_its_partitions_and_says_what_is_new() {
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut client = broker.client();
    let mut one = member(&broker, "one");
    let at_once = |one: &ShareMember| one.request(&topic, &[]).with_max_wait_ms(0).with_topics(vec![]);
    let first = one.request(&topic, &[]).with_max_wait_ms(0);
    assert_eq!(one.fetch(&first).responses.len(), 1, "a new session hears of each");
    let request = at_once(&one);
    assert!(one.fetch(&request).responses.is_empty(), "nothing is new");
    append(&mut client, &topic, &batch(&["a"]));
    let request = at_once(&one);
    assert_eq!(Taken::of(&one.fetch(&request)).acquired, [(0, 0, 1)]);
    let forgotten = ForgottenTopic::default().with_topic_id(topic.id).with_partitions(vec![0]);
    let request = at_once(&one).with_forgotten_topics_data(vec![forgotten]);
    append(&mut client, &topic, &batch(&["b"]));
    assert!(one.fetch(&request).responses.is_empty(), "not read any more");
}

#[test]
fn what_does_not_exist_is_an_error_of_its_partition() {
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut client = broker.client();
    let mut one = member(&broker, "one");
    let unknown = one.request(&Topic::unknown(), &[]).with_max_wait_ms(0);
    assert_eq!(one.fetch(&unknown).responses[0].partitions[0].error_code, UNKNOWN_TOPIC_ID);
    // A topic is deleted while somebody waits for its records.
    let mut two = member(&broker, "two");
    let request = two.request(&topic, &[]);
    broker.until_received(|| two.send(&request));
    delete_topic(&mut client, &topic);
    assert_eq!(two.receive().responses[0].partitions[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let request = two.request(&topic, &[]).with_topics(vec![]).with_max_wait_ms(0);
    let error = two.fetch(&request).responses[0].partitions[0].error_code;
    assert_eq!(error, UNKNOWN_TOPIC_OR_PARTITION, "Kafka remembers the name");
    // Nobody has begun a state.
    let other = create_topic(&mut client, "other", 1, &[]);
    let mut three = member(&broker, "three");
    let request = three.request(&other, &[]).with_max_wait_ms(0);
    assert_eq!(three.fetch(&request).responses[0].partitions[0].error_code, -1);
    assert_eq!(initialize(&mut client, "g", &other, 0, 0), 0);
    let request = three.request(&other, &[]).with_max_wait_ms(0);
    assert!(three.fetch(&request).responses.is_empty(), "no error any more, and no records");
}

#[test]
fn there_are_only_so_many_sessions() {
    let broker = Broker::start_with(&["group.share.max.size=1", "group.share.max.share.sessions=1"]);
    let topic = topic(&broker);
    let (mut one, mut two) = (member(&broker, "one"), member(&broker, "two"));
    let at_once = |member: &ShareMember| member.request(&topic, &[]).with_max_wait_ms(0);
    let request = at_once(&one);
    assert_eq!(one.fetch(&request).error_code, 0);
    let request = at_once(&two);
    assert_eq!(two.fetch(&request).error_code, SHARE_SESSION_LIMIT_REACHED);
    assert_eq!(one.acknowledge_in(&topic, &[], -1, false).0, 0);
    let request = at_once(&two).with_share_session_epoch(0);
    assert_eq!(two.fetch(&request).error_code, 0);
}

#[test]
fn altered_offsets_count_for_members_that_are_still_there() {
    let broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &t, &batch(&["a", "b", "c", "d", "e"]));
    assert_eq!(alter_share_offset(&mut client, "g", &t, 0, 0), 0);
    let mut one = member(&broker, "one");
    assert_eq!(one.take(&t, &[]).acquired, [(0, 4, 1)]);
    // It has a session, but the group has no members: it never sent a heartbeat.
    assert_eq!(alter_share_offset(&mut client, "g", &t, 0, 2), 0);
    assert_eq!(one.acknowledge(&t, &[(0, 4, &[ACCEPT])]).1, Some(UNKNOWN_TOPIC_OR_PARTITION), "nothing is its own now");
    assert_eq!(summary(&mut client, 1, "g", &t).0.start_offset, 2);
    assert_eq!(one.take(&t, &[]).acquired, [(2, 4, 1)]);
    assert_eq!(delete_share_offsets(&mut client, "g", &t), 0);
    assert_eq!(broker.share_partitions_held(), 0);
    assert_eq!(alter_share_offset(&mut client, "g", &t, 0, 4), 0);
    assert_eq!(one.take(&t, &[]).acquired, [(4, 4, 1)]);
}

#[test]
fn nothing_is_kept_of_a_deleted_topic() {
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut one = member(&broker, "one");
    let request = one.request(&topic, &[]).with_max_wait_ms(0);
    one.fetch(&request);
    assert_eq!(broker.share_partitions_held(), 1);
    delete_topic(&mut broker.client(), &topic);
    assert_eq!(broker.share_partitions_held(), 0);
}
