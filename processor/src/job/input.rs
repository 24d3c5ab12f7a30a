//! One input partition of a task: where it is read, what time it is there, and what was lost on the way.

use forebay_storage::batch::Record;
use forebay_storage::ids::{Offset, Timestamp};

use super::error::TaskError;
use super::reader::{PartitionReader, ReadFailure};
use super::status::InputStatus;
use crate::commit::{InputProgress, RecordBuffer};
use crate::host::{CommittedOffset, Host};
use crate::operator::{Pipeline, Place, RowError};
use crate::time::{IdleClock, IdlePolicy, InputTime, NO_WATERMARK};

/// An input partition.
#[derive(Debug)]
pub struct Input {
    reader: PartitionReader,
    time: InputTime,
    clock: IdleClock,
    late: u64,
    undecodable: u64,
    /// Whether the committed offset or its text is behind.
    dirty: bool,
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
        let InputProgress { time, late, undecodable, .. } = progress;
        Input { reader, time, clock: IdleClock::default(), late, undecodable, dirty }
    }

    /// Watermark and idleness.
    #[must_use]
    pub fn time(&self) -> InputTime {
        self.time
    }

    /// Whether the log goes on after what was read.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.reader.position() < self.reader.stable_end()
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

    /// Reads about `max_bytes` and sends the records through `pipeline`.
    pub fn read(
        &mut self,
        host: &dyn Host,
        max_bytes: usize,
        pipeline: &mut Pipeline,
        closed: i64,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<ReadCount, TaskError> {
        let Input { reader, time, late, undecodable, .. } = self;
        let partition = reader.partition().partition;
        let mut records = 0;
        let from = reader.position();
        let read = reader.read(host, max_bytes, |record: &Record<'_>| {
            records += 1;
            // A record without a value is a tombstone: no row, as in Flink's json format.
            let Some(value) = record.value else { return Ok(()) };
            let place = Place { partition, watermark: time.watermark, closed, now };
            match pipeline.process(value, place, out) {
                Ok(taken) => {
                    *late += u64::from(taken.late);
                    time.watermark = time.watermark.max(taken.watermark.unwrap_or(NO_WATERMARK));
                    Ok(())
                }
                Err(error) if error.is_undecodable() && pipeline.ignores_parse_errors() => {
                    *undecodable += 1;
                    Ok(())
                }
                Err(error) => Err(error),
            }
        });
        let bytes = read.map_err(|failure| self.failure(failure))?;
        if records > 0 {
            self.time.idle = false;
            self.clock.busy();
        }
        self.dirty |= self.reader.position() > from;
        Ok(ReadCount { bytes, records })
    }

    fn failure(&self, failure: ReadFailure<RowError>) -> TaskError {
        let partition = self.reader.partition();
        match failure {
            ReadFailure::Host(error) => TaskError::from_host("reading input", error),
            ReadFailure::Batch { offset, error } => {
                TaskError::Failed(format!("{partition}@{offset}: the batch is damaged: {error}"))
            }
            ReadFailure::Sink(offset, error) if error.is_undecodable() => TaskError::Failed(format!(
                "{partition}@{offset}: {error}; to skip such records set 'json.ignore-parse-errors' = 'true' on the table"
            )),
            ReadFailure::Sink(offset, error) => TaskError::Failed(format!("{partition}@{offset}: {error}")),
        }
    }

    /// Sees whether the partition has become idle. Returns the time at which it will, if it rests and is not idle yet.
    pub fn rest(&mut self, now: Timestamp, policy: IdlePolicy) -> Option<Timestamp> {
        if self.has_more() {
            self.clock.busy();
            return None;
        }
        if self.time.idle {
            return None;
        }
        let had_data = self.reader.stable_end() > Offset::ZERO;
        let idle_at = self.clock.at_end(now, policy, had_data)?;
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
        let Input { time, late, undecodable, .. } = *self;
        let progress = InputProgress { time, combined, has_state, late, undecodable };
        CommittedOffset {
            offset: self.reader.position(),
            leader_epoch: self.reader.leader_epoch(),
            metadata: progress.to_text(owner),
        }
    }

    /// The next commit is to include this input.
    pub fn mark_dirty(&mut self) {
        self.dirty = true;
    }

    /// Everything up to here is committed.
    pub fn mark_clean(&mut self) {
        self.dirty = false;
    }

    /// For a description.
    #[must_use]
    pub fn status(&self) -> InputStatus {
        let (position, end) = (self.reader.position(), self.reader.stable_end());
        InputStatus {
            topic: self.reader.partition().topic.to_string(),
            partition: self.reader.partition().partition,
            position: position.0,
            end: end.0,
            lag: end.0 - position.0,
            watermark: (self.time.watermark != NO_WATERMARK).then_some(self.time.watermark),
            idle: self.time.idle,
            late: self.late,
            undecodable: self.undecodable,
        }
    }
}
