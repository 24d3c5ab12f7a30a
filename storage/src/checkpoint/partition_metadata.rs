//! `partition.metadata`: the topic id of a log's folder (Kafka: PartitionMetadataFile).

use std::path::Path;

use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::TopicId;

/// Name of the file.
pub const PARTITION_METADATA_FILE: &str = "partition.metadata";

/// Reads the topic id in a log's folder; `None` if there is no such file.
pub fn read_partition_metadata(disk: &dyn Disk, dir: &Path) -> Result<Option<TopicId>, StorageError> {
    let path = dir.join(PARTITION_METADATA_FILE);
    let content = match disk.read(&path) {
        Ok(content) => content,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8(content).map_err(|_| StorageError::corrupt(&path, "not UTF-8"))?;
    let mut lines = text.lines();
    if lines.next() != Some("version: 0") {
        return Err(StorageError::corrupt(&path, "the first line is not \"version: 0\""));
    }
    let id = lines.next().and_then(|line| line.strip_prefix("topic_id: "));
    let id = id.ok_or_else(|| StorageError::corrupt(&path, "the second line is not a topic_id"))?;
    id.parse().map(Some).map_err(|error: String| StorageError::corrupt(&path, error))
}

/// Writes the topic id into a log's folder.
pub fn write_partition_metadata(disk: &dyn Disk, dir: &Path, topic_id: TopicId) -> Result<(), StorageError> {
    let text = format!("version: 0\ntopic_id: {topic_id}");
    disk.write_atomic(&dir.join(PARTITION_METADATA_FILE), text.as_bytes())
}
