//! Opens a log, and recovers it if it was not closed in order (Kafka: LogLoader).

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failed_sync;
use super::flush::Durability;
use super::{Cut, Log, LogConfig};
use crate::checkpoint::{PARTITION_METADATA_FILE, read_partition_metadata};
use crate::disk::{Disk, DiskFile};
use crate::epochs::LeaderEpochs;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp, TopicId, TopicPartition};
use crate::producer::ProducerState;
use crate::segment::{
    ABORT_INDEX_SUFFIX, Headers, LARGEST_BASE, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, Resume, Segment, TIME_INDEX_SUFFIX,
    base_of_log, file_path,
};

/// Where a log is and how it was left.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The log's folder; made if it is not there.
    pub dir: PathBuf,
    /// The partition.
    pub partition: TopicPartition,
    /// The topic's id; `None` takes the one in the folder, if any.
    pub topic_id: Option<TopicId>,
    /// The configuration.
    pub config: LogConfig,
    /// From the checkpoint: everything before it is on disk. Zero if there is none.
    pub recovery_point: Offset,
    /// From the checkpoint: the first offset that was not deleted. Zero if there is none.
    pub log_start_offset: Offset,
    /// The log was closed in order: it is taken as it is.
    pub clean: bool,
    /// The broker's clock.
    pub now: Timestamp,
}

impl Log {
    /// Opens the log; recovers it from the recovery point on unless it is clean.
    pub fn open(options: LogOptions) -> Result<Log, StorageError> {
        let (disk, dir) = (options.disk.clone(), options.dir.clone());
        Log::open_unmarked(options).inspect_err(|error| {
            if error.is_disk_failure() {
                failed_sync::leave_mark(&*disk, &dir);
            }
        })
    }

    fn open_unmarked(options: LogOptions) -> Result<Log, StorageError> {
        let LogOptions { disk, dir, partition, config, now, .. } = options;
        if options.log_start_offset > LARGEST_BASE {
            let reason = format!("its first offset, {}, leaves no room for records", options.log_start_offset);
            return Err(StorageError::corrupt(&dir, reason));
        }
        let is_new = !disk.exists(&dir)?;
        if is_new {
            disk.create_dir_all(&dir)?;
        }
        let mut unsynced = Vec::new();
        let topic_id = settle_topic_id(&*disk, &dir, options.topic_id, is_new, &mut unsynced)?;
        let (names, changed) =
            if is_new { (Vec::new(), false) } else { tidy_up(&*disk, &dir, options.recovery_point)? };
        let segments = open_segments(&disk, &dir, &names, &config, now)?;
        let mut log = Log {
            producers: ProducerState::open(disk.clone(), &dir, &names),
            epochs: LeaderEpochs::open(disk.clone(), &dir)?,
            disk,
            dir,
            partition,
            topic_id,
            config,
            segments,
            log_start: options.log_start_offset.max(Offset::ZERO),
            log_end: Offset::ZERO,
            high_watermark: Offset::ZERO,
            recovery_point: options.recovery_point,
            durability: Default::default(),
            unsynced,
            retired: Vec::new(),
            broken: false,
            unreadable: false,
            compaction: Default::default(),
            cuts: Vec::new(),
        };
        let as_it_is = log.settle(options.clean && !changed, now)?;
        // An empty log was closed without a sync: its files may have no durable names yet.
        let clean = as_it_is && log.log_end > Offset::ZERO;
        log.durability = Durability::opened(log.recovery_point, now, clean);
        if log.log_end == Offset::ZERO && log.cuts.is_empty() {
            log.durability.found_empty();
        }
        log.sync_recovered()?;
        Ok(log)
    }

