//! Writes one of everything, and goes on with the same clients after the broker has changed.

use crate::client::{LIMIT, POLL, config, create_topic, delete_records, text, until};
use crate::observe::read;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const CODECS: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];
pub const CODEC_TOPIC: &str = "codecs";
pub const ROLLED: &str = "rolled";
pub const COMPACTED: &str = "compacted";
pub const STAMPED: &str = "stamped-by-the-broker";
pub const TRANSACTIONAL: &str = "transactional";
pub const IDEMPOTENT: &str = "idempotent";
/// A transaction that its own client commits after the change.
pub const GOES_ON: &str = "goes-on";
/// A transaction that the next producer of the same id aborts after the change.
pub const TAKEN_OVER: &str = "taken-over";
/// A transaction that is aborted because its time is over.
pub const TIMED_OUT: &str = "timed-out";
pub const GROUPS: &[&str] = &["members", "by-hand", "in-a-transaction"];

/// Clients that live through the changes.
pub struct Writers {
    bootstrap: String,
    folder: PathBuf,
    /// The first offset of the rolled topic: those before are deleted.
    kept_from: i64,
    round: usize,
    idempotent: BaseProducer,
    sent: usize,
    goes_on: BaseProducer,
    /// Dropped with its transaction open.
    left: Option<BaseProducer>,
}

impl Writers {
    pub fn begin(bootstrap: &str, folder: PathBuf, kept_from: i64) -> Result<Writers, String> {
        create_topic(bootstrap, CODEC_TOPIC, 3, &[("retention.ms", "987654321"), ("min.insync.replicas", "1")])?;
        create_topic(bootstrap, ROLLED, 1, &[("segment.bytes", "1048576")])?;
        create_topic(bootstrap, COMPACTED, 1, &[("cleanup.policy", "compact"), ("min.compaction.lag.ms", "1")])?;
        create_topic(bootstrap, STAMPED, 1, &[("message.timestamp.type", "LogAppendTime")])?;
        for topic in [TRANSACTIONAL, IDEMPOTENT, GOES_ON, TAKEN_OVER, TIMED_OUT] {
            create_topic(bootstrap, topic, 2, &[])?;
        }
        write_codecs(bootstrap)?;
        write_plain(bootstrap, kept_from)?;
        write_transactions(bootstrap)?;
        commit_offsets(bootstrap)?;
        let idempotent = producer(bootstrap, &[("enable.idempotence", "true")])?;
        let goes_on = transactional(bootstrap, GOES_ON, "120000")?;
        let bootstrap = bootstrap.to_owned();
        let mut writers = Writers { bootstrap, folder, kept_from, round: 0, idempotent, sent: 0, goes_on, left: None };
        writers.send_idempotent()?;
        Ok(writers)
    }

    /// Three transactions that the change of the broker finds open.
    pub fn leave_transactions_open(&mut self) -> Result<(), String> {
        self.goes_on.begin_transaction().map_err(text)?;
        send(&self.goes_on, GOES_ON, 0, &[format!("before {}", self.round)])?;
        let taken_over = transactional(&self.bootstrap, TAKEN_OVER, "120000")?;
        taken_over.begin_transaction().map_err(text)?;
        send(&taken_over, TAKEN_OVER, 0, &[format!("lost {}", self.round)])?;
        let timed_out = transactional(&self.bootstrap, &format!("{TIMED_OUT}-{}", self.round), "4000")?;
        timed_out.begin_transaction().map_err(text)?;
        send(&timed_out, TIMED_OUT, 0, &[format!("late {}", self.round)])?;
        // A producer that goes away leaves its transaction as it is.
        self.left = Some(taken_over);
        drop(timed_out);
        Ok(())
    }

    /// The idempotent producer goes on with its id, and a group with its offsets; topics come and go.
    pub fn go_on(&mut self) -> Result<(), String> {
        self.send_idempotent()?;
        let found: Vec<String> = values(&self.bootstrap, IDEMPOTENT, "read_uncommitted")?;
        let sent: Vec<String> = (0..self.sent).map(|i| format!("{i}")).collect();
        if found != sent {
            return Err(format!("sent {} records once each and in order, found {found:?}", sent.len()));
        }
        let ids = producer_ids(&self.folder)?;
        if ids.len() != 1 {
            return Err(format!("one producer has written, found the ids {ids:?}"));
        }
        let next = resume_group(&self.bootstrap)?;
        if next != self.kept_from + 3 + i64::try_from(self.round).map_err(text)? {
            return Err(format!("the group went on at offset {next}"));
        }
        create_topic(&self.bootstrap, &format!("made-in-round-{}", self.round), 2, &[("max.message.bytes", "12345")])?;
        send(&producer(&self.bootstrap, &[])?, &format!("made-in-round-{}", self.round), 1, &["new".to_owned()])?;
        Ok(())
    }

