//! The corpus: jobs over a few rows each, and what Apache Flink 2.2.1 made of the same rows and the same statements.
//!
//! `tests/corpus/record.py` says what a case is made of, and has Flink write the expected rows anew.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_processor::job::{Progress, Task, TaskOptions};
use forebay_processor::plan::JobPlan;
use forebay_processor::sql::{Asked, PlanContext, RESULT_TOPIC, SqlError, plan_job, plan_session};
use support::host::{Got, MemoryHost};

/// How the job is run; the result must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// All input in one step.
    AtOnce,
    /// A record a step.
    ByRecord,
    /// A record a step, and the task is killed after each second one.
    Killed,
}

fn cases() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let folders = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut cases: Vec<PathBuf> = folders.filter(|path| path.join("query.sql").exists()).collect();
    cases.sort();
    cases
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Topic -> partition -> records.
fn inputs(case: &Path) -> BTreeMap<String, BTreeMap<i32, Vec<String>>> {
    let mut topics: BTreeMap<String, BTreeMap<i32, Vec<String>>> = BTreeMap::new();
    for entry in fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|extension| extension != "sql") && name != "expected" {
            let (topic, partition) = name.rsplit_once('-').unwrap();
            topics.entry(topic.to_owned()).or_default().insert(partition.parse().unwrap(), lines(&path));
        }
    }
    topics
}

/// The job of a case, or the query that it ends with.
fn plan(case: &Path) -> Result<JobPlan, SqlError> {
    let text = fs::read_to_string(case.join("query.sql")).unwrap();
    if !is_changelog(case) {
        return plan_job(&text, &PlanContext::nowhere());
    }
    match plan_session("", &text, &PlanContext::nowhere())?.asked {
        Asked::Query(query) => Ok(query.plan),
        other => panic!("{other:?}"),
    }
}

/// Whether the case is of all changes, in their order, and not of what is left of them.
fn is_changelog(case: &Path) -> bool {
    case.join("expected.changes").exists()
}

/// The broker with what the job has put out: it is in topic `o`, or in that of a query.
fn ran(case: &Path, plan: &Arc<JobPlan>, run: Run) -> MemoryHost {
    let host = MemoryHost::new();
    for (topic, partitions) in inputs(case) {
        host.create_topic(&topic, partitions.len() as i32);
        for (partition, rows) in partitions {
            let sources = plan.pipelines[0].sources();
            let upsert =
                sources.iter().filter(|source| source.topic == topic).find_map(|source| source.upsert.as_ref());
            for row in rows {
                match upsert {
                    Some(key) => change(&host, (&topic, partition), &key.columns[0], &row),
                    None => host.produce(&topic, partition, &[Some(row)]),
                }
            }
        }
    }
    host.create_topic("o", 2);
    host.create_topic(RESULT_TOPIC, 1);
    let options = match run {
        Run::AtOnce => TaskOptions::default(),
        _ => TaskOptions { step_bytes: 1, read_bytes: 1, snapshot_floor: 300, ..TaskOptions::default() },
    };
    for pipeline in 0..plan.pipelines.len() {
        let open = || Task::open(plan, "job", pipeline, &host, options).unwrap();
        let mut task = open();
        let mut steps = 0;
        while task.step(&host).unwrap() != Progress::Finished {
            steps += 1;
            // Long enough for a commit of what has only changed state.
            host.advance(250);
            if run == Run::Killed && steps % 2 == 0 {
                task = open();
            }
            assert!(steps < 10_000, "the job does not end");
        }
    }
    host
}

/// The rows of topic `o`, sorted; of a table of upsert-kafka what is left in the end.
fn output(host: &MemoryHost, plan: &JobPlan) -> Vec<String> {
    let mut rows: Vec<String> = match plan.pipelines[0].sink.upsert {
        true => table(host.records("o")),
        false => host.consume("o").into_iter().flatten().collect(),
    };
    rows.sort();
    rows
}

/// What a query has put out, in order: each row behind its kind.
fn changes(host: &MemoryHost) -> Vec<String> {
    let records = host.records(RESULT_TOPIC).into_iter();
    records.map(|record| format!("{} {}", record.key.unwrap(), record.value.unwrap())).collect()
}

