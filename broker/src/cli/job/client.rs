//! Talks to `/v1/jobs` of a broker, and turns its answers into exit codes and messages.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, RequestBuilder};

use crate::cli::exit::{CliError, Exit};
use crate::http::{
    CreateJob, CreateSavepoint, ErrorBody, JobStatus, ProblemCode, ReplaceJob, Replaced, SavepointInfo, SqlProblem,
    SqlRequest,
};

/// A broker that does not answer is given up after this.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The same for what writes or reads all the state of a job: longer than the broker itself allows for that.
const STATE_TIMEOUT: Duration = Duration::from_secs(12 * 60);

/// A broker's `/v1/jobs`.
#[derive(Clone)]
pub(in crate::cli) struct Client {
    agent: Agent,
    admin: String,
}

#[derive(Deserialize)]
struct JobList {
    jobs: Vec<JobStatus>,
}

#[derive(Deserialize)]
struct SavepointList {
    savepoints: Vec<SavepointInfo>,
}

type Answer = Result<Response<Body>, CliError>;

impl Client {
    pub(in crate::cli) fn new(admin: &str) -> Result<Self, CliError> {
        let admin = admin.trim_end_matches('/');
        if !admin.starts_with("http://") {
            let message =
                format!("--admin {admin}: it must be the broker's HTTP server, such as http://127.0.0.1:9644");
            return Err(CliError::usage(message));
        }
        let agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build().into();
        Ok(Self { agent, admin: admin.to_owned() })
    }

    pub(super) fn list(&self) -> Result<Vec<JobStatus>, CliError> {
        let answer = self.agent.get(self.url("")).call().map_err(|error| self.unreachable(&error));
        self.read::<JobList>(answer).map(|list| list.jobs)
    }

    pub(super) fn describe(&self, name: &str) -> Result<JobStatus, CliError> {
        let answer = self.agent.get(self.url(&segment(name))).call().map_err(|error| self.unreachable(&error));
        self.read(answer)
    }

    pub(super) fn create(&self, request: &CreateJob) -> Result<JobStatus, CliError> {
        let answer =
            patient(self.agent.post(self.url(""))).send_json(request).map_err(|error| self.unreachable(&error));
        self.read(answer)
    }

    pub(super) fn change(&self, name: &str, action: &str) -> Result<JobStatus, CliError> {
        let url = self.url(&format!("{}/{action}", segment(name)));
        let answer = self.agent.post(url).send_empty().map_err(|error| self.unreachable(&error));
        self.read(answer)
    }

    pub(super) fn replace(&self, name: &str, sql: &str) -> Result<Replaced, CliError> {
        let request = ReplaceJob { sql: sql.to_owned() };
        let answer = self.agent.put(self.url(&segment(name))).send_json(request);
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        // What is there already is the job with its state.
        let is_there = answer.status() == StatusCode::CONFLICT;
        let exit = |error: CliError| if is_there { CliError { exit: Exit::AlreadyThere, ..error } } else { error };
        self.read(Ok(answer)).map_err(exit)
    }

    pub(super) fn savepoint(&self, job: &str, name: &str) -> Result<SavepointInfo, CliError> {
        let url = self.url(&format!("{}/savepoints", segment(job)));
        let answer = patient(self.agent.post(url)).send_json(CreateSavepoint { name: name.to_owned() });
        self.read(answer.map_err(|error| self.unreachable(&error)))
    }

    pub(super) fn savepoints(&self, job: Option<&str>) -> Result<Vec<SavepointInfo>, CliError> {
        let url = match job {
            Some(job) => self.url(&format!("{}/savepoints", segment(job))),
            None => format!("{}/v1/savepoints", self.admin),
        };
        let answer = self.agent.get(url).call().map_err(|error| self.unreachable(&error));
        self.read::<SavepointList>(answer).map(|list| list.savepoints)
    }

    pub(super) fn remove_savepoint(&self, job: &str, name: &str) -> Result<(), CliError> {
        let url = self.url(&format!("{}/savepoints/{}", segment(job), segment(name)));
        let answer = self.agent.delete(url).call().map_err(|error| self.unreachable(&error));
        self.success(answer).map(|_| ())
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), CliError> {
        let answer = self.agent.delete(self.url(&segment(name))).call().map_err(|error| self.unreachable(&error));
        self.success(answer).map(|_| ())
    }

