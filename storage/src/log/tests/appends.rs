//! What is taken, what is refused, and what is changed on the way.

use super::*;
use crate::batch::{Batch, TimestampType};

fn refused(config: LogConfig, batch: Bytes) -> AppendError {
    let mut log = new_log(config);
    let error = log.append(batch, as_client()).unwrap_err();
    assert_eq!((log.log_end_offset(), log.size_in_bytes()), (Offset(0), 0), "something was written");
    error
}

/// Changes bytes of a batch and makes its checksum right again.
fn changed(batch: &Bytes, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = batch.to_vec();
    change(&mut bytes);
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

#[test]
fn offsets_count_up_and_the_body_is_untouched() {
    let mut log = new_log(LogConfig::default());
    let sent = plain(&["a", "b"]);
    let first = append(&mut log, sent.clone(), as_client());
    assert_eq!((first.base_offset, first.last_offset), (Offset(0), Offset(1)));
    assert_eq!((first.log_append_time, first.duplicate), (Timestamp::NONE, false));
    let second = append(&mut log, plain(&["c"]), AppendOptions { leader_epoch: LeaderEpoch(5), ..as_client() });
    assert_eq!((second.base_offset, log.log_end_offset()), (Offset(2), Offset(3)));
    let stored = log.read(Offset(0), 10_000, Offset(2), true).unwrap().bytes;
    assert_eq!(stored[16..], sent[16..], "only base offset, length and leader epoch come before byte 16");
    assert_eq!(values(&log, Offset(0)), [(0, "a".into()), (1, "b".into()), (2, "c".into())]);
    assert_eq!(log.epoch_end_offset(LeaderEpoch(0)), (LeaderEpoch(0), Offset(2)));
    assert_eq!(log.epoch_at(Offset(2)), Some(LeaderEpoch(5)));
}

#[test]
fn damaged_batches_are_refused() {
    let good = plain(&["a", "b"]);
    let mut flipped = good.to_vec();
    flipped[70] ^= 1;
    assert!(matches!(refused(LogConfig::default(), flipped.into()), AppendError::CorruptMessage(_)));
    assert!(matches!(refused(LogConfig::default(), good.slice(..70)), AppendError::CorruptMessage(_)));
    let old = changed(&good, |bytes| bytes[16] = 1);
    assert!(matches!(refused(LogConfig::default(), old), AppendError::UnsupportedForMessageFormat(_)));
    let codec = changed(&good, |bytes| bytes[22] = 7);
    assert!(matches!(refused(LogConfig::default(), codec), AppendError::UnsupportedCompressionType(_)));
    assert!(matches!(refused(LogConfig::default(), Bytes::new()), AppendError::InvalidRecord { .. }));
}

#[test]
fn inconsistent_headers_are_refused() {
    let good = plain(&["a", "b"]);
    for change in [
        (60, 1), // one record counted, two there
        (60, 3),
        (60, 0),
        (26, 5),    // last offset delta
        (7, 9),     // base offset is not 0
        (22, 0x20), // control batch of a client
    ] {
        let bad = changed(&good, |bytes| bytes[change.0] = change.1);
        assert!(matches!(refused(LogConfig::default(), bad), AppendError::InvalidRecord { .. }), "{change:?}");
    }
    let two = Bytes::from([good.clone(), good].concat());
    assert!(matches!(refused(LogConfig::default(), two), AppendError::InvalidRecord { .. }));
    let no_sequence = stamped(&["a"], &stamp(1, 0, -1));
    assert!(matches!(refused(LogConfig::default(), no_sequence), AppendError::InvalidRecord { .. }));
}

#[test]
fn sizes_are_limited() {
    let batch = plain(&["a"]);
    let fits = LogConfig { max_message_bytes: batch.len(), ..LogConfig::default() };
    append(&mut new_log(fits.clone()), batch.clone(), as_client());
    let tight = LogConfig { max_message_bytes: batch.len() - 1, ..fits };
    assert!(matches!(refused(tight, batch.clone()), AppendError::MessageTooLarge(_)));
    let short = LogConfig { segment_bytes: batch.len() as u64 - 1, ..LogConfig::default() };
    assert!(matches!(refused(short, batch), AppendError::RecordListTooLarge(_)));
}

#[test]
fn a_compacted_topic_wants_keys() {
    let mut builder = BatchBuilder::new(Compression::Gzip);
    builder.push(NOW, Some(b"k"), None, &[]);
    builder.push(NOW, None, Some(b"v"), &[]);
    builder.push(NOW, Some(b"k"), None, &[]);
    builder.push(NOW, None, Some(b"v"), &[]);
    let config = LogConfig { compact: true, ..LogConfig::default() };
    let error = refused(config, builder.finish(&BatchStamp::default()));
    let AppendError::InvalidRecord { records, .. } = error else { panic!("{error:?}") };
    assert_eq!(records.told.iter().map(|record| record.index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(records.count, 2);
}

#[test]
fn timestamps_have_a_range() {
    let config = LogConfig { timestamp_before_max_ms: 1000, timestamp_after_max_ms: 10, ..LogConfig::default() };
    let mut log = new_log(config.clone());
    for fine in [NOW.0 - 1000, NOW.0 + 10, -1] {
        append(&mut log, at_time(fine, "v"), as_client());
    }
    for wrong in [NOW.0 - 1001, NOW.0 + 11] {
        let error = refused(config.clone(), at_time(wrong, "v"));
        let AppendError::InvalidTimestamp { records, .. } = error else { panic!("{error:?}") };
        assert_eq!((records.told[0].index, records.count), (0, 1));
    }
}

/// Kafka takes such a batch and makes it what the topic says.
#[test]
fn whose_time_a_batch_carries_is_the_topics_word() {
    let mut log = new_log(LogConfig::default());
    append(&mut log, changed(&plain(&["a"]), |bytes| bytes[22] = 0x08), as_client());
    let batch = Batch::parse(log.read(Offset(0), 1000, Offset(1), true).unwrap().bytes).unwrap();
    batch.check_crc().unwrap();
    assert_eq!(batch.header.timestamp_type(), TimestampType::CreateTime);
}

#[test]
fn a_wrong_maximum_timestamp_is_corrected() {
    let mut log = new_log(LogConfig::default());
    let lying = changed(&plain(&["a", "b"]), |bytes| bytes[35..43].copy_from_slice(&5i64.to_be_bytes()));
    append(&mut log, lying, as_client());
    let batch = Batch::parse(log.read(Offset(0), 1000, Offset(2), true).unwrap().bytes).unwrap();
    batch.check_crc().unwrap();
    assert_eq!(batch.header.max_timestamp, NOW.plus_ms(1));
}

#[test]
fn log_append_time_is_the_brokers() {
    let config = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..LogConfig::default() };
    let mut log = new_log(config);
    let outcome = append(&mut log, at_time(5, "old"), as_client());
    assert_eq!(outcome.log_append_time, NOW);
    let batch = Batch::parse(log.read(Offset(0), 1000, Offset(1), true).unwrap().bytes).unwrap();
    batch.check_crc().unwrap();
    assert_eq!(batch.header.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(batch.records().unwrap().iter().next().unwrap().unwrap().timestamp, NOW);
}

#[test]
fn compression_is_converted_only_when_asked_for() {
    for target in Compression::ALL {
        for source in Compression::ALL {
            let mut builder = BatchBuilder::new(source);
            builder.push(NOW, Some(b"k"), Some(b"value"), &[("h", Some(b"x"))]);
            builder.push(NOW.plus_ms(3), None, None, &[("h", None)]);
            let mut log = new_log(LogConfig { compression: Some(target), ..LogConfig::default() });
            append(&mut log, builder.finish(&stamp(7, 1, 4)), as_client());
            let batch = Batch::parse(log.read(Offset(0), 1000, Offset(2), true).unwrap().bytes).unwrap();
            batch.check_crc().unwrap();
            assert_eq!(batch.header.compression().unwrap(), target);
            assert_eq!((batch.header.producer_id, batch.header.base_sequence), (ProducerId(7), Sequence(4)));
            let records = batch.records().unwrap();
            let records: Vec<_> = records.iter().map(Result::unwrap).collect();
            assert_eq!(records[0].value, Some(&b"value"[..]));
            assert_eq!(records[0].headers.iter().next(), Some((&b"h"[..], Some(&b"x"[..]))));
            assert_eq!((records[1].offset, records[1].timestamp), (Offset(1), NOW.plus_ms(3)));
            assert_eq!(records[1].headers.iter().next(), Some((&b"h"[..], None)));
        }
    }
}

#[test]
fn offsets_inside_a_batch_are_made_consecutive() {
    // Both records say delta 0.
    let bad = changed(&plain(&["a", "b"]), |bytes| {
        let second = 61 + (bytes.len() - 61) / 2;
        assert_eq!(bytes[second + 3], 2, "the offset delta of the second record");
        bytes[second + 3] = 0;
    });
    let mut log = new_log(LogConfig::default());
    append(&mut log, bad, as_client());
    assert_eq!(values(&log, Offset(0)), [(0, "a".into()), (1, "b".into())]);
}

#[test]
fn segments_roll_by_size_time_and_index() {
    let size = plain(&["a"]).len() as u64;
    let mut log = new_log(LogConfig { segment_bytes: 2 * size, ..LogConfig::default() });
    for _ in 0..5 {
        append(&mut log, plain(&["a"]), as_client());
    }
    assert_eq!(log.segments.keys().map(|base| base.0).collect::<Vec<_>>(), [0, 2, 4]);

    // By the time of records, not by the clock.
    let mut log = new_log(LogConfig { segment_ms: 100, ..LogConfig::default() });
    for time in [1000, 1100, 1050, 1101, 1150, 1202] {
        append(&mut log, at_time(time, "v"), as_client());
    }
    assert_eq!(log.segments.keys().map(|base| base.0).collect::<Vec<_>>(), [0, 3, 5]);

    // An index of 5 time entries, one of which is kept for the end; the first batch has no entry.
    let config = LogConfig { index_interval_bytes: 1, segment_index_bytes: 60, ..LogConfig::default() };
    let mut log = new_log(config);
    for time in 0..7 {
        append(&mut log, at_time(1000 + time, "v"), as_client());
    }
    assert_eq!(log.segments.keys().map(|base| base.0).collect::<Vec<_>>(), [0, 5]);
}
