//! The topics that a task reads: most tasks read one, those of a join or a union several.

use forebay_storage::ids::{TopicId, TopicPartition};

use super::error::TaskError;
use super::open;
use super::side::SideOutputs;
use crate::host::Host;
use crate::plan::{Pipeline, Source};
use crate::time::IdlePolicy;

/// Bits of [`number`] that are the partition's.
const PARTITION_BITS: u32 = 20;

/// The number of a partition among those of all topics of a task. It is in the state of rows that wait, so it does not depend on how many
/// partitions there are; with one topic it is the partition's own.
#[must_use]
pub fn number(topic: usize, partition: i32) -> i32 {
    ((topic as i32) << PARTITION_BITS) | partition
}

/// A topic that is read.
#[derive(Debug)]
pub struct ReadTopic {
    /// The first source of it.
    pub source: Source,
    /// The topic's id: it may be deleted and made anew.
    pub id: Option<TopicId>,
    /// How many partitions it has, other tasks' among them.
    pub all: usize,
    /// Those that are the task's.
    pub partitions: Vec<TopicPartition>,
    /// Whether time passes by its records: it does not where there is no WATERMARK and others have one.
    pub has_time: bool,
    /// When its partitions are idle.
    pub idle_policy: IdlePolicy,
    /// Where its records go that are not processed.
    pub side: SideOutputs,
}

impl ReadTopic {
    /// The topics of `pipeline`, whose job is `job`; they must exist. `reads` tells which partitions are the task's.
    pub fn open(
        host: &dyn Host,
        job: &str,
        pipeline: &Pipeline,
        reads: impl Fn(i32) -> bool,
    ) -> Result<Vec<ReadTopic>, TaskError> {
        let sources = pipeline.topics();
        let timed = sources.iter().any(|source| source.event_time.is_some());
        let of = |source: &Source| {
            // Asked for first: what is made anew from here on is another topic.
            let id = host.topic_id(&source.topic);
            let mut partitions = open::input_partitions(host, source)?;
            let all = partitions.len();
            partitions.retain(|partition| reads(partition.partition));
            Ok(ReadTopic {
                source: source.clone(),
                id,
                all,
                partitions,
                has_time: source.event_time.is_some() || !timed,
                idle_policy: IdlePolicy::new(source.idle_timeout_ms),
                side: SideOutputs::open(host, job, source)?,
            })
        };
        sources.into_iter().map(of).collect()
    }

    /// A topic that is made anew under the same name has other records at the same offsets.
    pub fn check(&self, host: &dyn Host) -> Result<(), TaskError> {
        let topic = &self.source.topic;
        match host.topic_id(topic) {
            id if id == self.id => Ok(()),
            Some(_) => Err(TaskError::Reopen(format!("topic '{topic}' was deleted and made anew"))),
            None => Err(TaskError::Retry(format!("topic '{topic}' does not exist any more"))),
        }
    }

    /// New partitions are taken in by opening the task again: rare, and one way less to get it wrong.
    pub fn discover(&self, host: &dyn Host) -> Result<(), TaskError> {
        let (topic, known) = (&self.source.topic, self.all);
        match host.partitions(topic) {
            Some(count) if count as usize == known => Ok(()),
            Some(count) => {
                Err(TaskError::Reopen(format!("topic '{topic}' has {count} partitions now instead of {known}")))
            }
            None => Err(TaskError::Retry(format!("topic '{topic}' does not exist any more"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_those_of_the_first_topics_partitions_and_different_for_others() {
        assert_eq!((super::number(0, 0), super::number(0, 77)), (0, 77));
        assert_eq!(super::number(1, 0), 1 << 20);
        assert!(super::number(2, 3) > super::number(1, 1_000_000));
    }
}
