//! All producers of one log, its open transactions, and the snapshots of both (Kafka: ProducerStateManager).

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::{Batch, ControlRecord};
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, ProducerId, Timestamp};

use super::{CompletedTransaction, ProducerAppend, ProducerEntry, ProducerOrigin, read_snapshot, write_snapshot};

/// Suffix of snapshot files.
const SNAPSHOT: &str = ".snapshot";

#[derive(Debug)]
pub(crate) struct ProducerState {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// Open transactions by their first offset.
    ongoing: BTreeMap<Offset, ProducerId>,
    /// Ended transactions whose marker the high watermark has not passed: first offset to offset of the marker.
    unreplicated: BTreeMap<Offset, Offset>,
    snapshots: BTreeSet<Offset>,
    unsynced: BTreeMap<Offset, Arc<dyn DiskFile>>,
    /// The state holds all batches before this.
    end: Offset,
    last_snapshot: Offset,
}

impl ProducerState {
    /// Without any producers yet; finds the snapshots among the names in the folder.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, names: &[String]) -> ProducerState {
        let snapshots = names.iter().filter_map(|name| name.strip_suffix(SNAPSHOT)?.parse().ok().map(Offset)).collect();
        ProducerState {
            disk,
            dir: dir.to_owned(),
            producers: BTreeMap::new(),
            ongoing: BTreeMap::new(),
            unreplicated: BTreeMap::new(),
            snapshots,
            unsynced: BTreeMap::new(),
            end: Offset::ZERO,
            last_snapshot: Offset::ZERO,
        }
    }

    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    pub(crate) fn set_end(&mut self, end: Offset) {
        self.end = end;
    }

    pub(crate) fn entry(&self, producer_id: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&producer_id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &ProducerEntry> {
        self.producers.values()
    }

    /// First offset whose fate is open: of a transaction that has not ended, or whose end is not replicated yet.
    pub(crate) fn first_unstable(&self) -> Option<Offset> {
        let ongoing = self.ongoing.first_key_value().map(|(first, _)| *first);
        let unreplicated = self.unreplicated.first_key_value().map(|(first, _)| *first);
        ongoing.into_iter().chain(unreplicated).min()
    }

    pub(crate) fn high_watermark_moved(&mut self, high_watermark: Offset) {
        if !self.unreplicated.is_empty() {
            self.unreplicated.retain(|_, marker| *marker >= high_watermark);
        }
    }

    pub(crate) fn prepare(&self, producer_id: ProducerId, origin: ProducerOrigin) -> ProducerAppend {
        ProducerAppend::new(producer_id, self.entry(producer_id), origin)
    }

    /// Takes over what a written append has changed.
    pub(crate) fn update(&mut self, append: ProducerAppend) {
        let id = append.producer_id();
        self.ongoing.extend(append.started.iter().map(|first| (*first, id)));
        match self.producers.get_mut(&id) {
            Some(entry) => entry.merge(append.updated),
            None => drop(self.producers.insert(id, append.updated)),
        }
    }

    /// The last stable offset once `completed` no longer counts, as the transaction index records it.
    pub(crate) fn stable_offset_after(&self, completed: &CompletedTransaction) -> Offset {
        let mut others = self.ongoing.iter().filter(|(_, id)| **id != completed.producer_id);
        others.next().map_or(Offset(completed.last_offset.0 + 1), |(first, _)| *first)
    }

    /// Ends a transaction.
    pub(crate) fn complete(&mut self, completed: &CompletedTransaction) {
        self.ongoing.remove(&completed.first_offset);
        self.unreplicated.insert(completed.first_offset, completed.last_offset);
    }

    /// Takes in a batch that is in the log already. A transaction that it ends is returned with the stable offset after it.
    pub(crate) fn replay(&mut self, batch: &Batch) -> Option<(CompletedTransaction, Offset)> {
        let header = &batch.header;
        let mut completed = None;
        if header.has_producer() {
            let mut append = self.prepare(header.producer_id, ProducerOrigin::Replication);
            if header.is_control() {
                if let Some((marker, timestamp)) = marker_of(batch) {
                    let done = append.marker(marker, header.producer_epoch, header.base_offset, timestamp);
                    completed = done.expect("nothing is refused on replay");
                    self.update(append);
                }
            } else {
                // A batch that ends a transaction without a marker cannot have been accepted; the state is what it is.
                let _ = append.data(header);
                self.update(append);
            }
        }
        self.end = header.next_offset();
        let completed = completed?;
        let stable = self.stable_offset_after(&completed);
        self.complete(&completed);
        Some((completed, stable))
    }

    /// Forgets producers that have been idle for `expiration_ms`; those with an open transaction stay.
    pub(crate) fn expire(&mut self, now: Timestamp, expiration_ms: i64) {
        self.producers.retain(|_, entry| !is_expired(entry, now, expiration_ms));
    }

    /// Loads the newest readable snapshot at or before `limit`; without one the state is empty as of `log_start`.
    pub(crate) fn load(
        &mut self,
        log_start: Offset,
        limit: Offset,
        now: Timestamp,
        expiration_ms: i64,
    ) -> Result<(), StorageError> {
        self.clear();
        while let Some(at) = self.snapshots.range(..=limit).next_back().copied() {
            let bytes = self.disk.read(&self.snapshot_path(at))?;
            let Ok(entries) = read_snapshot(&bytes) else {
                self.remove_snapshot(at)?;
                continue;
            };
            for entry in entries {
                if is_expired(&entry, now, expiration_ms) {
                    continue;
                }
                self.ongoing.extend(entry.transaction_start.map(|first| (first, entry.producer_id)));
                self.producers.insert(entry.producer_id, entry);
            }
            (self.end, self.last_snapshot) = (at, at);
            return Ok(());
        }
        (self.end, self.last_snapshot) = (log_start, log_start);
        Ok(())
    }

    /// Writes a snapshot of the state as it is, unless there is one already. Not synced: its checksum guards it, and a lost one
    /// costs only a longer replay.
    pub(crate) fn take_snapshot(&mut self) -> Result<(), StorageError> {
        if self.end <= self.last_snapshot {
            return Ok(());
        }
        let path = self.snapshot_path(self.end);
        let file = self.disk.create(&path)?;
        let written = file.append(&mut [IoSlice::new(&write_snapshot(self.producers.values()))]);
        if let Err(error) = written {
            // Its checksum would give it away, but why leave it. The first error counts.
            let _ = self.disk.remove_file(&path);
            return Err(error);
        }
        self.unsynced.insert(self.end, file);
        self.snapshots.insert(self.end);
        self.last_snapshot = self.end;
        Ok(())
    }

    /// Whether a snapshot was written and not synced.
    pub(crate) fn has_unsynced(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// Snapshots written since the last call, to be synced.
    pub(crate) fn take_unsynced(&mut self) -> Vec<Arc<dyn DiskFile>> {
        std::mem::take(&mut self.unsynced).into_values().collect()
    }

    pub(crate) fn log_start_moved(&mut self, log_start: Offset) {
        self.unreplicated.retain(|_, marker| *marker >= log_start);
        self.end = self.end.max(log_start);
        self.last_snapshot = self.snapshots.last().copied().unwrap_or(log_start);
    }

    /// Removes the snapshots that are neither at one of `bases` nor beyond the last of them, and those beyond `end` (Kafka:
    /// ProducerStateManager.removeStraySnapshots). One before the first segment speaks of a log that is gone.
    pub(crate) fn remove_stray_snapshots(&mut self, bases: &BTreeSet<Offset>, end: Offset) -> Result<(), StorageError> {
        let newest = self.snapshots.range(..=end).next_back().copied().filter(|at| Some(at) > bases.last());
        let stray = |at: &&Offset| **at > end || (!bases.contains(at) && Some(**at) != newest);
        let strays: Vec<_> = self.snapshots.iter().filter(stray).copied().collect();
        strays.into_iter().try_for_each(|at| self.remove_snapshot(at))
    }

    /// Removes a segment's snapshot with the segment.
    pub(crate) fn remove_snapshot(&mut self, at: Offset) -> Result<(), StorageError> {
        // A file that is held open keeps its place on the disk.
        self.unsynced.remove(&at);
        if self.snapshots.remove(&at) {
            self.disk.remove_file(&self.snapshot_path(at))?;
        }
        Ok(())
    }

    /// Forgets everything, snapshots included.
    pub(crate) fn reset(&mut self, start: Offset) -> Result<(), StorageError> {
        self.clear();
        self.unsynced.clear();
        for at in std::mem::take(&mut self.snapshots) {
            self.disk.remove_file(&self.snapshot_path(at))?;
        }
        (self.end, self.last_snapshot) = (start, Offset::ZERO);
        Ok(())
    }

    fn clear(&mut self) {
        self.producers.clear();
        self.ongoing.clear();
        self.unreplicated.clear();
    }

    fn snapshot_path(&self, at: Offset) -> PathBuf {
        self.dir.join(format!("{:020}{SNAPSHOT}", at.0))
    }
}

fn is_expired(entry: &ProducerEntry, now: Timestamp, expiration_ms: i64) -> bool {
    entry.transaction_start.is_none() && now.0.saturating_sub(entry.last_timestamp.0) >= expiration_ms
}

/// The marker in a control batch, with its time. Batches whose marker was compacted away, and other control records, have none.
pub(crate) fn marker_of(batch: &Batch) -> Option<(ControlRecord, Timestamp)> {
    let records = batch.records().ok()?;
    let record = records.iter().next()?.ok()?;
    Some((ControlRecord::decode(record).ok()?, record.timestamp))
}
