//! Random queries over windows of every kind against a plain evaluation of their definition, row by row, under disorder, late rows,
//! partitions without rows, kills and crashes.
//!
//! A few hundred cases; `FOREBAY_CASES=20000 cargo test --release -p forebay-processor --test windows` for more.
#![allow(clippy::unwrap_used)]

mod groups;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::job::{TaskOptions, header};
use forebay_processor::sql::{PlanContext, plan_job};
use proptest::prelude::*;
use support::host::MemoryHost;
use support::log::Got;
use support::plans::sql_time;
use support::world::{Action, World, action, state_memory};

/// Time of the events that close everything.
const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    partition: i32,
    user: Option<String>,
    ts: i64,
    n: Option<i64>,
}

impl Event {
    fn json(&self) -> String {
        let user = self.user.as_ref().map_or("null".to_owned(), |user| format!("\"{user}\""));
        let n = self.n.map_or("null".to_owned(), |n| n.to_string());
        format!(r#"{{"u":{user},"n":{n},"ts":"{}"}}"#, sql_time(self.ts))
    }
}

/// Windows; lengths in seconds.
#[derive(Clone, Copy, Debug)]
enum Windows {
    Tumble { size: i64, offset: i64 },
    Hop { slide: i64, size: i64, offset: i64 },
    Cumulate { step: i64, size: i64, offset: i64 },
    Session { gap: i64 },
}

impl Windows {
    fn sql(self, keys: Keys) -> String {
        let partition_by = ["", " PARTITION BY u", " PARTITION BY (u, p)"][keys as usize];
        let interval = |seconds: i64| format!("INTERVAL '{seconds}' SECOND");
        let data = "TABLE t, DESCRIPTOR(ts)";
        match self {
            Self::Tumble { size, offset } => format!("TUMBLE({data}, {}, {})", interval(size), interval(offset)),
            Self::Hop { slide, size, offset } => {
                format!("HOP({data}, {}, {}, {})", interval(slide), interval(size), interval(offset))
            }
            Self::Cumulate { step, size, offset } => {
                format!("CUMULATE({data}, {}, {}, {})", interval(step), interval(size), interval(offset))
            }
            Self::Session { gap } => format!("SESSION(TABLE t{partition_by}, DESCRIPTOR(ts), {})", interval(gap)),
        }
    }

    /// The windows that have `ts`, by trying those around it: start and end in ms.
    fn of(self, ts: i64) -> Vec<(i64, i64)> {
        let around = |every: i64| (ts / every - 60..ts / every + 60).map(move |n| n * every);
        let windows: Vec<(i64, i64)> = match self {
            Self::Tumble { size, offset } => {
                around(size * 1_000).map(|at| (at + offset * 1_000, at + (offset + size) * 1_000)).collect()
            }
            Self::Hop { slide, size, offset } => {
                around(slide * 1_000).map(|at| (at + offset * 1_000, at + (offset + size) * 1_000)).collect()
            }
            Self::Cumulate { step, size, offset } => {
                let steps = |at: i64| {
                    let start = at + offset * 1_000;
                    (1..=size / step).map(move |step_of| (start, start + step_of * step * 1_000))
                };
                around(size * 1_000).flat_map(steps).collect()
            }
            Self::Session { .. } => unreachable!("its windows depend on the other rows"),
        };
        windows.into_iter().filter(|(start, end)| (*start..*end).contains(&ts)).collect()
    }
}

fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![
        (1..20i64, -19..20i64).prop_map(|(size, offset)| Windows::Tumble { size, offset: offset % size }),
        (1..8i64, 1..6i64, -20..20i64).prop_map(|(slide, times, offset)| Windows::Hop {
            slide,
            size: slide * times,
            offset
        }),
        (1..8i64, 1..6i64, -20..20i64).prop_map(|(step, times, offset)| Windows::Cumulate {
            step,
            size: step * times,
            offset
        }),
        (1..6i64).prop_map(|gap| Windows::Session { gap }),
    ]
}

/// What rows are grouped by besides their window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Nothing,
    User,
    UserAndParity,
}

/// What is made of the rows of a window.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// All aggregates.
    Aggregates,
    /// The rows themselves.
    Rows,
    /// Counts and sums, again in windows of so many seconds over the first ones' window_time.
    Over(i64),
}

#[derive(Clone, Copy, Debug)]
struct Query {
    windows: Windows,
    keys: Keys,
    result: Outcome,
    /// Delay of the watermark in seconds.
    delay: i64,
    /// WHERE n <> 3.
    filter: bool,
    /// Tasks of each stage.
    parallelism: usize,
}

