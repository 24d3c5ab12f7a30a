//! Checks a data folder with all its partitions, or the folder of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::finding::{Class, FileFindings, Finding};
use super::partition::{PartitionReport, base_of_log, check_partition};
use super::recovery::Circumstances;
use crate::checkpoint::{
    LOG_START_OFFSET_FILE, META_PROPERTIES_FILE, MetaProperties, PARTITION_METADATA_FILE, RECOVERY_POINT_FILE,
    REPLICATION_OFFSET_FILE, clean_shutdown_exists, read_offset_checkpoint,
};
use crate::disk::RealDisk;
use crate::error::StorageError;
use crate::ids::Offset;
use crate::log::parse_dir_name;

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

/// Checks everything in `dir`: a data folder, or the folder of one partition. Nothing is written. `progress` is told the bytes of
/// log files that were checked and that there are.
///
/// # Errors
/// The folder cannot be read; [`StorageError::is_not_found`] also if there are no logs in it.
pub fn check(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, StorageError> {
    let (files, folders) = list(dir)?;
    let is_partition = files.iter().any(|name| base_of_log(name).is_some() || name == PARTITION_METADATA_FILE);
    let folders: Vec<String> = folders.into_iter().filter(|name| parse_dir_name(name).is_some()).collect();
    if !is_partition && folders.is_empty() && !files.iter().any(|name| name == META_PROPERTIES_FILE) {
        let reason = io::Error::new(io::ErrorKind::NotFound, "neither a data folder nor the folder of a partition");
        return Err(StorageError::io("check", dir)(reason));
    }
    // A partition's circumstances are told by the data folder that it stands in.
    let whole = fs::canonicalize(dir).map_err(StorageError::io("look at", dir))?;
    let data = if is_partition { whole.parent().unwrap_or(&whole).to_owned() } else { whole.clone() };
    let live = is_locked(&data.join(LOCK_FILE));
    let mut report = Report {
        live,
        clean_shutdown: clean_shutdown_exists(&RealDisk, &data)?,
        partitions: Vec::new(),
        findings: if is_partition { Vec::new() } else { check_beside(&data, &files) },
    };
    let paths: Vec<(String, PathBuf)> = if is_partition {
        let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        vec![(name, whole)]
    } else {
        folders.into_iter().map(|name| (name.clone(), whole.join(name))).collect()
    };
    check_all(&mut report, paths, &data, progress)?;
    Ok(report)
}

fn check_all(
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
        let (files, _) = match list(&path) {
            // Deleted by a live broker just now.
            Err(error) if error.is_not_found() && report.live => continue,
            other => other?,
        };
        let size = |file: &String| fs::metadata(path.join(file)).map_or(0, |data| data.len());
        total += files.iter().filter(|file| base_of_log(file).is_some()).map(size).sum::<u64>();
        listed.push((name, path, files));
    }
    let mut done = 0;
    for (name, path, files) in listed {
        let point = parse_dir_name(&name).and_then(|partition| points.get(&partition).copied());
        let recovery_point = point.unwrap_or(Offset::ZERO);
        let how = Circumstances { clean: report.clean_shutdown, recovery_point, live: report.live };
        let partition = check_partition(&path, name, &files, how, &mut |bytes| {
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

/// Names of the files and of the folders in `dir`, sorted. Names that are not UTF-8 are not ours.
fn list(dir: &Path) -> Result<(Vec<String>, Vec<String>), StorageError> {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(StorageError::io("read", dir))? {
        let entry = entry.map_err(StorageError::io("read", dir))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() { folders.push(name) } else { files.push(name) }
    }
    files.sort_unstable();
    folders.sort_unstable();
    Ok((files, folders))
}

/// Checks the small files of a data folder.
fn check_beside(data: &Path, files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let wrong = match file.as_str() {
            META_PROPERTIES_FILE => MetaProperties::read(&RealDisk, data).err(),
            RECOVERY_POINT_FILE | LOG_START_OFFSET_FILE | REPLICATION_OFFSET_FILE => {
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

/// Whether a process holds the lock. The file is opened for reading only and never made.
fn is_locked(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}
