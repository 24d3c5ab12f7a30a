//! What is asked for in SQL by `POST /v1/sql`: the statements of a session so far come with each request, nothing of it is kept.

use bytes::Bytes;
use forebay_processor::sql::{Asked, Listing, PlanContext, Query, SessionPlan, plan_session};
use tokio::sync::mpsc;

use super::{JobError, Jobs};
use crate::http::{JobsApi, Lines, SqlColumn, SqlEnd, SqlHead, SqlLine, SqlRequest, push_row};

impl Jobs {
    /// Answers a request.
    ///
    /// # Errors
    /// The statements have a mistake, or cannot be done now.
    pub(super) async fn answer(&self, request: SqlRequest) -> Result<Lines, JobError> {
        let SqlRequest { sql, session, rows, progress } = request;
        let context =
            PlanContext { is_this_broker: &|servers| self.is_this_broker(servers), functions: self.functions.clone() };
        let planned = plan_session(&session, &sql, &context).map_err(|error| JobError::Sql(Box::new(error)))?;
        let SessionPlan { asked, keeps, warnings } = planned;
        let end = SqlEnd { keep: keeps, ..SqlEnd::default() };
        match asked {
            Asked::Known(message) => {
                Ok(at_once(SqlHead { warnings, ..SqlHead::default() }, &[], SqlEnd { message, ..end }))
            }
            Asked::Listing(Listing { columns, rows: all }) => Ok(listing_of(&columns, &all, rows, (warnings, end))),
            Asked::Query(query) => {
                let (columns, updates) = (columns(&query), query.updates);
                let head = SqlHead { columns, updates, warnings, ..SqlHead::default() };
                self.query(*query, head, rows, progress).await
            }
            Asked::Values(values) => {
                let message = self.insert(*values).await?;
                Ok(at_once(SqlHead { warnings, ..SqlHead::default() }, &[], SqlEnd { message, ..end }))
            }
            Asked::Job { name, plan } => {
                let (job, _) = self.apply(name.as_deref(), &plan.text).await?;
                let message =
                    format!("job {} runs; SHOW JOBS tells how it is, `forebay job describe {0}` everything", job.name);
                Ok(at_once(SqlHead { warnings, ..SqlHead::default() }, &[], SqlEnd { message, ..end }))
            }
            Asked::Jobs => {
                let columns = ["job", "state", "reads", "writes", "lag", "reason"];
                Ok(listing_of(&columns, &self.job_rows(), rows, (warnings, end)))
            }
            Asked::Topics => {
                let shown = self.topic_names().into_iter().filter(|(name, _)| !name.starts_with("__"));
                let row = |(name, partitions): (String, i32)| {
                    let records = self.host.records_in(&name);
                    vec![Some(name), Some(partitions.to_string()), Some(records.to_string())]
                };
                let all: Vec<_> = shown.map(row).collect();
                Ok(listing_of(&["topic", "partitions", "offsets"], &all, rows, (warnings, end)))
            }
            Asked::Infer { table, options, .. } => self.infer(table, options).await,
            Asked::State { job, key } => self.show_state(&job, key, rows).await,
        }
    }

    fn job_rows(&self) -> Vec<Vec<Option<String>>> {
        let row = |job: crate::http::JobStatus| {
            vec![
                Some(job.name),
                Some(job.state.name().to_owned()),
                Some(job.sources.join(", ")),
                Some(job.sinks.join(", ")),
                Some(job.lag_records.to_string()),
                job.reason,
            ]
        };
        JobsApi::list(self).into_iter().map(row).collect()
    }

    /// Every topic and its number of partitions, by name.
    pub(super) fn topic_names(&self) -> Vec<(String, i32)> {
        let names: Vec<String> =
            self.host.metadata.query(|machine| machine.topics().map(|topic| topic.name.to_string()).collect());
        let mut topics: Vec<(String, i32)> = names
            .into_iter()
            .filter_map(|name| self.host.metadata.topic_partitions(&name).map(|partitions| (name, partitions)))
            .collect();
        topics.sort_unstable();
        topics
    }
}

/// So many rows of a listing as are wanted; says so if there are more.
fn listing_of(
    names: &[&str],
    all: &[Vec<Option<String>>],
    wanted: Option<u64>,
    (warnings, end): (Vec<String>, SqlEnd),
) -> Lines {
    let most = wanted.and_then(|rows| usize::try_from(rows).ok()).map_or(all.len(), |rows| rows.min(all.len()));
    let more = most < all.len();
    let message = if more { format!("the first {most} of {}", all.len()) } else { end.message };
    listing(names, &all[..most], warnings, SqlEnd { message, more, ..end })
}

fn columns(query: &Query) -> Vec<SqlColumn> {
    let column = |column: &forebay_processor::plan::Column| SqlColumn {
        name: column.name.clone(),
        data_type: column.data_type.to_string(),
    };
    query.columns.iter().map(column).collect()
}

/// Texts under their headings.
pub(super) fn listing(names: &[&str], rows: &[Vec<Option<String>>], warnings: Vec<String>, end: SqlEnd) -> Lines {
    let column = |name: &&str| SqlColumn { name: (*name).to_owned(), data_type: "STRING".to_owned() };
    let proposal = end.ddl.is_some();
    let head = SqlHead { columns: names.iter().map(column).collect(), warnings, proposal, ..SqlHead::default() };
    let rows: Vec<Vec<u8>> = rows.iter().map(|row| object(names, row)).collect();
    at_once(head, &rows, end)
}

/// A JSON object whose fields are in the order of the columns.
fn object(names: &[&str], row: &[Option<String>]) -> Vec<u8> {
    let json = |value: &serde_json::Value| value.to_string();
    let field = |(name, value): (&&str, &Option<String>)| {
        let value = value.as_deref().map_or(serde_json::Value::Null, serde_json::Value::from);
        format!("{}:{}", json(&serde_json::Value::from(*name)), json(&value))
    };
    let fields: Vec<String> = names.iter().zip(row).map(field).collect();
    format!("{{{}}}", fields.join(",")).into_bytes()
}

/// An answer that is there as a whole.
pub(super) fn at_once(head: SqlHead, rows: &[Vec<u8>], end: SqlEnd) -> Lines {
    let mut lines = SqlLine::Head(head).bytes();
    for row in rows {
        push_row(&mut lines, "+I", row);
    }
    lines.extend(SqlLine::End(SqlEnd { rows: rows.len() as u64, ..end }).bytes());
    let (sender, receiver) = mpsc::channel(1);
    // There is room for one.
    let _ = sender.try_send(Bytes::from(lines));
    receiver
}
