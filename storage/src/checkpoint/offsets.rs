//! Checkpoints of one offset per partition (Kafka: OffsetCheckpointFile).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::{field, read_entries, write_entries};
use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::{Offset, TopicPartition};

/// Up to where each log is known to be on disk.
pub const RECOVERY_POINT_FILE: &str = "recovery-point-offset-checkpoint";
/// First offset of each log whose first records were deleted.
pub const LOG_START_OFFSET_FILE: &str = "log-start-offset-checkpoint";
/// High watermark of each partition.
pub const REPLICATION_OFFSET_FILE: &str = "replication-offset-checkpoint";
/// Up to where each compacted log was compacted.
pub const CLEANER_OFFSET_FILE: &str = "cleaner-offset-checkpoint";

/// Reads a checkpoint; one that is not there is empty.
pub fn read_offset_checkpoint(disk: &dyn Disk, path: &Path) -> Result<BTreeMap<TopicPartition, Offset>, StorageError> {
    let entries = read_entries(disk, path, |mut fields| {
        let topic: String = field(&mut fields)?;
        let partition = TopicPartition::new(topic, field(&mut fields)?);
        let offset = Offset(field(&mut fields)?);
        fields.next().is_none().then_some((partition, offset))
    })?;
    Ok(entries.into_iter().collect())
}

/// Replaces a checkpoint.
pub fn write_offset_checkpoint(
    disk: &dyn Disk,
    path: &Path,
    offsets: &BTreeMap<TopicPartition, Offset>,
) -> Result<(), StorageError> {
    write_entries(disk, path, offsets.iter(), |line, (partition, offset)| {
        write!(line, "{} {} {offset}", partition.topic, partition.partition)
    })
}
