//! Batches against hand-computed bytes, round trips, and hostile input.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::compress::Compression;
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

const ANY_TIME: RecordCheck =
    RecordCheck { require_keys: false, earliest: Timestamp(i64::MIN), latest: Timestamp(i64::MAX) };

#[test]
fn record_bytes_are_those_of_the_format() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(1000), Some(b"k"), Some(b"vv"), &[("h", Some(b"x")), ("n", None)]);
    builder.push(Timestamp(999), None, None, &[]);
    assert_eq!((builder.len(), builder.is_empty()), (2, false));
    let size = builder.size_in_bytes();
    let bytes = builder.finish(&BatchStamp::default());
    assert_eq!(bytes.len(), size);
    // length, attributes, timestamp delta, offset delta, key, value, headers; all numbers zig-zag (n -> 2n, -n -> 2n-1).
    let mut expected =
        vec![0x20, 0, 0, 0, 0x02, b'k', 0x04, b'v', b'v', 0x04, 0x02, b'h', 0x02, b'x', 0x02, b'n', 0x01];
    expected.extend_from_slice(&[0x0c, 0, 0x01, 0x02, 0x01, 0x01, 0x00]);
    assert_eq!(&bytes[HEADER_SIZE..], &expected[..]);
    let header = BatchHeader::parse(&bytes).unwrap();
    assert_eq!((header.base_timestamp, header.max_timestamp), (Timestamp(1000), Timestamp(1000)));
    assert_eq!((header.last_offset_delta, header.record_count), (1, 2));
    assert_eq!(header.producer_id, ProducerId::NONE);
}

#[test]
fn crc_is_castagnoli_over_attributes_and_what_follows() {
    let bytes = ControlRecord { kind: ControlKind::Commit, coordinator_epoch: 7 }.encode(
        ProducerId(5),
        ProducerEpoch(3),
        Timestamp(1),
    );
    // Bit by bit, with the reflected polynomial of CRC-32C.
    let mut crc = !0u32;
    for byte in &bytes[21..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 != 0 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    assert_eq!(BatchHeader::parse(&bytes).unwrap().crc, !crc);
}

#[test]
fn a_marker_is_what_kafka_writes() {
    let bytes = ControlRecord { kind: ControlKind::Abort, coordinator_epoch: 258 }.encode(
        ProducerId(5),
        ProducerEpoch(3),
        Timestamp(77),
    );
    let batch = Batch::parse(bytes).unwrap();
    batch.check_crc().unwrap();
    assert!(batch.header.is_control() && batch.header.is_transactional());
    assert_eq!(batch.header.base_sequence, Sequence::NONE);
    assert_eq!((batch.header.producer_id, batch.header.producer_epoch), (ProducerId(5), ProducerEpoch(3)));
    let records = batch.records().unwrap();
    let record = records.iter().next().unwrap().unwrap();
    assert_eq!(record.key, Some(&[0, 0, 0, 0][..]));
    assert_eq!(record.value, Some(&[0, 0, 0, 0, 1, 2][..]));
    let marker = ControlRecord::decode(record).unwrap();
    assert_eq!(marker, ControlRecord { kind: ControlKind::Abort, coordinator_epoch: 258 });
    // Type 2 is the Raft leader change.
    assert!(ControlRecord::from_key_value(Some(&[0, 0, 0, 2]), Some(&[0; 6])).is_err());
    assert!(ControlRecord::from_key_value(Some(&[0, 0, 0]), None).is_err());
}

#[test]
fn a_flipped_bit_is_found() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(1), None, Some(b"value"), &[]);
    let good = builder.finish(&BatchStamp::default());
    for at in 21..good.len() {
        let mut bad = good.to_vec();
        bad[at] ^= 0x10;
        assert!(matches!(Batch::parse(bad.into()).unwrap().check_crc(), Err(BatchError::Checksum { .. })), "{at}");
    }
}

#[test]
fn the_check_names_the_bad_records() {
    let mut builder = BatchBuilder::new(Compression::Zstd);
    builder.push(Timestamp(5), Some(b"k"), None, &[]);
    builder.push(Timestamp(9), None, None, &[]);
    builder.push(Timestamp(7), None, None, &[]);
    let bytes = builder.finish(&BatchStamp::default());
    let header = BatchHeader::parse(&bytes).unwrap();
    let check = RecordCheck { require_keys: true, earliest: Timestamp(0), latest: Timestamp(6) };
    let found = check_records(&header, &bytes, &check).unwrap();
    assert_eq!(
        found.wrong,
        [(1, Wrong::Keyless), (2, Wrong::Keyless)],
        "a record without a key is not asked for its time"
    );
    assert_eq!((found.wrong_count, found.any_out_of_range), (2, false));
    assert_eq!((found.max_timestamp, found.max_timestamp_delta, found.consecutive), (Timestamp(9), 1, true));
}

