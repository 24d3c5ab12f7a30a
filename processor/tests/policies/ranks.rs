//! The first rows of random ones, and one row of each key by time, are what sorting all of them says, wherever tasks are killed.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::plan::check_state;
use proptest::prelude::*;

use super::support::host::MemoryHost;
use super::support::plans::sql_time;
use super::support::run_and_finish;
use super::support::world::{Action, World, action, state_memory};
use super::try_plan;

/// Delay of the watermarks, in ms.
const DELAY: i64 = 4_000;
/// Time of the row that closes everything, but for itself.
const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    k: Option<String>,
    n: i64,
    ts: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Query {
    /// The first row of each key by event time.
    First,
    /// The last one.
    Last,
    /// The first row of each key that comes.
    FirstToCome,
    /// The last one.
    LastToCome,
    /// The rows from one rank to another of each key, by n.
    Top { from: usize, most: usize, ranks: bool },
    /// The keys with the most rows.
    Groups { most: usize },
}

fn query() -> impl Strategy<Value = Query> {
    let top = (1..3usize, 0..3usize, any::<bool>());
    prop_oneof![
        1 => Just(Query::First),
        1 => Just(Query::Last),
        1 => Just(Query::FirstToCome),
        1 => Just(Query::LastToCome),
        3 => top.prop_map(|(from, more, ranks)| Query::Top { from, most: from + more, ranks }),
        2 => (1..4usize).prop_map(|most| Query::Groups { most }),
    ]
}

