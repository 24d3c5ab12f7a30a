//! Logs written by [`Log`] in a folder of the real file system, damaged at known bytes.
//!
//! A batch of one record with a value of three bytes has 71: 61 of header, and of the record one each for length, attributes,
//! timestamp, offset, key length, value length and count of headers, and the three of the value.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::batch::{BatchBuilder, BatchStamp, ControlKind, ControlRecord};
use crate::checkpoint::{RECOVERY_POINT_FILE, write_clean_shutdown, write_offset_checkpoint};
use crate::compress::Compression;
use crate::disk::{Disk, RealDisk};
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicPartition};
use crate::log::{AppendOptions, Log, LogConfig, LogOptions, Origin};

const NOW: i64 = 1_700_000_000_000;
const LOG: &str = "00000000000000000000.log";
const INDEX: &str = "00000000000000000000.index";
const TIMES: &str = "00000000000000000000.timeindex";
const ABORTS: &str = "00000000000000000000.txnindex";

/// Files of the operating system.
struct Plain;

impl Files for Plain {
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        Ok((Box::new(file), length))
    }

    fn is_locked(&self, path: &Path) -> bool {
        fs::File::open(path).is_ok_and(|file| file.try_lock_shared().is_err())
    }
}

struct Data(tempfile::TempDir);

impl Data {
    fn new() -> Data {
        Data(tempfile::tempdir().unwrap())
    }

    fn partition(&self) -> PathBuf {
        self.0.path().join("t-0")
    }

    fn open(&self, segment_bytes: u64) -> Log {
        let config = LogConfig { index_interval_bytes: 0, segment_bytes, ..LogConfig::default() };
        Log::open(LogOptions {
            disk: Arc::new(RealDisk),
            dir: self.partition(),
            partition: TopicPartition::new("t", 0),
            topic_id: None,
            config,
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            clean: false,
            now: Timestamp(NOW),
        })
        .unwrap()
    }

    /// Batches of 71 bytes at 0, 71, 142, with timestamps 10 ms apart.
    fn three(segment_bytes: u64) -> Data {
        let data = Data::new();
        let mut log = data.open(segment_bytes);
        for (at, value) in [(0, "one"), (10, "two"), (20, "six")] {
            append(&mut log, batch(value, NOW + at, &BatchStamp::default()), Origin::Client);
        }
        log.close().unwrap();
        data
    }

    /// An aborted transaction of producer 7 at offset 1, its marker at 2.
    fn aborted() -> Data {
        let data = Data::new();
        let mut log = data.open(1_000);
        append(&mut log, batch("one", NOW, &BatchStamp::default()), Origin::Client);
        let producer = (ProducerId(7), ProducerEpoch(0));
        let stamp = BatchStamp {
            producer_id: producer.0,
            producer_epoch: producer.1,
            base_sequence: Sequence(0),
            transactional: true,
            ..BatchStamp::default()
        };
        append(&mut log, batch("two", NOW, &stamp), Origin::Client);
        let marker = ControlRecord { kind: ControlKind::Abort, coordinator_epoch: 3 };
        append(&mut log, marker.encode(producer.0, producer.1, Timestamp(NOW)), Origin::Coordinator);
        log.close().unwrap();
        data
    }

    fn check(&self) -> Report {
        check(&Plain, self.0.path(), &mut |_, _| ()).unwrap()
    }

    /// The findings of the one partition that say something is wrong.
    fn wrong(&self) -> Vec<Finding> {
        let findings = self.check().partitions.remove(0).findings;
        findings.into_iter().filter(|finding| finding.severity != Severity::Note).collect()
    }

    fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.partition().join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    fn close_in_order(&self) {
        write_clean_shutdown(&RealDisk, self.0.path(), -1).unwrap();
    }
}

fn batch(value: &str, time: i64, stamp: &BatchStamp) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(time), None, Some(value.as_bytes()), &[]);
    builder.finish(stamp)
}

fn append(log: &mut Log, bytes: Bytes, origin: Origin) {
    let now = Timestamp(NOW);
    log.append(bytes, AppendOptions { origin, leader_epoch: LeaderEpoch(0), now, verified: true }).unwrap();
}

/// File, position, severity, recovery of one finding.
type Place<'a> = (&'a str, Option<u64>, Severity, Option<Recovery>);

