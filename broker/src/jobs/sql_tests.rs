//! Requests in SQL against a broker of their own: what comes out, how it ends, and that nothing is left.

use std::sync::Arc;
use std::time::Duration;

use forebay_control::metadata::command::{Command, CreatePartitions, MorePartitions};
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::ids::Timestamp;

use super::JobError;
use super::query::MAX_QUERIES;
use crate::config::{self, Sources};
use crate::http::{Lines, SqlEnd, SqlHead, SqlLine, SqlProgress, SqlRequest, row_of};
use crate::node::{self, Running};

/// Longer than anything here takes on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);

const TABLES: &str = "\
CREATE TABLE clicks (u STRING, n BIGINT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');
CREATE TABLE out (u STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');";

pub(super) struct World {
    pub running: Arc<Running>,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let overrides = vec![
            "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
            "http.listeners=".to_owned(),
            format!("log.dirs={}", folder.path().display()),
        ];
        let loaded = config::load(Sources { overrides, ..Sources::default() }).unwrap();
        let running = node::start(loaded.config).await.unwrap();
        let world = World { running: running.into(), _folder: folder };
        let metadata = world.running.rooms.metadata.clone();
        let made = tokio::task::spawn_blocking(move || metadata.create_topic("clicks", 1, &[])).await.unwrap();
        made.map_err(|(error, message)| format!("{error} {message}")).unwrap();
        world
    }

    pub fn append(&self, values: &[&str]) {
        self.append_to(0, values);
    }

    fn append_to(&self, partition: i32, values: &[&str]) {
        let mut batch = BatchBuilder::new(Compression::None);
        for value in values {
            batch.push(Timestamp(1_000), None, Some(value.as_bytes()), &[]);
        }
        let partition = self.running.rooms.partitions.get("clicks", partition).unwrap();
        partition.append(batch.finish(&BatchStamp::default()), false).unwrap();
    }

    pub async fn ask(&self, request: SqlRequest) -> Result<Answer, JobError> {
        let lines = self.running.jobs.answer(request).await?;
        Ok(Answer { lines, rest: Vec::new() })
    }

    pub async fn sql(&self, sql: &str) -> Result<Answer, JobError> {
        self.ask(SqlRequest { sql: sql.to_owned(), session: TABLES.to_owned(), ..SqlRequest::default() }).await
    }

    /// All rows of an answer that has an end, and the end.
    pub async fn whole(&self, sql: &str) -> (Vec<String>, SqlEnd) {
        self.sql(sql).await.unwrap_or_else(|error| panic!("{error}")).whole().await
    }

    /// Waits until these are the rows of an answer; there is none while a job is about to start.
    pub async fn until_shown(&self, sql: &str, expected: &[&str]) {
        let deadline = crate::clock::instant() + LIMIT;
        loop {
            let rows = match self.sql(sql).await {
                Ok(answer) => answer.whole().await.0,
                Err(JobError::Busy(_)) => Vec::new(),
                Err(error) => panic!("{error}"),
            };
            if rows == expected {
                return;
            }
            assert!(crate::clock::instant() < deadline, "{sql}: {rows:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Its threads must not end within those of the test.
    pub async fn end(self) {
        Arc::into_inner(self.running).expect("nobody else has it").stop().await.unwrap();
    }

    fn topics(&self) -> Vec<String> {
        self.running.jobs.topic_names().into_iter().map(|(name, _)| name).collect()
    }
}

pub(super) struct Answer {
    lines: Lines,
    rest: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Next {
    Head(SqlHead),
    /// Operation and row.
    Row(String),
    Progress(SqlProgress),
    End(SqlEnd),
    Error(String),
}

impl Answer {
    /// All rows that are to come, and the end.
    async fn whole(mut self) -> (Vec<String>, SqlEnd) {
        let mut rows = Vec::new();
        loop {
            match self.next().await {
                Next::Row(row) => rows.push(row),
                Next::Head(_) | Next::Progress(_) => {}
                Next::End(end) => return (rows, end),
                Next::Error(message) => panic!("{message}"),
            }
        }
    }

    pub async fn next(&mut self) -> Next {
        while self.rest.is_empty() {
            let chunk = tokio::time::timeout(LIMIT, self.lines.recv()).await.expect("a line in time");
            let chunk = chunk.expect("an answer has an end");
            assert_eq!(chunk.last(), Some(&b'\n'), "whole lines");
            self.rest = String::from_utf8(chunk.to_vec()).unwrap().lines().rev().map(str::to_owned).collect();
        }
        let line = self.rest.pop().unwrap();
        if let Some((op, row)) = row_of(&line) {
            return Next::Row(format!("{op} {row}"));
        }
        match serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")) {
            SqlLine::Head(head) => Next::Head(head),
            SqlLine::Progress(progress) => Next::Progress(progress),
            SqlLine::End(end) => Next::End(end),
            SqlLine::Error(problem) => Next::Error(problem.message),
        }
    }

    pub async fn row(&mut self) -> String {
        loop {
            match self.next().await {
                Next::Row(row) => return row,
                Next::Head(_) | Next::Progress(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

const BATCH: &str = "SET 'execution.runtime-mode' = 'batch';";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_to_the_end_gives_all_rows_and_leaves_nothing() {
    let world = World::start().await;
    world.append(&[
        r#"{"u":"ann","n":1,"ms":1000}"#,
        r#"{"u":"bob","n":2,"ms":2000}"#,
        r#"{"u":null,"n":3,"ms":61000}"#,
    ]);
    let before = world.topics();
    let (rows, end) = world.whole(&format!("{BATCH} SELECT n, u, n AS n FROM clicks WHERE n > 1")).await;
    assert_eq!(rows, [r#"+I {"n":2,"u":"bob","n0":2}"#, r#"+I {"n":3,"u":null,"n0":3}"#]);
    assert_eq!((end.rows, end.progress.unwrap().records_read), (2, 3));
    let windows = "SELECT window_end, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end";
    let (mut rows, _) = world.whole(&format!("{BATCH} {windows}")).await;
    rows.sort();
    assert_eq!(
        rows,
        [r#"+I {"window_end":"1970-01-01 00:01:00","c":2}"#, r#"+I {"window_end":"1970-01-01 00:02:00","c":1}"#]
    );
    let both = format!("{BATCH} SELECT u FROM clicks WHERE n = 1 UNION ALL SELECT u FROM clicks WHERE n = 2");
    let (mut rows, _) = world.whole(&both).await;
    rows.sort();
    assert_eq!(rows, [r#"+I {"u":"ann"}"#, r#"+I {"u":"bob"}"#]);
    // Neither a topic of its own, nor those of groups and transactions that its commits would need.
    assert_eq!(world.topics(), before);
    assert!(before.iter().all(|topic| !topic.contains("consumer_offsets")), "{before:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_as_records_do_until_the_client_leaves() {
    let world = World::start().await;
    let mut live = world.sql("SELECT u FROM clicks").await.unwrap();
    let Next::Head(head) = live.next().await else { panic!("the columns come first") };
    assert_eq!(
        (head.columns[0].name.as_str(), head.columns[0].data_type.as_str(), head.updates),
        ("u", "STRING", false)
    );
    for user in ["ann", "bob"] {
        world.append(&[&format!(r#"{{"u":"{user}","ms":1}}"#)]);
        assert_eq!(live.row().await, format!(r#"+I {{"u":"{user}"}}"#));
    }
    let places = world.running.jobs.queries.clone();
    assert_eq!(places.available_permits(), MAX_QUERIES - 1);
    drop(live);
    let all = tokio::time::timeout(LIMIT, places.acquire_many(MAX_QUERIES as u32)).await;
    drop(all.expect("a query that nobody reads ends").unwrap());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_change_come_with_their_kinds() {
    let world = World::start().await;
    let mut live = world.sql("SELECT u, COUNT(*) AS c FROM clicks GROUP BY u").await.unwrap();
    let Next::Head(head) = live.next().await else { panic!("the columns come first") };
    assert!(head.updates);
    world.append(&[r#"{"u":"ann","ms":1}"#]);
    assert_eq!(live.row().await, r#"+I {"u":"ann","c":1}"#);
    world.append(&[r#"{"u":"ann","ms":2}"#]);
    assert_eq!(live.row().await, r#"-U {"u":"ann","c":1}"#);
    assert_eq!(live.row().await, r#"+U {"u":"ann","c":2}"#);
    drop(live);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_at_its_limit_and_tells_how_far_it_is() {
    let world = World::start().await;
    world.append(&[r#"{"u":"a","ms":1}"#, r#"{"u":"b","ms":1}"#, r#"{"u":"c","ms":1}"#]);
    let (rows, end) = world.whole("SELECT u FROM clicks LIMIT 2").await;
    assert_eq!((rows.len(), end.rows), (2, 2));
    let request = SqlRequest {
        sql: "SELECT u FROM clicks LIMIT 9".to_owned(),
        session: TABLES.to_owned(),
        rows: Some(4),
        progress: true,
    };
    let mut answer = world.ask(request).await.unwrap();
    let mut rows = 0;
    let told = loop {
        match answer.next().await {
            Next::Progress(told) => break told,
            Next::Row(_) => rows += 1,
            _ => {}
        }
    };
    assert_eq!((rows, told.rows, told.records_read, told.lag_records), (3, 3, 3, 0));
    world.append(&[r#"{"u":"d","ms":1}"#, r#"{"u":"e","ms":1}"#]);
    assert_eq!(answer.row().await, r#"+I {"u":"d"}"#);
    let end = loop {
        match answer.next().await {
            Next::End(end) => break end,
            Next::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end.rows, 4);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let world = World::start().await;
    world.append(&["{\"u\":1", "no JSON"]);
    let mut answer = world.sql("SELECT u FROM clicks").await.unwrap();
    let message = loop {
        match answer.next().await {
            Next::Error(message) => break message,
            Next::Head(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(message.contains("clicks-0@0"), "{message}");
    let elsewhere = "CREATE TABLE c (u STRING) WITH ('connector' = 'kafka', 'topic' = 'click', 'format' = 'json');";
    let error = world.sql(&format!("{elsewhere} SELECT u FROM c")).await.err().unwrap();
    assert_eq!(error.to_string(), "there is no topic click; did you mean clicks?");
    assert!(matches!(world.sql("SELECT v FROM clicks").await.err(), Some(JobError::Sql(_))));
    let mut kept = Vec::new();
    for _ in 0..MAX_QUERIES {
        kept.push(world.sql("SELECT n FROM clicks WHERE n > 9").await);
    }
    let open = kept.iter().filter(|answer| answer.is_ok()).count();
    let refused = world.sql("SELECT n FROM clicks WHERE n > 9").await.err().map(|error| error.to_string());
    // One that has failed at the record that is no JSON has left its place.
    assert!(open == MAX_QUERIES, "{open}");
    assert!(refused.is_none_or(|refused| refused.contains("which is the limit")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inserts_run_as_a_job_that_show_jobs_lists() {
    let world = World::start().await;
    let (_, end) = world.whole("SET 'pipeline.name' = 'copy'; INSERT INTO out SELECT u, n FROM clicks").await;
    assert!(end.message.starts_with("job copy runs"), "{end:?}");
    let (rows, _) = world.whole("SHOW JOBS").await;
    assert!(rows.len() == 1 && rows[0].starts_with(r#"+I {"job":"copy","state":""#), "{rows:?}");
    let (rows, _) = world.whole("SHOW TOPICS").await;
    assert!(rows[0].starts_with(r#"+I {"topic":"clicks","partitions":"1","offsets":"0"}"#), "{rows:?}");
    let (_, end) =
        world.whole("CREATE TABLE more (x INT) WITH ('connector' = 'kafka', 'topic' = 'm', 'format' = 'json')").await;
    assert_eq!((end.message.as_str(), end.keep), ("table more is known in this session", true));
    let (rows, _) = world.whole("DESCRIBE out").await;
    assert_eq!(rows[0], r#"+I {"name":"u","type":"STRING","null":"TRUE","key":null,"extras":null,"watermark":null}"#);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_windows_of_a_job_are_shown_as_of_its_last_commit() {
    let world = World::start().await;
    let counts = "CREATE TABLE counts (u STRING, window_end TIMESTAMP(3), c BIGINT) WITH ('connector' = 'kafka', 'topic' = 'counts', 'format' = 'json');
        SET 'pipeline.name' = 'counting';
        INSERT INTO counts SELECT u, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, u";
    world.whole(counts).await;
    world.append(&[
        r#"{"u":"ann","ms":1000}"#,
        r#"{"u":"bob","ms":2000}"#,
        r#"{"u":"ann","ms":3000}"#,
        r#"{"u":"cy","ms":61000}"#,
    ]);
    // When the last record has closed the first window, only the second is open.
    let cy = r#"+I {"u":"cy","window_end":"1970-01-01 00:02:00","c":1}"#;
    world.until_shown("SHOW STATE OF JOB counting", &[cy]).await;
    world.append(&[r#"{"u":"dee","ms":62000}"#, r#"{"u":"cy","ms":62000}"#]);
    let dee = r#"+I {"u":"dee","window_end":"1970-01-01 00:02:00","c":1}"#;
    world.until_shown("SHOW STATE OF JOB counting WHERE KEY = 'dee'", &[dee]).await;
    let (rows, _) = world.whole("SHOW STATE OF JOB counting").await;
    assert_eq!(rows[0], r#"+I {"u":"cy","window_end":"1970-01-01 00:02:00","c":2}"#);
    // What is shown is committed: the group's offsets are behind the records that count.
    let group = forebay_processor::host::Host::committed(
        &*world.running.jobs.host,
        "counting",
        &[forebay_storage::ids::TopicPartition::new("clicks", 0)],
        true,
    );
    assert_eq!(group.unwrap()[0].as_ref().unwrap().offset.0, 6);
    assert!(matches!(world.sql("SHOW STATE OF JOB count").await.err(), Some(JobError::Unknown { .. })));
    world.end().await;
}

/// What a job keeps that has no windows: groups as they are, by keys of any type; of a join, how many entries there are of each key.
#[tokio::test(flavor = "multi_thread")]
async fn groups_and_joins_are_shown_as_of_offsets_that_are_told() {
    let world = World::start().await;
    let groups = "CREATE TABLE totals (day DATE, big BOOLEAN, c BIGINT, PRIMARY KEY (day, big) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
        SET 'pipeline.name' = 'totalling';
        INSERT INTO totals SELECT CAST(TO_TIMESTAMP_LTZ(ms, 3) AS DATE), n > 5, COUNT(*) FROM clicks GROUP BY CAST(TO_TIMESTAMP_LTZ(ms, 3) AS DATE), n > 5";
    world.whole(groups).await;
    world.append(&[
        r#"{"u":"ann","n":1,"ms":1000}"#,
        r#"{"u":"bob","n":9,"ms":2000}"#,
        r#"{"u":"ann","n":9,"ms":86400000}"#,
        r#"{"u":"cy","n":1,"ms":1000}"#,
    ]);
    let rows = [
        r#"+I {"day":"1970-01-01","big":false,"c":2}"#,
        r#"+I {"day":"1970-01-01","big":true,"c":1}"#,
        r#"+I {"day":"1970-01-02","big":true,"c":1}"#,
    ];
    world.until_shown("SHOW STATE OF JOB totalling", &rows).await;
    world.until_shown("SHOW STATE OF JOB totalling WHERE KEY = '1970-01-02'", &rows[2..]).await;
    world.until_shown("SHOW STATE OF JOB totalling WHERE KEY = 'false'", &rows[..1]).await;
    let (_, end) = world.whole("SHOW STATE OF JOB totalling").await;
    assert_eq!((end.message.as_str(), end.more), ("as of clicks-0@4", false));
    let two = SqlRequest { sql: "SHOW STATE OF JOB totalling".to_owned(), rows: Some(2), ..SqlRequest::default() };
    let (shown, end) = world.ask(two).await.unwrap().whole().await;
    assert_eq!(shown, rows[..2]);
    assert_eq!((end.message.as_str(), end.more), ("the first 2 rows of more; as of clicks-0@4", true));

    let join = "SET 'pipeline.name' = 'meeting';
        INSERT INTO out SELECT a.u, b.n FROM clicks a JOIN clicks b ON a.u = b.u AND b.ts BETWEEN a.ts - INTERVAL '1' DAY AND a.ts + INTERVAL '1' DAY";
    world.whole(join).await;
    let of_ann = r#"+I {"key":["ann"],"entries":4}"#;
    world.until_shown("SHOW STATE OF JOB meeting WHERE KEY = 'ann'", &[of_ann]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_reads_partitions_that_are_added() {
    let world = World::start().await;
    let mut live = world.sql("SELECT u FROM clicks").await.unwrap();
    world.append(&[r#"{"u":"ann","ms":1}"#]);
    assert_eq!(live.row().await, r#"+I {"u":"ann"}"#);
    let metadata = world.running.rooms.metadata.clone();
    let enlarge = move || {
        let topics = vec![MorePartitions { name: "clicks".to_owned(), count: 2, assignments: None }];
        metadata.ask(|reply_to| Command::CreatePartitions(CreatePartitions { reply_to, topics, validate_only: false }))
    };
    tokio::task::spawn_blocking(enlarge).await.unwrap().unwrap();
    world.append_to(1, &[r#"{"u":"bob","ms":1}"#]);
    assert_eq!(live.row().await, r#"+I {"u":"bob"}"#);
    world.append(&[r#"{"u":"cy","ms":1}"#]);
    assert_eq!(live.row().await, r#"+I {"u":"cy"}"#);
    drop(live);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_of_rows_and_not_of_changes() {
    let world = World::start().await;
    let mut live = world.sql("SELECT u, COUNT(*) AS c FROM clicks GROUP BY u LIMIT 2").await.unwrap();
    for count in 1..4 {
        world.append(&[r#"{"u":"ann","ms":1}"#]);
        while !live.row().await.ends_with(&format!(r#" {{"u":"ann","c":{count}}}"#)) {}
    }
    world.append(&[r#"{"u":"bob","ms":1}"#]);
    let (rows, end) = live.whole().await;
    assert_eq!((rows.last().map(String::as_str), end.rows), (Some(r#"+I {"u":"bob","c":1}"#), 2));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_proposed_from_records() {
    let world = World::start().await;
    world.append(&[r#"{"who":"ann","event_time":1700000000000}"#, r#"{"who":"bob","event_time":1700000001000}"#]);
    let bare = "CREATE TABLE c WITH ('connector' = 'kafka', 'topic' = 'clicks')";
    let (rows, end) = world.whole(bare).await;
    assert_eq!(rows[0], r#"+I {"column":"who","type":"STRING","present":"100.0 %","example":"ann","note":""}"#);
    let ddl = end.ddl.unwrap();
    assert!(ddl.contains("WATERMARK FOR ts AS ts\n") && !end.keep, "{ddl}");
    let (rows, _) = world.whole(&format!("{ddl}; SELECT who FROM c LIMIT 2")).await;
    assert_eq!(rows, [r#"+I {"who":"ann"}"#, r#"+I {"who":"bob"}"#]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_stand_in_a_statement_are_written_once() {
    let world = World::start().await;
    let (_, end) = world.whole("INSERT INTO out VALUES ('ann', 1), (UPPER('bob'), 1 + 1), (NULL, 3)").await;
    assert_eq!(end.message, "3 rows written to topic out");
    let (_, end) = world.whole("INSERT INTO out (n) VALUES (4)").await;
    assert_eq!(end.message, "1 row written to topic out");
    let (mut rows, _) = world.whole(&format!("{BATCH} SELECT u, n FROM out")).await;
    rows.sort();
    let expected = [r#"{"u":"BOB","n":2}"#, r#"{"u":"ann","n":1}"#, r#"{"u":null,"n":3}"#, r#"{"u":null,"n":4}"#];
    assert_eq!(rows, expected.map(|row| format!("+I {row}")));
    let (rows, _) = world.whole("EXPLAIN INSERT INTO out VALUES ('cy', 5)").await;
    assert_eq!(rows, [r#"+I {"plan":"rows as they stand, 1, into topic out"}"#]);
    for (wrong, why) in [
        ("INSERT INTO out VALUES ('ann')", "columns"),
        ("INSERT INTO out VALUES ('ann', 'one')", "column n of out is BIGINT, the query gives"),
        ("INSERT INTO out VALUES (u, 1)", "there is no column u"),
    ] {
        let error = world.sql(wrong).await.err().expect(wrong).to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    let (rows, _) = world.whole(&format!("{BATCH} SELECT u FROM out")).await;
    assert_eq!(rows.len(), 4, "neither an explanation nor a mistake writes: {rows:?}");
    world.end().await;
}
