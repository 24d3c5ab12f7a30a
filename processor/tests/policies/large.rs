//! Records beyond Kafka's default limit of 1 MiB, in the topics that a job makes for itself.

use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{SavepointAbout, TaskOptions, read_head, savepoint_spec, start_from};
use forebay_storage::ids::TopicPartition;

use crate::support::host::MemoryHost;
use crate::support::plans::{INPUT, OUTPUT, sql_time};
use crate::support::run_and_finish;
use crate::{host, open, stateless, table, try_plan};

const MIB: usize = 1024 * 1024;

/// Rows of a session with a text of `bytes` each.
fn send_texts(host: &MemoryHost, bytes: usize, times: &[i64]) {
    for ts in times {
        let text = "x".repeat(bytes);
        let (ts, wm) = (sql_time(*ts), sql_time(*ts));
        host.produce(INPUT, 0, &[Some(format!(r#"{{"user":"{text}","bytes":1,"ts":"{ts}","wm":"{wm}"}}"#))]);
    }
}

#[test]
fn a_session_of_more_than_a_mebibyte_is_kept_and_saved() {
    let host = host(1);
    let text = format!(
        "{}
         CREATE TABLE metrics (n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT CHAR_LENGTH(`user`) FROM
           TABLE(SESSION(TABLE clicks PARTITION BY bytes, DESCRIPTOR(ts), INTERVAL '10' SECOND));",
        table("")
    );
    let plan = Arc::new(try_plan(&text).unwrap());
    let mut task = open(&plan, &host);
    send_texts(&host, MIB / 2, &[1_000, 2_000, 3_000, 4_000, 5_000]);
    run_and_finish(&mut task, &host).unwrap();
    // Restored from the changelog, and written whole to a savepoint.
    let mut task = open(&plan, &host);
    host.ensure_topic(&savepoint_spec("saved", 1)).unwrap();
    let to = TopicPartition::new("saved", 0);
    let about = SavepointAbout { savepoint: "s".to_owned(), job: "job".to_owned(), sql: String::new() };
    task.savepoint(&host, &to, &about).unwrap();
    assert!(read_head(&host, &to).unwrap().is_some());
    start_from(&host, &plan, "second", 0, &to, &TaskOptions::default()).unwrap();
    send_texts(&host, 1, &[50_000]);
    run_and_finish(&mut task, &host).unwrap();
    let rows: Vec<_> = host.consume(OUTPUT).into_iter().flatten().collect();
    assert_eq!(rows, vec![format!(r#"{{"n":{}}}"#, MIB / 2); 5]);
}

#[test]
fn a_dead_letter_is_as_large_as_its_record() {
    let host = host(1);
    let mut task =
        open(&stateless(", 'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'dead'"), &host);
    let bad = "x".repeat(3 * MIB);
    host.produce(INPUT, 0, &[Some(&bad)]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(host.records("dead")[0].value.as_ref(), Some(&bad));
}
