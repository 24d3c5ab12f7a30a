//! Finds offsets by time (Kafka: UnifiedLog.fetchOffsetByTimestamp).

use super::Log;
use crate::error::StorageError;
use crate::ids::{LeaderEpoch, Offset, Timestamp};

impl Log {
    /// The first record whose time is at or after `timestamp`; its offset, time and epoch.
    pub fn offset_for_timestamp(
        &self,
        timestamp: Timestamp,
    ) -> Result<Option<(Offset, Timestamp, LeaderEpoch)>, StorageError> {
        self.check_readable()?;
        for segment in self.segments_from(self.log_start) {
            if segment.max_timestamp()?.0 < timestamp {
                continue;
            }
            if let Some((offset, found, header)) = segment.find_time(timestamp, self.log_start)? {
                return Ok(Some((offset, found, header.leader_epoch)));
            }
        }
        Ok(None)
    }

    /// The first record that has the largest time of the log (KIP-734).
    pub fn max_timestamp_offset(&self) -> Result<Option<(Offset, Timestamp, LeaderEpoch)>, StorageError> {
        self.check_readable()?;
        let mut largest = Timestamp::NONE;
        for segment in self.segments_from(self.log_start) {
            largest = largest.max(segment.max_timestamp()?.0);
        }
        if largest == Timestamp::NONE { Ok(None) } else { self.offset_for_timestamp(largest) }
    }
}
