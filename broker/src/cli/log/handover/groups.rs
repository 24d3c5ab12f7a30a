//! Groups of the kinds that are not served yet, found in the logs of `__consumer_offsets`.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use forebay_storage::batch::batches;
use forebay_storage::disk::{Disk, RealDisk};

use super::folder::{DataFolders, failed};
use super::plan::NotCarriedOver;
use crate::cli::exit::CliError;
use crate::coordinator::OFFSETS_TOPIC;

/// Types of keys (Kafka: group-coordinator's StreamsGroupMetadataKey).
const KINDS: [(i16, &str); 1] = [(17, "streams group")];

/// The streams groups that there are. Damaged logs say nothing: their recovery is the broker's affair.
pub(super) fn unserved(folders: &DataFolders) -> Result<Vec<NotCarriedOver>, CliError> {
    let mut found = BTreeSet::new();
    for dir in &folders.dirs {
        for partition in dir.partitions.keys().filter(|partition| &*partition.topic == OFFSETS_TOPIC) {
            read(&dir.path.join(partition.to_string()), &mut found)?;
        }
    }
    Ok(found.into_iter().collect())
}

fn read(dir: &Path, found: &mut BTreeSet<NotCarriedOver>) -> Result<(), CliError> {
    let mut logs: Vec<String> = RealDisk.list(dir).map_err(failed)?.into_iter().map(|entry| entry.name).collect();
    logs.retain(|name| name.ends_with(".log"));
    for name in logs {
        let bytes = Bytes::from(RealDisk.read(&dir.join(name)).map_err(failed)?);
        for batch in batches(bytes) {
            let Ok(batch) = batch else { break };
            if batch.header.is_control() {
                continue;
            }
            let Ok(records) = batch.records() else { break };
            for record in records.iter().map_while(Result::ok) {
                if let Some(group) = record.key.and_then(group) {
                    match record.value {
                        Some(_) => found.insert(group),
                        None => found.remove(&group),
                    };
                }
            }
        }
    }
    Ok(())
}

/// The group of a key: its type, then the group's name behind a length of two bytes.
fn group(key: &[u8]) -> Option<NotCarriedOver> {
    let (kind, rest) = key.split_first_chunk::<2>()?;
    let kind = KINDS.iter().find(|(code, _)| *code == i16::from_be_bytes(*kind))?.1;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let name = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some(NotCarriedOver { kind, what: super::super::text::shown(Some(name)) })
}
