//! Files and folders that are out of service and wait for `file.delete.delay.ms` to be removed (Kafka: LogManager's deletion of
//! `.deleted` files and `-delete` folders). What still waits when the broker ends is removed when it starts again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use forebay_storage::disk::Disk;
use forebay_storage::ids::Timestamp;
use parking_lot::Mutex;

/// What waits, by the time when it is due.
pub struct Removals {
    disk: Arc<dyn Disk>,
    waiting: Mutex<BTreeMap<Timestamp, Vec<Gone>>>,
}

enum Gone {
    File(PathBuf),
    Folder(PathBuf),
}

impl Removals {
    /// Nothing waits yet.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Removals {
        Removals { disk, waiting: Mutex::default() }
    }

    /// Files to be removed at `due`.
    pub fn add_files(&self, files: Vec<PathBuf>, due: Timestamp) {
        if !files.is_empty() {
            self.waiting.lock().entry(due).or_default().extend(files.into_iter().map(Gone::File));
        }
    }

    /// A folder to be removed at `due`, with all that is in it.
    pub fn add_folder(&self, folder: PathBuf, due: Timestamp) {
        self.waiting.lock().entry(due).or_default().push(Gone::Folder(folder));
    }

    /// Whether there is something to remove at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.waiting.lock().first_key_value().is_some_and(|(due, _)| *due <= now)
    }

    /// Removes what is due at `now`.
    pub fn run(&self, now: Timestamp) {
        let due = {
            let mut waiting = self.waiting.lock();
            let later = waiting.split_off(&now.plus_ms(1));
            std::mem::replace(&mut *waiting, later)
        };
        for gone in due.into_values().flatten() {
            let removed = match &gone {
                Gone::File(path) => self.disk.remove_file(path),
                Gone::Folder(path) => self.disk.remove_dir_all(path),
            };
            if let Err(error) = removed {
                tracing::warn!("what was deleted cannot be removed, the next start tries again: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use forebay_storage::disk::MemoryDisk;

    use super::*;

    #[test]
    fn each_goes_when_its_time_has_come() {
        let disk = MemoryDisk::new();
        let (file, folder) = (Path::new("/d/a.log.deleted"), Path::new("/d/t-0.x-delete"));
        disk.create_dir_all(folder).unwrap();
        disk.create(file).unwrap();
        disk.create(&folder.join("b.log")).unwrap();
        let removals = Removals::new(Arc::new(disk.clone()));
        removals.add_files(vec![file.to_owned()], Timestamp(10));
        removals.add_folder(folder.to_owned(), Timestamp(20));
        let there = || (disk.exists(file).unwrap(), disk.exists(&folder.join("b.log")).unwrap());
        for (now, due, expected) in [
            (9, false, (true, true)),
            (10, true, (false, true)),
            (19, false, (false, true)),
            (20, true, (false, false)),
        ] {
            assert_eq!(removals.is_due(Timestamp(now)), due, "{now}");
            removals.run(Timestamp(now));
            assert_eq!(there(), expected, "{now}");
        }
    }
}
