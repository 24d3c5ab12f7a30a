//! Jobs of every kind where there is no room: hopping windows, sessions, late rows into a topic, several tasks, state on disk. A disk
//! costs a job time, and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::jobs::{LONG, apply, job, last_error, node, rows, send_texts};
use crate::node::Node;
use crate::support::client::Client;
use crate::support::eventually_in;
use crate::support::requests::{Topic, create_topic};

/// A kind of job over rows of 3 or more keys, all within a few ms of every tenth second.
#[derive(Clone, Copy)]
struct Kind {
    settings: &'static str,
    /// Of the table that is read.
    options: &'static str,
    window: &'static str,
    /// In how many windows a row is.
    windows: usize,
    /// The logs that such a job writes to and the tumbling one does not.
    logs: &'static [&'static str],
}

const TUMBLING: Kind = Kind {
    settings: "",
    options: "",
    window: "TUMBLE(TABLE a, DESCRIPTOR(t), INTERVAL '10' SECOND)",
    windows: 1,
    logs: &[],
};
const HOPPING: Kind =
    Kind { window: "HOP(TABLE a, DESCRIPTOR(t), INTERVAL '5' SECOND, INTERVAL '10' SECOND)", windows: 2, ..TUMBLING };
const SESSIONS: Kind =
    Kind { window: "SESSION(TABLE a PARTITION BY n, DESCRIPTOR(t), INTERVAL '4' SECOND)", ..TUMBLING };
const LATE: Kind =
    Kind { options: ", 'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late'", logs: &["late-0"], ..TUMBLING };
const TASKS: Kind =
    Kind { settings: "SET 'parallelism.default' = '2';", logs: &["__forebay-job-0-repartition-"], ..TUMBLING };

impl Kind {
    fn sql(&self) -> String {
        let Kind { settings, options, window, .. } = self;
        format!(
            "{settings}
             CREATE TABLE a (n BIGINT, ts BIGINT, t AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR t AS t)
               WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json'{options});
             CREATE TABLE b (n BIGINT, c BIGINT, since BIGINT)
               WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
             INSERT INTO b SELECT n, COUNT(*), MIN(ts) FROM TABLE({window}) GROUP BY n, window_start, window_end;"
        )
    }
}

/// A job at work, and what it must have put out.
struct Run {
    node: Node,
    client: Client,
    input: Topic,
    output: Topic,
    late: Topic,
    kind: Kind,
    keys: i64,
    /// Tenths of seconds sent so far.
    sent: i64,
    /// Rows sent that are late where they come.
    late_rows: Vec<String>,
}

impl Run {
    fn start(kind: Kind, keys: i64) -> Run {
        let (node, mut client, input, output) = node(1, &[]);
        let late = create_topic(&mut client, "late", 1, &[]);
        apply(&node, &kind.sql());
        let mut run = Run { node, client, input, output, late, kind, keys, sent: 0, late_rows: Vec::new() };
        run.send();
        run.send();
        run.wait();
        run
    }

