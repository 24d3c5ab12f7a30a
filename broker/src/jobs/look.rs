//! The state of a running job, as its owner may look at it.

use forebay_processor::job::subtasks;
use forebay_processor::operator::COUNT_FIELDS;

use super::run::StateView;
use super::sql::at_once;
use super::{JobError, Jobs};
use crate::http::{JobStateView, Lines, SqlColumn, SqlEnd, SqlHead, StateOffset, StateRow};

/// Most rows of an answer.
pub(super) const MAX_ROWS: usize = 10_000;
/// Rows of an answer that asks for no number.
const ROWS: usize = 100;
/// Offsets that are told to a person.
const TOLD_OFFSETS: usize = 8;

/// What is there of a job's state.
pub(super) struct Found {
    view: JobStateView,
    /// The columns of the rows, where all are alike.
    columns: Vec<SqlColumn>,
}

impl Jobs {
    /// What a job keeps, each task as of a commit: the rows that its windows would put out if they closed now, its groups as they are, how many
    /// entries a join has of each key.
    ///
    /// # Errors
    /// There is no such job, it does not run, or keeps nothing.
    pub(super) async fn look(&self, name: &str, key: Option<String>, limit: Option<u64>) -> Result<Found, JobError> {
        let (door, plan) = {
            let jobs = self.jobs.lock();
            let job = jobs.get(name).ok_or_else(|| super::unknown(&jobs, name))?;
            let running = job.running.as_ref();
            let running = running.ok_or_else(|| {
                JobError::Conflict(format!("job {name} does not run; `forebay job resume {name}` lets it"))
            })?;
            (running.door()?, running.plan())
        };
        let keepers: Vec<_> = plan.pipelines.iter().filter(|pipeline| pipeline.keeps_rows()).collect();
        if keepers.is_empty() {
            return Err(JobError::Invalid(format!("job {name} keeps nothing: each row goes through by itself")));
        }
        let Some(door) = door else { return Err(JobError::Conflict(format!("job {name} has come to its end"))) };
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(ROWS).min(MAX_ROWS);
        let numbers: Vec<usize> = subtasks(&plan).iter().map(|id| id.pipeline).collect();
        let looked = door.look(&numbers, key.as_deref(), limit).await.map_err(JobError::Busy)?;
        let StateView { rows, at, more, changing, cut } = looked;
        let counts = rows.iter().filter(|(_, row)| row.is_count).count();
        let columns = match keepers[..] {
            [only] if counts == 0 => {
                only.sink.columns.iter().map(|column| (column.name.clone(), column.data_type.to_string())).collect()
            }
            [_] if counts == rows.len() => {
                COUNT_FIELDS.iter().map(|(name, data_type)| ((*name).to_owned(), (*data_type).to_owned())).collect()
            }
            _ => Vec::new(),
        };
        let column = |(name, data_type)| SqlColumn { name, data_type };
        let row = |(pipeline, row): (usize, forebay_processor::operator::LookedRow)| StateRow {
            table: plan.pipelines[pipeline].sink.table.clone(),
            row: String::from_utf8_lossy(&row.json).into_owned(),
        };
        let offset =
            |at: super::run::LookedAt| StateOffset { topic: at.topic, partition: at.partition, offset: at.offset };
        let view = JobStateView {
            rows: rows.into_iter().map(row).collect(),
            offsets: at.into_iter().map(offset).collect(),
            more,
            changing,
            complete: !more && !cut,
        };
        Ok(Found { view, columns: columns.into_iter().map(column).collect() })
    }

    /// The same as HTTP answers it.
    pub(super) async fn state_view(
        &self,
        name: &str,
        key: Option<String>,
        limit: Option<u64>,
    ) -> Result<JobStateView, JobError> {
        self.look(name, key, limit).await.map(|found| found.view)
    }

    /// The same as the answer to SHOW STATE.
    pub(super) async fn show_state(
        &self,
        name: &str,
        key: Option<String>,
        limit: Option<u64>,
    ) -> Result<Lines, JobError> {
        let Found { view, columns } = self.look(name, key, limit).await?;
        let end = SqlEnd { message: told(&view), more: !view.complete, ..SqlEnd::default() };
        let column = |name: &str| SqlColumn { name: name.to_owned(), data_type: "STRING".to_owned() };
        let (columns, rows): (_, Vec<Vec<u8>>) = match columns.is_empty() {
            true => {
                let row = |row: StateRow| {
                    let [table, row] = [row.table, row.row].map(serde_json::Value::from);
                    format!(r#"{{"table":{table},"row":{row}}}"#).into_bytes()
                };
                (vec![column("table"), column("row")], view.rows.into_iter().map(row).collect())
            }
            false => (columns, view.rows.into_iter().map(|row| row.row.into_bytes()).collect()),
        };
        Ok(at_once(SqlHead { columns, ..SqlHead::default() }, &rows, end))
    }
}

/// Whether that is all, and as of which offsets.
fn told(view: &JobStateView) -> String {
    let many = match (view.more, view.complete) {
        (true, _) => format!("the first {} rows of more; ", view.rows.len()),
        (false, false) => "not all of the state was looked at, it takes too long; ".to_owned(),
        (false, true) => String::new(),
    };
    let place = |at: &StateOffset| format!("{}-{}@{}", at.topic, at.partition, at.offset);
    let mut places: Vec<String> = view.offsets.iter().take(TOLD_OFFSETS).map(place).collect();
    if view.offsets.len() > TOLD_OFFSETS {
        places.push(format!("{} more", view.offsets.len() - TOLD_OFFSETS));
    }
    let changing = if view.changing { " and later: the job went on meanwhile" } else { "" };
    format!("{many}as of {}{changing}", places.join(", "))
}
