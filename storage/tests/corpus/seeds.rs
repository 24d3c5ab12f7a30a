//! Real files as the first inputs of the fuzzers: what a log writes, whole and damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::batch::{BatchBuilder, BatchStamp, ControlKind, ControlRecord};
use forebay_storage::compress::Compression;
use forebay_storage::disk::MemoryDisk;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use forebay_storage::log::{AppendOptions, Log, LogConfig, LogOptions, Origin};

use crate::targets::tree::{Contents, Tree};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const HEADER: usize = 61;

/// Target, name, input.
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for codec in Compression::ALL {
        let batch = batch(codec, 5, &BatchStamp::default());
        seeds.push(("batch", codec.name().to_owned(), prefixed(&[1], &batch)));
        seeds.push(("records", codec.name().to_owned(), prefixed(&[codec.id(), 5], &batch[HEADER..])));
    }
    let mut three = [1].to_vec();
    (0..3).for_each(|count| three.extend_from_slice(&batch(Compression::None, count + 1, &producer(count))));
    seeds.push(("batch", "three".into(), three));
    seeds.push(("batch", "transactional".into(), prefixed(&[1], &batch(Compression::None, 2, &transactional(0)))));
    seeds.push(("batch", "marker".into(), prefixed(&[1], &marker(ControlKind::Abort))));
    seeds.push(("batch", "compacted".into(), prefixed(&[3], &batch(Compression::None, 2, &BatchStamp::default()))));
    let folders = folders();
    for (suffix, how) in [(".index", 9u8), (".timeindex", 10), (".txnindex", 12), (".snapshot", 1)] {
        let target = if suffix == ".snapshot" { "snapshot" } else { "indexes" };
        let contents = folders
            .iter()
            .flat_map(|tree| &tree.files)
            .filter(|(name, content)| name.ends_with(suffix) && !content.is_empty());
        for (at, (_, content)) in contents.enumerate().take(4) {
            let name = format!("{}-{at}", &suffix[1..]);
            seeds.push((target, name.clone(), prefixed(&[how], content)));
            seeds.push((target, format!("{name}-b"), prefixed(&[how ^ 10], content)));
        }
    }
    for (name, text) in TEXTS {
        seeds.push(("checkpoints", (*name).to_owned(), text.as_bytes().to_vec()));
    }
    for (at, tree) in folders.iter().enumerate() {
        seeds.push(("folder", format!("{at:02}"), tree.encode()));
        seeds.push(("inspect", format!("{at:02}"), tree.encode()));
    }
    seeds
}

const TEXTS: &[(&str, &str)] = &[
    ("recovery", "0\n2\nclicks 0 12\n__consumer_offsets 49 9223372036854775807\n"),
    ("epochs", "0\n3\n0 0\n2 7\n5 40\n"),
    (
        "meta",
        "#\n#Sat Nov 21 10:00:00 UTC 2026\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\nversion=1\ncluster.id=abc\n",
    ),
    ("metadata", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"),
    ("empty", "0\n0\n"),
    ("negative", "0\n1\nt -1 -9\n"),
];

fn prefixed(prefix: &[u8], bytes: &[u8]) -> Vec<u8> {
    [prefix, bytes].concat()
}

fn batch(codec: Compression, count: i32, stamp: &BatchStamp) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for number in 0..count {
        let key = format!("key {number}");
        let value = "again and again ".repeat(3);
        let headers: &[(&str, Option<&[u8]>)] = if number == 1 { &[("h", Some(b"v")), ("null", None)] } else { &[] };
        let value = (number != 2).then_some(value.as_bytes());
        builder.push(NOW.plus_ms(number.into()), Some(key.as_bytes()), value, headers);
    }
    builder.finish(stamp)
}

fn producer(sequence: i32) -> BatchStamp {
    BatchStamp {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: Sequence(sequence),
        ..BatchStamp::default()
    }
}

fn transactional(sequence: i32) -> BatchStamp {
    BatchStamp { transactional: true, ..producer(sequence) }
}

fn marker(kind: ControlKind) -> Bytes {
    ControlRecord { kind, coordinator_epoch: 0 }.encode(ProducerId(7), ProducerEpoch(0), NOW)
}

fn append(log: &mut Log, bytes: Bytes, origin: Origin) {
    let options = AppendOptions { origin, leader_epoch: LeaderEpoch(0), now: NOW, verified: true };
    log.append(bytes, options).unwrap();
    log.set_high_watermark(log.log_end_offset());
}

