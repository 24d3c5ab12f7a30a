//! The mark that a broker leaves when it has closed all logs of a folder (Kafka: CleanShutdownFileHandler).

use std::path::Path;

use crate::disk::Disk;
use crate::error::StorageError;

/// Name of the mark.
pub const CLEAN_SHUTDOWN_FILE: &str = ".kafka_cleanshutdown";

/// Whether the folder was closed in order.
pub fn clean_shutdown_exists(disk: &dyn Disk, log_dir: &Path) -> Result<bool, StorageError> {
    disk.exists(&log_dir.join(CLEAN_SHUTDOWN_FILE))
}

/// Leaves the mark, after every log was closed. `broker_epoch` is -1 if there is none.
pub fn write_clean_shutdown(disk: &dyn Disk, log_dir: &Path, broker_epoch: i64) -> Result<(), StorageError> {
    let content = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    disk.write_atomic(&log_dir.join(CLEAN_SHUTDOWN_FILE), content.as_bytes())
}

/// Takes the mark away, durably, before the first log is opened for writing.
pub fn remove_clean_shutdown(disk: &dyn Disk, log_dir: &Path) -> Result<(), StorageError> {
    disk.remove_file(&log_dir.join(CLEAN_SHUTDOWN_FILE))?;
    disk.sync_dir(log_dir)
}