    /// Three rows of each key at the next tenth second, and one that is late then.
    fn send(&mut self) {
        let at = self.sent * 10_000;
        let row = |n: i64, ts: i64| format!(r#"{{"n":{n},"ts":{ts}}}"#);
        let mut texts: Vec<String> = (0..3).flat_map(|_| (0..self.keys).map(|n| row(n, at + n))).collect();
        if self.sent >= 2 {
            let late = row(0, at - 20_000);
            texts.push(late.clone());
            self.late_rows.push(late);
        }
        send_texts(&mut self.client, &self.input, &texts);
        self.sent += 1;
    }

    /// How many rows there are when all that is sent has been put out; the last tenth second leaves its windows open.
    fn whole(&self) -> usize {
        (self.sent - 1) as usize * self.keys as usize * self.kind.windows
    }

    fn found(&mut self) -> usize {
        rows(&mut self.client, &self.output, 0).len()
    }

    fn wait(&mut self) {
        eventually_in(LONG, "the job puts out everything", || self.found() >= self.whole());
        if self.kind.logs == LATE.logs {
            let late = self.late_rows.len();
            eventually_in(LONG, "late rows too", || rows(&mut self.client, &self.late, 0).len() >= late);
        }
    }

    /// The job says so, or what was sent has found room.
    fn wait_for_error(&mut self, since: Option<i64>) {
        eventually_in(LONG, "the job says that there is no room", || {
            let told = job(&self.node).last_error_at_ms > since;
            let says = || ["space", "disk"].iter().any(|word| last_error(&self.node).contains(word));
            told && says() || self.found() == self.whole()
        });
    }

    /// Every row once, those of a key in the order of time.
    fn check(&mut self) {
        let mut found: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        for row in rows(&mut self.client, &self.output, 0) {
            let row: serde_json::Value = serde_json::from_str(&row).unwrap();
            let of = |column: &str| row[column].as_i64().unwrap();
            found.entry(of("n")).or_default().push((of("c"), of("since")));
        }
        let of_key = |n: i64| {
            let windows = self.kind.windows;
            (0..self.sent - 1).flat_map(move |at| std::iter::repeat_n((3, at * 10_000 + n), windows)).collect()
        };
        let expected: BTreeMap<i64, Vec<(i64, i64)>> = (0..self.keys).map(|n| (n, of_key(n))).collect();
        assert_eq!(found, expected);
        if self.kind.logs == LATE.logs {
            assert_eq!(rows(&mut self.client, &self.late, 0), self.late_rows);
        }
    }
}

fn no_room(kind: Kind) {
    let mut run = Run::start(kind, 3);
    let all = ["out-0", "__consumer_offsets-", "__transaction_state-", "__forebay-job-0-changelog-"];
    for log in all.iter().chain(kind.logs) {
        // Nothing fits, or a batch and not its end.
        for room in [0, 150] {
            println!("{log} has room for {room} bytes");
            let since = job(&run.node).last_error_at_ms;
            run.node.fill(log, room);
            run.send();
            run.wait_for_error(since);
            run.node.disk.heal_all();
            run.wait();
        }
    }
    run.check();
    assert!(job(&run.node).restarts > 0, "there was no room at some time");
}

#[test]
fn hopping_windows_on_a_full_disk() {
    no_room(HOPPING);
}

#[test]
fn sessions_on_a_full_disk() {
    no_room(SESSIONS);
}

#[test]
fn late_rows_for_a_topic_on_a_full_disk() {
    no_room(LATE);
}

#[test]
fn several_tasks_on_a_full_disk() {
    no_room(TASKS);
}

/// The folder of state on disk, of which there is one.
fn store(node: &Node) -> PathBuf {
    let logs = std::fs::read_dir(node.dir(0)).unwrap().map(|log| log.unwrap().path().join("forebay-state"));
    logs.into_iter().find(|store| store.exists()).expect("there is state on disk")
}

/// Whatever becomes of the state on disk: it is only a copy.
#[test]
fn state_whose_disk_fails_costs_time_only() {
    for kind in [TUMBLING, HOPPING, SESSIONS] {
        let mut run = Run::start(Kind { settings: "SET 'forebay.state.memory' = '4 kb';", ..kind }, 100);
        eventually_in(LONG, "state goes to disk", || job(&run.node).state_disk_bytes > 0);
        let store = store(&run.node);
        for round in 0..3 {
            let since = job(&run.node).last_error_at_ms;
            let away = store.with_extension("away");
            std::fs::rename(&store, &away).unwrap();
            // Nothing can be made or removed there.
            std::fs::write(&store, "no folder").unwrap();
            run.send();
            eventually_in(LONG, "the job says what is wrong with its state", || {
                let job = job(&run.node);
                job.last_error_at_ms > since && last_error(&run.node).contains("state")
            });
            run.send();
            std::fs::remove_file(&store).unwrap();
            match round {
                // It comes back as it was, or what is in its files does not, or it is gone.
                0 => std::fs::rename(&away, &store).unwrap(),
                1 => {
                    std::fs::rename(&away, &store).unwrap();
                    assert!(cut_files(&store) > 0);
                }
                _ => std::fs::remove_dir_all(&away).unwrap(),
            }
            run.wait();
            eventually_in(LONG, "state is on disk again", || job(&run.node).state_disk_bytes > 0);
        }
        run.check();
    }
}

/// Leaves half of each file, as a disk does that was full while it was written.
fn cut_files(folder: &std::path::Path) -> usize {
    let mut cut = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            cut += cut_files(&entry.path());
        } else if entry.metadata().unwrap().len() > 0 {
            let file = std::fs::OpenOptions::new().write(true).open(entry.path()).unwrap();
            file.set_len(entry.metadata().unwrap().len() / 2).unwrap();
            cut += 1;
        }
    }
    cut
}
