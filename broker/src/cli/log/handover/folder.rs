//! The data folders of one node, locked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forebay_storage::checkpoint::{
    META_PROPERTIES_FILE, MetaProperties, clean_shutdown_exists, read_partition_metadata,
};
use forebay_storage::disk::{Disk, RealDisk};
use forebay_storage::error::StorageError;
use forebay_storage::ids::{BrokerId, TopicId, TopicPartition};
use forebay_storage::log::parse_dir_name;

use crate::cli::exit::{CliError, Exit};
use crate::node::owner::{METADATA_FOLDER, Owner, is_kept, owner_of};

/// Kafka's name of the lock file.
const LOCK_FILE: &str = ".lock";
/// What the folder of a replica that is being moved between folders ends with.
const FUTURE_SUFFIX: &str = "-future";

/// The data folders of one node.
pub(super) struct DataFolders {
    /// In the order they were named.
    pub(super) dirs: Vec<DataFolder>,
    /// Number of the one with the metadata log.
    pub(super) metadata: usize,
    /// Whose the metadata are.
    pub(super) owner: Owner,
    _locks: Vec<Box<dyn Send + Sync>>,
}

/// One data folder.
pub(super) struct DataFolder {
    pub(super) path: PathBuf,
    pub(super) properties: MetaProperties,
    /// The last broker closed it in order.
    pub(super) clean: bool,
    /// The folders of partitions, each with the id of the topic if it says one.
    pub(super) partitions: BTreeMap<TopicPartition, Option<TopicId>>,
    /// Folders of replicas that were being moved.
    pub(super) future: Vec<String>,
}

impl DataFolders {
    /// Locks and looks at the folders.
    ///
    /// # Errors
    /// One is not there or no data folder (5); is in use; they are not of one node; they have no metadata log.
    pub(super) fn open(paths: &[PathBuf]) -> Result<DataFolders, CliError> {
        let (mut dirs, mut locks, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for path in paths {
            let path = std::path::absolute(path).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))?;
            let properties = properties(&path)?;
            locks.push(lock(&path)?);
            owners.push(owner_of(&RealDisk, &path).map_err(failed)?);
            dirs.push(DataFolder::look(path, properties)?);
        }
        one_node(&dirs)?;
        let (metadata, owner) = metadata_folder(&dirs, &owners)?;
        Ok(DataFolders { dirs, metadata, owner, _locks: locks })
    }

    pub(super) fn node(&self) -> BrokerId {
        self.dirs[0].properties.node_id
    }

    /// The folder that holds the metadata log.
    pub(super) fn home(&self) -> &DataFolder {
        &self.dirs[self.metadata]
    }

    /// The number of the folder that a partition lies in, and its topic's id there.
    pub(super) fn find(&self, partition: &TopicPartition) -> Option<(usize, Option<TopicId>)> {
        let found = |(number, dir): (usize, &DataFolder)| Some((number, *dir.partitions.get(partition)?));
        self.dirs.iter().enumerate().find_map(found)
    }

    /// All folders as arguments of a command.
    pub(super) fn arguments(&self) -> String {
        self.dirs.iter().map(|dir| dir.path.display().to_string()).collect::<Vec<_>>().join(" ")
    }
}

impl DataFolder {
    fn look(path: PathBuf, properties: MetaProperties) -> Result<DataFolder, CliError> {
        let mut partitions = BTreeMap::new();
        let mut future = Vec::new();
        for entry in RealDisk.list(&path).map_err(failed)?.into_iter().filter(|entry| entry.is_dir) {
            if entry.name == METADATA_FOLDER || is_kept(&entry.name) {
                continue;
            }
            if entry.name.ends_with(FUTURE_SUFFIX) && entry.name.contains('.') {
                future.push(entry.name);
            } else if let Some(partition) = parse_dir_name(&entry.name) {
                let id = read_partition_metadata(&RealDisk, &path.join(&entry.name)).map_err(failed)?;
                partitions.insert(partition, id);
            }
        }
        let clean = clean_shutdown_exists(&RealDisk, &path).map_err(failed)?;
        Ok(DataFolder { path, properties, clean, partitions, future })
    }
}

/// A failure of the disk, as a command says it.
pub(super) fn failed(error: StorageError) -> CliError {
    CliError::failed(error.to_string())
}

fn properties(path: &Path) -> Result<MetaProperties, CliError> {
    match MetaProperties::read(&RealDisk, path) {
        Ok(Some(properties)) => Ok(properties),
        Ok(None) => {
            let message = format!("{} is no data folder: there is no {META_PROPERTIES_FILE} in it", path.display());
            Err(CliError::new(Exit::NotThere, message))
        }
        Err(error) => Err(failed(error)),
    }
}

fn lock(path: &Path) -> Result<Box<dyn Send + Sync>, CliError> {
    RealDisk.lock(&path.join(LOCK_FILE)).map_err(|error| match error {
        StorageError::Locked { .. } => {
            CliError::failed(format!("{} is in use by a running broker; stop it first", path.display()))
        }
        other => failed(other),
    })
}

fn one_node(dirs: &[DataFolder]) -> Result<(), CliError> {
    let first = &dirs[0];
    for other in &dirs[1..] {
        let (a, b) = (&first.properties, &other.properties);
        if a.cluster_id != b.cluster_id || a.node_id != b.node_id {
            return Err(CliError::usage(format!(
                "{} is of node {} of cluster {} and {} of node {} of cluster {}; name the folders of one node",
                first.path.display(),
                a.node_id,
                a.cluster_id,
                other.path.display(),
                b.node_id,
                b.cluster_id
            )));
        }
    }
    Ok(())
}

fn metadata_folder(dirs: &[DataFolder], owners: &[Option<Owner>]) -> Result<(usize, Owner), CliError> {
    let held: Vec<(usize, Owner)> =
        owners.iter().enumerate().filter_map(|(number, owner)| Some((number, (*owner)?))).collect();
    let whole: Vec<(usize, Owner)> = held.iter().copied().filter(|(_, owner)| *owner != Owner::Interrupted).collect();
    match (&whole[..], &held[..]) {
        ([one], _) => Ok(*one),
        ([], [(number, _), ..]) => Err(CliError::failed(format!(
            "{0} has no {METADATA_FOLDER}, but metadata of before beside it: an adoption or export was interrupted; rename the \
             newest {METADATA_FOLDER}.*-stray in it to {METADATA_FOLDER} and repeat the command",
            dirs[*number].path.display()
        ))),
        ([], []) => {
            let all = dirs.iter().map(|dir| dir.path.display().to_string()).collect::<Vec<_>>().join(", ");
            let message =
                format!("there is no {METADATA_FOLDER} in {all}; name all folders of log.dirs and metadata.log.dir");
            Err(CliError::new(Exit::NotThere, message))
        }
        ([(a, _), (b, _), ..], _) => Err(CliError::failed(format!(
            "both {} and {} have a {METADATA_FOLDER}; one node has one",
            dirs[*a].path.display(),
            dirs[*b].path.display()
        ))),
    }
}
