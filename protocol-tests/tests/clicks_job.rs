//! The windowed job over the real clicks: loaded through librdkafka, compared row by row with rows computed elsewhere.

#![allow(clippy::unwrap_used)]

mod support;

use protocol_tests::broker::{Broker, Node};
use protocol_tests::clicks::{self, Clicks};
use rdkafka::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{INPUT, LIMIT, OUTPUT, PARTITIONS};

#[test]
fn tumbling_windows_over_real_clicks_give_the_expected_rows() {
    job_gives_the_expected_rows("clicks-job", &Clicks::load());
}

#[test]
fn tumbling_windows_over_generated_clicks_give_the_computed_rows() {
    job_gives_the_expected_rows("generated-clicks-job", &Clicks::generate());
}

fn job_gives_the_expected_rows(name: &str, clicks: &Clicks) {
    let node = Broker::Forebay.start(name).unwrap();
    if let Err(error) = run(&node, clicks) {
        panic!("{error}\n{}", node.tail());
    }
}

#[test]
fn a_job_that_is_paused_kept_replaced_and_killed_gives_the_expected_rows() {
    let soon = [("log.segment.delete.delay.ms", "1000")];
    let mut node = Broker::Forebay.start_with("job-life", &soon).unwrap();
    if let Err(error) = life(&mut node, &Clicks::generate()) {
        panic!("{error}\n{}", node.tail());
    }
}

/// Every change comes in the middle of the input, with windows open.
fn life(node: &mut Node, clicks: &Clicks) -> Result<(), String> {
    const SECOND: &str = "user-metrics-2";
    let bootstrap = &node.bootstrap();
    support::create_topics(bootstrap, &[INPUT, OUTPUT, SECOND], &[])?;
    support::apply_job(node)?;
    let producer: BaseProducer =
        support::client(bootstrap).set("enable.idempotence", "true").create().map_err(support::text)?;
    let third = clicks.events.len() / 3;
    let (first, rest) = clicks.events.split_at(third);
    let (second, third) = rest.split_at(third);
    let produce = |events: &[clicks::Click]| {
        events
            .iter()
            .try_for_each(|click| send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value)))?;
        producer.flush(LIMIT).map_err(support::text)
    };
    produce(first)?;
    until_read(node, "clicks")?;
    support::forebay(node, &["job", "pause", "clicks"])?;
    node.kill();
    node.start().map_err(support::text)?;
    let state = describe(node, "clicks")?["state"].clone();
    if state != "paused" {
        return Err(format!("the job is {state} after a restart, not paused"));
    }
    let before = rows_of(bootstrap, OUTPUT)?;
    support::forebay(node, &["job", "savepoint", "create", "clicks", "at-rest"])?;
    support::forebay(node, &["job", "resume", "clicks"])?;
    produce(second)?;
    // The job is in the middle of them, or not: the savepoint is of one commit either way.
    support::forebay(node, &["job", "savepoint", "create", "clicks", "at-work"])?;
    let sql = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/clicks_job.sql")).unwrap();
    let folder = std::env::temp_dir().join(format!("job-life-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(support::text)?;
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map(|()| path.display().to_string()).map_err(support::text)
    };
    let wider = file("wider.sql", &sql.replace("INTERVAL '5' SECOND)", "INTERVAL '10' SECOND)"))?;
    let refused = support::forebay(node, &["job", "apply", &wider, "--name", "clicks", "--replace"]);
    if !refused.as_ref().is_err_and(|why| why.contains("the windows change")) {
        return Err(format!("other windows are not refused: {refused:?}"));
    }
    let same = file(
        "same.sql",
        &sql.replace(
            "GROUP BY user_id, window_start, window_end;",
            "GROUP BY user_id, window_start, window_end HAVING COUNT(*) > 0;",
        ),
    )?;
    let kept = support::forebay(node, &["job", "apply", &same, "--name", "clicks", "--replace"])?;
    if !kept.contains("open windows") {
        return Err(format!("a replacement does not say what is kept: {kept}"));
    }
    node.kill();
    node.start().map_err(support::text)?;
    produce(third)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value).partition(partition))?;
        }
        producer.flush(LIMIT).map_err(support::text)?;
    }
    clicks::compare(&clicks.expected, support::output_rows(bootstrap)?)?;
    // A second job takes the first third from the savepoint and reads the rest itself, in more tasks and with most of its state on disk.
    let own = sql.replace("'user-metrics'", &format!("'{SECOND}'"));
    let in_tasks =
        |tasks: i32| format!("SET 'parallelism.default' = '{tasks}'; SET 'forebay.state.memory' = '4 kb'; {own}");
    let other = file("other.sql", &in_tasks(3))?;
    support::forebay(node, &["job", "apply", &other, "--name", "second", "--from-savepoint", "clicks/at-rest"])?;
    until_read(node, "second")?;
    let read = describe(node, "second")?["records_read"].as_u64().unwrap_or_default();
    if read >= clicks.events.len() as u64 {
        return Err(format!("the second job has read {read} records, all of them"));
    }
    // All of its tasks stand still for a savepoint, and go on.
    support::forebay(node, &["job", "savepoint", "create", "second", "in-tasks"])?;
    if describe(node, "second")?["state"] == "paused" {
        return Err("a savepoint of several tasks has paused the job".to_owned());
    }
    support::forebay(node, &["job", "pause", "second"])?;
    // What had been put out before the savepoint, and what the second job puts out, are all rows and none twice.
    let rows = [before, rows_of(bootstrap, SECOND)?].concat();
    clicks::compare(&clicks.expected, rows)?;
    let third = file("third.sql", &in_tasks(2))?;
    support::forebay(node, &["job", "apply", &third, "--name", "third", "--from-savepoint", "second/in-tasks"])?;
    protocol_tests::process::until("the third job stands where the second stood", LIMIT, || {
        let job = describe(node, "third").ok()?;
        let at_work = ["running", "waiting"].iter().any(|state| job["state"] == *state);
        (at_work && job["lag_records"] == 0).then_some(())
    })?;
    drop_with_state(node, "second")?;
    std::fs::remove_dir_all(&folder).map_err(support::text)
}

