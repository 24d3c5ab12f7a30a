//! Random queries that group rows without windows (GROUP BY, DISTINCT, HAVING, FILTER, groups of groups, UNION ALL; of rows that come and
//! of a table whose rows change) against a plain evaluation of all rows at the end, under kills, crashes and little memory.
//!
//! What comes out is compared as a table that the last word on each key is left in, or as a changelog, of which each row that is taken
//! back must be there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::job::TaskOptions;
use forebay_processor::sql::{Asked, PlanContext, RESULT_TOPIC, plan_job, plan_session};
use proptest::prelude::*;
use serde_json::json;

use super::support::host::MemoryHost;
use super::support::world::{Action, World, action, state_memory};
use super::{cases, sum};

/// What comes in: a row of table `t`, or a change of table `x`, whose key is `k`.
#[derive(Clone, Debug)]
struct Event {
    partition: i32,
    changes: bool,
    k: i64,
    gone: bool,
    row: Row,
}

/// The columns u and n.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    u: Option<String>,
    n: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Rows,
    Table,
    Both,
    /// Both, and the rows once more.
    Thrice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Nothing,
    User,
    UserAndParity,
}

/// What is made of the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// They come out.
    Nothing,
    /// They are grouped by user.
    User,
    /// They are one group.
    All,
    /// They are grouped by their count.
    Count,
}

#[derive(Clone, Copy, Debug)]
struct Query {
    input: Input,
    /// WHERE n <> 3.
    filter: bool,
    keys: Keys,
    /// SELECT DISTINCT of the keys, and no aggregates.
    distinct: bool,
    /// HAVING COUNT(*) is not more than this, and the sum is even.
    having: Option<i64>,
    over: Over,
    /// HAVING of the outer groups: not so many.
    outer_having: Option<i64>,
    /// Whether rows come in one order, so that FIRST_VALUE and the like are known.
    ordered: bool,
    /// Whether the rows come out with their kinds.
    changelog: bool,
}

/// The columns of a group, and their types.
const COLUMNS: &str = "c BIGINT, total BIGINT, mean BIGINT, least BIGINT, most BIGINT, positive BIGINT, kinds BIGINT, of_kinds BIGINT, even_kinds BIGINT, low STRING, high STRING";
const ORDERED: &str = ", head BIGINT, tail BIGINT, odd_tail BIGINT, all_of_it STRING";
const OUTER: &str = "c BIGINT, total BIGINT, mean BIGINT, least BIGINT, most BIGINT, kinds BIGINT, small BIGINT";

