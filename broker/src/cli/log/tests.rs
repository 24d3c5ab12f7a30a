//! The commands on files that [`Log`] wrote, whole and damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use forebay_control::group::records::{OffsetCommitKey, OffsetCommitValue};
use forebay_control::metadata::Event;
use forebay_control::metadata::record::TopicRecord;
use forebay_control::transaction::record::{encode_key, encode_value};
use forebay_control::transaction::{TransactionEntry, TransactionState};
use forebay_storage::batch::{BatchBuilder, BatchStamp, ControlKind, ControlRecord};
use forebay_storage::checkpoint::{MetaProperties, RECOVERY_POINT_FILE, write_offset_checkpoint};
use forebay_storage::compress::Compression;
use forebay_storage::disk::RealDisk;
use forebay_storage::ids::{
    BrokerId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId, TopicPartition,
};
use forebay_storage::log::{AppendOptions, Log, LogConfig, LogOptions, Origin};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::cli::exit::{CliError, Exit};

const NOW: i64 = 1_700_000_000_000;
const LOG: &str = "00000000000000000000.log";

type Header<'a> = (&'a str, Option<&'a [u8]>);

struct Data(tempfile::TempDir);

impl Data {
    fn new() -> Data {
        Data(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes batches to a partition and closes it.
    fn write(&self, partition: TopicPartition, batches: Vec<(Bytes, Origin)>) -> PathBuf {
        let dir = self.path(&partition.to_string());
        let mut log = Log::open(LogOptions {
            disk: Arc::new(RealDisk),
            dir: dir.clone(),
            partition,
            topic_id: Some(TopicId(Uuid::from_u128(1))),
            config: LogConfig { index_interval_bytes: 0, ..LogConfig::default() },
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            clean: false,
            now: Timestamp(NOW),
        })
        .unwrap();
        for (bytes, origin) in batches {
            let options = AppendOptions { origin, leader_epoch: LeaderEpoch(4), now: Timestamp(NOW), verified: true };
            log.append(bytes, options).unwrap();
        }
        log.close().unwrap();
        dir
    }

    /// A plain batch, a transactional one of producer 7, and the marker that aborts it.
    fn mixed(&self) -> PathBuf {
        let headers: [Header<'_>; 2] = [("h", Some(b"v")), ("n", None)];
        let plain = batch(&BatchStamp::default(), NOW, Some(b"k"), Some(&[0xff, 0x00]), &headers);
        let producer = (ProducerId(7), ProducerEpoch(2));
        let stamp = BatchStamp {
            producer_id: producer.0,
            producer_epoch: producer.1,
            base_sequence: Sequence(0),
            transactional: true,
            ..BatchStamp::default()
        };
        let doomed = batch(&stamp, NOW + 5, None, Some(b"doomed\x1b"), &[]);
        let marker = ControlRecord { kind: ControlKind::Abort, coordinator_epoch: 3 };
        let marker = marker.encode(producer.0, producer.1, Timestamp(NOW + 9));
        let batches = vec![(plain, Origin::Client), (doomed, Origin::Client), (marker, Origin::Coordinator)];
        self.write(TopicPartition::new("t", 0), batches)
    }
}

fn batch(stamp: &BatchStamp, time: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(time), key, value, headers);
    builder.finish(stamp)
}

fn print(path: &Path, records: bool, format: Format) -> (String, CliResult) {
    let mut out = Vec::new();
    let result = dump::dump(path, records, format, &mut out);
    (String::from_utf8(out).unwrap(), result)
}

fn json_of(path: &Path) -> Value {
    let (text, result) = print(path, true, Format::Json);
    result.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn entries(path: &Path) -> Value {
    json_of(path)["entries"].clone()
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: LogArgs,
}

fn run_line(words: &[&str]) -> CliResult {
    run(&Line::try_parse_from(["log"].iter().chain(words).copied()).unwrap().args)
}

fn exit(words: &[&str]) -> Exit {
    run_line(words).unwrap_err().exit
}

#[test]
fn a_log_as_json_has_all_that_was_appended() {
    let data = Data::new();
    let shown = json_of(&data.mixed().join(LOG));
    assert_eq!((&shown["file"], &shown["kind"], &shown["broken"]), (&json!(LOG), &json!("log"), &Value::Null));
    // A header of 61 bytes; in the record, one byte each for length, attributes, timestamp, offset, the lengths of key and value,
    // and the count of headers, and then the content: key 1, value 2, headers (1 + 1 + 1 + 1) + (1 + 1 + 1).
    let first = &shown["batches"][0];
    assert_eq!((&first["position"], &first["size_bytes"]), (&json!(0), &json!(61 + 7 + 3 + 7)));
    assert_eq!(
        (&first["base_offset"], &first["last_offset"], &first["record_count"]),
        (&json!(0), &json!(0), &json!(1))
    );
    assert_eq!((&first["leader_epoch"], &first["crc_ok"], &first["codec"]), (&json!(4), &json!(true), &json!("none")));
    let record = json!({
        "offset": 0, "timestamp_ms": NOW, "key": "k", "value": null, "value_hex": "ff00",
        "headers": [{ "key": "h", "value": "v" }, { "key": "n", "value": null }],
    });
    assert_eq!(first["records"], json!([record]));
    let second = &shown["batches"][1];
    assert_eq!(
        (&second["position"], &second["producer_id"], &second["producer_epoch"]),
        (&json!(78), &json!(7), &json!(2))
    );
    assert_eq!(
        (&second["transactional"], &second["control"], &second["last_sequence"]),
        (&json!(true), &json!(false), &json!(0))
    );
    let third = &shown["batches"][2];
    assert_eq!((&third["base_offset"], &third["control"]), (&json!(2), &json!(true)));
    assert_eq!(third["records"][0]["kind"], "abort");
    assert_eq!(third["records"][0]["decoded"], json!({ "coordinator_epoch": 3 }));
}

#[test]
fn a_log_as_a_table_has_a_line_for_each_batch_and_record() {
    let data = Data::new();
    let path = data.mixed().join(LOG);
    let (text, result) = print(&path, true, Format::Table);
    result.unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["0", "78", "0-0", "1", "none", "2023-11-14T22:13:20.000Z", "4", "ok"]);
    assert_eq!(lines[2].join(" "), "0 2023-11-14T22:13:20.000Z key k value 0xff00 header h=v header n=null");
    assert_eq!(lines[3][7..].join(" "), "ok 7 epoch 2 sequence 0-0, transactional");
    assert_eq!(lines[4][2..].join(" "), "key null value doomed\\u{1b}");
    assert_eq!(lines[6][2..].join(" "), "abort marker coordinator_epoch=3");
    assert_eq!(print(&path, false, Format::Table).0.lines().count(), 1 + 3 + 1);
}

#[test]
fn damage_in_a_log_is_told_and_the_rest_is_printed() {
    let data = Data::new();
    let path = data.mixed().join(LOG);
    let mut bytes = fs::read(&path).unwrap();
    bytes[77] ^= 1;
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let (text, result) = print(&path, true, Format::Json);
    assert_eq!(result.unwrap_err().exit, Exit::Failed);
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["batches"].as_array().unwrap().len(), 2);
    assert_eq!((&shown["batches"][0]["crc_ok"], &shown["batches"][1]["crc_ok"]), (&json!(false), &json!(true)));
    // 78 bytes, and 61 + 7 + 7 of the second batch.
    assert_eq!(shown["broken_position"], 153);
    let (text, _) = print(&path, false, Format::Table);
    assert!(text.contains("BAD") && text.contains("153         no batch: the batch is cut off"), "{text}");
}

#[test]
fn indexes_and_snapshots_have_what_the_log_noted() {
    let data = Data::new();
    let dir = data.mixed();
    let file = |suffix: &str| dir.join(LOG.replace(".log", suffix));
    assert_eq!(entries(&file(".index")), json!([{ "offset": 1, "position": 78 }, { "offset": 2, "position": 153 }]));
    let times = json!([{ "offset": 1, "timestamp_ms": NOW + 5 }, { "offset": 2, "timestamp_ms": NOW + 9 }]);
    assert_eq!(entries(&file(".timeindex")), times);
    let aborted = json!([
        { "version": 0, "producer_id": 7, "first_offset": 1, "last_offset": 2, "last_stable_offset": 3 },
    ]);
    assert_eq!(entries(&file(".txnindex")), aborted);
    let producer = json!([{
        "producer_id": 7, "producer_epoch": 2, "last_sequence": 0, "last_offset": 1, "offset_delta": 0,
        "last_timestamp_ms": NOW + 9, "coordinator_epoch": 3, "current_txn_first_offset": null,
    }]);
    assert_eq!(entries(&dir.join("00000000000000000003.snapshot")), producer);
    let (table, result) = print(&file(".timeindex"), false, Format::Table);
    result.unwrap();
    assert_eq!(table.lines().nth(1).unwrap(), "1       2023-11-14T22:13:20.005Z");
    assert!(table.starts_with("OFFSET  TIMESTAMP"), "{table}");
}

#[test]
fn the_small_files_are_printed() {
    let data = Data::new();
    let dir = data.mixed();
    assert_eq!(entries(&dir.join("leader-epoch-checkpoint")), json!([{ "epoch": 4, "start_offset": 0 }]));
    assert_eq!(entries(&dir.join("partition.metadata")), json!([{ "topic_id": "AAAAAAAAAAAAAAAAAAAAAQ" }]));
    let points = BTreeMap::from([(TopicPartition::new("t", 0), Offset(3))]);
    write_offset_checkpoint(&RealDisk, &data.path(RECOVERY_POINT_FILE), &points).unwrap();
    assert_eq!(entries(&data.path(RECOVERY_POINT_FILE)), json!([{ "topic": "t", "partition": 0, "offset": 3 }]));
    let properties = MetaProperties { cluster_id: "c".into(), node_id: BrokerId(9), directory_id: None };
    properties.write(&RealDisk, data.0.path()).unwrap();
    let expected = json!([{ "cluster_id": "c", "node_id": 9, "directory_id": null }]);
    assert_eq!(entries(&data.path("meta.properties")), expected);
}

#[test]
fn internal_topics_are_told_in_words() {
    let data = Data::new();
    let first = |topic: &str, key: Option<&[u8]>, value: Option<&[u8]>| {
        let batch = batch(&BatchStamp::default(), NOW, key, value, &[]);
        let dir = data.write(TopicPartition::new(topic, 0), vec![(batch, Origin::Coordinator)]);
        json_of(&dir.join(LOG))["batches"][0]["records"][0].clone()
    };
    let key = OffsetCommitKey { group_id: "g".into(), partition: TopicPartition::new("t", 5) };
    let value = OffsetCommitValue {
        offset: Offset(42),
        leader_epoch: LeaderEpoch(1),
        metadata: "note".into(),
        commit_timestamp: Timestamp(NOW),
        expire_timestamp: None,
        topic_id: TopicId::ZERO,
    };
    let record = first("__consumer_offsets", Some(&key.encode()), Some(&value.encode()));
    assert_eq!(record["kind"], "offset_commit");
    let decoded = &record["decoded"];
    assert_eq!((&decoded["group"], &decoded["topic"], &decoded["partition"]), (&json!("g"), &json!("t"), &json!(5)));
    assert_eq!((&decoded["offset"], &decoded["metadata"]), (&json!(42), &json!("note")));
    let mut entry = TransactionEntry::new("tx".to_owned(), ProducerId(7), 60_000, Timestamp(NOW));
    entry.state = TransactionState::Ongoing;
    entry.producer_epoch = ProducerEpoch(0);
    entry.partitions.insert(TopicPartition::new("t", 5));
    let record = first("__transaction_state", Some(&encode_key("tx")), Some(&encode_value(&entry)));
    let decoded = &record["decoded"];
    assert_eq!((&decoded["transactional_id"], &decoded["state"]), (&json!("tx"), &json!("Ongoing")));
    assert_eq!((&decoded["producer_id"], &decoded["partitions"]), (&json!(7), &json!(["t-5"])));
    let topic = TopicRecord { name: "clicks".to_owned(), topic_id: TopicId(Uuid::from_u128(1)) };
    let record = first("__cluster_metadata", None, Some(&Event::Topic(topic).encode()));
    assert_eq!(record["kind"], "topic");
    assert_eq!(record["decoded"], json!({ "name": "clicks", "topic_id": "AAAAAAAAAAAAAAAAAAAAAQ" }));
    let (table, _) = print(&data.path("__cluster_metadata-0").join(LOG), true, Format::Table);
    assert!(table.contains("topic name=clicks topic_id=AAAAAAAAAAAAAAAAAAAAAQ"), "{table}");
}

#[test]
fn exit_codes_say_how_it_went() {
    let data = Data::new();
    let dir = data.mixed();
    let root = data.0.path().to_str().unwrap();
    let (log, other) = (dir.join(LOG), dir.join("notes.txt"));
    fs::write(&other, "x").unwrap();
    run_line(&["verify", root]).unwrap();
    run_line(&["verify", root, "-o", "json"]).unwrap();
    run_line(&["dump", log.to_str().unwrap(), "--records"]).unwrap();
    assert_eq!(exit(&["verify", "/nowhere"]), Exit::NotThere);
    assert_eq!(exit(&["dump", "/nowhere/x.log"]), Exit::NotThere);
    assert_eq!(exit(&["dump", other.to_str().unwrap()]), Exit::Usage);
    assert_eq!(exit(&["dump", root]), Exit::Usage);
    let length = fs::metadata(&log).unwrap().len();
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(length - 1).unwrap();
    let error = run_line(&["verify", root]).unwrap_err();
    assert_eq!(error, CliError::failed(format!("{root} is not as it was written: 1 place found")));
    assert_eq!(exit(&["dump", log.to_str().unwrap()]), Exit::Failed);
}

#[test]
fn a_report_names_the_place_and_what_recovery_does() {
    let data = Data::new();
    let log = data.mixed().join(LOG);
    let whole = verify::report(data.0.path()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["t-0", "1", "3", "3", "231", "0-3", "ok"]);
    assert_eq!(lines.last(), Some(&"1 partition, 1 segment, 3 batches and 231 bytes checked: all as it was written"));
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(200).unwrap();
    let torn = verify::report(data.0.path()).unwrap();
    let expected = format!(
        "torn tail  t-0/{LOG} byte 153: no batch: the batch is cut off: 61 bytes needed, 47 there (47 bytes to the end of the \
         file); recovery would cut this off"
    );
    assert!(torn.lines().any(|line| line == expected), "{torn}");
    assert!(torn.ends_with("1 torn tail, 0 damaged places"), "{torn}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn garbage_as_any_file_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let data = Data::new();
        let mut log = bytes.clone();
        if let (true, Some(head)) = (header, log.get_mut(8..17)) {
            // A length that fits and the version that is known.
            head.copy_from_slice(&[0, 0, 0, 60, 0, 0, 0, 0, 2]);
        }
        for topic in ["t-0", "__consumer_offsets-0", "__transaction_state-0", "__cluster_metadata-0"] {
            let dir = data.path(topic);
            fs::create_dir(&dir).unwrap();
            for name in [
                LOG, "00000000000000000007.index", "09223372036854775807.timeindex", "x.txnindex", "x.snapshot",
                "leader-epoch-checkpoint", "partition.metadata", RECOVERY_POINT_FILE, "meta.properties",
            ] {
                let path = dir.join(name);
                fs::write(&path, if name == LOG { &log } else { &bytes }).unwrap();
                for format in [Format::Table, Format::Json] {
                    let (text, _) = print(&path, true, format);
                    if format == Format::Json && !text.is_empty() {
                        prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
                    }
                }
            }
        }
        for topic in ["__consumer_offsets", "__transaction_state", "__cluster_metadata"] {
            let _ = decode::decode(topic, Some(&bytes), Some(&bytes));
        }
        let _ = verify::report(data.0.path());
    }
}
