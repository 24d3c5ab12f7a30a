//! Everything that clients see of a broker's topics and groups, to be compared with what they see of the next.

use crate::client::{LIMIT, POLL, admin, block_on, config, options, text, until};
use crate::write::{GROUPS, TIMED_OUT};
use protocol_tests::wire::{Answer, Connection, request};
use rdkafka::admin::{ConfigSource, ResourceSpecifier};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message, Timestamp};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

type Partition = (String, i32);
/// The offset for a time, in each partition.
type Times = BTreeMap<(i64, Partition), Offset>;

/// One record with all that a consumer gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub time: Timestamp,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Topics by name: id, number of partitions, configs of its own.
type Topics = BTreeMap<String, (String, i32, BTreeMap<String, Option<String>>)>;

#[derive(Debug)]
pub struct Observed {
    /// By topic and isolation level.
    records: BTreeMap<(String, &'static str), Vec<Record>>,
    /// Beginning and end.
    offsets: BTreeMap<Partition, (i64, i64)>,
    times: Times,
    /// Committed offsets with their metadata.
    groups: BTreeMap<(String, Partition), (Offset, String)>,
    topics: Topics,
}

impl Observed {
    pub fn take(bootstrap: &str, port: u16) -> Result<Observed, String> {
        until("a leader of every partition", || Ok(metadata(port)?.values().all(|topic| topic.led).then_some(())))?;
        let topics = topics(bootstrap, port)?;
        let partitions: Vec<Partition> = topics
            .iter()
            .filter(|(name, _)| !name.starts_with("__"))
            .flat_map(|(name, (_, count, _))| (0..*count).map(move |number| (name.clone(), number)))
            .collect();
        let consumer: BaseConsumer = config(bootstrap, &[("group.id", "observer")]).create().map_err(text)?;
        let mut offsets = BTreeMap::new();
        for (topic, number) in &partitions {
            let found = consumer.fetch_watermarks(topic, *number, LIMIT).map_err(text)?;
            offsets.insert((topic.clone(), *number), found);
        }
        let mut records = BTreeMap::new();
        for topic in topics.keys().filter(|name| !name.starts_with("__")) {
            for isolation in ["read_uncommitted", "read_committed"] {
                records.insert((topic.clone(), isolation), read(bootstrap, topic, isolation)?);
            }
        }
        let times = times(&consumer, &partitions, &records)?;
        let groups = groups(bootstrap, &partitions)?;
        Ok(Observed { records, offsets, times, groups, topics })
    }

