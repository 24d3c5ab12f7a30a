//! Compaction, as far as it needs the log: what there is to do, and how the result comes into its place (Kafka: LogCleanerManager,
//! LocalLog.replaceSegments). The work between is a [`CleanTask`], which does not hold the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::Log;
use crate::compact::{
    CleanInput, CleanPlan, CleanStats, CleanTask, Cleaned, CompactionConfig, LastOfProducers, Source,
};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::producer::ProducerEntry;
use crate::segment::{LOG_SUFFIX, Segment, place_indexes, place_log, promise_log, remove_cleaned};

/// What a log knows of its compaction.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    /// Where the dirty part begins, if any part is clean.
    cleaned_up_to: Option<Offset>,
    /// The task that is under way; alive as long as the task or its result is.
    running: Weak<AtomicBool>,
}

impl Compaction {
    /// The task that is under way is in vain.
    pub(super) fn cancel(&mut self) {
        if let Some(running) = self.running.upgrade() {
            running.store(true, Ordering::Release);
        }
    }

    /// The log was cut off at `end`.
    pub(super) fn truncated(&mut self, end: Offset) {
        self.cancel();
        self.cleaned_up_to = self.cleaned_up_to.map(|offset| offset.min(end));
    }
}

impl Log {
    /// The configuration of compaction in force.
    #[must_use]
    pub fn compaction_config(&self) -> &CompactionConfig {
        &self.config.compaction
    }

    /// Puts another configuration of compaction in force. Whether the log is compacted at all is `LogConfig::compact`.
    pub fn update_compaction_config(&mut self, config: CompactionConfig) {
        self.config.compaction = config;
    }

    /// Where the part begins that was not compacted yet; `None` if all of it is.
    #[must_use]
    pub fn cleaned_up_to(&self) -> Option<Offset> {
        self.compaction.cleaned_up_to
    }

    /// Takes over what `cleaner-offset-checkpoint` says of this log, after opening it.
    pub fn set_cleaned_up_to(&mut self, offset: Option<Offset>) {
        self.compaction.cleaned_up_to = offset;
    }

    /// What there is to compact; `None` if there is nothing, or it is too little yet and not overdue.
    pub fn clean_plan(&self, now: Timestamp) -> Result<Option<CleanPlan>, StorageError> {
        let min_ratio = self.config.compaction.min_cleanable_dirty_ratio;
        let enough = |plan: &CleanPlan| plan.overdue || plan.dirty_ratio() > min_ratio;
        Ok(self.cleanable(now)?.filter(|plan| plan.dirty_bytes > 0 && enough(plan)))
    }

    /// How the log stands, be there enough to compact or not; `None` if it is not to be compacted at all, or is empty.
    pub fn cleanable(&self, now: Timestamp) -> Result<Option<CleanPlan>, StorageError> {
        if !self.config.compact || self.broken {
            return Ok(None);
        }
        let first_dirty = self.first_dirty();
        let first_uncleanable = self.first_uncleanable(first_dirty, now)?;
        let bytes = |from: Offset, to: Offset| -> u64 {
            if from >= to { 0 } else { self.segments.range(from..to).map(|(_, segment)| segment.size()).sum() }
        };
        let dirty_segment = self.segment_base(first_dirty).min(first_uncleanable);
        let plan = CleanPlan {
            first_dirty,
            first_uncleanable,
            clean_bytes: bytes(Offset::ZERO, first_dirty),
            dirty_bytes: bytes(dirty_segment, first_uncleanable),
            overdue: self.is_overdue(first_dirty, now)?,
        };
        Ok((plan.clean_bytes + plan.dirty_bytes > 0 && first_dirty < first_uncleanable).then_some(plan))
    }

    /// Prepares a pass if there is enough to do, and no other pass is under way. The map of keys takes up to `max_map_bytes`
    /// (Kafka: `log.cleaner.dedupe.buffer.size` divided by the threads); if that does not hold the keys of a single batch, no pass
    /// gets anywhere, which [`CleanStats::map_full`] with an unchanged offset tells.
    pub fn begin_clean(&mut self, now: Timestamp, max_map_bytes: usize) -> Result<Option<CleanTask>, StorageError> {
        if self.compaction.running.strong_count() > 0 {
            return Ok(None);
        }
        let Some(plan) = self.clean_plan(now)? else { return Ok(None) };
        let first = self.segments.keys().next().copied().unwrap_or(Offset::ZERO);
        let ends = self.segments.keys().skip(1).copied();
        let sources = self.segments.values().zip(ends).take_while(|(_, end)| *end <= plan.first_uncleanable);
        let source = |(segment, end): (&Segment, Offset)| Source {
            base: segment.base(),
            end,
            file: segment.log_file().clone(),
            size: segment.size(),
        };
        let mut unsynced = Vec::new();
        if self.recovery_point < self.log_end {
            unsynced.extend(self.segments_from(self.recovery_point).map(|segment| segment.log_file().clone()));
        }
        let last_of = |entry: &ProducerEntry| {
            let last = entry.batches.back().map(|batch| batch.last_offset);
            (entry.producer_id, (last, entry.epoch))
        };
        let producers: LastOfProducers = self.producers.entries().map(last_of).collect();
        let cancelled = Arc::new(AtomicBool::new(false));
        let input = CleanInput {
            disk: self.disk.clone(),
            dir: self.dir.clone(),
            index: self.config.index(),
            segment_bytes: self.config.segment_bytes,
            delete_retention_ms: self.config.compaction.delete_retention_ms,
            now,
            max_map_bytes,
            sources: sources.map(source).collect(),
            first_dirty: plan.first_dirty,
            unsynced,
            aborted: self.aborted_transactions(first, plan.first_uncleanable)?,
            producers,
            cancelled: cancelled.clone(),
        };
        self.compaction.running = Arc::downgrade(&cancelled);
        Ok(Some(CleanTask::new(input)))
    }

