//! Joins of random rows are what the cross product of both sides says, however partitions are interleaved, and wherever tasks are killed.

use std::sync::Arc;

use forebay_processor::job::{SavepointAbout, Task, TaskOptions, read_head, start_from};
use forebay_processor::plan::check_state;
use forebay_storage::ids::TopicPartition;
use proptest::prelude::*;

use super::support::host::MemoryHost;
use super::support::plans::sql_time;
use super::support::run_and_finish;
use super::support::world::{Action, World, action, state_memory};
use super::try_plan;

/// Partitions of each topic.
const PARTITIONS: i32 = 2;
/// Delay of the watermarks, in ms.
const DELAY: i64 = 4_000;
/// Time of the rows that close everything, but for themselves.
const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    /// Whether it is of the table r.
    right: bool,
    partition: i32,
    k: Option<String>,
    n: i64,
    ts: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
}

#[derive(Clone, Copy, Debug)]
enum Near {
    /// Windows of so many ms, which begin every so many.
    Window { size: i64, slide: i64 },
    /// The left row's time less the right row's is between these.
    Interval { lower: i64, upper: i64 },
}

#[derive(Clone, Copy, Debug)]
struct Query {
    kind: Kind,
    near: Near,
    /// Whether l.n >= r.n must hold.
    condition: bool,
}

fn query() -> impl Strategy<Value = Query> {
    let outer = || prop_oneof![Just(Kind::Inner), Just(Kind::Left), Just(Kind::Right), Just(Kind::Full)];
    let kinds = prop_oneof![4 => outer(), 1 => Just(Kind::Semi), 1 => Just(Kind::Anti)];
    let window = prop_oneof![Just((5_000, 5_000)), Just((6_000, 2_000))];
    let windows = (kinds, window).prop_map(|(kind, (size, slide))| (kind, Near::Window { size, slide }));
    // Less than the delay, so that the last rows meet nothing and wait.
    let interval = (-3..4i64, 0..5i64).prop_map(|(lower, more)| (lower * 1_000, (lower + more).min(3) * 1_000));
    let intervals = (outer(), interval).prop_map(|(kind, (lower, upper))| (kind, Near::Interval { lower, upper }));
    (prop_oneof![windows, intervals], any::<bool>()).prop_map(|((kind, near), condition)| Query {
        kind,
        near,
        condition,
    })
}

impl Query {
    fn sql(self) -> String {
        let table = |name: &str| {
            format!(
                "CREATE TABLE {name} (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
                   WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');"
            )
        };
        let join = match self.kind {
            Kind::Left => "LEFT JOIN",
            Kind::Right => "RIGHT JOIN",
            Kind::Full => "FULL JOIN",
            _ => "JOIN",
        };
        let condition = if self.condition { " AND l.n >= r.n" } else { "" };
        let query = match self.near {
            Near::Window { size, slide } => {
                let (size, slide) = (size / 1_000, slide / 1_000);
                let rows = |name: &str| {
                    format!(
                        "(SELECT * FROM TABLE(HOP(TABLE {name}, DESCRIPTOR(ts), INTERVAL '{slide}' SECOND, INTERVAL '{size}' SECOND)))"
                    )
                };
                let (l, r) = (rows("l"), rows("r"));
                let on =
                    format!("l.window_start = r.window_start AND l.window_end = r.window_end AND l.k = r.k{condition}");
                match self.kind {
                    Kind::Semi | Kind::Anti => {
                        let not = if self.kind == Kind::Anti { "NOT " } else { "" };
                        format!(
                            "SELECT k, n, CAST(NULL AS STRING), CAST(NULL AS BIGINT), window_end, CAST(NULL AS TIMESTAMP(3)) FROM {l} l
                               WHERE {not}EXISTS (SELECT * FROM {r} r WHERE {on})"
                        )
                    }
                    _ => {
                        format!("SELECT l.k, l.n, r.k, r.n, l.window_end, r.window_end FROM {l} l {join} {r} r ON {on}")
                    }
                }
            }
            Near::Interval { lower, upper } => {
                let plus =
                    |ms: i64| format!("{} INTERVAL '{}' SECOND", if ms < 0 { "-" } else { "+" }, ms.abs() / 1_000);
                format!(
                    "SELECT l.k, l.n, r.k, r.n, l.ts, r.ts FROM l {join} r
                       ON l.k = r.k AND l.ts BETWEEN r.ts {} AND r.ts {}{condition}",
                    plus(lower),
                    plus(upper)
                )
            }
        };
        format!(
            "{}{}CREATE TABLE o (lk STRING, ln BIGINT, rk STRING, rn BIGINT, lt TIMESTAMP(3), rt TIMESTAMP(3))
               WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
             INSERT INTO o {query};",
            table("l"),
            table("r")
        )
    }

