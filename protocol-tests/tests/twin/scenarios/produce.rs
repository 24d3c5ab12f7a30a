//! Produce: what is appended, what is refused, and what is said of it.

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Scenario;
use crate::records::{self, Origin};
use crate::side::{Side, Topic, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("produce::every_version", every_version),
    ("produce::bad_batches", bad_batches),
    ("produce::acks", acks),
    ("produce::idempotent", idempotent),
    ("produce::timestamps", timestamps),
    ("produce::limits", limits),
    ("produce::transactional_without_a_transaction", transactional),
    ("produce::compacted", compacted),
];

/// One partition's records; without a name, by the nil id.
fn data(name: Option<&str>, id: Uuid, partition: i32, records: Option<Bytes>) -> TopicProduceData {
    let part = PartitionProduceData::default().with_index(partition).with_records(records);
    let of = TopicProduceData::default().with_topic_id(id).with_partition_data(vec![part]);
    name.map_or(of.clone(), |name| of.with_name(topic(name)))
}

fn request(acks: i16, topics: Vec<TopicProduceData>) -> ProduceRequest {
    ProduceRequest::default().with_acks(acks).with_timeout_ms(10_000).with_topic_data(topics)
}

/// Appends without writing it down.
pub fn append(side: &mut Side, name: &str, partition: i32, records: Bytes) -> Result<i64, String> {
    let asked = request(-1, vec![data(Some(name), Uuid::nil(), partition, Some(records))]);
    let answer = side.quietly(9, &asked)?.ok_or("the connection was closed")?;
    let part = &answer.responses[0].partition_responses[0];
    match part.error_code {
        0 => Ok(part.base_offset),
        code => Err(format!("produce to {name}-{partition}: error {code} {:?}", part.error_message)),
    }
}

/// Sends to partition 0 of a topic in the newest version that goes by names.
fn send(side: &mut Side, about: &str, to: &Topic, records: Option<Bytes>) -> Result<(), String> {
    side.about(about);
    side.ask_or_closed(12, &request(-1, vec![data(Some(&to.name), Uuid::nil(), 0, records)])).map(drop)
}

fn every_version(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 2, &[])?;
    for version in 3..=12 {
        let batch = || Some(records::batch(&["a", "b"]));
        let topics =
            vec![data(Some(&made.name), Uuid::nil(), 0, batch()), data(Some("nowhere"), Uuid::nil(), 0, batch())];
        side.about("two topics");
        side.ask_sorted(version, &request(-1, topics), |a| a.responses.sort_by(|a, b| a.name.cmp(&b.name)))?;
        side.about("a partition that is not there");
        side.ask(version, &request(1, vec![data(Some(&made.name), Uuid::nil(), 9, batch())]))?;
        side.about("no topics");
        side.ask_or_closed(version, &request(1, vec![]))?;
        side.about("a name that cannot be");
        side.ask_or_closed(version, &request(1, vec![data(Some("bad/name"), Uuid::nil(), 0, batch())]))?;
    }
    let batch = || Some(records::batch(&["a", "b"]));
    for (about, id, partition) in [
        ("by id", made.id, 1),
        ("by an id that is not there", Uuid::from_u128(7), 0),
        ("by the nil id", Uuid::nil(), 0),
        ("by id, a partition that is not there", made.id, 9),
    ] {
        side.about(about);
        side.ask_or_closed(13, &request(-1, vec![data(None, id, partition, batch())]))?;
    }
    Ok(())
}