fn place(finding: &Finding) -> Place<'_> {
    (finding.file.to_str().unwrap(), finding.position, finding.severity, finding.recovery)
}

fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_log_as_it_was_written_has_no_findings() {
    let data = Data::three(1_000);
    let before = (content(data.0.path()), content(&data.partition()));
    let mut last = (0, 0);
    let report = check(&Plain, data.0.path(), &mut |done, total| last = (done, total)).unwrap();
    assert_eq!(last, (213, 213));
    assert!(!report.live && !report.clean_shutdown && report.findings.is_empty());
    let expected = PartitionReport {
        name: "t-0".into(),
        segments: 1,
        batches: 3,
        records: 3,
        bytes: 213,
        first_offset: Offset(0),
        end_offset: Offset(3),
        findings: vec![],
    };
    assert_eq!(report.partitions, std::slice::from_ref(&expected));
    assert_eq!(
        check(&Plain, &data.partition(), &mut |_, _| ()).unwrap().partitions,
        [expected],
        "the partition by itself"
    );
    assert_eq!((content(data.0.path()), content(&data.partition())), before, "nothing is written");
}

#[test]
fn entries_are_read_as_they_were_written() {
    let data = Data::three(1_000);
    let read = |file| fs::read(data.partition().join(file)).unwrap();
    let offsets = offset_index(&read(INDEX), Offset(0));
    let entry = |offset, position| OffsetEntry { offset: Offset(offset), position };
    assert_eq!(offsets.entries, [entry(1, 71), entry(2, 142)]);
    let times = time_index(&read(TIMES), Offset(0));
    let entry = |time, offset| TimeEntry { timestamp: Timestamp(time), offset: Offset(offset) };
    assert_eq!(times.entries, [entry(NOW + 10, 1), entry(NOW + 20, 2)]);
    let aborts = abort_index(&fs::read(Data::aborted().partition().join(ABORTS)).unwrap());
    let found = &aborts.entries[0];
    assert_eq!(aborts.entries.len(), 1);
    assert_eq!((found.version, found.aborted.producer_id, found.aborted.first_offset), (0, ProducerId(7), Offset(1)));
    assert_eq!((found.aborted.last_offset, found.aborted.last_stable_offset), (Offset(2), Offset(3)));
}

#[test]
fn zeros_at_the_end_of_an_index_are_room() {
    let mut bytes = [0, 0, 0, 1, 0, 0, 0, 9].to_vec();
    bytes.resize(8 + 16 + 3, 0);
    let index = offset_index(&bytes, Offset(5));
    assert_eq!(index.entries, [OffsetEntry { offset: Offset(6), position: 9 }]);
    assert_eq!((index.unused_bytes, index.ragged_bytes), (16, 3));
}

#[test]
fn a_changed_byte_is_found_where_its_batch_begins() {
    let data = Data::three(1_000);
    data.edit(LOG, |bytes| bytes[71 + 68] ^= 1);
    let wrong = data.wrong();
    assert_eq!(wrong.iter().map(place).collect::<Vec<_>>(), [(LOG, Some(71), Severity::Damage, Some(Recovery::Cut))]);
    assert!(wrong[0].what.contains("offset 1") && wrong[0].what.contains("checksum"), "{}", wrong[0].what);
    data.close_in_order();
    assert_eq!(data.wrong()[0].recovery, Some(Recovery::Kept));
    assert_eq!(data.open(1_000).log_end_offset(), Offset(1), "recovery cuts there");
}

