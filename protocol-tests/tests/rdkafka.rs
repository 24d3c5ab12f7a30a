//! librdkafka, through the crate `rdkafka` and built from source, against the real binary.

#![allow(clippy::unwrap_used)]

use libtest_mimic::Trial;
use protocol_tests::suite::{self, SharedNode};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// A test gets the bootstrap servers.
type Test = fn(&str) -> Result<(), String>;

fn main() -> ExitCode {
    suite::main(|| {
        let node = SharedNode::new("rdkafka");
        let tests: [(&str, Test); 12] = [
            ("round_trip_none", |b| round_trip(b, "none")),
            ("round_trip_gzip", |b| round_trip(b, "gzip")),
            ("round_trip_snappy", |b| round_trip(b, "snappy")),
            ("round_trip_lz4", |b| round_trip(b, "lz4")),
            ("round_trip_zstd", |b| round_trip(b, "zstd")),
            ("record_fields", record_fields),
            ("group_rebalance_range", |b| rebalance(b, "range")),
            ("group_rebalance_cooperative", |b| rebalance(b, "cooperative-sticky")),
            ("static_membership", static_membership),
            ("transaction_commit_abort", transaction_commit_abort),
            ("consume_transform_produce", consume_transform_produce),
            ("zombie_fencing", zombie_fencing),
        ];
        tests.into_iter().map(|(name, test)| node.trial(name, test)).collect::<Vec<Trial>>()
    })
}

// ---- what every test needs

/// A name that no other test of this run uses.
fn unique(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("rdkafka-{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn same<T: PartialEq + std::fmt::Debug>(expected: T, actual: T, what: &str) -> Result<(), String> {
    if expected == actual { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {actual:?}")) }
}

fn until(what: &str, mut done: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let deadline = Instant::now() + LIMIT;
    while !done()? {
        if Instant::now() > deadline {
            return Err(format!("not within {} s: {what}", LIMIT.as_secs()));
        }
    }
    Ok(())
}

/// The first failed delivery of a producer.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Option<String>>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap().get_or_insert(error.to_string());
        }
    }
}

type TestProducer = ThreadedProducer<Deliveries>;

fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> Result<TestProducer, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("linger.ms", "5");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create_with_context(Deliveries::default()).map_err(text)
}

/// Sends `v<from>` to `v<to>` and waits until all are acknowledged.
fn produce(producer: &TestProducer, topic: &str, from: usize, to: usize) -> Result<(), String> {
    for i in from..to {
        let (key, value) = (format!("k{i}"), format!("v{i}"));
        producer.send(BaseRecord::to(topic).key(&key).payload(&value)).map_err(|(e, _)| text(e))?;
    }
    delivered(producer)
}

fn delivered(producer: &TestProducer) -> Result<(), String> {
    producer.flush(LIMIT).map_err(text)?;
    producer.context().0.lock().unwrap().take().map_or(Ok(()), |error| Err(format!("not delivered: {error}")))
}

fn values(from: usize, to: usize) -> Vec<String> {
    let mut all: Vec<String> = (from..to).map(|i| format!("v{i}")).collect();
    all.sort();
    all
}

/// What a member of a group owns and what it was told.
#[derive(Default)]
struct Membership {
    owned: Mutex<BTreeSet<i32>>,
    events: Mutex<Vec<String>>,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        self.note("revoked", partitions, |owned, partition| owned.remove(partition));
    }
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(partitions) = rebalance else { return };
        self.note("assigned", partitions, |owned, partition| owned.insert(*partition));
    }
}

impl Membership {
    fn note(&self, what: &str, partitions: &TopicPartitionList, change: fn(&mut BTreeSet<i32>, &i32) -> bool) {
        let named: BTreeSet<i32> = partitions.elements().iter().map(|element| element.partition()).collect();
        for partition in &named {
            change(&mut self.owned.lock().unwrap(), partition);
        }
        if !named.is_empty() {
            self.events.lock().unwrap().push(format!("{what} {named:?}"));
        }
    }
}

