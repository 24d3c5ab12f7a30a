//! Jobs on disks that are slow or full, and changes of a job that come at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use forebay::http::{JobStatus, JobsApi};
use forebay::jobs::{JobError, Jobs, Savepoint};
use kafka_protocol::records::RecordBatchDecoder;

use crate::node::Node;
use crate::support::client::Client;
use crate::support::eventually_in;
use crate::support::records::batch;
use crate::support::requests::{Topic, create_topic, fetch_partition, fetch_request, produce_in};

/// Longer than a commit may take and a task needs to begin again, on a slow machine.
pub const LONG: Duration = Duration::from_secs(180);

/// Rows of topic `in` to topic `out`.
pub const COPY: &str = "CREATE TABLE a (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
    INSERT INTO b SELECT n FROM a;";

/// Rows by key in windows of 10 s.
pub const COUNT: &str = "CREATE TABLE a (n BIGINT, ts BIGINT, t AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR t AS t)
      WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json');
    CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
    INSERT INTO b SELECT n, COUNT(*) FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(t), INTERVAL '10' SECOND))
      GROUP BY n, window_start, window_end;";

/// A node with a topic `in` of one partition and a topic `out`.
pub fn node(partitions: i32, out: &[(&str, &str)]) -> (Node, Client, Topic, Topic) {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let input = create_topic(&mut client, "in", partitions, &[]);
    let output = create_topic(&mut client, "out", partitions, out);
    (node, client, input, output)
}

pub fn apply(node: &Node, sql: &str) {
    node.with_jobs(async |jobs| jobs.apply(Some("job"), sql).await.map(drop)).unwrap();
}

pub fn job(node: &Node) -> JobStatus {
    node.jobs().get("job").unwrap()
}

pub fn last_error(node: &Node) -> String {
    job(node).last_error.unwrap_or_default()
}

/// The values that a read_committed reader sees in a partition of less than a mebibyte.
pub fn rows(client: &mut Client, of: &Topic, partition: i32) -> Vec<String> {
    let request = fetch_request(13, of, vec![fetch_partition(partition, 0)]).with_isolation_level(1);
    let data = client.call(13, &request).responses.remove(0).partitions.remove(0);
    let mut aborted: Vec<(i64, i64)> = data
        .aborted_transactions
        .unwrap_or_default()
        .into_iter()
        .map(|transaction| (transaction.first_offset, transaction.producer_id.0))
        .collect();
    aborted.sort_unstable();
    let (mut aborting, mut found) = (Vec::new(), Vec::new());
    let sets = RecordBatchDecoder::decode_all(&mut data.records.unwrap_or_default()).unwrap();
    for record in sets.into_iter().flat_map(|set| set.records) {
        while aborted.first().is_some_and(|(first, _)| *first <= record.offset) {
            aborting.push(aborted.remove(0).1);
        }
        if record.control {
            // The key is a version and the kind, of which 0 is an abort.
            if record.key.unwrap()[2..4] == [0, 0] {
                aborting.retain(|producer| *producer != record.producer_id);
            }
        } else if !(record.transactional && aborting.contains(&record.producer_id)) {
            found.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        }
    }
    found
}

