//! Transactions: ids and epochs of producers, partitions, offsets, ends; and what tools are told of them.

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use crate::records::{self, Origin};
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("transactions::init", init),
    ("transactions::partitions", partitions),
    ("transactions::offsets", offsets),
    ("transactions::ends", ends),
    ("transactions::fenced", fenced),
    ("transactions::described", described),
    ("transactions::markers", markers),
];

/// How long the coordinator may take to end a transaction in the logs.
pub const END_LIMIT: Duration = Duration::from_secs(20);
const CONCURRENT_TRANSACTIONS: i16 = 51;

pub fn id_of(name: &str) -> TransactionalId {
    TransactionalId(text(name))
}

/// Writes a batch in a transaction, its partition added before, without writing it down.
pub fn write(side: &mut Side, name: &str, to: &str, batch: Bytes) -> Result<(), String> {
    let (id, epoch) =
        (i64::from_be_bytes(batch[43..51].try_into().unwrap()), i16::from_be_bytes([batch[51], batch[52]]));
    let add = add(3, name, id, epoch, &[(to, vec![0])]);
    until("the partition in the transaction", END_LIMIT, || match side.quietly(3, &add) {
        Ok(Some(answer)) => {
            match answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code {
                0 => Some(Ok(())),
                CONCURRENT_TRANSACTIONS => None,
                code => Some(Err(format!("error {code}"))),
            }
        }
        Ok(None) => Some(Err("closed".to_owned())),
        Err(error) => Some(Err(error)),
    })??;
    let part = PartitionProduceData::default().with_index(0).with_records(Some(batch));
    let one = TopicProduceData::default().with_name(topic(to)).with_partition_data(vec![part]);
    let request = ProduceRequest::default()
        .with_transactional_id(Some(id_of(name)))
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![one]);
    let answer = side.quietly(9, &request)?.ok_or("closed")?;
    match answer.responses[0].partition_responses[0].error_code {
        0 => Ok(()),
        code => Err(format!("produce in {name}: error {code}")),
    }
}

/// Ends a transaction without writing it down, and waits until the next one may begin.
pub fn end(side: &mut Side, name: &str, id: i64, epoch: i16, committed: bool) -> Result<(), String> {
    let request = ending(name, id, epoch, committed);
    until("the end of the transaction", END_LIMIT, || match side.quietly(3, &request) {
        Ok(Some(answer)) => match answer.error_code {
            0 => Some(Ok(())),
            CONCURRENT_TRANSACTIONS => None,
            code => Some(Err(format!("EndTxn of {name}: error {code}"))),
        },
        Ok(None) => Some(Err("closed".to_owned())),
        Err(error) => Some(Err(error)),
    })??;
    settled(side, name)
}

/// Waits until the coordinator has written all markers.
pub fn settled(side: &mut Side, name: &str) -> Result<(), String> {
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id_of(name)]);
    until("the markers", END_LIMIT, || match side.quietly(0, &request) {
        Ok(Some(answer)) => {
            let state = answer.transaction_states[0].transaction_state.as_str();
            (!state.starts_with("Prepare") && state != "Ongoing").then_some(())
        }
        _ => None,
    })
}

pub fn ending(name: &str, id: i64, epoch: i16, committed: bool) -> EndTxnRequest {
    EndTxnRequest::default()
        .with_transactional_id(id_of(name))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_committed(committed)
}

pub fn add(version: i16, name: &str, id: i64, epoch: i16, topics: &[(&str, Vec<i32>)]) -> AddPartitionsToTxnRequest {
    let list: Vec<_> = topics
        .iter()
        .map(|(name, parts)| AddPartitionsToTxnTopic::default().with_name(topic(name)).with_partitions(parts.clone()))
        .collect();
    if version < 4 {
        return AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(id_of(name))
            .with_v3_and_below_producer_id(ProducerId(id))
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(list);
    }
    let one = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(id_of(name))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_verify_only(false)
        .with_topics(list);
    AddPartitionsToTxnRequest::default().with_transactions(vec![one])
}

pub fn init_request(name: Option<&str>, timeout: i32, id: i64, epoch: i16) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(name.map(id_of))
        .with_transaction_timeout_ms(timeout)
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
}

