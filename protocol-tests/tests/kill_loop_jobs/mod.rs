//! Hopping windows, sessions, late rows into a topic and dead letters while the broker is killed: what must be there is computed from the input
//! topic as it finally is, and compared record by record, in the order of each key. What befalls the folder between two lives is in [`between`], a job of joins and of
//! results that change in [`changing`].

mod between;
pub mod changing;

use std::collections::BTreeMap;
use std::time::Duration;

use protocol_tests::broker::Node;
use protocol_tests::clicks::{self, Clicks, Random};
use protocol_tests::process::until;
use rdkafka::message::{Headers, Message, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use serde_json::Value;

use between::Between;

use crate::support::{self, INPUT, LIMIT, PARTITIONS};

/// How often the broker is killed, if `KILL_LOOP_KILLS` does not say.
const KILLS: usize = 8;
const DELIVERY_LIMIT: Duration = Duration::from_secs(240);
/// Events, so many before each kill and after the last.
const EVENTS_A_LIFE: usize = 600;
const OUTPUTS: [&str; 6] = ["hops", "sessions", "tumbles", "late-clicks", "shares", "dead-clicks"];
/// Those that windows put out.
const WINDOWED: [&str; 3] = ["hops", "sessions", "tumbles"];
const HOP_MS: i64 = 5_000;
const HOPS_A_WINDOW: i64 = 2;
const GAP_MS: i64 = 4_000;
/// How long the clicks last; after that they come again, so much later.
const CLICKS_MS: i64 = 1_000_000;
const TUMBLE_MS: i64 = 5_000;
const TUMBLE_DELAY_MS: i64 = 10_000;

/// What must be in the topics.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// User and window end to number of clicks; only of windows that have closed.
    hops: BTreeMap<(String, i64), Vec<i64>>,
    sessions: BTreeMap<(String, i64), Vec<i64>>,
    tumbles: BTreeMap<(String, i64), Vec<i64>>,
    /// Partition and offset, in the order of the topic, by partition.
    late: BTreeMap<i64, Vec<i64>>,
    dead: BTreeMap<i64, Vec<(i64, String)>>,
    /// The rows of each input partition, which are in one partition of the topic.
    shares: BTreeMap<i64, Vec<String>>,
}

/// How the job is run.
#[derive(Clone, Copy)]
pub struct Way {
    /// Tasks a stage.
    pub parallelism: usize,
    /// `forebay.state.memory`, if it is so little that state goes to disk.
    pub memory: Option<&'static str>,
}

impl Way {
    fn settings(self) -> String {
        let Way { parallelism, memory } = self;
        let memory = memory.map(|memory| format!("SET 'forebay.state.memory' = '{memory}';\n")).unwrap_or_default();
        format!("SET 'parallelism.default' = '{parallelism}';\n{memory}")
    }
}