/// A log with each of these batches, in one segment or each in its own.
fn written(one_segment: bool, compact: bool, batches: Vec<(Bytes, Origin)>) -> Contents {
    let (disk, dir) = (MemoryDisk::new(), PathBuf::from("/t-0"));
    let options = |disk: &MemoryDisk| LogOptions {
        disk: Arc::new(disk.clone()),
        dir: dir.clone(),
        partition: forebay_storage::ids::TopicPartition::new("t", 0),
        topic_id: Some("AAAAAAAAAAAAAAAAAAAAAQ".parse().unwrap()),
        config: LogConfig {
            segment_bytes: if one_segment { 10_000 } else { 200 },
            index_interval_bytes: 0,
            compact,
            delete: !compact,
            ..LogConfig::default()
        },
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        clean: false,
        now: NOW,
    };
    let mut log = Log::open(options(&disk)).unwrap();
    for (batch, origin) in batches {
        append(&mut log, batch, origin);
    }
    if compact {
        log.roll(NOW).unwrap();
        log.flush().unwrap();
        let task = log.begin_clean(NOW, 1 << 16).unwrap().unwrap();
        let cleaned = task.run(&mut |_| ()).unwrap();
        log.finish_clean(cleaned).unwrap();
    }
    log.close().unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    disk.files().iter().map(|(path, content)| (name(path), content.clone())).collect()
}

fn one(value: &str, stamp: &BatchStamp) -> (Bytes, Origin) {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(NOW, Some(b"key"), Some(value.as_bytes()), &[]);
    (builder.finish(stamp), Origin::Client)
}

/// Folders of logs: in order, rolled, with transactions, compacted, and as crashes leave them.
pub fn folders() -> Vec<Tree> {
    let tree = |files: Contents| Tree { clean: false, compact: false, recovery_point: 0, log_start: 0, files };
    let plain = || (0..4).map(|at| one(&format!("value {at} {}", "x".repeat(60)), &BatchStamp::default())).collect();
    let transaction = || {
        let abort = (marker(ControlKind::Abort), Origin::Coordinator);
        let commit = (marker(ControlKind::Commit), Origin::Coordinator);
        vec![one("a", &transactional(0)), abort, one("b", &transactional(1)), commit, one("c", &transactional(2))]
    };
    let rolled = || written(false, false, plain());
    let mut folders = vec![
        Tree { clean: true, recovery_point: 4, ..tree(written(true, false, plain())) },
        tree(written(true, false, plain())),
        Tree { clean: true, recovery_point: 4, ..tree(rolled()) },
        Tree { recovery_point: 2, ..tree(rolled()) },
        tree(rolled()),
        tree(written(true, false, transaction())),
        Tree { clean: true, ..tree(written(false, false, transaction())) },
        Tree { compact: true, recovery_point: 4, ..tree(written(true, true, plain())) },
        Tree { clean: true, compact: true, recovery_point: 4, log_start: 1, ..tree(written(true, true, plain())) },
    ];
    let codecs = Compression::ALL.map(|codec| (batch(codec, 1, &BatchStamp::default()), Origin::Client));
    folders.push(tree(written(true, false, codecs.to_vec())));
    folders.extend(damaged(&rolled()).map(tree));
    folders
}

/// The last log cut, an index lost, a segment lost, a compaction that was interrupted before and after its promise.
fn damaged(files: &[(String, Vec<u8>)]) -> impl Iterator<Item = Contents> {
    let log = |at: u8| format!("{at:020}.log");
    let edit = |change: &dyn Fn(&mut Contents)| {
        let mut copy = files.to_vec();
        change(&mut copy);
        copy
    };
    let content =
        |files: &[(String, Vec<u8>)], name: &str| files.iter().find(|(found, _)| found == name).unwrap().1.clone();
    [
        edit(&|files| files.iter_mut().filter(|(name, _)| *name == log(3)).for_each(|(_, bytes)| bytes.truncate(80))),
        edit(&|files| files.retain(|(name, _)| !name.ends_with("1.index"))),
        edit(&|files| files.retain(|(name, _)| *name != log(1))),
        edit(&|files| {
            let all = [log(0), log(1)].map(|name| content(files, &name)).concat();
            files.push((format!("{}.swap", log(0)), all));
        }),
        edit(&|files| {
            let zero = content(files, &log(0));
            files.push((format!("{}.cleaned", log(0)), zero));
        }),
    ]
    .into_iter()
}