impl Query {
    fn sql(self) -> String {
        let keys = ["", "u, ", "u, p, "][self.keys as usize];
        let windows = self.windows.sql(self.keys);
        let columns = ["", "u STRING, ", "u STRING, p BIGINT, "][self.keys as usize];
        let (columns, select) = match self.result {
            Outcome::Aggregates => (
                format!("{columns}s TIMESTAMP(3), e TIMESTAMP(3), w TIMESTAMP(3), c BIGINT, total BIGINT, mean BIGINT, least BIGINT,
                  positive BIGINT, kinds BIGINT, of_kinds BIGINT, mean_of_kinds BIGINT, even_kinds BIGINT"),
                format!("SELECT {keys}window_start, window_end, window_time, COUNT(*), SUM(n), AVG(n), MIN(n), SUM(n) FILTER (WHERE n > 0),
                  COUNT(DISTINCT n), SUM(DISTINCT n), AVG(DISTINCT n), COUNT(DISTINCT n) FILTER (WHERE MOD(n, 2) = 0)
                  FROM TABLE({windows}) GROUP BY {keys}window_start, window_end, window_time"),
            ),
            Outcome::Rows => (
                format!("{columns}s TIMESTAMP(3), e TIMESTAMP(3), w TIMESTAMP(3), n BIGINT"),
                format!("SELECT {keys}window_start, window_end, window_time, n FROM TABLE({windows})"),
            ),
            Outcome::Over(size) => (
                format!("{columns}s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, total BIGINT"),
                format!("SELECT {keys}window_start, window_end, SUM(c), SUM(total) FROM TABLE(TUMBLE(
                    (SELECT {keys}window_time AS wt, COUNT(*) AS c, SUM(n) AS total FROM TABLE({windows})
                      GROUP BY {keys}window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '{size}' SECOND))
                  GROUP BY {keys}window_start, window_end"),
            ),
        };
        let (delay, filter) = (self.delay, if self.filter { "WHERE n <> 3 OR n IS NULL" } else { "" });
        let parallelism = self.parallelism;
        format!(
            "SET 'parallelism.default' = '{parallelism}';
             CREATE TABLE r (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '{delay}' SECOND)
               WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
                'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late');
             CREATE VIEW t AS SELECT u, n, MOD(n, 2) AS p, ts FROM r {filter};
             CREATE TABLE o ({columns}) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
             INSERT INTO o {select};"
        )
    }

    /// The key of an event, as JSON fields.
    fn key(self, event: &Event) -> String {
        let user = event.user.as_ref().map_or("null".to_owned(), |user| format!("\"{user}\""));
        match self.keys {
            Keys::Nothing => String::new(),
            Keys::User => format!(r#""u":{user},"#),
            Keys::UserAndParity => format!(r#""u":{user},"p":{},"#, text(event.n.map(|n| n % 2))),
        }
    }

    /// The rows that come of a group, as JSON.
    fn rows(self, (key, (start, end), values): &Group) -> Vec<String> {
        let window = format!(r#""s":"{}","e":"{}","w":"{}""#, sql_time(*start), sql_time(*end), sql_time(end - 1));
        match self.result {
            Outcome::Rows => values.iter().map(|n| format!(r#"{{{key}{window},"n":{}}}"#, text(*n))).collect(),
            _ => vec![format!("{{{key}{window},{}}}", aggregates(values))],
        }
    }
}

fn query() -> impl Strategy<Value = Query> {
    let keys = prop_oneof![Just(Keys::Nothing), Just(Keys::User), Just(Keys::UserAndParity)];
    let result =
        prop_oneof![3 => Just(Outcome::Aggregates), 1 => Just(Outcome::Rows), 1 => (1..30i64).prop_map(Outcome::Over)];
    (windows(), keys, result, 0..12i64, any::<bool>(), 1..4usize).prop_map(
        |(windows, keys, result, delay, filter, parallelism)| Query {
            windows,
            keys,
            result,
            delay,
            filter,
            parallelism,
        },
    )
}

fn text(value: Option<i64>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}

fn sum(values: &[i64]) -> Option<i64> {
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Aggregates of a group by their definition, as JSON fields.
fn aggregates(values: &[Option<i64>]) -> String {
    let known: Vec<i64> = values.iter().flatten().copied().collect();
    let kinds: Vec<i64> = known.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect();
    let positive: Vec<i64> = known.iter().copied().filter(|value| *value > 0).collect();
    format!(
        r#""c":{},"total":{},"mean":{},"least":{},"positive":{},"kinds":{},"of_kinds":{},"mean_of_kinds":{},"even_kinds":{}"#,
        values.len(),
        text(sum(&known)),
        text(sum(&known).map(|sum| sum / known.len() as i64)),
        text(known.iter().min().copied()),
        text(sum(&positive)),
        kinds.len(),
        text(sum(&kinds)),
        text(sum(&kinds).map(|sum| sum / kinds.len() as i64)),
        kinds.iter().filter(|value| **value % 2 == 0).count(),
    )
}

/// Partitions and offsets of late records.
type Late = Vec<(i32, i64)>;

/// A record with the watermark of its partition before it.
#[derive(Clone, Copy)]
struct Seen<'e> {
    watermark: i64,
    offset: i64,
    event: &'e Event,
}

impl Seen<'_> {
    fn place(self) -> (i32, i64) {
        (self.event.partition, self.offset)
    }
}

/// The result by the rule, with nothing of the engine: the rows, and which records were late.
fn expected(events: &[Event], query: Query) -> (Vec<String>, Late) {
    let mut partitions: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    let mut before = Vec::new();
    for event in events {
        let (offset, watermark) = partitions.entry(event.partition).or_insert((-1, i64::MIN));
        *offset += 1;
        if !query.filter || event.n != Some(3) {
            before.push(Seen { watermark: *watermark, offset: *offset, event });
        }
        *watermark = (*watermark).max(event.ts - query.delay * 1_000);
    }
    let (groups, mut late) = match (query.windows, query.result) {
        (Windows::Session { gap }, _) => sessions(&before, query, gap * 1_000),
        (_, Outcome::Rows) => {
            // Each row comes out at once, with all of its windows, and none is ever late.
            let before: Vec<_> = before.into_iter().map(|seen| Seen { watermark: i64::MIN, ..seen }).collect();
            let mut rows: Vec<String> =
                on_a_grid(&before, query).0.iter().flat_map(|group| query.rows(group)).collect();
            rows.sort();
            return (rows, Vec::new());
        }
        _ => on_a_grid(&before, query),
    };
    let closed: Vec<Group> = groups.into_iter().filter(|(_, (_, end), _)| *end < FAR).collect();
    let mut rows: Vec<String> = match query.result {
        Outcome::Over(size) => over(&closed, size * 1_000),
        _ => closed.iter().flat_map(|group| query.rows(group)).collect(),
    };
    rows.sort();
    late.sort_unstable();
    (rows, late)
}

/// Windows over the groups' last milliseconds.
fn over(groups: &[Group], size: i64) -> Vec<String> {
    let mut outer: BTreeMap<(i64, &str), Vec<Option<i64>>> = BTreeMap::new();
    for (key, (_, end), values) in groups {
        let start = (end - 1).div_euclid(size) * size;
        outer.entry((start, key)).or_default().extend(values);
    }
    let row = |((start, key), values): (&(i64, &str), &Vec<Option<i64>>)| {
        let known: Vec<i64> = values.iter().flatten().copied().collect();
        let (s, e, total) = (sql_time(*start), sql_time(start + size), text(sum(&known)));
        format!(r#"{{{key}"s":"{s}","e":"{e}","c":{},"total":{total}}}"#, values.len())
    };
    outer.iter().map(row).collect()
}

/// A key, as JSON fields, a window, from start to end, and the values of its rows.
type Group = (String, (i64, i64), Vec<Option<i64>>);

/// A row counts in a window unless the watermark of its partition before it has reached the window's last millisecond; a row that
/// counts in none is late.
fn on_a_grid(events: &[Seen<'_>], query: Query) -> (Vec<Group>, Late) {
    let mut groups: BTreeMap<_, Vec<Option<i64>>> = BTreeMap::new();
    let mut late = Vec::new();
    for seen in events {
        let Seen { watermark, event, .. } = *seen;
        let windows = query.windows.of(event.ts);
        let open: Vec<_> = windows.into_iter().filter(|(_, end)| watermark < end - 1).collect();
        late.extend(open.is_empty().then_some(seen.place()));
        for window in open {
            groups.entry((query.key(event), window)).or_default().push(event.n);
        }
    }
    (groups.into_iter().map(|((key, window), values)| (key, window, values)).collect(), late)
}

/// As Flink would, if all partitions came to each watermark together: rows in the order of the watermark of their partition before
/// them, then of their partitions. What has ended by that watermark is over; a row merges with all that it touches, and is late if
/// what comes of that has ended.
fn sessions(events: &[Seen<'_>], query: Query, gap: i64) -> (Vec<Group>, Late) {
    let mut order = events.to_vec();
    order.sort_by_key(|seen| (seen.watermark, seen.place()));
    let (mut open, mut over, mut late): (Vec<Group>, Vec<Group>, Late) = (Vec::new(), Vec::new(), Vec::new());
    for seen in order {
        let Seen { watermark, event, .. } = seen;
        let (ended, rest): (Vec<Group>, Vec<Group>) =
            open.into_iter().partition(|(_, (_, end), _)| *end - 1 <= watermark);
        over.extend(ended);
        let mut merged: Group = (query.key(event), (event.ts, event.ts + gap), vec![event.n]);
        let touches = |(key, (start, end), _): &Group| *key == merged.0 && *start <= merged.1.1 && merged.1.0 <= *end;
        let (touched, mut others): (Vec<Group>, Vec<Group>) = rest.into_iter().partition(touches);
        for (_, window, values) in touched {
            merged.1 = (merged.1.0.min(window.0), merged.1.1.max(window.1));
            merged.2.extend(values);
        }
        if merged.1.1 - 1 <= watermark {
            late.push(seen.place());
        } else {
            others.push(merged);
        }
        open = others;
    }
    over.extend(open);
    (over, late)
}

fn events(partitions: i32) -> impl Strategy<Value = Vec<Event>> {
    let user = prop::option::weighted(0.8, "[a-c]");
    let event = (0..partitions, user, 0..15_000i64, prop::option::weighted(0.9, -5..6i64))
        .prop_map(|(partition, user, ts, n)| Event { partition, user, ts, n });
    prop::collection::vec(event, 0..12)
}

/// The windows of each key come in the order of their ends.
fn assert_ordered(rows: &[String]) {
    let mut last: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in rows {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let key = (row["u"].to_string(), row["p"].to_string());
        let end = row["w"].as_str().unwrap().to_owned();
        if let Some(before) = last.insert(key, end.clone()) {
            assert!(before < end, "{before} comes before {end}: {rows:#?}");
        }
    }
}

fn cases() -> u32 {
    std::env::var("FOREBAY_CASES").map_or(300, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn every_query_is_what_its_definition_says(
        query in query(),
        (partitions, actions) in (1..4i32).prop_flat_map(|n| (Just(n), prop::collection::vec(action(events(n)), 1..60))),
        without_rows in 0..2i32,
        pace in 50..2_000i64,
        // Times on a coarse grid meet the ends of windows and gaps exactly.
        grain in prop_oneof![Just(1i64), Just(500), Just(1_000)],
        begin in -100_000..50_000i64,
        step_bytes in 100..5_000usize,
        state_memory_bytes in state_memory(),
        behind_records in prop_oneof![Just(0), Just(u64::MAX)],
    ) {
        let host = MemoryHost::new();
        host.create_topic("t", partitions + without_rows);
        host.create_topic("o", 2);
        host.create_topic("late", partitions + without_rows);
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, behind_records, ..TaskOptions::default() };
        let plan = plan_job(&query.sql(), &PlanContext::nowhere()).unwrap();
        let mut world = World::new(host, Arc::new(plan), options);
        let produce = |host: &MemoryHost, events: &[Event]| {
            events.iter().for_each(|event| host.produce("t", event.partition, &[Some(event.json())]));
        };
        let (mut all, mut clock) = (Vec::new(), begin);
        for action in actions {
            match action {
                Action::Produce(mut events) => {
                    for event in &mut events {
                        clock += pace;
                        event.ts = (clock - event.ts).div_euclid(grain) * grain;
                    }
                    produce(&world.host, &events);
                    all.extend(events);
                }
                // No partition is idle before the end: the shortest time for that is 15 s.
                Action::Advance(ms) => world.act(&Action::<Event>::Advance(ms / 10)),
                other => world.act(&other),
            }
        }
        let far = |partition| Event { partition, user: None, ts: FAR + query.delay * 1_000, n: None };
        let last: Vec<Event> = (0..partitions).map(far).collect();
        produce(&world.host, &last);
        all.extend(last);
        world.finish();
        // A partition without rows does not hold the watermark back any more, 15 s after the last crash.
        for _ in 0..4 {
            world.host.advance(16_000);
            world.finish();
        }
        let (rows, late) = expected(&all, query);
        let partitions = world.host.consume("o");
        if matches!(query.result, Outcome::Aggregates) {
            partitions.iter().for_each(|rows| assert_ordered(rows));
        }
        let mut output: Vec<String> = partitions.into_iter().flatten().collect();
        output.sort();
        prop_assert_eq!(output, rows);
        prop_assert_eq!(world.status().late, late.len() as u64);
        // Each late record is in the late topic once, whenever that became known.
        let number = |record: &Got, key| record.header(key).parse::<i64>().unwrap();
        let copied = world.host.records("late");
        let mut copied: Vec<_> = copied.iter().map(|got| (got.partition, number(got, header::OFFSET))).collect();
        copied.sort_unstable();
        prop_assert_eq!(copied, late);
    }
}
