//! Fetch: what is read, from where, under which session.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Scenario;
use super::produce::append;
use crate::records::{self, Origin};
use crate::side::{Side, Topic, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("fetch::every_version", every_version),
    ("fetch::limits", limits),
    ("fetch::epochs", epochs),
    ("fetch::sessions", sessions),
    ("fetch::isolation", isolation),
];

/// When the scenarios' records are from.
const THEN: i64 = 1_700_000_000_000;

pub fn part(index: i32, from: i64, max_bytes: i32) -> FetchPartition {
    FetchPartition::default()
        .with_partition(index)
        .with_fetch_offset(from)
        .with_partition_max_bytes(max_bytes)
        .with_current_leader_epoch(-1)
}

/// A topic by name before version 13, by id from then on.
pub fn of(version: i16, asked: &Topic, parts: Vec<FetchPartition>) -> FetchTopic {
    let base = FetchTopic::default().with_partitions(parts);
    if version >= 13 { base.with_topic_id(asked.id) } else { base.with_topic(topic(&asked.name)) }
}

/// A consumer's request that does not wait.
pub fn request(version: i16, topics: Vec<FetchTopic>) -> FetchRequest {
    let base =
        FetchRequest::default().with_max_wait_ms(0).with_min_bytes(0).with_max_bytes(1 << 20).with_topics(topics);
    let base = if version >= 7 { base.with_session_epoch(-1) } else { base };
    if version >= 15 {
        base.with_replica_state(ReplicaState::default().with_replica_id(BrokerId(-1)))
    } else {
        base.with_replica_id(BrokerId(-1))
    }
}

pub fn ask(side: &mut Side, version: i16, request: &FetchRequest) -> Result<(), String> {
    side.ask_or_closed_sorted(version, request, |a| {
        // By names where there are names; ids are each broker's own.
        a.responses.sort_by_key(|t| (t.topic.clone(), t.partitions.first().map(|p| (p.error_code, p.high_watermark))));
        a.responses.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
    })
}

fn filled(side: &mut Side) -> Result<Topic, String> {
    let made = side.topic("log", 2, &[("retention.ms", "-1")])?;
    for batch in [&[(THEN, "a"), (THEN, "b")][..], &[(THEN + 1, "c")], &[(THEN + 2, "d"), (THEN + 2, "e")]] {
        append(side, &made.name, 0, records::batch_at(batch))?;
    }
    Ok(made)
}

fn every_version(side: &mut Side) -> Result<(), String> {
    let made = filled(side)?;
    let unknown = Topic { name: "nowhere".into(), id: Uuid::from_u128(7) };
    let nil = Topic { name: String::new(), id: Uuid::nil() };
    for version in 4..=18 {
        for from in [0, 1, 4, 5, 6, -1] {
            side.about(format!("from {from}"));
            ask(side, version, &request(version, vec![of(version, &made, vec![part(0, from, 1 << 20)])]))?;
        }
        side.about("a partition that is not there");
        ask(side, version, &request(version, vec![of(version, &made, vec![part(9, 0, 100)])]))?;
        side.about("an empty one, and a topic that is not there");
        let topics = vec![of(version, &made, vec![part(1, 0, 100)]), of(version, &unknown, vec![part(0, 0, 100)])];
        ask(side, version, &request(version, topics))?;
        side.about("a topic without a name");
        ask(side, version, &request(version, vec![of(version, &nil, vec![part(0, 0, 100)])]))?;
        side.about("nothing");
        ask(side, version, &request(version, vec![]))?;
        side.about("isolation 7");
        ask(side, version, &request(version, vec![of(version, &made, vec![part(0, 4, 100)])]).with_isolation_level(7))?;
    }
    Ok(())
}

fn limits(side: &mut Side) -> Result<(), String> {
    let made = filled(side)?;
    for version in [4, 12, 17] {
        for (all, each) in [(1, 1 << 20), (1 << 20, 1), (0, 0), (100, 1 << 20), (1 << 20, 150), (i32::MAX, i32::MAX)] {
            side.about(format!("{all} bytes in all, {each} of the partition"));
            let topics = vec![of(version, &made, vec![part(0, 0, each), part(1, 0, each)])];
            ask(side, version, &request(version, topics).with_max_bytes(all))?;
        }
        side.about("more than there is, in no time");
        let topics = vec![of(version, &made, vec![part(0, 0, 1000)])];
        ask(side, version, &request(version, topics).with_min_bytes(100_000).with_max_wait_ms(20))?;
    }
    Ok(())
}

fn epochs(side: &mut Side) -> Result<(), String> {
    let made = filled(side)?;
    for version in 9..=17 {
        for (current, last) in [(0, -1), (1, -1), (5, -1), (-1, 0), (-1, 3), (0, 0)] {
            if version < 12 && last >= 0 {
                continue;
            }
            side.about(format!("leader epoch {current}, last fetched {last}"));
            let one = part(0, 3, 1000).with_current_leader_epoch(current);
            let one = if version >= 12 { one.with_last_fetched_epoch(last) } else { one };
            ask(side, version, &request(version, vec![of(version, &made, vec![one])]))?;
        }
    }
    Ok(())
}