#[test]
fn a_torn_tail_is_named() {
    for (length, what) in [(142 + 30, "cut off: 61 bytes needed, 30 there"), (212, "71 bytes needed, 70 there")] {
        let data = Data::three(1_000);
        data.edit(LOG, |bytes| bytes.truncate(length));
        let wrong = data.wrong();
        let expected = [(LOG, Some(142), Severity::TornTail, Some(Recovery::Cut))];
        assert_eq!(wrong.iter().map(place).collect::<Vec<_>>(), expected);
        assert!(wrong[0].what.contains(what), "{}", wrong[0].what);
        assert_eq!(data.check().partitions[0].end_offset, Offset(2));
    }
    let data = Data::three(1_000);
    data.edit(LOG, |bytes| bytes.resize(313, 0));
    let wrong = data.wrong();
    assert_eq!(
        wrong.iter().map(place).collect::<Vec<_>>(),
        [(LOG, Some(213), Severity::TornTail, Some(Recovery::Cut))]
    );
    assert!(wrong[0].what.contains("zeros in the last 100 bytes"), "{}", wrong[0].what);
    data.edit(LOG, |bytes| bytes[212] ^= 1);
    let places: Vec<_> = data.wrong().iter().map(|finding| (finding.position, finding.severity)).collect();
    assert_eq!(places, [(Some(142), Severity::TornTail), (Some(213), Severity::TornTail)]);
    // The batch at 71 stays whole.
    data.edit(LOG, |bytes| bytes[70] ^= 1);
    let places: Vec<_> = data.wrong().iter().map(|finding| (finding.position, finding.severity)).collect();
    let torn = [(Some(142), Severity::TornTail), (Some(213), Severity::TornTail)];
    assert_eq!(places, [&[(Some(0), Severity::Damage)], &torn[..]].concat());
}

#[test]
fn a_live_folder_may_end_in_an_append_under_way() {
    let data = Data::three(1_000);
    data.edit(LOG, |bytes| bytes.truncate(200));
    let lock = RealDisk.lock(&data.0.path().join(".lock")).unwrap();
    assert!(data.check().live);
    assert_eq!(data.wrong(), []);
    drop(lock);
    assert!(!data.check().live);
    assert_eq!(data.wrong().len(), 1);
}

#[test]
fn offset_index_entries_must_lead_readers_right() {
    let data = Data::three(1_000);
    // The position of the second entry.
    data.edit(INDEX, |bytes| bytes[15] += 1);
    let wrong = data.wrong();
    assert_eq!(
        wrong.iter().map(place).collect::<Vec<_>>(),
        [(INDEX, Some(8), Severity::Damage, Some(Recovery::Rebuilt))]
    );
    assert!(wrong[0].what.contains("points to byte 143"), "{}", wrong[0].what);
    data.edit(INDEX, |bytes| bytes[14] = 9);
    assert!(data.wrong()[0].what.contains("points to byte 2447 of the log, which has 213"), "{:?}", data.wrong());
    let data = Data::three(1_000);
    // The first entry's offset becomes 0, which lies before byte 71.
    data.edit(INDEX, |bytes| bytes[3] = 0);
    let wrong = data.wrong();
    assert_eq!((wrong.len(), wrong[0].position), (1, Some(0)));
    assert!(wrong[0].what.contains("hides"), "{}", wrong[0].what);
    // Both entries are for offset 1.
    data.edit(INDEX, |bytes| (bytes[3], bytes[11]) = (1, 1));
    assert!(data.wrong().iter().any(|f| f.position == Some(8) && f.what.contains("do not ascend")));
}

#[test]
fn time_index_entries_must_agree_with_the_batches() {
    let data = Data::three(1_000);
    // The lowest byte of the first timestamp: NOW + 10 becomes NOW + 9, then NOW.
    data.edit(TIMES, |bytes| bytes[7] -= 1);
    let wrong = data.wrong();
    assert_eq!((wrong.len(), place(&wrong[0])), (1, (TIMES, Some(0), Severity::Damage, Some(Recovery::Rebuilt))));
    let what = format!("timestamp {} is reached at offset 1, but the batch there has {}", NOW + 9, NOW + 10);
    assert!(wrong[0].what.contains(&what), "{}", wrong[0].what);
    data.edit(TIMES, |bytes| bytes[7] -= 9);
    assert!(data.wrong()[0].what.contains("hides"), "{:?}", data.wrong());
    let data = Data::three(1_000);
    data.edit(TIMES, |bytes| bytes[23] = 8);
    assert!(data.wrong()[0].what.contains("offset 8, which lies beyond"), "{:?}", data.wrong());
}