    /// Puts the result of a pass in place; drops it if the log was truncated, closed or deleted meanwhile. Durable when it returns.
    /// After an error the log must be opened anew.
    pub fn finish_clean(&mut self, cleaned: Cleaned) -> Result<CleanStats, StorageError> {
        let Cleaned { mut groups, mut stats, cancelled } = cleaned;
        if !self.still_holds(&cancelled) || !groups.iter().all(|group| self.may_replace(&group.replaced)) {
            if !self.broken {
                groups.iter().try_for_each(|group| remove_cleaned(&*self.disk, &self.dir, group.base))?;
            }
            stats.cleaned_up_to = self.first_dirty();
            return Ok(stats);
        }
        // Retention was faster.
        let gone = |sources: &[Source]| sources.iter().all(|source| !self.segments.contains_key(&source.base));
        for group in groups.extract_if(.., |group| gone(&group.replaced)) {
            remove_cleaned(&*self.disk, &self.dir, group.base)?;
        }
        self.broken = true;
        let bases: Vec<Offset> = groups.iter().map(|group| group.base).collect();
        // In their order: a tombstone goes only when all that it deleted is gone.
        bases.iter().try_for_each(|base| promise_log(&*self.disk, &self.dir, *base))?;
        self.unreadable = !groups.is_empty();
        for group in &groups {
            self.remove_replaced(group.base, &group.replaced)?;
            place_indexes(&*self.disk, &self.dir, group.base)?;
        }
        if !bases.is_empty() {
            self.disk.sync_dir(&self.dir)?;
            bases.iter().try_for_each(|base| place_log(&*self.disk, &self.dir, *base))?;
            self.disk.sync_dir(&self.dir)?;
        }
        for base in bases {
            let segment = Segment::open(self.disk.clone(), &self.dir, base, self.config.index(), Timestamp::NONE)?;
            self.segments.insert(base, segment);
            stats.replaced = true;
        }
        (self.broken, self.unreadable) = (false, false);
        self.compaction.cleaned_up_to = Some(stats.cleaned_up_to);
        Ok(stats)
    }

    /// Whether the result of a pass is one of this log, and the log as it was.
    fn still_holds(&self, cancelled: &Arc<AtomicBool>) -> bool {
        let mine = std::ptr::eq(self.compaction.running.as_ptr(), Arc::as_ptr(cancelled));
        mine && !self.broken && !cancelled.load(Ordering::Acquire)
    }

    /// Segments may be gone from the start of the log, by retention; the others must be those that were read.
    fn may_replace(&self, sources: &[Source]) -> bool {
        sources.iter().all(|source| match self.segments.get(&source.base) {
            None => source.end <= self.log_start,
            Some(segment) => Arc::ptr_eq(segment.log_file(), &source.file) && segment.size() == source.size,
        })
    }

    /// Takes the old segments out; the indexes at `base` stay until the new ones take their names.
    fn remove_replaced(&mut self, base: Offset, sources: &[Source]) -> Result<(), StorageError> {
        for source in sources {
            let Some(segment) = self.segments.remove(&source.base) else { continue };
            if source.base != base {
                self.retire(segment)?;
                self.producers.remove_snapshot(source.base)?;
            } else if self.config.file_delete_delay_ms > 0 {
                self.retire_file(base, LOG_SUFFIX)?;
            }
        }
        Ok(())
    }

    /// What a checkpoint says that does not fit the log counts as nothing (LogCleanerManager.cleanableOffsets).
    fn first_dirty(&self) -> Offset {
        let known = self.compaction.cleaned_up_to.filter(|offset| (self.log_start..=self.log_end).contains(offset));
        known.unwrap_or(self.log_start)
    }

    fn first_uncleanable(&self, first_dirty: Offset, now: Timestamp) -> Result<Offset, StorageError> {
        let mut end = self.active().base().min(self.segment_base(self.last_stable_offset()));
        let lag = self.config.compaction.min_compaction_lag_ms;
        if lag > 0 {
            for (base, segment) in self.segments.range(self.segment_base(first_dirty)..) {
                if *base >= end {
                    break;
                }
                if segment.largest_timestamp()? > now.plus_ms(-lag) {
                    end = *base;
                }
            }
        }
        Ok(end)
    }

    /// Whether dirty records have waited for too long (LogCleanerManager.maxCompactionDelay).
    fn is_overdue(&self, first_dirty: Offset, now: Timestamp) -> Result<bool, StorageError> {
        let limit = now.0.saturating_sub(self.config.compaction.max_compaction_lag_ms.max(0));
        let active = self.active().base();
        for (base, segment) in self.segments.range(self.segment_base(first_dirty)..) {
            let first = if *base < active { segment.first_timestamp()? } else { Timestamp::NONE };
            if first.0 > 0 && first.0 < limit {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Base of the segment that `offset` lies in.
    fn segment_base(&self, offset: Offset) -> Offset {
        self.segments.range(..=offset).next_back().map_or(offset, |(base, _)| *base)
    }
}