fn sessions(side: &mut Side) -> Result<(), String> {
    let made = filled(side)?;
    let other = side.topic("other", 1, &[])?;
    for version in [7, 11, 13, 17] {
        let with = |id: i32, epoch: i32, topics: Vec<FetchTopic>| {
            request(version, topics).with_session_id(id).with_session_epoch(epoch)
        };
        let both = || vec![of(version, &made, vec![part(0, 5, 1000), part(1, 0, 1000)])];
        side.about("a session that is not there");
        ask(side, version, &with(123, 1, both()))?;
        side.about("an epoch without a session");
        ask(side, version, &with(0, 5, both()))?;
        let opened = side.quietly(version, &with(0, 0, both()))?.ok_or("closed")?;
        let id = opened.session_id;
        if id == 0 {
            return Err("no session was opened".into());
        }
        side.mask(id, format!("session of v{version}"));
        side.about("nothing new");
        ask(side, version, &with(id, 1, vec![]))?;
        side.about("an epoch left out");
        ask(side, version, &with(id, 9, vec![]))?;
        side.about("the same epoch again");
        ask(side, version, &with(id, 1, vec![]))?;
        side.about("another offset");
        ask(side, version, &with(id, 2, vec![of(version, &made, vec![part(0, 3, 1000)])]))?;
        side.about("one more topic");
        ask(side, version, &with(id, 3, vec![of(version, &other, vec![part(0, 0, 1000)])]))?;
        let forgotten = ForgottenTopic::default().with_partitions(vec![0, 1]);
        let forgotten =
            if version >= 13 { forgotten.with_topic_id(made.id) } else { forgotten.with_topic(topic(&made.name)) };
        side.about("a topic forgotten");
        ask(side, version, &with(id, 4, vec![]).with_forgotten_topics_data(vec![forgotten]))?;
        side.about("an offset that is not there, of a known partition");
        ask(side, version, &with(id, 5, vec![of(version, &other, vec![part(0, 99, 1000)])]))?;
        side.about("closed");
        ask(side, version, &with(id, -1, vec![]))?;
        side.about("gone");
        ask(side, version, &with(id, 6, vec![]))?;
    }
    Ok(())
}

/// The offset behind the last whole batch.
fn end_of(records: &[u8]) -> i64 {
    let (mut rest, mut end) = (records, 0);
    while let Some(header) = rest.get(..27) {
        let base = i64::from_be_bytes(header[..8].try_into().unwrap());
        let size = 12 + u32::from_be_bytes(header[8..12].try_into().unwrap()) as usize;
        let Some(behind) = rest.get(size..) else { break };
        end = base + i64::from(i32::from_be_bytes(header[23..27].try_into().unwrap())) + 1;
        rest = behind;
    }
    end
}

/// What a reader of committed records is told from an offset: how far the records reach, and which of them were aborted.
pub fn committed_from(side: &mut Side, version: i16, asked: &Topic, from: i64, max_bytes: i32) -> Result<(), String> {
    side.about(format!("committed from {from}, {max_bytes} bytes"));
    let request = request(version, vec![of(version, asked, vec![part(0, from, max_bytes)])]);
    side.ask_sorted(version, &request.with_isolation_level(1), |a| {
        for part in a.responses.iter_mut().flat_map(|t| &mut t.partitions) {
            let end = part.records.as_ref().map_or(0, |r| end_of(r));
            part.records = part.records.take().map(|_| Bytes::from(format!("up to {end}")));
            // Kafka's index of offsets is sparse, so it tells of more than what lies in the records; readers pass over that.
            part.aborted_transactions.iter_mut().for_each(|list| list.retain(|t| t.first_offset < end));
            part.aborted_transactions.iter_mut().for_each(|list| list.sort_by_key(|t| (t.first_offset, t.producer_id)));
        }
    })?;
    Ok(())
}

fn isolation(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    let name = side.name("transaction");
    let (id, epoch) = side.producer(Some(&name))?;
    let batch = |epoch: i16, sequence: i32, value: &str| -> Bytes {
        records::batch_of(Origin { id, epoch, sequence, transactional: true }, &[value])
    };
    let steps: [(&str, Option<bool>); 3] = [("aborted", Some(false)), ("committed", Some(true)), ("open", None)];
    for (sequence, (value, end)) in (0..).zip(steps) {
        super::transactions::write(side, &name, &made.name, batch(epoch, sequence, value))?;
        if let Some(committed) = end {
            super::transactions::end(side, &name, id, epoch, committed)?;
        }
    }
    for version in [4, 5, 11, 12, 17] {
        for level in [0, 1] {
            for from in [0, 1, 2, 4, 5] {
                side.about(format!("isolation {level}, from {from}"));
                let asked = request(version, vec![of(version, &made, vec![part(0, from, 1 << 20)])]);
                side.ask_sorted(version, &asked.with_isolation_level(level), |a| {
                    // The times of the records are each side's own.
                    let part = &mut a.responses[0].partitions[0];
                    part.records = part.records.take().map(|r| Bytes::from(format!("{} bytes", r.len())));
                })?;
            }
        }
    }
    super::transactions::end(side, &name, id, epoch, false)
}
