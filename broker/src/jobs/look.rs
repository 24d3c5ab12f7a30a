//! The state of a running job, as its owner may look at it.

use forebay_processor::job::subtasks;
use forebay_processor::operator::Look;
use forebay_processor::plan::Column;

use super::sql::{at_once, listing};
use super::{JobError, Jobs};
use crate::http::{Lines, SqlColumn, SqlEnd, SqlHead, StateRow};

/// Most rows of an answer.
pub(super) const MAX_ROWS: usize = 10_000;
/// Rows of an answer that asks for no number.
const ROWS: usize = 100;

/// What is there of a job's state.
pub(super) struct Found {
    /// The table that each row is for, and the row as JSON.
    pub rows: Vec<StateRow>,
    /// The columns, where all rows are of one table.
    pub columns: Vec<Column>,
}

impl Jobs {
    /// The rows that the windows of a job would put out if they closed now, each task's as of its last commit.
    ///
    /// # Errors
    /// There is no such job, it does not run, or keeps nothing.
    pub(super) async fn look(&self, name: &str, key: Option<String>, limit: Option<u64>) -> Result<Found, JobError> {
        let (door, plan) = {
            let jobs = self.jobs.lock();
            let job = jobs.get(name).ok_or_else(|| super::unknown(&jobs, name))?;
            let running = job.running.as_ref();
            let running = running.ok_or_else(|| {
                JobError::Busy(format!("job {name} does not run; `forebay job resume {name}` lets it"))
            })?;
            (running.door().map_err(JobError::Busy)?, running.plan())
        };
        let keepers: Vec<_> = plan.pipelines.iter().filter(|pipeline| pipeline.keeps_rows()).collect();
        if keepers.is_empty() {
            return Err(JobError::Invalid(format!("job {name} keeps nothing: each row goes through by itself")));
        }
        let Some(door) = door else { return Err(JobError::Busy(format!("job {name} has come to its end"))) };
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(ROWS).min(MAX_ROWS);
        let numbers: Vec<usize> = subtasks(&plan).iter().map(|id| id.pipeline).collect();
        let rows = door.look(&numbers, &Look { key, limit }).await.map_err(JobError::Failed)?;
        let row = |(pipeline, row): (usize, Vec<u8>)| StateRow {
            table: plan.pipelines[pipeline].sink.table.clone(),
            row: String::from_utf8_lossy(&row).into_owned(),
        };
        let columns = match keepers[..] {
            [only] => only.sink.columns.clone(),
            _ => Vec::new(),
        };
        Ok(Found { rows: rows.into_iter().map(row).collect(), columns })
    }

    /// The same as the answer to SHOW STATE.
    pub(super) async fn show_state(
        &self,
        name: &str,
        key: Option<String>,
        limit: Option<u64>,
    ) -> Result<Lines, JobError> {
        let Found { rows, columns } = self.look(name, key, limit).await?;
        if columns.is_empty() {
            let rows: Vec<_> = rows.into_iter().map(|row| vec![Some(row.table), Some(row.row)]).collect();
            return Ok(listing(&["table", "row"], &rows, Vec::new(), SqlEnd::default()));
        }
        let column = |column: Column| SqlColumn { name: column.name, data_type: column.data_type.to_string() };
        let head = SqlHead { columns: columns.into_iter().map(column).collect(), ..SqlHead::default() };
        let rows: Vec<Vec<u8>> = rows.into_iter().map(|row| row.row.into_bytes()).collect();
        Ok(at_once(head, &rows, SqlEnd::default()))
    }
}
