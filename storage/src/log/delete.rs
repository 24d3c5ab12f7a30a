//! Removes a log (Kafka: LogManager.asyncDelete).

use super::{Log, names};
use crate::error::StorageError;

impl Log {
    /// Renames the folder so that a restart will not take it for a log, then removes it. Bytes read before stay readable.
    pub fn delete(&mut self) -> Result<(), StorageError> {
        self.broken = true;
        self.compaction.cancel();
        let gone = self.dir.with_file_name(names::deleted_dir_name(&self.partition, self.topic_id));
        self.disk.remove_dir_all(&gone)?;
        self.disk.rename(&self.dir, &gone)?;
        if let Some(parent) = self.dir.parent() {
            self.disk.sync_dir(parent)?;
        }
        self.disk.remove_dir_all(&gone)
    }
}