    /// Ends the transactions that were open, each in its way, and looks at what came of them.
    pub fn end_transactions(&mut self) -> Result<(), String> {
        send(&self.goes_on, GOES_ON, 1, &[format!("after {}", self.round)])?;
        self.goes_on.commit_transaction(LIMIT).map_err(text)?;
        drop(self.left.take());
        let successor = transactional(&self.bootstrap, TAKEN_OVER, "120000")?;
        successor.begin_transaction().map_err(text)?;
        send(&successor, TAKEN_OVER, 0, &[format!("kept {}", self.round)])?;
        successor.commit_transaction(LIMIT).map_err(text)?;
        self.round += 1;
        let committed = |word: &str| (0..self.round).map(|round| format!("{word} {round}")).collect::<Vec<_>>();
        let of = |topic| values(&self.bootstrap, topic, "read_committed");
        let expected = [committed("before"), committed("after")].concat();
        same("the transaction that went on", expected, of(GOES_ON)?)?;
        same("the transaction that was taken over", committed("kept"), of(TAKEN_OVER)?)?;
        // The broker aborts the third by itself; what follows it in the log is held back until then.
        let plain = producer(&self.bootstrap, &[])?;
        send(&plain, TIMED_OUT, 0, &[format!("follows {}", self.round - 1)])?;
        let expected = committed("follows");
        until("the abort of a transaction whose time is over", || {
            let found = of(TIMED_OUT)?;
            if found.iter().any(|value| value.starts_with("late")) {
                return Err(format!("a transaction that never ended counts: {found:?}"));
            }
            Ok((found == expected).then_some(()))
        })
    }

    fn send_idempotent(&mut self) -> Result<(), String> {
        let values: Vec<String> = (self.sent..self.sent + 40).map(|i| format!("{i}")).collect();
        send(&self.idempotent, IDEMPOTENT, 0, &values)?;
        self.sent += 40;
        Ok(())
    }
}

fn same(what: &str, expected: Vec<String>, found: Vec<String>) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

fn values(bootstrap: &str, topic: &str, isolation: &str) -> Result<Vec<String>, String> {
    let records = read(bootstrap, topic, isolation)?;
    Ok(records
        .into_iter()
        .map(|record| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned())
        .collect())
}

fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> Result<BaseProducer, String> {
    config(bootstrap, settings).create().map_err(text)
}

fn transactional(bootstrap: &str, id: &str, timeout_ms: &str) -> Result<BaseProducer, String> {
    let producer = producer(bootstrap, &[("transactional.id", id), ("transaction.timeout.ms", timeout_ms)])?;
    producer.init_transactions(LIMIT).map_err(text)?;
    Ok(producer)
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, values: &[String]) -> Result<(), String> {
    for value in values {
        let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(partition).payload(value);
        producer.send(record).map_err(|(error, _)| text(error))?;
    }
    producer.flush(LIMIT).map_err(text)
}

/// An hour ago, in milliseconds: no retention deletes it.
fn an_hour_ago() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(now.as_millis()).expect("milliseconds fit") - 3_600_000
}

fn write_codecs(bootstrap: &str) -> Result<(), String> {
    for (codec, time) in CODECS.iter().zip((an_hour_ago()..).step_by(1_000)) {
        let producer = producer(bootstrap, &[("compression.type", codec), ("linger.ms", "20")])?;
        for i in 0..60i64 {
            let (key, value) = (format!("{codec} {i}"), "again and again ".repeat(8));
            let headers = OwnedHeaders::new()
                .insert(Header { key: "codec", value: Some(*codec) })
                .insert(Header { key: "none", value: None::<&str> });
            let partition = i32::try_from(i % 3).expect("below 3");
            let record =
                BaseRecord::to(CODEC_TOPIC).partition(partition).key(&key).timestamp(time + i).headers(headers);
            let record = if i % 7 == 0 { record } else { record.payload(&value) };
            producer.send(record).map_err(|(error, _)| text(error))?;
        }
        producer.flush(LIMIT).map_err(text)?;
    }
    Ok(())
}

