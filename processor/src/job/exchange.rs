//! The sending end of a repartition topic: what a step has gathered, and how far its partitions have come, in the step's own commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::error::TaskError;
use super::input::Input;
use super::open::ensure_internal;
use crate::commit::{PartitionTime, RecordBuffer, encode_times, partition_for_key, times_key};
use crate::host::Host;
use crate::operator::Pipeline;

/// Where gathered rows go.
#[derive(Debug)]
pub struct Exchange {
    partitions: Vec<TopicPartition>,
    /// What the others have been told, as committed.
    told: BTreeMap<i32, PartitionTime>,
    /// What they are told by the commit under way.
    telling: BTreeMap<i32, PartitionTime>,
    /// Records since it was last looked how far the others are.
    unseen: u64,
    /// Whether they were too far behind then.
    full: bool,
}

/// How far `input` has come. With `close_after_idle_ms` it is quiet after so long without records.
pub fn time_of(input: &Input, close_after_idle_ms: Option<i64>, now: Timestamp) -> PartitionTime {
    let rests = input.resting_since().zip(close_after_idle_ms);
    let quiet = rests.is_some_and(|(since, after)| since.plus_ms(after) <= now);
    PartitionTime { time: input.time(), ended: input.has_ended(), quiet }
}

impl Exchange {
    /// To as many tasks over `topic`, which is created if it is missing.
    pub fn open(host: &dyn Host, topic: &str, tasks: usize) -> Result<Exchange, TaskError> {
        ensure_internal(host, topic, tasks)?;
        let topic: Arc<str> = topic.into();
        let partitions = (0..tasks).map(|partition| TopicPartition::new(topic.clone(), partition as i32)).collect();
        Ok(Exchange { partitions, told: BTreeMap::new(), telling: BTreeMap::new(), unseen: 0, full: false })
    }

    /// Whether one of the others is more than `most` records behind, so that nothing more is to be gathered for them: what they have not
    /// read takes room on the disk. It is looked at again after a quarter of that, so one step more than `most` may be there.
    pub fn is_full(&mut self, host: &dyn Host, group: &str, most: u64) -> Result<bool, TaskError> {
        if !self.full && self.unseen < most / 4 {
            return Ok(false);
        }
        let error = |error| TaskError::from_host("looking how far partial results are merged", error);
        // The others commit all the time: how far they were a moment ago will do.
        let committed = host.committed(group, &self.partitions, false).map_err(error)?;
        self.full = false;
        for (partition, committed) in self.partitions.iter().zip(committed) {
            let range = host.offset_range(partition).map_err(error)?;
            let merged = committed.map_or(range.start, |committed| committed.offset.max(range.start));
            self.full |= range.stable_end.0.saturating_sub(merged.0) > i64::try_from(most).unwrap_or(i64::MAX);
        }
        self.unseen = 0;
        Ok(self.full)
    }

    /// Whether the others have been told this of a partition.
    pub fn knows(&self, partition: i32, time: PartitionTime) -> bool {
        self.told.get(&partition) == Some(&time)
    }

    /// Adds what `pipeline` has gathered to `out`, each key to its task, and after it, to every task, what is new of the times of
    /// `inputs`.
    pub fn write(
        &mut self,
        pipeline: &mut Pipeline,
        inputs: &[Input],
        close_after_idle_ms: Option<i64>,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<(), TaskError> {
        let count = self.partitions.len() as i32;
        let flushed = pipeline.flush(&mut |by, key, value| {
            let to = partition_for_key(by, count) as usize;
            out.push(&self.partitions[to], now, Some(key), Some(value));
            self.unseen += 1;
        });
        flushed.map_err(|error| TaskError::Failed(format!("writing partial results: {error}")))?;
        let times = inputs.iter().map(|input| (input.partition(), time_of(input, close_after_idle_ms, now)));
        self.telling = times.filter(|(partition, time)| !self.knows(*partition, *time)).collect();
        if !self.telling.is_empty() {
            let value = encode_times(self.telling.iter().map(|(partition, time)| (*partition, *time)));
            self.partitions.iter().for_each(|to| out.push(to, now, Some(times_key()), Some(&value)));
        }
        Ok(())
    }

    /// What was written is committed.
    pub fn committed(&mut self) {
        self.told.append(&mut self.telling);
    }
}
