//! The door between HTTP and the jobs: what can be asked of them, and what they answer, in JSON.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// A change of a job under way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, JobError>> + Send + 'a>>;

/// What the HTTP server asks of the jobs. Reading is answered from memory at once; changes wait for their commit.
pub trait JobsApi: Send + Sync + 'static {
    /// Registers a job and starts it.
    fn create(&self, request: CreateJob) -> Answer<'_, JobStatus>;
    /// All jobs, sorted by name.
    fn list(&self) -> Vec<JobStatus>;
    /// One job; `None` if there is none of that name.
    fn get(&self, name: &str) -> Option<JobStatus>;
    /// Stops a job where it is, keeping its state; pausing a paused job is fine.
    fn pause(&self, name: String) -> Answer<'_, JobStatus>;
    /// Lets a paused or failed job go on from where it is; resuming a running job is fine.
    fn resume(&self, name: String) -> Answer<'_, JobStatus>;
    /// Removes a job, its state and its offsets; its output topic stays.
    fn remove(&self, name: String) -> Answer<'_, ()>;
}

/// The body of `POST /v1/jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateJob {
    /// The job's name; without it the jobs find one from the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The statements.
    pub sql: String,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Being set up, or rolled forward after a restart.
    Starting,
    /// Reading what was there before it started.
    Backfilling,
    /// Up to date and reading.
    Running,
    /// Held up; the reason says by what.
    Waiting,
    /// Stopped by a person.
    Paused,
    /// Going on, but something is wrong; the reason says what.
    Degraded,
    /// Stopped by an error; the reason says which.
    Failed,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Starting, Self::Backfilling, Self::Running, Self::Waiting, Self::Paused, Self::Degraded, Self::Failed];

    /// The name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Backfilling => "backfilling",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

/// A job as it stands. Fields that do not apply yet are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The name.
    pub name: String,
    /// What it is doing.
    pub state: JobState,
    /// Why, where the state alone does not say.
    pub reason: Option<String>,
    /// The statements as given.
    pub sql: String,
    /// Topics read.
    pub sources: Vec<String>,
    /// Topics written.
    pub sinks: Vec<String>,
    /// The consumer group that holds its progress.
    pub group: String,
    /// When it was registered, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Time up to which its input is complete, in milliseconds since 1970.
    pub watermark_ms: Option<i64>,
    /// How far the watermark is behind the clock, in milliseconds.
    pub watermark_behind_ms: Option<i64>,
    /// Records that are there and not yet processed.
    pub lag_records: u64,
    /// Records read since the broker started.
    pub records_read: u64,
    /// Records written since the broker started.
    pub records_written: u64,
    /// Records read each second, of late.
    pub records_read_per_second: f64,
    /// Records dropped for being late since the broker started.
    pub late_records: u64,
    /// Records that could not be decoded since the broker started.
    pub undecodable_records: u64,
    /// Commits since the broker started.
    pub commits: u64,
    /// The 99th percentile of the time a commit takes, in milliseconds, of late.
    pub commit_p99_ms: Option<f64>,
    /// The last error, whether it is over or not.
    pub last_error: Option<String>,
    /// Its input, partition by partition.
    pub partitions: Vec<JobPartition>,
}

/// The progress of a job in one partition of its input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub position: i64,
    /// The offset behind the last committed record.
    pub end: i64,
    /// The partition's watermark, in milliseconds since 1970.
    pub watermark_ms: Option<i64>,
    /// Whether it is idle and so does not hold the job's watermark back.
    pub idle: bool,
}

/// Why the jobs did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError {
    /// The statements are wrong.
    Invalid(SqlProblem),
    /// There is a job of that name already.
    Exists(String),
    /// There is no job of that name.
    NotFound(String),
    /// It cannot be done in the present state; says why and what to do.
    Conflict(String),
    /// It cannot be done for now; says why.
    Unavailable(String),
    /// It was tried and went wrong; says what.
    Failed(String),
}

/// A mistake in a statement and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlProblem {
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The whole message as a person wants to see it: the line with a mark under the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: SqlProblem,
}