impl Query {
    fn sql(self) -> String {
        let input = match self.input {
            Input::Rows => "SELECT u, n FROM t",
            Input::Table => "SELECT u, n FROM x",
            Input::Both => "SELECT u, n FROM t UNION ALL SELECT u, n FROM x",
            Input::Thrice => "SELECT u, n FROM t UNION ALL SELECT u, n FROM x UNION ALL SELECT u, n FROM t",
        };
        let filter = if self.filter { "WHERE n <> 3 OR n IS NULL" } else { "" };
        let keys = ["", "u", "u, p"][self.keys as usize];
        let named =
            ["", "COALESCE(u, 'none') AS u", "COALESCE(u, 'none') AS u, COALESCE(p, 9) AS p"][self.keys as usize];
        let aggregates = "COUNT(*) AS c, SUM(n) AS total, AVG(n) AS mean, MIN(n) AS least, MAX(n) AS most,
            SUM(n) FILTER (WHERE n > 0) AS positive, COUNT(DISTINCT n) AS kinds, SUM(DISTINCT n) AS of_kinds,
            COUNT(DISTINCT n) FILTER (WHERE MOD(n, 2) = 0) AS even_kinds, MIN(u) AS low, MAX(u) AS high";
        let in_order = if self.ordered {
            ", FIRST_VALUE(n) AS head, LAST_VALUE(n) AS tail, LAST_VALUE(n) FILTER (WHERE MOD(n, 2) <> 0) AS odd_tail,
             LISTAGG(CAST(n AS STRING), '+') AS all_of_it"
        } else {
            ""
        };
        let by = if keys.is_empty() { String::new() } else { format!("GROUP BY {keys}") };
        let having = self.having.map_or(String::new(), |most| {
            format!("HAVING COUNT(*) <= {most} AND (MOD(SUM(n), 2) = 0 OR SUM(n) IS NULL)")
        });
        let comma = if keys.is_empty() { "" } else { ", " };
        let groups = match self.distinct {
            true => format!("SELECT DISTINCT {named} FROM i"),
            false => format!("SELECT {named}{comma}{aggregates}{in_order} FROM i {by} {having}"),
        };
        let outer = "COUNT(*) AS c, SUM(total) AS total, AVG(total) AS mean, MIN(least) AS least, MAX(most) AS most,
            COUNT(DISTINCT c) AS kinds, COUNT(*) FILTER (WHERE c < 3) AS small";
        let outer_having = self.outer_having.map_or(String::new(), |most| format!("HAVING COUNT(*) <= {most}"));
        let select = match self.over {
            Over::Nothing => "SELECT * FROM g".to_owned(),
            Over::User => format!("SELECT u, {outer} FROM g GROUP BY u {outer_having}"),
            Over::All => format!("SELECT {outer} FROM g {outer_having}"),
            Over::Count => format!("SELECT c AS d, {outer} FROM g GROUP BY c {outer_having}"),
        };
        let tables = format!(
            "CREATE TABLE t (u STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
             CREATE TABLE x (k BIGINT, u STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH
               ('connector' = 'upsert-kafka', 'topic' = 'x', 'key.format' = 'json', 'value.format' = 'json');
             CREATE VIEW i AS SELECT u, n, ABS(MOD(n, 2)) AS p FROM ({input}) {filter};
             CREATE VIEW g AS {groups};"
        );
        if self.changelog {
            return format!("{tables}\n{select};");
        }
        // Where there is no key, one is made.
        let (columns, key, made) = match (self.over, self.keys) {
            (Over::Nothing, Keys::Nothing) | (Over::All, _) => ("a STRING, ", "a", "'all', "),
            (Over::Nothing, Keys::User) | (Over::User, _) => ("u STRING, ", "u", ""),
            (Over::Nothing, Keys::UserAndParity) => ("u STRING, p BIGINT, ", "u, p", ""),
            (Over::Count, _) => ("d BIGINT, ", "d", ""),
        };
        let columns = match (self.over, self.distinct) {
            (Over::Nothing, true) => columns.trim_end_matches(", ").to_owned(),
            (Over::Nothing, false) => format!("{columns}{COLUMNS}{}", if self.ordered { ORDERED } else { "" }),
            _ => format!("{columns}{OUTER}"),
        };
        let select = select.replacen("SELECT ", &format!("SELECT {made}"), 1);
        format!(
            "{tables}
             CREATE TABLE o ({columns}, PRIMARY KEY ({key}) NOT ENFORCED) WITH
               ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
             INSERT INTO o {select};"
        )
    }
}

fn query() -> impl Strategy<Value = Query> {
    let input = prop_oneof![Just(Input::Rows), Just(Input::Table), Just(Input::Both), Just(Input::Thrice)];
    let keys = prop_oneof![Just(Keys::Nothing), Just(Keys::User), Just(Keys::UserAndParity)];
    let over =
        prop_oneof![3 => Just(Over::Nothing), 1 => Just(Over::User), 1 => Just(Over::All), 1 => Just(Over::Count)];
    let having = || prop::option::weighted(0.4, 1..9i64);
    let flags = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>(), any::<bool>());
    (input, keys, over, having(), having(), flags).prop_map(
        |(input, keys, over, having, outer_having, (filter, distinct, ordered, changelog))| {
            let distinct = distinct && keys != Keys::Nothing && over == Over::Nothing;
            let over = if over == Over::User && keys != Keys::UserAndParity { Over::All } else { over };
            let ordered = ordered && matches!(input, Input::Rows | Input::Table) && over == Over::Nothing;
            Query { input, filter, keys, distinct, having, over, outer_having, ordered, changelog }
        },
    )
}

fn events(partitions: i32) -> impl Strategy<Value = Vec<Event>> {
    let row = (prop::option::weighted(0.8, "[a-c]{1,2}"), prop::option::weighted(0.9, -5..6i64))
        .prop_map(|(u, n)| Row { u, n });
    let event = (0..partitions, any::<bool>(), 0..8i64, prop::bool::weighted(0.2), row).prop_map(
        move |(partition, changes, k, gone, row)| {
            // A key is in one partition.
            let partition = if changes { k as i32 % partitions } else { partition };
            Event { partition, changes, k, gone, row }
        },
    );
    prop::collection::vec(event, 0..12)
}

