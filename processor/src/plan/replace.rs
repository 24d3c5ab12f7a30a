//! Whether a job can go on with other statements: its state and its positions must mean the same to both.

use super::{Bounded, JobPlan, Pipeline};
use crate::job::resources;

/// Checks that the job `name` can go on with `new` where `old` stands. Returns what becomes of each pipeline, one sentence each.
///
/// # Errors
/// The reason, with what was and what would be.
pub fn check_replacement(name: &str, old: &JobPlan, new: &JobPlan) -> Result<Vec<String>, String> {
    let kept = check_state(old, new)?;
    old.pipelines.iter().zip(&new.pipelines).try_for_each(|(old, new)| check_tasks(old, new))?;
    for (before, after) in resources(name, old).iter().zip(resources(name, new)) {
        if before.group != after.group {
            return Err(format!(
                "the positions are kept in the consumer group '{}', the new statements ask for '{}' ('properties.group.id')",
                before.group, after.group
            ));
        }
    }
    Ok(kept)
}

/// Checks that state and positions of `old` mean the same to `new`, as [`check_replacement`] does, whatever the jobs are called.
///
/// # Errors
/// The reason, with what was and what would be.
pub fn check_state(old: &JobPlan, new: &JobPlan) -> Result<Vec<String>, String> {
    let (before, after) = (old.pipelines.len(), new.pipelines.len());
    if before != after {
        return Err(format!("the job has {before} INSERT INTO and would have {after}; each keeps state of its own"));
    }
    let pairs = old.pipelines.iter().zip(&new.pipelines).enumerate();
    pairs
        .map(|(number, (old, new))| {
            check_sink(old, new, after).and_then(|()| check_pipeline(old, new)).map_err(|why| match after {
                1 => why,
                _ => format!("INSERT INTO number {}: {why}", number + 1),
            })
        })
        .collect()
}

/// Among several pipelines each is known by its place: one that writes elsewhere may have changed places with another.
fn check_sink(old: &Pipeline, new: &Pipeline, pipelines: usize) -> Result<(), String> {
    let (before, after) = (&old.sink.topic, &new.sink.topic);
    if pipelines == 1 || before == after {
        return Ok(());
    }
    Err(format!(
        "it writes topic '{before}' and would write topic '{after}'; each INSERT INTO goes on with the state of the one at its \
         place, so keep their order and their topics, or apply it as a new job"
    ))
}

/// Each task keeps the state of its keys.
fn check_tasks(old: &Pipeline, new: &Pipeline) -> Result<(), String> {
    if !old.keeps_rows() || old.parallelism == new.parallelism {
        return Ok(());
    }
    Err(format!(
        "the number of tasks changes ('parallelism.default'): it has {}, and would have {}; each keeps the state of its keys, so \
         make a savepoint, drop the job, and apply the new statements from the savepoint",
        old.parallelism, new.parallelism
    ))
}

/// A bounded input that has ended has committed the end of time: all that came after it would be late. Its end is committed too.
fn check_bound(old: &Pipeline, new: &Pipeline) -> Result<(), String> {
    for (old, new) in old.topics().into_iter().zip(new.topics()) {
        let (was, is) = (&old.policies.bounded, &new.policies.bounded);
        if was.is_some() && was != is {
            return Err(format!(
                "the end of its input changes ('scan.bounded.mode'): it has {}, and would have {}; apply it as a new job",
                bound(was.as_ref()),
                bound(is.as_ref())
            ));
        }
    }
    Ok(())
}

/// The end of an input in the words of its option.
fn bound(bounded: Option<&Bounded>) -> String {
    match bounded {
        None => "unbounded".to_owned(),
        Some(Bounded::LatestOffset) => "latest-offset".to_owned(),
        Some(Bounded::GroupOffsets) => "group-offsets".to_owned(),
        Some(Bounded::Timestamp(millis)) => format!("timestamp {millis}"),
        Some(Bounded::SpecificOffsets(offsets)) => {
            let offsets: Vec<String> =
                offsets.iter().map(|(partition, offset)| format!("partition:{partition},offset:{offset}")).collect();
            format!("specific-offsets {}", offsets.join(";"))
        }
    }
}

