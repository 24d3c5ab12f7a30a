//! Regular and temporal joins of random rows that come, change and go are what a naive computation says in the end, wherever tasks are
//! killed and wherever their state is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::plan::{ChangelogMode, check_state};
use proptest::prelude::*;

use crate::support::host::MemoryHost;
use crate::support::plans::sql_time;
use crate::support::run_and_finish;
use crate::support::world::{Action, World, action, state_memory};
use crate::try_plan;

/// Partitions of each topic.
pub(super) const PARTITIONS: i32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
}

/// A row of a side, or of the table whose row it replaces or removes.
#[derive(Clone, Debug)]
struct Change {
    right: bool,
    k: char,
    gone: bool,
    g: Option<char>,
    n: i64,
}

#[derive(Clone, Copy, Debug)]
struct Query {
    kind: Kind,
    /// Which sides are tables of upsert-kafka, by k.
    changing: [bool; 2],
    /// Whether l.n <= r.n must hold.
    condition: bool,
}

/// k, g, n of a row; of one that is only added, its number stands for k.
type Row = (String, Option<char>, i64);

impl Query {
    fn sql(self) -> String {
        let table = |name: &str, changing: bool| {
            match changing {
            true => format!(
                "CREATE TABLE {name} (k STRING, g STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
                   WITH ('connector' = 'upsert-kafka', 'topic' = '{name}', 'key.format' = 'raw', 'value.format' = 'json');"
            ),
            false => format!(
                "CREATE TABLE {name} (k STRING, g STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');"
            ),
        }
        };
        let condition = if self.condition { " AND l.n <= r.n" } else { "" };
        let columns = "COALESCE(l.k, 'none'), COALESCE(r.k, 'none'), l.g, r.g, l.n, r.n";
        let query = match self.kind {
            Kind::Semi | Kind::Anti => {
                let not = if self.kind == Kind::Anti { "NOT " } else { "" };
                format!(
                    "SELECT k, 'none', g, CAST(NULL AS STRING), n, CAST(NULL AS BIGINT) FROM l WHERE {not}EXISTS (SELECT * FROM r WHERE r.g = l.g{condition})"
                )
            }
            kind => {
                let kind = format!("{kind:?}").to_uppercase();
                format!("SELECT {columns} FROM l {kind} JOIN r ON l.g = r.g{condition}")
            }
        };
        format!(
            "{}{}CREATE TABLE o (lk STRING, rk STRING, lg STRING, rg STRING, ln BIGINT, rn BIGINT, PRIMARY KEY (lk, rk) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
             INSERT INTO o {query};",
            table("l", self.changing[0]),
            table("r", self.changing[1])
        )
    }

    /// The rows of a side in the end.
    fn rows(self, right: bool, changes: &[Change]) -> Vec<Row> {
        let own = changes.iter().enumerate().filter(|(_, change)| change.right == right);
        if !self.changing[usize::from(right)] {
            return own.map(|(at, change)| (at.to_string(), change.g, change.n)).collect();
        }
        let mut table = BTreeMap::new();
        for (_, change) in own {
            match change.gone {
                true => table.remove(&change.k),
                false => table.insert(change.k, (change.k.to_string(), change.g, change.n)),
            };
        }
        table.into_values().collect()
    }

    /// The rows of the result in the end.
    fn expected(self, changes: &[Change]) -> BTreeSet<String> {
        let (left, right) = (self.rows(false, changes), self.rows(true, changes));
        let meet = |l: &Row, r: &Row| l.1.is_some() && l.1 == r.1 && (!self.condition || l.2 <= r.2);
        let mut rows = BTreeSet::new();
        for l in &left {
            let partners: Vec<&Row> = right.iter().filter(|r| meet(l, r)).collect();
            match self.kind {
                Kind::Semi | Kind::Anti => {
                    if partners.is_empty() == (self.kind == Kind::Anti) {
                        rows.insert(row(Some(l), None));
                    }
                }
                Kind::Left | Kind::Full if partners.is_empty() => {
                    rows.insert(row(Some(l), None));
                }
                _ => rows.extend(partners.iter().map(|r| row(Some(l), Some(r)))),
            }
        }
        if matches!(self.kind, Kind::Right | Kind::Full) {
            rows.extend(right.iter().filter(|r| !left.iter().any(|l| meet(l, r))).map(|r| row(None, Some(r))));
        }
        rows
    }
}

