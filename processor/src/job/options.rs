//! What can be set for a task; the limits of a step have their names here.

use super::error::TaskError;

/// Settings of a task. The defaults are for production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskOptions {
    /// Bytes of input after which a step ends. Bounds the size of a commit, and how long a step takes.
    pub step_bytes: usize,
    /// Microseconds after which a step ends at the next record, however few bytes it has read: whoever wants the task to stop waits for no
    /// longer, and what is computed is committed.
    pub step_us: u64,
    /// Bytes read from one partition before the next one's turn.
    pub read_bytes: usize,
    /// A step with output commits at once. One that has only changed state and positions may wait for this long, in ms, as nobody can see
    /// the difference but in the lag.
    pub state_commit_ms: i64,
    /// As above for steps that have only moved time: watermark and idleness without a record.
    pub progress_commit_ms: i64,
    /// Records that a task has not read yet from which on it is so far behind that results of several steps may share a commit: see
    /// `catch_up.rs`.
    pub behind_records: u64,
    /// How long such results wait for more, in ms; a step that has closed no windows waits for twice as long.
    pub behind_commit_ms: i64,
    /// Bytes of input after which it commits all the same.
    pub behind_bytes: u64,
    /// Bytes of changed state, about, after which a commit does not wait any longer: it writes all of them, and until it has, nothing else is
    /// done.
    pub commit_state_bytes: u64,
    /// Bytes of changelog that are always allowed before a snapshot is written.
    pub snapshot_floor: u64,
    /// Bytes of output after which no further record is taken and no further window closed before a commit. The rows of one record, and
    /// those of one window, are never divided.
    pub output_bytes: u64,
    /// Bytes read from one partition before the next one's turn where a fast one has to wait for a slow one: it can be ahead by this
    /// much beyond the drift that is allowed.
    pub aligned_read_bytes: usize,
    /// Bytes of rows waiting to be placed in sessions beyond which only the slowest partitions are read, so that time comes to where the
    /// rows stand. [`TaskOptions::MOST_WAITING`] times as much stops the job.
    pub waiting_bytes: u64,
    /// Records by which a task that merges partial results may be behind before nothing more is gathered for it.
    pub repartition_lag: u64,
    /// How soon a task that gathers nothing for that reason looks again, in ms.
    pub repartition_pause_ms: i64,
    /// How often what is merged is deleted from the repartition topic, in ms (Kafka Streams: `repartition.purge.interval.ms`).
    pub purge_ms: i64,
    /// Bytes of memory for a task's state where the job does not say (`forebay.state.memory`); what is beyond it goes to disk.
    pub state_memory_bytes: u64,
    /// How often a waiting task looks for new partitions of its topic, in ms.
    pub discovery_ms: i64,
}

impl TaskOptions {
    /// How many times [`TaskOptions::waiting_bytes`] rows may take that wait: those of the slowest partitions are read all the same.
    pub const MOST_WAITING: u64 = 8;

    /// Fails if the rows that wait take more than that; they take `waiting` bytes.
    pub(super) fn check_waiting(&self, waiting: u64) -> Result<(), TaskError> {
        if waiting <= self.waiting_bytes.saturating_mul(TaskOptions::MOST_WAITING) {
            return Ok(());
        }
        Err(TaskError::Failed(format!(
            "{waiting} bytes of late rows wait to be placed in sessions, as other partitions have not come to their time; \
             give the table's WATERMARK a longer delay"
        )))
    }
}

impl Default for TaskOptions {
    fn default() -> TaskOptions {
        TaskOptions {
            step_bytes: 4 * 1024 * 1024,
            step_us: 100_000,
            read_bytes: 1024 * 1024,
            state_commit_ms: 200,
            progress_commit_ms: 1_000,
            behind_records: 100_000,
            behind_commit_ms: 500,
            behind_bytes: 64 * 1024 * 1024,
            commit_state_bytes: 16 * 1024 * 1024,
            snapshot_floor: 16 * 1024 * 1024,
            output_bytes: 24 * 1024 * 1024,
            aligned_read_bytes: 64 * 1024,
            waiting_bytes: 64 * 1024 * 1024,
            repartition_lag: 200_000,
            repartition_pause_ms: 20,
            purge_ms: 30_000,
            state_memory_bytes: 256 * 1024 * 1024,
            discovery_ms: 10_000,
        }
    }
}
