//! State that memory has no room for: it goes to disk, the changelog stays the truth, and no result is another for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_processor::job::{Task, TaskError, TaskOptions, TaskStatus};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::TopicPartition;

use crate::support::host::MemoryHost;
use crate::support::plans::sql_time;
use crate::support::run_and_finish;
use crate::{open_with, try_plan};

const CHANGELOG: &str = "__forebay-job-0-changelog";

/// Windows of 10 s, windows of 9 s that begin every 3 s, and sessions.
pub const WINDOWS: [&str; 3] = [
    "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
    "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '9' SECOND)",
    "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
];

/// Counts, different values and sums by window and key.
fn plan(window: &str) -> Arc<JobPlan> {
    let text = format!(
        "CREATE TABLE t (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
           WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
         CREATE TABLE o (k STRING, w TIMESTAMP(3), n BIGINT, d BIGINT, s BIGINT)
           WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o SELECT k, window_start, COUNT(*), COUNT(DISTINCT v), SUM(v) FROM TABLE({window})
           GROUP BY k, window_start, window_end;"
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

/// A job that is opened again whenever it has stopped.
pub struct Job {
    pub host: MemoryHost,
    plan: Arc<JobPlan>,
    memory: u64,
    pub task: Option<Task>,
}

impl Job {
    pub fn new(window: &str, memory: u64) -> Job {
        let host = MemoryHost::new();
        host.create_topic("t", 1);
        host.create_topic("o", 1);
        Job { host, plan: plan(window), memory, task: None }
    }

    pub fn open(&self) -> Result<Task, TaskError> {
        let options = TaskOptions { state_memory_bytes: self.memory, snapshot_floor: 2_000, ..TaskOptions::default() };
        open_with(&self.plan, &self.host, options)
    }

    /// Reads and commits everything; returns how often it had to be opened again for an error.
    pub fn run(&mut self) -> usize {
        for failures in 0..5 {
            let task = match self.task.take() {
                Some(task) => Ok(task),
                None => self.open(),
            };
            let done = task.and_then(|mut task| run_and_finish(&mut task, &self.host).map(|()| task));
            match done {
                Ok(task) => {
                    self.task = Some(task);
                    return failures;
                }
                Err(TaskError::Retry(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it does not come back");
    }

    /// Rows of 50 keys in one commit.
    pub fn round(&mut self, round: i64) -> usize {
        self.send(round);
        self.run()
    }

    pub fn send(&self, round: i64) {
        let row = |key: i64| {
            let (value, ts) = ((round * key) % 5, sql_time(round * 900 + key));
            Some(format!(r#"{{"k":"k{:02}","v":{value},"ts":"{ts}"}}"#, key * 7 % 50))
        };
        self.host.produce("t", 0, &(0..50).map(row).collect::<Vec<_>>());
    }

    /// Closes everything; all that was put out.
    pub fn rows(mut self) -> Vec<String> {
        let last = format!(r#"{{"k":"z","v":0,"ts":"{}"}}"#, sql_time(1_000_000));
        self.host.produce("t", 0, &[Some(last)]);
        self.run();
        self.host.consume("o").into_iter().flatten().collect()
    }

    pub fn store(&self) -> PathBuf {
        self.host.state_path(&TopicPartition::new(CHANGELOG, 0))
    }

    fn status(&self) -> TaskStatus {
        self.task.as_ref().unwrap().status()
    }
}

pub const ROUNDS: i64 = 16;

/// What memory alone gives.
pub fn expected(window: &str) -> Vec<String> {
    let mut job = Job::new(window, TaskOptions::default().state_memory_bytes);
    (0..ROUNDS).for_each(|round| assert_eq!(job.round(round), 0));
    assert!(!job.store().exists(), "no store without need");
    let rows = job.rows();
    assert!(rows.len() >= 50);
    rows
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Changes some bytes in the middle of each table: those are the files that have the state.
fn damage(folder: &Path) -> usize {
    let mut damaged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damaged += damage(&path);
        } else if path.parent().unwrap().ends_with("tables") {
            let mut bytes = std::fs::read(&path).unwrap();
            let end = bytes.len().min(200);
            // One that is being made may have nothing yet.
            if end <= 40 {
                continue;
            }
            bytes[40..end].iter_mut().for_each(|byte| *byte ^= 0x55);
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    damaged
}

#[test]
fn rows_come_in_the_same_order_from_memory_and_from_disk() {
    for window in WINDOWS {
        let mut job = Job::new(window, 8_000);
        let mut on_disk = 0;
        for round in 0..ROUNDS {
            job.round(round);
            on_disk = on_disk.max(job.status().state_disk_bytes);
        }
        assert!(on_disk > 0, "the store was used for {window}");
        assert_eq!(job.rows(), expected(window));
    }
}

#[test]
fn memory_is_given_back() {
    for window in WINDOWS {
        let (mut all, mut some) = (Job::new(window, u64::MAX), Job::new(window, 1));
        for round in 0..ROUNDS {
            all.round(round);
            some.round(round);
            let (all, some) = (all.status(), some.status());
            assert_eq!((some.open_windows, some.state_keys), (all.open_windows, all.state_keys), "{window}");
            assert!(some.state_bytes == 0 && all.state_bytes > 0, "{} of {}", some.state_bytes, all.state_bytes);
        }
    }
}

#[test]
fn a_store_goes_on_where_it_was() {
    for window in WINDOWS {
        let mut job = Job::new(window, 1);
        for round in 0..ROUNDS {
            assert_eq!(job.round(round), 0);
            let before = job.status();
            job.task = None;
            job.task = Some(job.open().unwrap());
            let after = job.status();
            assert_eq!((after.open_windows, after.state_keys), (before.open_windows, before.state_keys));
            assert_eq!(
                (after.state_bytes, after.changelog_bytes),
                (0, before.changelog_bytes),
                "nothing was read again"
            );
        }
        assert_eq!(job.rows(), expected(window));
    }
}

#[test]
fn the_changelog_has_what_a_store_has_lost() {
    for window in WINDOWS {
        let expected = expected(window);
        let ahead = tempfile::tempdir().unwrap();
        let mut longer = Job::new(window, 1);
        (0..ROUNDS).for_each(|round| assert_eq!(longer.round(round), 0));
        longer.task = None;
        copy(&longer.store(), ahead.path());
        for kind in ["missing", "empty", "older", "ahead"] {
            let older = tempfile::tempdir().unwrap();
            let mut job = Job::new(window, 1);
            for round in 0..ROUNDS {
                job.round(round);
                let store = job.store();
                if round == 6 {
                    job.task = None;
                    copy(&store, older.path());
                } else if round == 8 {
                    job.task = None;
                    std::fs::remove_dir_all(&store).unwrap();
                    match kind {
                        "empty" => std::fs::create_dir_all(&store).unwrap(),
                        "older" => copy(older.path(), &store),
                        "ahead" => copy(ahead.path(), &store),
                        _ => {}
                    }
                }
            }
            assert_eq!(job.rows(), expected, "{kind} {window}");
        }
    }
}

#[test]
fn a_damaged_store_is_made_anew() {
    for window in WINDOWS {
        for at_rest in [true, false] {
            let mut job = Job::new(window, 1);
            let mut failures = 0;
            for round in 0..ROUNDS {
                failures += job.round(round);
                if round == 5 {
                    if at_rest {
                        job.task = None;
                    }
                    assert!(damage(&job.store()) > 0, "there are tables");
                }
            }
            assert!(failures > 0 || at_rest, "the damage was seen at work");
            assert_eq!(job.rows(), expected(window), "{window}");
        }
    }
}

/// The state is written again piece by piece, between commits that change it; the changelog begins with that then.
#[test]
fn the_changelog_is_bounded_and_has_everything_at_any_time() {
    for window in WINDOWS {
        let expected = expected(window);
        for lost_after in (3..ROUNDS).step_by(6) {
            let mut job = Job::new(window, 1);
            for round in 0..ROUNDS {
                job.round(round);
                if round == lost_after {
                    job.task = None;
                    std::fs::remove_dir_all(job.store()).unwrap();
                }
            }
            let start = job.host.start_offset(CHANGELOG, 0);
            assert!(job.host.trims() > 0 && start > 0, "what was written again may go: {window}");
            assert_eq!(job.rows(), expected, "{lost_after} {window}");
        }
    }
}

#[test]
fn a_disk_that_does_not_take_a_store_is_asked_again() {
    let mut job = Job::new(WINDOWS[0], 1);
    let store = job.store();
    let in_the_way = store.parent().unwrap();
    std::fs::write(in_the_way, "no folder").unwrap();
    job.send(0);
    let error = job.open().and_then(|mut task| run_and_finish(&mut task, &job.host)).unwrap_err();
    assert!(matches!(&error, TaskError::Retry(why) if why.starts_with("making room for state on disk")), "{error:?}");
    std::fs::remove_file(in_the_way).unwrap();
    job.run();
    (1..ROUNDS).for_each(|round| assert_eq!(job.round(round), 0));
    assert_eq!(job.rows(), expected(WINDOWS[0]));
}