    /// Finds out where the log begins and ends, and what its producers did. Whether it was taken as it is.
    fn settle(&mut self, clean: bool, now: Timestamp) -> Result<bool, StorageError> {
        let bases = self.segments.keys().copied().collect();
        self.producers.remove_stray_snapshots(&bases, Offset(i64::MAX))?;
        let clean_end = if clean { self.clean_end()? } else { None };
        match clean_end {
            Some(end) => {
                self.log_end = end;
                self.recovery_point = end;
            }
            None => self.recover(now)?,
        }
        if self.log_end < self.log_start {
            // What the checkpoint of the first offset speaks of is gone: nothing before it may come back.
            self.remove_segments_from(Offset::ZERO)?;
        }
        if self.segments.is_empty() {
            let start = self.log_start;
            self.segments.insert(start, self.new_segment(start, now)?);
            self.log_end = start;
        }
        let first = self.segments.keys().next().copied().unwrap_or(self.log_start);
        self.log_start = self.log_start.max(first);
        self.recovery_point = self.recovery_point.clamp(self.log_start, self.log_end);
        self.high_watermark = self.log_end;
        self.epochs.truncate_from_end(self.log_end)?;
        self.epochs.truncate_from_start(self.log_start)?;
        self.rebuild_producers(now)?;
        self.delete_covered_segments()?;
        Ok(clean_end.is_some())
    }

    /// The end of a log that was closed in order; `None` if the files say otherwise.
    fn clean_end(&self) -> Result<Option<Offset>, StorageError> {
        for segment in self.segments.values() {
            if !segment.has_indexes()? {
                return Ok(None);
            }
        }
        match self.segments.last_key_value() {
            None => Ok(Some(self.log_start)),
            Some((_, active)) => active.end_offset(),
        }
    }

    /// Reads everything from the recovery point on, and cuts off what is torn or damaged, with all that follows it.
    fn recover(&mut self, now: Timestamp) -> Result<(), StorageError> {
        // The epochs begin where the log did, and were written before anything was deleted.
        let deleted_to = self.epochs.earliest().map_or(Offset::ZERO, |entry| entry.start);
        let mut bases = Vec::with_capacity(self.segments.len());
        for (base, segment) in &self.segments {
            // What lies beyond is read in any case.
            let sound = *base >= self.recovery_point || segment.indexes_look_sound()?;
            bases.push((*base, sound));
        }
        let Some((first, _)) = bases.first().copied() else { return Ok(()) };
        let scan_from = recovery_start(&bases, self.recovery_point).unwrap_or(first);
        let expiration = self.config.producer_id_expiration_ms;
        let mut resume = self.resume_point(scan_from)?;
        let read_from = resume.map_or(scan_from, |resume| resume.at.header.base_offset);
        let limit = if resume.is_some() { self.recovery_point } else { scan_from };
        self.producers.load(self.log_start.max(first), limit, now, expiration)?;
        if self.producers.end() < read_from || resume.is_none() {
            self.replay_producers(read_from)?;
        }
        self.log_end = scan_from;
        for (base, _) in bases.into_iter().filter(|(base, _)| *base >= scan_from) {
            // Kafka's compaction leaves gaps between segments that it has synced; else a gap means that the end of the one before was
            // lost.
            let may_have_gap = self.config.compact && self.log_end < self.recovery_point;
            if base > self.log_end && self.log_end <= deleted_to {
                // A crash has undone the deletion of what lies before, in part.
                let kept = self.segments.split_off(&base);
                std::mem::replace(&mut self.segments, kept).into_values().try_for_each(Segment::remove)?;
                self.log_end = base;
            }
            if base != self.log_end && !may_have_gap {
                let (from, to) = (self.log_end, base);
                self.cut_segments_from(base, &format!("it begins at offset {to}, the one before it ends at {from}"))?;
                break;
            }
            let segment = self.segments.get_mut(&base).expect("its base was just listed");
            // By the checkpoint nobody will look at such a segment again: its new indexes must be as durable as the old were.
            let durable = base < self.recovery_point;
            let recovered = segment.recover(resume.take(), &mut self.producers, &mut self.epochs, durable)?;
            self.log_end = recovered.end;
            if durable {
                segment.files().try_for_each(|file| file.sync())?;
                self.disk.sync_dir(&self.dir)?;
            }
            if let Some((bytes, reason)) = recovered.cut {
                let (position, end) = (segment.size(), recovered.end);
                self.cuts.push(Cut { file: file_path(&self.dir, base, LOG_SUFFIX), position, bytes, end, reason });
                self.cut_segments_from(Offset(base.0 + 1), "what was before it was cut off")?;
                break;
            }
        }
        Ok(())
    }

