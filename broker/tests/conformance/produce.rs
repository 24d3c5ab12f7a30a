//! Produce: what is appended is what is read, and what is refused says why.

use bytes::Bytes;

use crate::support::Broker;
use crate::support::records::{Origin, batch, batch_at, batch_of, now_ms, stored, values};
use crate::support::requests::{Topic, append, create_topic, fetch_in, produce_in, produce_request};

#[test]
fn every_version_of_fetch_reads_the_bytes_that_every_version_of_produce_wrote() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "bytes", 1, &[]);
    let mut expected = Vec::new();
    for version in 3..=13 {
        let sent = batch(&[&format!("first of {version}"), "second", ""]);
        let base_offset = i64::from(version - 3) * 3;
        let answer = produce_in(&mut client, version, &known, 0, &sent, None);
        assert_eq!(
            (answer.error_code, answer.base_offset, answer.log_append_time_ms),
            (0, base_offset, -1),
            "v{version}"
        );
        assert_eq!(answer.log_start_offset, if version >= 5 { 0 } else { -1 });
        expected.extend(stored(&sent, base_offset, 0));
    }
    for version in 4..=18 {
        let read = fetch_in(&mut client, version, &known, 0, 0);
        assert_eq!((read.error_code, read.high_watermark, read.last_stable_offset), (0, 33, 33), "v{version}");
        assert_eq!(read.records.as_deref(), Some(&*expected), "v{version}");
        // From the middle of a batch the whole batch comes.
        let read = fetch_in(&mut client, version, &known, 0, 31);
        assert_eq!(values(read.records.unwrap()).first().map(|r| r.0), Some(30), "v{version}");
        // At the end there is nothing, which is no error; behind it there is.
        let read = fetch_in(&mut client, version, &known, 0, 33);
        assert_eq!((read.error_code, read.records), (0, Some(Bytes::new())), "v{version}");
        let read = fetch_in(&mut client, version, &known, 0, 34);
        assert_eq!((read.error_code, read.high_watermark), (1, -1), "v{version}: OFFSET_OUT_OF_RANGE");
    }
}

#[test]
fn unknown_topics_and_partitions() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let mut error = |version, to: &Topic, partition| {
        let answer = produce_in(&mut client, version, to, partition, &batch(&["x"]), None);
        assert_eq!((answer.base_offset, answer.log_append_time_ms), (-1, -1));
        answer.error_code
    };
    assert_eq!(error(12, &Topic::unknown(), 0), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(error(13, &Topic::unknown(), 0), 100, "UNKNOWN_TOPIC_ID");
    assert_eq!(error(12, &known, 1), 3);
    assert_eq!(error(13, &known, 1), 3);
    assert_eq!(error(13, &known, -1), 3);
}

#[test]
fn several_batches_at_once_and_none_at_all_are_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let twice = Bytes::from([batch(&["a"]), batch(&["b"])].concat());
    // Kafka: ProduceRequest.validateRecords.
    assert_eq!(produce_in(&mut client, 9, &known, 0, &twice, None).error_code, 87, "INVALID_RECORD");
    let none = produce_in(&mut client, 9, &known, 0, &Bytes::new(), None);
    assert_eq!(none.error_code, 87, "INVALID_RECORD");
    assert_eq!(fetch_in(&mut client, 12, &known, 0, 0).high_watermark, 0);
}

#[test]
fn damaged_and_old_batches_are_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let good = batch(&["a", "b"]);
    let mut with = |at: usize, byte: u8| {
        let mut bad = good.to_vec();
        bad[at] = byte;
        produce_in(&mut client, 9, &known, 0, &bad.into(), None).error_code
    };
    let last = good.len() - 1;
    assert_eq!(with(last, !good[last]), 2, "CORRUPT_MESSAGE: the checksum");
    // Kafka: ByteBufferLogInputStream knows formats 0 to 2, ProduceRequest.validateRecords takes 2 alone.
    assert_eq!(with(16, 3), 2, "CORRUPT_MESSAGE: a format that is not there yet");
    assert_eq!([with(16, 0), with(16, 1)], [87, 87], "INVALID_RECORD: formats of before Kafka 0.11");
}

