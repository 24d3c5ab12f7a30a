//! What the share coordinator keeps: its five APIs, its log, its restart (Kafka: ShareCoordinatorService, ShareCoordinatorShard).

use kafka_protocol::messages::*;

use crate::support::requests::{create_topic, delete_topic};
use crate::support::share::{initialize, initialize_in_epoch, read_state, summary, write_request, write_state};
use crate::support::{Broker, text};
use crate::topic_configs::describe;

/// Kafka: PersisterStateBatch, delivery states.
const AVAILABLE: i8 = 0;
const ACKNOWLEDGED: i8 = 2;

const FENCED_LEADER_EPOCH: i16 = 74;
const FENCED_STATE_EPOCH: i16 = 124;
const INVALID_REQUEST: i16 = 42;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

#[test]
fn what_is_written_is_read() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    let uninitialized = read_state(&mut client, "g", &topic, 0);
    assert_eq!(uninitialized.error_code, INVALID_REQUEST);
    let (unknown, count) = summary(&mut client, 1, "g", &topic);
    assert_eq!((unknown.error_code, unknown.start_offset, count), (0, -1, Some(-1)));

    assert_eq!(initialize(&mut client, "g", &topic, 0, 3), 0);
    let write = write_request("g", &topic, (0, 0), 3, (4, 9, ACKNOWLEDGED, 1));
    assert_eq!(write_state(&mut client, 1, &write, 6), 0);
    let read = read_state(&mut client, "g", &topic, 0);
    assert_eq!((read.error_code, read.state_epoch, read.start_offset), (0, 0, 3));
    let batch = &read.state_batches[0];
    let seen = (batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count);
    assert_eq!((read.state_batches.len(), seen), (1, (4, 9, ACKNOWLEDGED, 1)));
    for version in 0..=1 {
        let (summary, count) = summary(&mut client, version, "g", &topic);
        assert_eq!((summary.error_code, summary.start_offset, count), (0, 3, (version == 1).then_some(6)));
    }
    // Version 0 does not know the count.
    assert_eq!(write_state(&mut client, 0, &write, 6), 0);
    assert_eq!(summary(&mut client, 1, "g", &topic).1, Some(-1));
}

#[test]
fn older_epochs_are_fenced() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    assert_eq!(initialize_in_epoch(&mut client, "g", &topic, 0, 0, 4), 0);
    assert_eq!(initialize_in_epoch(&mut client, "g", &topic, 0, 0, 3), FENCED_STATE_EPOCH);
    assert_eq!(read_state(&mut client, "g", &topic, 5).error_code, 0);
    assert_eq!(read_state(&mut client, "g", &topic, 4).error_code, FENCED_LEADER_EPOCH);
    let write = |epochs| write_request("g", &topic, epochs, 0, (0, 1, AVAILABLE, 1));
    assert_eq!(write_state(&mut client, 1, &write((4, 4)), 0), FENCED_LEADER_EPOCH);
    assert_eq!(write_state(&mut client, 1, &write((3, 5)), 0), FENCED_STATE_EPOCH);
    assert_eq!(write_state(&mut client, 1, &write((4, 5)), 0), 0);
}

#[test]
fn a_restart_keeps_it_and_a_deletion_ends_it() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    assert_eq!(initialize(&mut client, "g", &topic, 0, 0), 0);
    assert_eq!(initialize(&mut client, "h", &topic, 0, 7), 0);
    let write = write_request("g", &topic, (0, 2), 5, (5, 5, AVAILABLE, 2));
    assert_eq!(write_state(&mut client, 1, &write, 0), 0);
    let before = read_state(&mut client, "g", &topic, 2);
    broker.restart();
    let mut client = broker.client();
    assert_eq!(read_state(&mut client, "g", &topic, 2), before);
    assert_eq!(read_state(&mut client, "g", &topic, 1).error_code, FENCED_LEADER_EPOCH);
    assert_eq!(before.state_batches[0].delivery_count, 2);

    use kafka_protocol::messages::delete_share_group_state_request::{DeleteStateData, PartitionData};
    let partition = DeleteStateData::default().with_topic_id(topic.id).with_partitions(vec![PartitionData::default()]);
    let request = DeleteShareGroupStateRequest::default().with_group_id(text("g")).with_topics(vec![partition]);
    for _ in 0..2 {
        assert_eq!(client.call(0, &request).results[0].partitions[0].error_code, 0);
    }
    broker.restart();
    let mut client = broker.client();
    assert_eq!(read_state(&mut client, "g", &topic, 2).error_code, INVALID_REQUEST);
    assert_eq!(read_state(&mut client, "h", &topic, 2).start_offset, 7);
}