    /// Where in the segment that begins at `base` reading can begin, if the recovery point lies in it and all that is made from what
    /// lies before is there.
    fn resume_point(&self, base: Offset) -> Result<Option<Resume>, StorageError> {
        let next = self.segments.range(Offset(base.0 + 1)..).next();
        if base >= self.recovery_point || next.is_some_and(|(next, _)| *next < self.recovery_point) {
            return Ok(None);
        }
        let Some(segment) = self.segments.get(&base) else { return Ok(None) };
        let known = |resume: &Resume| {
            let header = &resume.at.header;
            header.leader_epoch.0 < 0 || self.epochs.epoch_at(header.base_offset) == Some(header.leader_epoch)
        };
        Ok(segment.resume_point(self.recovery_point)?.filter(known))
    }

    /// Removes segments, durably: the next crash must not bring them back among what is written in their place.
    fn cut_segments_from(&mut self, from: Offset, reason: &str) -> Result<(), StorageError> {
        let cut = |segment: &Segment| Cut {
            file: file_path(&self.dir, segment.base(), LOG_SUFFIX),
            position: 0,
            bytes: segment.size(),
            end: self.log_end,
            reason: reason.to_owned(),
        };
        let cuts: Vec<Cut> = self.segments.range(from..).map(|(_, segment)| cut(segment)).collect();
        self.remove_segments_from(from)?;
        if !cuts.is_empty() {
            self.disk.sync_dir(&self.dir)?;
        }
        self.cuts.extend(cuts);
        Ok(())
    }

    fn remove_segments_from(&mut self, from: Offset) -> Result<(), StorageError> {
        for segment in self.segments.split_off(&from).into_values() {
            segment.remove()?;
        }
        Ok(())
    }
}

/// Where recovery begins to read, by the base offsets of the segments and whether the indexes of each look sound; `None` without segments.
///
/// A recovery point at a segment's very start was reached before the one before it was sealed: its last index entries may never
/// have been synced, so that one is read again. An index that is missing or broken below the recovery point was deleted or damaged by
/// hand: that one is read, with all that follow it.
pub(crate) fn recovery_start(segments: &[(Offset, bool)], recovery_point: Offset) -> Option<Offset> {
    let (first, _) = *segments.first()?;
    let point = segments.iter().rfind(|(base, _)| *base < recovery_point).map_or(first, |(base, _)| *base);
    let unindexed = segments.iter().find(|(_, indexed)| !indexed).map_or(point, |(base, _)| *base);
    Some(point.min(unindexed))
}

/// Reads or writes `partition.metadata`.
fn settle_topic_id(
    disk: &dyn Disk,
    dir: &Path,
    wanted: Option<TopicId>,
    is_new: bool,
    unsynced: &mut Vec<Arc<dyn DiskFile>>,
) -> Result<Option<TopicId>, StorageError> {
    let read = if is_new { Ok(None) } else { read_partition_metadata(disk, dir) };
    let found = match (read, wanted) {
        // Not synced when it was written, and lost since.
        (Err(StorageError::Corrupt { .. }), Some(_)) => None,
        (found, _) => found?,
    };
    let path = dir.join(PARTITION_METADATA_FILE);
    match (found, wanted) {
        (Some(found), Some(wanted)) if found != wanted => {
            Err(StorageError::corrupt(&path, format!("it belongs to topic id {found}, not to {wanted}")))
        }
        (None, Some(wanted)) if wanted != TopicId::ZERO => {
            // Synced with the next flush: creating a partition waits for no disk.
            let file = disk.create(&path)?;
            file.append(&mut [IoSlice::new(format!("version: 0\ntopic_id: {wanted}").as_bytes())])?;
            unsynced.push(file);
            Ok(Some(wanted))
        }
        (found, wanted) => Ok(found.or(wanted)),
    }
}

