//! State across restarts: the changelog, its snapshots, and who may write it.
#![allow(clippy::unwrap_used)]

mod support;

use forebay_processor::job::{Progress, Task, TaskError, TaskOptions, resources};
use support::host::{Crash, MemoryHost};
use support::plans::{self, INPUT, OUTPUT, click, host, metric};
use support::{run, run_and_finish};

const CHANGELOG: &str = "__forebay-job-0-changelog";

fn open(host: &MemoryHost, snapshot_floor: u64) -> Result<Task, TaskError> {
    let options = TaskOptions { snapshot_floor, ..TaskOptions::default() };
    Task::open(&plans::tumbling(10_000, Some(0), false), "job", 0, host, options)
}

fn send(host: &MemoryHost, user: &str, ts: i64) {
    host.produce(INPUT, 0, &[Some(click(user, Some(ts), ts, ts))]);
}

#[test]
fn open_windows_are_restored() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    for (user, ts) in [("a", 1), ("b", 2), ("a", 3)] {
        send(&host, user, ts);
    }
    run_and_finish(&mut task, &host).unwrap();
    drop(task);
    let mut task = open(&host, 1 << 20).unwrap();
    let status = task.status();
    assert_eq!((status.open_windows, status.state_keys), (1, 2));
    send(&host, "a", 10_000);
    run_and_finish(&mut task, &host).unwrap();
    let mut rows: Vec<_> = host.consume(OUTPUT).into_iter().flatten().collect();
    rows.sort();
    let window = |user, n, total, largest| metric(user, 0, 10_000, n, Some(total), Some(largest));
    assert_eq!(rows, [window("a", 2, 4, 3), window("b", 1, 2, 2)]);
}

#[test]
fn snapshots_bound_the_changelog_and_restore_the_same() {
    let host = host(1);
    let mut task = open(&host, 1_000).unwrap();
    for n in 0..300 {
        send(&host, &format!("user{}", n % 5), n * 100);
        run_and_finish(&mut task, &host).unwrap();
    }
    assert!(host.trims() > 3, "{} trims", host.trims());
    let (start, end) = (host.start_offset(CHANGELOG, 0), host.end_offset(CHANGELOG, 0));
    assert!(end > 600 && end - start < 100, "{start} to {end}: the replay is bounded");
    let before = task.status();
    let after = open(&host, 1_000).unwrap().status();
    let state = |status: &forebay_processor::job::TaskStatus| {
        (status.open_windows, status.state_keys, status.state_bytes, status.changelog_bytes)
    };
    assert_eq!(state(&after), state(&before));
}

/// A commit writes all that has changed, and nothing else is done meanwhile.
#[test]
fn much_changed_state_is_committed_before_its_time() {
    let host = host(1);
    for n in 0..2_000 {
        send(&host, &format!("user{n}"), n);
    }
    let commits = |commit_state_bytes: u64| {
        let options = TaskOptions { step_bytes: 1, read_bytes: 1, commit_state_bytes, ..TaskOptions::default() };
        let job = format!("job-{commit_state_bytes}");
        let mut task = Task::open(&plans::tumbling(10_000, Some(0), false), &job, 0, &host, options).unwrap();
        // No time passes.
        while task.step(&host).unwrap() == Progress::Busy {}
        (task.status().commits, task.status().state_keys)
    };
    assert_eq!(commits(u64::MAX), (0, 2_000));
    let (many, keys) = commits(2_000);
    assert_eq!(keys, 2_000);
    assert!((50..500).contains(&many), "{many} commits for 2,000 keys of about 80 bytes");
}

#[test]
fn an_older_session_cannot_commit() {
    let host = host(1);
    let mut old = open(&host, 1 << 20).unwrap();
    let mut new = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    let error = run_and_finish(&mut old, &host).unwrap_err();
    assert!(matches!(error, TaskError::Fenced(_)), "{error}");
    assert!(matches!(old.step(&host), Err(TaskError::Retry(_))), "a stopped task stays stopped");
    run_and_finish(&mut new, &host).unwrap();
    assert_eq!(new.status().state_keys, 1);
}

#[test]
fn an_undecided_commit_leaves_nothing_behind() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    host.crash_at_commit(0, Crash::Undecided);
    assert!(matches!(run_and_finish(&mut task, &host), Err(TaskError::Retry(_))));
    let task = open(&host, 1 << 20).unwrap();
    assert_eq!((task.status().state_keys, task.status().inputs[0].position), (0, 0));
}

#[test]
fn offsets_set_from_outside_do_not_go_with_the_state() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    run_and_finish(&mut task, &host).unwrap();
    host.set_offset("job", INPUT, 0, 0);
    let error = open(&host, 1 << 20).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("group 'job'")), "{error}");
}

#[test]
fn offsets_without_their_state_are_refused() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    run_and_finish(&mut task, &host).unwrap();
    host.delete_topic(CHANGELOG);
    let error = open(&host, 1 << 20).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("state") && text.contains("gone")), "{error}");
}

#[test]
fn offsets_of_another_job_in_the_same_group_are_not_this_jobs_progress() {
    let host = host(1);
    let mut plan = plans::tumbling(10_000, Some(0), false);
    std::sync::Arc::make_mut(&mut plan).pipelines[0].source.group_id = Some("shared".to_owned());
    std::sync::Arc::make_mut(&mut plan).pipelines[0].source.startup =
        forebay_processor::plan::StartupMode::EarliestOffset;
    send(&host, "a", 1);
    let mut first = Task::open(&plan, "first", 0, &host, TaskOptions::default()).unwrap();
    run_and_finish(&mut first, &host).unwrap();
    assert!(host.committed_offset("shared", INPUT, 0).is_some());
    let mut second = Task::open(&plan, "second", 0, &host, TaskOptions::default()).unwrap();
    run_and_finish(&mut second, &host).unwrap();
    assert_eq!(second.status().state_keys, 1, "it reads from the beginning, as its plan says");
}

#[test]
fn another_querys_state_is_not_taken_over() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    run_and_finish(&mut task, &host).unwrap();
    let other = plans::tumbling(20_000, Some(0), false);
    let error = Task::open(&other, "job", 0, &host, TaskOptions::default()).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("another query")), "{error}");
}

#[test]
fn a_step_that_only_changes_state_is_committed_a_little_later() {
    let host = host(1);
    let mut task = open(&host, 1 << 20).unwrap();
    send(&host, "a", 1);
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 0);
    host.advance(200);
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 1);
    send(&host, "a", 10_000);
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 2, "a result is committed at once");
}

#[test]
fn names_of_what_a_job_keeps() {
    let mut plan = (*plans::tumbling(5_000, None, false)).clone();
    let one = resources("metrics", &plan);
    assert_eq!(one[0].group, "metrics");
    assert_eq!(one[0].transactional_id, "forebay-job-metrics-0");
    assert_eq!(one[0].changelog.as_deref(), Some("__forebay-metrics-0-changelog"));
    plan.pipelines.push(plans::pass_through().pipelines[0].clone());
    let two = resources("metrics", &plan);
    assert_eq!(two.iter().map(|names| &*names.group).collect::<Vec<_>>(), ["metrics-0", "metrics-1"]);
    assert_eq!(two[1].changelog, None);
}
