//! What every part of this test needs of librdkafka.

use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::time::{Duration, Instant};

pub use support::block_on;

#[path = "../support/block_on.rs"]
mod support;

pub const LIMIT: Duration = Duration::from_secs(60);
pub const POLL: Duration = Duration::from_millis(50);

pub fn text(error: impl ToString) -> String {
    error.to_string()
}

pub fn config(bootstrap: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    // A broker that is away for some seconds is looked for again soon.
    config.set("bootstrap.servers", bootstrap).set("reconnect.backoff.max.ms", "500");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config
}

pub fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>, String> {
    config(bootstrap, &[]).create().map_err(text)
}

pub fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT))
}

pub fn create_topic(bootstrap: &str, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<(), String> {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in configs {
        topic = topic.set(key, value);
    }
    let created = block_on(admin(bootstrap)?.create_topics([&topic], &options())).map_err(text)?;
    created.into_iter().try_for_each(|result| result.map(drop).map_err(|(name, code)| format!("{name}: {code}")))
}

pub fn delete_records(bootstrap: &str, topic: &str, before: i64) -> Result<(), String> {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, rdkafka::Offset::Offset(before)).map_err(text)?;
    block_on(admin(bootstrap)?.delete_records(&offsets, &options())).map(drop).map_err(text)
}

pub fn until<T>(what: &str, mut done: impl FnMut() -> Result<Option<T>, String>) -> Result<T, String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = done()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("not within {} s: {what}", LIMIT.as_secs()));
        }
    }
}