fn write_plain(bootstrap: &str, kept_from: i64) -> Result<(), String> {
    let plain = producer(bootstrap, &[("batch.size", "20000")])?;
    let long: Vec<String> = (0..700).map(|i| format!("{i:0>4000}")).collect();
    send(&plain, ROLLED, 0, &long)?;
    if kept_from > 0 {
        delete_records(bootstrap, ROLLED, kept_from)?;
    }
    send(&plain, STAMPED, 0, &["one".to_owned(), "two".to_owned()])?;
    for i in 0..50 {
        let key = format!("{}", i % 5);
        let value = format!("{i}");
        plain
            .send(BaseRecord::to(COMPACTED).partition(0).key(&key).payload(&value))
            .map_err(|(error, _)| text(error))?;
    }
    plain.flush(LIMIT).map_err(text)
}

fn write_transactions(bootstrap: &str) -> Result<(), String> {
    let producer = transactional(bootstrap, TRANSACTIONAL, "60000")?;
    for (number, commit) in [true, false, true, false].into_iter().enumerate() {
        producer.begin_transaction().map_err(text)?;
        for partition in 0..2 {
            send(&producer, TRANSACTIONAL, partition, &[format!("{number} a"), format!("{number} b")])?;
        }
        if commit { producer.commit_transaction(LIMIT) } else { producer.abort_transaction(LIMIT) }.map_err(text)?;
    }
    // Offsets of a group in a transaction that counts, and in one that does not.
    let group = config(bootstrap, &[("group.id", "in-a-transaction")]).create::<BaseConsumer>().map_err(text)?;
    let membership = group.group_metadata().ok_or("no group")?;
    for (offset, commit) in [(7, true), (9, false)] {
        producer.begin_transaction().map_err(text)?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(CODEC_TOPIC, 2, rdkafka::Offset::Offset(offset)).map_err(text)?;
        producer.send_offsets_to_transaction(&offsets, &membership, LIMIT).map_err(text)?;
        if commit { producer.commit_transaction(LIMIT) } else { producer.abort_transaction(LIMIT) }.map_err(text)?;
    }
    Ok(())
}

fn commit_offsets(bootstrap: &str) -> Result<(), String> {
    let by_hand: BaseConsumer = config(bootstrap, &[("group.id", "by-hand")]).create().map_err(text)?;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(CODEC_TOPIC, 0, rdkafka::Offset::Offset(11)).map_err(text)?;
    offsets.add_partition_offset(CODEC_TOPIC, 1, rdkafka::Offset::Offset(12)).map_err(text)?;
    by_hand.commit(&offsets, CommitMode::Sync).map_err(text)?;
    for _ in 0..3 {
        resume_group(bootstrap)?;
    }
    Ok(())
}

/// A member reads the next record of the group's, commits it and leaves; the record's offset.
fn resume_group(bootstrap: &str) -> Result<i64, String> {
    let settings = [("group.id", "members"), ("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")];
    let member: BaseConsumer = config(bootstrap, &settings).create().map_err(text)?;
    member.subscribe(&[ROLLED]).map_err(text)?;
    until("a record for the group", || match member.poll(POLL).transpose() {
        Ok(Some(message)) => {
            member.commit_message(&message, CommitMode::Sync).map_err(text)?;
            Ok(Some(message.offset()))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(text(error)),
    })
}

/// The ids of all producers in the batches of the idempotent topic's first segment.
fn producer_ids(folder: &Path) -> Result<BTreeSet<i64>, String> {
    let path = folder.join(format!("{IDEMPOTENT}-0")).join("00000000000000000000.log");
    let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut ids = BTreeSet::new();
    let mut rest = &bytes[..];
    // DefaultRecordBatch: the length after the first 12 bytes stands at 8, the producer's id at 43.
    while let Some(header) = rest.first_chunk::<61>() {
        let length = u32::from_be_bytes(header[8..12].try_into().expect("four bytes"));
        ids.insert(i64::from_be_bytes(header[43..51].try_into().expect("eight bytes")));
        rest = rest.get(12 + length as usize..).unwrap_or_default();
    }
    Ok(ids)
}
