//! Writes batches at the end of a segment and indexes them (Kafka: LogSegment.append).

use std::io::IoSlice;
use std::sync::OnceLock;

use super::Segment;
use crate::batch::BatchHeader;
use crate::error::StorageError;
use crate::ids::Offset;

/// A batch of an append with its offsets assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedBatch {
    pub(crate) header: BatchHeader,
    pub(crate) size: usize,
}

impl Segment {
    /// Writes the parts, which make up `batches`, with one system call, and notes the batches in the indexes.
    pub(crate) fn append(&mut self, parts: &mut [IoSlice<'_>], batches: &[PlacedBatch]) -> Result<(), StorageError> {
        let mut position = self.size();
        debug_assert_eq!(parts.iter().map(|p| p.len()).sum::<usize>(), batches.iter().map(|b| b.size).sum());
        // What can fail comes before the write: a batch that is in the file is in the log.
        self.max_timestamp()?;
        self.offsets.prepare()?;
        self.times.last()?;
        self.file.append(parts)?;
        for batch in batches {
            self.index(&batch.header, position)?;
            position += batch.size as u64;
            self.bytes_since_index += batch.size;
        }
        Ok(())
    }

    /// Notes a batch that stands at `position`.
    pub(super) fn index(&mut self, header: &BatchHeader, position: u64) -> Result<(), StorageError> {
        if position == 0 {
            self.first_timestamp = OnceLock::from(header.max_timestamp);
        }
        if header.max_timestamp > self.max_timestamp()?.0 {
            self.set_max_timestamp((header.max_timestamp, header.last_offset()));
        }
        if self.bytes_since_index > self.config.interval_bytes {
            self.offsets.push(header.last_offset(), position)?;
            let (timestamp, offset) = self.max_timestamp()?;
            self.times.maybe_push(timestamp, offset)?;
            self.bytes_since_index = 0;
        }
        Ok(())
    }

    /// Removes what lies at or after `offset`; a batch that contains it goes as a whole. Returns where the segment ends then: at
    /// `offset`, or where that batch began.
    pub(crate) fn truncate(&mut self, offset: Offset) -> Result<Offset, StorageError> {
        let first_cut = self.find(offset)?;
        let offset = first_cut.map_or(offset, |batch| batch.header.base_offset.min(offset));
        self.offsets.truncate(offset)?;
        self.times.truncate(offset)?;
        self.aborts.truncate(offset)?;
        if let Some(batch) = first_cut {
            self.file.truncate(batch.position)?;
        }
        if self.size() == 0 {
            self.first_timestamp = OnceLock::new();
        }
        self.bytes_since_index = 0;
        self.max_timestamp = OnceLock::new();
        Ok(offset)
    }
}