fn bad_batches(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    let good = records::batch(&["a", "b", "c"]);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        Some(Bytes::from(bytes))
    };
    // The checksum covers what is behind it: with a new one, only the content is wrong.
    let sealed = |at: usize, bytes: &[u8]| {
        let mut all = good.to_vec();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        Some(records::seal(all))
    };
    send(side, "empty records", &made, Some(Bytes::new()))?;
    send(side, "two batches", &made, Some([good.clone(), good.clone()].concat().into()))?;
    send(side, "a wrong checksum", &made, changed(17, good[17] ^ 1))?;
    send(side, "a changed value", &made, changed(good.len() - 3, b'x'))?;
    send(side, "cut short", &made, Some(good.slice(..good.len() - 5)))?;
    send(side, "a header alone", &made, Some(good.slice(..61)))?;
    send(side, "twenty bytes", &made, Some(good.slice(..20)))?;
    send(side, "a byte too many", &made, Some([good.clone(), Bytes::from_static(&[0])].concat().into()))?;
    send(side, "message format 1", &made, changed(16, 1))?;
    send(side, "message format 0", &made, changed(16, 0))?;
    send(side, "message format 3", &made, changed(16, 3))?;
    send(side, "base offset 5", &made, changed(7, 5))?;
    send(side, "leader epoch 9", &made, changed(15, 9))?;
    send(side, "a control batch", &made, sealed(21, &[0, 0x20]))?;
    send(side, "an unknown codec", &made, sealed(21, &[0, 5]))?;
    send(side, "gzip, which it is not", &made, sealed(21, &[0, 1]))?;
    send(side, "log append time", &made, sealed(21, &[0, 8]))?;
    send(side, "last offset delta 7", &made, sealed(23, &7i32.to_be_bytes()))?;
    send(side, "last offset delta -1", &made, sealed(23, &(-1i32).to_be_bytes()))?;
    send(side, "two records counted", &made, sealed(57, &2i32.to_be_bytes()))?;
    send(side, "four records counted", &made, sealed(57, &4i32.to_be_bytes()))?;
    send(side, "no records counted", &made, sealed(57, &0i32.to_be_bytes()))?;
    send(side, "a negative count", &made, sealed(57, &(-1i32).to_be_bytes()))?;
    send(side, "a producer id without an epoch", &made, sealed(43, &7i64.to_be_bytes()))?;
    send(side, "good", &made, Some(good))
}

fn acks(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    for acks in [1, -1, 2, -2, 5] {
        side.about(format!("acks {acks}"));
        let one = data(Some(&made.name), Uuid::nil(), 0, Some(records::batch(&["a"])));
        side.ask_or_closed(9, &request(acks, vec![one]))?;
    }
    let strict = side.topic("strict", 1, &[("min.insync.replicas", "2")])?;
    for acks in [1, -1] {
        side.about(format!("acks {acks} where two must be in sync"));
        let one = data(Some(&strict.name), Uuid::nil(), 0, Some(records::batch(&["a"])));
        side.ask_or_closed(9, &request(acks, vec![one]))?;
    }
    Ok(())
}

fn idempotent(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    let (id, _) = side.producer(None)?;
    let of = |epoch: i16, sequence: i32, values: &[&str]| {
        Some(records::batch_of(Origin { id, epoch, sequence, transactional: false }, values))
    };
    let stranger = |id: i64, epoch: i16, sequence: i32| {
        Some(records::batch_of(Origin { id, epoch, sequence, transactional: false }, &["s"]))
    };
    send(side, "the first", &made, of(0, 0, &["a", "b"]))?;
    send(side, "the first again", &made, of(0, 0, &["a", "b"]))?;
    send(side, "the next", &made, of(0, 2, &["c"]))?;
    send(side, "a gap", &made, of(0, 9, &["d"]))?;
    send(side, "half of a duplicate", &made, of(0, 1, &["b"]))?;
    for sequence in 3..9 {
        send(side, "more", &made, of(0, sequence, &["x"]))?;
    }
    send(side, "the fifth from behind", &made, of(0, 4, &["x"]))?;
    send(side, "the sixth from behind", &made, of(0, 3, &["x"]))?;
    send(side, "a new epoch not from 0", &made, of(1, 9, &["e"]))?;
    send(side, "a new epoch", &made, of(1, 0, &["e"]))?;
    send(side, "the old epoch", &made, of(0, 9, &["f"]))?;
    send(side, "a stranger not from 0", &made, stranger(id + 500_000, 0, 5))?;
    send(side, "the stranger from 6", &made, stranger(id + 500_000, 0, 6))?;
    send(side, "a stranger's negative epoch", &made, stranger(id + 500_001, -1, 0))?;
    send(side, "a stranger's negative sequence", &made, stranger(id + 500_002, 0, -1))?;
    send(side, "up to the last number", &made, stranger(id + 500_003, 0, i32::MAX))?;
    send(side, "around to the first", &made, stranger(id + 500_003, 0, 0))?;
    let two = [of(1, 1, &["g"]).unwrap_or_default(), of(1, 2, &["h"]).unwrap_or_default()].concat();
    send(side, "two batches at once", &made, Some(two.into()))
}