impl Query {
    fn sql(self) -> String {
        let rows = "(SELECT COALESCE(k, '-') AS k, i, n, ts, pt FROM t)";
        let (key, over, from, condition, rank) = match self {
            Query::First => ("k", "PARTITION BY k ORDER BY ts", rows, "r = 1".to_owned(), "r"),
            Query::Last => ("k", "PARTITION BY k ORDER BY ts DESC", rows, "r = 1".to_owned(), "r"),
            Query::FirstToCome => ("k", "PARTITION BY k ORDER BY pt", rows, "r = 1".to_owned(), "r"),
            Query::LastToCome => ("k", "PARTITION BY k ORDER BY pt DESC", rows, "r = 1".to_owned(), "r"),
            Query::Top { from, most, ranks } => {
                let (key, rank) = if ranks { ("k, r", "r") } else { ("i", "0") };
                (key, "PARTITION BY k ORDER BY n DESC", rows, format!("r BETWEEN {from} AND {most}"), rank)
            }
            Query::Groups { most } => {
                let groups = "(SELECT k, COUNT(*) AS i FROM (SELECT COALESCE(k, '-') AS k FROM t) GROUP BY k)";
                ("r", "ORDER BY i DESC, k", groups, format!("r <= {most}"), "r")
            }
        };
        let sink = match self {
            Query::First | Query::FirstToCome => {
                "k STRING, i BIGINT, r BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json')"
                    .to_owned()
            }
            _ => format!(
                "k STRING, i BIGINT, r BIGINT, PRIMARY KEY ({key}) NOT ENFORCED)
                   WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json')"
            ),
        };
        format!(
            "CREATE TABLE t (k STRING, i BIGINT, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
               WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
             CREATE TABLE o ({sink};
             INSERT INTO o SELECT k, i, {rank} FROM (SELECT *, ROW_NUMBER() OVER ({over}) AS r FROM {from}) WHERE {condition};"
        )
    }

    /// What is left in the end.
    fn expected(self, events: &[Event]) -> Vec<String> {
        let mut keys: BTreeMap<&str, Vec<(usize, &Event)>> = BTreeMap::new();
        let mut watermark = i64::MIN;
        for (at, event) in events.iter().enumerate() {
            // Only where the first row by event time is asked for a row can be late.
            if self != Query::First || event.ts >= watermark {
                keys.entry(event.k.as_deref().unwrap_or("-")).or_default().push((at, event));
            }
            watermark = watermark.max(event.ts - DELAY);
        }
        let mut rows = Vec::new();
        if let Query::Groups { most } = self {
            let mut groups: Vec<_> = keys.iter().map(|(k, of)| (std::cmp::Reverse(of.len()), *k)).collect();
            groups.sort_unstable();
            let first = groups.iter().take(most).enumerate();
            rows.extend(first.map(|(at, (count, k))| row(k, count.0, at + 1)));
            keys.clear();
        }
        for (k, of) in &mut keys {
            match self {
                Query::First | Query::Last => of.sort_by_key(|(_, event)| event.ts),
                Query::Top { .. } => of.sort_by_key(|(_, event)| -event.n),
                _ => {}
            }
            match self {
                Query::First => {
                    rows.extend(of.first().filter(|(_, event)| event.ts < FAR).map(|(at, _)| row(k, *at, 1)))
                }
                Query::FirstToCome => rows.extend(of.first().map(|(at, _)| row(k, *at, 1))),
                Query::Last | Query::LastToCome => rows.extend(of.last().map(|(at, _)| row(k, *at, 1))),
                Query::Top { from, most, ranks } => {
                    let asked = of.iter().enumerate().take(most).skip(from - 1);
                    rows.extend(asked.map(|(rank, (at, _))| row(k, *at, if ranks { rank + 1 } else { 0 })));
                }
                Query::Groups { .. } => {}
            }
        }
        rows.sort();
        rows
    }
}

fn row(k: &str, i: usize, r: usize) -> String {
    format!(r#"{{"k":"{k}","i":{i},"r":{r}}}"#)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // `ts` is by how much the row is behind the clock.
    let event = (prop::option::weighted(0.9, "[ab]"), 0..5i64, 0..7i64);
    prop::collection::vec(event.prop_map(|(k, n, behind)| Event { k, n, ts: behind * 500 }), 0..8)
}

fn produce(host: &MemoryHost, from: usize, events: &[Event]) {
    for (at, Event { k, n, ts }) in events.iter().enumerate() {
        let k = k.as_ref().map_or("null".to_owned(), |k| format!("\"{k}\""));
        let value = format!(r#"{{"k":{k},"i":{},"n":{n},"ts":"{}"}}"#, from + at, sql_time(*ts));
        host.produce("t", 0, &[Some(value)]);
    }
}

/// The last value of each key, if it has one; of records without keys all.
fn left(host: &MemoryHost) -> Vec<String> {
    let (mut rows, mut left) = (BTreeMap::new(), Vec::new());
    for record in host.records("o") {
        match record.key {
            Some(key) => drop(rows.insert(key, record.value)),
            None => left.extend(record.value),
        }
    }
    left.extend(rows.into_values().flatten());
    left.sort();
    left
}

fn new_host() -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic("t", 1);
    host.create_topic("o", 2);
    host
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn the_first_rows_are_what_sorting_says(
        query in query(),
        actions in prop::collection::vec(action(events()), 1..50),
        pace in 50..1_500i64,
        late in 1..5i64,
        step_bytes in 100..3_000usize,
        state_memory_bytes in state_memory(),
    ) {
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() };
        let plan = try_plan(&query.sql()).unwrap_or_else(|error| panic!("{error}\n{}", query.sql()));
        let mut world = World::new(new_host(), Arc::new(plan), options);
        let (mut all, mut clock) = (Vec::new(), 0);
        for action in actions {
            match action {
                Action::Produce(mut events) => {
                    for event in &mut events {
                        clock += pace;
                        event.ts = (clock - event.ts * late).max(0) / 500 * 500;
                    }
                    produce(&world.host, all.len(), &events);
                    all.extend(events);
                }
                Action::Advance(ms) => world.act(&Action::<Event>::Advance(ms / 10)),
                other => world.act(&other),
            }
        }
        let last = [Event { k: Some("far".to_owned()), n: -1, ts: FAR }];
        produce(&world.host, all.len(), &last);
        all.extend(last);
        world.finish();
        prop_assert_eq!(left(&world.host), query.expected(&all));
    }
}

/// A key comes out anew once it is forgotten, and takes no room.
#[test]
fn keys_are_forgotten_after_the_time_to_live() {
    for (query, each_round) in [(Query::FirstToCome, 1), (Query::First, 1), (Query::LastToCome, 0)] {
        let host = new_host();
        let plan = Arc::new(try_plan(&format!("SET 'table.exec.state.ttl' = '1 min'; {}", query.sql())).unwrap());
        let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
        for round in 0..20 {
            let events = ["a", "b"].map(|k| Event { k: Some(k.to_owned()), n: 0, ts: round * 10_000 });
            let last = Event { k: Some(format!("key {round}")), n: 0, ts: round * 10_000 + 5_000 };
            produce(&host, 0, &[&events[..], &events[..], &[last]].concat());
            run_and_finish(&mut task, &host).unwrap();
            host.advance(61_000);
            assert!(task.status().state_keys <= 6, "{query:?} keeps {} keys", task.status().state_keys);
        }
        let of_a = host
            .records("o")
            .iter()
            .filter(|record| record.value.as_ref().is_some_and(|row| row.contains("\"a\"")))
            .count();
        assert!(each_round == 0 || of_a == 20, "{query:?}: {of_a}");
    }
}

#[test]
fn a_job_goes_on_with_the_same_ranks_only() {
    let query = Query::Top { from: 1, most: 3, ranks: true };
    let plan = |query: Query| try_plan(&query.sql()).unwrap();
    assert!(check_state(&plan(query), &plan(query)).is_ok());
    for other in [Query::Top { from: 1, most: 4, ranks: true }, Query::Last, Query::Groups { most: 3 }] {
        assert!(check_state(&plan(query), &plan(other)).is_err(), "{other:?}");
    }
    assert!(check_state(&plan(Query::Last), &plan(Query::LastToCome)).is_err());
}