fn produce(host: &MemoryHost, event: &Event) {
    let Row { u, n } = &event.row;
    if !event.changes {
        return host.produce("t", event.partition, &[Some(json!({ "u": u, "n": n }).to_string())]);
    }
    let key = json!({ "k": event.k }).to_string();
    let value = json!({ "k": event.k, "u": u, "n": n }).to_string();
    let value = (!event.gone).then_some(value.as_bytes());
    host.produce_record("x", event.partition, (0, Some(key.as_bytes()), value), &[]);
}

/// The rows of a group as they came, and what is left of them: where one is taken back, the first that is like it goes.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: Vec<Row>,
    /// Of the values of n that are known, those that a function in the order of their coming has.
    numbers: Vec<i64>,
    odd_numbers: Vec<i64>,
}

fn remove_first<T: PartialEq>(from: &mut Vec<T>, what: &T) {
    let at = from.iter().position(|other| other == what).unwrap();
    from.remove(at);
}

impl Group {
    fn add(&mut self, row: Row) {
        self.numbers.extend(row.n);
        self.odd_numbers.extend(row.n.filter(|n| n % 2 != 0));
        self.rows.push(row);
    }

    fn take_back(&mut self, row: &Row) {
        remove_first(&mut self.rows, row);
        if let Some(n) = row.n {
            remove_first(&mut self.numbers, &n);
            if n % 2 != 0 {
                remove_first(&mut self.odd_numbers, &n);
            }
        }
    }
}

/// A row that comes out, by column.
type Out = serde_json::Map<String, serde_json::Value>;

fn object(value: serde_json::Value) -> Out {
    let serde_json::Value::Object(fields) = value else { unreachable!() };
    fields
}

/// What is left in the end, by the rule, with nothing of the engine.
fn expected(events: &[Event], query: Query) -> Vec<Out> {
    let mut groups: BTreeMap<(Option<String>, Option<i64>), Group> = BTreeMap::new();
    let mut table: BTreeMap<i64, Row> = BTreeMap::new();
    let key = |row: &Row| match query.keys {
        Keys::Nothing => (None, None),
        Keys::User => (row.u.clone(), None),
        Keys::UserAndParity => (row.u.clone(), row.n.map(|n| (n % 2).abs())),
    };
    let counts = |row: &Row| !query.filter || row.n != Some(3);
    for event in events {
        let times = match (event.changes, query.input) {
            (false, Input::Rows | Input::Both) | (true, Input::Table | Input::Both | Input::Thrice) => 1,
            (false, Input::Thrice) => 2,
            _ => 0,
        };
        let before = if event.changes { table.remove(&event.k) } else { None };
        if event.changes && !event.gone {
            table.insert(event.k, event.row.clone());
            if before.as_ref() == Some(&event.row) {
                continue;
            }
        }
        for _ in 0..times {
            if let Some(before) = before.as_ref().filter(|row| counts(row)) {
                groups.get_mut(&key(before)).unwrap().take_back(before);
            }
            if counts(&event.row) && !(event.changes && event.gone) {
                groups.entry(key(&event.row)).or_default().add(event.row.clone());
            }
        }
    }
    groups.retain(|_, group| !group.rows.is_empty());
    let inner: Vec<Out> = groups.iter().filter_map(|(key, group)| inner_row(query, key, group)).collect();
    if query.over == Over::Nothing {
        return inner;
    }
    let mut outer: BTreeMap<String, Vec<Out>> = BTreeMap::new();
    for row in inner {
        let key = match query.over {
            Over::User => row["u"].to_string(),
            Over::Count => row["c"].to_string(),
            _ => String::new(),
        };
        outer.entry(key).or_default().push(row);
    }
    outer.values().filter_map(|rows| outer_row(query, rows)).collect()
}

fn inner_row(query: Query, (u, p): &(Option<String>, Option<i64>), group: &Group) -> Option<Out> {
    let mut row = Out::new();
    if query.keys != Keys::Nothing {
        row.insert("u".to_owned(), json!(u.as_deref().unwrap_or("none")));
    }
    if query.keys == Keys::UserAndParity {
        row.insert("p".to_owned(), json!(p.unwrap_or(9)));
    }
    if query.distinct {
        return Some(row);
    }
    let numbers = &group.numbers;
    let total = sum(numbers);
    if query.having.is_some_and(|most| group.rows.len() as i64 > most || total.is_some_and(|total| total % 2 != 0)) {
        return None;
    }
    let kinds: Vec<i64> = numbers.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect();
    let positive: Vec<i64> = numbers.iter().copied().filter(|n| *n > 0).collect();
    let users: BTreeSet<&str> = group.rows.iter().filter_map(|row| row.u.as_deref()).collect();
    row.extend(object(json!({
        "c": group.rows.len(),
        "total": total,
        "mean": total.map(|total| total / numbers.len() as i64),
        "least": numbers.iter().min(),
        "most": numbers.iter().max(),
        "positive": sum(&positive),
        "kinds": kinds.len(),
        "of_kinds": sum(&kinds),
        "even_kinds": kinds.iter().filter(|n| **n % 2 == 0).count(),
        "low": users.first(),
        "high": users.last(),
    })));
    if query.ordered {
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        row.extend(object(json!({
            "head": numbers.first(),
            "tail": numbers.last(),
            "odd_tail": group.odd_numbers.last(),
            "all_of_it": (!texts.is_empty()).then(|| texts.join("+")),
        })));
    }
    Some(row)
}

