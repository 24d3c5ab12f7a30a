//! Savepoints, and which statements a job can go on with.

use std::sync::Arc;

use forebay_processor::job::{
    SavepointAbout, Task, TaskError, TaskOptions, check_start, read_head, savepoint_at_rest, start_from,
};
use forebay_processor::plan::{JobPlan, check_replacement, check_state};
use forebay_storage::ids::TopicPartition;

use crate::support::host::{Crash, MemoryHost};
use crate::support::plans::{INPUT, OUTPUT};
use crate::support::run_and_finish;
use crate::support::world::World;
use crate::{host, metric, open, parallel, rows, send, stateless, table, try_plan, windowed};

const NEVER_IDLE: &str = ", 'scan.watermark.idle-timeout' = '0'";

fn about() -> SavepointAbout {
    SavepointAbout { savepoint: "before".to_owned(), job: "job".to_owned(), sql: "the text".to_owned() }
}

fn savepoint(host: &MemoryHost) -> TopicPartition {
    host.create_topic("saved", 1);
    TopicPartition::new("saved", 0)
}

#[test]
fn another_job_goes_on_exactly_where_the_savepoint_was() {
    let host = host(2);
    let plan = windowed(NEVER_IDLE);
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000, 12_000, 30_000, 2_000]);
    send(&host, 1, "b", &[3_000]);
    // The last rows are read but not committed: the savepoint has them all the same.
    task.step(&host).unwrap();
    let to = savepoint(&host);
    task.savepoint(&host, &to, &about()).unwrap();
    let head = read_head(&host, &to).unwrap().unwrap();
    assert_eq!((head.savepoint.as_str(), head.job.as_str(), head.sql.as_str()), ("before", "job", "the text"));
    assert_eq!(head.offsets.iter().map(|saved| saved.offset).collect::<Vec<_>>(), [4, 1]);
    // The job itself goes on, unharmed.
    send(&host, 1, "b", &[4_000, 50_000]);
    send(&host, 0, "z", &[50_000]);
    run_and_finish(&mut task, &host).unwrap();
    let expected = [
        metric("a", 10_000, 1, Some(100)),
        metric("a", 20_000, 1, Some(100)),
        metric("a", 40_000, 1, Some(100)),
        metric("b", 10_000, 2, Some(200)),
    ];
    assert_eq!(rows(&host), expected);
    // Another one starts from it: the same rows once more, the late row still counted, nothing read again.
    start_from(&host, &plan, "second", 0, &to, &TaskOptions::default()).unwrap();
    let mut second = Task::open(&plan, "second", 0, &host, TaskOptions::default()).unwrap();
    assert_eq!((second.status().late, second.status().state_keys), (1, 4));
    assert_eq!(second.status().inputs.iter().map(|input| input.position).collect::<Vec<_>>(), [4, 1]);
    run_and_finish(&mut second, &host).unwrap();
    let twice: Vec<String> = expected.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
    assert_eq!(rows(&host), twice);
}

#[test]
fn a_job_without_state_has_savepoints_too() {
    let host = host(1);
    let plan = stateless("");
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1, 2]);
    run_and_finish(&mut task, &host).unwrap();
    let to = savepoint(&host);
    task.savepoint(&host, &to, &about()).unwrap();
    start_from(&host, &plan, "second", 0, &to, &TaskOptions::default()).unwrap();
    let second = Task::open(&plan, "second", 0, &host, TaskOptions::default()).unwrap();
    assert_eq!(second.status().inputs[0].position, 2);
}

#[test]
fn a_savepoint_is_whole_or_not_there() {
    for crash in [Crash::Before, Crash::Undecided] {
        let host = host(1);
        let mut task = open(&windowed(NEVER_IDLE), &host);
        send(&host, 0, "a", &[1_000]);
        let to = savepoint(&host);
        host.crash_at_commit(0, crash);
        task.step(&host).unwrap();
        task.savepoint(&host, &to, &about()).unwrap_err();
        let task = open(&windowed(NEVER_IDLE), &host);
        assert_eq!(read_head(&host, &to).unwrap(), None);
        assert_eq!(task.status().inputs[0].position, 0, "its commit has not happened either");
    }
}

