//! Records from which no row can be made, or whose row cannot be computed or written.

use forebay_processor::job::{MAX_MESSAGE, TaskError, header};

use crate::support::plans::{INPUT, OUTPUT, click};
use crate::support::{run, run_and_finish};
use crate::{host, metric, open, rows, stateless, try_plan, windowed};

const DEAD: &str = ", 'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'dead'";

#[test]
fn without_a_word_the_job_stops_and_says_where_why_and_what_to_do() {
    for options in
        ["", ", 'forebay.on-error' = 'fail'", ", 'forebay.on-error' = 'FAIL', 'json.ignore-parse-errors' = 'true'"]
    {
        let host = host(2);
        host.produce(INPUT, 1, &[Some(click("a", Some(1), 0, 0)), Some("not json".to_owned())]);
        let mut task = open(&stateless(options), &host);
        let TaskError::Failed(message) = run(&mut task, &host).unwrap_err() else { panic!() };
        assert!(message.starts_with("clicks-1@1: ") && message.contains("forebay.on-error"), "{message}");
        assert_eq!(host.committed_offset("job", INPUT, 1), None, "nothing of the step has happened");
        assert!(rows(&host).is_empty());
    }
}

#[test]
fn skipping_counts_and_goes_on_also_over_a_restart() {
    let host = host(1);
    let plan = stateless(", 'forebay.on-error' = 'skip'");
    host.produce(INPUT, 0, &[Some("{"), Some(r#"{"user":"a","bytes":0,"ts":"1970-01-01 00:00:00"}"#)]);
    host.produce(INPUT, 0, &[Some(r#"{"bytes":1,"ts":"1970-01-01 00:00:00"}"#), Some(r#"{"user":"a","bytes":5}"#)]);
    host.produce(INPUT, 0, &[Some(click("b", Some(50), 0, 0))]);
    let mut task = open(&plan, &host);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [r#"{"user":"b","x":2}"#]);
    let status = task.status();
    assert_eq!((status.undecodable, status.records_out, status.records_aside), (4, 1, 0));
    let last = status.last_bad.unwrap();
    assert_eq!((last.partition, last.offset, last.class), (0, 3, "null-event-time"));
    drop(task);
    assert_eq!(open(&plan, &host).status().undecodable, 4);
}

#[test]
fn ignoring_parse_errors_ignores_those_only() {
    let host = host(1);
    host.produce(INPUT, 0, &[Some("{"), Some(r#"{"user":"a","bytes":0,"ts":"1970-01-01 00:00:00"}"#)]);
    let mut task = open(&stateless(", 'json.ignore-parse-errors' = 'true'"), &host);
    let TaskError::Failed(message) = run(&mut task, &host).unwrap_err() else { panic!() };
    assert!(message.starts_with("clicks-0@1: ") && message.contains("forebay.on-error"), "{message}");
}

#[test]
fn a_dead_letter_is_the_record_as_it_was_with_the_reason() {
    let host = host(2);
    host.create_topic("dead", 3);
    let bad = format!("{{\"user\": {}", "ü".repeat(2_000));
    host.produce_record(INPUT, 1, (77, Some(b"k"), Some(bad.as_bytes())), &[("trace", Some(b"t1")), ("none", None)]);
    for (value, at) in [
        (r#"{"user":"a","bytes":1}"#, 78),
        (r#"{"user":"a","bytes":0,"ts":"1970-01-01 00:00:00"}"#, 79),
        (r#"{"bytes":1,"ts":"1970-01-01 00:00:00"}"#, 80),
        (r#"{"user":"good","bytes":1,"ts":"1970-01-01 00:00:00"}"#, 81),
    ] {
        host.produce_record(INPUT, 1, (at, None, Some(value.as_bytes())), &[]);
    }
    let mut task = open(&stateless(DEAD), &host);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [r#"{"user":"good","x":100}"#]);
    let dead = host.records("dead");
    let classes: Vec<_> = dead.iter().map(|record| record.header(header::ERROR_CLASS)).collect();
    assert_eq!(classes, ["decode", "null-event-time", "evaluate", "not-null"], "in the order of the log");
    let first = &dead[0];
    assert_eq!((first.partition, first.timestamp), (1, 77));
    assert_eq!((first.key.as_deref(), first.value.as_ref()), (Some("k"), Some(&bad)));
    assert_eq!(first.headers[..2], [("trace".to_owned(), Some("t1".to_owned())), ("none".to_owned(), None)]);
    for (key, value) in [(header::JOB, "job"), (header::TOPIC, INPUT), (header::PARTITION, "1"), (header::OFFSET, "0")]
    {
        assert_eq!(first.header(key), value);
    }
    assert!(!first.header(header::ERROR_MESSAGE).is_empty());
    assert!(dead.iter().all(|record| record.header(header::ERROR_MESSAGE).len() <= MAX_MESSAGE));
    assert_eq!(dead[3].header(header::OFFSET), "3");
    let status = task.status();
    assert_eq!((status.undecodable, status.records_out, status.records_aside), (4, 1, 4));
}

#[test]
fn a_missing_topic_is_made_and_letters_spread_over_it_by_partition() {
    let host = host(5);
    (0..5).for_each(|partition| host.produce(INPUT, partition, &[Some("bad")]));
    run_and_finish(&mut open(&stateless(DEAD), &host), &host).unwrap();
    let dead: Vec<_> =
        host.records("dead").iter().map(|r| (r.partition, r.header(header::PARTITION).to_owned())).collect();
    let expected = [(0, "0"), (0, "3"), (1, "1"), (1, "4"), (2, "2")];
    assert_eq!(dead, expected.map(|(to, from)| (to, from.to_owned())), "a topic made here has three partitions");
}

#[test]
fn a_row_that_cannot_be_computed_leaves_nothing_of_itself_in_its_window() {
    let host = host(1);
    host.produce(INPUT, 0, &[Some(click("a", Some(0), 0, 0)), Some(click("b", Some(0), 0, 0))]);
    host.produce(INPUT, 0, &[Some(click("b", Some(50), 1, 0)), Some(click("z", Some(1), 30_000, 0))]);
    let mut task = open(&windowed(", 'forebay.on-error' = 'skip'"), &host);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [metric("b", 10_000, 1, Some(2))], "COUNT(*) has not counted it, and a has no group");
    assert_eq!(task.status().undecodable, 2);
}

#[test]
fn set_says_it_for_all_tables_and_a_table_for_itself() {
    let set = "SET 'forebay.on-error' = 'skip'; SET 'forebay.dead-letter.topic' = 'd';";
    let sink =
        format!("CREATE TABLE o (u STRING) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');");
    let of = |options: &str| {
        let text = format!("{set}{}{sink}INSERT INTO o SELECT `user` FROM clicks;", crate::table(options));
        try_plan(&text).unwrap().pipelines.remove(0).source.policies.on_error.unwrap()
    };
    use forebay_processor::plan::OnError;
    assert_eq!(of(""), OnError::Skip);
    assert_eq!(of(", 'forebay.on-error' = 'fail'"), OnError::Fail);
    assert_eq!(of(", 'forebay.on-error' = 'dead-letter'"), OnError::DeadLetter { topic: "d".to_owned() });
}

#[test]
fn mistakes_in_the_options_are_told() {
    let sink =
        format!("CREATE TABLE o (u STRING) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');");
    for (options, words) in [
        (", 'forebay.on-error' = 'dead-leter'", "did you mean dead-letter?"),
        (", 'forebay.on-error' = 'dead-letter'", "'forebay.dead-letter.topic'"),
        (", 'forebay.dead-letter.topic' = 'x'", "'forebay.on-error' = 'dead-letter'"),
        (", 'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'a b'", "topic's name"),
        (", 'forebay.on-late' = 'topic'", "'forebay.late.topic'"),
        (", 'forebay.late.topic' = 'x'", "'forebay.on-late' = 'topic'"),
        (", 'forebay.allowed-lateness' = 'long'", "no duration"),
        (", 'forebay.close-after-idel' = '1 s'", "did you mean 'forebay.close-after-idle'?"),
        (", 'scan.bounded.mode' = 'timestamp'", "'scan.bounded.timestamp-millis'"),
    ] {
        let text = format!("{}{sink}INSERT INTO o SELECT `user` FROM clicks;", crate::table(options));
        let error = try_plan(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{options}: {error}");
    }
}

/// A row for each of a record's windows, which cannot be computed for the window that begins with a minute.
#[test]
fn a_record_is_all_or_nothing() {
    let of_windows =
        "SELECT `user`, CAST(60 / EXTRACT(SECOND FROM window_start) AS BIGINT) AS x, window_start, window_end
        FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND))";
    let gathered = format!("SELECT `user`, SUM(x) FROM ({of_windows}) GROUP BY `user`, window_start, window_end");
    for query in [format!("SELECT `user`, x FROM ({of_windows})"), gathered] {
        let host = host(1);
        let text = format!(
            "{}
             CREATE TABLE metrics (`user` STRING, x BIGINT)
               WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
             INSERT INTO metrics {query};",
            crate::table(DEAD)
        );
        let plan = std::sync::Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")));
        let mut task = open(&plan, &host);
        // In [10 s, 30 s) and [20 s, 40 s); in [50 s, 70 s) and [60 s, 80 s).
        crate::send(&host, 0, "good", &[25_000]);
        crate::send(&host, 0, "bad", &[65_000]);
        crate::send(&host, 0, "z", &[200_000]);
        run_and_finish(&mut task, &host).unwrap();
        let found = rows(&host);
        assert!(!found.iter().any(|row| row.contains("bad")), "{query}: {found:?}");
        let values: Vec<_> = found.iter().filter(|row| row.contains("good")).map(|row| &row[row.len() - 6..]).collect();
        assert_eq!(values, ["\"x\":3}", "\"x\":6}"], "{query}");
        let dead = host.records("dead");
        assert_eq!((dead.len(), dead[0].header(header::ERROR_CLASS)), (1, "evaluate"));
    }
}
