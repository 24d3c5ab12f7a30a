//! The door between HTTP and the jobs: what can be asked of them, and what they answer, in JSON.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::sql::{Lines, SqlRequest};

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
    /// Removes a job, its state and its offsets; its output topic and its savepoints stay.
    fn remove(&self, name: String) -> Answer<'_, ()>;
    /// Gives a job other statements; it goes on with its state, or is refused before it is stopped.
    fn replace(&self, name: String, request: ReplaceJob) -> Answer<'_, Replaced>;
    /// Keeps a job's positions and state under a name; the job goes on.
    fn savepoint(&self, job: String, name: String) -> Answer<'_, SavepointInfo>;
    /// All savepoints, or those of one job, by job and name.
    fn savepoints(&self, job: Option<&str>) -> Vec<SavepointInfo>;
    /// What a job keeps, as of a commit; only the rows of one key if one is given.
    fn state(&self, job: String, key: Option<String>, limit: Option<u64>) -> Answer<'_, JobStateView>;
    /// Answers a request in SQL, line by line.
    fn sql(&self, request: SqlRequest) -> Answer<'_, Lines>;
    /// Removes a savepoint.
    fn remove_savepoint(&self, job: String, name: String) -> Answer<'_, ()>;
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
    /// The savepoint to start from, as `JOB/SAVEPOINT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_savepoint: Option<String>,
}

/// The body of `PUT /v1/jobs/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceJob {
    /// The new statements.
    pub sql: String,
}

/// The body of `POST /v1/jobs/{name}/savepoints`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateSavepoint {
    /// The savepoint's name.
    pub name: String,
}

/// A job that has other statements now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// The job.
    pub job: JobStatus,
    /// What becomes of each INSERT INTO, one sentence each.
    pub kept: Vec<String>,
    /// What a person should know of the new statements.
    pub warnings: Vec<String>,
}

/// A row of a job's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The table it will be written to.
    pub table: String,
    /// The row as it would be written now, a JSON object.
    pub row: String,
}

/// How far a job had read when its state was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The committed offset: records before it count, others do not.
    pub offset: i64,
}

/// What a job keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStateView {
    /// The rows.
    pub rows: Vec<StateRow>,
    /// As of which offsets.
    pub offsets: Vec<StateOffset>,
    /// Whether there are more rows than were asked for.
    pub more: bool,
    /// Whether the job went on while its state was looked at: rows may be of later offsets.
    pub changing: bool,
    /// Whether these are all rows.
    pub complete: bool,
}

/// A savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavepointInfo {
    /// The job it was made of.
    pub job: String,
    /// Its name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// The topic that holds it.
    pub topic: String,
    /// The job's statements then.
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
    /// Its input has an end, and all of it is done.
    Finished,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::Backfilling,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Degraded,
        Self::Failed,
        Self::Finished,
    ];

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
            Self::Finished => "finished",
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
    /// Why nothing comes out, the most telling sentence first.
    pub why: Vec<String>,
    /// End of the window that closes next, in milliseconds since 1970; the watermark must reach the millisecond before.
    pub next_close_ms: Option<i64>,
    /// Records that are there and not yet processed.
    pub lag_records: u64,
    /// Records read since the broker started.
    pub records_read: u64,
    /// Records written since the broker started.
    pub records_written: u64,
    /// Records written to the dead letter and late topics since the broker started.
    pub records_aside: u64,
    /// Bytes of batches read since the broker started.
    pub bytes_read: u64,
    /// Bytes of keys, values and headers written since the broker started.
    pub bytes_written: u64,
    /// Records read each second, of late.
    pub records_read_per_second: f64,
    /// Late records since the job was created.
    pub late_records: u64,
    /// Records passed over for an error since the job was created.
    pub undecodable_records: u64,
    /// Commits since the broker started.
    pub commits: u64,
    /// Windows that are open.
    pub open_windows: u64,
    /// Group keys in them.
    pub state_keys: u64,
    /// Memory their content takes, in bytes.
    pub state_bytes: u64,
    /// Memory that is taken for them, with the room that is kept for more, in bytes.
    pub state_memory_bytes: u64,
    /// What they take on disk beside the changelog, in bytes.
    pub state_disk_bytes: u64,
    /// Bytes of changelog since the last snapshot of the state.
    pub changelog_bytes: u64,
    /// The share of the last seconds in which the busiest task was at work, 0 to 1.
    pub busy_share: f64,
    /// The share in which it waited.
    pub waiting_share: f64,
    /// How often a task was started again after a failure, since the broker started.
    pub restarts: u64,
    /// The median of the time from reading to a visible commit, in milliseconds, of late.
    pub commit_p50_ms: Option<f64>,
    /// The 99th percentile of it, in milliseconds, of late.
    pub commit_p99_ms: Option<f64>,
    /// The last error, whether it is over or not.
    pub last_error: Option<String>,
    /// When it was, in milliseconds since 1970.
    pub last_error_at_ms: Option<i64>,
    /// Since when the job runs well again after it, in milliseconds since 1970; none while it does not.
    pub well_since_ms: Option<i64>,
    /// Its input, partition by partition.
    pub partitions: Vec<JobPartition>,
    /// Its tasks.
    pub tasks: Vec<JobTask>,
}

/// One of the tasks that a job is divided into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTask {
    /// Number of the INSERT INTO, from 0.
    pub pipeline: usize,
    /// What it does: `whole`, everything; `local`, reads and gathers partial results; `global`, merges these.
    pub stage: String,
    /// Its number among those that do the same, from 0.
    pub number: usize,
    /// Records it read since it was opened; of a `global` one partial results.
    pub records_read: u64,
    /// Records it has still to read.
    pub lag_records: u64,
    /// Its watermark, in milliseconds since 1970.
    pub watermark_ms: Option<i64>,
    /// Group keys in its open windows.
    pub state_keys: u64,
    /// Memory they take, in bytes.
    pub state_bytes: u64,
    /// Commits since it was opened.
    pub commits: u64,
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
    /// Late records since the job was created.
    pub late_records: u64,
    /// Records passed over for an error since the job was created.
    pub undecodable_records: u64,
    /// Whether the job's watermark stands at this partition's.
    pub holds_watermark: bool,
    /// Whether it waits for slower partitions (`scan.watermark.alignment.max-drift`).
    pub waits_for_others: bool,
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
    /// There is no such savepoint; says which.
    NoSavepoint(String),
    /// There is no such topic; says which one there is.
    NoTopic(String),
    /// There is something else of that name already; says what.
    There(String),
    /// It cannot be done in the present state; says why and what to do.
    Conflict(String),
    /// It cannot be done for now; says why.
    Unavailable(String),
    /// It was tried and went wrong; says what.
    Failed(String),
}

/// What a program may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemCode {
    /// What was to be made is there already.
    Exists,
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
    /// What a program can tell it by, so that it need not read the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ProblemCode>,
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
