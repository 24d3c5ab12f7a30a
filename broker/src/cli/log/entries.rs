//! The small files of a log and of a data folder as rows.

use std::path::Path;

use forebay_storage::checkpoint::{MetaProperties, read_offset_checkpoint, read_partition_metadata};
use forebay_storage::disk::RealDisk;
use forebay_storage::epochs::LeaderEpochs;
use forebay_storage::error::StorageError;
use forebay_storage::ids::Offset;
use forebay_storage::inspect::{IndexFile, abort_index, offset_index, snapshot, time_index};
use serde_json::Value;

use super::fields::{Fields, fields};
use super::text::time;

/// What a file holds: one object an entry, all with the same fields.
pub(super) struct Listing {
    pub(super) kind: &'static str,
    pub(super) entries: Vec<Fields>,
    /// What else is to be said.
    pub(super) remark: Option<String>,
}

impl Listing {
    fn new(kind: &'static str, entries: Vec<Fields>) -> Listing {
        Listing { kind, entries, remark: None }
    }

    fn index<T>(kind: &'static str, file: IndexFile<T>, entry: impl Fn(T) -> Fields) -> Listing {
        let mut remarks = Vec::new();
        if file.unused_bytes > 0 {
            remarks.push(format!("{} bytes at the end are zeros, room for more entries", file.unused_bytes));
        }
        if file.ragged_bytes > 0 {
            remarks.push(format!("{} bytes at the end are no whole entry", file.ragged_bytes));
        }
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        Listing { kind, entries: file.entries.into_iter().map(entry).collect(), remark }
    }

    /// The entries under their names; times as people read them.
    pub(super) fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let cell = |name: &str, value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => super::text::shown(Some(text.as_bytes())),
            Value::Number(number) if name.ends_with("_ms") => number.as_i64().map_or(number.to_string(), time),
            other => other.to_string(),
        };
        let row = |entry: &Fields| entry.0.iter().map(|(name, value)| cell(name, value)).collect();
        let names = self.entries.first().into_iter().flat_map(|entry| &entry.0);
        let header = names.map(|(name, _)| name.trim_end_matches("_ms").replace('_', " ").to_uppercase());
        (header.collect(), self.entries.iter().map(row).collect())
    }
}

pub(super) fn offsets(bytes: &[u8], base: Offset) -> Listing {
    Listing::index(
        "index",
        offset_index(bytes, base),
        |entry| fields!({ "offset": entry.offset.0, "position": entry.position }),
    )
}

pub(super) fn times(bytes: &[u8], base: Offset) -> Listing {
    Listing::index(
        "timeindex",
        time_index(bytes, base),
        |entry| fields!({ "offset": entry.offset.0, "timestamp_ms": entry.timestamp.0 }),
    )
}

pub(super) fn aborts(bytes: &[u8]) -> Listing {
    Listing::index("txnindex", abort_index(bytes), |entry| {
        fields!({
            "version": entry.version,
            "producer_id": entry.aborted.producer_id.0,
            "first_offset": entry.aborted.first_offset.0,
            "last_offset": entry.aborted.last_offset.0,
            "last_stable_offset": entry.aborted.last_stable_offset.0,
        })
    })
}

pub(super) fn producers(bytes: &[u8]) -> Result<Listing, String> {
    let entry = |entry: forebay_storage::inspect::SnapshotEntry| {
        fields!({
            "producer_id": entry.producer_id.0,
            "producer_epoch": entry.producer_epoch.0,
            "last_sequence": entry.last_sequence.0,
            "last_offset": entry.last_offset.map(|offset| offset.0),
            "offset_delta": entry.offset_delta,
            "last_timestamp_ms": entry.last_timestamp.0,
            "coordinator_epoch": entry.coordinator_epoch,
            "current_txn_first_offset": entry.current_txn_first_offset.map(|offset| offset.0),
        })
    };
    Ok(Listing::new("snapshot", snapshot(bytes)?.into_iter().map(entry).collect()))
}

pub(super) fn epochs(dir: &Path) -> Result<Listing, StorageError> {
    let epochs = LeaderEpochs::open(std::sync::Arc::new(RealDisk), dir)?;
    let entry = |entry: &forebay_storage::epochs::EpochEntry| fields!({ "epoch": entry.epoch.0, "start_offset": entry.start.0 });
    Ok(Listing::new("leader_epochs", epochs.entries().iter().map(entry).collect()))
}

pub(super) fn checkpoint(path: &Path) -> Result<Listing, StorageError> {
    let offsets = read_offset_checkpoint(&RealDisk, path)?;
    let entries = offsets.iter().map(|(partition, offset)| {
        fields!({ "topic": &*partition.topic, "partition": partition.partition, "offset": offset.0 })
    });
    Ok(Listing::new("offset_checkpoint", entries.collect()))
}

pub(super) fn partition_metadata(dir: &Path) -> Result<Listing, StorageError> {
    let id = read_partition_metadata(&RealDisk, dir)?;
    Ok(Listing::new("partition_metadata", id.iter().map(|id| fields!({ "topic_id": id.to_string() })).collect()))
}

pub(super) fn meta_properties(dir: &Path) -> Result<Listing, StorageError> {
    let entry = |properties: MetaProperties| {
        fields!({
            "cluster_id": properties.cluster_id,
            "node_id": properties.node_id.0,
            "directory_id": properties.directory_id.map(|id| id.to_string()),
        })
    };
    Ok(Listing::new("meta_properties", MetaProperties::read(&RealDisk, dir)?.into_iter().map(entry).collect()))
}
