//! What befalls the folder of a killed broker before it is started again: state on disk that is gone or older than the changelog, logs
//! without snapshots of their producers, and starts that are killed while they restore the jobs' state.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol_tests::broker::Node;
use protocol_tests::clicks::Random;

use crate::support::text;

/// Name of the folder of state on disk, in that of the changelog's log.
const STORE: &str = "forebay-state";
/// A start that restores state on disk is killed at most this long after the store is there.
const LONGEST_RESTORE_MS: u64 = 30;
/// No store is waited for longer than this.
const RESTORE_LIMIT: Duration = Duration::from_secs(10);

/// What befalls a folder.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    /// All state is read from the changelogs.
    NoStore,
    /// The producers' states are read from the logs.
    NoSnapshots,
    /// State is rolled forward from the kill before the last.
    OldStore,
    /// As [`Event::NoStore`], and that start is killed too.
    NoStoreAndKilled,
    /// As [`Event::OldStore`], and that start is killed too.
    OldStoreAndKilled,
}

/// One after the other.
const EVENTS: [Event; 6] = [
    Event::NoStore,
    Event::NoSnapshots,
    Event::NoStoreAndKilled,
    Event::OldStore,
    Event::OldStoreAndKilled,
    Event::Nothing,
];

/// What has befallen a broker's folder so far.
pub struct Between {
    next: usize,
    /// Copies of the stores as they were at the kill before the last, beside the data folder.
    older: PathBuf,
    /// How long the last whole start took.
    start: Duration,
    /// Kills at which there was a store.
    pub with_store: usize,
    /// Starts that were killed.
    pub starts: usize,
    /// Of these, those killed after the state on disk was being made anew.
    pub restoring: usize,
}

impl Between {
    pub fn new(node: &Node) -> Between {
        let older = node.log_dir().with_file_name("older-stores");
        Between { next: 0, older, start: Duration::from_millis(500), with_store: 0, starts: 0, restoring: 0 }
    }

    /// Lets something befall the folder of a killed broker, and starts it. Returns how often it was killed again on the way.
    pub fn start(&mut self, node: &mut Node, random: &mut Random, may_kill: bool) -> Result<usize, String> {
        let event = EVENTS[self.next % EVENTS.len()];
        self.next += 1;
        let (data, stores) = (node.log_dir(), stores(&node.log_dir())?);
        self.with_store += usize::from(!stores.is_empty());
        let kept = self.older.with_extension("new");
        for store in &stores {
            copy(store, &kept.join(store.strip_prefix(&data).map_err(text)?))?;
        }
        match event {
            Event::Nothing => {}
            Event::NoSnapshots => remove_snapshots(&data)?,
            Event::NoStore | Event::NoStoreAndKilled => remove_all(&stores)?,
            Event::OldStore | Event::OldStoreAndKilled if self.older.exists() => {
                remove_all(&stores)?;
                // Whatever has been deleted since stays deleted.
                for store in self::stores(&self.older)? {
                    let to = data.join(store.strip_prefix(&self.older).map_err(text)?);
                    if to.parent().is_some_and(Path::exists) {
                        copy(&store, &to)?;
                    }
                }
            }
            Event::OldStore | Event::OldStoreAndKilled => {}
        }
        remove_all(std::slice::from_ref(&self.older))?;
        if kept.exists() {
            fs::rename(&kept, &self.older).map_err(text)?;
        }
        let mut killed = 0;
        if may_kill && matches!(event, Event::NoStoreAndKilled | Event::OldStoreAndKilled) {
            self.kill_start(node, random, matches!(event, Event::NoStoreAndKilled) && !stores.is_empty())?;
            killed += 1;
        }
        let began = Instant::now();
        node.start().map_err(|error| format!("a start after {event:?}: {error}"))?;
        self.start = began.elapsed();
        Ok(killed)
    }

    /// Kills a start: where a store is made anew, at some moment of that, else at any moment.
    fn kill_start(&mut self, node: &mut Node, random: &mut Random, anew: bool) -> Result<(), String> {
        let data = node.log_dir();
        let longest = if anew { LONGEST_RESTORE_MS } else { 2 * self.start.as_millis() as u64 };
        let after = Duration::from_millis(random.below(longest.max(1)));
        let began = Instant::now();
        let mut since = (!anew).then_some(began);
        node.start_and_kill(|| {
            if since.is_none() && stores(&data).is_ok_and(|stores| !stores.is_empty()) {
                since = Some(Instant::now());
            }
            // What little state there is may fit into memory.
            since.is_some_and(|since| since.elapsed() >= after) || began.elapsed() > RESTORE_LIMIT
        })?;
        self.starts += 1;
        self.restoring += usize::from(anew && since.is_some());
        Ok(())
    }
}

/// The folders of state on disk.
pub fn stores(data: &Path) -> Result<Vec<PathBuf>, String> {
    let logs = fs::read_dir(data).map_err(text)?;
    Ok(logs.flatten().map(|log| log.path().join(STORE)).filter(|store| store.exists()).collect())
}

fn remove_all(folders: &[PathBuf]) -> Result<(), String> {
    folders.iter().filter(|folder| folder.exists()).try_for_each(|folder| fs::remove_dir_all(folder).map_err(text))
}

/// Removes what logs know of their producers beside their records.
fn remove_snapshots(data: &Path) -> Result<(), String> {
    let files = fs::read_dir(data).map_err(text)?.flatten().filter_map(|log| fs::read_dir(log.path()).ok());
    let snapshot = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "snapshot");
    files
        .flatten()
        .flatten()
        .map(|file| file.path())
        .filter(snapshot)
        .try_for_each(|f| fs::remove_file(f).map_err(text))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(text)?;
    for entry in fs::read_dir(from).map_err(text)? {
        let entry = entry.map_err(text)?;
        let to = to.join(entry.file_name());
        if entry.file_type().map_err(text)?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to).map(drop).map_err(text)?;
        }
    }
    Ok(())
}
