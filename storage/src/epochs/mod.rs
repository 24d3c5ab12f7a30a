//! Which leader epoch began at which offset, kept in `leader-epoch-checkpoint` (Kafka: LeaderEpochFileCache; KIP-101, KIP-279).

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{field, read_entries, write_entries};
use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::{LeaderEpoch, Offset};

/// Name of the file in a log's folder.
pub const LEADER_EPOCH_FILE: &str = "leader-epoch-checkpoint";

/// An epoch and the first offset that was written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Offset of its first record.
    pub start: Offset,
}

/// The epochs of one log, ascending in epoch and in start offset.
#[derive(Debug)]
pub struct LeaderEpochs {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    /// Reads the file in the log's folder. A damaged file is an error: guessing could let replicas diverge.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<LeaderEpochs, StorageError> {
        let path = dir.join(LEADER_EPOCH_FILE);
        let entries = read_entries(&*disk, &path, |mut fields| {
            let (epoch, start) = (LeaderEpoch(field(&mut fields)?), Offset(field(&mut fields)?));
            fields.next().is_none().then_some(EpochEntry { epoch, start })
        })?;
        if entries.windows(2).any(|pair| pair[0].epoch >= pair[1].epoch || pair[0].start > pair[1].start) {
            return Err(StorageError::corrupt(&path, "epochs or offsets are not ascending"));
        }
        Ok(LeaderEpochs { disk, path, entries })
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch.
    #[must_use]
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// The oldest entry.
    #[must_use]
    pub fn earliest(&self) -> Option<EpochEntry> {
        self.entries.first().copied()
    }

    /// The epoch in which `offset` was written.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|entry| entry.start <= offset);
        after.checked_sub(1).map(|at| self.entries[at].epoch)
    }

    /// Notes that `epoch` writes from `start` on. Entries that contradict it go, as in Kafka.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> Result<(), StorageError> {
        if epoch.0 < 0 || self.entries.last().is_some_and(|last| last.epoch == epoch && last.start <= start) {
            return Ok(());
        }
        let kept = self.entries.iter().rposition(|entry| entry.epoch < epoch && entry.start < start);
        let mut entries = self.entries[..kept.map_or(0, |at| at + 1)].to_vec();
        entries.push(EpochEntry { epoch, start });
        self.replace(entries)
    }

    /// The largest epoch up to the one asked for, and the offset where it ends; (-1, -1) if the log knows nothing of it.
    #[must_use]
    pub fn end_offset(&self, epoch: LeaderEpoch, log_end: Offset) -> (LeaderEpoch, Offset) {
        let unknown = (LeaderEpoch::UNKNOWN, Offset(-1));
        if epoch == LeaderEpoch::UNKNOWN {
            return unknown;
        }
        if self.latest() == Some(epoch) {
            return (epoch, log_end);
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let Some(next) = self.entries.get(above) else { return unknown };
        // An epoch older than all that are known ends where the first known one begins.
        let floor = above.checked_sub(1).map_or(epoch, |at| self.entries[at].epoch);
        (floor, next.start)
    }

    /// Forgets what begins at or after `end`.
    pub fn truncate_from_end(&mut self, end: Offset) -> Result<(), StorageError> {
        let kept = self.entries.partition_point(|entry| entry.start < end);
        if kept == self.entries.len() {
            return Ok(());
        }
        self.replace(self.entries[..kept].to_vec())
    }

    /// Forgets what ends before `start`; the epoch that `start` lies in begins there now.
    pub fn truncate_from_start(&mut self, start: Offset) -> Result<(), StorageError> {
        let covered = self.entries.partition_point(|entry| entry.start <= start);
        if covered == 0 || (covered == 1 && self.entries[0].start == start) {
            return Ok(());
        }
        let mut entries = self.entries[covered - 1..].to_vec();
        entries[0].start = start;
        match self.replace(entries.clone()) {
            // Deleting must not need room. The file says too much now, and nothing wrong: opening the log cuts it again.
            Err(error) if error.is_full() => {
                self.entries = entries;
                Ok(())
            }
            replaced => replaced,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) -> Result<(), StorageError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        self.replace(Vec::new())
    }

    /// The file first: after an error nothing has changed here, so that the next attempt writes it.
    fn replace(&mut self, entries: Vec<EpochEntry>) -> Result<(), StorageError> {
        write_entries(&*self.disk, &self.path, entries.iter(), |line, entry| {
            write!(line, "{} {}", entry.epoch, entry.start)
        })?;
        self.entries = entries;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    fn filled(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::open(Arc::new(MemoryDisk::new()), Path::new("/t-0")).unwrap();
        for (epoch, start) in entries {
            epochs.assign(LeaderEpoch(*epoch), Offset(*start)).unwrap();
        }
        epochs
    }

    fn pairs(epochs: &LeaderEpochs) -> Vec<(i32, i64)> {
        epochs.entries().iter().map(|entry| (entry.epoch.0, entry.start.0)).collect()
    }

    #[test]
    fn end_offsets_follow_kip_279() {
        // Cases as in Kafka's LeaderEpochFileCacheTest.
        let epochs = filled(&[(2, 6), (3, 8), (7, 11)]);
        let end = |epoch| {
            let (epoch, offset) = epochs.end_offset(LeaderEpoch(epoch), Offset(20));
            (epoch.0, offset.0)
        };
        assert_eq!(end(-1), (-1, -1));
        assert_eq!(end(1), (1, 6));
        assert_eq!(end(2), (2, 8));
        assert_eq!(end(3), (3, 11));
        assert_eq!(end(5), (3, 11));
        assert_eq!(end(7), (7, 20));
        assert_eq!(end(8), (-1, -1));
        assert_eq!(filled(&[]).end_offset(LeaderEpoch(0), Offset(4)), (LeaderEpoch(-1), Offset(-1)));
    }

    #[test]
    fn assignments_that_contradict_replace() {
        assert_eq!(pairs(&filled(&[(1, 5), (1, 9)])), [(1, 5)]);
        assert_eq!(pairs(&filled(&[(1, 5), (3, 9), (2, 7)])), [(1, 5), (2, 7)]);
        assert_eq!(pairs(&filled(&[(1, 5), (2, 5)])), [(2, 5)]);
    }

    #[test]
    fn truncation_from_both_ends() {
        let mut epochs = filled(&[(2, 6), (3, 8), (4, 11)]);
        epochs.truncate_from_start(Offset(9)).unwrap();
        assert_eq!(pairs(&epochs), [(3, 9), (4, 11)]);
        assert_eq!(epochs.epoch_at(Offset(10)), Some(LeaderEpoch(3)));
        assert_eq!(epochs.epoch_at(Offset(8)), None);
        epochs.truncate_from_end(Offset(11)).unwrap();
        assert_eq!(pairs(&epochs), [(3, 9)]);
    }

    #[test]
    fn the_file_is_kafkas_text_and_reads_back() {
        let disk = Arc::new(MemoryDisk::new());
        let mut epochs = LeaderEpochs::open(disk.clone(), Path::new("/t-0")).unwrap();
        epochs.assign(LeaderEpoch(0), Offset(0)).unwrap();
        epochs.assign(LeaderEpoch(4), Offset(12)).unwrap();
        assert_eq!(disk.read(Path::new("/t-0/leader-epoch-checkpoint")).unwrap(), b"0\n2\n0 0\n4 12\n");
        let again = LeaderEpochs::open(disk, Path::new("/t-0")).unwrap();
        assert_eq!(pairs(&again), pairs(&epochs));
    }
}
