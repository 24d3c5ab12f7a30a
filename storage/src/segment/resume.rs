//! Where recovery of a segment can begin other than at its start: at the last batch before the recovery point that the indexes know,
//! if they are in order up to there (Kafka: OffsetIndex.sanityCheck and TimeIndex.sanityCheck look at their last entry only).

use super::offset_index::Noted;
use super::read::BatchAt;
use super::{OFFSET_INDEX_SUFFIX, Segment, TIME_INDEX_SUFFIX, file_path};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

/// A place in a segment from which on it can be read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    /// The first batch to be read.
    pub(crate) at: BatchAt,
    /// How many entries of the indexes are about what lies before its end, and are kept.
    pub(super) offsets: usize,
    pub(super) times: usize,
    /// The same for what lies before the recovery point.
    pub(super) aborts: usize,
}

impl Segment {
    /// Whether the indexes are there, as they must be for a log that was closed in order; this opens no file. What they say is looked
    /// at when they are used. A segment without aborted transactions has no index of them.
    pub(crate) fn has_indexes(&self) -> Result<bool, StorageError> {
        Ok(self.offsets.is_there_and_whole()?
            && self.times.is_there_and_whole()?
            && self.aborts.looks_sound(self.base)?)
    }

    /// Whether the indexes are there and look as if they were this segment's; else they have to be made anew.
    pub(crate) fn indexes_look_sound(&self) -> Result<bool, StorageError> {
        Ok(self.offsets.looks_sound(self.size())? && self.times.looks_sound()? && self.aborts.looks_sound(self.base)?)
    }

    /// The last batch that the offset index knows before `point`; everything before that must be on disk. `None` if an index is missing
    /// or out of order up to there, or leads elsewhere: then the segment has to be read from its start.
    pub(crate) fn resume_point(&self, point: Offset) -> Result<Option<Resume>, StorageError> {
        let suffixes = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX];
        for path in suffixes.map(|suffix| file_path(&self.dir, self.base, suffix)) {
            if !self.disk.exists(&path)? {
                return Ok(None);
            }
        }
        let Some((offsets, Noted { offset, position })) = self.offsets.last_sound_before(point, self.size())? else {
            return Ok(None);
        };
        let Some(at) = self.batches_from(position).peek()? else { return Ok(None) };
        if at.header.base_offset < self.base || at.header.last_offset() != offset || !self.is_whole(&at)? {
            return Ok(None);
        }
        let Some(aborts) = self.aborts.sound_before(self.base, point)? else { return Ok(None) };
        let Some((times, time, time_offset)) = self.times.last_sound_until(offset)? else { return Ok(None) };
        let is_known = self.is_largest_time(time, time_offset, &at)?;
        Ok(is_known.then_some(Resume { at, offsets, times, aborts }))
    }

    /// Whether a batch with this offset has this timestamp as its largest, and none from there up to `last` a larger one. What lies
    /// before it is taken from the index.
    fn is_largest_time(&self, time: Timestamp, offset: Offset, last: &BatchAt) -> Result<bool, StorageError> {
        let known = time > Timestamp::NONE;
        let walk = if known { self.walk_before(offset)? } else { self.batches_from(0) };
        let mut met = !known;
        for batch in walk {
            let BatchAt { header, position } = batch?;
            if position > last.position {
                break;
            }
            if header.max_timestamp > time {
                return Ok(false);
            }
            let holds = (header.base_offset..=header.last_offset()).contains(&offset);
            met |= holds && header.max_timestamp == time;
        }
        Ok(met)
    }
}