#[test]
fn a_job_that_has_run_does_not_start_from_a_savepoint() {
    let host = host(1);
    let plan = windowed(NEVER_IDLE);
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000]);
    run_and_finish(&mut task, &host).unwrap();
    let to = savepoint(&host);
    task.savepoint(&host, &to, &about()).unwrap();
    let error = start_from(&host, &plan, "job", 0, &to, &TaskOptions::default()).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("has state already")), "{error}");
    let error =
        start_from(&host, &plan, "other", 0, &TopicPartition::new(INPUT, 0), &TaskOptions::default()).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("is no savepoint")), "{error}");
}

#[test]
fn the_offsets_of_a_foreign_group_are_not_overwritten() {
    let host = host(2);
    let plan = windowed(NEVER_IDLE);
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000, 2_000]);
    run_and_finish(&mut task, &host).unwrap();
    let to = savepoint(&host);
    task.savepoint(&host, &to, &about()).unwrap();
    // Somebody consumes with the group that the new job would have.
    host.set_offset("second", INPUT, 1, 7);
    assert_eq!(check_start(&host, &plan, "third"), Ok(()));
    check_start(&host, &plan, "second").unwrap_err();
    let error = start_from(&host, &plan, "second", 0, &to, &TaskOptions::default()).unwrap_err();
    assert!(
        matches!(&error, TaskError::Failed(text) if text.contains("group 'second' has the offset 7 of clicks-1")),
        "{error}"
    );
    assert_eq!(host.committed_offset("second", INPUT, 0), None);
    assert_eq!(host.committed_offset("second", INPUT, 1).unwrap().offset.0, 7);
}

/// The rows of `plan` in tumbling windows, in so many tasks.
fn in_tasks(parallelism: usize) -> Arc<JobPlan> {
    parallel(parallelism, NEVER_IDLE)
}

#[test]
fn a_job_of_several_tasks_goes_on_in_any_number_of_tasks() {
    for (before, after) in [(1, 3), (3, 2), (2, 1), (2, 2)] {
        let host = host(4);
        let plan = in_tasks(before);
        let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
        let mut world = World::new(host, Arc::clone(&plan), TaskOptions::default());
        for time in [1_000, 12_000] {
            users.iter().enumerate().for_each(|(n, user)| send(&world.host, (n % 4) as i32, user, &[time]));
        }
        // Partition 0 is ahead: what is late in it is late for ever.
        send(&world.host, 0, "late", &[30_000, 2_000]);
        world.finish();
        let host = world.host;
        // The last rows are not read when the savepoint is made.
        send(&host, 3, "user-3", &[13_000]);
        let to = savepoint(&host);
        // Pieces of a few keys each.
        let options = TaskOptions { output_bytes: 300, ..TaskOptions::default() };
        savepoint_at_rest(&host, (&plan, 0), &to, &about(), options).unwrap();
        let head = read_head(&host, &to).unwrap().unwrap();
        assert_eq!(head.offsets.iter().map(|saved| saved.partition).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(host.largest_commit() < 5_000, "{}", host.largest_commit());
        let plan = in_tasks(after);
        start_from(&host, &plan, "job-2", 0, &to, &options).unwrap();
        for partition in 0..4 {
            send(&host, partition, "z", &[90_000]);
        }
        let mut second = World::named("job-2", host, plan, TaskOptions::default());
        second.finish();
        let mut expected = vec![metric("late", 40_000, 1, Some(100))];
        for user in &users {
            let twice = i64::from(user == "user-3");
            expected
                .extend([metric(user, 10_000, 1, Some(100)), metric(user, 20_000, 1 + twice, Some(100 + 100 * twice))]);
        }
        expected.sort();
        assert_eq!(rows(&second.host), expected, "from {before} to {after}");
        assert_eq!(second.status().late, 1, "counted once, before");
    }
}

#[test]
fn sessions_and_windows_over_windows_go_on_in_another_number_of_tasks() {
    let plan = |parallelism: usize| {
        let query = "INSERT INTO metrics SELECT `user`, SUM(n) FROM TABLE(TUMBLE((
              SELECT `user`, MOD(bytes, 2) AS odd, COUNT(*) AS n, window_time AS wt
                FROM TABLE(SESSION(TABLE clicks PARTITION BY (bytes, `user`), DESCRIPTOR(ts), INTERVAL '5' SECOND))
                GROUP BY bytes, `user`, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '20' SECOND))
            GROUP BY odd, `user`, window_start, window_end;";
        let mut plan = (*job(NEVER_IDLE, query)).clone();
        plan.pipelines[0].parallelism = parallelism;
        Arc::new(plan)
    };
    let row = |user: &str, n: i64| format!(r#"{{"user":"{user}","n":{n}}}"#);
    for (before, after) in [(1, 3), (3, 1), (2, 3)] {
        let mut world = World::new(host(2), plan(before), TaskOptions::default());
        for n in 0..10 {
            let user = format!("user-{n}");
            // An ended session, an open one, and in partition 1 a row that has to wait.
            send(&world.host, 0, &user, &[1_000, 4_000]);
            send(&world.host, 1, &user, &[2_000, 16_000 + n * 10, 1_000]);
        }
        send(&world.host, 0, "x", &[15_000]);
        world.finish();
        let to = savepoint(&world.host);
        let options = TaskOptions { output_bytes: 200, ..TaskOptions::default() };
        savepoint_at_rest(&world.host, (&plan(before), 0), &to, &about(), options).unwrap();
        start_from(&world.host, &plan(after), "job-2", 0, &to, &options).unwrap();
        assert!(rows(&world.host).is_empty());
        let mut second = World::named("job-2", world.host, plan(after), TaskOptions::default());
        (0..2).for_each(|partition| send(&second.host, partition, "z", &[900_000]));
        second.finish();
        // What one task makes of the same rows that are never interrupted.
        let mut whole = World::new(host(2), plan(1), TaskOptions::default());
        for partition in 0..2 {
            let values: Vec<_> =
                second.host.records(INPUT).into_iter().filter(|got| got.partition == partition).collect();
            values.iter().for_each(|got| whole.host.produce(INPUT, partition, std::slice::from_ref(&got.value)));
        }
        whole.finish();
        assert_eq!(rows(&second.host), rows(&whole.host), "from {before} to {after}");
        // Rows that had to wait are late, as the session of 1 to 9 s has ended by then: two of each user, but of the first one only one.
        let found: Vec<_> = rows(&second.host).into_iter().filter(|found| found.contains("user-3")).collect();
        assert_eq!(found, [row("user-3", 1), row("user-3", 2)]);
        assert_eq!((second.status().late, whole.status().late), (19, 19));
    }
}

