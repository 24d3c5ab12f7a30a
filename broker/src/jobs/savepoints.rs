//! Savepoints by name: a topic for each, `__forebay-<job>-savepoint-<name>`, which outlives its job.

use forebay_processor::host::Host;
use forebay_processor::job::{SavepointHead, read_head, savepoint_spec};
use forebay_storage::ids::TopicPartition;

use super::host::BrokerHost;
use super::spec::check_name;

/// Longest name of a savepoint, in characters; with the job's it must fit a topic's name (249).
pub const MAX_SAVEPOINT_NAME: usize = 100;

const PREFIX: &str = "__forebay-";
const MIDDLE: &str = "-savepoint-";

/// A savepoint that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    /// The job it was made of.
    pub job: String,
    /// Its name.
    pub name: String,
    /// The job's statements then.
    pub sql: String,
    /// When it was made, ms since 1970.
    pub created_ms: i64,
    /// The topic that holds it.
    pub topic: String,
    /// Number of pipelines.
    pub pipelines: usize,
}

/// Characters of a topic's name, at most (Kafka: `Topic.MAX_NAME_LENGTH`).
const MAX_TOPIC: usize = 249;

/// The topic of a savepoint.
pub fn topic_of(job: &str, name: &str) -> Result<String, String> {
    check_name(name)
        .map_err(|why| why.replace("the job's name", "the savepoint's name").replace("a job", "a savepoint"))?;
    let topic = format!("{PREFIX}{job}{MIDDLE}{name}");
    if topic.len() > MAX_TOPIC {
        let most = MAX_TOPIC - (topic.len() - name.len()).min(MAX_TOPIC);
        return Err(format!("the savepoint's name may have {most} characters with a job of this name"));
    }
    Ok(topic)
}

/// Makes the empty topic of a new savepoint; false if there is one of that name.
pub fn create(host: &BrokerHost, topic: &str, pipelines: usize) -> Result<bool, String> {
    if host.partitions(topic).is_some() {
        return Ok(false);
    }
    host.ensure_topic(&savepoint_spec(topic, pipelines)).map(|_| true).map_err(|error| error.to_string())
}

/// Deletes a savepoint; false if there is none.
pub fn delete(host: &BrokerHost, topic: &str) -> Result<bool, String> {
    if host.partitions(topic).is_none() {
        return Ok(false);
    }
    host.metadata.delete_topic(topic).map(|()| true).map_err(|error| error.to_string())
}

/// Checks that nothing in a topic is other than the savepoint `name` of `job`. A part of one that was never whole is that too.
pub fn check_owner(host: &BrokerHost, topic: &str, job: &str, name: &str) -> Result<(), String> {
    for partition in 0..host.partitions(topic).unwrap_or(0) {
        let head = read_head(host, &TopicPartition::new(topic, partition)).map_err(|error| error.to_string())?;
        if let Some(head) = head
            && (head.job != job || head.savepoint != name)
        {
            return Err(format!("topic {topic} holds the savepoint {} of job {}", head.savepoint, head.job));
        }
    }
    Ok(())
}

/// All savepoints that are whole, or those of one job, by job and name.
pub fn list(host: &BrokerHost, job: Option<&str>) -> Vec<Savepoint> {
    let topics: Vec<String> = host.metadata.query(|machine| {
        let names = machine.topics().map(|topic| topic.name.to_string());
        names.filter(|name| name.starts_with(PREFIX) && name.contains(MIDDLE)).collect()
    });
    let mut found: Vec<Savepoint> = topics.iter().filter_map(|topic| open(host, topic).ok()).collect();
    found.retain(|savepoint| job.is_none_or(|job| savepoint.job == job));
    found.sort_by(|a, b| (&a.job, &a.name).cmp(&(&b.job, &b.name)));
    found
}

/// The savepoint in a topic; the text of an error says what is wrong with it.
pub fn open(host: &BrokerHost, topic: &str) -> Result<Savepoint, String> {
    let pipelines = host.partitions(topic).ok_or("there is no such savepoint")?;
    let mut heads: Vec<SavepointHead> = Vec::new();
    for partition in 0..pipelines {
        let head = read_head(host, &TopicPartition::new(topic, partition)).map_err(|error| error.to_string())?;
        heads.push(head.ok_or("it is not whole: it was being written when something failed")?);
    }
    let first = heads.into_iter().next().ok_or("it is empty")?;
    Ok(Savepoint {
        job: first.job,
        name: first.savepoint,
        sql: first.sql,
        created_ms: first.created_ms,
        topic: topic.to_owned(),
        pipelines: pipelines.unsigned_abs() as usize,
    })
}
