//! ListOffsets and OffsetForLeaderEpoch.

use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::*;

use crate::support::records::{batch_at, now_ms};
use crate::support::requests::{Topic, append, create_topic, list_offset};
use crate::support::{Broker, topic};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;

#[test]
fn first_last_timed_and_largest() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let t = now_ms() - 100_000;
    // Kafka may have out-of-order times within a batch and between batches.
    append(&mut client, &known, &batch_at(&[(t, "0"), (t + 20, "1"), (t + 10, "2")]));
    append(&mut client, &known, &batch_at(&[(t + 30, "3"), (t + 90, "4"), (t + 40, "5")]));
    append(&mut client, &known, &batch_at(&[(t + 50, "6")]));
    let mut ask = |version, timestamp| {
        let answer = list_offset(&mut client, version, &known, timestamp, false);
        assert_eq!(
            answer.leader_epoch,
            if version >= 4 && answer.offset >= 0 { 0 } else { -1 },
            "v{version} {timestamp}"
        );
        (answer.error_code, answer.offset, answer.timestamp)
    };
    for version in 1..=10 {
        assert_eq!(ask(version, LATEST), (0, 7, -1));
        assert_eq!(ask(version, EARLIEST), (0, 0, -1));
        assert_eq!(ask(version, t), (0, 0, t));
        assert_eq!(ask(version, t + 1), (0, 1, t + 20), "the first record at or after the time");
        assert_eq!(ask(version, t + 21), (0, 3, t + 30));
        assert_eq!(ask(version, t + 31), (0, 4, t + 90));
        assert_eq!(ask(version, t + 91), (0, -1, -1), "there is none");
        assert_eq!(ask(version, 0), (0, 0, t));
    }
    for version in 7..=10 {
        assert_eq!(ask(version, MAX_TIMESTAMP), (0, 4, t + 90), "KIP-734");
    }
    assert_eq!(ask(6, MAX_TIMESTAMP).0, 35, "UNSUPPORTED_VERSION");
    assert_eq!(ask(8, -4), (0, 0, -1), "KIP-405: the earliest that is here is the earliest");
    assert_eq!(ask(9, -5), (0, -1, -1), "KIP-1005: nothing is tiered");
}

#[test]
fn an_empty_partition_has_no_largest_time() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    for timestamp in [MAX_TIMESTAMP, 0, now_ms()] {
        let answer = list_offset(&mut client, 7, &known, timestamp, false);
        assert_eq!((answer.error_code, answer.offset, answer.timestamp), (0, -1, -1));
    }
    let answer = list_offset(&mut client, 7, &Topic::unknown(), LATEST, false);
    assert_eq!((answer.error_code, answer.offset), (3, -1), "UNKNOWN_TOPIC_OR_PARTITION");
}

#[test]
fn the_end_of_an_epoch() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &known, &batch_at(&[(now_ms(), "0"), (now_ms(), "1")]));
    let mut ask = |believed: i32, wanted: i32| {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(0)
            .with_current_leader_epoch(believed)
            .with_leader_epoch(wanted);
        let named = OffsetForLeaderTopic::default().with_topic(topic("known")).with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![named]);
        let answer = client.call(4, &request).topics.remove(0).partitions.remove(0);
        (answer.error_code, answer.leader_epoch, answer.end_offset)
    };
    assert_eq!(ask(-1, 0), (0, 0, 2), "the present epoch ends where the log does");
    assert_eq!(ask(0, 0), (0, 0, 2));
    assert_eq!(ask(-1, 7), (0, -1, -1), "an epoch that is not there yet");
    assert_eq!(ask(1, 0), (75, -1, -1), "UNKNOWN_LEADER_EPOCH");
}
