//! Joins, and groups and tables whose rows change, while the broker is killed: what must be there is computed from the input topics as they
//! finally are. Joined rows are compared record by record, in any order; of a table what is left of each key, and a user's totals must grow
//! from each record of theirs to the next.

use std::collections::{BTreeMap, BTreeSet};

use protocol_tests::broker::Node;
use protocol_tests::clicks::{Clicks, Random};
use protocol_tests::process::until;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::{Value, json};

use super::between::{self, Between};
use super::{CLICKS_MS, DELIVERY_LIMIT, Way, by_partition};
use crate::support::{self, INPUT, LIMIT, PARTITIONS};

/// How often the broker is killed, if `KILL_LOOP_KILLS` does not say.
const KILLS: usize = 6;
/// Clicks, so many before each kill and after the last; each with a view, and each third one with a change of a level.
const CLICKS_A_LIFE: usize = 300;
const OTHER_INPUTS: [&str; 2] = ["views", "levels"];
const OUTPUTS: [&str; 4] = ["near", "together", "totals", "census"];
const BEFORE_MS: i64 = 2_000;
const AFTER_MS: i64 = 1_000;
const TUMBLE_MS: i64 = 2_000;

/// User, time of the click, time of the view if there is one; and how often that comes.
type Pairs = BTreeMap<(String, i64, Option<i64>), u32>;

/// What must be in the topics.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    near: Pairs,
    together: Pairs,
    /// By user: clicks, bytes, the latest click.
    totals: BTreeMap<String, [i64; 3]>,
    /// By level: users, and the first of them.
    census: BTreeMap<i64, (i64, String)>,
}

impl Outcome {
    fn counts(&self) -> [usize; 4] {
        let Outcome { near, together, totals, census } = self;
        [near.len(), together.len(), totals.len(), census.len()]
    }
}

struct Sender(ThreadedProducer<DefaultProducerContext>);

impl Sender {
    fn send(&self, topic: &str, key: &str, value: Option<&str>, partition: Option<i32>) -> Result<(), String> {
        let mut record: BaseRecord<'_, str, str> = BaseRecord::to(topic).key(key);
        record.payload = value;
        record.partition = partition;
        self.0.send(record).map_err(|(error, _)| error.to_string())
    }

    /// A click, its view, and whatever else comes with it.
    fn send_click(&self, clicks: &Clicks, number: usize) -> Result<(), String> {
        let click = &clicks.events[number % clicks.events.len()];
        let time = click.event_time + (number / clicks.events.len()) as i64 * CLICKS_MS;
        let value = click.value.replace(&click.event_time.to_string(), &time.to_string());
        self.send(INPUT, &click.user_id, Some(&value), None)?;
        let view = json!({ "user_id": click.user_id, "event_time": time - (number as i64 * 37 % 4_000) + 1_000 });
        self.send("views", &click.user_id, Some(&view.to_string()), None)?;
        if number.is_multiple_of(3) {
            let key = json!({ "user_id": click.user_id }).to_string();
            let level = json!({ "user_id": click.user_id, "level": number % 7 }).to_string();
            self.send("levels", &key, (!number.is_multiple_of(15)).then_some(&level), None)?;
        }
        Ok(())
    }
}

/// The job, that way.
pub fn run(node: &mut Node, random: &mut Random, way: Way) -> Result<(), String> {
    let kills = crate::kills(KILLS);
    let bootstrap = node.bootstrap();
    support::create_topics(&bootstrap, &[INPUT], &[])?;
    support::create_topics(&bootstrap, &OTHER_INPUTS, &[])?;
    support::create_topics(&bootstrap, &OUTPUTS, &[])?;
    let file = node.log_dir().with_file_name("changing_job.sql");
    std::fs::write(&file, format!("{}{}", way.settings(), include_str!("../sql/changing_job.sql")))
        .map_err(support::text)?;
    support::forebay(node, &["job", "apply", &file.to_string_lossy(), "--name", "changing"])?;
    let mut config = support::client(&bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "2").set("retry.backoff.ms", "20");
    config.set("batch.num.messages", "20");
    config.set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string()).set("socket.timeout.ms", "10000");
    let sender = Sender(config.create().map_err(support::text)?);
    let clicks = Clicks::generate();
    let mut between = Between::new(node);
    let (mut life, mut killed, mut lives_with_output) = (0, 0, 0);
    loop {
        let begun = crate::Life::begin(node, &OUTPUTS);
        for number in life * CLICKS_A_LIFE..(life + 1) * CLICKS_A_LIFE {
            sender.send_click(&clicks, number)?;
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
    sender.0.flush(DELIVERY_LIMIT).map_err(support::text)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            for topic in [INPUT, "views"] {
                sender.send(topic, &click.user_id, Some(&click.value), Some(partition))?;
            }
        }
        sender.0.flush(DELIVERY_LIMIT).map_err(support::text)?;
    }
    let expected = expected(&bootstrap)?;
    let all_there = || (found(&bootstrap).ok()? == expected).then_some(());
    // What is wrong at the end is told below.
    if until("all results are there", LIMIT, all_there).is_err() {
        println!("something is missing or too much");
    }
    // A pause is at a commit: nothing comes after it.
    support::forebay(node, &["job", "pause", "changing"])?;
    let found = found(&bootstrap)?;
    println!("near, together, totals, census: {:?}", expected.counts());
    if expected.counts().contains(&0) {
        return Err(format!("there is nothing of one kind: {:?}", expected.counts()));
    }
    for (name, same) in [
        ("near", expected.near == found.near),
        ("together", expected.together == found.together),
        ("totals", expected.totals == found.totals),
        ("census", expected.census == found.census),
    ] {
        if !same {
            let (expected, found) = (expected.counts(), found.counts());
            return Err(format!("{name} is not what it must be: expected {expected:?}, found {found:?}"));
        }
    }
    Ok(())
}