#[test]
fn a_wrong_count_is_found_by_both_walks() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(5), None, Some(b"v"), &[]);
    builder.push(Timestamp(5), None, Some(b"v"), &[]);
    let bytes = builder.finish(&BatchStamp::default());
    for count in [1u8, 3] {
        let mut bytes = bytes.to_vec();
        bytes[60] = count;
        let batch = Batch::parse(bytes.into()).unwrap();
        assert!(check_records(&batch.header, &batch.bytes, &ANY_TIME).is_err());
        assert!(batch.records().unwrap().iter().any(|record| record.is_err()));
    }
}

type OwnedRecord = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn some_bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..200))
}

fn some_records() -> impl Strategy<Value = Vec<OwnedRecord>> {
    let headers = prop::collection::vec(("[a-z]{0,5}", some_bytes()), 0..4);
    prop::collection::vec((0i64..1_000_000, some_bytes(), some_bytes(), headers), 1..20)
}

fn build(codec: Compression, records: &[OwnedRecord], stamp: &BatchStamp) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for (time, key, value, headers) in records {
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_str(), v.as_deref())).collect();
        builder.push(Timestamp(*time), key.as_deref(), value.as_deref(), &headers);
    }
    builder.finish(stamp)
}

proptest! {
    #[test]
    fn records_read_back(records in some_records(), codec in 0u8..5, base in 0i64..1_000_000) {
        let stamp = BatchStamp {
            producer_id: ProducerId(4), producer_epoch: ProducerEpoch(2), base_sequence: Sequence(i32::MAX),
            transactional: true, control: false, leader_epoch: LeaderEpoch(6),
        };
        let mut bytes = build(Compression::from_id(codec).unwrap(), &records, &stamp).to_vec();
        bytes[..8].copy_from_slice(&base.to_be_bytes());
        bytes[12..16].copy_from_slice(&8i32.to_be_bytes());
        let batch = Batch::parse(bytes.into()).unwrap();
        batch.check_crc().unwrap();
        prop_assert_eq!(batch.header.leader_epoch, LeaderEpoch(8));
        let decoded = batch.records().unwrap();
        let mut count = 0;
        for (at, (record, expected)) in decoded.iter().zip(&records).enumerate() {
            let record = record.unwrap();
            prop_assert_eq!(record.offset, Offset(base + at as i64));
            prop_assert_eq!(record.timestamp, Timestamp(expected.0));
            prop_assert_eq!(record.key, expected.1.as_deref());
            prop_assert_eq!(record.value, expected.2.as_deref());
            let headers: Vec<_> = record.headers.iter().collect();
            let wanted: Vec<_> = expected.3.iter().map(|(k, v)| (k.as_bytes(), v.as_deref())).collect();
            prop_assert_eq!(headers, wanted);
            count += 1;
        }
        prop_assert_eq!(count, records.len());
        let found = check_records(&batch.header, &batch.bytes, &ANY_TIME).unwrap();
        let latest = records.iter().map(|r| r.0).max().unwrap();
        let first = records.iter().position(|r| r.0 == latest).unwrap();
        prop_assert_eq!((found.max_timestamp, found.max_timestamp_delta), (Timestamp(latest), first as i32));
        prop_assert!(found.consecutive);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), codec in 0u8..8) {
        let mut bytes = bytes;
        if bytes.len() > 61 {
            // Past the cheap checks, into the records.
            bytes[16] = 2;
            let length = (bytes.len() - 12) as i32;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[22] = codec | (bytes[22] & 0xf8);
        }
        for batch in batches(bytes.into()) {
            let Ok(batch) = batch else { continue };
            let _ = batch.check_crc();
            let _ = check_records(&batch.header, &batch.bytes, &ANY_TIME);
            if let Ok(records) = batch.records() {
                for record in records.iter().flatten() {
                    let _ = ControlRecord::decode(record);
                    let _ = record.headers.iter().count();
                }
            }
        }
    }

    #[test]
    fn both_walks_agree(records in some_records(), at in 61usize..2000, bit in 0u8..8) {
        let mut bytes = build(Compression::None, &records, &BatchStamp::default()).to_vec();
        let at = 61 + (at - 61) % (bytes.len() - 61);
        bytes[at] ^= 1 << bit;
        let batch = Batch::parse(bytes.into()).unwrap();
        let checked = check_records(&batch.header, &batch.bytes, &ANY_TIME).is_ok();
        let read = batch.records().unwrap().iter().all(|record| record.is_ok());
        prop_assert_eq!(checked, read);
    }
}