    /// Each aspect, and where it first differs.
    pub fn compare(&self, after: &Observed) -> Vec<(&'static str, Result<(), String>)> {
        // The broker ends that topic's transaction when it likes.
        let settled = |topic: &str| topic != TIMED_OUT;
        let only = |topic: &String| settled(topic);
        let records = |o: &Observed| -> BTreeMap<_, _> {
            o.records.iter().filter(|((topic, _), _)| only(topic)).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        let offsets = |o: &Observed| -> BTreeMap<_, _> {
            o.offsets.iter().filter(|((topic, _), _)| only(topic)).map(|(k, v)| (k.clone(), *v)).collect()
        };
        let times = |o: &Observed| -> Times {
            o.times.iter().filter(|((_, (topic, _)), _)| only(topic)).map(|(k, v)| (k.clone(), *v)).collect()
        };
        vec![
            ("records", same(&records(self), &records(after))),
            ("offsets", same(&offsets(self), &offsets(after))),
            ("times", same(&times(self), &times(after))),
            ("groups", same(&self.groups, &after.groups)),
            ("topics", same(&self.topics, &after.topics)),
        ]
    }
}

fn same<K: Ord + Debug, V: PartialEq + Debug>(before: &BTreeMap<K, V>, after: &BTreeMap<K, V>) -> Result<(), String> {
    if before.is_empty() {
        return Err("nothing was observed".into());
    }
    let short = |value: Option<&V>| format!("{value:?}").chars().take(600).collect::<String>();
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    match keys.into_iter().find(|key| before.get(key) != after.get(key)) {
        None => Ok(()),
        Some(key) => Err(format!("{key:?}: before {}\nafter {}", short(before.get(key)), short(after.get(key)))),
    }
}

/// All records of a topic, by partition and offset.
pub fn read(bootstrap: &str, topic: &str, isolation: &str) -> Result<Vec<Record>, String> {
    let settings = [
        ("group.id", "observer"),
        ("isolation.level", isolation),
        ("enable.partition.eof", "true"),
        ("enable.auto.commit", "false"),
        ("fetch.wait.max.ms", "10"),
    ];
    let consumer: BaseConsumer = config(bootstrap, &settings).create().map_err(text)?;
    // A broker that has just started may know a topic before its leaders.
    let metadata = until(&format!("leaders of {topic}"), || {
        let led = |m: &rdkafka::metadata::Metadata| {
            let partitions: Vec<_> = m.topics().iter().flat_map(|t| t.partitions()).collect();
            !partitions.is_empty() && partitions.iter().all(|p| p.error().is_none())
        };
        Ok(consumer.fetch_metadata(Some(topic), LIMIT).ok().filter(led))
    })?;
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics().first().ok_or("no metadata")?.partitions() {
        partitions.add_partition_offset(topic, partition.id(), Offset::Beginning).map_err(text)?;
    }
    consumer.assign(&partitions).map_err(text)?;
    let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
    until(&format!("the end of {topic}"), || {
        match consumer.poll(POLL) {
            Some(Ok(message)) => found.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            Some(Err(error)) => return Err(text(error)),
            None => {}
        }
        Ok((ended.len() == partitions.count()).then_some(()))
    })?;
    found.sort_by_key(|record| (record.partition, record.offset));
    Ok(found)
}

fn record(message: &impl Message) -> Record {
    let header = |h: rdkafka::message::Header<'_, &[u8]>| (h.key.to_owned(), h.value.map(<[u8]>::to_vec));
    Record {
        partition: message.partition(),
        offset: message.offset(),
        time: message.timestamp(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
    }
}

/// ListOffsets for the time of a record in the middle of each topic, for one before all and for one after all.
fn times(
    consumer: &BaseConsumer,
    partitions: &[Partition],
    records: &BTreeMap<(String, &'static str), Vec<Record>>,
) -> Result<Times, String> {
    let mut found = Times::new();
    for (topic, number) in partitions {
        let of_topic = &records[&(topic.clone(), "read_uncommitted")];
        let in_partition: Vec<i64> =
            of_topic.iter().filter(|r| r.partition == *number).filter_map(|r| r.time.to_millis()).collect();
        let middle = in_partition.get(in_partition.len() / 2).copied().unwrap_or(5);
        for time in [1, middle, middle + 1, i64::MAX - 1] {
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition_offset(topic, *number, Offset::Offset(time)).map_err(text)?;
            let offsets = consumer.offsets_for_times(wanted, LIMIT).map_err(text)?;
            let offset = offsets.elements().first().ok_or("no offset")?.offset();
            found.insert((time, (topic.clone(), *number)), offset);
        }
    }
    Ok(found)
}

/// Offset and metadata of each group's partitions.
type Committed = BTreeMap<(String, Partition), (Offset, String)>;

fn groups(bootstrap: &str, partitions: &[Partition]) -> Result<Committed, String> {
    let mut found = BTreeMap::new();
    for group in GROUPS {
        let member: BaseConsumer = config(bootstrap, &[("group.id", group)]).create().map_err(text)?;
        let mut wanted = TopicPartitionList::new();
        for (topic, number) in partitions {
            wanted.add_partition(topic, *number);
        }
        for element in member.committed_offsets(wanted, LIMIT).map_err(text)?.elements() {
            if element.offset() != Offset::Invalid {
                let partition = (element.topic().to_owned(), element.partition());
                found.insert(((*group).to_owned(), partition), (element.offset(), element.metadata().to_owned()));
            }
        }
        if !found.keys().any(|(of, _)| of == group) {
            return Err(format!("group {group} has no offsets"));
        }
    }
    Ok(found)
}

/// All topics that both brokers have; Kafka has one of its own for share groups.
fn topics(bootstrap: &str, port: u16) -> Result<Topics, String> {
    let ids = metadata(port)?;
    let names: Vec<&String> = ids.keys().filter(|name| *name != "__share_group_state").collect();
    let resources: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let described = block_on(admin(bootstrap)?.describe_configs(&resources, &options())).map_err(text)?;
    let mut topics = Topics::new();
    for (name, resource) in names.into_iter().zip(described) {
        let own = resource.map_err(text)?.entries.into_iter().filter(|e| e.source == ConfigSource::DynamicTopic);
        let topic = &ids[name];
        topics.insert(name.clone(), (topic.id.clone(), topic.partitions, own.map(|e| (e.name, e.value)).collect()));
    }
    Ok(topics)
}

/// What Metadata says of a topic.
struct Topic {
    id: String,
    partitions: i32,
    /// Every partition has a leader.
    led: bool,
}

/// Every topic by name, from Metadata version 12, which librdkafka does not show.
fn metadata(port: u16) -> Result<BTreeMap<String, Topic>, String> {
    let mut connection = Connection::open(port).map_err(text)?;
    // All topics, no creation, no authorized operations, no tags.
    connection.send(&request(3, 12, 2, 1, &[0, 0, 0, 0]));
    let Answer::Frame(frame) = connection.answer() else { return Err("no answer to Metadata".into()) };
    let mut fields = Fields(&frame);
    fields.skip(4 + 1 + 4); // correlation id, tags, throttle time
    for _ in 0..fields.count() {
        fields.skip(4);
        fields.string();
        fields.skip(4);
        fields.string();
        fields.skip(1);
    }
    fields.string(); // cluster id
    fields.skip(4); // controller
    let mut topics = BTreeMap::new();
    for _ in 0..fields.count() {
        fields.skip(2);
        let name = fields.string();
        let id: String = fields.take(16).iter().map(|byte| format!("{byte:02x}")).collect();
        fields.skip(1);
        let partitions = fields.count();
        let mut led = true;
        for _ in 0..partitions {
            fields.skip(2 + 4);
            led &= fields.take(4) != [0xff; 4];
            fields.skip(4);
            for _ in 0..3 {
                let replicas = fields.count();
                fields.skip(4 * replicas);
            }
            fields.skip(1);
        }
        fields.skip(4 + 1);
        topics.insert(name, Topic { id, partitions: i32::try_from(partitions).map_err(text)?, led });
    }
    Ok(topics)
}

/// The fields of an answer; a broker that lies about a length ends the test.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, length: usize) {
        self.take(length);
    }

    fn varint(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = usize::from(self.take(1)[0]);
            value |= (byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    /// The length of a compact array; 0 for null.
    fn count(&mut self) -> usize {
        self.varint().saturating_sub(1)
    }

    fn string(&mut self) -> String {
        let length = self.count();
        String::from_utf8_lossy(self.take(length)).into_owned()
    }
}