/// The job, that way.
pub fn run(node: &mut Node, random: &mut Random, way: Way) -> Result<(), String> {
    let kills = crate::kills(KILLS);
    let parallelism = way.parallelism;
    let bootstrap = node.bootstrap();
    support::create_topics(&bootstrap, &[INPUT], &[])?;
    support::create_topics(&bootstrap, &OUTPUTS, &[])?;
    let sql = include_str!("../sql/policies_job.sql");
    let file = node.log_dir().with_file_name("policies_job.sql");
    std::fs::write(&file, format!("{}{sql}", way.settings())).map_err(support::text)?;
    support::forebay(node, &["job", "apply", &file.to_string_lossy(), "--name", "policies"])?;
    let mut config = support::client(&bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "2").set("retry.backoff.ms", "20");
    config.set("batch.num.messages", "20");
    config.set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string()).set("socket.timeout.ms", "10000");
    let producer: ThreadedProducer<rdkafka::producer::DefaultProducerContext> =
        config.create().map_err(support::text)?;
    let clicks = Clicks::generate();
    let mut between = Between::new(node);
    let (mut life, mut killed, mut lives_with_output) = (0, 0, 0);
    loop {
        let begun = crate::Life::begin(node, &WINDOWED);
        for number in life * EVENTS_A_LIFE..(life + 1) * EVENTS_A_LIFE {
            let click = &clicks.events[number % clicks.events.len()];
            let time = click.event_time + (number / clicks.events.len()) as i64 * CLICKS_MS;
            let value = click.value.replace(&click.event_time.to_string(), &time.to_string());
            let value = match number % 40 {
                7 => "no row".to_owned(),
                23 => value.replace("\"bytes\":", "\"bytes\":0,\"was\":"),
                _ => value,
            };
            send(&producer, &click.user_id, &value, None)?;
        }
        if killed == kills {
            break;
        }
        if life % 2 == 1 && way.memory.is_some() {
            let on_disk = || !between::stores(&node.log_dir()).unwrap_or_default().is_empty();
            until("state goes to disk", DELIVERY_LIMIT, || on_disk().then_some(()))?;
        }
        lives_with_output += usize::from(begun.kill(node, random, life)?);
        life += 1;
        killed += 1;
        killed += between.start(node, random, killed < kills)?;
    }
    crate::enough_output(lives_with_output, life)?;
    println!(
        "{} left state on disk; {} starts were killed, {} of them while state was made anew",
        between.with_store, between.starts, between.restoring
    );
    producer.flush(DELIVERY_LIMIT).map_err(support::text)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            send(&producer, &click.user_id, &click.value, Some(partition))?;
        }
        producer.flush(DELIVERY_LIMIT).map_err(support::text)?;
    }
    let described = || {
        let text = support::forebay(node, &["job", "describe", "policies", "-o", "json"]).ok()?;
        let job: Value = serde_json::from_str(&text).ok()?;
        // Three INSERT INTO have windows, and so a repartition topic each if they have several tasks.
        let between = if parallelism > 1 { 3 * parallelism } else { 0 };
        let read = job["partitions"].as_array().is_some_and(|all| all.len() == 4 * PARTITIONS as usize + between);
        (read && job["lag_records"] == 0).then_some(())
    };
    until("the job has read everything", LIMIT, described)?;
    let expected = expected(&by_partition(support::read_all(&bootstrap, INPUT)?));
    // A task that merges may not have heard yet of what it has to read. What is wrong at the end is told below.
    let all_there = || (found(&bootstrap).ok()? == expected).then_some(());
    if parallelism > 1 && until("all results are there", LIMIT, all_there).is_err() {
        println!("something is missing or too much");
    }
    // A pause is at a commit: nothing comes after it.
    support::forebay(node, &["job", "pause", "policies"])?;
    let found = found(&bootstrap)?;
    let count = |outcome: &Outcome| {
        let late: usize = outcome.late.values().map(Vec::len).sum();
        let dead: usize = outcome.dead.values().map(Vec::len).sum();
        let shares: usize = outcome.shares.values().map(Vec::len).sum();
        [outcome.hops.len(), outcome.sessions.len(), outcome.tumbles.len(), late, dead, shares]
    };
    println!("hops, sessions, tumbles, late, dead, shares: {:?}", count(&expected));
    if count(&expected).contains(&0) {
        return Err(format!("there is nothing of one kind: {:?}", count(&expected)));
    }
    for (name, same) in [
        ("hops", expected.hops == found.hops),
        ("sessions", expected.sessions == found.sessions),
        ("tumbles", expected.tumbles == found.tumbles),
        ("late-clicks", expected.late == found.late),
        ("dead-clicks", expected.dead == found.dead),
        ("shares", expected.shares == found.shares),
    ] {
        if !same {
            return Err(format!(
                "{name} is not what it must be: expected {:?}, found {:?}",
                count(&expected),
                count(&found)
            ));
        }
    }
    Ok(())
}

fn send<C: rdkafka::producer::ProducerContext<DeliveryOpaque = ()> + 'static>(
    producer: &ThreadedProducer<C>,
    key: &str,
    value: &str,
    partition: Option<i32>,
) -> Result<(), String> {
    let mut record = BaseRecord::to(INPUT).key(key).payload(value);
    record.partition = partition;
    producer.send(record).map_err(|(error, _)| error.to_string())
}

/// The values of each partition in the order of their offsets.
fn by_partition(messages: Vec<OwnedMessage>) -> BTreeMap<i32, Vec<OwnedMessage>> {
    let mut partitions: BTreeMap<i32, Vec<OwnedMessage>> = BTreeMap::new();
    for message in messages {
        partitions.entry(message.partition()).or_default().push(message);
    }
    partitions.values_mut().for_each(|messages| messages.sort_by_key(Message::offset));
    partitions
}