#[test]
fn a_savepoint_of_which_a_piece_is_missing_is_none() {
    for crash in [Crash::Before, Crash::Undecided] {
        for after in 0..4 {
            let host = host(1);
            let plan = windowed(NEVER_IDLE);
            let mut task = open(&plan, &host);
            (0..30).for_each(|n| send(&host, 0, &format!("user-{n}"), &[1_000]));
            run_and_finish(&mut task, &host).unwrap();
            drop(task);
            let to = savepoint(&host);
            let options = TaskOptions { output_bytes: 500, ..TaskOptions::default() };
            host.crash_at_commit(after, crash);
            savepoint_at_rest(&host, (&plan, 0), &to, &about(), options).unwrap_err();
            // Whoever comes next aborts what was left open.
            drop(open(&plan, &host));
            assert_eq!(read_head(&host, &to).unwrap(), None, "commit {after}");
        }
    }
}

/// A job over the clicks, with this query.
fn job(options: &str, query: &str) -> Arc<JobPlan> {
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         CREATE TABLE other (`user` STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'other', 'format' = 'json');
         {query}",
        table(options)
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

fn counting(function: &str, keys: &str, aggregate: &str) -> String {
    format!(
        "INSERT INTO metrics SELECT {keys}, {aggregate} FROM TABLE({function}) GROUP BY {keys}, window_start, window_end;"
    )
}

const TUMBLE: &str = "TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)";

#[test]
fn what_means_something_else_is_refused_with_the_reason() {
    let old = job("", &counting(TUMBLE, "`user`", "COUNT(*)"));
    for (new, words) in [
        (
            job("", &counting("TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '20' SECOND)", "`user`", "COUNT(*)")),
            "the windows change",
        ),
        (
            job(
                "",
                &counting(
                    "HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)",
                    "`user`",
                    "COUNT(*)",
                ),
            ),
            "the windows change",
        ),
        (job("", &counting(TUMBLE, "CAST(bytes AS STRING)", "COUNT(*)")), "the keys change"),
        (job("", &counting(TUMBLE, "`user`", "SUM(bytes)")), "the aggregates change"),
        (job("", &counting(TUMBLE, "`user`", "COUNT(bytes)")), "the aggregates change"),
        (job("", "INSERT INTO metrics SELECT `user`, bytes FROM clicks;"), "the rows in them would be lost"),
        (
            job(", 'forebay.allowed-lateness' = '1 s'", &counting(TUMBLE, "`user`", "COUNT(*)")),
            "the allowed lateness changes",
        ),
        (job(", 'properties.group.id' = 'g'", &counting(TUMBLE, "`user`", "COUNT(*)")), "'properties.group.id'"),
        (job("", &counting(TUMBLE, "`user`", "COUNT(*)").repeat(2)), "1 INSERT INTO and would have 2"),
    ] {
        let why = check_replacement("job", &old, &new).unwrap_err();
        assert!(why.contains(words), "{why}");
        assert!(check_replacement("job", &old, &old).is_ok());
    }
    let mut elsewhere = (*old).clone();
    elsewhere.pipelines[0].source.topic = "others".to_owned();
    assert!(check_state(&old, &elsewhere).unwrap_err().contains("'others'"));
}

#[test]
fn a_bounded_job_keeps_its_bound() {
    let query = counting(TUMBLE, "`user`", "COUNT(*)");
    let bounded = job(", 'scan.bounded.mode' = 'latest-offset'", &query);
    let until = ", 'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '5'";
    for (new, is) in [("", "unbounded"), (until, "timestamp 5")] {
        let why = check_replacement("job", &bounded, &job(new, &query)).unwrap_err();
        assert!(why.contains(&format!("it has latest-offset, and would have {is}; apply it as a new job")), "{why}");
    }
    assert!(check_replacement("job", &bounded, &bounded).is_ok());
    assert!(check_replacement("job", &job("", &query), &bounded).is_ok(), "it has not ended yet");
}

#[test]
fn rows_kept_for_sessions_are_of_the_same_columns() {
    let sessions = "FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
    let table =
        "CREATE TABLE two (a STRING, b STRING, c STRING, `user` STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
                   WITH ('connector' = 'kafka', 'topic' = 'two', 'format' = 'json');";
    let plan = |columns: &str| {
        let sessions = sessions.replace("clicks", "two");
        job("", &format!("{table} INSERT INTO metrics SELECT {columns}, 1 {sessions};"))
    };
    let why = check_replacement("job", &plan("CONCAT(a, b)"), &plan("CONCAT(a, c)")).unwrap_err();
    assert!(why.contains("(a, b)") && why.contains("(a, c)"), "{why}");
    assert!(check_replacement("job", &plan("CONCAT(a, b)"), &plan("CONCAT(b, a)")).is_ok());
}

#[test]
fn several_pipelines_do_not_change_places() {
    let one = counting(TUMBLE, "`user`", "COUNT(*)");
    let other = one.replace("metrics", "other");
    let set = |inserts: [&str; 2]| job("", &format!("EXECUTE STATEMENT SET BEGIN {} END;", inserts.concat()));
    let old = set([&one, &other]);
    let why = check_replacement("job", &old, &set([&other, &one])).unwrap_err();
    assert!(
        why.contains(&format!("INSERT INTO number 1: it writes topic '{OUTPUT}' and would write topic 'other'")),
        "{why}"
    );
    assert!(check_replacement("job", &old, &old).is_ok());
}

#[test]
fn what_means_the_same_is_kept() {
    let old = job("", &counting(TUMBLE, "`user`", "COUNT(*)"));
    for new in [
        // Another output, other rows of it, a filter on the input, other columns read, policies.
        counting(TUMBLE, "`user`", "COUNT(*)").replace("metrics", "other"),
        counting(TUMBLE, "`user`", "COUNT(*) * 2"),
        counting(TUMBLE, "`user`", "COUNT(*)").replace(';', " HAVING COUNT(*) > 1;"),
    ] {
        let kept = check_replacement("job", &old, &job(", 'forebay.on-error' = 'skip'", &new)).unwrap();
        assert!(kept.len() == 1 && kept[0].contains("open windows"), "{kept:?}");
    }
}

#[test]
fn a_replaced_job_goes_on_with_its_windows() {
    let host = host(1);
    let mut task = open(&job("", &counting(TUMBLE, "`user`", "COUNT(*)")), &host);
    send(&host, 0, "a", &[1_000, 2_000]);
    run_and_finish(&mut task, &host).unwrap();
    drop(task);
    let new = job("", &counting(TUMBLE, "`user`", "COUNT(*) * 100"));
    send(&host, 0, "a", &[3_000, 30_000]);
    run_and_finish(&mut open(&new, &host), &host).unwrap();
    assert_eq!(rows(&host), [r#"{"user":"a","n":300}"#]);
}
