//! The registry of jobs: a compacted topic, one record a job, the last one counts, a tombstone removes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::batch::{BatchBuilder, BatchStamp, batches};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{Offset, TopicPartition};

use super::spec::JobSpec;
use crate::clock;
use crate::coordinator::metadata::Metadata;
use crate::partition::{Isolation, Partition, Partitions};
use crate::pending::block_on;

/// The registry's topic.
pub const JOBS_TOPIC: &str = "__forebay_jobs";
const READ_BYTES: usize = 1024 * 1024;

/// Where jobs are remembered.
pub struct Store {
    metadata: Arc<Metadata>,
    partitions: Arc<Partitions>,
}

impl Store {
    /// The registry in these logs.
    pub fn new(metadata: Arc<Metadata>, partitions: Arc<Partitions>) -> Store {
        Store { metadata, partitions }
    }

    /// Every registered job by name. Records of a later form are left alone and named in the log.
    pub fn load(&self) -> Result<BTreeMap<String, JobSpec>, String> {
        let mut jobs = BTreeMap::new();
        let found = self.partitions.find_existing(&TopicPartition::new(JOBS_TOPIC, 0));
        let Some(partition) = found.map_err(|e| format!("{JOBS_TOPIC} cannot be read: {e}"))? else { return Ok(jobs) };
        let (mut next, _, end) = partition.offsets();
        while next < end {
            let read = partition
                .read(next, READ_BYTES, Isolation::ReadUncommitted, true)
                .map_err(|e| format!("{JOBS_TOPIC} cannot be read at {next}: {e}"))?;
            let before = next;
            for batch in batches(read.records) {
                let batch = batch.map_err(|e| format!("{JOBS_TOPIC} is damaged at {next}: {e}"))?;
                let records = batch.records().map_err(|e| format!("{JOBS_TOPIC} is damaged at {next}: {e}"))?;
                for record in records.iter() {
                    let record = record.map_err(|e| format!("{JOBS_TOPIC} is damaged at {next}: {e}"))?;
                    take(&mut jobs, record.offset, record.key, record.value);
                }
                next = batch.header.next_offset();
            }
            if next <= before {
                break;
            }
        }
        Ok(jobs)
    }

    /// Remembers a job.
    pub fn put(&self, spec: &JobSpec) -> Result<(), String> {
        let value = serde_json::to_vec(spec).map_err(|e| format!("the job cannot be written: {e}"))?;
        self.append(&spec.name, Some(&value))
    }

    /// Forgets a job.
    pub fn remove(&self, name: &str) -> Result<(), String> {
        self.append(name, None)
    }

    fn append(&self, name: &str, value: Option<&[u8]>) -> Result<(), String> {
        let partition = self.partition()?;
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(clock::now(), Some(name.as_bytes()), value, &[]);
        let written = partition.append_internal(builder.finish(&BatchStamp::default()), false);
        let outcome = written.map_err(|e| format!("the registry of jobs cannot be written: {e}"))?;
        block_on(partition.committed(Offset(outcome.last_offset.0 + 1)))
            .map_err(|e| format!("the registry of jobs cannot be written: {e}"))
    }

    fn partition(&self) -> Result<Arc<Partition>, String> {
        if let Some(partition) = self.partitions.get(JOBS_TOPIC, 0) {
            return Ok(partition);
        }
        let configs = [("cleanup.policy".to_owned(), "compact".to_owned())];
        self.metadata.create_topic(JOBS_TOPIC, 1, &configs).map_err(|(error, message): (ErrorCode, String)| {
            format!("the registry of jobs cannot be made: {error} {message}")
        })?;
        self.partitions.get(JOBS_TOPIC, 0).ok_or_else(|| "the registry of jobs cannot be opened".to_owned())
    }
}

fn take(jobs: &mut BTreeMap<String, JobSpec>, offset: Offset, key: Option<&[u8]>, value: Option<&[u8]>) {
    let name = String::from_utf8_lossy(key.unwrap_or_default()).into_owned();
    match value.map(serde_json::from_slice::<JobSpec>) {
        None => drop(jobs.remove(&name)),
        Some(Ok(spec)) => drop(jobs.insert(name, spec)),
        Some(Err(error)) => tracing::warn!("job {name} at offset {offset} of {JOBS_TOPIC} is not understood: {error}"),
    }
}
