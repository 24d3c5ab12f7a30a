//! Reads by offset and by time.

use super::*;

#[test]
fn reads_begin_at_the_batch_of_the_offset_and_end_at_the_limit() {
    let mut log = new_log(LogConfig { index_interval_bytes: 1, ..LogConfig::default() });
    for pair in [["a", "b"], ["c", "d"], ["e", "f"]] {
        append(&mut log, plain(&pair), as_client());
    }
    let size = plain(&["a", "b"]).len();
    let read = |from, max, up_to, min_one| {
        let bytes = log.read(Offset(from), max, Offset(up_to), min_one).unwrap().bytes;
        batches(bytes).map(|batch| batch.unwrap().header.base_offset.0).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 10_000, 6, false), [0, 2, 4]);
    assert_eq!(read(3, 10_000, 6, false), [2, 4]);
    assert_eq!(read(0, 10_000, 4, false), [0, 2]);
    assert_eq!(read(0, 2 * size, 6, false), [0, 2]);
    assert_eq!(read(0, 2 * size - 1, 6, false), [0]);
    assert_eq!(read(0, 1, 6, false), [0i64; 0]);
    assert_eq!(read(1, 1, 6, true), [0]);
    assert_eq!(read(6, 10_000, 6, true), [0i64; 0]);
    assert_eq!(read(4, 10_000, 3, true), [0i64; 0]);
    let error = log.read(Offset(7), 10, Offset(7), true).unwrap_err();
    assert!(matches!(error, ReadError::OffsetOutOfRange { start: Offset(0), end: Offset(6) }));
    assert!(log.read(Offset(-1), 10, Offset(7), true).is_err());
}

#[test]
fn times_are_found_across_segments() {
    let config = LogConfig { segment_bytes: 160, index_interval_bytes: 1, ..LogConfig::default() };
    let mut log = new_log(config);
    let times = [100, 300, 200, 500, 400, 600, 600];
    for time in times {
        append(&mut log, at_time(time, "v"), as_client());
    }
    assert!(log.segment_count() > 1);
    for target in [0, 100, 101, 200, 250, 300, 301, 450, 500, 501, 600] {
        let expected = times.iter().position(|time| *time >= target).map(|at| (at as i64, times[at]));
        let found = log.offset_for_timestamp(Timestamp(target)).unwrap();
        assert_eq!(found.map(|(offset, time, _)| (offset.0, time.0)), expected, "{target}");
    }
    assert_eq!(log.offset_for_timestamp(Timestamp(601)).unwrap(), None);
    assert_eq!(log.max_timestamp_offset().unwrap(), Some((Offset(5), Timestamp(600), LeaderEpoch(0))));
    log.increment_log_start_offset(Offset(4)).unwrap();
    assert_eq!(log.offset_for_timestamp(Timestamp(0)).unwrap().unwrap().0, Offset(4));
    assert_eq!(new_log(LogConfig::default()).max_timestamp_offset().unwrap(), None);
}

#[test]
fn a_time_is_found_inside_a_compressed_batch() {
    let mut builder = BatchBuilder::new(Compression::Lz4);
    for time in [10, 30, 20] {
        builder.push(Timestamp(time), None, Some(b"v"), &[]);
    }
    let mut log = new_log(LogConfig::default());
    append(&mut log, builder.finish(&BatchStamp::default()), as_client());
    let found = |time| log.offset_for_timestamp(Timestamp(time)).unwrap().map(|(offset, _, _)| offset.0);
    assert_eq!([found(5), found(11), found(30), found(31)], [Some(0), Some(1), Some(1), None]);
    assert_eq!(log.max_timestamp_offset().unwrap().unwrap().0, Offset(1));
}
