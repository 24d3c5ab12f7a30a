//! What the tests of the clicks job share: topics, the producer, the reader, the job itself.

mod block_on;

use block_on::block_on;
use protocol_tests::broker::Node;
use protocol_tests::clicks::{self, Row};
use protocol_tests::{binary, process};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The job's input topic.
pub const INPUT: &str = "website-clicks";
/// The job's output topic.
pub const OUTPUT: &str = "user-metrics";
/// Partitions of both.
pub const PARTITIONS: i32 = 4;
/// For anything that is waited for.
pub const LIMIT: Duration = Duration::from_secs(60);

/// An error as its text.
pub fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Starts settings of a client.
pub fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "50");
    config
}

/// Makes topics with [`PARTITIONS`] partitions each and the given settings.
pub fn create_topics(bootstrap: &str, names: &[&str], settings: &[(&str, &str)]) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create().map_err(text)?;
    let topic = |name| {
        settings.iter().fold(NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)), |t, (k, v)| t.set(k, v))
    };
    let topics: Vec<NewTopic<'_>> = names.iter().copied().map(topic).collect();
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    for created in block_on(admin.create_topics(&topics, &options)).map_err(text)? {
        created.map_err(|(name, code)| format!("{name}: {code}"))?;
    }
    Ok(())
}

/// Runs `forebay` with `--admin` of the node; answers its standard output.
pub fn forebay(node: &Node, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(binary::forebay());
    command.args(arguments).args(["--admin", &node.admin_url()]);
    process::run(command, "", LIMIT)
}

/// Registers the clicks job under the name `clicks`.
pub fn apply_job(node: &Node) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/clicks_job.sql");
    forebay(node, &["job", "apply", &file.display().to_string(), "--name", "clicks"]).map(drop)
}

/// A consumer of committed records at the beginning of every partition of a topic.
fn reader(bootstrap: &str, topic: &str) -> Result<BaseConsumer, String> {
    let mut config = client(bootstrap);
    config.set("group.id", "reader").set("isolation.level", "read_committed").set("enable.partition.eof", "true");
    config.set("fetch.wait.max.ms", "100").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().map_err(text)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).map_err(text)?;
    }
    consumer.assign(&assignment).map_err(text)?;
    Ok(consumer)
}

/// Gives every committed record of a topic to `each` until that answers true; an error is the partition whose end was reached.
fn read(
    bootstrap: &str,
    topic: &str,
    what: &str,
    mut each: impl FnMut(Result<OwnedMessage, i32>) -> Result<bool, String>,
) -> Result<(), String> {
    let consumer = reader(bootstrap, topic)?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let seen = match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => Ok(message.detach()),
            Some(Err(KafkaError::PartitionEOF(partition))) => Err(partition),
            None => continue,
            Some(Err(error)) => return Err(text(error)),
        };
        if each(seen)? {
            return Ok(());
        }
    }
    Err(format!("not within {} s: {what}", LIMIT.as_secs()))
}

/// Every committed record of a topic that does not grow.
pub fn read_all(bootstrap: &str, topic: &str) -> Result<Vec<OwnedMessage>, String> {
    let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
    read(bootstrap, topic, &format!("the end of {topic}"), |seen| {
        match seen {
            Ok(message) => found.push(message),
            Err(partition) => {
                ended.insert(partition);
            }
        }
        Ok(ended.len() as i32 == PARTITIONS)
    })?;
    Ok(found)
}

/// Waits until the windows of the first round of [`Clicks::closers`] are out (a second round must have been sent to close
/// them), which come after those of all real clicks; then answers the rows of the real clicks.
///
/// [`Clicks::closers`]: protocol_tests::clicks::Clicks::closers
pub fn output_rows(bootstrap: &str) -> Result<Vec<Row>, String> {
    let (mut closed, mut rows) = (BTreeSet::new(), 0);
    let waited = read(bootstrap, OUTPUT, "the rows of the events that close all windows", |seen| {
        if let Ok(message) = seen {
            let row = clicks::output_row(message.payload().unwrap_or_default())?;
            rows += 1;
            if clicks::is_closer(&row) {
                closed.insert(row.user_id);
            }
        }
        Ok(closed.len() as i32 == PARTITIONS)
    });
    waited.map_err(|error| format!("{error}; {rows} rows so far, of these closing: {closed:?}"))?;
    let all = read_all(bootstrap, OUTPUT)?;
    let rows: Result<Vec<Row>, String> =
        all.iter().map(|m| clicks::output_row(m.payload().unwrap_or_default())).collect();
    Ok(rows?.into_iter().filter(|row| !clicks::is_closer(row)).collect())
}
