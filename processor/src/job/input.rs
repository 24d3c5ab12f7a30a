//! One input partition of a task: where it is read, what time it is there, and what was lost on the way.

use std::ops::ControlFlow;

use forebay_storage::batch::Record;
use forebay_storage::ids::{Offset, Timestamp, TopicId, TopicPartition};

use super::error::TaskError;
use super::origin::Origin;
use super::reader::{PartitionReader, ReadFailure};
use super::side::{Verdict, cut};
use super::status::{BadRecord, Hold, InputStatus};
use super::topic::{self, ReadTopic};
use crate::commit::{InputProgress, RecordBuffer};
use crate::host::{CommittedOffset, Host, HostError};
use crate::operator::{BatchOrigin, Pipeline, Place, RowError};
use crate::plan::RowKind;
use crate::time::{IdleClock, IdlePolicy, InputTime, NO_WATERMARK};

/// An input partition.
#[derive(Debug)]
pub struct Input {
    /// Number of its topic.
    topic_number: usize,
    /// Whether time passes by its records.
    has_time: bool,
    reader: PartitionReader,
    time: InputTime,
    clock: IdleClock,
    late: u64,
    undecodable: u64,
    /// The last record that was passed over since the task was opened.
    last_bad: Option<BadRecord>,
    /// What was passed over because it was gone, when the task was opened.
    gap: Option<String>,
    /// Where a bounded input ends, exclusive.
    end: Option<Offset>,
    /// How many partitions the topic had when the job first started.
    first_partitions: Option<i32>,
    topic: Option<TopicId>,
    /// Whether the committed offset or its text is behind.
    dirty: bool,
}

/// What a read takes beside the input.
#[derive(Debug)]
pub struct ReadContext<'a> {
    /// Where records go.
    pub pipeline: &'a mut Pipeline,
    /// The topics.
    pub topics: &'a [ReadTopic],
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Wall clock.
    pub now: Timestamp,
    /// What is to be written.
    pub out: &'a mut RecordBuffer,
    /// Bytes in `out` after which no further record is taken.
    pub most: u64,
    /// [`Host::micros`] from which on no further record is taken.
    pub ends_at: u64,
}

/// Records after which the clock is read at the latest, and after how long it is to be read while they are slow, in microseconds.
const CLOCK_RECORDS: u64 = 64;
const CLOCK_US: u64 = 10_000;

/// Sees when time is up, without reading the clock for each record.
struct Deadline {
    ends_at: u64,
    began: u64,
    records: u64,
    next: u64,
}

impl Deadline {
    fn new(host: &dyn Host, ends_at: u64) -> Deadline {
        Deadline { ends_at, began: host.micros(), records: 0, next: 1 }
    }

    /// Counts a record; true if it was the last one that there was time for.
    fn is_over(&mut self, host: &dyn Host) -> bool {
        self.records += 1;
        if self.records < self.next {
            return false;
        }
        let now = host.micros();
        let each = now.saturating_sub(self.began) / self.records;
        self.next = self.records + (CLOCK_US / each.max(1)).clamp(1, CLOCK_RECORDS);
        now >= self.ends_at
    }
}

/// What one read brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadCount {
    /// Bytes of batches.
    pub bytes: usize,
    /// Records that were processed.
    pub records: u64,
}

impl Input {
    /// Goes on from `progress`; `dirty` if that is not committed yet.
    #[must_use]
    pub fn new(reader: PartitionReader, progress: InputProgress, dirty: bool) -> Input {
        let InputProgress { time, late, undecodable, end, first_partitions, topic, .. } = progress;
        Input {
            topic_number: 0,
            has_time: true,
            reader,
            time,
            clock: IdleClock::default(),
            late,
            undecodable,
            last_bad: None,
            gap: None,
            end,
            first_partitions,
            topic,
            dirty,
        }
    }

    /// Says that it is of topic number `number`, and whether time passes by its records.
    pub fn set_topic(&mut self, number: usize, has_time: bool) {
        (self.topic_number, self.has_time) = (number, has_time);
    }

    /// Something was passed over because it was gone: shown as long as the task runs.
    pub fn tell_gap(&mut self, gap: String) {
        self.gap = Some(gap);
    }

    /// Watermark and idleness.
    #[must_use]
    pub fn time(&self) -> InputTime {
        self.time
    }

    /// What the task's watermark is to know of it: an input that has ended holds nothing back, nor does one without time.
    #[must_use]
    pub fn counted_time(&self) -> InputTime {
        InputTime { idle: self.time.idle || self.has_ended() || !self.has_time, ..self.time }
    }

