//! Steps after which the log is opened anew, and what of it must be there.

use std::path::PathBuf;

use forebay_storage::disk::{Disk, FaultPlan};

use crate::machine::{Machine, dir};
use crate::steps::Lose;

impl Machine {
    pub fn kill(&mut self, lose: Lose) {
        if self.sync_failed && !self.is_marked() {
            return self.crash(self.serial as u64);
        }
        drop(self.log.take());
        self.lose(lose);
        // The system still has what the process wrote.
        self.reopen(false, self.history.end);
    }

    /// Whether the log could note that a sync has failed. A disk that did not even take that is not used again as if nothing had
    /// happened: the machine is started anew at least.
    fn is_marked(&self) -> bool {
        self.memory.exists(&dir().join("sync-failed")).unwrap()
    }

    pub fn crash(&mut self, seed: u64) {
        drop(self.log.take());
        self.memory.crash_by(&mut FaultPlan::from_seed(seed));
        let cut = self.half_cut.map_or(i64::MAX, |cut| cut.keeps);
        self.reopen(false, self.durable.min(cut));
    }

    pub fn restart(&mut self) {
        let was_broken = self.log().is_broken();
        let closed = self.log().close();
        self.sync_failed |= closed.is_err();
        if self.may_fail(closed, was_broken).is_none() {
            return self.kill(Lose::Nothing);
        }
        assert!(!was_broken, "a broken log was closed in order");
        self.checkpoint();
        self.durable = self.history.end;
        drop(self.log.take());
        self.reopen(true, self.history.end);
    }

    /// Opens the log, which may take several attempts if the disk fails.
    fn reopen(&mut self, clean: bool, at_least: i64) {
        let opened = self.open(clean);
        let sync_failed = opened.as_ref().is_err_and(|error| error.is_disk_failure());
        let mut at_least = at_least;
        let log = match self.may_fail(opened, false) {
            Some(log) => log,
            None => {
                self.heal();
                if sync_failed && !self.is_marked() {
                    self.memory.crash_by(&mut FaultPlan::from_seed(self.serial as u64));
                    at_least = at_least.min(self.durable);
                }
                self.open(false).expect("the disk is well again")
            }
        };
        self.log = Some(log);
        self.sync_failed = false;
        self.settle(at_least);
    }

    /// Compares where the log begins and ends with what is possible, and goes on from there.
    fn settle(&mut self, at_least: i64) {
        let log = self.look();
        let (start, end) = (log.log_start_offset().0, log.log_end_offset().0);
        let maybe = std::mem::take(&mut self.maybe);
        let cut = self.half_cut.take();
        let wiped = cut.and_then(|cut| cut.restarts_at) == Some(end) && start == end;
        // All that was left lies before what was deleted for good.
        let deleted = start == end && start == self.checkpoints.log_start;
        if wiped || (deleted && end > self.history.end) {
            self.history.batches.clear();
            self.history.end = end;
            self.start = start;
        }
        let at_least = cut.map_or(at_least, |cut| at_least.min(cut.keeps));
        assert!(end >= at_least, "{at_least} was promised, {end} is there");
        for batch in maybe {
            if batch.next() <= end && batch.base == self.history.end {
                self.history.push(batch);
            }
        }
        assert!(end <= self.history.end, "the log ends at {end}, only {} was written", self.history.end);
        self.history.truncate(end);
        // The first files may be lost if nothing was promised at all.
        let wiping = cut.is_some_and(|cut| cut.restarts_at.is_some());
        let latest = if self.durable > self.start && !wiping { self.start } else { end };
        let latest = latest.max(self.checkpoints.log_start);
        assert!(start <= latest, "the log begins at {start}, not at {latest}");
        assert!(start >= self.checkpoints.log_start, "deleted records are back");
        self.deleted = self.deleted.max(start);
        self.start = start;
        self.durable = self.durable.min(end);
        self.reread_producers();
    }

    /// Removes files by hand.
    fn lose(&mut self, lose: Lose) {
        let named = |ending: &'static str| -> Vec<PathBuf> {
            let files = self.memory.files();
            files.into_keys().filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
        };
        match lose {
            Lose::Nothing => {}
            Lose::Snapshots => named("snapshot").iter().for_each(|path| self.memory.remove_file(path).unwrap()),
            Lose::Indexes(which) => {
                for (at, path) in named("index").into_iter().enumerate() {
                    if which >> (at % 64) & 1 == 1 {
                        for ending in ["index", "timeindex", "txnindex"] {
                            self.memory.remove_file(&path.with_extension(ending)).unwrap();
                        }
                    }
                }
                self.memory.sync_dir(&dir()).unwrap();
            }
        }
    }
}
