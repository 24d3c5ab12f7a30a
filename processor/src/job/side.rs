//! Where records go that are not processed: dead letters and late rows, as they came, with headers that say why.
//!
//! They are part of the commit that moves past them, so each is there exactly once, also after a crash. A copy has the key, the
//! value, the timestamp and the headers of the original; the headers below come after those. Their values are texts, as those of
//! Kafka Connect's dead letter queue are. A record goes to the partition of its own number (modulo the number of partitions), so
//! what came in order stays in order.

use std::sync::Arc;

use forebay_storage::batch::Record;
use forebay_storage::ids::TopicPartition;

use super::error::TaskError;
use super::origin::Origin;
use super::resources::side_spec;
use crate::commit::RecordBuffer;
use crate::host::Host;
use crate::operator::{LateRow, LateTardy, RowError};
use crate::plan::{OnError, OnLate, Source};

/// Headers of a dead letter; those of a late record are the same but for `class` and `message`.
pub mod header {
    /// The job.
    pub const JOB: &str = "__forebay.job";
    /// Topic of the original.
    pub const TOPIC: &str = "__forebay.topic";
    /// Partition of the original.
    pub const PARTITION: &str = "__forebay.partition";
    /// Offset of the original.
    pub const OFFSET: &str = "__forebay.offset";
    /// Kind of error: see [`RowError::class`](crate::operator::RowError::class).
    pub const ERROR_CLASS: &str = "__forebay.error.class";
    /// What was wrong, at most [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes.
    pub const ERROR_MESSAGE: &str = "__forebay.error.message";
    /// End (exclusive) of the last window that the row could have been in, in milliseconds since 1970.
    pub const WINDOW_END: &str = "__forebay.late.window.end";
    /// The watermark that had closed it, in milliseconds since 1970.
    pub const WATERMARK: &str = "__forebay.late.watermark";
}

/// Most bytes of a message in a header or a description: a message quotes the record, which may be large.
pub const MAX_MESSAGE: usize = 1_024;

/// As much of `message` as [`MAX_MESSAGE`] allows.
pub(super) fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
    message
}

/// What the policies say about a record that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job stops before it.
    Fail,
    /// It is passed over, and was written to the dead letters if there are any.
    Passed,
}

/// The side topics of a task.
#[derive(Debug)]
pub struct SideOutputs {
    job: String,
    /// The topic that is read.
    source: Arc<str>,
    on_error: Option<OnError>,
    dead_letters: Vec<TopicPartition>,
    late: Vec<TopicPartition>,
}

impl SideOutputs {
    /// For the job `job`, which reads `source`; creates the topics that are missing.
    pub fn open(host: &dyn Host, job: &str, source: &Source) -> Result<SideOutputs, TaskError> {
        let policies = &source.policies;
        let topic = |name: Option<&String>| name.map_or(Ok(Vec::new()), |name| partitions(host, name));
        let dead_letters = match &policies.on_error {
            Some(OnError::DeadLetter { topic }) => Some(topic),
            _ => None,
        };
        let late = match &policies.on_late {
            OnLate::Topic { topic } => Some(topic),
            OnLate::Drop => None,
        };
        Ok(SideOutputs {
            job: job.to_owned(),
            source: source.topic.as_str().into(),
            on_error: policies.on_error.clone(),
            dead_letters: topic(dead_letters)?,
            late: topic(late)?,
        })
    }

    /// What becomes of `record`, which failed with `error`; a dead letter is added to `out`.
    pub fn rejected(
        &self,
        from: &TopicPartition,
        record: &Record<'_>,
        error: &RowError,
        ignores_parse_errors: bool,
        out: &mut RecordBuffer,
    ) -> Verdict {
        if !error.is_of_record() {
            return Verdict::Fail;
        }
        match &self.on_error {
            None if error.is_undecodable() && ignores_parse_errors => Verdict::Passed,
            None | Some(OnError::Fail) => Verdict::Fail,
            Some(OnError::Skip) => Verdict::Passed,
            Some(OnError::DeadLetter { .. }) => {
                let message = cut(error.to_string());
                let why = [(header::ERROR_CLASS, error.class()), (header::ERROR_MESSAGE, message.as_str())];
                self.copy(&self.dead_letters, from, record, &why, out);
                Verdict::Passed
            }
        }
    }

    /// Whether late records are written to a topic.
    #[must_use]
    pub fn keeps_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Takes in that a row of this partition came too late which had to wait until that was known, with its record if it was kept.
    pub fn late_tardy(&self, partition: i32, tardy: &LateTardy, out: &mut RecordBuffer) {
        let origin = tardy.origin.as_deref().and_then(Origin::decode);
        if let Some(record) = origin.as_ref().and_then(Origin::record) {
            let from = TopicPartition::new(Arc::clone(&self.source), partition);
            self.late(&from, &record, tardy.row, out);
        }
    }

    /// Takes in that `record` came too late.
    pub fn late(&self, from: &TopicPartition, record: &Record<'_>, row: LateRow, out: &mut RecordBuffer) {
        if self.late.is_empty() {
            return;
        }
        let (end, watermark) = (row.window_end.to_string(), row.watermark.to_string());
        let why = [(header::WINDOW_END, end.as_str()), (header::WATERMARK, watermark.as_str())];
        self.copy(&self.late, from, record, &why, out);
    }

    fn copy(
        &self,
        to: &[TopicPartition],
        from: &TopicPartition,
        record: &Record<'_>,
        why: &[(&str, &str); 2],
        out: &mut RecordBuffer,
    ) {
        let Some(to) = to.get(from.partition as usize % to.len().max(1)) else { return };
        let (partition, offset) = (from.partition.to_string(), record.offset.0.to_string());
        let place = [
            (header::JOB, self.job.as_str()),
            (header::TOPIC, &*from.topic),
            (header::PARTITION, partition.as_str()),
            (header::OFFSET, offset.as_str()),
        ];
        // A key that is not UTF-8 breaks Kafka's protocol; what can be read of it is kept.
        let keys: Vec<_> = record.headers.iter().map(|(key, value)| (String::from_utf8_lossy(key), value)).collect();
        let mut headers: Vec<(&str, Option<&[u8]>)> = keys.iter().map(|(key, value)| (&**key, *value)).collect();
        headers.extend(place.iter().chain(why).map(|(key, value)| (*key, Some(value.as_bytes()))));
        out.push_side(to, record, &headers);
    }
}

fn partitions(host: &dyn Host, topic: &str) -> Result<Vec<TopicPartition>, TaskError> {
    let created = host.ensure_topic(&side_spec(topic));
    let count = created.map_err(|error| TaskError::from_host(&format!("creating topic '{topic}'"), error))?;
    let topic: Arc<str> = topic.into();
    Ok((0..count.max(1)).map(|partition| TopicPartition::new(topic.clone(), partition)).collect())
}