fn consumer(bootstrap: &str, settings: &[(&str, &str)]) -> Result<BaseConsumer<Membership>, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "rdkafka-none").set("auto.offset.reset", "earliest");
    config.set("enable.auto.commit", "false").set("heartbeat.interval.ms", "300").set("session.timeout.ms", "10000");
    config.set("fetch.wait.max.ms", "50").set("enable.partition.eof", "false");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create_with_context(Membership::default()).map_err(text)
}

/// Every value of the topic from its beginning to its end, without a group.
fn read_all(bootstrap: &str, topic: &str, isolation: &str) -> Result<Vec<String>, String> {
    let consumer = consumer(bootstrap, &[("isolation.level", isolation), ("enable.partition.eof", "true")])?;
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).map_err(text)?;
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics().first().ok_or("no metadata")?.partitions() {
        partitions.add_partition_offset(topic, partition.id(), Offset::Beginning).map_err(text)?;
    }
    consumer.assign(&partitions).map_err(text)?;
    let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
    until(&format!("the end of {topic}"), || {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                found.push(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned())
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            Some(Err(error)) => return Err(text(error)),
            None => {}
        }
        Ok(ended.len() == partitions.count())
    })?;
    found.sort();
    Ok(found)
}

fn create_topic(bootstrap: &str, name: &str, partitions: i32) -> Result<String, String> {
    use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
    let topic = unique(name);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().map_err(text)?;
    let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
    let created = support::block_on(admin.create_topics([&new], &AdminOptions::new().operation_timeout(Some(LIMIT))))
        .map_err(text)?;
    created.into_iter().next().ok_or("no answer")?.map_err(|(name, code)| format!("{name}: {code}"))?;
    Ok(topic)
}

// ---- produce and consume

fn round_trip(bootstrap: &str, codec: &str) -> Result<(), String> {
    let topic = create_topic(bootstrap, codec, 3)?;
    let producer = producer(bootstrap, &[("compression.type", codec), ("enable.idempotence", "true")])?;
    let mut sent: Vec<String> = (0..500).map(|i| format!("{i}{}", "repeat me ".repeat(50))).collect();
    for value in &sent {
        producer.send(BaseRecord::to(&topic).key(&value[..4]).payload(value)).map_err(|(e, _)| text(e))?;
    }
    delivered(&producer)?;
    sent.sort();
    same(sent, read_all(bootstrap, &topic, "read_uncommitted")?, codec)
}

fn record_fields(bootstrap: &str) -> Result<(), String> {
    let topic = create_topic(bootstrap, "fields", 1)?;
    let producer = producer(bootstrap, &[])?;
    let headers = OwnedHeaders::new()
        .insert(Header { key: "a", value: Some("1") })
        .insert(Header { key: "a", value: None::<&str> });
    let record: BaseRecord<'_, str, str> =
        BaseRecord::to(&topic).payload("no key").timestamp(1_234_567_890_123).headers(headers);
    producer.send(record).map_err(|(e, _)| text(e))?;
    producer.send(BaseRecord::<'_, str, str>::to(&topic).key("no value")).map_err(|(e, _)| text(e))?;
    delivered(&producer)?;
    let consumer = consumer(bootstrap, &[])?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(&topic, 0, Offset::Beginning).map_err(text)?;
    consumer.assign(&partitions).map_err(text)?;
    let mut found = Vec::new();
    until("two records", || {
        found.extend(consumer.poll(POLL).transpose().map_err(text)?.map(|message| message.detach()));
        Ok(found.len() == 2)
    })?;
    same(None, found[0].key(), "key")?;
    same(Some(1_234_567_890_123), found[0].timestamp().to_millis(), "timestamp")?;
    let headers = found[0].headers().ok_or("no headers")?;
    same(vec![("a", Some(&b"1"[..])), ("a", None)], headers.iter().map(|h| (h.key, h.value)).collect(), "headers")?;
    same(None, found[1].payload(), "value")?;
    same(1, found[1].offset(), "offset")
}

// ---- groups

/// Polls all members in turn until `done`, collecting what they read.
fn poll_members(
    what: &str,
    members: &[&BaseConsumer<Membership>],
    found: &mut Vec<String>,
    done: impl Fn(&[BTreeSet<i32>], usize) -> bool,
) -> Result<(), String> {
    until(what, || {
        for member in members {
            if let Some(message) = member.poll(Duration::from_millis(10)).transpose().map_err(text)? {
                found.push(String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned());
                match member.commit_message(&message, rdkafka::consumer::CommitMode::Sync) {
                    // The position is committed again with the next message, or read again after the rebalance.
                    Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress)) => {}
                    Err(error) => return Err(text(error)),
                }
            }
        }
        let owned: Vec<_> = members.iter().map(|member| member.context().owned.lock().unwrap().clone()).collect();
        Ok(done(&owned, found.len()))
    })
}

