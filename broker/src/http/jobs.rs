//! The routes below `/v1/jobs`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use super::MAX_BODY_BYTES;
use super::error::HttpError;
use super::jobs_api::{CreateJob, JobError, JobStatus, JobsApi};
use crate::jobs::MAX_NAME;

type Jobs = State<Arc<dyn JobsApi>>;

/// All jobs.
#[derive(Serialize)]
struct JobList {
    jobs: Vec<JobStatus>,
}

pub(super) fn routes() -> axum::Router<Arc<dyn JobsApi>> {
    axum::Router::new()
        .route("/v1/jobs", get(list).post(create))
        .route("/v1/jobs/{name}", get(describe).delete(remove))
        .route("/v1/jobs/{name}/pause", post(pause))
        .route("/v1/jobs/{name}/resume", post(resume))
}

async fn list(State(jobs): Jobs) -> Json<JobList> {
    Json(JobList { jobs: jobs.list() })
}

/// The body is JSON whatever the content type says, so that a bare `curl -d` works.
async fn create(State(jobs): Jobs, body: Result<Bytes, BytesRejection>) -> Result<Response, HttpError> {
    let body = body.map_err(|rejected| {
        let message = match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => format!("the body is larger than {MAX_BODY_BYTES} bytes"),
            _ => "the body could not be read".to_owned(),
        };
        HttpError::new(rejected.status(), message)
    })?;
    let request: CreateJob = serde_json::from_slice(&body).map_err(|error| {
        HttpError::new(StatusCode::BAD_REQUEST, format!("the body is not a job: {error}"))
            .with_hint(r#"send {"name": "my-job", "sql": "CREATE TABLE ...; INSERT INTO ...;"}"#)
    })?;
    if let Some(name) = &request.name {
        check_name(name)?;
    }
    let status = jobs.create(request).await?;
    let location = format!("/v1/jobs/{}", status.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(status)).into_response())
}

async fn describe(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    jobs.get(&name).map(Json).ok_or_else(|| JobError::NotFound(name).into())
}

async fn pause(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    Ok(Json(jobs.pause(name).await?))
}

async fn resume(State(jobs): Jobs, Path(name): Path<String>) -> Result<Json<JobStatus>, HttpError> {
    Ok(Json(jobs.resume(name).await?))
}

async fn remove(State(jobs): Jobs, Path(name): Path<String>) -> Result<StatusCode, HttpError> {
    jobs.remove(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rule is the jobs'; the answer names what is allowed.
fn check_name(name: &str) -> Result<(), HttpError> {
    crate::jobs::check_name(name).map_err(|message| {
        let hint = format!("use up to {MAX_NAME} of the characters a-z, A-Z, 0-9, '.', '_' and '-'");
        HttpError::new(StatusCode::BAD_REQUEST, message).with_hint(hint)
    })
}
