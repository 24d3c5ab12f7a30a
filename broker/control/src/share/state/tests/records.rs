//! Bytes that Apache Kafka 4.3.1 writes (its generated ShareSnapshot* and ShareUpdate* classes, by MessageUtil).

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const SNAPSHOT_KEY: &str = "0000000267310123456789abcdef7edcba987654321000000003";
const UPDATE_KEY: &str = "0001000267310123456789abcdef7edcba987654321000000003";
const SNAPSHOT: &str = "000000000001000000020000000300000000000000640000018bcfe5687b0000018bcfe5687c0300000000000000640000000000\
    00006e02000100000000000000006f00000000000000780000020001000400000005";
const UPDATE: &str = "00000000000100000003ffffffffffffffff020000000000000064000000000000006e0400050000";

fn bytes(hex: &str) -> Bytes {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn snapshot() -> ShareRecord {
    ShareRecord::Snapshot(ShareState {
        snapshot_epoch: 1,
        state_epoch: 2,
        leader_epoch: 3,
        start_offset: 100,
        delivery_complete_count: 5,
        created: Timestamp(1_700_000_000_123),
        written: Timestamp(1_700_000_000_124),
        batches: vec![batch(100, 110, 2, 1), batch(111, 120, 0, 2)],
    })
}

fn update() -> ShareRecord {
    ShareRecord::Update(ShareUpdate {
        snapshot_epoch: 1,
        leader_epoch: 3,
        start_offset: -1,
        delivery_complete_count: -1,
        batches: vec![batch(100, 110, 4, 5)],
    })
}

#[test]
fn records_are_kafkas() {
    let cases = [
        (snapshot(), SNAPSHOT_KEY, Some(SNAPSHOT)),
        (update(), UPDATE_KEY, Some(UPDATE)),
        (ShareRecord::Deleted, SNAPSHOT_KEY, None),
    ];
    for (record, key_hex, value_hex) in cases {
        let event = ShareStateEvent::Recorded { key: key(), record };
        let written = event.record().unwrap();
        assert_eq!(written.key, bytes(key_hex));
        assert_eq!(written.value, value_hex.map(bytes));
        assert_eq!(ShareStateEvent::parse(&written.key, written.value.as_deref()), Ok(Some(event)));
    }
}

#[test]
fn records_of_other_types_are_passed_over_and_damaged_ones_refused() {
    assert_eq!(ShareStateEvent::parse(b"\0\x02", None), Ok(None));
    let (key, value) = (bytes(SNAPSHOT_KEY), bytes(SNAPSHOT));
    assert!(ShareStateEvent::parse(&key, Some(&value[..value.len() - 1])).is_err());
    assert!(ShareStateEvent::parse(&key, Some(b"\0\x01")).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(kind in 0i16..3, value: Vec<u8>, rest: Vec<u8>) {
        let key: Vec<u8> = kind.to_be_bytes().into_iter().chain(rest).collect();
        let _ = ShareStateEvent::parse(&key, Some(&value));
        let _ = ShareStateEvent::parse(&bytes(SNAPSHOT_KEY), Some(&value));
        let _ = ShareStateEvent::parse(&bytes(UPDATE_KEY), Some(&value));
    }
}