/// The records of a topic, those of each partition in their order.
fn records(bootstrap: &str, topic: &str) -> Result<Vec<OwnedMessage>, String> {
    Ok(by_partition(support::read_all(bootstrap, topic)?).into_values().flatten().collect())
}

fn fields(message: &OwnedMessage) -> Result<Value, String> {
    serde_json::from_slice(message.payload().ok_or("a record without a value")?).map_err(support::text)
}

fn user(row: &Value) -> Result<String, String> {
    Ok(row["user_id"].as_str().ok_or("a row without its user")?.to_owned())
}

fn number(row: &Value, column: &str) -> Result<i64, String> {
    row[column].as_i64().ok_or_else(|| format!("{row} has no {column}"))
}

/// By the rules, from the input as it is in the log.
fn expected(bootstrap: &str) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let mut views: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for message in records(bootstrap, "views")? {
        let view = fields(&message)?;
        views.entry(user(&view)?).or_default().push(number(&view, "event_time")?);
    }
    for message in records(bootstrap, INPUT)? {
        let click = fields(&message)?;
        let (user, time, bytes) = (user(&click)?, number(&click, "event_time")?, number(&click, "bytes")?);
        let totals = outcome.totals.entry(user.clone()).or_insert([0, 0, i64::MIN]);
        *totals = [totals[0] + 1, totals[1] + bytes, totals[2].max(time)];
        let of_user = views.get(&user).map_or(&[][..], |views| views);
        for view in of_user.iter().filter(|view| (time - BEFORE_MS..=time + AFTER_MS).contains(*view)) {
            *outcome.near.entry((user.clone(), time, Some(*view))).or_default() += 1;
        }
        // The windows of the last clicks stay open.
        if user.starts_with("closer-") {
            continue;
        }
        let window = |time: i64| time.div_euclid(TUMBLE_MS);
        let mut met = of_user.iter().filter(|view| window(**view) == window(time)).map(|view| Some(*view)).peekable();
        let alone = met.peek().is_none().then_some(None);
        for view in met.chain(alone) {
            *outcome.together.entry((user.clone(), time, view)).or_default() += 1;
        }
    }
    let mut levels: BTreeMap<String, i64> = BTreeMap::new();
    for message in records(bootstrap, "levels")? {
        let key: Value = serde_json::from_slice(message.key().unwrap_or_default()).map_err(support::text)?;
        match message.payload() {
            None => levels.remove(&user(&key)?),
            Some(_) => levels.insert(user(&key)?, number(&fields(&message)?, "level")?),
        };
    }
    let mut of_level: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (user, level) in levels {
        of_level.entry(level).or_default().insert(user);
    }
    let counted = of_level.into_iter().filter(|(_, users)| users.len() != 2);
    outcome.census =
        counted.filter_map(|(level, users)| Some((level, (users.len() as i64, users.first()?.clone())))).collect();
    Ok(outcome)
}

fn found(bootstrap: &str) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for (topic, pairs) in [("near", &mut outcome.near), ("together", &mut outcome.together)] {
        for message in records(bootstrap, topic)? {
            let row = fields(&message)?;
            let pair = (user(&row)?, number(&row, "click")?, row["seen"].as_i64());
            if topic == "near" || !pair.0.starts_with("closer-") {
                *pairs.entry(pair).or_default() += 1;
            }
        }
    }
    for message in records(bootstrap, "totals")? {
        let row = fields(&message)?;
        let totals = [number(&row, "clicks")?, number(&row, "total")?, number(&row, "latest")?];
        let user = user(&row)?;
        if let Some(before) = outcome.totals.insert(user.clone(), totals)
            && before[0] >= totals[0]
        {
            return Err(format!("{} clicks of {user} come after {}", totals[0], before[0]));
        }
    }
    for message in records(bootstrap, "census")? {
        let key: Value = serde_json::from_slice(message.key().unwrap_or_default()).map_err(support::text)?;
        let level = number(&key, "level")?;
        if message.payload().is_none() {
            outcome.census.remove(&level);
            continue;
        }
        let row = fields(&message)?;
        let first = row["first_user"].as_str().ok_or("a level without a user")?.to_owned();
        outcome.census.insert(level, (number(&row, "users")?, first));
    }
    Ok(outcome)
}
