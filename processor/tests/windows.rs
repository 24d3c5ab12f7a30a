//! Windows of every kind against a plain evaluation of their definition, row by row, under disorder, late rows, kills and crashes.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::job::TaskOptions;
use forebay_processor::sql::{PlanContext, plan_job};
use proptest::prelude::*;
use support::host::MemoryHost;
use support::plans::sql_time;
use support::world::{Action, World, action};

/// Delay of the watermark in ms.
const DELAY: i64 = 4_000;
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
}

impl Windows {
    fn sql(self) -> String {
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
    ]
}

/// Aggregates of a group by their definition, as the job's JSON.
fn row(user: Option<&str>, (start, end): (i64, i64), values: &[Option<i64>]) -> String {
    let known: Vec<i64> = values.iter().flatten().copied().collect();
    let text = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
    let sum = |values: &[i64]| (!values.is_empty()).then(|| values.iter().sum::<i64>());
    let kinds: Vec<i64> = known.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect();
    let positive: Vec<i64> = known.iter().copied().filter(|value| *value > 0).collect();
    format!(
        r#"{{"u":{},"s":"{}","e":"{}","w":"{}","c":{},"total":{},"mean":{},"least":{},"positive":{},"kinds":{},"of_kinds":{},"mean_of_kinds":{},"even_kinds":{}}}"#,
        user.map_or("null".to_owned(), |user| format!("\"{user}\"")),
        sql_time(start),
        sql_time(end),
        sql_time(end - 1),
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

fn job(windows: Windows) -> String {
    format!(
        "CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
           WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.watermark.idle-timeout' = '0 ms');
         CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), w TIMESTAMP(3), c BIGINT, total BIGINT, mean BIGINT, least BIGINT,
           positive BIGINT, kinds BIGINT, of_kinds BIGINT, mean_of_kinds BIGINT, even_kinds BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o SELECT u, window_start, window_end, window_time, COUNT(*), SUM(n), AVG(n), MIN(n), SUM(n) FILTER (WHERE n > 0),
             COUNT(DISTINCT n), SUM(DISTINCT n), AVG(DISTINCT n), COUNT(DISTINCT n) FILTER (WHERE MOD(n, 2) = 0)
           FROM TABLE({}) GROUP BY u, window_start, window_end, window_time;",
        windows.sql()
    )
}

/// A window, from start to end, and a user.
type Group<'e> = ((i64, i64), Option<&'e str>);

/// The result by the rule, with nothing of the engine: a row counts in a window unless the watermark of its partition before it has
/// reached the window's last millisecond; a row that counts in none is late.
fn expected(events: &[Event], windows: Windows) -> (Vec<String>, u64) {
    let mut watermarks: BTreeMap<i32, i64> = BTreeMap::new();
    let mut groups: BTreeMap<Group<'_>, Vec<Option<i64>>> = BTreeMap::new();
    let mut late = 0;
    for event in events {
        let watermark = watermarks.entry(event.partition).or_insert(i64::MIN);
        let open: Vec<_> = windows.of(event.ts).into_iter().filter(|(_, end)| *watermark < end - 1).collect();
        late += u64::from(open.is_empty());
        for window in open {
            groups.entry((window, event.user.as_deref())).or_default().push(event.n);
        }
        *watermark = (*watermark).max(event.ts - DELAY);
    }
    let closed = groups.iter().filter(|(((_, end), _), _)| *end < FAR);
    let mut rows: Vec<String> = closed.map(|((window, user), values)| row(*user, *window, values)).collect();
    rows.sort();
    (rows, late)
}

fn events(partitions: i32) -> impl Strategy<Value = Vec<Event>> {
    let user = prop::option::weighted(0.8, "[a-c]");
    let event = (0..partitions, user, 0..15_000i64, prop::option::weighted(0.9, -5..6i64))
        .prop_map(|(partition, user, ts, n)| Event { partition, user, ts, n });
    prop::collection::vec(event, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_kind_is_what_its_definition_says(
        windows in windows(),
        (partitions, actions) in (1..4i32).prop_flat_map(|n| (Just(n), prop::collection::vec(action(events(n)), 1..60))),
        pace in 50..2_000i64,
        begin in -100_000..50_000i64,
        step_bytes in 100..5_000usize,
    ) {
        let host = MemoryHost::new();
        host.create_topic("t", partitions);
        host.create_topic("o", 2);
        let options = TaskOptions { step_bytes, read_bytes: step_bytes / 3, snapshot_floor: 300, ..TaskOptions::default() };
        let plan = plan_job(&job(windows), &PlanContext::NOWHERE).unwrap();
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
                        event.ts = clock - event.ts;
                    }
                    produce(&world.host, &events);
                    all.extend(events);
                }
                other => world.act(&other),
            }
        }
        let far = |partition| Event { partition, user: None, ts: FAR + DELAY, n: None };
        let last: Vec<Event> = (0..partitions).map(far).collect();
        produce(&world.host, &last);
        all.extend(last);
        world.finish();
        let (rows, late) = expected(&all, windows);
        let mut output: Vec<String> = world.host.consume("o").into_iter().flatten().collect();
        output.sort();
        prop_assert_eq!(output, rows);
        prop_assert_eq!(world.task().status().late, late);
    }
}