fn join(bootstrap: &str, topic: &str, settings: &[(&str, &str)]) -> Result<BaseConsumer<Membership>, String> {
    let member = consumer(bootstrap, settings)?;
    member.subscribe(&[topic]).map_err(text)?;
    Ok(member)
}

fn rebalance(bootstrap: &str, strategy: &str) -> Result<(), String> {
    let topic = create_topic(bootstrap, strategy, 4)?;
    let group = unique("group");
    let settings = [("group.id", group.as_str()), ("partition.assignment.strategy", strategy)];
    let producer = producer(bootstrap, &[])?;
    produce(&producer, &topic, 0, 100)?;
    let mut found = Vec::new();
    let first = join(bootstrap, &topic, &settings)?;
    poll_members("the first member owns and reads all", &[&first], &mut found, |owned, read| {
        owned[0].len() == 4 && read == 100
    })?;
    let second = join(bootstrap, &topic, &settings)?;
    let both = [&first, &second];
    poll_members("two and two", &both, &mut found, |owned, _| {
        owned.iter().all(|o| o.len() == 2) && owned[0].is_disjoint(&owned[1])
    })?;
    if strategy == "cooperative-sticky" {
        let taken = format!("revoked {:?}", second.context().owned.lock().unwrap());
        same(
            taken,
            first.context().events.lock().unwrap()[1].clone(),
            "a cooperative member gives up only what another takes",
        )?;
    }
    produce(&producer, &topic, 100, 200)?;
    poll_members("both read on", &both, &mut found, |_, read| read >= 200)?;
    found.sort();
    same(values(0, 200), found, "read by the group")?;
    drop(second);
    poll_members("the first member owns all again", &[&first], &mut Vec::new(), |owned, _| owned[0].len() == 4)
}

fn static_membership(bootstrap: &str) -> Result<(), String> {
    let topic = create_topic(bootstrap, "static", 4)?;
    let group = unique("group");
    let settings =
        |instance| [("group.id", group.as_str()), ("group.instance.id", instance), ("session.timeout.ms", "30000")];
    let mut found = Vec::new();
    let first = join(bootstrap, &topic, &settings("one"))?;
    let second = join(bootstrap, &topic, &settings("two"))?;
    poll_members("two and two", &[&first, &second], &mut found, |owned, _| owned.iter().all(|o| o.len() == 2))?;
    let before = second.context().owned.lock().unwrap().clone();
    let events = first.context().events.lock().unwrap().clone();
    drop(second);
    produce(&producer(bootstrap, &[])?, &topic, 0, 50)?;
    let again = join(bootstrap, &topic, &settings("two"))?;
    poll_members("the restarted member has its partitions back", &[&first, &again], &mut found, |owned, read| {
        owned[1] == before && read == 50
    })?;
    same(events, first.context().events.lock().unwrap().clone(), "a static restart causes no rebalance for the others")
}

// ---- transactions

