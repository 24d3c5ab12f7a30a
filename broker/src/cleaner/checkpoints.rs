//! Up to where each log was compacted, in `cleaner-offset-checkpoint` of its data folder (Kafka: LogCleanerManager.updateCheckpoints).
//!
//! A checkpoint is written after the pass that it tells of was put in place, durably: after a crash between the two the same part is
//! compacted once more, which changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::checkpoint::{CLEANER_OFFSET_FILE, read_offset_checkpoint, write_offset_checkpoint};
use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, TopicId, TopicPartition};

type Offsets = BTreeMap<TopicPartition, Offset>;

/// What is known and what is written.
pub struct Checkpoints {
    disk: Arc<dyn Disk>,
    /// The topic's id guards against a topic that was deleted and made anew; `None` as long as the log was not seen.
    known: BTreeMap<TopicPartition, (Option<TopicId>, Offset)>,
    written: BTreeMap<PathBuf, Offsets>,
}

impl Checkpoints {
    /// Reads the checkpoints of these folders. One that is damaged counts as empty: everything in its folder is compacted anew.
    #[must_use]
    pub fn read(disk: Arc<dyn Disk>, dirs: &[PathBuf]) -> Checkpoints {
        let mut checkpoints = Checkpoints { disk, known: BTreeMap::new(), written: BTreeMap::new() };
        for dir in dirs {
            match read_offset_checkpoint(&*checkpoints.disk, &dir.join(CLEANER_OFFSET_FILE)) {
                Ok(offsets) => {
                    let unbound = offsets.iter().map(|(name, offset)| (name.clone(), (None, *offset)));
                    checkpoints.known.extend(unbound);
                    checkpoints.written.insert(dir.clone(), offsets);
                }
                Err(error) => tracing::warn!("logs are compacted from their beginning: {error}"),
            }
        }
        checkpoints
    }

    /// The offset that was noted of a log; nothing of an earlier topic of the same name.
    pub fn of(&mut self, name: &TopicPartition, id: TopicId) -> Option<Offset> {
        let (known, offset) = self.known.get_mut(name)?;
        if *known.get_or_insert(id) == id {
            return Some(*offset);
        }
        self.known.remove(name);
        None
    }

    /// Notes an offset, in memory.
    pub fn note(&mut self, name: &TopicPartition, id: TopicId, offset: Offset) {
        self.known.insert(name.clone(), (Some(id), offset));
    }

    /// Writes the files of those folders that work for which the logs that are there, each with its folder, have changed. Logs that
    /// are not there are forgotten. A folder in which that fails comes back with the error.
    pub fn write(&mut self, working: &[PathBuf], logs: &[(TopicPartition, PathBuf)]) -> Vec<(PathBuf, StorageError)> {
        let mut next: BTreeMap<&Path, Offsets> = working.iter().map(|dir| (dir.as_path(), Offsets::new())).collect();
        let mut known = BTreeMap::new();
        for (name, dir) in logs {
            let Some((id, offset)) = self.known.get(name) else { continue };
            known.insert(name.clone(), (*id, *offset));
            if let Some(offsets) = next.get_mut(dir.as_path()) {
                offsets.insert(name.clone(), *offset);
            }
        }
        let changed: Vec<(PathBuf, Offsets)> = next
            .into_iter()
            .filter(|(dir, offsets)| self.written.get(*dir).map_or(!offsets.is_empty(), |old| old != offsets))
            .map(|(dir, offsets)| (dir.to_owned(), offsets))
            .collect();
        self.known = known;
        let mut failed = Vec::new();
        for (dir, offsets) in changed {
            match write_offset_checkpoint(&*self.disk, &dir.join(CLEANER_OFFSET_FILE), &offsets) {
                Ok(()) => drop(self.written.insert(dir, offsets)),
                Err(error) => failed.push((dir, error)),
            }
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::disk::MemoryDisk;
    use uuid::Uuid;

    use super::*;

    fn name(partition: i32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn id(number: u128) -> TopicId {
        TopicId(Uuid::from_u128(number))
    }

    #[test]
    fn offsets_come_back_and_those_of_logs_that_are_gone_do_not() {
        let disk = MemoryDisk::new();
        let dirs = ["/a", "/b"].map(PathBuf::from);
        dirs.iter().for_each(|dir| disk.create_dir_all(dir).unwrap());
        let read = || Checkpoints::read(Arc::new(disk.clone()), &dirs);
        let file = |dir: &Path| read_offset_checkpoint(&disk, &dir.join(CLEANER_OFFSET_FILE)).unwrap();
        let mut first = read();
        first.note(&name(0), id(1), Offset(7));
        first.note(&name(1), id(1), Offset(8));
        let logs = [(name(0), dirs[0].clone()), (name(1), dirs[1].clone()), (name(2), dirs[1].clone())];
        assert!(first.write(&dirs, &logs).is_empty());
        assert_eq!(
            (file(&dirs[0]), file(&dirs[1])),
            (Offsets::from([(name(0), Offset(7))]), Offsets::from([(name(1), Offset(8))]))
        );
        let mut second = read();
        assert_eq!(second.of(&name(0), id(1)), Some(Offset(7)));
        assert_eq!(second.of(&name(0), id(2)), None, "another topic of that name");
        // The log has moved to the other folder, and the first one's is of another topic.
        assert!(second.write(&dirs, &[(name(0), dirs[0].clone()), (name(1), dirs[0].clone())]).is_empty());
        assert_eq!((file(&dirs[0]), file(&dirs[1])), (Offsets::from([(name(1), Offset(8))]), Offsets::new()));
        assert!(second.write(&dirs[1..], &[]).is_empty());
        assert_eq!(file(&dirs[0]), Offsets::from([(name(1), Offset(8))]), "a folder that failed is left alone");
        assert!(second.write(&dirs, &[]).is_empty());
        assert_eq!(file(&dirs[0]), Offsets::new());
        disk.write_atomic(&dirs[0].join(CLEANER_OFFSET_FILE), b"rubbish").unwrap();
        assert_eq!(read().of(&name(1), id(1)), None, "a damaged file counts as empty");
    }
}