pub fn numbers(numbers: impl IntoIterator<Item = i32>) -> Vec<String> {
    numbers.into_iter().map(|n| format!(r#"{{"n":{n}}}"#)).collect()
}

/// Adds rows with these numbers, one batch each.
pub fn send(client: &mut Client, to: &Topic, partition: i32, all: impl IntoIterator<Item = i32>) {
    for row in numbers(all) {
        assert_eq!(produce_in(client, 13, to, partition, &batch(&[&row]), None).error_code, 0);
    }
}

#[test]
fn a_commit_that_a_disk_keeps_waiting_is_aborted_and_says_so() {
    let (node, mut client, input, output) = node(2, &[("flush.messages", "1")]);
    apply(&node, COPY);
    send(&mut client, &input, 0, 0..3);
    eventually_in(LONG, "rows come out", || rows(&mut client, &output, 0).len() == 3);
    node.disk.hold_syncs(&node.log_of(&output, 0));
    // One transaction or two; the one with partition 0 does not end.
    send(&mut client, &input, 0, 3..6);
    send(&mut client, &input, 1, 3..6);
    eventually_in(LONG, "the job says what it waits for", || last_error(&node).contains("out-0 had not taken it"));
    // What others read is free again, though the disk is not.
    for topic in ["out", "__consumer_offsets"] {
        for partition in (0..node.partitions_of_topic(topic)).filter(|partition| (topic, *partition) != ("out", 0)) {
            eventually_in(LONG, "no transaction is left open", || {
                let (_, stable, high) = node.offsets_of(topic, partition);
                stable == high
            });
        }
    }
    // What waits for it is shown to nobody: the three rows and their marker are.
    assert_eq!(node.offsets_of("out", 0), (0, 4, 4));
    assert!(node.end_of(&output) > 4, "something waits");
    // Producers do not wait for any of it.
    send(&mut client, &input, 0, 6..9);
    node.disk.let_syncs_go();
    eventually_in(LONG, "the job goes on", || {
        rows(&mut client, &output, 0).len() >= 9 && rows(&mut client, &output, 1).len() >= 3
    });
    assert_eq!(rows(&mut client, &output, 0), numbers(0..9));
    assert_eq!(rows(&mut client, &output, 1), numbers(3..6));
    assert!(job(&node).restarts > 0);
    eventually_in(LONG, "the job says that it is over", || {
        let status = job(&node);
        status.well_since_ms.is_some() && status.well_since_ms >= status.last_error_at_ms
    });
}

/// The logs that a job of this name writes to.
const WRITTEN: [&str; 4] = ["out-0", "__consumer_offsets-", "__transaction_state-", "__forebay-job-0-changelog-0"];

/// `{"n":..,"ts":..}` for three keys in each of the windows.
pub fn counted(windows: std::ops::Range<i64>) -> Vec<String> {
    windows
        .flat_map(|window| (0..9).map(move |n| format!(r#"{{"n":{},"ts":{}}}"#, n % 3, window * 10_000 + n)))
        .collect()
}

pub fn send_texts(client: &mut Client, to: &Topic, texts: &[String]) {
    for row in texts {
        assert_eq!(produce_in(client, 13, to, 0, &batch(&[row]), None).error_code, 0);
    }
}

/// Wherever there is no room, and in whichever part of a transaction it ends: the job says so, and goes on when there is room.
#[test]
fn a_job_on_a_full_disk_says_so_and_loses_and_doubles_nothing() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COUNT);
    send_texts(&mut client, &input, &counted(0..2));
    eventually_in(LONG, "the first window comes out", || rows(&mut client, &output, 0).len() == 3);
    let mut windows = 2;
    for log in WRITTEN {
        let mut refused = 0;
        // 61 bytes are the header of a batch, so no record fits; a marker has 78.
        for room in [0, 61, 150, 400] {
            let since = job(&node).last_error_at_ms;
            node.fill(log, room);
            send_texts(&mut client, &input, &counted(windows..windows + 1));
            windows += 1;
            let said = || {
                job(&node).last_error_at_ms > since
                    && ["space", "disk"].iter().any(|word| last_error(&node).contains(word))
            };
            eventually_in(LONG, "the job says that there is no room", || {
                // What fits in the room has been put out.
                said() || room > 61 && rows(&mut client, &output, 0).len() == 3 * (windows as usize - 1)
            });
            refused += usize::from(said());
            println!("{log}, room for {room} bytes: {}", last_error(&node));
            if room <= 61 {
                assert_eq!(rows(&mut client, &output, 0).len(), 3 * (windows as usize - 2), "{log}: nothing fits");
            }
            node.disk.heal_all();
            eventually_in(LONG, "the job goes on", || {
                rows(&mut client, &output, 0).len() >= 3 * (windows as usize - 1)
            });
        }
        assert!(refused >= 2, "{log} was full {refused} times");
    }
    let expected: Vec<String> = (1..windows).flat_map(|_| (0..3).map(|n| format!(r#"{{"n":{n},"c":3}}"#))).collect();
    assert_eq!(rows(&mut client, &output, 0), expected);
    assert!(job(&node).restarts > 0, "there was no room at some time");
}

/// One of the things that can be done with a job; the savepoint, if it was that.
async fn change(jobs: Arc<Jobs>, turn: usize, name: String) -> Result<Option<Savepoint>, JobError> {
    match turn % 4 {
        0 => jobs.pause("job").await.map(|_| None),
        1 => jobs.resume("job").await.map(|_| None),
        2 => jobs.replace("job", &COUNT.replace("COUNT(*) FROM", "COUNT(*) AS c FROM")).await.map(|_| None),
        // A job that has just been started has nothing to save yet.
        _ => match jobs.savepoint("job", &name).await {
            Err(JobError::Busy(why)) if why.contains("not started yet") => Ok(None),
            other => other.map(Some),
        },
    }
}

/// Pausing, resuming, saving, replacing: many at once, and the job is whole after each.
#[test]
fn changes_of_a_job_that_come_at_once_are_made_one_after_the_other() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COUNT);
    let texts = counted(0..40);
    let mut saved = BTreeSet::new();
    for (round, part) in texts.chunks(45).enumerate() {
        send_texts(&mut client, &input, part);
        node.with_jobs(async |jobs| {
            let mut all = Vec::new();
            for turn in 0..16 {
                all.push(tokio::spawn(change(Arc::clone(jobs), turn, format!("s-{round}-{turn}"))));
            }
            for done in all {
                saved.extend(done.await.unwrap().unwrap().map(|savepoint| savepoint.name));
            }
            jobs.resume("job").await.unwrap();
        });
    }
    // Those that were not refused can be read, and nothing is left of the others.
    assert!(!saved.is_empty());
    let listed = node.jobs().savepoints(Some("job"));
    assert_eq!(listed.iter().map(|savepoint| savepoint.name.clone()).collect::<BTreeSet<_>>(), saved);
    assert!(listed.iter().all(|savepoint| savepoint.job == "job" && savepoint.sql.contains("TUMBLE")), "{listed:?}");
    for name in &saved {
        node.with_jobs(async |jobs| jobs.drop_savepoint("job", name).await).unwrap();
    }
    assert_eq!(node.topics_like("__forebay-job-savepoint-"), [] as [String; 0]);
    eventually_in(LONG, "all is put out", || rows(&mut client, &output, 0).len() >= 39 * 3);
    let expected: Vec<String> = (1..40).flat_map(|_| (0..3).map(|n| format!(r#"{{"n":{n},"c":3}}"#))).collect();
    assert_eq!(rows(&mut client, &output, 0), expected);
}

/// A job that is applied while one of its name is dropped does not lose its state to the drop.
#[test]
fn a_name_is_free_when_all_of_its_job_is_gone() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COUNT);
    send_texts(&mut client, &input, &counted(0..3));
    eventually_in(LONG, "windows come out", || rows(&mut client, &output, 0).len() == 6);
    for round in 1..6 {
        node.with_jobs(async |jobs| {
            let (dropping, applying) = (Arc::clone(jobs), Arc::clone(jobs));
            let dropped = tokio::spawn(async move { dropping.drop_job("job").await });
            let applied = tokio::spawn(async move { applying.apply(Some("job"), COUNT).await });
            dropped.await.unwrap().unwrap();
            match applied.await.unwrap() {
                Ok(_) => {}
                Err(JobError::Exists(_)) => drop(jobs.apply(Some("job"), COUNT).await.unwrap()),
                Err(error) => panic!("{error}"),
            }
        });
        // It reads everything anew.
        eventually_in(LONG, "windows come out again", || rows(&mut client, &output, 0).len() >= 6 * (round + 1));
        assert_eq!(rows(&mut client, &output, 0).len(), 6 * (round + 1));
        let status = job(&node);
        assert_eq!((status.restarts, status.last_error), (0, None));
    }
}

/// Only a savepoint goes with `savepoint drop`, and only one of the job that is named.
#[test]
fn a_savepoint_is_deleted_as_what_it_is() {
    let (node, mut client, input, _) = node(1, &[]);
    create_topic(&mut client, "__forebay-job-savepoint-mine", 1, &[]);
    let mine = create_topic(&mut client, "__forebay-job-savepoint-yours", 1, &[]);
    assert_eq!(produce_in(&mut client, 13, &mine, 0, &batch(&["a record"]), None).error_code, 0);
    apply(&node, COUNT);
    send_texts(&mut client, &input, &counted(0..2));
    node.with_jobs(async |jobs| {
        let error = jobs.drop_savepoint("job", "yours").await.unwrap_err();
        assert!(matches!(&error, JobError::Conflict(why) if why.contains("is no savepoint")), "{error}");
        // Nothing is in it: what is left of one that was never written.
        jobs.drop_savepoint("job", "mine").await.unwrap();
        jobs.pause("job").await.unwrap();
        jobs.savepoint("job", "a-savepoint-b").await.unwrap();
        let error = jobs.drop_savepoint("job-savepoint-a", "b").await.unwrap_err();
        assert!(
            matches!(&error, JobError::Conflict(why) if why.contains("holds the savepoint a-savepoint-b of job job")),
            "{error}"
        );
        jobs.drop_savepoint("job", "a-savepoint-b").await.unwrap();
        assert!(matches!(jobs.drop_savepoint("job", "a-savepoint-b").await, Err(JobError::NoSavepoint { .. })));
    });
}

/// The text names the broker's address, which is another one when it is started again.
#[test]
fn a_job_whose_text_is_not_taken_any_more_is_still_compared_with_the_new_one() {
    let (mut node, mut client, input, output) = node(1, &[]);
    let here = |sql: &str, address: &str| {
        sql.replace(
            "'connector' = 'kafka',",
            &format!("'connector' = 'kafka', 'properties.bootstrap.servers' = '{address}',"),
        )
    };
    apply(&node, &here(COUNT, &node.address()));
    send_texts(&mut client, &input, &counted(0..2));
    eventually_in(LONG, "the first window comes out", || rows(&mut client, &output, 0).len() == 3);
    node.stop();
    node.try_run().unwrap();
    let mut client = node.client();
    assert!(job(&node).reason.is_some_and(|why| why.contains("bootstrap.servers")), "{:?}", job(&node));
    let address = node.address();
    node.with_jobs(async |jobs| {
        let other = here(&COUNT.replace("COUNT(*)", "SUM(n)"), &address);
        let error = jobs.replace("job", &other).await.unwrap_err();
        assert!(matches!(&error, JobError::Incompatible(why) if why.contains("the aggregates change")), "{error}");
        jobs.replace("job", &here(COUNT, &address)).await.unwrap();
    });
    // The second window has kept its rows.
    send_texts(&mut client, &input, &counted(2..3));
    eventually_in(LONG, "the second window comes out", || rows(&mut client, &output, 0).len() == 6);
    assert_eq!(rows(&mut client, &output, 0)[3..], [0, 1, 2].map(|n| format!(r#"{{"n":{n},"c":3}}"#)));
    // And dropping it leaves nothing, whatever its text says.
    node.stop();
    node.try_run().unwrap();
    node.with_jobs(async |jobs| jobs.drop_job("job").await).unwrap();
    assert_eq!(node.topics_like("__forebay-job-"), [] as [String; 0]);
}

/// A job that cannot put out its rows: producers do not wait for it, it takes in no more than a step's worth, and its lag shows the rest.
#[test]
fn a_slow_job_slows_nobody_and_takes_in_no_more_than_a_step() {
    const RECORDS: u64 = 300;
    const BYTES: usize = 100 * 1024;
    let (node, mut client, input, output) = node(1, &[("flush.messages", "1")]);
    apply(&node, COPY);
    send(&mut client, &input, 0, [0]);
    eventually_in(LONG, "a row comes out", || rows(&mut client, &output, 0).len() == 1);
    node.disk.hold_syncs(&node.log_of(&output, 0));
    let padding = "x".repeat(BYTES);
    for n in 1..RECORDS {
        let row = format!(r#"{{"n":{n},"pad":"{padding}"}}"#);
        assert_eq!(produce_in(&mut client, 13, &input, 0, &batch(&[&row]), None).error_code, 0);
    }
    node.disk.await_held_syncs(1);
    // 30 MB wait in the log; of these the task has read a step (4 MiB and the batch at its edge) at most.
    let most = 4 * 1024 * 1024 + 2 * BYTES as u64;
    let mut seen = 0;
    eventually_in(LONG, "the job has begun again, and its lag shows", || {
        let job = job(&node);
        assert!(job.bytes_read <= most, "{} bytes are read", job.bytes_read);
        seen = seen.max(job.restarts);
        seen > 1 && job.lag_records > RECORDS - 1 - most / BYTES as u64
    });
    node.disk.let_syncs_go();
    eventually_in(LONG, "the job goes on", || rows(&mut client, &output, 0).len() >= RECORDS as usize);
    assert_eq!(rows(&mut client, &output, 0), numbers(0..RECORDS as i32));
    // It says so once its step is over, which others may see the rows of before.
    eventually_in(LONG, "nothing is left to read", || job(&node).lag_records == 0);
}