fn init(side: &mut Side) -> Result<(), String> {
    let sign = |a: &mut InitProducerIdResponse| a.producer_id = ProducerId(a.producer_id.0.signum().max(-1) | 1);
    side.producer(Some("twin-init"))?;
    for version in 0..=5 {
        let name = side.name(&format!("v{version}"));
        side.coordinator(1, &name)?;
        for (about, name, timeout) in [
            ("no name", None, 1000),
            ("an empty name", Some(""), 1000),
            ("a name", Some(name.as_str()), 1000),
            ("the name again", Some(&name), 1000),
            ("no time", Some(&name), 0),
            ("negative time", Some(&name), -1),
            ("more time than is allowed", Some(&name), 900_001),
        ] {
            side.about(about);
            side.ask_sorted(version, &init_request(name, timeout, -1, -1), sign)?;
        }
        if version < 3 {
            continue;
        }
        let known = side.quietly(version, &init_request(Some(&name), 1000, -1, -1))?.ok_or("closed")?;
        let id = known.producer_id.0;
        for (about, name, id, epoch) in [
            ("with its id and epoch", Some(name.as_str()), id, known.producer_epoch),
            ("with its id and last epoch", Some(&name), id, known.producer_epoch),
            ("with an epoch to come", Some(&name), id, 99),
            ("with another id", Some(&name), id + 100_000, 0),
            ("with an id and no epoch", Some(&name), id, -1),
            ("with an epoch and no id", Some(&name), -1, 3),
            ("without a name, with an id", None, id, 0),
        ] {
            side.about(about);
            side.ask_sorted(version, &init_request(name, 1000, id, epoch), sign)?;
        }
    }
    Ok(())
}

fn partitions(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    for version in 0..=3 {
        let name = side.name(&format!("v{version}"));
        let (id, epoch) = side.producer(Some(&name))?;
        let known = || vec![(made.name.as_str(), vec![0, 1])];
        for (about, request) in [
            (
                "one that is not there",
                add(version, &name, id, epoch, &[(&made.name, vec![0, 9]), ("nowhere", vec![0])]),
            ),
            ("known ones", add(version, &name, id, epoch, &known())),
            ("again", add(version, &name, id, epoch, &known())),
            ("of another epoch", add(version, &name, id, epoch + 1, &known())),
            ("of another producer", add(version, &name, id + 100_000, epoch, &known())),
            ("of a name that is not there", add(version, "nobody", id, epoch, &known())),
            ("of no name", add(version, "", id, epoch, &known())),
            ("nothing", add(version, &name, id, epoch, &[])),
        ] {
            side.about(about);
            side.ask_or_closed_sorted(version, &request, |a| {
                a.results_by_topic_v3_and_below.sort_by(|a, b| a.name.cmp(&b.name));
                for topic in &mut a.results_by_topic_v3_and_below {
                    topic.results_by_partition.sort_by_key(|p| p.partition_index);
                }
            })?;
        }
        end(side, &name, id, epoch, false)?;
    }
    Ok(())
}

fn offsets(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let group = side.name("group");
    side.coordinator(0, &group)?;
    for version in 0..=4 {
        let name = side.name(&format!("v{version}"));
        let (id, epoch) = side.producer(Some(&name))?;
        let add = |name: &str, id: i64, epoch: i16, group: &str| {
            AddOffsetsToTxnRequest::default()
                .with_transactional_id(id_of(name))
                .with_producer_id(ProducerId(id))
                .with_producer_epoch(epoch)
                .with_group_id(GroupId(text(group)))
        };
        for (about, request) in [
            ("as it should be", add(&name, id, epoch, &group)),
            ("of another epoch", add(&name, id, epoch + 1, &group)),
            ("of another producer", add(&name, id + 100_000, epoch, &group)),
            ("of a name that is not there", add("nobody", id, epoch, &group)),
            ("of no name", add("", id, epoch, &group)),
        ] {
            side.about(about);
            side.ask(version, &request)?;
        }
        let part = |index: i32| {
            TxnOffsetCommitRequestPartition::default()
                .with_partition_index(index)
                .with_committed_offset(3)
                .with_committed_metadata(None)
        };
        let commit = |id: i64, epoch: i16| {
            let one = TxnOffsetCommitRequestTopic::default()
                .with_name(topic(&made.name))
                .with_partitions(vec![part(0), part(9)]);
            TxnOffsetCommitRequest::default()
                .with_transactional_id(id_of(&name))
                .with_group_id(GroupId(text(&group)))
                .with_producer_id(ProducerId(id))
                .with_producer_epoch(epoch)
                .with_topics(vec![one])
        };
        side.about("in the transaction");
        commits(side, version, &commit(id, epoch))?;
        side.about("of an old epoch");
        commits(side, version, &commit(id, -2))?;
        if version >= 3 {
            side.about("of a member that is not there");
            commits(side, version, &commit(id, epoch).with_member_id(text("stranger")).with_generation_id(3))?;
        }
        end(side, &name, id, epoch, true)?;
    }
    Ok(())
}