fn quoted(text: Option<String>) -> String {
    text.map_or("null".to_owned(), |text| format!("\"{text}\""))
}

fn row(l: Option<&Row>, r: Option<&Row>) -> String {
    let part = |side: &str, row: Option<&Row>| {
        let k = row.map_or("none", |row| row.0.as_str());
        let g = quoted(row.and_then(|row| row.1).map(String::from));
        let n = row.map_or("null".to_owned(), |row| row.2.to_string());
        [format!("\"{side}k\":\"{k}\""), format!("\"{side}g\":{g}"), format!("\"{side}n\":{n}")]
    };
    let ([lk, lg, ln], [rk, rg, rn]) = (part("l", l), part("r", r));
    format!("{{{lk},{rk},{lg},{rg},{ln},{rn}}}")
}

fn query() -> impl Strategy<Value = Query> {
    let kinds = [Kind::Inner, Kind::Left, Kind::Right, Kind::Full, Kind::Semi, Kind::Anti];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, any::<[bool; 2]>(), any::<bool>()).prop_map(|(kind, changing, condition)| Query {
        kind,
        changing,
        condition,
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let g = prop::option::weighted(0.85, prop::char::range('x', 'z'));
    let change = (any::<bool>(), prop::char::range('a', 'd'), prop::bool::weighted(0.25), g, 0..4i64)
        .prop_map(|(right, k, gone, g, n)| Change { right, k, gone, g, n });
    prop::collection::vec(change, 0..8)
}

impl Query {
    /// Produces the changes from number `from` on.
    fn produce(self, host: &MemoryHost, changes: &[Change], from: usize) {
        for (at, Change { right, k, gone, g, n }) in changes.iter().enumerate() {
            let topic = if *right { "r" } else { "l" };
            let changing = self.changing[usize::from(*right)];
            let k = if changing { k.to_string() } else { (from + at).to_string() };
            let value = format!(r#"{{"k":"{k}","g":{},"n":{n}}}"#, quoted(g.map(String::from)));
            let value = (!(changing && *gone)).then_some(value.as_bytes());
            let partition = i32::from(k.as_bytes()[0]) % PARTITIONS;
            host.produce_record(topic, partition, (0, Some(k.as_bytes()), value), &[]);
        }
    }
}

/// What is left of a table of upsert-kafka.
fn table(host: &MemoryHost) -> BTreeSet<String> {
    let mut rows = BTreeMap::new();
    for record in host.records("o") {
        rows.insert(record.key.unwrap(), record.value);
    }
    rows.into_values().flatten().collect()
}

pub(super) fn host(topics: &[&str]) -> MemoryHost {
    let host = MemoryHost::new();
    topics.iter().for_each(|topic| host.create_topic(topic, PARTITIONS));
    host
}

fn options(step_bytes: usize, state_memory_bytes: u64) -> TaskOptions {
    let read_bytes = step_bytes / 3;
    TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn a_regular_join_is_the_join_of_what_is_there_in_the_end(
        query in query(),
        actions in prop::collection::vec(action(changes()), 1..40),
        step_bytes in 100..2_000usize,
        memory in state_memory(),
    ) {
        let plan = try_plan(&query.sql()).unwrap_or_else(|error| panic!("{error}\n{}", query.sql()));
        let mut world = World::new(host(&["l", "r", "o"]), Arc::new(plan), options(step_bytes, memory));
        let mut all = Vec::new();
        for action in actions {
            if let Action::Produce(mut changes) = action {
                // A row that is only added does not go.
                changes.retain(|change| !change.gone || query.changing[usize::from(change.right)]);
                query.produce(&world.host, &changes, all.len());
                all.extend(changes);
            } else {
                world.act(&action);
            }
        }
        world.finish();
        prop_assert_eq!(table(&world.host), query.expected(&all));
    }
}

/// A left row, or a version of a right one.
#[derive(Clone, Debug)]
struct Timed {
    right: bool,
    k: Option<char>,
    behind: i64,
    n: i64,
}

pub(super) const TEMPORAL: &str = "CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
       WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
     CREATE TABLE r (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND, PRIMARY KEY (k) NOT ENFORCED)
       WITH ('connector' = 'upsert-kafka', 'topic' = 'r', 'key.format' = 'raw', 'value.format' = 'json');
     CREATE TABLE o (k STRING, n BIGINT, v BIGINT, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');";

/// Time of the rows that let all others come out.
pub(super) const FAR: i64 = 10_000_000;

fn timed() -> impl Strategy<Value = Vec<Timed>> {
    let k = prop::option::weighted(0.9, prop::char::range('a', 'c'));
    let row = (any::<bool>(), k, 0..7i64, 0..5i64).prop_map(|(right, k, behind, n)| Timed { right, k, behind, n });
    prop::collection::vec(row, 0..8)
}

pub(super) fn produce_timed(host: &MemoryHost, (right, partition): (bool, i32), k: Option<char>, n: i64, ts: i64) {
    let key = k.map(String::from);
    let value = format!(r#"{{"k":{},"n":{n},"ts":"{}"}}"#, quoted(key.clone()), sql_time(ts));
    let key = key.unwrap_or_default();
    let topic = if right { "r" } else { "l" };
    host.produce_record(topic, partition, (0, Some(key.as_bytes()), Some(value.as_bytes())), &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]
    #[test]
    fn a_temporal_join_finds_the_version_of_each_rows_time(
        left in any::<bool>(),
        actions in prop::collection::vec(action(timed()), 1..40),
        pace in 50..1_500i64,
        step_bytes in 100..2_000usize,
        memory in state_memory(),
    ) {
        let kind = if left { "LEFT JOIN" } else { "JOIN" };
        let sql = format!("{TEMPORAL} INSERT INTO o SELECT l.k, l.n, r.n, l.ts FROM l {kind} r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k;");
        let mut world = World::new(host(&["l", "r", "o"]), Arc::new(try_plan(&sql).unwrap()), options(step_bytes, memory));
        let (mut clock, mut rows, mut versions) = (0, Vec::new(), BTreeMap::new());
        for action in actions {
            match action {
                Action::Produce(events) => for Timed { right, k, behind, n } in events {
                    clock += pace;
                    let ts = (clock - behind * 500).max(0) / 500 * 500;
                    let partition = k.map_or(0, |k| k as i32 % PARTITIONS);
                    match (right, k) {
                        (false, k) => rows.push((k, n, ts)),
                        (true, Some(k)) => { versions.insert((k, ts), n); }
                        (true, None) => continue,
                    }
                    produce_timed(&world.host, (right, partition), k, n, ts);
                },
                // No partition is idle before the end: the shortest time for that is 15 s.
                Action::Advance(ms) => world.act(&Action::<Timed>::Advance(ms / 10)),
                other => world.act(&other),
            }
        }
        for partition in 0..PARTITIONS {
            // Nobody waits for these: their time is not over.
            produce_timed(&world.host, (false, partition), Some('l'), 0, FAR);
            produce_timed(&world.host, (true, partition), Some('r'), 0, FAR);
        }
        world.finish();
        let mut output: Vec<String> = world.host.consume("o").into_iter().flatten().collect();
        output.sort();
        let mut expected: Vec<String> = rows.iter().filter_map(|(k, n, ts)| {
            let version = k.and_then(|k| versions.range((k, i64::MIN)..=(k, *ts)).next_back());
            let v = version.map_or("null".to_owned(), |(_, n)| n.to_string());
            let row = format!(r#"{{"k":{},"n":{n},"v":{v},"ts":"{}"}}"#, quoted(k.map(String::from)), sql_time(*ts));
            (left || version.is_some()).then_some(row)
        }).collect();
        expected.sort();
        prop_assert_eq!(output, expected);
    }
}

#[test]
fn versions_that_nothing_can_meet_any_more_are_forgotten() {
    let host = host(&["l", "r", "o"]);
    let sql = format!(
        "{TEMPORAL} INSERT INTO o SELECT l.k, l.n, r.n, l.ts FROM l JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k;"
    );
    let mut task = Task::open(&Arc::new(try_plan(&sql).unwrap()), "job", 0, &host, TaskOptions::default()).unwrap();
    let mut most = 0;
    for at in 0..500 {
        for partition in 0..PARTITIONS {
            produce_timed(&host, (false, partition), Some('a'), at, at * 1_000);
            produce_timed(&host, (true, partition), Some('a'), at, at * 1_000);
        }
        run_and_finish(&mut task, &host).unwrap();
        most = most.max(task.status().state_keys);
    }
    // Of each partition's 5 s: rows, versions, and the last row of Normalize.
    assert!(most < 50, "{most} entries");
}

const TTL: &str = "SET 'table.exec.state.ttl' = '10 s';";

#[test]
fn a_row_is_forgotten_after_its_time_to_live() {
    let query = Query { kind: Kind::Inner, changing: [false, false], condition: false };
    let host = host(&["l", "r", "o"]);
    let plan = Arc::new(try_plan(&format!("{TTL}{}", query.sql())).unwrap());
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    let change = |right| Change { right, k: 'a', gone: false, g: Some('x'), n: 1 };
    query.produce(&host, &[change(false)], 0);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(9_000);
    query.produce(&host, &[change(true)], 1);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(table(&host).len(), 1, "it is there for 10 s");
    host.advance(5_000);
    // Of the two of before, the right one is still there, also after a restart.
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    query.produce(&host, &[change(true)], 2);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(table(&host).len(), 1, "the left row is forgotten");
    query.produce(&host, &[change(false)], 3);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(table(&host).len(), 3, "both right rows are not");
    let mut most = 0;
    for at in 4..400 {
        host.advance(1_000);
        query.produce(&host, &[change(at % 2 == 0)], at);
        run_and_finish(&mut task, &host).unwrap();
        most = most.max(task.status().state_keys);
    }
    assert!(most <= 12, "{most} entries with a row a second and a time-to-live of 10 s");
}

#[test]
fn without_a_bound_it_says_so_and_what_may_change_is_said() {
    let query = Query { kind: Kind::Inner, changing: [false, false], condition: false };
    let plan = try_plan(&query.sql()).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("table.exec.state.ttl")), "{:?}", plan.warnings);
    assert_eq!(plan.pipelines[0].changelog(), Ok(ChangelogMode::InsertOnly));
    let bounded = try_plan(&format!("{TTL}{}", query.sql())).unwrap();
    assert!(bounded.warnings.is_empty(), "{:?}", bounded.warnings);
    assert!(bounded.pipelines[0].to_string().contains("each row forgotten 10 s after"), "{}", bounded.pipelines[0]);
    // How long rows are kept may change while the job goes on.
    assert!(check_state(&plan, &bounded).is_ok());
    let left = Query { kind: Kind::Left, ..query };
    // Not what the table's end makes of it, whose key does not tell all rows apart.
    let as_it_is = format!("SET 'table.exec.sink.upsert-materialize' = 'NONE';{}", left.sql());
    assert_eq!(try_plan(&as_it_is).unwrap().pipelines[0].changelog(), Ok(ChangelogMode::Retract));
    assert!(check_state(&plan, &try_plan(&left.sql()).unwrap()).is_err());
    let appended = left.sql().replace(", PRIMARY KEY (lk, rk) NOT ENFORCED", "").replace(
        "'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format'",
        "'kafka', 'topic' = 'o', 'format'",
    );
    let why = try_plan(&appended).unwrap_err();
    assert!(why.message.contains("update and delete changes, which are made by a join"), "{why}");
}

#[test]
fn a_primary_key_that_does_not_tell_pairs_apart_is_warned_of() {
    let text = |kind: &str, key: &str| {
        format!(
            "CREATE TABLE l (id BIGINT, k STRING) WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
             CREATE TABLE u (k STRING, g STRING, PRIMARY KEY (k) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
             CREATE TABLE v (k STRING, g STRING, PRIMARY KEY (k) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = 'v', 'key.format' = 'json', 'value.format' = 'json');
             CREATE TABLE o (a STRING, b STRING, PRIMARY KEY ({key}) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
             SET 'table.exec.state.ttl' = '1 d';
             SET 'table.exec.sink.upsert-materialize' = 'NONE';
             INSERT INTO o {kind};"
        )
    };
    let warns = |query: &str, key: &str| {
        let warnings = try_plan(&text(query, key)).unwrap_or_else(|error| panic!("{error}")).warnings;
        warnings.iter().any(|warning| warning.contains("different rows of the query may have one PRIMARY KEY"))
    };
    // One row of u and one of v for each.
    let one = "SELECT u.k, v.k FROM u JOIN v ON u.g = v.k";
    assert!(!warns(one, "a") && warns(one, "b"));
    let many = "SELECT u.k, v.k FROM u JOIN v ON u.g = v.g";
    assert!(!warns(many, "a, b") && warns(many, "a") && warns(many, "b"));
    // Rows of l have no key that is known; each meets one of u at most.
    assert!(!warns("SELECT CAST(l.id AS STRING), u.g FROM l LEFT JOIN u ON l.k = u.k", "a"));
    assert!(warns("SELECT CAST(l.id AS STRING), u.k FROM l LEFT JOIN u ON l.k = u.g", "a"));
    assert!(!warns("SELECT k, g FROM u WHERE EXISTS (SELECT * FROM v WHERE v.g = u.g)", "a"));
}

#[test]
fn temporal_joins_that_cannot_be_are_refused_with_the_reason() {
    for (query, words) in [
        ("SELECT l.k, l.n, r.n, l.ts FROM l JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.n = r.n", "nothing is equal to k"),
        // Two keys would be one.
        (
            "SELECT l.k, l.n, r.n, l.ts FROM l JOIN r FOR SYSTEM_TIME AS OF l.ts ON UPPER(l.k) = UPPER(r.k)",
            "only a function of it is compared with k",
        ),
        (
            "SELECT l.k, l.n, r.n, l.ts FROM l RIGHT JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k",
            "an inner join or a LEFT JOIN",
        ),
        (
            "SELECT l.k, l.n, r.n, l.ts FROM l JOIN r FOR SYSTEM_TIME AS OF PROCTIME() ON l.k = r.k",
            "processing time is not supported, in Flink neither",
        ),
        (
            "SELECT l.k, l.n, r.n, l.ts FROM l JOIN r FOR SYSTEM_TIME AS OF l.n ON l.k = r.k",
            "takes the event-time column",
        ),
        (
            "SELECT l.k, l.n, r.n, l.ts FROM l JOIN l FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k",
            "is none of 'upsert-kafka'",
        ),
        ("SELECT k, n, n, ts FROM r FOR SYSTEM_TIME AS OF r.ts", "for the right side of a join"),
        (
            "SELECT l.k, l.n, r.n, l.ts FROM r AS l JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k",
            "takes the event-time column",
        ),
    ] {
        let why = try_plan(&format!("{TEMPORAL} INSERT INTO o {query};")).unwrap_err();
        assert!(why.message.contains(words), "{query}: {why}");
    }
}
