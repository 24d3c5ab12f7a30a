//! What a task has done since it was opened, and the part of its description that all tasks have.

use forebay_storage::ids::Timestamp;

use super::clock::EventClock;
use super::resources::PipelineResources;
use super::status::TaskStatus;
use super::subtask::SubtaskId;
use crate::host::Host;
use crate::operator::Pipeline;
use crate::plan::JobPlan;
use crate::state::TaskState;

/// Counted since the task was opened; see [`TaskStatus`] for what each one is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    pub records_in: u64,
    pub records_out: u64,
    pub records_aside: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    commits: u64,
    last_commit: Option<Timestamp>,
    last_commit_latency_ms: i64,
    last_commit_latency_us: u64,
}

impl Counters {
    /// A commit is done of a step that began at `started`, and at `began` by [`Host::micros`]. Returns what time it is.
    pub fn committed(&mut self, host: &dyn Host, started: Timestamp, began: u64) -> Timestamp {
        let now = host.now();
        self.commits += 1;
        self.last_commit = Some(now);
        self.last_commit_latency_ms = now.0 - started.0;
        self.last_commit_latency_us = host.micros().saturating_sub(began);
        now
    }

    /// A description with all that does not depend on the kind of task.
    #[must_use]
    pub fn describe(
        &self,
        (plan, id, names): (&JobPlan, SubtaskId, &PipelineResources),
        pipeline: &Pipeline,
        clock: &EventClock,
    ) -> TaskStatus {
        let state = pipeline.state();
        let planned = plan.pipelines.get(id.pipeline);
        TaskStatus {
            pipeline: id.pipeline,
            stage: id.stage,
            index: id.index,
            source: planned.map_or(String::new(), |planned| {
                let topics: Vec<&str> = planned.topics().into_iter().map(|source| source.topic.as_str()).collect();
                topics.join(", ")
            }),
            group: names.group.clone(),
            output: planned.map_or(String::new(), |planned| planned.sink.topic.clone()),
            watermark: clock.shown(),
            next_close: pipeline.next_close(clock.closed()),
            records_in: self.records_in,
            records_out: self.records_out,
            records_aside: self.records_aside,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            commits: self.commits,
            last_commit: self.last_commit.map(|time| time.0),
            last_commit_latency_ms: self.last_commit_latency_ms,
            last_commit_latency_us: self.last_commit_latency_us,
            windowed: state.is_some(),
            processing_time: pipeline.is_processing_time(),
            open_windows: state.map_or(0, TaskState::windows),
            state_keys: state.map_or(0, TaskState::keys),
            state_bytes: state.map_or(0, TaskState::size_in_bytes),
            state_memory_bytes: state.map_or(0, TaskState::memory_in_bytes),
            state_disk_bytes: state.map_or(0, TaskState::size_on_disk),
            changelog_bytes: state.map_or(0, TaskState::changelog_bytes),
            ..TaskStatus::default()
        }
    }
}
