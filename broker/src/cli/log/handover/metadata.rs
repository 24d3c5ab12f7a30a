//! Reads a metadata log, and the snapshot before it, without changing them: that of Kafka and that of Forebay are read alike.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use forebay_control::metadata::kafka_image::KafkaImage;
use forebay_control::metadata::record::{QuorumRecord, Voter};
use forebay_storage::batch::{Batch, batches};
use forebay_storage::disk::{Disk, RealDisk};
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp};

use super::folder::failed;
use super::snapshot::parse_name;
use crate::cli::exit::CliError;

/// What stands in a metadata log.
#[derive(Default)]
pub(super) struct Metadata {
    /// The state after the last record.
    pub(super) image: KafkaImage,
    /// The offset after the last record.
    pub(super) end: Offset,
    /// The epoch of the last record.
    pub(super) epoch: LeaderEpoch,
    /// The time of the last record.
    pub(super) time: Timestamp,
    /// The members of a dynamic quorum.
    pub(super) voters: Option<Vec<Voter>>,
    /// Bytes at the end of the log that a write was cut off in.
    pub(super) torn_bytes: u64,
}

/// Reads the newest snapshot in `dir` and what follows it in the log.
///
/// # Errors
/// A file cannot be read, is damaged before its end, or holds a record that is not understood.
pub(super) fn read(dir: &Path) -> Result<Metadata, CliError> {
    let names: Vec<String> = RealDisk.list(dir).map_err(failed)?.into_iter().map(|entry| entry.name).collect();
    let mut metadata = Metadata::default();
    let newest = names.iter().filter_map(|name| Some((parse_name(name)?, name))).max();
    if let Some(((end, epoch), name)) = newest {
        let path = dir.join(name);
        let torn = metadata.read_file(&path, Offset::ZERO)?;
        if torn > 0 {
            return Err(damaged(&path, "it does not end where a snapshot ends"));
        }
        (metadata.end, metadata.epoch) = (end, epoch);
    }
    let mut logs: Vec<(Offset, PathBuf)> = names.iter().filter_map(|name| segment(dir, name)).collect();
    logs.sort();
    match logs.first() {
        Some((first, path)) if *first > metadata.end => {
            return Err(damaged(path, &format!("it begins at offset {first}, and no snapshot holds what was before")));
        }
        _ => {}
    }
    let from = metadata.end;
    for (number, (_, path)) in logs.iter().enumerate() {
        let torn = metadata.read_file(path, from)?;
        if torn > 0 && number + 1 < logs.len() {
            return Err(damaged(path, "a batch in it is damaged, and more segments follow"));
        }
        metadata.torn_bytes = torn;
    }
    Ok(metadata)
}

fn segment(dir: &Path, name: &str) -> Option<(Offset, PathBuf)> {
    let base = name.strip_suffix(".log")?.parse().ok().filter(|base| *base >= 0)?;
    Some((Offset(base), dir.join(name)))
}

fn damaged(path: &Path, why: &str) -> CliError {
    CliError::failed(format!("{} cannot be used: {why}", path.display()))
}

impl Metadata {
    /// Takes in the records of a file from an offset on; the bytes at its end that are no whole batch.
    fn read_file(&mut self, path: &Path, from: Offset) -> Result<u64, CliError> {
        let bytes = Bytes::from(RealDisk.read(path).map_err(failed)?);
        let mut left = bytes.len() as u64;
        for batch in batches(bytes) {
            let Ok(batch) = batch else { break };
            if batch.check_crc().is_err() {
                break;
            }
            left -= batch.bytes.len() as u64;
            if batch.header.next_offset() > from {
                self.read_batch(&batch, from).map_err(|why| damaged(path, &why))?;
            }
        }
        Ok(left)
    }

    fn read_batch(&mut self, batch: &Batch, from: Offset) -> Result<(), String> {
        let at = |offset: Offset, why: String| format!("at offset {offset}: {why}");
        let base = batch.header.base_offset;
        let records = batch.records().map_err(|error| at(base, error.to_string()))?;
        for record in records.iter() {
            let record = record.map_err(|error| at(base, error.to_string()))?;
            if record.offset < from {
                continue;
            }
            let value = record.value.unwrap_or_default();
            let understood = if batch.header.is_control() {
                QuorumRecord::decode(record.key.unwrap_or_default(), value).map(|control| self.control(control))
            } else {
                self.image.apply(value)
            };
            understood.map_err(|error| at(record.offset, error.to_string()))?;
        }
        self.end = batch.header.next_offset();
        self.epoch = self.epoch.max(batch.header.leader_epoch);
        self.time = self.time.max(batch.header.max_timestamp);
        Ok(())
    }

    fn control(&mut self, record: QuorumRecord) {
        if let QuorumRecord::Voters(voters) = record {
            self.voters = Some(voters);
        }
    }
}