fn commits(side: &mut Side, version: i16, request: &TxnOffsetCommitRequest) -> Result<(), String> {
    side.ask_sorted(version, request, |answer| {
        answer.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
    })?;
    Ok(())
}

fn ends(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    for version in 0..=5 {
        for committed in [true, false] {
            let name = side.name(&format!("v{version}-{committed}"));
            let (id, epoch) = side.producer(Some(&name))?;
            side.about("before anything was written");
            side.ask(version, &ending(&name, id, epoch, committed))?;
            let batch = records::batch_of(Origin { id, epoch, sequence: 0, transactional: true }, &["v"]);
            if version >= 5 {
                settled(side, &name)?;
                continue;
            }
            write(side, &name, &made.name, batch)?;
            for (about, name, id, epoch) in [
                ("of another epoch", name.as_str(), id, epoch + 1),
                ("of another producer", &name, id + 100_000, epoch),
                ("of a name that is not there", "nobody", id, epoch),
                ("of no name", "", id, epoch),
                ("as it should be", &name, id, epoch),
            ] {
                side.about(about);
                side.ask(version, &ending(name, id, epoch, committed))?;
            }
            settled(side, &name)?;
            side.about("again");
            side.ask(version, &ending(&name, id, epoch, committed))?;
            side.about("the other way");
            side.ask(version, &ending(&name, id, epoch, !committed))?;
        }
    }
    Ok(())
}

fn fenced(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let name = side.name("name");
    let (id, epoch) = side.producer(Some(&name))?;
    let batch =
        |epoch: i16, sequence: i32| records::batch_of(Origin { id, epoch, sequence, transactional: true }, &["v"]);
    write(side, &name, &made.name, batch(epoch, 0))?;
    let (_, newer) = side.producer(Some(&name))?;
    // By how much depends on whether the abort of the old one counts: each broker's own.
    side.write_down("the new epoch", if newer > epoch { "has moved on" } else { "has not" });
    let request = |epoch: i16| {
        let part = PartitionProduceData::default().with_index(0).with_records(Some(batch(epoch, 1)));
        let one = TopicProduceData::default().with_name(topic(&made.name)).with_partition_data(vec![part]);
        ProduceRequest::default()
            .with_transactional_id(Some(id_of(&name)))
            .with_acks(-1)
            .with_timeout_ms(1000)
            .with_topic_data(vec![one])
    };
    for version in [3, 8, 9, 10, 11, 12] {
        side.about("a zombie writes");
        side.ask(version, &request(epoch))?;
    }
    for version in [9, 11] {
        side.about("without its partition in the transaction");
        side.ask(version, &request(newer))?;
    }
    side.quietly(3, &add(3, &name, id, newer, &[(&made.name, vec![1])]))?;
    for version in [9, 11] {
        side.about("with another partition in the transaction");
        side.ask(version, &request(newer))?;
    }
    for version in 0..=4 {
        side.about("a zombie ends");
        side.ask(version, &ending(&name, id, epoch, true))?;
    }
    for version in 0..=3 {
        side.about("a zombie adds");
        side.ask(version, &add(version, &name, id, epoch, &[(&made.name, vec![0])]))?;
    }
    side.about("a zombie begins");
    side.ask(4, &init_request(Some(&name), 1000, id, epoch))?;
    settled(side, &name)?;
    for version in 3..=4 {
        side.about("a zombie begins again");
        side.ask(version, &init_request(Some(&name), 1000, id, epoch))?;
    }
    side.about("the newer one ends what was aborted");
    side.ask(4, &ending(&name, id, newer, true))?;
    Ok(())
}

