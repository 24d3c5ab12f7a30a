//! Aggregates with OVER over random rows are what going over each row's frame says, wherever tasks are killed.

use std::collections::{BTreeMap, BTreeSet};
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
/// Time of the rows that close everything, but for themselves.
const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    partition: i32,
    k: String,
    n: Option<i64>,
    ts: i64,
}

/// What orders a row, its number, and its value.
type Placed = (i64, usize, Option<i64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// The row and so many before it; all of them.
    Rows(Option<usize>),
    /// The same in the order of their coming.
    Coming(Option<usize>),
    /// The rows of its time and of so many ms before; all of them.
    Time(Option<i64>),
    /// The value so many rows before.
    Lag(usize),
}

fn frame() -> impl Strategy<Value = Frame> {
    let rows = || prop::option::weighted(0.7, 0..4usize);
    prop_oneof![
        2 => rows().prop_map(Frame::Rows),
        1 => rows().prop_map(Frame::Coming),
        3 => prop::option::weighted(0.7, 0..6i64).prop_map(|seconds| Frame::Time(seconds.map(|s| s * 1_000))),
        1 => (0..4usize).prop_map(Frame::Lag),
    ]
}

impl Frame {
    fn sql(self) -> String {
        let rows = |rows: Option<usize>| rows.map_or("UNBOUNDED".to_owned(), |rows| rows.to_string());
        let (order, frame) = match self {
            Frame::Rows(before) => ("ts", format!("ROWS BETWEEN {} PRECEDING AND CURRENT ROW", rows(before))),
            Frame::Coming(before) => ("pt", format!("ROWS BETWEEN {} PRECEDING AND CURRENT ROW", rows(before))),
            Frame::Time(Some(ms)) => {
                ("ts", format!("RANGE BETWEEN INTERVAL '{}' SECOND PRECEDING AND CURRENT ROW", ms / 1_000))
            }
            Frame::Time(None) | Frame::Lag(_) => ("ts", String::new()),
        };
        let calls = match self {
            Frame::Lag(offset) => format!("LAG(n, {offset}) OVER w, 0, 0, 0"),
            _ => "COUNT(*) OVER w, SUM(n) OVER w, MIN(n) OVER w, COUNT(DISTINCT n) OVER w".to_owned(),
        };
        format!(
            "CREATE TABLE t (k STRING, i BIGINT, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
               WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
             CREATE TABLE o (i BIGINT, a BIGINT, b BIGINT, c BIGINT, d BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
             INSERT INTO o SELECT i, {calls} FROM t WINDOW w AS (PARTITION BY k ORDER BY {order} {frame});"
        )
    }

    /// Rows of one time are ordered by their coming, which is known within a partition.
    fn partitions(self) -> i32 {
        if matches!(self, Frame::Time(_)) { 2 } else { 1 }
    }

    fn is_by_clock(self) -> bool {
        matches!(self, Frame::Coming(_))
    }

    /// The rows that come out, going over the whole frame for each; and how many are late.
    fn expected(self, events: &[Event]) -> (Vec<String>, u64) {
        let mut watermarks: BTreeMap<i32, i64> = BTreeMap::new();
        let mut keys: BTreeMap<&str, Vec<Placed>> = BTreeMap::new();
        let mut late = 0;
        for (at, event) in events.iter().enumerate() {
            let watermark = watermarks.entry(event.partition).or_insert(i64::MIN);
            if event.ts <= *watermark && !self.is_by_clock() {
                late += 1;
            } else {
                let order = if self.is_by_clock() { 0 } else { event.ts };
                keys.entry(&event.k).or_default().push((order, at, event.n));
            }
            *watermark = (*watermark).max(event.ts - DELAY);
        }
        let mut rows = Vec::new();
        for of in keys.values_mut() {
            of.sort_unstable_by_key(|(ts, at, _)| (*ts, *at));
            for (place, (ts, at, _)) in of.iter().enumerate().filter(|(_, (ts, _, _))| *ts < FAR) {
                let peers = of.iter().filter(|(other, _, _)| other <= ts).count();
                let (from, to) = match self {
                    Frame::Rows(before) | Frame::Coming(before) => {
                        (before.map_or(0, |n| place.saturating_sub(n)), place + 1)
                    }
                    Frame::Time(ms) => {
                        (of.iter().filter(|(other, _, _)| ms.is_some_and(|ms| *other < ts - ms)).count(), peers)
                    }
                    Frame::Lag(_) => (0, peers),
                };
                let frame: Vec<Option<i64>> = of[from..to].iter().map(|(_, _, n)| *n).collect();
                let known: Vec<i64> = frame.iter().flatten().copied().collect();
                let text = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
                rows.push(match self {
                    Frame::Lag(offset) => {
                        let value = frame.len().checked_sub(offset + 1).and_then(|place| frame[place]);
                        format!(r#"{{"i":{at},"a":{},"b":0,"c":0,"d":0}}"#, text(value))
                    }
                    _ => {
                        let sum = (!known.is_empty()).then(|| known.iter().sum());
                        let different: BTreeSet<i64> = known.iter().copied().collect();
                        let (sum, least) = (text(sum), text(known.iter().min().copied()));
                        format!(r#"{{"i":{at},"a":{},"b":{sum},"c":{least},"d":{}}}"#, frame.len(), different.len())
                    }
                });
            }
        }
        rows.sort();
        (rows, late)
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // `ts` is by how much the row is behind the clock.
    let event = (0..2i32, "[ab]", prop::option::weighted(0.8, 0..5i64), 0..7i64);
    let event = event.prop_map(|(partition, k, n, behind)| Event { partition, k, n, ts: behind * 500 });
    prop::collection::vec(event, 0..8)
}

fn produce(host: &MemoryHost, from: usize, events: &[Event]) {
    for (at, Event { partition, k, n, ts }) in events.iter().enumerate() {
        let n = n.map_or("null".to_owned(), |n| n.to_string());
        let value = format!(r#"{{"k":"{k}","i":{},"n":{n},"ts":"{}"}}"#, from + at, sql_time(*ts));
        host.produce("t", *partition, &[Some(value)]);
    }
}

fn rows(host: &MemoryHost) -> Vec<String> {
    let mut rows: Vec<String> = host.consume("o").into_iter().flatten().collect();
    rows.sort();
    rows
}

fn new_host(frame: Frame) -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic("t", frame.partitions());
    host.create_topic("o", 2);
    host
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn each_row_has_what_its_frame_says(
        frame in frame(),
        actions in prop::collection::vec(action(events()), 1..50),
        pace in 50..1_500i64,
        late in 1..5i64,
        step_bytes in 100..3_000usize,
        state_memory_bytes in state_memory(),
    ) {
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() };
        let plan = try_plan(&frame.sql()).unwrap_or_else(|error| panic!("{error}\n{}", frame.sql()));
        let mut world = World::new(new_host(frame), Arc::new(plan), options);
        let (mut all, mut clock) = (Vec::new(), 0);
        for action in actions {
            match action {
                Action::Produce(mut events) => {
                    for event in &mut events {
                        clock += pace;
                        event.partition %= frame.partitions();
                        event.ts = (clock - event.ts * late).max(0) / 500 * 500;
                    }
                    produce(&world.host, all.len(), &events);
                    all.extend(events);
                }
                // No partition is idle before the end: the shortest time for that is 15 s.
                Action::Advance(ms) => world.act(&Action::<Event>::Advance(ms / 10)),
                other => world.act(&other),
            }
        }
        let last = |partition| Event { partition, k: "far".to_owned(), n: None, ts: FAR };
        let last: Vec<Event> = (0..frame.partitions()).map(last).collect();
        produce(&world.host, all.len(), &last);
        all.extend(last);
        world.finish();
        let (expected, late) = frame.expected(&all);
        prop_assert_eq!(rows(&world.host), expected);
        prop_assert_eq!(world.status().late, late);
    }
}

/// What no row can count any more, and keys that nothing has come for, take no room.
#[test]
fn frames_take_no_more_room_than_they_need() {
    for (frame, ttl) in [
        (Frame::Time(Some(5_000)), ""),
        (Frame::Rows(Some(2)), "SET 'table.exec.state.ttl' = '1 min';"),
        (Frame::Time(None), "SET 'table.exec.state.ttl' = '1 min';"),
        (Frame::Coming(None), "SET 'table.exec.state.ttl' = '1 min';"),
    ] {
        let host = new_host(frame);
        let plan = Arc::new(try_plan(&format!("{ttl} {}", frame.sql())).unwrap());
        let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
        for round in 0..30 {
            let event = |k: String, partition| Event { partition, k, n: Some(round % 3), ts: round * 20_000 };
            let events: Vec<Event> = (0..frame.partitions())
                .flat_map(|p| {
                    [event("a".to_owned(), p), event(format!("key {round}"), p), event(format!("key {round}"), p)]
                })
                .collect();
            produce(&host, 0, &events);
            run_and_finish(&mut task, &host).unwrap();
            host.advance(31_000);
        }
        assert!(task.status().state_keys < 60, "{frame:?} keeps {} keys", task.status().state_keys);
    }
}

#[test]
fn a_job_goes_on_with_the_same_frame_only() {
    let plan = |frame: Frame| try_plan(&frame.sql()).unwrap();
    let frame = Frame::Rows(Some(2));
    assert!(check_state(&plan(frame), &plan(frame)).is_ok());
    for other in
        [Frame::Rows(Some(3)), Frame::Rows(None), Frame::Coming(Some(2)), Frame::Time(Some(2_000)), Frame::Lag(1)]
    {
        assert!(check_state(&plan(frame), &plan(other)).is_err(), "{other:?}");
    }
}
