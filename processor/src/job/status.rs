//! What a job's description shows: plain data, taken between two steps.

use serde::Serialize;

use super::subtask::Stage;

/// The life of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// It reads and commits.
    Running,
    /// A person has paused it; it goes on from its last commit.
    Paused,
    /// It stopped by itself and waits for a person.
    Failed {
        /// What happened, where, and what to do.
        message: String,
    },
}

/// An input partition of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputStatus {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// The next offset to read.
    pub position: i64,
    /// The last stable offset when last seen.
    pub end: i64,
    /// Offsets between the two.
    pub lag: i64,
    /// Where the input ends (exclusive), if it is bounded.
    pub bound: Option<i64>,
    /// Watermark in ms; none before the first record.
    pub watermark: Option<i64>,
    /// Whether it is left out of the task's watermark.
    pub idle: bool,
    /// Late records dropped since the job was created.
    pub late: u64,
    /// Undecodable records skipped since the job was created.
    pub undecodable: u64,
    /// What was passed over because it was gone from the log when the task was opened.
    pub gap: Option<String>,
}

/// A record that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Kind of error: see [`RowError::class`](crate::operator::RowError::class).
    pub class: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The partition at which the task's watermark stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Its watermark in ms; none if it has had no rows.
    pub watermark: Option<i64>,
    /// Since when (wall clock, ms) it stands at the end of its log; none if there is more to read.
    pub resting_since: Option<i64>,
    /// When (wall clock, ms) it will be left out as idle; none for never.
    pub idle_at: Option<i64>,
}

/// A pipeline of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// Number of the INSERT in the job, from 0.
    pub pipeline: usize,
    /// What part of it the task does.
    pub stage: Stage,
    /// Its number among the tasks that do the same, from 0.
    pub index: usize,
    /// Topic that the pipeline reads; several with commas between them.
    pub source: String,
    /// Consumer group that shows its progress.
    pub group: String,
    /// Topic it writes.
    pub output: String,
    /// Its input partitions.
    pub inputs: Vec<InputStatus>,
    /// The watermark that closes windows, in ms.
    pub watermark: Option<i64>,
    /// Records read since the task was opened.
    pub records_in: u64,
    /// Rows written since the task was opened.
    pub records_out: u64,
    /// Records written to the dead letter and late topics since the task was opened.
    pub records_aside: u64,
    /// Bytes of batches read since the task was opened.
    pub bytes_in: u64,
    /// Bytes of keys, values and headers written since the task was opened, without the changelog.
    pub bytes_out: u64,
    /// Late records dropped since the job was created.
    pub late: u64,
    /// Undecodable records skipped since the job was created.
    pub undecodable: u64,
    /// Commits since the task was opened.
    pub commits: u64,
    /// Wall clock of the last commit, in ms.
    pub last_commit: Option<i64>,
    /// How long the last step with a commit took, reading to visible, in ms.
    pub last_commit_latency_ms: i64,
    /// Whether the input is bounded and everything is done.
    pub finished: bool,
    /// Whether it cuts time into windows.
    pub windowed: bool,
    /// Whether windows close by the host's clock.
    pub processing_time: bool,
    /// End of the window that closes next, in ms; it does when the watermark reaches the millisecond before.
    pub next_close: Option<i64>,
    /// The partition at which the watermark stands, if there is one that holds it.
    pub held_by: Option<Hold>,
    /// Partitions that wait for the slowest one (`scan.watermark.alignment.max-drift`).
    pub waiting_for_others: Vec<i32>,
    /// The last record that was passed over since the task was opened.
    pub last_bad: Option<BadRecord>,
    /// How long the last step with a commit took, reading to visible, in microseconds.
    pub last_commit_latency_us: u64,
    /// Windows that are open.
    pub open_windows: usize,
    /// Group keys in them.
    pub state_keys: usize,
    /// Memory their content takes, in bytes; what is on disk does not count.
    pub state_bytes: u64,
    /// Memory that is taken for them, with the room that is kept for more, in bytes: what `forebay.state.memory` bounds.
    pub state_memory_bytes: u64,
    /// What they take on disk beside the changelog, in bytes; 0 as long as memory has room.
    pub state_disk_bytes: u64,
    /// Changelog bytes since the last snapshot.
    pub changelog_bytes: u64,
}

impl InputStatus {
    /// Takes in where the log ends now: a task looks only when it begins a step.
    pub fn see_end(&mut self, stable_end: i64) {
        self.end = self.bound.map_or(stable_end, |bound| bound.min(stable_end)).max(self.position);
        self.lag = self.end - self.position;
    }
}

impl TaskStatus {
    /// Records still to be read, over all partitions.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.inputs.iter().map(|input| input.lag).sum()
    }
}

/// A job, as `forebay job describe` and `GET /v1/jobs/NAME` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// Its life.
    #[serde(flatten)]
    pub state: State,
    /// How often it was started again after a failure, since the broker started.
    pub restarts: u64,
    /// One entry for each INSERT.
    pub tasks: Vec<TaskStatus>,
}
