//! Checks the folder of one partition.

use std::path::Path;

use super::Files;
use super::aborts::OpenTransactions;
use super::finding::{Class, FileFindings, Finding};
use super::recovery::{self, Circumstances};
use super::segment::{SegmentSummary, check_segment};
use crate::checkpoint::{PARTITION_METADATA_FILE, read_partition_metadata};
use crate::disk::RealDisk;
use crate::epochs::{LEADER_EPOCH_FILE, LeaderEpochs};
use crate::ids::Offset;
use crate::segment::{LARGEST_BASE, LOG_SUFFIX, base_of_log, file_path};

/// What a partition's folder holds and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// Name of the folder.
    pub name: String,
    /// Segments.
    pub segments: u64,
    /// Batches.
    pub batches: u64,
    /// Records, as the batches count them.
    pub records: u64,
    /// Bytes of log files.
    pub bytes: u64,
    /// Where the first segment begins.
    pub first_offset: Offset,
    /// The offset after the last good batch.
    pub end_offset: Offset,
    /// What was found; files are relative to the partition's folder.
    pub findings: Vec<Finding>,
}

pub(super) fn check_partition(
    files: &dyn Files,
    dir: &Path,
    name: String,
    names: &[String],
    how: Circumstances,
    progress: &mut dyn FnMut(u64),
) -> PartitionReport {
    let mut open = OpenTransactions::default();
    let mut segments: Vec<SegmentSummary> = Vec::new();
    let mut bases: Vec<Offset> = names.iter().filter_map(|name| base_of_log(name)).collect();
    bases.sort_unstable();
    for base in bases {
        let mut segment = check_segment(files, dir, base, &mut open, progress);
        if let Some(before) = segments.last() {
            segment.found.extend(join(before, base));
        }
        if base > LARGEST_BASE {
            let mut found = FileFindings::new(file_path(Path::new(""), base, LOG_SUFFIX), Some(base));
            let what = "its offset leaves no room for records; the log does not open until the file is moved away";
            found.damage(Class::Other, None, what);
            segment.found.extend(found.finish());
        }
        segments.push(segment);
    }
    let sum = |of: fn(&SegmentSummary) -> u64| segments.iter().map(of).sum();
    let mut report = PartitionReport {
        name,
        segments: segments.len() as u64,
        batches: sum(|segment| segment.batches),
        records: sum(|segment| segment.records),
        bytes: sum(|segment| segment.bytes),
        first_offset: segments.first().map_or(Offset::ZERO, |segment| segment.base),
        end_offset: segments.iter().map(|segment| segment.end).max().unwrap_or(Offset::ZERO),
        findings: recovery::settle(&mut segments, how),
    };
    for name in names {
        report.findings.extend(check_other(files, dir, name));
    }
    report
}

/// Whether a segment follows on the one before.
fn join(before: &SegmentSummary, base: Offset) -> Vec<super::finding::Raw> {
    let name = file_path(Path::new(""), base, LOG_SUFFIX);
    let mut found = FileFindings::new(name, Some(base));
    if base < before.end {
        let what = format!("begins at offset {base}, but the segment before it reaches to {}", before.end);
        found.damage(Class::Other, None, what);
    } else if base > before.end && before.first_bad.is_none() {
        let what = format!("begins at offset {base}: offsets {} to {} are in no segment", before.end, base.0 - 1);
        found.damage(Class::Gap(before.end), None, what);
    }
    found.finish()
}

/// Checks a file that is no segment's.
fn check_other(files: &dyn Files, dir: &Path, file: &str) -> Vec<Finding> {
    let mut found = FileFindings::new(file, None);
    let wrong = if file == LEADER_EPOCH_FILE {
        LeaderEpochs::open(std::sync::Arc::new(RealDisk), dir).err().map(|error| error.to_string())
    } else if file == PARTITION_METADATA_FILE {
        read_partition_metadata(&RealDisk, dir).err().map(|error| error.to_string())
    } else if file.ends_with(".snapshot") {
        match super::read_whole(files, &dir.join(file)) {
            Ok(bytes) => super::snapshot(&bytes).err(),
            Err(error) => Some(format!("cannot be read: {error}")),
        }
    } else {
        if [".deleted", ".cleaned", ".swap", ".tmp", ".cut"].iter().any(|suffix| file.ends_with(suffix)) {
            found.note(None, "left over from a deletion or a compaction; opening the log tidies it up");
        }
        None
    };
    if let Some(wrong) = wrong {
        found.damage(Class::Other, None, wrong);
    }
    found.finish().into_iter().map(|raw| raw.finding).collect()
}
