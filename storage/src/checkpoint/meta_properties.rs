//! `meta.properties`: whose data a folder holds (Kafka: MetaProperties, version 1).

use std::path::Path;

use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::{BrokerId, TopicId};

/// Name of the file.
pub const META_PROPERTIES_FILE: &str = "meta.properties";

/// What the file says. Lines with other keys are ignored, as Kafka does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster.
    pub cluster_id: String,
    /// The node.
    pub node_id: BrokerId,
    /// This folder's own id, in the form of a topic id (KIP-858).
    pub directory_id: Option<TopicId>,
}

impl MetaProperties {
    /// Reads the file of a log folder; `None` if it is not there.
    pub fn read(disk: &dyn Disk, log_dir: &Path) -> Result<Option<MetaProperties>, StorageError> {
        let path = log_dir.join(META_PROPERTIES_FILE);
        let content = match disk.read(&path) {
            Ok(content) => content,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8(content).map_err(|_| StorageError::corrupt(&path, "not UTF-8"))?;
        let value = |key: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            lines.filter_map(|line| line.split_once('=')).find(|(k, _)| k.trim() == key).map(|(_, v)| v.trim())
        };
        let missing = |key: &str| StorageError::corrupt(&path, format!("no usable {key}"));
        if value("version") != Some("1") {
            return Err(StorageError::corrupt(&path, format!("version {:?}, only 1 is known", value("version"))));
        }
        let directory_id = match value("directory.id") {
            None => None,
            Some(id) => Some(id.parse().map_err(|error: String| StorageError::corrupt(&path, error))?),
        };
        Ok(Some(MetaProperties {
            cluster_id: value("cluster.id").ok_or_else(|| missing("cluster.id"))?.to_owned(),
            node_id: BrokerId(value("node.id").and_then(|id| id.parse().ok()).ok_or_else(|| missing("node.id"))?),
            directory_id,
        }))
    }

    /// Replaces the file of a log folder.
    pub fn write(&self, disk: &dyn Disk, log_dir: &Path) -> Result<(), StorageError> {
        let mut text = format!("cluster.id={}\n", self.cluster_id);
        if let Some(id) = self.directory_id {
            text.push_str(&format!("directory.id={id}\n"));
        }
        text.push_str(&format!("node.id={}\nversion=1\n", self.node_id));
        disk.write_atomic(&log_dir.join(META_PROPERTIES_FILE), text.as_bytes())
    }
}
