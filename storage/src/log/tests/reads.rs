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

/// However the index lies, a read ends where a walk over all batches ends.
#[test]
fn reads_end_where_they_should_whatever_the_index_has() {
    for interval in [1, 200, 1000, 100_000] {
        let mut log = new_log(LogConfig { index_interval_bytes: interval, ..LogConfig::default() });
        // (first offset, end offset, bytes) of each batch.
        let mut written: Vec<(i64, i64, usize)> = Vec::new();
        for at in 0..60usize {
            let values = vec!["x".repeat(at * 37 % 301); 1 + at % 3];
            let batch = plain(&values.iter().map(String::as_str).collect::<Vec<_>>());
            let base = log.log_end_offset().0;
            written.push((base, base + values.len() as i64, batch.len()));
            append(&mut log, batch, as_client());
        }
        let end = log.log_end_offset().0;
        for from in 0..end {
            for up_to in [from, from + 1, from + 7, end - 3, end] {
                for (max, min_one) in [(1, false), (1, true), (700, false), (2500, true), (1_000_000, false)] {
                    let seen = written.iter().skip_while(|batch| batch.1 <= from).take_while(|batch| batch.1 <= up_to);
                    let mut left = max;
                    let expected: Vec<&(i64, i64, usize)> = seen
                        .enumerate()
                        .take_while(|(at, batch)| {
                            let fits = batch.2 <= left || (*at == 0 && min_one);
                            left = left.saturating_sub(batch.2);
                            fits
                        })
                        .map(|(_, batch)| batch)
                        .collect();
                    let read = log.read(Offset(from), max, Offset(up_to), min_one).unwrap();
                    let found: Vec<i64> =
                        batches(read.bytes.clone()).map(|batch| batch.unwrap().header.base_offset.0).collect();
                    let case = format!("interval {interval}, from {from}, up to {up_to}, {max} bytes, {min_one}");
                    assert_eq!(found, expected.iter().map(|batch| batch.0).collect::<Vec<_>>(), "{case}");
                    if let Some(last) = expected.last() {
                        assert_eq!(read.end, Offset(last.1), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_span_ends_with_the_batch_of_its_last_offset() {
    let mut log = new_log(LogConfig { segment_bytes: 200, index_interval_bytes: 1, ..LogConfig::default() });
    for values in [&["a", "b"][..], &["c", "d", "e"], &["f"], &["g", "h"], &["i"]] {
        append(&mut log, plain(values), as_client());
    }
    assert!(log.segment_count() > 1);
    let ends = [2, 2, 5, 5, 5, 6, 8, 8, 9];
    for from in 0..9 {
        for offsets in 1..12 {
            let expected = ends.get(from + offsets - 1).copied().unwrap_or(9);
            assert_eq!(log.end_of_span(Offset(from as i64), offsets as i64).unwrap().0, expected, "{from} {offsets}");
        }
    }
    assert_eq!(log.end_of_span(Offset(3), 0).unwrap(), Offset(5), "never less than a batch");
    assert_eq!(log.end_of_span(Offset(12), 1).unwrap(), Offset(9));
}