fn check_pipeline(old: &Pipeline, new: &Pipeline) -> Result<String, String> {
    let topics =
        |pipeline: &Pipeline| pipeline.topics().into_iter().map(|source| source.topic.clone()).collect::<Vec<_>>();
    let (before, after) = (topics(old), topics(new));
    if before != after {
        let (before, after) = (before.join("' and '"), after.join("' and '"));
        return Err(format!("it reads topic '{before}' and would read '{after}', where its offsets mean nothing"));
    }
    let after = after.join(" and ");
    check_bound(old, new)?;
    let (was, is) = (Schema::of(old), Schema::of(new));
    if was.meetings != is.meetings {
        let (was, is) = (was.meetings.join("; "), is.meetings.join("; "));
        return Err(format!("what its inputs meet in changes: it has {was}, and would have {is}"));
    }
    match (was.windows.is_empty(), is.windows.is_empty()) {
        // What rows meet in a join is state, too.
        (true, true) if old.keeps_rows() => {}
        (true, true) => return Ok(format!("goes on at its offsets of topic {after}, without state")),
        (true, false) => {
            return Err("it would have windows and has none: rows read so far would be missing in them".to_owned());
        }
        (false, true) => {
            return Err("it has open windows and would have none: the rows in them would be lost".to_owned());
        }
        (false, false) => {}
    }
    let changed = |what: &str, was: &str, is: &str| {
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        Err(format!("{what}: it has {}, and would have {}", shown(was), shown(is)))
    };
    if was.windows.len() != is.windows.len() {
        return changed(
            "the number of window steps changes",
            &was.windows.len().to_string(),
            &is.windows.len().to_string(),
        );
    }
    for (was, is) in was.windows.iter().zip(&is.windows) {
        for (what, was, is) in [
            ("the windows change", &was.window, &is.window),
            ("the keys change", &was.keys, &is.keys),
            ("the aggregates change, or the columns kept", &was.aggregates, &is.aggregates),
        ] {
            if was != is {
                return changed(what, was, is);
            }
        }
    }
    for (name, data_type) in &is.columns {
        if let Some((_, before)) = was.columns.iter().find(|(other, before)| other == name && before != data_type) {
            return changed(&format!("the type of column {name} changes"), before, data_type);
        }
    }
    if was.computed != is.computed {
        return changed("the computed columns change", &was.computed.join(", "), &is.computed.join(", "));
    }
    let (was, is) = (old.source.policies.allowed_lateness_ms, new.source.policies.allowed_lateness_ms);
    if was != is {
        return changed("the allowed lateness changes", &format!("{was} ms"), &format!("{is} ms"));
    }
    Ok(format!("goes on at its offsets of topic {after} with its open windows"))
}

/// What a pipeline's state is made of, in the words of EXPLAIN: names stand for columns, so it does not matter where in a row they are.
#[derive(Debug, Default)]
struct Schema {
    windows: Vec<WindowSchema>,
    /// Where rows of several inputs meet.
    meetings: Vec<String>,
    columns: Vec<(String, String)>,
    computed: Vec<String>,
}

/// One step that keeps rows.
#[derive(Debug, Default)]
struct WindowSchema {
    window: String,
    keys: String,
    aggregates: String,
}

impl Schema {
    fn of(pipeline: &Pipeline) -> Schema {
        let text = pipeline.to_string();
        let under = |title: &str| {
            let prefix = format!("{title:<10} ");
            // Lines of branches are further to the right.
            let lines = text.lines().map(str::trim_start);
            lines.filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned)).collect::<Vec<_>>()
        };
        let window = |line: &String| {
            let (head, aggregates) = line.split_once(": ").unwrap_or((line, ""));
            let (window, keys) = head.split_once(", by ").unwrap_or((head, ""));
            WindowSchema { window: window.to_owned(), keys: keys.to_owned(), aggregates: aggregates.to_owned() }
        };
        // How long a group is kept may change.
        let group = |line: &String| {
            let (line, _) = line.rsplit_once("; ").unwrap_or((line, ""));
            let (keys, aggregates) = line.split_once(": ").unwrap_or((line, ""));
            WindowSchema { window: "none".to_owned(), keys: keys.to_owned(), aggregates: aggregates.to_owned() }
        };
        let windows = [under("window"), under("windows")].concat();
        let groups =
            [under("normalize"), under("group"), under("dedup"), under("rank"), under("over"), under("keyed")].concat();
        let sources = pipeline.sources();
        let several = sources.len() > 1;
        let name = |table: &str, column: &str| match several {
            true => format!("{table}.{column}"),
            false => column.to_owned(),
        };
        let columns = sources.iter().flat_map(|source| source.columns.iter().map(|column| (&source.table, column)));
        Schema {
            windows: windows.iter().map(window).chain(groups.iter().map(group)).collect(),
            meetings: [under("with"), under("union"), under("join")].concat(),
            columns: columns.map(|(table, column)| (name(table, &column.name), column.data_type.to_string())).collect(),
            computed: under("computed"),
        }
    }
}