#[test]
fn a_topic_that_is_gone_has_no_state() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    assert_eq!(initialize(&mut client, "g", &topic, 1, 0), UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(initialize(&mut client, "g", &topic, 0, 0), 0);
    delete_topic(&mut client, &topic);
    assert_eq!(read_state(&mut client, "g", &topic, 0).error_code, INVALID_REQUEST, "forgotten");
    assert_eq!(initialize(&mut client, "g", &topic, 0, 0), UNKNOWN_TOPIC_OR_PARTITION);
    broker.restart();
    assert_eq!(read_state(&mut broker.client(), "g", &topic, 0).error_code, INVALID_REQUEST);
}

#[test]
fn requests_that_name_nothing_get_an_empty_answer() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    let write = |group: &str| write_request(group, &topic, (0, 0), 0, (0, 0, AVAILABLE, 1));
    assert!(client.call(0, &write("")).results.is_empty());
    assert!(client.call(0, &write("g").with_topics(vec![])).results.is_empty());
    let mut empty = write("g");
    empty.topics[0].partitions.clear();
    assert!(client.call(0, &empty).results.is_empty());
}

#[test]
fn the_log_is_kept_short() {
    let mut broker = Broker::start_with(&[
        "share.coordinator.state.topic.num.partitions=1",
        "share.coordinator.snapshot.update.records.per.snapshot=3",
    ]);
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    assert_eq!(initialize(&mut client, "g", &topic, 0, 0), 0);
    let mut write = |offset| {
        let request = write_request("g", &topic, (0, 0), offset, (offset, offset, AVAILABLE, 1));
        assert_eq!(write_state(&mut client, 1, &request, 0), 0);
    };
    // A snapshot, three updates, a snapshot, an update.
    (1..=5).for_each(&mut write);
    let log = broker.partition("__share_group_state", 0);
    assert_eq!((log.offsets().0.0, log.log_end().0), (0, 6));
    broker.keep_share_state_short();
    assert_eq!((log.offsets().0.0, log.log_end().0), (4, 6), "the second snapshot has offset 4");
    drop(log);
    broker.restart();
    let mut client = broker.client();
    let read = read_state(&mut client, "g", &topic, 0);
    assert_eq!((read.start_offset, read.state_batches.len()), (5, 1));
    assert_eq!(broker.partition("__share_group_state", 0).offsets().0.0, 4);
}

#[test]
fn the_topic_is_made_as_kafka_makes_it() {
    let broker = Broker::start_with(&["share.coordinator.state.topic.num.partitions=4"]);
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    let find = |key: String| FindCoordinatorRequest::default().with_key_type(2).with_coordinator_keys(vec![text(&key)]);
    let id = forebay_storage::ids::TopicId(topic.id);
    let mut error = |key: String| client.call(6, &find(key)).coordinators[0].error_code;
    assert_eq!(error(format!("a:group:{id}:0")), 0);
    for wrong in ["g", "g:0", "g:x:0", &format!("g:{id}:x"), &format!(":{id}:0")] {
        assert_eq!(error(wrong.to_owned()), INVALID_REQUEST, "{wrong}");
    }
    let older = client.call(5, &find(format!("a:group:{id}:0")));
    assert_eq!(older.coordinators[0].error_code, INVALID_REQUEST, "not before version 6");
    // Kafka: ShareCoordinatorService.shareGroupStateTopicConfigs.
    let configs = [("cleanup.policy", "delete"), ("retention.ms", "-1"), ("segment.bytes", "104857600")];
    for (name, value) in configs {
        let described = describe(&mut client, 2, "__share_group_state", Some(&[name]));
        assert_eq!(described.configs[0].value.as_deref(), Some(value), "{name}");
    }
    assert!(broker.has_partition("__share_group_state", 3) && !broker.has_partition("__share_group_state", 4));
}
