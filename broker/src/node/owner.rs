//! Whose metadata a data folder holds: this program's, or that of Apache Kafka, which is not opened before it was adopted.

use std::path::{Path, PathBuf};

use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;

use super::run::StartError;

/// The folder of the metadata log in a data folder.
pub const METADATA_FOLDER: &str = "__cluster_metadata-0";
/// Kafka's file about the quorum (Kafka: FileQuorumStateStore).
pub const QUORUM_STATE_FILE: &str = "quorum-state";
/// What Kafka's snapshots of the metadata end with (Kafka: Snapshots.SUFFIX).
pub const SNAPSHOT_SUFFIX: &str = ".checkpoint";

/// Whose the metadata are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This program wrote them last.
    Forebay,
    /// Apache Kafka wrote them last, or they were written for it.
    Kafka,
    /// There are none, but there is a folder in which those of before were kept: what exchanged them was interrupted.
    Interrupted,
}

/// Whose the metadata in `data` are; `None` if there are none. Nothing is written.
pub fn owner_of(disk: &dyn Disk, data: &Path) -> Result<Option<Owner>, StorageError> {
    let found = match disk.list(data) {
        Err(error) if error.is_not_found() => return Ok(None),
        found => found?,
    };
    if !found.iter().any(|entry| entry.is_dir && entry.name == METADATA_FOLDER) {
        return Ok(found.iter().any(|entry| is_kept(&entry.name)).then_some(Owner::Interrupted));
    }
    let names = disk.list(&data.join(METADATA_FOLDER))?;
    let of_kafka = |name: &str| name == QUORUM_STATE_FILE || name.ends_with(SNAPSHOT_SUFFIX);
    let kafkas = names.iter().any(|entry| of_kafka(&entry.name));
    Ok(Some(if kafkas { Owner::Kafka } else { Owner::Forebay }))
}

/// The name for metadata that were in force before: Kafka's for a partition that it does not know, which it leaves alone
/// (Kafka: LocalLog.logStrayDirName). `when` has neither dots nor slashes.
pub fn kept_name(when: &str) -> String {
    format!("{METADATA_FOLDER}.{when}-stray")
}

/// Whether a folder of that name holds metadata that were in force before.
pub fn is_kept(name: &str) -> bool {
    name.strip_prefix(METADATA_FOLDER).is_some_and(|rest| rest.starts_with('.') && rest.ends_with("-stray"))
}

/// An error with the next step if one of the folders is not this program's.
pub(super) fn refuse_what_is_kafkas(disk: &dyn Disk, paths: &[PathBuf]) -> Result<(), StartError> {
    let mut interrupted = None;
    for path in paths {
        match owner_of(disk, path).map_err(|error| StartError(error.to_string()))? {
            None => {}
            Some(Owner::Forebay) => return Ok(()),
            Some(Owner::Kafka) => {
                let all: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                return Err(StartError(format!(
                    "the metadata in {} are those of Apache Kafka; `forebay log adopt {}` takes them over",
                    path.display(),
                    all.join(" ")
                )));
            }
            Some(Owner::Interrupted) => interrupted = Some(path),
        }
    }
    match interrupted {
        Some(path) => Err(StartError(format!(
            "{} has no {METADATA_FOLDER}, but metadata of before beside it: an adoption or export was interrupted; rename \
             the newest {METADATA_FOLDER}.*-stray to {METADATA_FOLDER} and repeat it",
            path.display()
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::disk::MemoryDisk;

    use super::*;

    fn folder(files: &[&str]) -> MemoryDisk {
        let disk = MemoryDisk::new();
        for file in files {
            let path = Path::new("/data").join(file);
            disk.create_dir_all(path.parent().unwrap()).unwrap();
            disk.write_atomic(&path, b"").unwrap();
        }
        disk
    }

    #[test]
    fn kafkas_metadata_are_known_by_its_files() {
        let of = |files: &[&str]| owner_of(&folder(files), Path::new("/data")).unwrap();
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["meta.properties"]), None);
        assert_eq!(of(&["__cluster_metadata-0/00000000000000000000.log"]), Some(Owner::Forebay));
        assert_eq!(of(&["__cluster_metadata-0/quorum-state"]), Some(Owner::Kafka));
        let snapshot = "__cluster_metadata-0/00000000000000000025-0000000001.checkpoint";
        assert_eq!(of(&["__cluster_metadata-0/00000000000000000000.log", snapshot]), Some(Owner::Kafka));
        let kept = format!("{}/00000000000000000000.log", kept_name("20261121T104537"));
        assert_eq!(of(&[&kept]), Some(Owner::Interrupted));
        assert_eq!(of(&[&kept, "__cluster_metadata-0/00000000000000000000.log"]), Some(Owner::Forebay));
    }

    #[test]
    fn a_start_on_kafkas_folder_names_the_way() {
        let kafkas = folder(&["__cluster_metadata-0/quorum-state"]);
        let error = refuse_what_is_kafkas(&kafkas, &["/data".into(), "/more".into()]).unwrap_err();
        assert!(error.0.contains("forebay log adopt /data /more"), "{}", error.0);
        assert!(refuse_what_is_kafkas(&folder(&["__cluster_metadata-0/0.log"]), &["/data".into()]).is_ok());
        assert!(refuse_what_is_kafkas(&folder(&[]), &["/data".into()]).is_ok(), "a new folder");
        let kept = format!("{}/0.log", kept_name("x"));
        assert!(refuse_what_is_kafkas(&folder(&[&kept]), &["/data".into()]).is_err());
    }
}
