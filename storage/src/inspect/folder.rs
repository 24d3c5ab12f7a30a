//! Checks a data folder with all its partitions, or the folder of one.

use std::io;
use std::path::{Path, PathBuf};

use super::Files;
use super::finding::{Class, FileFindings, Finding};
use super::partition::{PartitionReport, check_partition};
use super::recovery::Circumstances;
use crate::checkpoint::{
    CLEANER_OFFSET_FILE, LOG_START_OFFSET_FILE, META_PROPERTIES_FILE, MetaProperties, PARTITION_METADATA_FILE,
    RECOVERY_POINT_FILE, REPLICATION_OFFSET_FILE, clean_shutdown_exists, read_offset_checkpoint,
};
use crate::disk::{DirEntry, Disk, RealDisk};
use crate::error::StorageError;
use crate::ids::Offset;
use crate::log::parse_dir_name;
use crate::segment::base_of_log;

/// Kafka's name of the lock file.
const LOCK_FILE: &str = ".lock";

/// What was found in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Another process holds the folder: its files may change while they are read.
    pub live: bool,
    /// The mark of a clean shutdown is there.
    pub clean_shutdown: bool,
    /// The partitions, by name.
    pub partitions: Vec<PartitionReport>,
    /// What is wrong with the files beside the partitions.
    pub findings: Vec<Finding>,
}

/// Checks everything in `dir`, an absolute path: a data folder, or the folder of one partition. Nothing is written. `progress` is
/// told the bytes of log files that were checked and that there are.
///
/// # Errors
/// The folder cannot be read; [`StorageError::is_not_found`] also if there are no logs in it.
pub fn check(files: &dyn Files, dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, StorageError> {
    let (names, folders) = list(dir)?;
    let is_partition = names.iter().any(|name| base_of_log(name).is_some() || name == PARTITION_METADATA_FILE);
    let folders: Vec<String> = folders.into_iter().filter(|name| parse_dir_name(name).is_some()).collect();
    if !is_partition && folders.is_empty() && !names.iter().any(|name| name == META_PROPERTIES_FILE) {
        let reason = io::Error::new(io::ErrorKind::NotFound, "neither a data folder nor the folder of a partition");
        return Err(StorageError::io("check", dir)(reason));
    }
    // A partition's circumstances are told by the data folder that it stands in.
    let data = if is_partition { dir.parent().unwrap_or(dir) } else { dir };
    let live = files.is_locked(&data.join(LOCK_FILE));
    let mut report = Report {
        live,
        clean_shutdown: clean_shutdown_exists(&RealDisk, data)?,
        partitions: Vec::new(),
        findings: if is_partition { Vec::new() } else { check_beside(data, &names) },
    };
    let paths: Vec<(String, PathBuf)> = if is_partition {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        vec![(name, dir.to_owned())]
    } else {
        folders.into_iter().map(|name| (name.clone(), dir.join(name))).collect()
    };
    check_all(files, &mut report, paths, data, progress)?;
    Ok(report)
}

fn check_all(
    files: &dyn Files,
    report: &mut Report,
    paths: Vec<(String, PathBuf)>,
    data: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StorageError> {
    // A damaged checkpoint is told elsewhere; like none, it says nothing.
    let points = read_offset_checkpoint(&RealDisk, &data.join(RECOVERY_POINT_FILE)).unwrap_or_default();
    let mut listed = Vec::with_capacity(paths.len());
    let mut total = 0;
    for (name, path) in paths {
        let (names, _) = match list(&path) {
            // Deleted by a live broker just now.
            Err(error) if error.is_not_found() && report.live => continue,
            other => other?,
        };
        let size = |name: &String| files.open(&path.join(name)).map_or(0, |(_, length)| length);
        total += names.iter().filter(|name| base_of_log(name).is_some()).map(size).sum::<u64>();
        listed.push((name, path, names));
    }
    let mut done = 0;
    for (name, path, names) in listed {
        let point = parse_dir_name(&name).and_then(|partition| points.get(&partition).copied());
        let recovery_point = point.unwrap_or(Offset::ZERO);
        let how = Circumstances { clean: report.clean_shutdown, recovery_point, live: report.live };
        let partition = check_partition(files, &path, name, &names, how, &mut |bytes| {
            done += bytes;
            progress(done, total);
        });
        if partition.findings.is_empty() && recovery_point > partition.end_offset && !report.live {
            let mut found = FileFindings::new(RECOVERY_POINT_FILE, None);
            let what = format!(
                "says that {} was on disk up to offset {recovery_point}, but the log ends at {}: records are missing",
                partition.name, partition.end_offset
            );
            found.damage(Class::Other, None, what);
            report.findings.extend(found.finish().into_iter().map(|raw| raw.finding));
        }
        report.partitions.push(partition);
    }
    Ok(())
}

/// Names of the files and of the folders in `dir`, sorted.
fn list(dir: &Path) -> Result<(Vec<String>, Vec<String>), StorageError> {
    let (folders, files): (Vec<_>, Vec<_>) = RealDisk.list(dir)?.into_iter().partition(|entry| entry.is_dir);
    let names = |entries: Vec<DirEntry>| entries.into_iter().map(|entry| entry.name).collect();
    Ok((names(files), names(folders)))
}

/// Checks the small files of a data folder.
fn check_beside(data: &Path, files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let wrong = match file.as_str() {
            META_PROPERTIES_FILE => MetaProperties::read(&RealDisk, data).err(),
            RECOVERY_POINT_FILE | LOG_START_OFFSET_FILE | REPLICATION_OFFSET_FILE | CLEANER_OFFSET_FILE => {
                read_offset_checkpoint(&RealDisk, &data.join(file)).err()
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let mut found = FileFindings::new(file, None);
            found.damage(Class::Other, None, wrong.to_string());
            findings.extend(found.finish().into_iter().map(|raw| raw.finding));
        }
    }
    findings
}
