//! Fetch without sessions: waiting, limits, epochs.

use std::time::{Duration, Instant};

use kafka_protocol::messages::*;

use crate::support::Broker;
use crate::support::client::Client;
use crate::support::records::{batch, values};
use crate::support::requests::{
    Topic, append, create_topic, delete_records, fetch_in, fetch_partition, fetch_request, produce_in,
};

/// Far longer than a test may take.
const LONG_MS: i32 = 3_600_000;

fn records(response: &FetchResponse) -> usize {
    response.responses.iter().flat_map(|t| &t.partitions).map(|p| values(p.records.clone().unwrap()).len()).sum()
}

#[test]
fn a_waiting_fetch_wakes_when_records_come() {
    let broker = Broker::start();
    let (mut reader, mut writer) = (broker.client(), broker.client());
    let known = create_topic(&mut writer, "known", 1, &[]);
    for version in [4, 12, 18] {
        let end = fetch_in(&mut writer, version, &known, 0, 0).high_watermark;
        let request = fetch_request(version, &known, vec![fetch_partition(0, end)]).with_max_wait_ms(LONG_MS);
        let sent = broker.until_received(|| reader.send(version, &request));
        reader.assert_unanswered();
        append(&mut writer, &known, &batch(&["news"]));
        assert_eq!(records(&reader.receive(sent)), 1);
    }
}

#[test]
fn a_fetch_waits_for_min_bytes() {
    let broker = Broker::start();
    let (mut reader, mut writer) = (broker.client(), broker.client());
    let known = create_topic(&mut writer, "known", 1, &[]);
    let one = batch(&["0123456789"]);
    let wanted = i32::try_from(one.len() * 3).unwrap();
    let request =
        fetch_request(12, &known, vec![fetch_partition(0, 0)]).with_max_wait_ms(LONG_MS).with_min_bytes(wanted);
    let sent = broker.until_received(|| reader.send(12, &request));
    for _ in 0..2 {
        append(&mut writer, &known, &one);
        reader.assert_unanswered();
    }
    append(&mut writer, &known, &one);
    assert_eq!(records(&reader.receive(sent)), 3);
}

#[test]
fn a_fetch_answers_what_there_is_when_its_time_is_up() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &known, &batch(&["one"]));
    let request = fetch_request(12, &known, vec![fetch_partition(0, 0)]).with_max_wait_ms(150).with_min_bytes(1 << 20);
    let begun = Instant::now();
    let response = client.call(12, &request);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert_eq!(records(&response), 1);
}

#[test]
fn an_error_is_answered_at_once() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let mut request = fetch_request(12, &known, vec![fetch_partition(0, 0), fetch_partition(7, 0)]);
    request.max_wait_ms = LONG_MS;
    let response = client.call(12, &request);
    let errors: Vec<i16> = response.responses[0].partitions.iter().map(|p| p.error_code).collect();
    assert_eq!(errors, [0, 3], "UNKNOWN_TOPIC_OR_PARTITION");
    let mut by_id = fetch_request(13, &Topic::unknown(), vec![fetch_partition(0, 0)]);
    by_id.max_wait_ms = LONG_MS;
    let response = client.call(13, &by_id);
    assert_eq!(response.responses[0].partitions[0].error_code, 100, "UNKNOWN_TOPIC_ID");
    assert_eq!(response.responses[0].topic_id, Topic::unknown().id);
}

fn with_three_batches(client: &mut Client) -> (Topic, i32) {
    let known = create_topic(client, "known", 2, &[]);
    let one = batch(&["0123456789"]);
    for partition in [0, 0, 0, 1] {
        let answer = produce_in(client, 13, &known, partition, &one, None);
        assert_eq!(answer.error_code, 0);
    }
    (known, i32::try_from(one.len()).unwrap())
}