/// The clock's reading is part of the sentence about a time that is out of range.
fn timeless(answer: &mut ProduceResponse) {
    let part = &mut answer.responses[0].partition_responses[0];
    part.log_append_time_ms = part.log_append_time_ms.signum();
    for message in part.record_errors.iter_mut().filter_map(|e| e.batch_index_error_message.as_mut()) {
        *message = text(&without_numbers(message));
    }
    part.error_message = part.error_message.as_ref().map(|m| text(&without_numbers(m)));
}

fn timestamps(side: &mut Side) -> Result<(), String> {
    let now = records::now_ms();
    let bound = side.topic(
        "bound",
        1,
        &[("message.timestamp.before.max.ms", "600000"), ("message.timestamp.after.max.ms", "600000")],
    )?;
    let free = side.topic("free", 1, &[("retention.ms", "-1")])?;
    let stamped = side.topic("stamped", 1, &[("message.timestamp.type", "LogAppendTime")])?;
    let far = 86_400_000;
    for (about, at) in
        [("in the past", now - 10 * far), ("in the future", now + 10 * far), ("none", -1), ("negative", -5)]
    {
        for to in [&bound, &free, &stamped] {
            side.about(format!("{about}, to {}", to.name));
            let records = records::batch_at(&[(now, "a"), (at, "b")]);
            let asked = request(-1, vec![data(Some(&to.name), Uuid::nil(), 0, Some(records))]);
            side.ask_sorted(9, &asked, timeless)?;
        }
    }
    Ok(())
}

fn without_numbers(message: &str) -> String {
    let mut out = String::new();
    for c in message.chars() {
        match (c.is_ascii_digit(), out.ends_with('#')) {
            (true, true) => {}
            (true, false) => out.push('#'),
            (false, _) => out.push(c),
        }
    }
    out
}

fn limits(side: &mut Side) -> Result<(), String> {
    let small = side.topic("small", 1, &[("max.message.bytes", "200")])?;
    let segment = side.topic("segment", 1, &[("segment.bytes", "1048576"), ("max.message.bytes", "10000000")])?;
    let long = "v".repeat(300);
    send(side, "a record above the limit", &small, Some(records::batch(&[&long])))?;
    send(side, "a batch above the limit", &small, Some(records::batch(&["v"; 60])))?;
    send(side, "a batch below the limit", &small, Some(records::batch(&["v"])))?;
    let longer = "v".repeat(1_100_000);
    send(side, "a batch larger than a segment", &segment, Some(records::batch(&[&longer])))
}

fn transactional(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    side.producer(Some("twin-knows"))?;
    let batch = |id: i64| Some(records::batch_of(Origin { id, epoch: 0, sequence: 0, transactional: true }, &["t"]));
    for version in [3, 9, 11, 12] {
        for (about, name) in [("without its id", None), ("with its id", Some("twin-transaction"))] {
            side.about(format!("{about}, of a producer that nobody knows"));
            let one = data(Some(&made.name), Uuid::nil(), 0, batch(900_000));
            let asked = request(-1, vec![one]).with_transactional_id(name.map(|n| TransactionalId(text(n))));
            side.ask_or_closed(version, &asked)?;
        }
    }
    Ok(())
}

fn compacted(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[("cleanup.policy", "compact")])?;
    send(side, "records without keys", &made, Some(records::batch(&["a"])))?;
    let (now, key) = (records::now_ms(), Some("k"));
    send(side, "two of three without", &made, Some(records::keyed_at(&[(now, None), (now, key), (now, None)])))?;
    send(side, "five of them", &made, Some(records::keyed_at(&[(now, None); 5])))?;
    let long_ahead = now + 86_400_000;
    for (about, of) in [
        ("of another time", &[(long_ahead, key), (now, key), (long_ahead, key)][..]),
        ("both", &[(now, None), (long_ahead, None), (long_ahead, key), (now, key)]),
    ] {
        side.about(about);
        let asked = request(-1, vec![data(Some(&made.name), Uuid::nil(), 0, Some(records::keyed_at(of)))]);
        side.ask_sorted(9, &asked, timeless)?;
    }
    Ok(())
}