#[test]
fn transaction_index_must_have_what_markers_abort() {
    let data = Data::aborted();
    assert_eq!(data.check().partitions[0].findings, []);
    // The lowest byte of the producer id.
    data.edit(ABORTS, |bytes| bytes[9] = 8);
    let wrong = data.wrong();
    assert_eq!((wrong[0].position, wrong[0].severity), (Some(0), Severity::Damage));
    assert!(wrong[0].what.contains("no marker at offset 2 aborts a transaction of producer 8"), "{}", wrong[0].what);
    // The lowest byte of the first offset: one too late.
    data.edit(ABORTS, |bytes| (bytes[9], bytes[17]) = (7, 2));
    assert!(data.wrong()[0].what.contains("began at offset 2, but it did at 1"), "{:?}", data.wrong());
    fs::remove_file(data.partition().join(ABORTS)).unwrap();
    assert_eq!(data.wrong(), [], "a crash may take it, recovery makes it anew");
    data.close_in_order();
    let wrong = data.wrong();
    assert_eq!(place(&wrong[0]), (ABORTS, None, Severity::Damage, Some(Recovery::Kept)));
    assert!(wrong[0].what.contains("producer 7 from offset 1, which the marker at offset 2"), "{}", wrong[0].what);
}

#[test]
fn recovery_takes_later_segments_and_keeps_off_earlier_ones() {
    let data = Data::three(100);
    let report = data.check().partitions.remove(0);
    assert_eq!((report.segments, report.findings), (3, vec![]));
    data.edit(LOG, |bytes| bytes[70] ^= 1);
    let wrong = data.wrong();
    assert_eq!(place(&wrong[0]), (LOG, Some(0), Severity::Damage, Some(Recovery::Cut)));
    assert!(wrong[0].what.ends_with("2 later segments would go with it"), "{}", wrong[0].what);
    // At the very start of a segment the one before it is read again, at the start of the one after that it is not.
    for (point, becomes) in [(1, Recovery::Cut), (2, Recovery::Kept)] {
        let points = BTreeMap::from([(TopicPartition::new("t", 0), Offset(point))]);
        write_offset_checkpoint(&RealDisk, &data.0.path().join(RECOVERY_POINT_FILE), &points).unwrap();
        assert_eq!(place(&data.wrong()[0]), (LOG, Some(0), Severity::Damage, Some(becomes)));
    }
}

#[test]
fn segments_must_follow_each_other() {
    let data = Data::three(100);
    fs::remove_file(data.partition().join("00000000000000000001.log")).unwrap();
    let gap = || {
        let found = data.check().partitions.remove(0).findings;
        found.into_iter().find(|finding| finding.what.contains("offsets 1 to 1 are in no segment")).unwrap()
    };
    assert_eq!(place(&gap()), ("00000000000000000002.log", None, Severity::Damage, Some(Recovery::Cut)));
    let points = BTreeMap::from([(TopicPartition::new("t", 0), Offset(2))]);
    write_offset_checkpoint(&RealDisk, &data.0.path().join(RECOVERY_POINT_FILE), &points).unwrap();
    assert_eq!(gap().severity, Severity::Note, "below the recovery point, compaction did it");
    let two = fs::read(data.partition().join(LOG)).unwrap();
    fs::write(data.partition().join("00000000000000000001.log"), two).unwrap();
    assert!(data.wrong()[0].what.contains("offsets go back"), "a batch of offset 0 in segment 1: {:?}", data.wrong());
}

#[test]
fn a_recovery_point_beyond_the_end_means_lost_records() {
    let data = Data::three(1_000);
    let points = BTreeMap::from([(TopicPartition::new("t", 0), Offset(4))]);
    write_offset_checkpoint(&RealDisk, &data.0.path().join(RECOVERY_POINT_FILE), &points).unwrap();
    let findings = data.check().findings;
    assert_eq!((findings.len(), findings[0].severity), (1, Severity::Damage));
    assert!(findings[0].what.contains("up to offset 4, but the log ends at 3"), "{}", findings[0].what);
}

#[test]
fn the_small_files_are_looked_at() {
    let data = Data::aborted();
    fs::write(data.0.path().join(RECOVERY_POINT_FILE), "7\n").unwrap();
    assert_eq!(data.check().findings.len(), 1);
    for file in ["00000000000000000003.snapshot", "leader-epoch-checkpoint"] {
        assert!(data.partition().join(file).exists(), "{file}");
        data.edit(file, |bytes| bytes[0] = b'9');
        assert!(data.wrong().iter().any(|finding| finding.file.to_str() == Some(file)), "{file}");
    }
    fs::write(data.partition().join("partition.metadata"), "x").unwrap();
    assert!(data.wrong().iter().any(|finding| finding.file.to_str() == Some("partition.metadata")));
}