/// By the rules, from the input as it is in the log.
fn expected(input: &BTreeMap<i32, Vec<OwnedMessage>>) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut hops, mut tumbles) = (BTreeMap::new(), BTreeMap::new());
    let mut times: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (partition, messages) in input {
        let mut watermark = i64::MIN;
        for message in messages {
            let value = message.payload().unwrap_or_default();
            let Ok(click) = serde_json::from_slice::<Value>(value) else {
                outcome.dead.entry((*partition).into()).or_default().push((message.offset(), "decode".to_owned()));
                continue;
            };
            let (user, bytes) = (click["user_id"].as_str().unwrap().to_owned(), click["bytes"].as_i64().unwrap());
            let time = click["event_time"].as_i64().unwrap();
            if bytes == 0 {
                outcome.dead.entry((*partition).into()).or_default().push((message.offset(), "evaluate".to_owned()));
            } else {
                let row = format!("{user} {}", 1_000_000 / bytes);
                outcome.shares.entry((*partition).into()).or_default().push(row);
            }
            times.entry(user.clone()).or_default().push(time);
            let slice = time - time % HOP_MS + HOP_MS;
            (0..HOPS_A_WINDOW).for_each(|n| *hops.entry((user.clone(), slice + n * HOP_MS)).or_insert(0) += 1);
            let end = time - time % TUMBLE_MS + TUMBLE_MS;
            if watermark >= end - 1 {
                outcome.late.entry((*partition).into()).or_default().push(message.offset());
            } else {
                *tumbles.entry((user, end)).or_insert(0) += 1;
            }
            watermark = watermark.max(time - TUMBLE_DELAY_MS);
        }
    }
    // All windows but those of the last events, which are days after the others, have closed.
    let closed = |counts: BTreeMap<(String, i64), i64>| {
        counts
            .into_iter()
            .filter(|((user, _), _)| !user.starts_with("closer-"))
            .map(|(key, n)| (key, vec![n]))
            .collect()
    };
    (outcome.hops, outcome.tumbles) = (closed(hops), closed(tumbles));
    outcome.sessions = closed(sessions(times));
    outcome
}

/// The end and the number of rows of each user's sessions: rows exactly a gap apart are in one.
fn sessions(times: BTreeMap<String, Vec<i64>>) -> BTreeMap<(String, i64), i64> {
    let mut sessions = BTreeMap::new();
    for (user, mut times) in times {
        times.sort_unstable();
        for session in times.chunk_by(|before, after| after - before <= GAP_MS) {
            let last = session.last().expect("a chunk is not empty");
            sessions.insert((user.clone(), last + GAP_MS), session.len() as i64);
        }
    }
    sessions
}

fn found(bootstrap: &str) -> Result<Outcome, String> {
    let of = |topic| windows(bootstrap, topic);
    let mut outcome =
        Outcome { hops: of("hops")?, sessions: of("sessions")?, tumbles: of("tumbles")?, ..Outcome::default() };
    for messages in by_partition(support::read_all(bootstrap, "late-clicks")?).values() {
        for message in messages {
            outcome
                .late
                .entry(number(message, "__forebay.partition")?)
                .or_default()
                .push(number(message, "__forebay.offset")?);
        }
    }
    for messages in by_partition(support::read_all(bootstrap, "dead-clicks")?).values() {
        for message in messages {
            let letter = (number(message, "__forebay.offset")?, header(message, "__forebay.error.class")?);
            outcome.dead.entry(number(message, "__forebay.partition")?).or_default().push(letter);
        }
    }
    for (partition, messages) in by_partition(support::read_all(bootstrap, "shares")?) {
        for message in messages {
            let row: Value = serde_json::from_slice(message.payload().unwrap_or_default()).map_err(support::text)?;
            let row = format!("{} {}", row["user_id"].as_str().ok_or("a row without its user")?, row["share"]);
            outcome.shares.entry(partition.into()).or_default().push(row);
        }
    }
    Ok(outcome)
}

/// All results of each window, which must be one; those of a user must come in the order of time.
fn windows(bootstrap: &str, topic: &str) -> Result<BTreeMap<(String, i64), Vec<i64>>, String> {
    let mut rows: BTreeMap<(String, i64), Vec<i64>> = BTreeMap::new();
    for (partition, messages) in by_partition(support::read_all(bootstrap, topic)?) {
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for message in messages {
            let row: Value = serde_json::from_slice(message.payload().unwrap_or_default()).map_err(support::text)?;
            let user = row["user_id"].as_str().ok_or("a row without its user")?.to_owned();
            let end = row["window_end"].as_str().and_then(clicks::timestamp_ms).ok_or("a row without its window")?;
            if last.insert(user.clone(), end).is_some_and(|before| before >= end) {
                return Err(format!("{topic}-{partition}: the rows of {user} are not in the order of time"));
            }
            if !user.starts_with("closer-") {
                rows.entry((user, end)).or_default().push(row["clicks"].as_i64().ok_or("a row without its clicks")?);
            }
        }
    }
    Ok(rows)
}

fn header(message: &OwnedMessage, key: &str) -> Result<String, String> {
    let value = message.headers().and_then(|headers| headers.iter().find(|header| header.key == key)?.value);
    let text = value.and_then(|value| std::str::from_utf8(value).ok());
    text.map(str::to_owned).ok_or_else(|| format!("a record without the header {key}"))
}

fn number(message: &OwnedMessage, key: &str) -> Result<i64, String> {
    header(message, key)?.parse().map_err(|_| format!("the header {key} is no number"))
}
