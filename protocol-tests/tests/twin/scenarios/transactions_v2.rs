//! Transactions as KIP-890 has them: every end moves the epoch, the first append adds its partition, each append is verified.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use protocol_tests::process::until;

use super::Scenario;
use super::transactions::{self, END_LIMIT, add, ending, id_of, settled};
use crate::records::{self, Origin};
use crate::side::{Side, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("transactions_v2::implicit_partitions", implicit_partitions),
    ("transactions_v2::verified_appends", verified_appends),
    ("transactions_v2::ends", ends),
    ("transactions_v2::several_at_once", several_at_once),
    ("transactions_v2::both_protocols_in_turn", both_protocols_in_turn),
];

/// The transaction before is still being ended.
pub const CONCURRENT_TRANSACTIONS: i16 = 51;

/// A transactional batch of one record.
pub fn batch(id: i64, epoch: i16, sequence: i32) -> bytes::Bytes {
    records::batch_of(Origin { id, epoch, sequence, transactional: true }, &["v"])
}

/// An append in a transaction.
pub fn produce(name: Option<&str>, to: &str, partition: i32, records: bytes::Bytes) -> ProduceRequest {
    let part = PartitionProduceData::default().with_index(partition).with_records(Some(records));
    let one = TopicProduceData::default().with_name(topic(to)).with_partition_data(vec![part]);
    ProduceRequest::default()
        .with_transactional_id(name.map(id_of))
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![one])
}

/// Appends, and says how it was answered; asks again while the transaction before it is being ended.
pub fn ask_produce(side: &mut Side, version: i16, request: &ProduceRequest) -> Result<(), String> {
    let answer = until("the transaction before", END_LIMIT, || match side.quietly(version, request) {
        Ok(Some(a)) if a.responses[0].partition_responses[0].error_code == CONCURRENT_TRANSACTIONS => None,
        other => Some(other),
    })??;
    side.record::<ProduceRequest>(version, answer.as_ref());
    Ok(())
}

/// What the coordinator has, without the times and ids that are each broker's own.
pub fn describe(side: &mut Side, name: &str) -> Result<(), String> {
    side.ask_sorted(0, &DescribeTransactionsRequest::default().with_transactional_ids(vec![id_of(name)]), |a| {
        for state in &mut a.transaction_states {
            state.transaction_start_time_ms = state.transaction_start_time_ms.min(1);
            state.topics.sort_by(|a, b| a.topic.cmp(&b.topic));
            state.topics.iter_mut().for_each(|t| t.partitions.sort_unstable());
        }
    })?;
    Ok(())
}

/// The last stable offset and the end of some partitions.
pub fn stable(side: &mut Side, of: &str, partitions: &[i32]) -> Result<(), String> {
    for isolation in [0, 1] {
        let part = |p: &i32| {
            ListOffsetsPartition::default().with_partition_index(*p).with_timestamp(-1).with_current_leader_epoch(-1)
        };
        let one =
            ListOffsetsTopic::default().with_name(topic(of)).with_partitions(partitions.iter().map(part).collect());
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![one]);
        side.ask_sorted(9, &request, |a| {
            for of in &mut a.topics {
                of.partitions.sort_by_key(|p| p.partition_index);
                // Of Kafka's leaders, each restart begins an epoch.
                of.partitions.iter_mut().for_each(|p| p.leader_epoch = p.leader_epoch.min(0));
            }
        })?;
    }
    Ok(())
}

fn implicit_partitions(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 3, &[])?;
    let name = side.name("id");
    let (id, epoch) = side.producer(Some(&name))?;
    side.about("the first append");
    side.ask(12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
    side.about("to another partition");
    side.ask(12, &produce(Some(&name), &made.name, 2, batch(id, epoch, 0)))?;
    side.about("again");
    side.ask(12, &produce(Some(&name), &made.name, 2, batch(id, epoch, 0)))?;
    side.about("a gap");
    side.ask(12, &produce(Some(&name), &made.name, 2, batch(id, epoch, 5)))?;
    side.about("a partition that is not there");
    side.ask(12, &produce(Some(&name), &made.name, 9, batch(id, epoch, 0)))?;
    describe(side, &name)?;
    stable(side, &made.name, &[0, 1, 2])?;
    side.about("committed");
    side.ask(5, &ending(&name, id, epoch, true))?;
    settled(side, &name)?;
    describe(side, &name)?;
    stable(side, &made.name, &[0, 1, 2])?;
    side.about("of the epoch before");
    ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 1)))?;
    side.about("of the epoch before, where it has not been");
    ask_produce(side, 12, &produce(Some(&name), &made.name, 1, batch(id, epoch, 0)))?;
    side.about("of the next epoch, not from 0");
    ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch + 1, 1)))?;
    side.about("of the next epoch");
    ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch + 1, 0)))?;
    side.about("by id");
    let mut by_id = produce(Some(&name), "", 1, batch(id, epoch + 1, 0));
    by_id.topic_data[0].topic_id = made.id;
    ask_produce(side, 13, &by_id)?;
    describe(side, &name)?;
    side.about("aborted");
    side.ask(5, &ending(&name, id, epoch + 1, false))?;
    settled(side, &name)?;
    stable(side, &made.name, &[0, 1, 2])
}

