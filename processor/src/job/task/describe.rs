//! What a task shows of itself.

use super::{Task, can_read};
use crate::job::input::Input;
use crate::job::status::{Hold, TaskStatus};
use crate::time::NO_WATERMARK;

impl Task {
    /// The partition that the watermark waits for: the slowest of those that count.
    fn held_by(&self) -> Option<Hold> {
        let counts = |input: &&Input| {
            let time = input.counted_time();
            !time.idle && (time.watermark >= self.closed || self.closed == NO_WATERMARK)
        };
        let slowest = self.inputs.iter().filter(counts).min_by_key(|input| input.time().watermark)?;
        Some(slowest.hold(self.idle_policy))
    }

    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let inputs: Vec<_> = self.inputs.iter().map(Input::status).collect();
        let state = self.pipeline.state();
        let watermark = self.closed;
        let limit = self.drift_limit();
        let waiting = |input: &&Input| input.has_more() && !can_read(input, limit);
        TaskStatus {
            finished: self.has_ended() && watermark == i64::MAX,
            windowed: state.is_some(),
            next_close: self.pipeline.next_close(watermark),
            held_by: self.held_by(),
            waiting_for_others: self.inputs.iter().filter(waiting).map(|input| input.status().partition).collect(),
            last_bad: self.inputs.iter().filter_map(Input::last_bad).next_back().cloned(),
            records_aside: self.counters.records_aside,
            bytes_in: self.counters.bytes_in,
            bytes_out: self.counters.bytes_out,
            pipeline: self.pipeline_index,
            stage: self.id.stage,
            index: self.id.index,
            source: self.plan.pipelines[self.pipeline_index].source.topic.clone(),
            group: self.names.group.clone(),
            output: self.plan.pipelines[self.pipeline_index].sink.topic.clone(),
            watermark: (watermark != NO_WATERMARK).then_some(watermark),
            records_in: self.counters.records_in,
            records_out: self.counters.records_out,
            late: inputs.iter().map(|input| input.late).sum(),
            undecodable: inputs.iter().map(|input| input.undecodable).sum(),
            commits: self.counters.commits,
            last_commit: self.counters.last_commit.map(|time| time.0),
            last_commit_latency_ms: self.counters.last_commit_latency_ms,
            last_commit_latency_us: self.counters.last_commit_latency_us,
            open_windows: state.map_or(0, |state| state.windows()),
            state_keys: state.map_or(0, |state| state.keys()),
            state_bytes: state.map_or(0, |state| state.size_in_bytes()),
            state_memory_bytes: state.map_or(0, |state| state.memory_in_bytes()),
            state_disk_bytes: state.map_or(0, |state| state.size_on_disk()),
            changelog_bytes: state.map_or(0, |state| state.changelog_bytes()),
            inputs,
        }
    }
}