    /// The moments under which a row is looked at: the ends of its windows that its partition's watermark has not passed, or its time.
    fn moments(self, event: &Event, watermark: i64) -> Vec<i64> {
        match self.near {
            Near::Interval { .. } => vec![event.ts],
            Near::Window { size, slide } => {
                let last = event.ts.div_euclid(slide) * slide + size;
                let ends = (0..size / slide).map(|number| last - number * slide);
                ends.filter(|end| watermark < end - 1).collect()
            }
        }
    }

    fn meet(self, (l, at): &(Event, i64), (r, other): &(Event, i64)) -> bool {
        let near = match self.near {
            Near::Window { .. } => at == other,
            Near::Interval { lower, upper } => (lower..=upper).contains(&(at - other)),
        };
        near && l.k.is_some() && l.k == r.k && (!self.condition || l.n >= r.n)
    }

    /// Whether a row is still waiting at the end.
    fn waits(self, at: i64) -> bool {
        at > FAR / 2
    }

    /// The result, by comparing each row with each.
    fn expected(self, events: &[Event]) -> Vec<String> {
        let mut watermarks = std::collections::BTreeMap::new();
        let mut sides: [Vec<(Event, i64)>; 2] = [Vec::new(), Vec::new()];
        for event in events {
            let watermark = watermarks.entry((event.right, event.partition)).or_insert(i64::MIN);
            let moments = self.moments(event, *watermark);
            sides[usize::from(event.right)].extend(moments.into_iter().map(|at| (event.clone(), at)));
            *watermark = (*watermark).max(event.ts - DELAY);
        }
        let [left, right] = &sides;
        let mut rows = Vec::new();
        for own in left {
            let mut partners = right.iter().filter(|other| self.meet(own, other)).peekable();
            let alone = partners.peek().is_none() && !self.waits(own.1);
            match self.kind {
                Kind::Semi => rows.extend(partners.next().map(|_| row(Some(own), None))),
                Kind::Anti => rows.extend(alone.then(|| row(Some(own), None))),
                Kind::Left | Kind::Full if alone => rows.push(row(Some(own), None)),
                _ => rows.extend(partners.map(|other| row(Some(own), Some(other)))),
            }
        }
        if matches!(self.kind, Kind::Right | Kind::Full) {
            let alone = |other: &&(Event, i64)| !left.iter().any(|own| self.meet(own, other)) && !self.waits(other.1);
            rows.extend(right.iter().filter(alone).map(|other| row(None, Some(other))));
        }
        rows.sort();
        rows
    }
}

fn row(left: Option<&(Event, i64)>, right: Option<&(Event, i64)>) -> String {
    let quoted = |text: Option<String>| text.map_or("null".to_owned(), |text| format!("\"{text}\""));
    let part = |side: &str, row: Option<&(Event, i64)>| {
        let k = quoted(row.and_then(|(event, _)| event.k.clone()));
        let n = row.map_or("null".to_owned(), |(event, _)| event.n.to_string());
        (
            format!("\"{side}k\":{k},\"{side}n\":{n}"),
            format!("\"{side}t\":{}", quoted(row.map(|(_, at)| sql_time(*at)))),
        )
    };
    let ((l, lt), (r, rt)) = (part("l", left), part("r", right));
    format!("{{{l},{r},{lt},{rt}}}")
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let k = prop::option::weighted(0.9, "[ab]");
    // `ts` is by how much the row is behind the clock: what is nearer than the delay is never late.
    let event = (any::<bool>(), 0..PARTITIONS, k, 0..4i64, 0..7i64)
        .prop_map(|(right, partition, k, n, behind)| Event { right, partition, k, n, ts: behind * 500 });
    prop::collection::vec(event, 0..8)
}