/// Brings the folder in order; the names of its files then, and whether the files are others than those of the last closing.
fn tidy_up(disk: &dyn Disk, dir: &Path, recovery_point: Offset) -> Result<(Vec<String>, bool), StorageError> {
    let list =
        || -> Result<Vec<String>, StorageError> { Ok(disk.list(dir)?.into_iter().map(|entry| entry.name).collect()) };
    let names = list()?;
    let left = remove_leftovers(disk, dir, &names)?;
    let anew = failed_sync::write_anew(disk, dir, recovery_point)?;
    let names = if left.found || anew { list()? } else { names };
    Ok((names, left.swapped || anew))
}

/// What was left of interrupted work.
#[derive(Default)]
struct Leftovers {
    /// There was something.
    found: bool,
    /// Segments were replaced.
    swapped: bool,
}

/// Removes what interrupted deletions and compactions left, and completes compactions that had only to be named.
fn remove_leftovers(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<Leftovers, StorageError> {
    let mut left = Leftovers::default();
    let present: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    for name in names {
        let path = dir.join(name);
        let half_done = [".deleted", ".cleaned", ".tmp", ".cut"];
        if half_done.iter().any(|suffix| name.ends_with(suffix)) {
            disk.remove_file(&path)?;
            left.found = true;
        } else if let Some(finished) = name.strip_suffix(".swap") {
            // The new segment is complete; what it replaces may be there still. The indexes are made anew.
            left.found = true;
            if finished.ends_with(LOG_SUFFIX) {
                complete_swap(disk, dir, names, name, finished)?;
                left.swapped = true;
            } else {
                disk.remove_file(&path)?;
            }
        }
    }
    for name in names {
        let index = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX];
        let Some(base) = index.iter().find_map(|suffix| name.strip_suffix(suffix)) else { continue };
        let log = format!("{base}{LOG_SUFFIX}");
        // What was done above is not among the names.
        let has_log = if left.found { disk.exists(&dir.join(&log))? } else { present.contains(log.as_str()) };
        if !has_log {
            disk.remove_file(&dir.join(name))?;
            left.found = true;
        }
    }
    Ok(left)
}

/// Puts a compacted segment in the place of those whose offsets it covers.
fn complete_swap(
    disk: &dyn Disk,
    dir: &Path,
    names: &[String],
    swap: &str,
    finished: &str,
) -> Result<(), StorageError> {
    let from = base_of_log(finished).unwrap_or(Offset(i64::MAX));
    let mut to = from;
    for batch in Headers::new(disk.open(&dir.join(swap))?, 0) {
        to = batch?.header.last_offset();
    }
    for name in names {
        if base_of_log(name).is_some_and(|base| (from..=to).contains(&base)) {
            disk.remove_file(&dir.join(name))?;
        }
    }
    disk.remove_file(&dir.join(finished.replace(LOG_SUFFIX, OFFSET_INDEX_SUFFIX)))?;
    // The old index must never be seen beside the new log.
    disk.sync_dir(dir)?;
    disk.rename(&dir.join(swap), &dir.join(finished))
}

fn open_segments(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    names: &[String],
    config: &LogConfig,
    now: Timestamp,
) -> Result<BTreeMap<Offset, Segment>, StorageError> {
    let mut segments = BTreeMap::new();
    for name in names {
        let Some(base) = base_of_log(name) else { continue };
        if base > LARGEST_BASE {
            let reason = "its offset leaves no room for records; no broker wrote it, move it away";
            return Err(StorageError::corrupt(&dir.join(name), reason));
        }
        segments.insert(base, Segment::open(disk.clone(), dir, base, config.index(), now)?);
    }
    Ok(segments)
}
