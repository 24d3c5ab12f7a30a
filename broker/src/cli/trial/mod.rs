//! `forebay job test`: a job or a query over files, in a broker of its own that is gone afterwards. No topic of anybody is touched.

mod expected;
mod input;
mod line;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use forebay_processor::job::TaskStatus;
use forebay_processor::plan::JobPlan;
use serde::Serialize;

pub use expected::{Differences, read_rows, write_rows};

use crate::config::{self, Sources};
use crate::node::{self, Running};
use crate::partition::CommittedRecords;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Names the job, as it would be registered.
    pub name: String,
    /// The statements.
    pub sql: String,
    /// Tables that are read, each with a file; several files of one table are its partitions.
    pub inputs: Vec<(String, PathBuf)>,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Every table that is written, in the order of the text.
    pub tables: Vec<Written>,
    /// Records read, those of the job's own tables included.
    pub read: u64,
    /// Late rows that were dropped.
    pub late: u64,
    /// Records that were passed over because they could not be decoded.
    pub undecodable: u64,
    /// Rows put aside into late and dead letter topics.
    pub aside: u64,
    /// What a person should know of the statements, one sentence each.
    pub warnings: Vec<String>,
}

/// A table and its rows.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// The table.
    pub table: String,
    /// Its topic.
    pub topic: String,
    /// The columns of the rows' values.
    pub columns: Vec<String>,
    /// The records' values, in the order in which they were written to each partition; where rows replace others or go, those that are
    /// left at the end. JSON stays JSON when this is serialized.
    #[serde(serialize_with = "as_json")]
    pub rows: Vec<String>,
}

fn as_json<S: serde::Serializer>(rows: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let value = |row: &String| serde_json::from_str(row).unwrap_or_else(|_| serde_json::Value::from(row.as_str()));
    serializer.collect_seq(rows.iter().map(value))
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The statements, the inputs or a file are wrong.
    #[error("{0}")]
    Invalid(String),
    /// The job stopped.
    #[error("{0}")]
    Failed(String),
}

/// Runs a job over its files to their end; all windows close then.
///
/// # Errors
/// The statements are wrong, a table has no file, a file cannot be read, or the job stops at a record.
pub async fn run(trial: Trial) -> Result<Outcome, TrialError> {
    let folder = tempfile::Builder::new().prefix("forebay-test-").tempdir();
    let folder = folder.map_err(|e| TrialError::Failed(format!("cannot make a temporary folder: {e}")))?;
    let overrides = vec![
        "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
        // It may run beside a broker.
        "http.listeners=".to_owned(),
        format!("log.dirs={}", folder.path().display()),
    ];
    let loaded = config::load(Sources { overrides, ..Sources::default() });
    let loaded = loaded.map_err(|e| TrialError::Failed(e.to_string()))?;
    let running = node::start(loaded.config).await.map_err(|e| TrialError::Failed(e.to_string()))?;
    let running = Arc::new(running);
    let runner = running.clone();
    let done = tokio::task::spawn_blocking(move || over_files(&runner, &trial)).await;
    let done = done.map_err(|e| TrialError::Failed(format!("the job ended badly: {e}")))?;
    // The folder goes away in any case; a clean end keeps the log quiet.
    if let Some(running) = Arc::into_inner(running)
        && let Err(error) = running.stop().await
    {
        tracing::warn!("the broker of the trial did not end in order: {error}");
    }
    done
}

fn over_files(running: &Running, trial: &Trial) -> Result<Outcome, TrialError> {
    let (plan, limit) = running.jobs.plan_once(&trial.sql).map_err(|e| TrialError::Invalid(e.to_string()))?;
    let files = input::by_topic(&plan, &trial.inputs)?;
    for (topic, input) in &files {
        input::load(&running.rooms, topic, input)?;
    }
    let statuses = running.jobs.run_to_end(&trial.name, &plan);
    let statuses = statuses.map_err(|e| TrialError::Failed(input::with_lines(&e.to_string(), &files)))?;
    let mut tables = written(running, &plan)?;
    if let Some(limit) = limit {
        tables.iter_mut().for_each(|table| table.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX)));
    }
    Ok(Outcome {
        tables,
        read: sum(&statuses, |task| task.records_in),
        late: sum(&statuses, |task| task.late),
        undecodable: sum(&statuses, |task| task.undecodable),
        aside: sum(&statuses, |task| task.records_aside),
        warnings: plan.warnings.clone(),
    })
}

fn sum(statuses: &[TaskStatus], of: impl Fn(&TaskStatus) -> u64) -> u64 {
    statuses.iter().map(of).sum()
}

fn written(running: &Running, plan: &JobPlan) -> Result<Vec<Written>, TrialError> {
    let mut seen = BTreeSet::new();
    let sinks = plan.pipelines.iter().map(|pipeline| &pipeline.sink).filter(|sink| seen.insert(&sink.topic));
    let tables = sinks.map(|sink| {
        let mut records = CommittedRecords::new(&sink.topic, running.rooms.partitions.clone());
        let mut table = table::Rows::of(sink);
        loop {
            let more = records.take().map_err(TrialError::Failed)?;
            if more.is_empty() {
                break;
            }
            more.into_iter().for_each(|record| table.take(record));
        }
        let rows = table.rows();
        let columns = sink.value_columns.iter().filter_map(|at| sink.columns.get(*at));
        let columns = columns.map(|column| column.name.clone()).collect();
        Ok(Written { table: sink.table.clone(), topic: sink.topic.clone(), columns, rows })
    });
    tables.collect()
}

#[cfg(test)]
mod tests;
