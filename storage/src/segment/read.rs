//! Finds and reads batches in a segment (Kafka: LogSegment.read, FileRecords).

use bytes::Bytes;

use super::Segment;
use super::offset_index::Noted;
use super::walk::Headers;
use crate::batch::{Batch, BatchHeader, HEADER_SIZE};
use crate::disk::FileRegion;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

/// Stretches below this are sent from memory, together with what goes before them, in bytes.
const LEAST_REGION: usize = 16 * 1024;

/// A batch and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchAt {
    pub(crate) header: BatchHeader,
    pub(crate) position: u64,
}

impl BatchAt {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.position + self.header.size_in_bytes() as u64
    }
}

/// Whole batches back to back.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// Their bytes.
    pub(crate) bytes: Bytes,
    /// The same where it lies, if there is enough of it for that to pay.
    pub(crate) region: Option<FileRegion>,
    /// The offset after the last one.
    pub(crate) end: Offset,
}

/// What a read found.
#[derive(Debug)]
pub(crate) enum SegmentRead {
    /// Whole batches; empty if the first one is too large, or not to be seen yet.
    Batches(Stretch),
    /// The segment has no batch at or after the offset; a later segment may.
    PastEnd,
}

impl Segment {
    /// Whole batches from the one that contains `from`, up to `max_bytes` and up to offset `up_to`. Those `to_send` come with their
    /// region, and must not be looked at if there is one.
    pub(crate) fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        up_to: Offset,
        min_one_batch: bool,
        to_send: bool,
    ) -> Result<SegmentRead, StorageError> {
        let mut walk = self.seek(from)?;
        let Some(first) = walk.peek()? else { return Ok(SegmentRead::PastEnd) };
        let start = first.position;
        let limit = start.saturating_add(max_bytes as u64);
        let (mut end, mut next) = (start, first.header.base_offset);
        if let Some((near, from_there)) = self.near_end(&first, up_to, limit)? {
            (end, next, walk) = (near.position, near.header.base_offset, from_there);
        }
        for batch in walk {
            let batch = batch?;
            let fits = batch.end() <= limit || (min_one_batch && end == start);
            if !fits || batch.header.next_offset() > up_to {
                break;
            }
            (end, next) = (batch.end(), batch.header.next_offset());
        }
        let length = (end - start) as usize;
        let (bytes, region) = if to_send && length >= LEAST_REGION {
            self.file.read_to_send(start, length)?
        } else {
            (self.file.read_at(start, length)?, None)
        };
        Ok(SegmentRead::Batches(Stretch { bytes, region, end: next }))
    }

    /// A batch from which on to look for the end of a stretch that begins with `first`, and the walk from there: the index spares the
    /// headers in between, and the pages they lie in. An index that leads elsewhere costs time, not correctness.
    fn near_end(&self, first: &BatchAt, up_to: Offset, limit: u64) -> Result<Option<(BatchAt, Headers)>, StorageError> {
        let noted = self.offsets.noted_within(up_to, limit)?.filter(|noted| noted.position > first.position);
        let Some((near, walk)) = noted.map_or(Ok(None), |noted| self.walk_at(noted))? else { return Ok(None) };
        let between = first.header.next_offset()..=up_to;
        Ok(between.contains(&near.header.base_offset).then_some((near, walk)))
    }

    /// The first batch that contains `offset` or lies after it.
    pub(crate) fn find(&self, offset: Offset) -> Result<Option<BatchAt>, StorageError> {
        self.seek(offset)?.peek()
    }

    /// The batches from the first on that contains `offset` or lies after it.
    pub(crate) fn seek(&self, offset: Offset) -> Result<Headers, StorageError> {
        let mut walk = self.walk_before(offset)?;
        while walk.peek()?.is_some_and(|at| at.header.last_offset() < offset) {
            walk.next();
        }
        Ok(walk)
    }

    /// A walk that begins not behind the batch that contains `offset`, by the index. An index that leads elsewhere is no help, but must
    /// not hide records: the walk then begins at the start.
    pub(super) fn walk_before(&self, offset: Offset) -> Result<Headers, StorageError> {
        let noted = self.offsets.noted_before(offset)?;
        let walk = noted.map_or(Ok(None), |noted| self.walk_at(noted))?;
        Ok(walk.map_or_else(|| self.batches_from(0), |(_, walk)| walk))
    }

    /// The walk that begins with a batch that the index has noted; `None` if there is no such batch. Bytes within a record may read as
    /// a header: where the offset is not the noted one, the batch has to be what its checksum says.
    fn walk_at(&self, noted: Noted) -> Result<Option<(BatchAt, Headers)>, StorageError> {
        let mut walk = self.batches_from(noted.position);
        let Some(at) = walk.peek()? else { return Ok(None) };
        let (first, last) = (at.header.base_offset, at.header.last_offset());
        let is_there = last == noted.offset || (last < noted.offset && self.is_whole(&at)?);
        Ok((first >= self.base && is_there).then_some((at, walk)))
    }

    /// Whether the batch is what its checksum says.
    pub(super) fn is_whole(&self, at: &BatchAt) -> Result<bool, StorageError> {
        let bytes = self.file.read_at(at.position, at.header.size_in_bytes())?;
        Ok(Batch::parse(bytes).and_then(|batch| batch.check_crc()).is_ok())
    }

    /// The batch at a position.
    pub(crate) fn batch_at(&self, position: u64) -> Result<Option<BatchAt>, StorageError> {
        let bytes = self.file.read_at(position, HEADER_SIZE)?;
        Ok(BatchHeader::parse(&bytes).ok().map(|header| BatchAt { header, position }))
    }

    /// Headers of the batches from `position`, which must be where one begins; ends before one that is not whole.
    pub(crate) fn batches_from(&self, position: u64) -> Headers {
        Headers::new(self.file.clone(), position)
    }

    /// The whole batch.
    pub(crate) fn load(&self, at: &BatchAt) -> Result<Batch, StorageError> {
        let bytes = self.file.read_at(at.position, at.header.size_in_bytes())?;
        Batch::parse(bytes).map_err(|error| self.corrupt(at.position, &error))
    }

    /// The offset after the last batch; `None` if bytes that are no batch follow it.
    pub(crate) fn end_offset(&self) -> Result<Option<Offset>, StorageError> {
        let walk = match self.offsets.last_noted()? {
            None => self.batches_from(0),
            Some(noted) => match self.walk_at(noted)? {
                Some((_, walk)) => walk,
                None => return Ok(None),
            },
        };
        let mut last = None;
        for batch in walk {
            last = Some(batch?);
        }
        let end = last.map_or((self.base, 0), |batch| (batch.header.next_offset(), batch.end()));
        Ok((end.1 == self.size()).then_some(end.0))
    }

    /// The first record at or after both `time` and offset `from`.
    pub(crate) fn find_time(
        &self,
        time: Timestamp,
        from: Offset,
    ) -> Result<Option<(Offset, Timestamp, BatchHeader)>, StorageError> {
        let (before, indexed) = self.times.lookup(time)?;
        let start = if self.has_time(before, indexed)? { indexed.max(from) } else { from };
        for at in self.walk_before(start)? {
            let at = at?;
            if at.header.max_timestamp < time || at.header.last_offset() < from {
                continue;
            }
            let records = self.load(&at)?.records().map_err(|error| self.corrupt(at.position, &error))?;
            for record in &records {
                let record = record.map_err(|error| self.corrupt(at.position, &error))?;
                if record.timestamp >= time && record.offset >= from {
                    return Ok(Some((record.offset, record.timestamp, at.header)));
                }
            }
        }
        Ok(None)
    }

    /// Whether an entry of the time index is right about the batch that it is about.
    fn has_time(&self, time: Timestamp, offset: Offset) -> Result<bool, StorageError> {
        if time == Timestamp::NONE {
            return Ok(true);
        }
        let holds = |at: BatchAt| at.header.base_offset <= offset && at.header.max_timestamp == time;
        Ok(self.find(offset)?.is_some_and(holds))
    }

    /// The largest timestamp and the last offset of its batch. The last entry of the time index says it, if it is right about its
    /// batch, for all that lies before; the batches say the rest.
    pub(super) fn find_max_timestamp(&self) -> Result<(Timestamp, Offset), StorageError> {
        let last = self.times.last()?;
        let is_right = last.0 > Timestamp::NONE && self.has_time(last.0, last.1)?;
        let (mut largest, from) = if is_right { (last, last.1) } else { ((Timestamp::NONE, self.base), self.base) };
        for batch in self.walk_before(from)? {
            let header = batch?.header;
            if header.max_timestamp > largest.0 {
                largest = (header.max_timestamp, header.last_offset());
            }
        }
        Ok(largest)
    }

    fn corrupt(&self, position: u64, error: &crate::batch::BatchError) -> StorageError {
        let path = super::file_path(&self.dir, self.base, super::LOG_SUFFIX);
        StorageError::corrupt(&path, format!("at byte {position}: {error}"))
    }
}
