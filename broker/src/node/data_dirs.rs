//! The data folders: locked, identified by `meta.properties`, and with or without the mark of a clean shutdown.

use std::path::{Path, PathBuf};

use forebay_storage::checkpoint::{MetaProperties, clean_shutdown_exists, remove_clean_shutdown, write_clean_shutdown};
use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{BrokerId, TopicId};
use uuid::Uuid;

use super::run::StartError;

/// Kafka's name of the lock file.
const LOCK_FILE: &str = ".lock";

/// A data folder that this process holds.
pub struct DataDir {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was closed in order the last time.
    pub clean: bool,
    /// Held until the process ends.
    _lock: Box<dyn Send + Sync>,
}

/// Takes the folders and tells the cluster's id, which is made when the first of them is new.
pub fn open(disk: &dyn Disk, paths: &[PathBuf], node_id: BrokerId) -> Result<(Vec<DataDir>, String), StartError> {
    let mut dirs = Vec::with_capacity(paths.len());
    let mut cluster: Option<(String, PathBuf)> = None;
    for path in paths {
        dirs.push(lock(disk, path)?);
        let Some(found) = MetaProperties::read(disk, path).map_err(|e| StartError(e.to_string()))? else { continue };
        if found.node_id != node_id {
            return Err(StartError(format!(
                "{} belongs to node {}, and this is node {node_id}; set node.id={} or use another folder",
                path.display(),
                found.node_id,
                found.node_id
            )));
        }
        match &cluster {
            Some((id, other)) if *id != found.cluster_id => {
                return Err(StartError(format!(
                    "{} is of cluster {id} and {} of cluster {}; one node's folders belong to one cluster",
                    other.display(),
                    path.display(),
                    found.cluster_id
                )));
            }
            _ => cluster = Some((found.cluster_id, path.clone())),
        }
    }
    let cluster_id = cluster.map_or_else(|| TopicId(Uuid::new_v4()).to_string(), |(id, _)| id);
    for path in paths {
        identify(disk, path, &cluster_id, node_id).map_err(|e| StartError(e.to_string()))?;
    }
    Ok((dirs, cluster_id))
}

fn lock(disk: &dyn Disk, path: &Path) -> Result<DataDir, StartError> {
    let in_use = |e: StorageError| match e {
        StorageError::Locked { .. } => StartError(format!(
            "{} is in use by another process; stop it, or use another folder with --data DIR",
            path.display()
        )),
        other => StartError(other.to_string()),
    };
    disk.create_dir_all(path).map_err(in_use)?;
    let lock = disk.lock(&path.join(LOCK_FILE)).map_err(in_use)?;
    let clean = clean_shutdown_exists(disk, path).map_err(in_use)?;
    if clean {
        remove_clean_shutdown(disk, path).map_err(in_use)?;
    }
    Ok(DataDir { path: path.to_owned(), clean, _lock: lock })
}

fn identify(disk: &dyn Disk, path: &Path, cluster_id: &str, node_id: BrokerId) -> Result<(), StorageError> {
    if MetaProperties::read(disk, path)?.is_some() {
        return Ok(());
    }
    let properties =
        MetaProperties { cluster_id: cluster_id.to_owned(), node_id, directory_id: Some(TopicId(Uuid::new_v4())) };
    properties.write(disk, path)
}

/// Leaves the mark of a clean shutdown; every log must be closed.
pub fn mark_clean(disk: &dyn Disk, paths: &[PathBuf]) -> Result<(), StorageError> {
    paths.iter().try_for_each(|path| write_clean_shutdown(disk, path, -1))
}