    /// The lines of an answer in SQL, as they come; a query's have no end in time.
    pub(in crate::cli) fn sql(&self, request: &SqlRequest) -> Result<impl std::io::Read + Send + 'static, CliError> {
        let url = format!("{}/v1/sql", self.admin);
        let post = self.agent.post(url).config().timeout_global(None).timeout_connect(Some(TIMEOUT)).build();
        let answer = self.success(post.send_json(request).map_err(|error| self.unreachable(&error)))?;
        Ok(answer.into_body().into_reader())
    }

    fn url(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{}/v1/jobs{slash}{path}", self.admin)
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        let why = match error {
            ureq::Error::Timeout(_) => "no answer in time".to_owned(),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "connection refused".to_owned()
            }
            other => other.to_string(),
        };
        let message = format!(
            "cannot reach the broker at {}: {why}\nIs `forebay serve` running? Another address is given by --admin URL or FOREBAY_ADMIN.",
            self.admin
        );
        CliError::new(Exit::Unreachable, message)
    }

    fn read<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, CliError> {
        let mut answer = self.success(answer)?;
        answer.body_mut().read_json().map_err(|_| self.stranger())
    }

    fn success(&self, answer: Answer) -> Answer {
        let mut answer = answer?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        match answer.body_mut().read_json::<ErrorBody>() {
            Ok(body) => Err(failure(status, &body.error)),
            Err(_) => Err(self.stranger()),
        }
    }

    fn stranger(&self) -> CliError {
        let admin = &self.admin;
        CliError::failed(format!("{admin} did not answer as a Forebay broker does; is --admin (FOREBAY_ADMIN) right?"))
    }
}

/// A request whose answer may take as long as writing all of a job's state.
fn patient<T>(request: RequestBuilder<T>) -> RequestBuilder<T> {
    request.config().timeout_global(Some(STATE_TIMEOUT)).build()
}

/// The exit code and message for an answer that is not a success.
fn failure(status: StatusCode, problem: &SqlProblem) -> CliError {
    let exit = match status {
        StatusCode::NOT_FOUND => Exit::NotThere,
        StatusCode::CONFLICT if problem.code == Some(ProblemCode::Exists) => Exit::AlreadyThere,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Refused,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Exit::Unreachable,
        _ => Exit::Failed,
    };
    CliError::new(exit, render(problem))
}

/// The message as the broker drew it, or its parts one after the other.
pub(in crate::cli) fn render(problem: &SqlProblem) -> String {
    if let Some(rendered) = &problem.rendered {
        return rendered.trim_end().to_owned();
    }
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    };
    let hint = problem.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
    format!("{place}{}{hint}", problem.message)
}

/// A name as one segment of a path: everything that could mean something else is escaped.
fn segment(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && name != "." && name != "..") {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        assert_eq!(segment("user-metrics_1.2"), "user-metrics_1.2");
        assert_eq!(segment("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn failures_keep_what_the_broker_said() {
        let problem = SqlProblem {
            message: "unknown column pagee".to_owned(),
            line: Some(4),
            column: Some(9),
            hint: Some("did you mean page?".to_owned()),
            ..SqlProblem::default()
        };
        let error = failure(StatusCode::BAD_REQUEST, &problem);
        assert_eq!(error.exit, Exit::Failed);
        assert_eq!(error.message, "line 4, column 9: unknown column pagee\ndid you mean page?");
        let drawn = SqlProblem { rendered: Some("4 | pagee\n    ^\n".to_owned()), ..problem };
        assert_eq!(failure(StatusCode::NOT_FOUND, &drawn), CliError::new(Exit::NotThere, "4 | pagee\n    ^"));
        assert_eq!(failure(StatusCode::CONFLICT, &drawn).exit, Exit::Failed);
        let there = SqlProblem { code: Some(ProblemCode::Exists), ..drawn };
        assert_eq!(failure(StatusCode::CONFLICT, &there).exit, Exit::AlreadyThere);
    }

    #[test]
    fn nobody_there_is_exit_code_3_with_the_next_step() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = Client::new(&format!("http://127.0.0.1:{port}/")).unwrap();
        let error = client.list().unwrap_err();
        assert_eq!(error.exit, Exit::Unreachable);
        assert!(error.message.contains(&format!("http://127.0.0.1:{port}: connection refused")), "{}", error.message);
        assert_eq!(Client::new("127.0.0.1:9644").err().unwrap().exit, Exit::Usage);
    }
}
