//! The data folders: locked, identified by `meta.properties`, and with or without the mark of a clean shutdown.
//!
//! A folder that cannot be read is offline, and the others serve (Kafka: LogManager.createAndValidateLogDirs). One that another process
//! holds, or that belongs to another node, is a mistake of its operator and no start.

use std::path::{Path, PathBuf};

use forebay_storage::checkpoint::{MetaProperties, clean_shutdown_exists, remove_clean_shutdown, write_clean_shutdown};
use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{BrokerId, TopicId};
use uuid::Uuid;

use super::run::StartError;
use crate::partition::FoundDir;

/// Kafka's name of the lock file.
const LOCK_FILE: &str = ".lock";

/// A data folder as it was found.
pub struct DataDir {
    /// Where it is, and how it is.
    pub found: FoundDir,
    /// Held until the process ends.
    _lock: Option<Box<dyn Send + Sync>>,
    cluster_id: Option<String>,
}

/// Takes the folders and tells the cluster's id, which is made when all of them are new.
pub fn open(disk: &dyn Disk, paths: &[PathBuf], node_id: BrokerId) -> Result<(Vec<DataDir>, String), StartError> {
    let mut dirs = Vec::with_capacity(paths.len());
    for path in paths {
        let dir = match take(disk, path, node_id) {
            Err(Failure::Mistake(error)) => return Err(error),
            Err(Failure::Disk(error)) => DataDir::failed(path, &error),
            Ok(dir) => dir,
        };
        dirs.push(dir);
    }
    let cluster_id = agreed_cluster(&dirs)?.unwrap_or_else(|| TopicId(Uuid::new_v4()).to_string());
    for dir in dirs.iter_mut().filter(|dir| dir.found.failure.is_none() && dir.cluster_id.is_none()) {
        if let Err(error) = identify(disk, &dir.found.path, &cluster_id, node_id) {
            *dir = DataDir::failed(&dir.found.path, &error);
        }
    }
    // The metadata log lies in the first one (Kafka: a broker halts without its metadata.log.dir).
    if let Some((path, why)) = dirs.first().and_then(|dir| Some((&dir.found.path, dir.found.failure.as_ref()?))) {
        return Err(StartError(format!(
            "the first data folder, which holds the metadata, cannot be used: {why}; repair {} and start again",
            path.display()
        )));
    }
    Ok((dirs, cluster_id))
}

impl DataDir {
    fn failed(path: &Path, error: &StorageError) -> DataDir {
        let found = FoundDir { path: path.to_owned(), clean: false, failure: Some(error.to_string()) };
        DataDir { found, _lock: None, cluster_id: None }
    }
}

enum Failure {
    Mistake(StartError),
    Disk(StorageError),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Failure {
        Failure::Disk(error)
    }
}

fn take(disk: &dyn Disk, path: &Path, node_id: BrokerId) -> Result<DataDir, Failure> {
    disk.create_dir_all(path)?;
    let lock = disk.lock(&path.join(LOCK_FILE)).map_err(|error| match error {
        StorageError::Locked { .. } => Failure::Mistake(StartError(format!(
            "{} is in use by another process; stop it, or use another folder with --data DIR",
            path.display()
        ))),
        other => Failure::Disk(other),
    })?;
    let properties = MetaProperties::read(disk, path)?;
    if let Some(found) = properties.as_ref().filter(|found| found.node_id != node_id) {
        return Err(Failure::Mistake(StartError(format!(
            "{} belongs to node {}, and this is node {node_id}; set node.id={} or use another folder",
            path.display(),
            found.node_id,
            found.node_id
        ))));
    }
    let clean = clean_shutdown_exists(disk, path)?;
    if clean {
        remove_clean_shutdown(disk, path)?;
    }
    let found = FoundDir { path: path.to_owned(), clean, failure: None };
    Ok(DataDir { found, _lock: Some(lock), cluster_id: properties.map(|properties| properties.cluster_id) })
}

fn agreed_cluster(dirs: &[DataDir]) -> Result<Option<String>, StartError> {
    let mut named = dirs.iter().filter_map(|dir| Some((dir.cluster_id.as_ref()?, &dir.found.path)));
    let Some((id, first)) = named.next() else { return Ok(None) };
    match named.find(|(other, _)| *other != id) {
        Some((other, path)) => Err(StartError(format!(
            "{} is of cluster {id} and {} of cluster {other}; one node's folders belong to one cluster",
            first.display(),
            path.display()
        ))),
        None => Ok(Some(id.clone())),
    }
}

fn identify(disk: &dyn Disk, path: &Path, cluster_id: &str, node_id: BrokerId) -> Result<(), StorageError> {
    let properties =
        MetaProperties { cluster_id: cluster_id.to_owned(), node_id, directory_id: Some(TopicId(Uuid::new_v4())) };
    properties.write(disk, path)
}

/// Leaves the mark of a clean shutdown in these folders; every log in them must be closed.
pub fn mark_clean(disk: &dyn Disk, paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = write_clean_shutdown(disk, path, -1) {
            // Without it the next start reads what a crash would make it read, and finds the same.
            tracing::warn!("{} keeps no mark of a clean shutdown: {error}", path.display());
        }
    }
}
