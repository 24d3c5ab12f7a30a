//! The port of a query by itself: it reads the broker's topics and writes nothing. Its rows are taken from what it would commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_processor::host::{
    CommitSet, CommittedOffset, Host, HostError, OffsetRange, ReadBatches, Session, TopicSpec,
};
use forebay_processor::job::topics_of_job;
use forebay_processor::sql::RESULT_TOPIC;
use forebay_storage::batch::{BatchStamp, batches};
use forebay_storage::ids::{Offset, Timestamp, TopicId, TopicPartition};
use parking_lot::Mutex;

use super::host::BrokerHost;

/// How a query is called where a job's name is wanted. No job and no topic can be called so.
pub(super) const QUERY: &str = "?query";

/// Key and value of a record that the query would have written: the row's kind, and the row.
pub(super) type ResultRecord = (Option<Vec<u8>>, Option<Vec<u8>>);

/// The broker without what leaves traces in it: no topic is made, no offset and no state is kept.
pub(super) struct QueryHost {
    broker: Arc<BrokerHost>,
    rows: Mutex<Vec<ResultRecord>>,
    /// How many partitions topics had when they were first asked for: a task is opened anew where one is added, which the query has to see to.
    counts: Mutex<BTreeMap<String, i32>>,
    /// How far it has read.
    offsets: Mutex<BTreeMap<TopicPartition, CommittedOffset>>,
}

impl QueryHost {
    pub(super) fn new(broker: Arc<BrokerHost>) -> QueryHost {
        QueryHost { broker, rows: Mutex::default(), counts: Mutex::default(), offsets: Mutex::default() }
    }

    /// The rows since the last call, in their order.
    pub(super) fn take_rows(&self) -> Vec<ResultRecord> {
        std::mem::take(&mut self.rows.lock())
    }

    /// A topic that has more partitions than it had, with both numbers.
    pub(super) fn grown(&self) -> Option<(String, i32, i32)> {
        let counts = self.counts.lock();
        let now = |topic: &String| self.broker.partitions(topic);
        counts
            .iter()
            .find_map(|(topic, known)| now(topic).filter(|now| now > known).map(|now| (topic.clone(), *known, now)))
    }

    /// Takes the numbers of partitions as they are from now on.
    pub(super) fn count_anew(&self) {
        self.counts.lock().clear();
    }

    /// Whether a topic is one that only a job would have: there is nothing in it here.
    fn is_own(topic: &str) -> bool {
        topic == RESULT_TOPIC || topics_of_job(QUERY, std::iter::once(topic)).next().is_some()
    }
}

impl Host for QueryHost {
    fn now(&self) -> Timestamp {
        self.broker.now()
    }

    fn micros(&self) -> u64 {
        self.broker.micros()
    }

    fn partitions(&self, topic: &str) -> Option<i32> {
        let now = self.broker.partitions(topic)?;
        // Fewer than before are those of a topic that was made anew, which its id tells too.
        Some(now.min(*self.counts.lock().entry(topic.to_owned()).or_insert(now)))
    }

    fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.broker.topic_id(topic)
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<i32, HostError> {
        Ok(self.broker.partitions(&spec.name).or(spec.partitions).unwrap_or(1))
    }

    fn open_session(&self, transactional_id: &str) -> Result<Session, HostError> {
        Ok(Session { transactional_id: transactional_id.to_owned(), token: 0 })
    }

    fn committed(
        &self,
        _group: &str,
        partitions: &[TopicPartition],
        _require_stable: bool,
    ) -> Result<Vec<Option<CommittedOffset>>, HostError> {
        let offsets = self.offsets.lock();
        Ok(partitions.iter().map(|partition| offsets.get(partition).cloned()).collect())
    }

    fn offset_range(&self, partition: &TopicPartition) -> Result<OffsetRange, HostError> {
        match Self::is_own(&partition.topic) {
            true => Ok(OffsetRange { start: Offset::ZERO, stable_end: Offset::ZERO }),
            false => self.broker.offset_range(partition),
        }
    }

    fn offset_for_time(&self, partition: &TopicPartition, time: Timestamp) -> Result<Offset, HostError> {
        self.broker.offset_for_time(partition, time)
    }

    fn read(&self, partition: &TopicPartition, from: Offset, max_bytes: usize) -> Result<ReadBatches, HostError> {
        self.broker.read(partition, from, max_bytes)
    }

    fn watch(&self, partitions: &[TopicPartition], wake: Arc<dyn Fn() + Send + Sync>) -> Box<dyn Send> {
        self.broker.watch(partitions, wake)
    }

    fn commit(&self, _session: &mut Session, commit: CommitSet) -> Result<(), HostError> {
        let damaged = |error: &dyn std::fmt::Display| HostError::Refused(format!("a result cannot be read: {error}"));
        self.offsets.lock().extend(commit.offsets);
        let mut rows = self.rows.lock();
        for (to, builder) in commit.records {
            // State, dead letters and late records go nowhere.
            if &*to.topic != RESULT_TOPIC {
                continue;
            }
            for batch in batches(builder.finish(&BatchStamp::default())) {
                let records = batch.and_then(|batch| batch.records()).map_err(|error| damaged(&error))?;
                for record in records.iter() {
                    let record = record.map_err(|error| damaged(&error))?;
                    rows.push((record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec)));
                }
            }
        }
        Ok(())
    }

    fn trim(&self, _partition: &TopicPartition, _before: Offset) -> Result<(), HostError> {
        Ok(())
    }
}