fn transaction_commit_abort(bootstrap: &str) -> Result<(), String> {
    let topic = create_topic(bootstrap, "transactions", 2)?;
    let producer = producer(bootstrap, &[("transactional.id", &unique("tx"))])?;
    producer.init_transactions(LIMIT).map_err(text)?;
    for (from, commit) in [(0, true), (50, false), (100, true)] {
        producer.begin_transaction().map_err(text)?;
        produce(&producer, &topic, from, from + 50)?;
        if commit {
            producer.commit_transaction(LIMIT).map_err(text)?;
        } else {
            same(
                50,
                read_all(bootstrap, &topic, "read_committed")?.len(),
                "read_committed stops at the open transaction",
            )?;
            producer.abort_transaction(LIMIT).map_err(text)?;
        }
    }
    let mut committed = [values(0, 50), values(100, 150)].concat();
    committed.sort();
    same(committed, read_all(bootstrap, &topic, "read_committed")?, "read_committed")?;
    same(values(0, 150), read_all(bootstrap, &topic, "read_uncommitted")?, "read_uncommitted")
}

fn consume_transform_produce(bootstrap: &str) -> Result<(), String> {
    let (source, sink) = (create_topic(bootstrap, "ctp-in", 2)?, create_topic(bootstrap, "ctp-out", 2)?);
    let (group, id) = (unique("group"), unique("ctp"));
    produce(&producer(bootstrap, &[])?, &source, 0, 100)?;
    // Each round takes the work over with the same transactional id; the second gives its work up.
    for (records, commit) in [(60, true), (20, false), (40, true)] {
        let producer = producer(bootstrap, &[("transactional.id", &id)])?;
        producer.init_transactions(LIMIT).map_err(text)?;
        let consumer = join(bootstrap, &source, &[("group.id", &group), ("isolation.level", "read_committed")])?;
        let mut taken = 0;
        producer.begin_transaction().map_err(text)?;
        until("the records of a round", || {
            if let Some(message) = consumer.poll(POLL).transpose().map_err(text)? {
                let value = format!("out {}", String::from_utf8_lossy(message.payload().unwrap_or_default()));
                producer.send(BaseRecord::<'_, [u8], str>::to(&sink).payload(&value)).map_err(|(e, _)| text(e))?;
                taken += 1;
            }
            Ok(taken == records)
        })?;
        let group_metadata = consumer.group_metadata().ok_or("no group metadata")?;
        let position = consumer.position().map_err(text)?;
        producer.send_offsets_to_transaction(&position, &group_metadata, LIMIT).map_err(text)?;
        if commit { producer.commit_transaction(LIMIT) } else { producer.abort_transaction(LIMIT) }.map_err(text)?;
    }
    let mut expected: Vec<String> = values(0, 100).iter().map(|value| format!("out {value}")).collect();
    expected.sort();
    same(expected, read_all(bootstrap, &sink, "read_committed")?, "transformed exactly once")
}

fn zombie_fencing(bootstrap: &str) -> Result<(), String> {
    let (topic, id) = (create_topic(bootstrap, "zombie", 1)?, unique("zombie"));
    let begin = || {
        let producer = producer(bootstrap, &[("transactional.id", &id)])?;
        producer.init_transactions(LIMIT).map_err(text)?;
        producer.begin_transaction().map_err(text)?;
        Ok::<_, String>(producer)
    };
    let zombie = begin()?;
    produce(&zombie, &topic, 0, 1)?;
    let heir = begin()?;
    produce(&heir, &topic, 1, 2)?;
    let _ = zombie.send(BaseRecord::<'_, str, str>::to(&topic).payload("too late"));
    match zombie.commit_transaction(LIMIT) {
        Ok(()) => return Err("the zombie committed".into()),
        Err(error) => match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::Fenced | RDKafkaErrorCode::InvalidProducerEpoch | RDKafkaErrorCode::ProducerFenced,
            ) => {}
            other => return Err(format!("the zombie got {other:?}: {error}")),
        },
    }
    heir.commit_transaction(LIMIT).map_err(text)?;
    same(values(1, 2), read_all(bootstrap, &topic, "read_committed")?, "read_committed")
}

#[path = "support/block_on.rs"]
mod support;
