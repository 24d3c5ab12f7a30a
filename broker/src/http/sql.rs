//! `POST /v1/sql`: statements in, JSON lines out, as they come.
//!
//! The first line has the columns, each row is a line, the last one says how it ended. Plain HTTP/1.1: `curl -N` shows rows as they are
//! put out, and who leaves ends the query.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body::Frame;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::error::HttpError;
use super::jobs::{carried, parse};
use super::jobs_api::{JobsApi, SqlProblem};

/// JSON lines, whole ones, each with its end of line.
pub type Lines = mpsc::Receiver<Bytes>;

/// The body of `POST /v1/sql`. A body that is no JSON object is taken for the statements themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    /// What is asked for: definitions, and one statement that has an answer.
    pub sql: String,
    /// The definitions of the requests before. The broker keeps none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// So many rows end the query; as LIMIT does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Whether a line each second is to tell how far the query is.
    #[serde(default)]
    pub progress: bool,
}

/// The first line of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlHead {
    /// The columns of the rows.
    pub columns: Vec<SqlColumn>,
    /// Whether rows take others back: operations other than `+I` may come.
    pub updates: bool,
    /// The columns that tell rows that replace each other; none where no row replaces another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// What a person should know of the statements, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Whether the rows are what a proposed statement was made from, which comes at the end.
    #[serde(default)]
    pub proposal: bool,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its type, as it is written in SQL.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// How far a query is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlProgress {
    /// Rows so far.
    pub rows: u64,
    /// Records read.
    pub records_read: u64,
    /// Records that are there and not yet read.
    pub lag_records: u64,
    /// Records that came too late and were dropped.
    pub late_records: u64,
    /// Time up to which the input is complete, in milliseconds since 1970; null where no time is needed, or none has come.
    pub watermark_ms: Option<i64>,
    /// Why nothing comes out, the most telling sentence first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// The last line of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlEnd {
    /// Rows that came.
    pub rows: u64,
    /// What was done, in a sentence; empty where the rows are the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Whether the statements belong to the session from now on.
    #[serde(default)]
    pub keep: bool,
    /// A statement that is proposed: that of a table whose columns were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ddl: Option<String>,
    /// Whether there is more than came: the request's `rows`, or a limit of the answer, has ended it.
    #[serde(default)]
    pub more: bool,
    /// How far the query had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<SqlProgress>,
}

/// A line of an answer that is not a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SqlLine {
    /// The first.
    Head(SqlHead),
    /// One in between, if asked for.
    Progress(SqlProgress),
    /// The last.
    End(SqlEnd),
    /// The last, where something went wrong.
    Error(SqlProblem),
}

impl SqlLine {
    /// The line.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("texts, numbers and lists become JSON");
        line.push(b'\n');
        line
    }
}

/// Writes the line of a row behind `to`. `row` is a JSON object, and the rest of the line after the operation.
pub fn push_row(to: &mut Vec<u8>, op: &str, row: &[u8]) {
    to.extend_from_slice(br#"{"op":""#);
    to.extend_from_slice(op.as_bytes());
    to.extend_from_slice(br#"","row":"#);
    to.extend_from_slice(row);
    to.extend_from_slice(b"}\n");
}

/// The operation and the row of a line that [`push_row`] wrote.
#[must_use]
pub fn row_of(line: &str) -> Option<(&str, &str)> {
    let (op, row) = line.strip_prefix(r#"{"op":""#)?.split_once(r#"","row":"#)?;
    Some((op, row.trim_end().strip_suffix('}')?))
}

pub(super) fn routes() -> axum::Router<Arc<dyn JobsApi>> {
    axum::Router::new().route("/v1/sql", post(sql))
}

async fn sql(State(jobs): State<Arc<dyn JobsApi>>, body: Result<Bytes, BytesRejection>) -> Result<Response, HttpError> {
    let plain = |body: &Bytes| !body.trim_ascii_start().starts_with(b"{");
    let request = match &body {
        Ok(text) if plain(text) => {
            SqlRequest { sql: String::from_utf8_lossy(text).into_owned(), ..SqlRequest::default() }
        }
        _ => parse(body, "a request for SQL", r#"send {"sql": "SELECT ..", "session": "CREATE TABLE ..;"}"#)?,
    };
    let lines = carried(async move { jobs.sql(request).await }).await?;
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::new(LinesBody(lines))).into_response())
}

/// Lines as the body of an answer. It is dropped when the client leaves, which whoever sends the lines sees.
struct LinesBody(Lines);

impl HttpBody for LinesBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|lines| lines.map(|lines| Ok(Frame::data(lines))))
    }
}
