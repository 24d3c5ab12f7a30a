//! Steps that keep the log in order: rolling, flushing, cutting, deleting, compacting.

use forebay_storage::ids::{Offset, Timestamp};
use forebay_storage::log::LogConfig;
use proptest::sample::Index;

use crate::machine::{HalfCut, Machine};

impl Machine {
    pub fn roll(&mut self) {
        let now = Timestamp(self.now);
        let rolled = self.log().roll(now);
        self.may_fail(rolled, false);
    }

    pub fn flush(&mut self) {
        let flushed = self.log().flush();
        self.sync_failed |= flushed.is_err();
        if self.may_fail(flushed, false).is_some() {
            self.durable = self.history.end;
            assert_eq!(self.look().recovery_point().0, self.history.end);
        }
    }

    pub fn sync(&mut self) {
        let synced = self.log().prepare_sync().and_then(|task| task.run());
        let failed = synced.is_err();
        self.sync_failed |= failed;
        match self.may_fail(synced, false) {
            Some(done) => {
                self.log().flushed(done);
                self.durable = self.history.end;
                assert_eq!(self.look().durable_offset().0, self.history.end);
            }
            None if failed => self.log().flush_failed(),
            None => {}
        }
    }

    pub fn checkpoint(&mut self) {
        let log = self.look();
        let recovery_point = log.recovery_point().0;
        let cleaned_up_to = log.cleaned_up_to().map(|offset| offset.0);
        let log_start = log.log_start_offset().0;
        self.checkpoints = crate::machine::Checkpoints { recovery_point, log_start, cleaned_up_to };
    }

    pub fn truncate(&mut self, at: Index) {
        // What compaction has superseded does not come back, so nobody truncates below the high watermark of that time.
        let lowest = if self.compact { self.start.max(self.cleaned) } else { self.start };
        if lowest > self.history.end {
            return;
        }
        let offset = lowest + at.index((self.history.end - lowest) as usize + 1) as i64;
        let held = self.look().read(Offset(offset), 1000, Offset(i64::MAX), true).map(|read| read.bytes);
        let copy = held.as_ref().map(|bytes| bytes.to_vec()).unwrap_or_default();
        let now = Timestamp(self.now);
        let truncated = self.log().truncate_to(Offset(offset), now);
        assert!(held.is_err() || held.unwrap() == copy, "a reader saw the truncation");
        self.sync_failed |= truncated.is_err();
        // Compaction has kept the last batch of each producer, which may be cut off now.
        self.producers_unknown |= self.cleaned > 0;
        let end = self.history.cut_at(offset);
        // The leader's checkpoint would be wrong; Kafka writes it with the truncation as well.
        self.checkpoints.recovery_point = self.checkpoints.recovery_point.min(end);
        self.checkpoints.cleaned_up_to = self.checkpoints.cleaned_up_to.map(|cleaned| cleaned.min(end));
        self.durable = self.durable.min(end);
        if self.may_fail(truncated, false).is_some() {
            assert_eq!(self.look().log_end_offset().0, end);
            self.history.truncate(end);
            self.start = self.start.min(end);
            self.reread_producers();
        } else if end < self.history.end {
            assert!(self.look().is_broken(), "a truncation failed half-way and nobody minds");
            self.half_cut = Some(HalfCut { keeps: end, restarts_at: None });
        }
    }

    pub fn truncate_fully(&mut self, ahead: i64) {
        let (offset, now) = (self.history.end + ahead, Timestamp(self.now));
        let truncated = self.log().truncate_fully_and_start_at(Offset(offset), now);
        self.sync_failed |= truncated.is_err();
        self.durable = self.durable.min(self.start);
        self.checkpoints.recovery_point = self.checkpoints.recovery_point.min(self.start);
        self.checkpoints.cleaned_up_to = None;
        if self.may_fail(truncated, false).is_some() {
            self.history.batches.clear();
            (self.history.end, self.start, self.forgetful) = (offset, offset, false);
        } else {
            assert!(self.look().is_broken(), "a truncation failed half-way and nobody minds");
            self.half_cut =
                Some(HalfCut { keeps: self.start.min(self.checkpoints.log_start), restarts_at: Some(offset) });
        }
    }

    pub fn delete_records(&mut self, at: Index) {
        // Records of open transactions stay, or their end would be a matter of taste.
        let stable = self.look().last_stable_offset().0;
        let to = self.start + at.index((stable - self.start).max(0) as usize + 1) as i64;
        let before = self.start;
        self.deleted = self.deleted.max(to);
        let deleted = self.log().increment_log_start_offset(Offset(to));
        let found = self.look().log_start_offset().0;
        match self.may_fail(deleted, false) {
            Some(()) => assert_eq!(found, to.max(before)),
            None => assert!(found == before || found == to, "{found} is neither {before} nor {to}"),
        }
        self.start = found;
    }

    pub fn retain(&mut self) {
        if !self.history.open_transactions().is_empty() {
            return;
        }
        let (config, now) = (self.config(), Timestamp(self.now));
        let (before, size) = (self.start, self.look().size_in_bytes());
        self.log().update_config(LogConfig { delete: true, retention_bytes: 800, ..config.clone() });
        let retained = self.log().apply_retention(now);
        self.log().update_config(config);
        self.start = self.look().log_start_offset().0;
        self.deleted = self.deleted.max(self.start);
        assert!((before..=self.history.end).contains(&self.start));
        assert!(size > 800 || self.start == before, "{size} bytes are not too many");
        self.may_fail(retained, false);
    }

    /// The state of the producers is read again from what is left of the log.
    pub fn reread_producers(&mut self) {
        let incomplete = self.history.batches.first().is_some_and(|batch| batch.base < self.start);
        self.only_last = true;
        self.forgetful |= incomplete || self.cleaned > 0;
    }

    pub fn clean(&mut self, keys: usize) {
        let now = Timestamp(self.now);
        let planned = self.look().clean_plan(now).map(|plan| plan.map(|plan| plan.first_uncleanable.0));
        let Some(Some(uncleanable)) = self.may_fail(planned, false) else { return };
        assert!(self.compact);
        let begun = self.log().begin_clean(now, keys * 27);
        let Some(Some(task)) = self.may_fail(begun, false) else { return };
        let run = task.run(&mut |_| {});
        let failed = run.as_ref().is_err_and(|error| error.is_disk_failure());
        let Some(cleaned) = self.may_fail(run, false) else {
            // As the broker does, which takes the whole folder offline.
            if failed {
                self.sync_failed = true;
                self.log().flush_failed();
            }
            return;
        };
        // From here on the old records may be gone, whether or not it fails.
        let finished = self.log().finish_clean(cleaned);
        self.cleaned = self.cleaned.max(self.history.end);
        if let Some(stats) = self.may_fail(finished, false)
            && !stats.map_full
        {
            assert_eq!(stats.cleaned_up_to.0, uncleanable);
            self.disk.spare(true);
            self.check_compacted(uncleanable);
            self.disk.spare(false);
        }
    }
}
