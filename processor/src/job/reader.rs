//! Reads one partition of the log in offset order, committed records only.

use std::ops::ControlFlow;

use forebay_storage::batch::{BatchError, BatchHeader, ControlKind, ControlRecord, Record, batches};
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use super::aborted::AbortedFilter;
use crate::host::{Host, HostError};

/// A position in a partition that moves forward.
#[derive(Debug)]
pub struct PartitionReader {
    partition: TopicPartition,
    position: Offset,
    stable_end: Offset,
    leader_epoch: LeaderEpoch,
}

/// Why reading stopped: the host, the bytes, or whoever takes the records.
#[derive(Debug)]
pub enum ReadFailure<E> {
    /// The host could not read.
    Host(HostError),
    /// A batch is damaged.
    Batch {
        /// Where the batch begins, or the reading position if even that cannot be told.
        offset: Offset,
        /// What is wrong with it.
        error: BatchError,
    },
    /// The one who takes the records refused the record at this offset.
    Sink(Offset, E),
}

impl PartitionReader {
    /// Starts at `position`; the end is unknown before the first read, so it counts as caught up until then.
    #[must_use]
    pub fn new(partition: TopicPartition, position: Offset, leader_epoch: LeaderEpoch) -> PartitionReader {
        PartitionReader { partition, position, stable_end: position, leader_epoch }
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The next offset to read.
    #[must_use]
    pub fn position(&self) -> Offset {
        self.position
    }

    /// The last stable offset when it was last looked at.
    #[must_use]
    pub fn stable_end(&self) -> Offset {
        self.stable_end
    }

    /// Leader epoch of the last batch read, or what the reader was started with.
    #[must_use]
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Looks where the log ends; true if there is something to read.
    pub fn poll(&mut self, host: &dyn Host) -> Result<bool, HostError> {
        let range = host.offset_range(&self.partition)?;
        self.stable_end = range.stable_end.max(self.position);
        Ok(self.position < range.stable_end)
    }

    /// Reads about `max_bytes` and hands each committed record to `take`; returns the number of bytes read, 0 at the end.
    ///
    /// The position has moved over all that was taken when this returns `Ok`, also over control batches and aborted records.
    pub fn read<E>(
        &mut self,
        host: &dyn Host,
        max_bytes: usize,
        mut take: impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<usize, ReadFailure<E>> {
        self.read_until(host, max_bytes, |record, _| take(record).map(ControlFlow::Continue))
    }

    /// As [`PartitionReader::read`], up to the record at which `take` breaks, which is taken. The batch of that record is read again
    /// for those after it, and its bytes do not count yet.
    pub fn read_until<E>(
        &mut self,
        host: &dyn Host,
        max_bytes: usize,
        mut take: impl FnMut(&Record<'_>, &BatchHeader) -> Result<ControlFlow<()>, E>,
    ) -> Result<usize, ReadFailure<E>> {
        let stretch = host.read(&self.partition, self.position, max_bytes).map_err(ReadFailure::Host)?;
        self.stable_end = stretch.stable_end.max(self.position);
        let mut size = 0;
        let mut aborted = AbortedFilter::new(stretch.aborted);
        for batch in batches(stretch.batches) {
            let batch = batch.map_err(|error| ReadFailure::Batch { offset: self.position, error })?;
            let header = batch.header;
            let damaged = |error| ReadFailure::Batch { offset: header.base_offset, error };
            if header.next_offset() <= self.position {
                continue;
            }
            aborted.reach(header.last_offset());
            let producer = header.producer_id;
            if header.is_control() {
                let records = batch.records().map_err(damaged)?;
                let first = records.iter().next().transpose().map_err(damaged)?;
                // Control records of other kinds than a transaction's end mean nothing to a reader.
                let marker = first.and_then(|record| ControlRecord::decode(record).ok());
                if marker.is_some_and(|marker| marker.kind == ControlKind::Abort) {
                    aborted.abort_marker(producer);
                }
            } else if !(header.is_transactional() && aborted.is_aborted(producer)) {
                batch.check_crc().map_err(damaged)?;
                for record in batch.records().map_err(damaged)?.iter() {
                    let record = record.map_err(damaged)?;
                    if record.offset < self.position {
                        continue;
                    }
                    let flow = take(&record, &header).map_err(|error| ReadFailure::Sink(record.offset, error))?;
                    if flow.is_break() {
                        self.position = Offset(record.offset.0 + 1);
                        self.leader_epoch = header.leader_epoch;
                        return Ok(size);
                    }
                }
            }
            size += header.size_in_bytes();
            self.position = header.next_offset();
            self.leader_epoch = header.leader_epoch;
        }
        self.stable_end = stretch.stable_end.max(self.position);
        Ok(size)
    }
}
