//! The records of a topic, as any read_committed consumer sees them.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::batch::batches;
use forebay_storage::ids::Offset;

use super::{Isolation, Partitions};

const READ_BYTES: usize = 1024 * 1024;

/// What a record carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAndValue {
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value, if it has one.
    pub value: Option<Bytes>,
}

/// A reader of all partitions of a topic.
pub struct CommittedRecords {
    topic: String,
    partitions: Arc<Partitions>,
    positions: Vec<Offset>,
}

impl CommittedRecords {
    /// Reads everything there is, and what comes.
    #[must_use]
    pub fn new(topic: &str, partitions: Arc<Partitions>) -> CommittedRecords {
        CommittedRecords { topic: topic.to_owned(), partitions, positions: Vec::new() }
    }

    /// Starts behind what is there already.
    pub fn skip_existing(&mut self) {
        let mut number = 0;
        while let Some(partition) = self.partitions.get(&self.topic, number) {
            self.positions.push(partition.offsets().1);
            number += 1;
        }
    }

    /// Records that were committed since the last call, at most about a megabyte of each partition, in the order of each.
    ///
    /// # Errors
    /// A partition cannot be read; says which.
    pub fn take(&mut self) -> Result<Vec<KeyAndValue>, String> {
        let mut found = Vec::new();
        let mut number = 0;
        while let Some(partition) = self.partitions.get(&self.topic, number) {
            let at = number as usize;
            if self.positions.len() <= at {
                self.positions.push(Offset::ZERO);
            }
            let failed = |error: &dyn std::fmt::Display| format!("{}-{number}: {error}", self.topic);
            let read = partition
                .read(self.positions[at], READ_BYTES, Isolation::ReadCommitted, true)
                .map_err(|error| failed(&error))?;
            let aborted = read.aborted.unwrap_or_default();
            for batch in batches(read.records) {
                let batch = batch.map_err(|error| failed(&error))?;
                let header = batch.header;
                let skip = header.is_control()
                    || aborted.iter().any(|a| {
                        a.producer_id == header.producer_id
                            && (a.first_offset..=a.last_offset).contains(&header.base_offset)
                    });
                if !skip {
                    let records = batch.records().map_err(|error| failed(&error))?;
                    for record in records.iter() {
                        let record = record.map_err(|error| failed(&error))?;
                        let copied = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
                        found.push(KeyAndValue { key: copied(record.key), value: copied(record.value) });
                    }
                }
                self.positions[at] = header.next_offset();
            }
            number += 1;
        }
        Ok(found)
    }
}
