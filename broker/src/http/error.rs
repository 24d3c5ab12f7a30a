//! Errors as HTTP answers: a status and a JSON body.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::jobs_api::{ErrorBody, JobError, ProblemCode, SqlProblem};

/// An answer that is not a success.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    problem: SqlProblem,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, problem: SqlProblem { message: message.into(), ..SqlProblem::default() } }
    }

    /// What was to be made is there already.
    fn there(message: String) -> Self {
        let mut error = Self::new(StatusCode::CONFLICT, message);
        error.problem.code = Some(ProblemCode::Exists);
        error
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }
}

impl From<JobError> for HttpError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Invalid(problem) => Self { status: StatusCode::BAD_REQUEST, problem },
            JobError::Exists(name) => Self::there(format!("there is a job {name} already"))
                .with_hint("drop it first, or give this one another name"),
            JobError::There(message) => Self::there(message),
            JobError::NotFound(name) => Self::new(StatusCode::NOT_FOUND, format!("there is no job {name}"))
                .with_hint("`forebay job list` and GET /v1/jobs list them"),
            JobError::NoSavepoint(message) => Self::new(StatusCode::NOT_FOUND, message)
                .with_hint("`forebay job savepoint list` and GET /v1/savepoints list them"),
            JobError::NoTopic(message) => Self::new(StatusCode::NOT_FOUND, message).with_hint("SHOW TOPICS lists them"),
            JobError::Conflict(message) => Self::new(StatusCode::CONFLICT, message),
            JobError::Unavailable(message) => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
            JobError::Failed(message) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, message),
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.problem })).into_response()
    }
}
