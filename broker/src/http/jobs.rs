//! The routes below `/v1/jobs`.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::MAX_BODY_BYTES;
use super::error::HttpError;
use super::jobs_api::{
    CreateJob, CreateSavepoint, JobError, JobStateView, JobStatus, JobsApi, ReplaceJob, Replaced, SavepointInfo,
    StateRow,
};
use crate::jobs::MAX_NAME;

type Jobs = State<Arc<dyn JobsApi>>;

/// All jobs.
#[derive(Serialize)]
struct JobList {
    jobs: Vec<JobStatus>,
}

/// Savepoints.
#[derive(Serialize)]
struct SavepointList {
    savepoints: Vec<SavepointInfo>,
}

pub(super) fn routes() -> axum::Router<Arc<dyn JobsApi>> {
    axum::Router::new()
        .route("/v1/jobs", get(list).post(create))
        .route("/v1/jobs/{name}", get(describe).put(replace).delete(remove))
        .route("/v1/jobs/{name}/pause", post(pause))
        .route("/v1/jobs/{name}/resume", post(resume))
        .route("/v1/jobs/{name}/savepoints", get(savepoints_of).post(savepoint))
        .route("/v1/jobs/{name}/savepoints/{savepoint}", delete(remove_savepoint))
        .route("/v1/jobs/{name}/state", get(state))
        .route("/v1/savepoints", get(savepoints))
}

/// Carries a change through, also when the client leaves before its end: what answers a request is dropped then, and would leave a job
/// stopped and not started again, or a savepoint half written.
pub(super) async fn carried<T: Send + 'static>(
    change: impl Future<Output = Result<T, JobError>> + Send + 'static,
) -> Result<T, JobError> {
    let done = tokio::spawn(change).await;
    done.unwrap_or_else(|error| Err(JobError::Failed(format!("the change ended badly: {error}"))))
}

async fn list(State(jobs): Jobs) -> Json<JobList> {
    Json(JobList { jobs: jobs.list() })
}

/// The body is JSON whatever the content type says, so that a bare `curl -d` works.
async fn create(State(jobs): Jobs, body: Result<Bytes, BytesRejection>) -> Result<Response, HttpError> {
    let hint = r#"send {"name": "my-job", "sql": "CREATE TABLE ...; INSERT INTO ...;"}"#;
    let request: CreateJob = parse(body, "a job", hint)?;
    if let Some(name) = &request.name {
        check_name(name)?;
    }
    let status = carried(async move { jobs.create(request).await }).await?;
    let location = format!("/v1/jobs/{}", status.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(status)).into_response())
}

/// The body as `T`, of which `what` is the name and `hint` an example.
pub(super) fn parse<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    what: &str,
    hint: &str,
) -> Result<T, HttpError> {
    let body = body.map_err(|rejected| {
        let message = match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => format!("the body is larger than {MAX_BODY_BYTES} bytes"),
            _ => "the body could not be read".to_owned(),
        };
        HttpError::new(rejected.status(), message)
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        HttpError::new(StatusCode::BAD_REQUEST, format!("the body is not {what}: {error}")).with_hint(hint)
    })
}

async fn replace(
    State(jobs): Jobs,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Replaced>, HttpError> {
    let request: ReplaceJob =
        parse(body, "a job's statements", r#"send {"sql": "CREATE TABLE ...; INSERT INTO ...;"}"#)?;
    Ok(Json(carried(async move { jobs.replace(name, request).await }).await?))
}

async fn savepoint(
    State(jobs): Jobs,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, HttpError> {
    let request: CreateSavepoint = parse(body, "a savepoint", r#"send {"name": "before-the-change"}"#)?;
    let made = carried(async move { jobs.savepoint(name, request.name).await }).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

async fn savepoints(State(jobs): Jobs) -> Json<SavepointList> {
    Json(SavepointList { savepoints: jobs.savepoints(None) })
}

async fn savepoints_of(State(jobs): Jobs, Path(name): Path<String>) -> Json<SavepointList> {
    Json(SavepointList { savepoints: jobs.savepoints(Some(&name)) })
}

/// What is asked of a job's state.
#[derive(Deserialize)]
struct StateQuery {
    key: Option<String>,
    limit: Option<u64>,
}

/// The rows are JSON already, with their fields in the order of the columns.
async fn state(
    State(jobs): Jobs,
    Path(name): Path<String>,
    query: Result<Query<StateQuery>, QueryRejection>,
) -> Result<Response, HttpError> {
    let Query(StateQuery { key, limit }) = query.map_err(|rejected| {
        HttpError::new(StatusCode::BAD_REQUEST, rejected.body_text()).with_hint("it takes key=TEXT and limit=NUMBER")
    })?;
    let JobStateView { rows, offsets, more, changing, complete } = jobs.state(name, key, limit).await?;
    let offsets = serde_json::to_string(&offsets).expect("names and numbers become JSON");
    let row = |row: StateRow| format!(r#"{{"table":{},"row":{}}}"#, serde_json::Value::from(row.table), row.row);
    let rows: Vec<String> = rows.into_iter().map(row).collect();
    let about = format!(r#""offsets":{offsets},"more":{more},"changing":{changing},"complete":{complete}"#);
    let body = format!(r#"{{"rows":[{}],{about}}}"#, rows.join(","));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn remove_savepoint(
    State(jobs): Jobs,
    Path((name, savepoint)): Path<(String, String)>,
) -> Result<StatusCode, HttpError> {
    carried(async move { jobs.remove_savepoint(name, savepoint).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn describe(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    jobs.get(&name).map(Json).ok_or_else(|| JobError::NotFound(name).into())
}

async fn pause(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    Ok(Json(carried(async move { jobs.pause(name).await }).await?))
}

async fn resume(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    Ok(Json(carried(async move { jobs.resume(name).await }).await?))
}

async fn remove(State(jobs): Jobs, Path(name): Path<String>) -> Result<StatusCode, HttpError> {
    carried(async move { jobs.remove(name).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rule is the jobs'; the answer names what is allowed.
fn check_name(name: &str) -> Result<(), HttpError> {
    crate::jobs::check_name(name).map_err(|message| {
        let hint = format!("use up to {MAX_NAME} of the characters a-z, A-Z, 0-9, '.', '_' and '-'");
        HttpError::new(StatusCode::BAD_REQUEST, message).with_hint(hint)
    })
}
