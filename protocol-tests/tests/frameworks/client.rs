//! librdkafka beside the frameworks: makes their topics, feeds them, and reads what they committed.

use crate::block_on::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// For anything that is waited for; a framework needs seconds to start, and the machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(90);

/// An error as its text.
pub fn text(error: impl ToString) -> String {
    error.to_string()
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "50");
    config
}

/// Makes topics with so many partitions each.
pub fn create_topics(bootstrap: &str, names: &[&str], partitions: i32) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create().map_err(text)?;
    let topics: Vec<NewTopic<'_>> =
        names.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1))).collect();
    for created in block_on(admin.create_topics(&topics, &AdminOptions::new())).map_err(text)? {
        created.map_err(|(name, code)| format!("{name}: {code}"))?;
    }
    Ok(())
}

/// An idempotent producer that outlives the broker's absence.
pub struct Feeder(ThreadedProducer<DefaultProducerContext>);

impl Feeder {
    /// Connects to the broker.
    pub fn new(bootstrap: &str) -> Result<Self, String> {
        let mut config = client(bootstrap);
        config.set("enable.idempotence", "true").set("linger.ms", "5");
        config.create().map(Self).map_err(text)
    }

    /// Takes one record, which is acknowledged when [`Feeder::flush`] has returned.
    pub fn send(&self, topic: &str, key: &str, value: &str) -> Result<(), String> {
        self.0.send(BaseRecord::to(topic).key(key).payload(value)).map_err(|(error, _)| text(error))
    }

    /// Waits until the broker has all.
    pub fn flush(&self) -> Result<(), String> {
        self.0.flush(LIMIT).map_err(text)?;
        if self.0.in_flight_count() == 0 { Ok(()) } else { Err("not all records are acknowledged".into()) }
    }
}

/// Reads the committed records of a topic, on and on.
pub struct Reader(BaseConsumer);

impl Reader {
    /// At the beginning of every partition of the topic.
    pub fn new(bootstrap: &str, topic: &str, partitions: i32) -> Result<Self, String> {
        let mut config = client(bootstrap);
        config.set("group.id", "reader").set("isolation.level", "read_committed").set("enable.auto.commit", "false");
        config.set("fetch.wait.max.ms", "50").set("auto.offset.reset", "error");
        let consumer: BaseConsumer = config.create().map_err(text)?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset(topic, partition, Offset::Beginning).map_err(text)?;
        }
        consumer.assign(&assignment).map_err(text)?;
        Ok(Self(consumer))
    }

    /// The next record, or `None` when there is none within a tenth of a second or the broker is away.
    pub fn next(&self) -> Option<OwnedMessage> {
        Some(self.0.poll(Duration::from_millis(100))?.ok()?.detach())
    }
}

/// The offset that a group has committed for partition 0 of a topic.
pub fn committed(bootstrap: &str, group: &str, topic: &str) -> Result<i64, String> {
    let consumer: BaseConsumer = client(bootstrap).set("group.id", group).create().map_err(text)?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition(topic, 0);
    let answer = consumer.committed_offsets(partition, LIMIT).map_err(text)?;
    let offset = answer.elements().first().and_then(|element| element.offset().to_raw());
    offset.ok_or_else(|| format!("group {group} has no offset"))
}

/// A record's key and value as text.
pub fn key_and_value(message: &OwnedMessage) -> (String, String) {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    (text(message.key()), text(message.payload()))
}
