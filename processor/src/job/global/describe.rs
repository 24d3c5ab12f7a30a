//! What a merging task shows of itself.

use super::GlobalTask;
use crate::commit::PartitionTime;
use crate::job::status::{Hold, InputStatus, TaskStatus};
use crate::time::NO_WATERMARK;

impl GlobalTask {
    fn held_by(&self) -> Option<Hold> {
        let partition = self.clock.held_by().filter(|_| !self.pipeline.is_processing_time())?;
        let PartitionTime { time, .. } = self.times.all.get(&partition)?;
        let watermark = (time.watermark != NO_WATERMARK).then_some(time.watermark);
        let topic = self.plan.pipelines[self.id.pipeline].source.topic.clone();
        Some(Hold { topic, partition, watermark, resting_since: None, idle_at: None })
    }

    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let (position, end) = (self.reader.position().0, self.reader.stable_end().0);
        TaskStatus {
            finished: self.has_ended() && self.clock.closed() == i64::MAX,
            held_by: self.held_by(),
            late: self.late,
            inputs: vec![InputStatus {
                topic: self.input[0].topic.to_string(),
                partition: self.input[0].partition,
                position,
                end,
                lag: end - position,
                bound: None,
                watermark: self.clock.shown(),
                idle: false,
                late: self.late,
                undecodable: 0,
                gap: self.dropped.clone(),
            }],
            ..self.counters.describe((&self.plan, self.id, &self.names), &self.pipeline, &self.clock)
        }
    }
}