fn described(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let (open, idle) = (side.name("open"), side.name("idle"));
    let (id, epoch) = side.producer(Some(&open))?;
    let (idle_id, _) = side.producer(Some(&idle))?;
    let batch = records::batch_of(Origin { id, epoch, sequence: 0, transactional: true }, &["v"]);
    write(side, &open, &made.name, batch)?;
    let request = DescribeTransactionsRequest::default()
        .with_transactional_ids([&*open, &idle, "nobody", ""].map(id_of).to_vec());
    side.ask_or_closed_sorted(0, &request, |a| {
        a.transaction_states.sort_by(|a, b| a.transactional_id.cmp(&b.transactional_id));
        for state in &mut a.transaction_states {
            state.transaction_start_time_ms = state.transaction_start_time_ms.min(1);
            state.producer_id = ProducerId(state.producer_id.0.min(0));
        }
    })?;
    let own = side.name("");
    for version in 0..=2 {
        for (states, ids, duration) in [
            (vec![], vec![], -1),
            (vec!["Ongoing"], vec![], -1),
            (vec!["Nonsense", "Empty"], vec![], -1),
            (vec![], vec![id], -1),
            (vec![], vec![idle_id, 777_777], -1),
            (vec![], vec![], 1_000_000),
        ] {
            if duration >= 0 && version == 0 {
                continue;
            }
            side.about(format!("states {states:?}, {} producers, {duration} ms", ids.len()));
            let request = ListTransactionsRequest::default()
                .with_state_filters(states.iter().map(|s| text(s)).collect())
                .with_producer_id_filters(ids.into_iter().map(ProducerId).collect());
            let request = if version >= 1 { request.with_duration_filter(duration) } else { request };
            side.ask_sorted(version, &request, |a| {
                a.transaction_states.retain(|t| t.transactional_id.starts_with(&*own));
                a.transaction_states.sort_by(|a, b| a.transactional_id.cmp(&b.transactional_id));
                a.transaction_states.iter_mut().for_each(|t| t.producer_id = ProducerId(t.producer_id.0.min(0)));
            })?;
        }
    }
    for pattern in [Some(format!("{own}op.*")), Some("(".into()), Some(String::new()), None] {
        side.about(format!("pattern {pattern:?}"));
        let request = ListTransactionsRequest::default().with_transactional_id_pattern(pattern.as_deref().map(text));
        side.ask_sorted(2, &request, |a| {
            a.transaction_states.retain(|t| t.transactional_id.starts_with(&*own));
            a.transaction_states.sort_by(|a, b| a.transactional_id.cmp(&b.transactional_id));
            a.transaction_states.iter_mut().for_each(|t| t.producer_id = ProducerId(t.producer_id.0.min(0)));
        })?;
    }
    let of = |name: &str, parts: Vec<i32>| TopicRequest::default().with_name(topic(name)).with_partition_indexes(parts);
    let request =
        DescribeProducersRequest::default().with_topics(vec![of(&made.name, vec![0, 1, 9]), of("nowhere", vec![0])]);
    side.ask_sorted(0, &request, |a| {
        a.topics.sort_by(|a, b| a.name.cmp(&b.name));
        for part in a.topics.iter_mut().flat_map(|t| &mut t.partitions) {
            for producer in &mut part.active_producers {
                producer.producer_id = ProducerId(producer.producer_id.0.min(0));
                producer.last_timestamp = producer.last_timestamp.min(1);
            }
        }
        a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
    })?;
    end(side, &open, id, epoch, false)
}

fn markers(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let name = side.name("hanging");
    let (id, epoch) = side.producer(Some(&name))?;
    let batch = records::batch_of(Origin { id, epoch, sequence: 0, transactional: true }, &["v"]);
    write(side, &name, &made.name, batch)?;
    for (about, epoch, coordinator, parts) in [
        ("a partition that is not there", epoch, 0, vec![9]),
        ("an old epoch", epoch - 1, 0, vec![0]),
        ("as a tool does", epoch, 0, vec![0, 1]),
        ("an old coordinator", epoch, -5, vec![0]),
        ("again", epoch, 0, vec![0]),
    ] {
        side.about(about);
        let of = |name: &str, parts: Vec<i32>| {
            WritableTxnMarkerTopic::default().with_name(topic(name)).with_partition_indexes(parts)
        };
        let marker = WritableTxnMarker::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_transaction_result(false)
            .with_coordinator_epoch(coordinator)
            .with_topics(vec![of(&made.name, parts), of("nowhere", vec![0])]);
        side.ask_sorted(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker]), |a| {
            for marker in &mut a.markers {
                marker.producer_id = ProducerId(marker.producer_id.0.min(0));
                marker.topics.sort_by(|a, b| a.name.cmp(&b.name));
                marker.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
            }
        })?;
    }
    let of = TopicRequest::default().with_name(topic(&made.name)).with_partition_indexes(vec![0]);
    side.ask_sorted(0, &DescribeProducersRequest::default().with_topics(vec![of]), |a| {
        for producer in a.topics.iter_mut().flat_map(|t| &mut t.partitions).flat_map(|p| &mut p.active_producers) {
            producer.producer_id = ProducerId(producer.producer_id.0.min(0));
            producer.last_timestamp = producer.last_timestamp.min(1);
        }
    })?;
    Ok(())
}