#[test]
fn acks_other_than_three_values_are_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    for acks in [2, -2, i16::MAX] {
        let request = produce_request(9, &known, 0, &batch(&["x"]), None).with_acks(acks);
        let response = client.call(9, &request);
        assert_eq!(response.responses[0].partition_responses[0].error_code, 21, "INVALID_REQUIRED_ACKS");
    }
    assert_eq!(fetch_in(&mut client, 12, &known, 0, 0).high_watermark, 0);
}

#[test]
fn the_topic_s_limits_hold() {
    let broker = Broker::start();
    let mut client = broker.client();
    let small = create_topic(&mut client, "small", 1, &[("max.message.bytes", "200")]);
    let fits = batch(&[&"x".repeat(100)]);
    assert!(fits.len() <= 200);
    assert_eq!(append(&mut client, &small, &fits), 0);
    let large = batch(&[&"x".repeat(200)]);
    assert_eq!(produce_in(&mut client, 9, &small, 0, &large, None).error_code, 10, "MESSAGE_TOO_LARGE");

    let compacted = create_topic(&mut client, "compacted", 1, &[("cleanup.policy", "compact")]);
    let keyless = produce_in(&mut client, 9, &compacted, 0, &batch(&["no key"]), None);
    assert_eq!(keyless.error_code, 87, "INVALID_RECORD");
    assert_eq!(keyless.record_errors.iter().map(|e| e.batch_index).collect::<Vec<_>>(), [0]);

    let late = now_ms() + 2 * 3_600_000;
    let known = create_topic(&mut client, "known", 1, &[]);
    let future = produce_in(&mut client, 9, &known, 0, &batch_at(&[(now_ms(), "a"), (late, "b")]), None);
    assert_eq!(future.error_code, 32, "INVALID_TIMESTAMP: more than an hour ahead");
    assert_eq!(future.record_errors.iter().map(|e| e.batch_index).collect::<Vec<_>>(), [1]);
}

#[test]
fn log_append_time_is_the_broker_s() {
    let broker = Broker::start();
    let mut client = broker.client();
    let stamped = create_topic(&mut client, "stamped", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let answer = produce_in(&mut client, 9, &stamped, 0, &batch_at(&[(5, "long ago")]), None);
    assert_eq!(answer.error_code, 0);
    assert!((before..=now_ms()).contains(&answer.log_append_time_ms), "{answer:?}");
    let bytes = fetch_in(&mut client, 12, &stamped, 0, 0).records.unwrap();
    let max_timestamp = i64::from_be_bytes(bytes[35..43].try_into().unwrap());
    assert_eq!(max_timestamp, answer.log_append_time_ms);
    assert_eq!(bytes[22] & 0b1000, 0b1000, "the attribute for LogAppendTime");
}

#[test]
fn internal_topics_are_not_for_clients() {
    let broker = Broker::start();
    let mut client = broker.client();
    crate::support::groups::lone_member(&mut client, "g");
    let offsets = Topic { name: "__consumer_offsets".into(), ..Topic::unknown() };
    assert_eq!(produce_in(&mut client, 9, &offsets, 0, &batch(&["x"]), None).error_code, 17);
}

#[test]
fn a_control_batch_from_a_client_is_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = crate::support::requests::init_producer(&mut client, 5, None);
    let mut bytes = batch_of(Origin { id, epoch, sequence: 0, transactional: false }, &["x"]).to_vec();
    bytes[22] |= 0b10_0000;
    let crc = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let answer = produce_in(&mut client, 9, &known, 0, &bytes.into(), None);
    assert_eq!(answer.error_code, 87, "INVALID_RECORD");
}

/// CRC-32C (Castagnoli), bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 })
    })
}

#[test]
fn old_writers_do_not_send_zstd() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let mut bytes = batch(&["x"]).to_vec();
    bytes[22] |= 4;
    let crc = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let answer = produce_in(&mut client, 6, &known, 0, &bytes.into(), None);
    assert_eq!(answer.error_code, 76, "UNSUPPORTED_COMPRESSION_TYPE");
}