    /// Number of the partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.reader.partition().partition
    }

    /// The partition.
    #[must_use]
    pub fn topic_partition(&self) -> &TopicPartition {
        self.reader.partition()
    }

    /// Number of its topic.
    #[must_use]
    pub fn topic_number(&self) -> usize {
        self.topic_number
    }

    /// Number of the partition among those of all topics.
    #[must_use]
    pub fn number(&self) -> i32 {
        topic::number(self.topic_number, self.partition())
    }

    /// So many more of its records have turned out to be late.
    pub fn add_late(&mut self, records: u64) {
        self.late += records;
        self.dirty |= records > 0;
    }

    /// Whether the log goes on after what was read.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.reader.position() < self.reader.stable_end() && !self.has_ended()
    }

    /// How many offsets there are after what was read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        let end = self.end.map_or(self.reader.stable_end(), |end| end.min(self.reader.stable_end()));
        u64::try_from(end.0.saturating_sub(self.reader.position().0)).unwrap_or(0)
    }

    /// Whether something has come in it, read or not.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.time.watermark != NO_WATERMARK || self.has_more()
    }

    /// Whether it is bounded and read to its end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end.is_some_and(|end| self.reader.position() >= end)
    }

    /// Since when it stands at the end of its log; one that has ended may never have.
    #[must_use]
    pub fn resting_since(&self) -> Option<Timestamp> {
        self.clock.resting_since()
    }

    /// The next offset to read; not beyond the end of a bounded input, although its last batch may be.
    fn position(&self) -> Offset {
        self.end.map_or(self.reader.position(), |end| end.min(self.reader.position()))
    }

    /// Whether there is something new to commit.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Looks for new records; true if there are some.
    pub fn poll(&mut self, host: &dyn Host) -> Result<bool, TaskError> {
        self.reader.poll(host).map_err(|error| TaskError::from_host("looking for input", error))
    }

    /// Reads about `max_bytes` and sends the records through the pipeline.
    pub fn read(
        &mut self,
        host: &dyn Host,
        max_bytes: usize,
        context: ReadContext<'_>,
    ) -> Result<ReadCount, TaskError> {
        let ReadContext { pipeline, topics, closed, now, out, most, ends_at } = context;
        let mut deadline = Deadline::new(host, ends_at);
        let number = self.number();
        let Input { topic_number, reader, time, late, undecodable, last_bad, end, .. } = self;
        let topic = *topic_number;
        let side = &topics[topic].side;
        let from = reader.partition().clone();
        let mut records = 0;
        let position = reader.position();
        let read = reader.read_until(host, max_bytes, |record: &Record<'_>, header| {
            // The batch in which a bounded input ends may have more records.
            if end.is_some_and(|end| record.offset >= end) {
                return Ok(ControlFlow::Continue(()));
            }
            records += 1;
            let (offset, timestamp_ms) = (record.offset.0, record.timestamp.0);
            let watermark = time.watermark;
            let partition = from.partition;
            let kind = if record.value.is_some() { RowKind::Insert } else { RowKind::Delete };
            let batch = BatchOrigin::of(header);
            let place = Place { topic, partition, number, offset, timestamp_ms, batch, watermark, closed, now, kind };
            match pipeline.process(record, place, out) {
                Ok(taken) => {
                    if let Some(row) = taken.late {
                        *late += 1;
                        side.late(&from, record, row, out);
                    }
                    if taken.waits.is_some() && side.keeps_late() {
                        pipeline.attach_origin(Origin::encode(record));
                    }
                    time.watermark = time.watermark.max(taken.watermark.unwrap_or(NO_WATERMARK));
                }
                Err(error) => match side.rejected(&from, record, &error, pipeline.ignores_parse_errors(topic), out) {
                    Verdict::Fail => return Err(error),
                    Verdict::Passed => {
                        *undecodable += 1;
                        *last_bad = Some(BadRecord {
                            partition: from.partition,
                            offset: record.offset.0,
                            class: error.class(),
                            message: cut(error.to_string()),
                        });
                    }
                },
            }
            // One record may make many rows: what a transaction holds is bounded by them, not by what was read.
            let is_last = out.size_in_bytes() > most || deadline.is_over(host);
            Ok(if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        let settled = pipeline.settle(closed, now, out);
        let bytes = read.map_err(|failure| self.failure(failure))?;
        settled.map_err(|error| self.failure(ReadFailure::Sink(self.position(), error)))?;
        if records > 0 {
            self.time.idle = false;
            self.clock.busy();
        }
        self.dirty |= self.reader.position() > position;
        Ok(ReadCount { bytes, records })
    }

    fn failure(&self, failure: ReadFailure<RowError>) -> TaskError {
        let partition = self.reader.partition();
        match failure {
            // Where to go on is decided where a task is opened.
            ReadFailure::Host(error @ HostError::OffsetOutOfRange { .. }) => TaskError::Reopen(error.to_string()),
            ReadFailure::Host(error) => TaskError::from_host("reading input", error),
            ReadFailure::Batch { offset, error } => {
                TaskError::Failed(format!("{partition}@{offset}: the batch is damaged: {error}"))
            }
            ReadFailure::Sink(_, error) if error.is_of_disk() => TaskError::Retry(error.to_string()),
            ReadFailure::Sink(offset, error) if error.is_undecodable() => TaskError::Failed(format!(
                "{partition}@{offset}: {error}; to skip such records set 'json.ignore-parse-errors' (or 'csv.ignore-parse-errors') = 'true' on the table, \
                 or 'forebay.on-error' = 'skip' or 'dead-letter'"
            )),
            ReadFailure::Sink(offset, error) if error.is_of_record() => TaskError::Failed(format!(
                "{partition}@{offset}: {error}; to go on without such records set 'forebay.on-error' = 'skip' or 'dead-letter' \
                 on the table"
            )),
            ReadFailure::Sink(offset, error) => TaskError::Failed(format!("{partition}@{offset}: {error}")),
        }
    }

    /// Sees whether the partition has become idle. Returns the time at which it will, if it rests and is not idle yet.
    pub fn rest(&mut self, now: Timestamp, policy: IdlePolicy) -> Option<Timestamp> {
        if self.has_ended() {
            return None;
        }
        if self.has_more() {
            self.clock.busy();
            return None;
        }
        let had_data = self.reader.stable_end() > Offset::ZERO;
        // Also where it is idle already: what is committed says that, and not since when it rests.
        let idle_at = self.clock.at_end(now, policy, had_data)?;
        if self.time.idle {
            return None;
        }
        if idle_at > now {
            return Some(idle_at);
        }
        self.time.idle = true;
        self.dirty = true;
        None
    }

    /// The offset to commit for the task `owner`, with the task's watermark and whether it has state.
    #[must_use]
    pub fn offset(&self, owner: &str, combined: i64, has_state: bool) -> CommittedOffset {
        let &Input { time, late, undecodable, end, first_partitions, topic, .. } = self;
        let progress = InputProgress { time, combined, has_state, late, undecodable, end, ..InputProgress::NEW };
        let progress = InputProgress { first_partitions, topic, ..progress };
        CommittedOffset {
            offset: self.position(),
            leader_epoch: self.reader.leader_epoch(),
            metadata: progress.to_text(owner),
        }
    }

    /// The next commit is to include this input.
    pub fn mark_dirty(&mut self) {
        self.dirty = true;
    }

    /// How it holds the task's watermark, if it is the one that does.
    #[must_use]
    pub fn hold(&self, policy: IdlePolicy) -> Hold {
        let had_data = self.reader.stable_end() > Offset::ZERO;
        let resting_since = self.clock.resting_since();
        Hold {
            topic: self.reader.partition().topic.to_string(),
            partition: self.reader.partition().partition,
            watermark: (self.time.watermark != NO_WATERMARK).then_some(self.time.watermark),
            resting_since: resting_since.map(|since| since.0),
            idle_at: resting_since.and_then(|since| policy.idle_at(since, had_data)).map(|at| at.0),
        }
    }

    /// Everything up to here is committed.
    pub fn mark_clean(&mut self) {
        self.dirty = false;
    }

    /// The last record that was passed over since the task was opened.
    #[must_use]
    pub fn last_bad(&self) -> Option<&BadRecord> {
        self.last_bad.as_ref()
    }

    /// For a description.
    #[must_use]
    pub fn status(&self) -> InputStatus {
        let mut status = InputStatus {
            topic: self.reader.partition().topic.to_string(),
            partition: self.reader.partition().partition,
            position: self.position().0,
            end: 0,
            lag: 0,
            bound: self.end.map(|end| end.0),
            watermark: (self.time.watermark != NO_WATERMARK).then_some(self.time.watermark),
            idle: self.time.idle,
            late: self.late,
            undecodable: self.undecodable,
            gap: self.gap.clone(),
        };
        status.see_end(self.reader.stable_end().0);
        status
    }
}
