//! Reads batches (Kafka: LocalLog.read).

use bytes::Bytes;

use super::{Log, ReadError, ReadOutcome};
use crate::batch::BatchHeader;
use crate::error::StorageError;
use crate::ids::Offset;
use crate::segment::{SegmentRead, Stretch};

impl Log {
    /// Whole batches from the one that contains `from`, at most `max_bytes` of them, none that reaches to `up_to` or beyond.
    /// With `min_one_batch` the first one may be larger than `max_bytes`. Never crosses from one segment into the next. There is no
    /// region: the bytes are to be looked at.
    pub fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        up_to: Offset,
        min_one_batch: bool,
    ) -> Result<ReadOutcome, ReadError> {
        self.read_for(from, max_bytes, up_to, min_one_batch, false)
    }

    /// As [`Log::read`], for batches that go to a socket as they are. If there is a region, whether the bytes can be read was not
    /// looked at, and nobody may look at them: a page that the disk cannot read would end the process.
    pub fn read_to_send(
        &self,
        from: Offset,
        max_bytes: usize,
        up_to: Offset,
        min_one_batch: bool,
    ) -> Result<ReadOutcome, ReadError> {
        self.read_for(from, max_bytes, up_to, min_one_batch, true)
    }

    /// Where a read may end that wants `offsets` offsets, from the first on that is there at or after `from`: the end of the batch that
    /// has the last of them, or the end of the log.
    pub fn end_of_span(&self, from: Offset, offsets: i64) -> Result<Offset, StorageError> {
        self.check_readable()?;
        if from.0.saturating_add(offsets) >= self.log_end.0 {
            return Ok(self.log_end);
        }
        let Some(first) = self.find(from)? else { return Ok(self.log_end) };
        let last = first.base_offset.0.max(from.0).saturating_add(offsets.saturating_sub(1).max(0));
        Ok(self.find(Offset(last))?.map_or(self.log_end, |header| header.next_offset()))
    }

    /// The first batch that contains `offset` or lies after it.
    fn find(&self, offset: Offset) -> Result<Option<BatchHeader>, StorageError> {
        for segment in self.segments_from(offset) {
            if let Some(found) = segment.find(offset)? {
                return Ok(Some(found.header));
            }
        }
        Ok(None)
    }

    fn read_for(
        &self,
        from: Offset,
        max_bytes: usize,
        up_to: Offset,
        min_one_batch: bool,
        to_send: bool,
    ) -> Result<ReadOutcome, ReadError> {
        self.check_readable()?;
        if from < self.log_start || from > self.log_end {
            return Err(ReadError::OffsetOutOfRange { start: self.log_start, end: self.log_end });
        }
        if from < up_to.min(self.log_end) {
            for segment in self.segments_from(from) {
                match segment.read(from, max_bytes, up_to, min_one_batch, to_send)? {
                    SegmentRead::Batches(Stretch { bytes, region, end }) => {
                        return Ok(ReadOutcome { bytes, region, end });
                    }
                    SegmentRead::PastEnd => {}
                }
            }
        }
        Ok(ReadOutcome { bytes: Bytes::new(), region: None, end: from })
    }
}