/// Drops a job that has state on disk: nothing of it stays there.
fn drop_with_state(node: &Node, job: &str) -> Result<(), String> {
    let own = |name: &str| name.contains(&format!("__forebay-{job}-0-"));
    let folders = || -> Vec<std::path::PathBuf> {
        let found = std::fs::read_dir(node.log_dir()).unwrap().flatten();
        found.filter(|entry| own(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
    };
    if !folders().iter().any(|folder| folder.join("forebay-state").exists()) {
        return Err(format!("none of {:?} has state on disk", folders()));
    }
    support::forebay(node, &["job", "drop", job, "--yes"])?;
    protocol_tests::process::until("the folders of the dropped job are gone", LIMIT, || {
        folders().is_empty().then_some(())
    })
}

/// The rows of a topic that does not grow, but for those of the events that close the last windows.
fn rows_of(bootstrap: &str, topic: &str) -> Result<Vec<clicks::Row>, String> {
    let messages = support::read_all(bootstrap, topic)?;
    let rows: Result<Vec<clicks::Row>, String> =
        messages.iter().map(|message| clicks::output_row(message.payload().unwrap_or_default())).collect();
    Ok(rows?.into_iter().filter(|row| !clicks::is_closer(row)).collect())
}

fn describe(node: &Node, job: &str) -> Result<serde_json::Value, String> {
    let text = support::forebay(node, &["job", "describe", job, "-o", "json"])?;
    serde_json::from_str(&text).map_err(support::text)
}

fn until_read(node: &Node, job: &str) -> Result<(), String> {
    protocol_tests::process::until("the job has read everything", LIMIT, || {
        let job = describe(node, job).ok()?;
        (job["lag_records"] == 0 && job["records_read"] != 0).then_some(())
    })
}

fn run(node: &Node, clicks: &Clicks) -> Result<(), String> {
    let bootstrap = &node.bootstrap();
    support::create_topics(bootstrap, &[INPUT, OUTPUT], &[])?;
    support::apply_job(node)?;
    let producer: BaseProducer =
        support::client(bootstrap).set("enable.idempotence", "true").create().map_err(support::text)?;
    for click in &clicks.events {
        send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value))?;
    }
    // All real events lie before the events that close their windows.
    producer.flush(LIMIT).map_err(support::text)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            send(&producer, BaseRecord::to(INPUT).key(&click.user_id).payload(&click.value).partition(partition))?;
        }
        producer.flush(LIMIT).map_err(support::text)?;
    }
    clicks::compare(&clicks.expected, support::output_rows(bootstrap)?)
}

fn send(producer: &BaseProducer, record: BaseRecord<'_, String, String>) -> Result<(), String> {
    producer.poll(std::time::Duration::ZERO);
    producer.send(record).map_err(|(error, _)| error.to_string())
}