#[test]
fn at_least_one_batch_comes_however_small_the_limits() {
    let broker = Broker::start();
    let mut client = broker.client();
    let (known, _) = with_three_batches(&mut client);
    // KIP-74: the first partition that has records gives one batch, the others keep to the limit.
    let small = |partition| fetch_partition(partition, 0).with_partition_max_bytes(1);
    let response = client.call(12, &fetch_request(12, &known, vec![small(0), small(1)]));
    let counts: Vec<usize> =
        response.responses[0].partitions.iter().map(|p| values(p.records.clone().unwrap()).len()).collect();
    assert_eq!(counts, [1, 0]);
    let request = fetch_request(12, &known, vec![fetch_partition(0, 0), fetch_partition(1, 0)]).with_max_bytes(1);
    assert_eq!(records(&client.call(12, &request)), 1);
}

#[test]
fn limits_hold_for_a_partition_and_for_the_answer() {
    let broker = Broker::start();
    let mut client = broker.client();
    let (known, size) = with_three_batches(&mut client);
    let two = fetch_partition(0, 0).with_partition_max_bytes(2 * size);
    let response = client.call(12, &fetch_request(12, &known, vec![two, fetch_partition(1, 0)]));
    let lengths: Vec<usize> =
        response.responses[0].partitions.iter().map(|p| p.records.as_ref().unwrap().len()).collect();
    assert_eq!(lengths, [2 * size as usize, size as usize]);
    let request = fetch_request(12, &known, vec![fetch_partition(0, 0), fetch_partition(1, 0)]);
    assert_eq!(records(&client.call(12, &request.with_max_bytes(3 * size))), 3);
}

#[test]
fn leader_epochs_are_compared() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &known, &batch(&["x"]));
    let mut ask = |believed: i32, last_fetched: i32, offset: i64| {
        let partition =
            fetch_partition(0, offset).with_current_leader_epoch(believed).with_last_fetched_epoch(last_fetched);
        client.call(12, &fetch_request(12, &known, vec![partition])).responses.remove(0).partitions.remove(0)
    };
    assert_eq!(ask(0, -1, 0).error_code, 0);
    assert_eq!(ask(1, -1, 0).error_code, 75, "UNKNOWN_LEADER_EPOCH");
    // The reader's last epoch is ours, and it is not ahead: no divergence.
    assert_eq!(ask(0, 0, 1).diverging_epoch.epoch, -1);
    // Kafka: a reader beyond our end in an epoch that we know must truncate to where that epoch ends.
    let diverging = ask(0, 0, 5);
    assert_eq!(
        (diverging.error_code, diverging.diverging_epoch.epoch, diverging.diverging_epoch.end_offset),
        (0, 0, 1)
    );
}

#[test]
fn a_topic_s_records_can_be_deleted_from_below() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    for n in 0..4 {
        append(&mut client, &known, &batch(&[&n.to_string()]));
    }
    assert_eq!(delete_records(&mut client, &known, 3), (0, 3));
    assert_eq!(delete_records(&mut client, &known, 2), (0, 3), "the start never moves back");
    assert_eq!(delete_records(&mut client, &known, 5), (1, -1), "OFFSET_OUT_OF_RANGE");
    let below = fetch_in(&mut client, 12, &known, 0, 1);
    assert_eq!(below.error_code, 1, "OFFSET_OUT_OF_RANGE");
    let read = fetch_in(&mut client, 12, &known, 0, 3);
    assert_eq!((read.log_start_offset, values(read.records.unwrap())), (3, vec![(3, "3".to_owned())]));
    assert_eq!(delete_records(&mut client, &known, -1), (0, 4), "-1 stands for the high watermark");
}

#[test]
fn old_readers_do_not_get_zstd() {
    let broker = Broker::start();
    let mut client = broker.client();
    let packed = create_topic(&mut client, "packed", 1, &[("compression.type", "zstd")]);
    append(&mut client, &packed, &batch(&["x"]));
    // Kafka: KafkaApis.handleFetchRequest goes by the topic's config; clients know zstd from version 10 on (KIP-110).
    assert_eq!(fetch_in(&mut client, 9, &packed, 0, 0).error_code, 76, "UNSUPPORTED_COMPRESSION_TYPE");
    let read = fetch_in(&mut client, 10, &packed, 0, 0);
    assert_eq!(read.error_code, 0);
    assert_eq!(read.records.unwrap()[22] & 0b111, 4, "the attribute for zstd");
}
