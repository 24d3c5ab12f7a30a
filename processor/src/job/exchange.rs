//! The sending end of a repartition topic: what a step has gathered, and how far its partitions have come, in the step's own commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId, TopicPartition};

use super::error::TaskError;
use super::input::Input;
use super::open::ensure_internal;
use super::options::TaskOptions;
use crate::commit::{
    InputProgress, PartitionTime, RecordBuffer, encode_times, encode_topic, partition_for_key, times_key, topic_key,
};
use crate::host::Host;
use crate::operator::Pipeline;

/// Where gathered rows go.
#[derive(Debug)]
pub struct Exchange {
    partitions: Vec<TopicPartition>,
    /// The topic that is read, until the others have been told of it.
    reads: Option<TopicId>,
    /// What the others have been told, as committed.
    told: BTreeMap<i32, PartitionTime>,
    /// What they are told by the commit under way.
    telling: BTreeMap<i32, PartitionTime>,
    /// Whose the others' positions are.
    merging: String,
    /// Records since it was last looked how far the others are, and their bytes.
    unseen: (u64, u64),
    seen: Pressure,
}

/// How those who merge are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pressure {
    /// One of them is so far behind that nothing more is to be gathered for them: what they have not read takes room on the disk.
    pub full: bool,
    /// One of them has so many rows that wait for their place in sessions that only the slowest partitions are to be read.
    pub crowded: bool,
}

/// How far `input` has come. With `close_after_idle_ms` it is quiet after so long without records.
pub fn time_of(input: &Input, close_after_idle_ms: Option<i64>, now: Timestamp) -> PartitionTime {
    let rests = input.resting_since().zip(close_after_idle_ms);
    let quiet = rests.is_some_and(|(since, after)| since.plus_ms(after) <= now);
    PartitionTime { time: input.time(), ended: input.has_ended(), quiet }
}

impl Exchange {
    /// To as many tasks over `topic`, which is created if it is missing; `merging` is whose their positions are, and `reads` the topic that
    /// rows come from.
    pub fn open(
        host: &dyn Host,
        (topic, tasks): (&str, usize),
        merging: String,
        reads: Option<TopicId>,
    ) -> Result<Exchange, TaskError> {
        ensure_internal(host, topic, tasks)?;
        let topic: Arc<str> = topic.into();
        let partitions = (0..tasks).map(|partition| TopicPartition::new(topic.clone(), partition as i32)).collect();
        let (told, telling) = (BTreeMap::new(), BTreeMap::new());
        Ok(Exchange { partitions, reads, told, telling, merging, unseen: (0, 0), seen: Pressure::default() })
    }

    /// Looks how far the others are, now and then: as long as they keep up, each time a quarter of what is allowed has been gathered. So
    /// one step more than that may be there.
    pub fn look(&mut self, host: &dyn Host, group: &str, options: &TaskOptions) -> Result<Pressure, TaskError> {
        let (records, bytes) = self.unseen;
        let few = records < options.repartition_lag / 4 && bytes < options.waiting_bytes / 4;
        if few && !self.seen.full && !self.seen.crowded {
            return Ok(self.seen);
        }
        let error = |error| TaskError::from_host("looking how far partial results are merged", error);
        // The others commit all the time: how far they were a moment ago will do.
        let committed = host.committed(group, &self.partitions, false).map_err(error)?;
        self.seen = Pressure::default();
        for (partition, committed) in self.partitions.iter().zip(committed) {
            let range = host.offset_range(partition).map_err(error)?;
            let progress = committed.as_ref().and_then(|at| InputProgress::from_text(&at.metadata, &self.merging).ok());
            let merged = committed.map_or(range.start, |committed| committed.offset.max(range.start));
            let behind = range.stable_end.0.saturating_sub(merged.0);
            self.seen.full |= behind > i64::try_from(options.repartition_lag).unwrap_or(i64::MAX);
            self.seen.crowded |= progress.is_some_and(|progress| progress.waiting > options.waiting_bytes);
        }
        self.unseen = (0, 0);
        Ok(self.seen)
    }

    /// Whether the others have been told this of a partition.
    pub fn knows(&self, partition: i32, time: PartitionTime) -> bool {
        self.told.get(&partition) == Some(&time)
    }

    /// Adds what `pipeline` has gathered to `out`, each key to its task, and after it, to every task, what is new of the times of
    /// `inputs`; for the first time which topic all that is of.
    pub fn write(
        &mut self,
        pipeline: &mut Pipeline,
        inputs: &[Input],
        close_after_idle_ms: Option<i64>,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<(), TaskError> {
        let count = self.partitions.len() as i32;
        if let Some(id) = self.reads {
            self.partitions.iter().for_each(|to| out.push(to, now, Some(topic_key()), Some(&encode_topic(id))));
        }
        let flushed = pipeline.flush(&mut |by, key, value| {
            let to = partition_for_key(by, count) as usize;
            out.push(&self.partitions[to], now, Some(key), Some(value));
            self.unseen.0 += 1;
            self.unseen.1 += (key.len() + value.len()) as u64;
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
        self.reads = None;
        self.told.append(&mut self.telling);
    }
}