fn verified_appends(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let (name, other) = (side.name("id"), side.name("other"));
    let (id, epoch) = side.producer(Some(&name))?;
    let (other_id, other_epoch) = side.producer(Some(&other))?;
    for version in [3, 8, 9, 10, 11, 12] {
        for (about, name, id, epoch, sequence) in [
            ("of a name that is not there", Some("nobody"), id, epoch, 0),
            ("of a producer that is not there", Some(name.as_str()), id + 400_000, 0, 0),
            ("of an epoch to come", Some(&name), id, epoch + 1, 0),
            ("under another's name", Some(&other), id, epoch, 0),
            ("without a name", None, id, epoch, 0),
            ("under an empty name", Some(""), id, epoch, 0),
        ] {
            side.about(about);
            side.ask_or_closed(version, &produce(name, &made.name, 0, batch(id, epoch, sequence)))?;
        }
        if version < 12 {
            side.about("to what was not added");
            side.ask(version, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
        }
    }
    side.about("beginning not from 0");
    side.ask(12, &produce(Some(&other), &made.name, 1, batch(other_id, other_epoch, 7)))?;
    side.about("a batch that is not of a transaction");
    let plain = records::batch_of(Origin { id, epoch, sequence: 0, transactional: false }, &["v"]);
    side.ask_or_closed(12, &produce(Some(&name), &made.name, 0, plain.clone()))?;
    let third = side.name("third");
    let (third_id, third_epoch) = side.producer(Some(&third))?;
    side.about("in a transaction");
    side.ask(12, &produce(Some(&third), &made.name, 1, batch(third_id, third_epoch, 0)))?;
    side.about("not in a transaction, within one");
    let origin = Origin { id: third_id, epoch: third_epoch, sequence: 1, transactional: false };
    side.ask_or_closed(12, &produce(None, &made.name, 1, records::batch_of(origin, &["v"])))?;
    transactions::end(side, &third, third_id, third_epoch, true)?;
    side.about("in a transaction of its own");
    side.ask(12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
    let mixed = [batch(id, epoch, 1), batch(id, epoch, 2)].concat();
    side.about("two batches");
    side.ask_or_closed(12, &produce(Some(&name), &made.name, 0, mixed.into()))?;
    stable(side, &made.name, &[0, 1])?;
    describe(side, &name)?;
    side.about("the end");
    side.ask(5, &ending(&name, id, epoch, true))?;
    settled(side, &name)?;
    stable(side, &made.name, &[0, 1])
}

fn ends(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    for committed in [true, false] {
        let name = side.name(if committed { "committed" } else { "aborted" });
        let (id, mut epoch) = side.producer(Some(&name))?;
        let ask = |side: &mut Side, about: &str, version: i16, id: i64, epoch: i16, committed: bool| {
            side.about(format!("{about}, {committed}"));
            side.ask(version, &ending(&name, id, epoch, committed))?;
            settled(side, &name)
        };
        ask(side, "of a transaction that was not begun", 5, id, epoch, true)?;
        ask(side, "of another producer", 5, id + 300_000, epoch, committed)?;
        ask(side, "of an epoch to come", 5, id, epoch + 1, committed)?;
        ask(side, "of an epoch that cannot be", 5, id, -1, committed)?;
        side.about("something written");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
        ask(side, "as it should be", 5, id, epoch, committed)?;
        describe(side, &name)?;
        ask(side, "again, as its answer was lost", 5, id, epoch, committed)?;
        ask(side, "the other way", 5, id, epoch, !committed)?;
        epoch += 1;
        ask(side, "with nothing written", 5, id, epoch, true)?;
        ask(side, "with nothing written", 5, id, epoch, false)?;
        describe(side, &name)?;
        ask(side, "long ago", 5, id, epoch - 1, committed)?;
        epoch += 1;
        ask(side, "in the old version, with nothing written", 4, id, epoch, false)?;
        ask(side, "in the old version, with nothing written", 4, id, epoch, true)?;
        side.about("something written");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
        ask(side, "in the old version", 4, id, epoch, committed)?;
        describe(side, &name)?;
        ask(side, "in the old version, again", 4, id, epoch, committed)?;
        ask(side, "in the new version after the old", 5, id, epoch, committed)?;
        describe(side, &name)?;
    }
    stable(side, &made.name, &[0])
}

fn several_at_once(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    for version in 4..=5 {
        let names = [side.name(&format!("a{version}")), side.name(&format!("b{version}"))];
        let mut transactions = Vec::new();
        let mut ids = Vec::new();
        for name in &names {
            let (id, epoch) = side.producer(Some(name))?;
            transactions.extend(add(version, name, id, epoch, &[(&made.name, vec![0, 1])]).transactions);
            ids.push((id, epoch));
        }
        type One = AddPartitionsToTxnTransaction;
        let verify = |one: &One| one.clone().with_verify_only(true);
        let (a, b) = (transactions[0].clone(), transactions[1].clone());
        let elsewhere = |one: &One| {
            let mut one = one.clone();
            one.topics[0].partitions = vec![0, 9];
            one
        };
        for (about, list) in [
            ("verifies what was not added", vec![verify(&a)]),
            ("adds two", vec![a.clone(), b.clone()]),
            ("verifies both", vec![verify(&a), verify(&b)]),
            ("adds one and verifies the other", vec![a.clone(), verify(&b)]),
            ("verifies a partition that is not there", vec![verify(&elsewhere(&a))]),
            ("adds a partition that is not there", vec![elsewhere(&a)]),
            ("of an epoch to come", vec![a.clone().with_producer_epoch(ids[0].1 + 1)]),
            ("verifies an epoch to come", vec![verify(&a).with_producer_epoch(ids[0].1 + 1)]),
            ("of another producer", vec![a.clone().with_producer_id(ProducerId(ids[0].0 + 100_000))]),
            ("verifies another producer", vec![verify(&a).with_producer_id(ProducerId(ids[0].0 + 100_000))]),
            ("of a name that is not there", vec![a.clone().with_transactional_id(id_of("nobody"))]),
            ("verifies a name that is not there", vec![verify(&a).with_transactional_id(id_of("nobody"))]),
            ("of no name", vec![a.clone().with_transactional_id(id_of(""))]),
        ] {
            side.about(about);
            side.ask_or_closed_sorted(version, &AddPartitionsToTxnRequest::default().with_transactions(list), |a| {
                a.results_by_transaction.sort_by(|a, b| a.transactional_id.cmp(&b.transactional_id));
                for topic in a.results_by_transaction.iter_mut().flat_map(|t| &mut t.topic_results) {
                    topic.results_by_partition.sort_by_key(|p| p.partition_index);
                }
            })?;
        }
        for (name, (id, epoch)) in names.iter().zip(ids) {
            describe(side, name)?;
            transactions::end(side, name, id, epoch, false)?;
        }
    }
    Ok(())
}

fn both_protocols_in_turn(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("id");
    let (id, mut epoch) = side.producer(Some(&name))?;
    let mut sequence = 0;
    for (round, (append, end)) in [(11, 4), (12, 5), (11, 5), (12, 4), (11, 4)].into_iter().enumerate() {
        if append < 12 {
            let request = add(3, &name, id, epoch, &[(&made.name, vec![0])]);
            side.about(format!("round {round}: a partition is added"));
            side.ask(3, &request)?;
        }
        side.about(format!("round {round}: an append"));
        ask_produce(side, append, &produce(Some(&name), &made.name, 0, batch(id, epoch, sequence)))?;
        side.about(format!("round {round}: the end"));
        let answer = side.ask(end, &ending(&name, id, epoch, round % 2 == 0))?;
        settled(side, &name)?;
        describe(side, &name)?;
        sequence = if end == 5 { 0 } else { sequence + 1 };
        epoch = if end == 5 { answer.producer_epoch } else { epoch };
    }
    stable(side, &made.name, &[0])
}