fn outer_row(query: Query, rows: &[Out]) -> Option<Out> {
    if query.outer_having.is_some_and(|most| rows.len() as i64 > most) {
        return None;
    }
    let mut row = Out::new();
    match query.over {
        Over::User => row.insert("u".to_owned(), rows[0]["u"].clone()),
        Over::Count => row.insert("d".to_owned(), rows[0]["c"].clone()),
        _ => None,
    };
    let numbers = |column: &str| rows.iter().filter_map(|row| row[column].as_i64()).collect::<Vec<i64>>();
    let (counts, totals) = (numbers("c"), numbers("total"));
    row.extend(object(json!({
        "c": rows.len(),
        "total": sum(&totals),
        "mean": sum(&totals).map(|total| total / totals.len() as i64),
        "least": numbers("least").iter().min(),
        "most": numbers("most").iter().max(),
        "kinds": counts.iter().collect::<BTreeSet<_>>().len(),
        "small": counts.iter().filter(|count| **count < 3).count(),
    })));
    Some(row)
}

/// A row as a text that is the same whatever the order of its columns; that of a made key is not looked at.
fn text(mut row: Out) -> String {
    row.remove("a");
    let sorted: BTreeMap<_, _> = row.into_iter().collect();
    serde_json::to_string(&sorted).unwrap()
}

/// What is left in the end of what came out.
fn left(host: &MemoryHost, query: Query) -> Vec<String> {
    let row = |value: &str| text(object(serde_json::from_str(value).unwrap()));
    let mut rows = Vec::new();
    if query.changelog {
        for record in host.records(RESULT_TOPIC) {
            let row = row(&record.value.unwrap());
            match record.key.as_deref() {
                Some("+I" | "+U") => rows.push(row),
                Some("-U" | "-D") => {
                    let at = rows.iter().position(|other| *other == row);
                    rows.remove(at.unwrap_or_else(|| panic!("{row} is taken back, there are {rows:#?}")));
                }
                kind => panic!("{kind:?}"),
            }
        }
    } else {
        let mut table = BTreeMap::new();
        for record in host.records("o") {
            table.insert(record.key.unwrap(), record.value);
        }
        rows.extend(table.into_values().flatten().map(|value| row(&value)));
    }
    rows.sort();
    rows
}

fn plan(query: Query) -> forebay_processor::plan::JobPlan {
    let text = query.sql();
    if !query.changelog {
        return plan_job(&text, &PlanContext::nowhere()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    let planned = plan_session("", &text, &PlanContext::nowhere());
    match planned.unwrap_or_else(|error| panic!("{error}\n{text}")).asked {
        Asked::Query(query) => query.plan,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn groups_are_what_all_their_rows_say(
        query in query(),
        (partitions, actions) in (1..4i32).prop_flat_map(|n| (Just(n), prop::collection::vec(action(events(n)), 1..60))),
        step_bytes in 50..2_000usize,
        state_memory_bytes in state_memory(),
    ) {
        let query = Query { ordered: query.ordered && partitions == 1, ..query };
        let host = MemoryHost::new();
        host.create_topic("t", partitions);
        host.create_topic("x", partitions);
        host.create_topic(if query.changelog { RESULT_TOPIC } else { "o" }, if query.changelog { 1 } else { 2 });
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() };
        let mut world = World::new(host, Arc::new(plan(query)), options);
        let mut all = Vec::new();
        for action in actions {
            if let Action::Produce(events) = &action {
                events.iter().for_each(|event| produce(&world.host, event));
                all.extend(events.iter().cloned());
            }
            world.act(&action);
        }
        world.finish();
        let mut rows: Vec<String> = expected(&all, query).into_iter().map(text).collect();
        rows.sort();
        prop_assert_eq!(left(&world.host, query), rows);
    }
}