#[test]
fn a_compacted_log_is_as_it_was_written() {
    let data = Data::new();
    let mut log = data.open(400);
    log.update_config(LogConfig { compact: true, index_interval_bytes: 0, segment_bytes: 400, ..LogConfig::default() });
    for at in 0..40_u8 {
        let mut builder = BatchBuilder::new(Compression::None);
        for key in [at % 3, at % 7] {
            builder.push(Timestamp(NOW + i64::from(at)), Some(&[key]), Some(b"value"), &[]);
        }
        append(&mut log, builder.finish(&BatchStamp::default()), Origin::Client);
    }
    log.roll(Timestamp(NOW)).unwrap();
    log.set_high_watermark(log.log_end_offset());
    let before = data.check().partitions.remove(0).records;
    let task = log.begin_clean(Timestamp(NOW), 1 << 20).unwrap().unwrap();
    log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap();
    log.close().unwrap();
    let report = data.check().partitions.remove(0);
    assert!(before == 80 && report.records < 20, "{before} {}", report.records);
    let wrong: Vec<_> = report.findings.iter().filter(|finding| finding.severity != Severity::Note).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_snapshot_has_what_the_producer_did() {
    let data = Data::aborted();
    let bytes = fs::read(data.partition().join("00000000000000000003.snapshot")).unwrap();
    let expected = SnapshotEntry {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        last_sequence: Sequence(0),
        last_offset: Some(Offset(1)),
        offset_delta: 0,
        last_timestamp: Timestamp(NOW),
        coordinator_epoch: 3,
        current_txn_first_offset: None,
    };
    assert_eq!(snapshot(&bytes).unwrap(), [expected]);
}

#[test]
fn what_holds_no_logs_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path(), &dir.path().join("none")] {
        assert!(check(&Plain, path, &mut |_, _| ()).unwrap_err().is_not_found(), "{}", path.display());
    }
}

#[test]
fn many_findings_of_a_file_are_counted() {
    let data = Data::three(1_000);
    data.edit(INDEX, |bytes| *bytes = [0, 0, 0, 1, 0, 0, 0, 5].repeat(100));
    let found = data.check().partitions.remove(0).findings;
    // 99 entries do not ascend and 100 point into a batch; 20 are told.
    assert_eq!((found.len(), found[20].what.as_str()), (21, "and 179 more in this file"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_as_any_file_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let partition = dir.path().join("t-0");
        fs::create_dir(&partition).unwrap();
        let mut log = bytes.clone();
        if let (true, Some(at)) = (magic, log.get_mut(16)) {
            // Lets the header through, and sometimes the length.
            *at = 2;
            log[8..10].fill(0);
        }
        for base in [LOG, "00000000000000000003.log", "09223372036854775807.log"] {
            for suffix in [".log", ".index", ".timeindex", ".txnindex", ".snapshot"] {
                fs::write(partition.join(base.replace(".log", suffix)), if suffix == ".log" { &log } else { &bytes }).unwrap();
            }
        }
        for name in ["leader-epoch-checkpoint", "partition.metadata"] {
            fs::write(partition.join(name), &bytes).unwrap();
        }
        for name in ["meta.properties", RECOVERY_POINT_FILE, ".kafka_cleanshutdown"] {
            fs::write(dir.path().join(name), &bytes).unwrap();
        }
        let _ = check(&Plain, dir.path(), &mut |_, _| ()).unwrap();
        let _ = Scan::new(&log[..], log.len() as u64 + 1).count();
    }

    #[test]
    fn a_changed_byte_is_found_where_recovery_cuts(at in 0usize..213, bit in 0u8..8) {
        let data = Data::three(1_000);
        data.edit(LOG, |bytes| bytes[at] ^= 1 << bit);
        let found = data.check().partitions.remove(0).findings;
        let cut = found.iter().find(|finding| finding.recovery == Some(Recovery::Cut)).and_then(|finding| finding.position);
        data.open(1_000).close().unwrap();
        let length = fs::metadata(data.partition().join(LOG)).unwrap().len();
        prop_assert_eq!(cut.unwrap_or(213), length);
    }
}
