//! `table.exec.state.ttl`: what is forgotten takes no room, however long a job runs and however many keys it meets.
//!
//! `FOREBAY_KEYS=10000000 cargo test --release -p forebay-processor --test policies forgotten` for a long run.

use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions, TaskStatus};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::TopicPartition;
use serde_json::json;

use crate::support::host::MemoryHost;
use crate::support::run_and_finish;
use crate::{open_with, try_plan};

/// So many keys come before the clock goes on, and what has come in [`KEPT`] such rounds is kept.
const KEYS_A_ROUND: u64 = 500;
const KEPT: u64 = 4;
const ROUND_MS: i64 = 1_000;

/// Different keys in all.
fn keys() -> u64 {
    std::env::var("FOREBAY_KEYS").map_or(20_000, |keys| keys.parse().unwrap())
}

fn plan(select: &str, columns: &str) -> Arc<JobPlan> {
    let ttl = KEPT as i64 * ROUND_MS;
    let text = format!(
        "SET 'table.exec.state.ttl' = '{ttl} ms';
         CREATE TABLE t (k BIGINT, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
         CREATE TABLE x (k BIGINT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH
           ('connector' = 'upsert-kafka', 'topic' = 'x', 'key.format' = 'json', 'value.format' = 'json');
         CREATE TABLE o ({columns}, PRIMARY KEY (k) NOT ENFORCED) WITH
           ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
         INSERT INTO o {select};"
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

/// What a task shows at its largest, in the first rounds that are full and in all.
#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    keys: usize,
    state: u64,
    memory: u64,
    disk: u64,
    changelog: u64,
}

impl Largest {
    fn see(&mut self, status: &TaskStatus) {
        self.keys = self.keys.max(status.state_keys);
        self.state = self.state.max(status.state_bytes);
        self.memory = self.memory.max(status.state_memory_bytes);
        self.disk = self.disk.max(status.state_disk_bytes);
        self.changelog = self.changelog.max(status.changelog_bytes);
    }
}

/// Lets all keys come, each in one round, with a restart now and then; a key that comes again in the next round lives on that long.
fn run(plan: &Arc<JobPlan>, options: TaskOptions) -> [Largest; 2] {
    let host = MemoryHost::new();
    ["t", "x", "o"].iter().for_each(|topic| host.create_topic(topic, 1));
    let (mut first, mut all) = (Largest::default(), Largest::default());
    let open = || -> Task { open_with(plan, &host, options).unwrap() };
    let mut task = open();
    let rounds = keys() / KEYS_A_ROUND;
    for round in 0..rounds {
        let from = round * KEYS_A_ROUND;
        let again = from.saturating_sub(KEYS_A_ROUND / 10);
        let row = |k: u64| json!({ "k": k, "n": k % 100 }).to_string();
        let rows: Vec<_> = (again..from + KEYS_A_ROUND).map(|k| Some(row(k))).collect();
        host.produce("t", 0, &rows);
        for k in again..from + KEYS_A_ROUND {
            host.produce_record(
                "x",
                0,
                (0, Some(json!({ "k": k }).to_string().as_bytes()), Some(row(k).as_bytes())),
                &[],
            );
        }
        run_and_finish(&mut task, &host).unwrap();
        host.advance(ROUND_MS);
        let status = task.status();
        all.see(&status);
        if round < 4 * KEPT {
            first.see(&status);
        }
        if round % 32 == 31 {
            drop(task);
            task = open();
        }
    }
    // The changelog is trimmed to what it is said to be.
    let changelog = TopicPartition::new("__forebay-job-0-changelog", 0);
    let (start, end) = (host.start_offset(&changelog.topic, 0), host.end_offset(&changelog.topic, 0));
    assert!(start > end / 2 || rounds < 30, "of {end} records of the changelog {start} are gone");
    [first, all]
}

/// Of the keys that are alive, how many entries there are for each; nothing grows after the first rounds.
fn check(plan: &Arc<JobPlan>, options: TaskOptions, entries: usize) {
    let [first, all] = run(plan, options);
    let alive = ((KEPT + 1) * KEYS_A_ROUND) as usize * 11 / 10;
    assert!(all.keys <= alive * entries, "{} keys instead of {alive} * {entries}: {all:?}", all.keys);
    assert!(all.state <= first.state * 5 / 4, "{all:?} after {first:?}");
    assert!(all.memory <= first.memory * 5 / 4, "{all:?} after {first:?}");
    assert!(all.changelog <= (first.changelog * 5 / 4).max(4 * options.snapshot_floor), "{all:?} after {first:?}");
}

fn options() -> TaskOptions {
    TaskOptions { snapshot_floor: 256 * 1024, ..TaskOptions::default() }
}

#[test]
fn groups_that_are_forgotten_take_no_room() {
    let plan = plan(
        "SELECT k, COUNT(*), COUNT(DISTINCT n), MAX(n) FROM t GROUP BY k",
        "k BIGINT, a BIGINT, b BIGINT, c BIGINT",
    );
    // A group, and its value of DISTINCT.
    check(&plan, options(), 2);
}

#[test]
fn groups_of_a_table_whose_rows_are_forgotten_take_no_room() {
    let plan =
        plan("SELECT k, COUNT(*), MIN(n), LAST_VALUE(n) FROM x GROUP BY k", "k BIGINT, a BIGINT, b BIGINT, c BIGINT");
    // The table's row, the group, its values for MIN and, by order and by value, for LAST_VALUE.
    check(&plan, options(), 5);
}

/// Memory has no room for the keys that are alive.
#[test]
fn what_is_forgotten_takes_no_room_on_disk() {
    let plan = plan(
        "SELECT k, COUNT(*), COUNT(DISTINCT n), MAX(n) FROM t GROUP BY k",
        "k BIGINT, a BIGINT, b BIGINT, c BIGINT",
    );
    let options = TaskOptions { state_memory_bytes: 256 * 1024, ..options() };
    let [first, all] = run(&plan, options);
    assert!(first.disk > 0, "{first:?}");
    // About that many keys, as what is in the store alone is counted once more than it is there.
    let alive = ((KEPT + 1) * KEYS_A_ROUND) as usize * 2;
    assert!(all.keys <= 2 * alive, "{} keys instead of {alive}: {all:?}", all.keys);
    assert!(all.memory <= 4 * options.state_memory_bytes, "{all:?}");
    assert!(all.changelog <= (first.changelog * 3 / 2).max(4 * options.snapshot_floor), "{all:?} after {first:?}");
}