/// The rows that a changelog leaves, sorted.
fn left(changes: &[String]) -> Vec<String> {
    let mut rows: Vec<&str> = Vec::new();
    for change in changes {
        let (kind, row) = change.split_once(' ').unwrap();
        let known = rows.iter().position(|other| *other == row);
        match (kind, known) {
            ("-U" | "-D", Some(at)) => drop(rows.swap_remove(at)),
            ("-U" | "-D", None) => panic!("{change}: there is no such row"),
            _ => rows.push(row),
        }
    }
    rows.sort_unstable();
    rows.into_iter().map(str::to_owned).collect()
}

/// Of each key, the first column, the rows that there were one after the other; none where the key was gone.
fn states(changes: &[String]) -> BTreeMap<String, Vec<Option<String>>> {
    let mut keys: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let (kind, row) = change.split_once(' ').unwrap();
        let key = row.split_inclusive([',', '}']).next().unwrap().to_owned();
        // What follows says what became of it.
        if kind == "-U" && changes.get(at + 1).is_some_and(|next| next.starts_with("+U")) {
            continue;
        }
        let state = kind.starts_with('+').then(|| row.to_owned());
        let states = keys.entry(key).or_default();
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    keys
}

/// What is wrong with a changelog, beside the one that Flink has made.
fn compared(case: &Path, expected: &[String], found: &[String], run: Run) -> Option<String> {
    if left(expected) != left(found) {
        return Some(format!("what is left differs: {:?} instead of {:?}", left(found), left(expected)));
    }
    // What is read in one step is one change.
    if run == Run::AtOnce {
        return None;
    }
    if !fs::read_to_string(case.join("query.sql")).unwrap().contains("-- compared: states") {
        let other = (0..expected.len().max(found.len())).find(|at| expected.get(*at) != found.get(*at))?;
        return Some(format!("change {other} is {:?} instead of {:?}", found.get(other), expected.get(other)));
    }
    // Between the states that a record leads to, Flink has those that its first half leads to.
    let (expected, found) = (states(expected), states(found));
    for (key, found) in &found {
        let mut flinks = expected.get(key).map_or(&[][..], |states| states).iter();
        if let Some(alien) = found.iter().find(|state| !flinks.any(|other| other == *state)) {
            return Some(format!("{key}: {alien:?} does not come then in Flink"));
        }
    }
    let lost = expected.keys().find(|key| !found.contains_key(*key))?;
    Some(format!("{lost} does not come at all"))
}

/// Writes a row of an upsert-kafka table whose key is this column; `-` in front removes it.
fn change(host: &MemoryHost, (topic, partition): (&str, i32), key: &str, row: &str) {
    let (gone, row) = row.strip_prefix('-').map_or((false, row), |row| (true, row));
    let fields: serde_json::Value = serde_json::from_str(row).unwrap();
    let key = serde_json::json!({ key: fields[key] }).to_string();
    let value = (!gone).then_some(row.as_bytes());
    host.produce_record(topic, partition, (0, Some(key.as_bytes()), value), &[]);
}

/// The last value of each key, if it has one.
fn table(records: Vec<Got>) -> Vec<String> {
    let mut rows = BTreeMap::new();
    for record in records {
        rows.insert(record.key.expect("a row of upsert-kafka has a key"), record.value);
    }
    rows.into_values().flatten().collect()
}

#[test]
fn every_case_of_the_corpus_is_what_flink_makes_of_it() {
    let mut different = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 40);
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let plan = match plan(case) {
            Ok(plan) => Arc::new(plan),
            Err(error) => {
                different.push(format!("{name} is refused: {error}"));
                continue;
            }
        };
        let difference = [Run::AtOnce, Run::ByRecord, Run::Killed].into_iter().find_map(|run| {
            let host = ran(case, &plan, run);
            let what = match is_changelog(case) {
                true => compared(case, &lines(&case.join("expected.changes")), &changes(&host), run),
                false => different_rows(&lines(&case.join("expected.jsonl")), &output(&host, &plan)),
            };
            what.map(|what| format!("{name} ({run:?}): {what}"))
        });
        different.extend(difference);
    }
    assert!(different.is_empty(), "{} of {} cases:\n{}", different.len(), cases.len(), different.join("\n"));
}

fn different_rows(expected: &[String], found: &[String]) -> Option<String> {
    if found == expected {
        return None;
    }
    let only = |a: &[String], b: &[String]| {
        let only: Vec<&str> = a.iter().filter(|row| !b.contains(row)).map(String::as_str).collect();
        only.join("\n    ")
    };
    let (missing, more) = (only(expected, found), only(found, expected));
    let counts = (expected.len(), found.len());
    Some(format!("{counts:?} rows:\n  missing\n    {missing}\n  instead\n    {more}"))
}
