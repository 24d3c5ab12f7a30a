//! The HTTP server: health, metrics and the jobs.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::error::HttpError;
use crate::metrics::Metrics;

mod error;
mod jobs;
mod jobs_api;
mod origin;
mod sql;
#[cfg(test)]
pub(crate) mod tests;

pub use jobs_api::{
    Answer, CreateJob, CreateSavepoint, ErrorBody, JobError, JobPartition, JobState, JobStateView, JobStatus, JobTask,
    JobsApi, ProblemCode, ReplaceJob, Replaced, SavepointInfo, SqlProblem, StateOffset, StateRow,
};

pub use sql::{Lines, SqlColumn, SqlEnd, SqlHead, SqlLine, SqlProgress, SqlRequest, push_row, row_of};

/// Bytes of the largest request body.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Milliseconds that requests in flight have to end in at a stop.
const DRAIN_MS: u64 = 2_000;
/// What there is, for those who asked for something else.
const ROUTES: &str = "there are /healthz, /readyz, /metrics, /v1/jobs, /v1/savepoints and /v1/sql";

/// What the routes answer from.
#[derive(Clone)]
pub struct HttpState {
    /// The jobs.
    pub jobs: Arc<dyn JobsApi>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the broker serves clients.
    pub ready: watch::Receiver<bool>,
}

/// An address of `http.listeners` that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    address: String,
    source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, source } = self;
        if source.kind() == io::ErrorKind::AddrInUse {
            write!(f, "http.listeners: {address} is in use by another process; stop it, or move this server with ")
        } else {
            write!(f, "http.listeners: cannot listen on {address}: {source}; choose another address with ")
        }?;
        f.write_str("--override http.listeners=http://127.0.0.1:PORT (an empty value switches it off)")
    }
}

impl std::error::Error for BindError {}

/// Listens on an address of `BrokerConfig::http_listeners`.
///
/// # Errors
/// One line that says which address, why, and how to move it.
pub async fn bind(address: &str) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address: address.to_owned(), source })
}

/// Serves until `shutdown` is done, then lets requests in flight end for a short time.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    state: HttpState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    let graceful = async move {
        shutdown.await;
        let _ = stopping.send(true);
    };
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(graceful);
    let patience = async move {
        // An error means that the sender is gone, which happens only when the server has ended.
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(Duration::from_millis(DRAIN_MS)).await;
    };
    tokio::select! {
        ended = server => ended,
        () = patience => Ok(()),
    }
}

fn router(state: HttpState) -> axum::Router {
    let health = axum::Router::new()
        .route("/healthz", get(|| async { Json(serde_json::json!({ "status": "ok" })) }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state.clone());
    health
        .merge(jobs::routes().merge(sql::routes()).with_state(state.jobs))
        .fallback(|uri: Uri| async move {
            HttpError::new(StatusCode::NOT_FOUND, format!("nothing is at {}", uri.path())).with_hint(ROUTES)
        })
        .method_not_allowed_fallback(|method: Method, uri: Uri| async move {
            HttpError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(axum::middleware::from_fn(origin::refuse_other_sites))
}

async fn readyz(State(state): State<HttpState>) -> Response {
    if *state.ready.borrow() {
        Json(serde_json::json!({ "status": "ready" })).into_response()
    } else {
        HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "the broker is starting or stopping").into_response()
    }
}

async fn metrics(State(state): State<HttpState>) -> Result<Response, HttpError> {
    let text = state
        .metrics
        .encode()
        .map_err(|_| HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written"))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
