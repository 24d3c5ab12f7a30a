//! Rows that wait for the watermark without windows (OVER, the first row of each key), and rows that a record is unnested into: how many come
//! at once, what is late between stages, what is known after a restart.

use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::plan::JobPlan;

use super::support::host::MemoryHost;
use super::support::plans::{INPUT, OUTPUT, sql_time};
use super::support::run_and_finish;
use super::try_plan;

/// A job over rows whose watermark is so many seconds behind.
fn plan(delay: u8, columns: &str, query: &str) -> Arc<JobPlan> {
    let text = format!(
        "CREATE TABLE t (k STRING, tags MULTISET<STRING>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '{delay}' SECOND)
           WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json', 'forebay.on-error' = 'skip', 'forebay.close-after-idle' = '5 s');
         CREATE TABLE o ({columns}) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         {query}"
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

fn open(plan: &Arc<JobPlan>, host: &MemoryHost) -> Task {
    Task::open(plan, "job", 0, host, TaskOptions::default()).unwrap()
}

fn send(host: &MemoryHost, rows: &[(&str, i64)]) {
    let records: Vec<_> = rows.iter().map(|(k, ms)| format!(r#"{{"k":"{k}","ts":"{}"}}"#, sql_time(*ms))).collect();
    host.produce(INPUT, 0, &records.iter().map(Some).collect::<Vec<_>>());
}

fn put_out(host: &MemoryHost) -> Vec<String> {
    host.consume(OUTPUT).into_iter().flatten().collect()
}

fn host() -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic(INPUT, 1);
    host.create_topic(OUTPUT, 1);
    host
}

const FIRST: &str =
    "(SELECT k, ts FROM (SELECT k, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS r FROM t) WHERE r = 1)";

/// More than come out in one piece.
#[test]
fn all_that_a_jump_of_the_watermark_lets_go_comes_out_once() {
    for query in [
        format!("INSERT INTO o SELECT k FROM {FIRST} AS f;"),
        "INSERT INTO o SELECT k FROM (SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts) AS n FROM t);".to_owned(),
    ] {
        let host = host();
        let mut task = open(&plan(0, "k STRING", &query), &host);
        let keys: Vec<String> = (0..25_000).map(|key| format!("k{key:05}")).collect();
        // Each behind the watermark of the one before it.
        let mut rows: Vec<(&str, i64)> = keys.iter().map(String::as_str).zip(10_000..).collect();
        rows.push(("last", 50_000));
        send(&host, &rows);
        run_and_finish(&mut task, &host).unwrap();
        let mut found: Vec<String> = put_out(&host).into_iter().filter(|row| row.starts_with("{\"k\":\"k")).collect();
        assert_eq!(found.len(), keys.len(), "{query}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), keys.len(), "{query}");
    }
}

/// The first row of a key may be at the watermark, where OVER takes none any more.
#[test]
fn a_row_that_is_late_for_a_later_stage_is_counted() {
    let host = host();
    let query = format!("INSERT INTO o SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts) FROM {FIRST} AS f;");
    let mut task = open(&plan(0, "k STRING, n BIGINT", &query), &host);
    send(&host, &[("a", 10_000)]);
    run_and_finish(&mut task, &host).unwrap();
    send(&host, &[("b", 10_000), ("c", 20_000)]);
    run_and_finish(&mut task, &host).unwrap();
    send(&host, &[("d", 30_000)]);
    run_and_finish(&mut task, &host).unwrap();
    let late = task.status().late;
    let rows = put_out(&host);
    // Every key has its one row, or it was late: none is lost in silence.
    assert_eq!(rows.len() as u64 + late, 4, "{rows:?}");
}

/// Its row comes out without another one being read, and after that no other.
#[test]
fn after_a_restart_the_first_row_of_a_key_is_the_only_one() {
    let host = host();
    let query = format!("SET 'table.exec.state.ttl' = '1 h'; INSERT INTO o SELECT k FROM {FIRST} AS f;");
    let plan = plan(5, "k STRING", &query);
    let mut task = open(&plan, &host);
    send(&host, &[("a", 10_000)]);
    run_and_finish(&mut task, &host).unwrap();
    drop(task);
    let mut task = open(&plan, &host);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(6_000);
    run_and_finish(&mut task, &host).unwrap();
    send(&host, &[("a", 30_000), ("c", 40_000)]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(6_000);
    run_and_finish(&mut task, &host).unwrap();
    let mut rows = put_out(&host);
    rows.sort();
    assert_eq!(rows, [r#"{"k":"a"}"#, r#"{"k":"c"}"#]);
}

/// A few bytes that stand for two thousand million rows.
#[test]
fn a_record_of_too_many_rows_is_a_bad_record() {
    let host = host();
    let query = "INSERT INTO o SELECT u FROM t CROSS JOIN UNNEST(tags) AS x (u);";
    let mut task = open(&plan(0, "u STRING", query), &host);
    let at = sql_time(1_000);
    let records = [r#"{"a":2147483647}"#, r#"{"b":2}"#].map(|tags| format!(r#"{{"tags":{tags},"ts":"{at}"}}"#));
    host.produce(INPUT, 0, &records.iter().map(Some).collect::<Vec<_>>());
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(put_out(&host), [r#"{"u":"b"}"#, r#"{"u":"b"}"#]);
    assert_eq!(task.status().undecodable, 1);
}