fn produce(host: &MemoryHost, events: &[Event]) {
    for Event { right, partition, k, n, ts } in events {
        let k = k.as_ref().map_or("null".to_owned(), |k| format!("\"{k}\""));
        let value = format!(r#"{{"k":{k},"n":{n},"ts":"{}"}}"#, sql_time(*ts));
        host.produce(if *right { "r" } else { "l" }, *partition, &[Some(value)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn every_join_is_what_the_cross_product_says(
        query in query(),
        actions in prop::collection::vec(action(events()), 1..50),
        pace in 50..1_500i64,
        late in any::<bool>(),
        step_bytes in 100..3_000usize,
        state_memory_bytes in state_memory(),
    ) {
        let host = MemoryHost::new();
        host.create_topic("l", PARTITIONS);
        host.create_topic("r", PARTITIONS);
        host.create_topic("o", 2);
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() };
        let plan = try_plan(&query.sql()).unwrap_or_else(|error| panic!("{error}\n{}", query.sql()));
        let mut world = World::new(host, Arc::new(plan), options);
        // Which rows an interval join still has for a late one depends on how far it has read elsewhere, as in Flink.
        let late = late && matches!(query.near, Near::Window { .. });
        let (mut all, mut clock) = (Vec::new(), 0);
        for action in actions {
            match action {
                Action::Produce(mut events) => {
                    for event in &mut events {
                        clock += pace;
                        let behind = event.ts * if late { 4 } else { 1 };
                        event.ts = (clock - behind).max(0) / 500 * 500;
                    }
                    produce(&world.host, &events);
                    all.extend(events);
                }
                // No partition is idle before the end: the shortest time for that is 15 s.
                Action::Advance(ms) => world.act(&Action::<Event>::Advance(ms / 10)),
                other => world.act(&other),
            }
        }
        let far = |right, partition| {
            let k = Some(format!("far {right} {partition}"));
            Event { right, partition, k, n: 0, ts: FAR }
        };
        let last: Vec<Event> =
            [false, true].into_iter().flat_map(|right| (0..PARTITIONS).map(move |p| far(right, p))).collect();
        produce(&world.host, &last);
        all.extend(last);
        world.finish();
        let mut output: Vec<String> = world.host.consume("o").into_iter().flatten().collect();
        output.sort();
        prop_assert_eq!(output, query.expected(&all));
    }
}

fn event(right: bool, k: &str, ts: i64) -> Event {
    Event { right, partition: 0, k: Some(k.to_owned()), n: 1, ts }
}

/// Positions of all topics are in a savepoint, and the rows of both sides that wait.
#[test]
fn another_job_goes_on_with_the_rows_of_both_sides() {
    let host = MemoryHost::new();
    host.create_topic("l", 1);
    host.create_topic("r", 2);
    host.create_topic("o", 1);
    let near = Near::Interval { lower: -3_000, upper: 3_000 };
    let query = Query { kind: Kind::Inner, near, condition: false };
    let plan = Arc::new(try_plan(&query.sql()).unwrap());
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    produce(&host, &[event(false, "a", 1_000), event(false, "b", 2_000), event(true, "c", 3_000)]);
    run_and_finish(&mut task, &host).unwrap();
    host.create_topic("saved", 1);
    let to = TopicPartition::new("saved", 0);
    let about = SavepointAbout { savepoint: "s".to_owned(), job: "job".to_owned(), sql: String::new() };
    task.savepoint(&host, &to, &about).unwrap();
    let head = read_head(&host, &to).unwrap().unwrap();
    let offsets: Vec<_> = head.offsets.iter().map(|at| (at.topic.as_deref(), at.partition, at.offset)).collect();
    assert_eq!(offsets, [(None, 0, 2), (Some("r"), 0, 1), (Some("r"), 1, 0)]);
    drop(task);
    start_from(&host, &plan, "second", 0, &to, &TaskOptions::default()).unwrap();
    let mut second = Task::open(&plan, "second", 0, &host, TaskOptions::default()).unwrap();
    let positions: Vec<_> = second.status().inputs.iter().map(|input| input.position).collect();
    assert_eq!(positions, [2, 1, 0], "nothing is read again");
    let more = [event(true, "a", 1_500), event(false, "c", 2_500)];
    produce(&host, &more);
    run_and_finish(&mut second, &host).unwrap();
    let pair = |l: &Event, r: &Event| row(Some(&(l.clone(), l.ts)), Some(&(r.clone(), r.ts)));
    let mut rows: Vec<String> = host.consume("o").into_iter().flatten().collect();
    rows.sort();
    assert_eq!(rows, [pair(&event(false, "a", 1_000), &more[0]), pair(&more[1], &event(true, "c", 3_000))]);
}

#[test]
fn a_job_goes_on_with_the_same_join_only() {
    let near = Near::Interval { lower: -3_000, upper: 3_000 };
    let query = Query { kind: Kind::Left, near, condition: false };
    let plan = |query: Query| try_plan(&query.sql()).unwrap();
    assert!(check_state(&plan(query), &plan(query)).is_ok());
    for other in [
        Query { kind: Kind::Full, ..query },
        Query { near: Near::Interval { lower: -2_000, upper: 3_000 }, ..query },
        Query { condition: true, ..query },
    ] {
        let why = check_state(&plan(query), &plan(other)).unwrap_err();
        assert!(why.contains("what its inputs meet in changes"), "{why}");
    }
}

#[test]
fn what_cannot_be_joined_is_refused_with_the_reason() {
    let text = |query: &str| {
        let sql = Query { kind: Kind::Inner, near: Near::Interval { lower: 0, upper: 0 }, condition: false }.sql();
        let tables = sql.split("INSERT").next().unwrap().to_owned();
        format!("{tables} INSERT INTO o SELECT l.k, l.n, r.k, r.n, l.ts, r.ts FROM {query};")
    };
    let windows = |size: i64, table: &str| {
        format!("(SELECT * FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), INTERVAL '{size}' SECOND))) {table}")
    };
    let on = "ON l.window_start = r.window_start AND l.window_end = r.window_end";
    for (query, words) in [
        (format!("{} JOIN {} {on}", windows(5, "l"), windows(6, "r")), "must have the same windows"),
        ("l JOIN r USING (k)".to_owned(), "USING and NATURAL"),
    ] {
        let why = try_plan(&text(&query)).unwrap_err();
        assert!(why.message.contains(words), "{query}: {why}");
    }
}
