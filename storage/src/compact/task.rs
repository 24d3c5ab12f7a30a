//! One pass over a log: maps the keys of the dirty part, then writes each group of segments anew (Kafka: Cleaner.doClean).

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::filter::{BatchFilter, LastOfProducers};
use super::groups::group;
use super::offset_map::OffsetMap;
use super::transactions::CleanedTransactions;
use crate::batch::{Batch, BatchError};
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::segment::{
    AbortedTransaction, IndexConfig, LOG_SUFFIX, PlacedBatch, Segment, Windows, file_path, remove_cleaned,
};

/// Bytes that are collected for one write.
const WRITE_BYTES: usize = 1024 * 1024;
/// Batches that are collected for one write, as many as a system call takes.
const WRITE_BATCHES: usize = 1024;

/// A segment to read. It does not change while the task is valid.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) base: Offset,
    /// Base of the next segment.
    pub(crate) end: Offset,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) size: u64,
}

/// All that a pass needs to know.
#[derive(Debug)]
pub(crate) struct CleanInput {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) index: IndexConfig,
    pub(crate) segment_bytes: u64,
    pub(crate) delete_retention_ms: i64,
    pub(crate) now: Timestamp,
    pub(crate) max_map_bytes: usize,
    /// All segments that may be compacted.
    pub(crate) sources: Vec<Source>,
    pub(crate) first_dirty: Offset,
    /// Logs with batches that may not be on disk yet, up to the one written to.
    pub(crate) unsynced: Vec<Arc<dyn DiskFile>>,
    pub(crate) aborted: Vec<AbortedTransaction>,
    pub(crate) producers: LastOfProducers,
    /// Set when the log was truncated, closed or deleted: the pass is in vain then.
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// The slow part of a compaction, to be done without holding the log. Two tasks for one folder must not run at the same time: wait for
/// one before its log is opened anew.
#[derive(Debug)]
pub struct CleanTask {
    input: CleanInput,
    stats: CleanStats,
}

/// What a pass has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanStats {
    /// Where the dirty part begins now; belongs into `cleaner-offset-checkpoint`.
    pub cleaned_up_to: Offset,
    /// Whether segments were put in place; false if the log was truncated, closed or deleted meanwhile, or nothing changed.
    pub replaced: bool,
    /// Segments read.
    pub segments_before: usize,
    /// Segments that came of them.
    pub segments_after: usize,
    /// Bytes read.
    pub bytes_before: u64,
    /// Bytes that are left of them.
    pub bytes_after: u64,
    /// Batches' records read, control records included.
    pub records_before: u64,
    /// Records that are left of them.
    pub records_after: u64,
    /// Records without a key, which went.
    pub keyless: u64,
    /// The keys of the dirty part did not fit into the memory given: it takes another pass.
    pub map_full: bool,
}

/// The result of a pass, to be put in place.
#[derive(Debug)]
pub struct Cleaned {
    pub(crate) groups: Vec<CleanedGroup>,
    pub(crate) stats: CleanStats,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// A segment that was written, and those that it replaces.
#[derive(Debug)]
pub(crate) struct CleanedGroup {
    pub(crate) base: Offset,
    pub(crate) replaced: Vec<Source>,
}

/// Tells a [`CleanTask`] that it is in vain, from another thread or from its throttle.
#[derive(Clone, Debug)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// The task ends soon, and its result will be dropped.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the task is in vain: by this, or because the log was truncated, closed or deleted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl CleanTask {
    /// To cancel it with. The log takes no other task as long as this is kept.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        Cancellation(self.input.cancelled.clone())
    }

    pub(crate) fn new(input: CleanInput) -> CleanTask {
        CleanTask { input, stats: CleanStats::default() }
    }

    /// Reads and writes. `throttle` is called with the number of bytes after each read and each write, and may sleep.
    /// After an error nothing has changed but that unfinished files may be left, which the next pass or opening removes.
    pub fn run(mut self, throttle: &mut dyn FnMut(usize)) -> Result<Cleaned, StorageError> {
        self.make_durable()?;
        let map = self.map_keys(throttle)?;
        let end = Offset(map.latest.0 + 1);
        self.stats.cleaned_up_to = end.max(self.input.first_dirty);
        let sources = std::mem::take(&mut self.input.sources);
        let sources: Vec<_> = sources.into_iter().filter(|source| source.base < end).collect();
        let producers = std::mem::take(&mut self.input.producers);
        let mut filter = BatchFilter {
            map: &map,
            transactions: CleanedTransactions::new(&self.input.aborted, Offset::ZERO),
            producers: &producers,
            now: self.input.now,
            delete_retention_ms: self.input.delete_retention_ms,
        };
        let mut groups = Vec::new();
        for replaced in group(sources, self.input.segment_bytes, self.input.index) {
            if self.is_cancelled() {
                break;
            }
            let base = replaced[0].base;
            match self.clean_group(&replaced, &mut filter, throttle) {
                Ok(true) => groups.push(CleanedGroup { base, replaced }),
                Ok(false) => remove_cleaned(&*self.input.disk, &self.input.dir, base)?,
                Err(error) => {
                    for base in groups.iter().map(|group: &CleanedGroup| group.base).chain([base]) {
                        // The first error counts.
                        let _ = remove_cleaned(&*self.input.disk, &self.input.dir, base);
                    }
                    return Err(error);
                }
            }
        }
        Ok(Cleaned { groups, stats: self.stats, cancelled: self.input.cancelled })
    }

    fn is_cancelled(&self) -> bool {
        self.input.cancelled.load(Ordering::Acquire)
    }

    /// What supersedes a record must be on disk before the record goes, and so must the marker that commits it, or a crash could
    /// take both.
    fn make_durable(&self) -> Result<(), StorageError> {
        if self.input.unsynced.is_empty() {
            return Ok(());
        }
        self.input.unsynced.iter().try_for_each(|file| file.sync())?;
        self.input.disk.sync_dir(&self.input.dir)
    }

    /// The last offset of each key in the dirty part, as far as there is room.
    fn map_keys(&mut self, throttle: &mut dyn FnMut(usize)) -> Result<OffsetMap, StorageError> {
        let from = self.input.first_dirty;
        let dirty: Vec<_> = self.input.sources.iter().filter(|source| source.end > from).cloned().collect();
        let keys = dirty.last().map_or(0, |last| (last.end.0 - from.0).max(0)) as usize;
        let mut map = OffsetMap::new(self.input.max_map_bytes, keys);
        let first_read = dirty.first().map_or(from, |first| first.base);
        let mut transactions = CleanedTransactions::new(&self.input.aborted, first_read);
        for source in &dirty {
            for batch in self.batches(source)? {
                if self.is_cancelled() {
                    return Ok(map);
                }
                let batch = batch?;
                throttle(batch.bytes.len());
                let fits = map_batch(&batch, from, &mut map, &mut transactions);
                if !fits.map_err(|error| self.damaged(source, &error))? {
                    self.stats.map_full = true;
                    return Ok(map);
                }
                if batch.header.last_offset() >= from {
                    map.latest = batch.header.last_offset();
                }
            }
            // Earlier passes may have left a gap at the end.
            map.latest = map.latest.max(Offset(source.end.0 - 1));
        }
        Ok(map)
    }

    /// Writes one segment for these; false if it is what the one source was.
    fn clean_group(
        &mut self,
        sources: &[Source],
        filter: &mut BatchFilter<'_>,
        throttle: &mut dyn FnMut(usize),
    ) -> Result<bool, StorageError> {
        let mut writer = Writer::new(&self.input, sources[0].base)?;
        let mut changed = sources.len() > 1;
        let last_with_bytes = sources.iter().rposition(|source| source.size > 0);
        for (at, source) in sources.iter().enumerate() {
            let mut left = source.size;
            for batch in self.batches(source)? {
                if self.is_cancelled() {
                    return Ok(false);
                }
                let batch = batch?;
                let size = batch.bytes.len();
                throttle(size);
                left -= size as u64;
                // The last batch stays, if only as a header: by it the segment ends where the next one begins, so that recovery
                // sees that nothing is missing. (Kafka does this for the last segment of a pass.)
                let keep_empty = left == 0 && Some(at) == last_with_bytes;
                let filtered = filter.filter(&batch, keep_empty).map_err(|error| self.damaged(source, &error))?;
                changed |= filtered.bytes.as_ref() != Some(&batch.bytes);
                self.stats.records_before += batch.header.record_count.max(0) as u64;
                self.stats.records_after += filtered.records as u64;
                self.stats.keyless += filtered.keyless as u64;
                if let Some(aborted) = filtered.aborted {
                    writer.segment.note_aborted(aborted)?;
                }
                if let Some(bytes) = filtered.bytes {
                    writer.push(bytes, throttle)?;
                }
            }
            self.stats.bytes_before += source.size;
        }
        self.stats.segments_before += sources.len();
        self.stats.segments_after += 1;
        let modified = sources[sources.len() - 1].file.modified()?;
        self.stats.bytes_after += writer.finish(changed, modified, throttle)?;
        Ok(changed)
    }

    /// The batches of a source, each with its checksum verified: what is damaged must not be given a new one.
    fn batches(
        &self,
        source: &Source,
    ) -> Result<impl Iterator<Item = Result<Batch, StorageError>> + use<>, StorageError> {
        let path = file_path(&self.input.dir, source.base, LOG_SUFFIX);
        let (mut windows, size) = (Windows::new(source.file.clone()), source.size);
        let mut next = move |position: u64| -> Result<Batch, StorageError> {
            let rest = windows.at(position)?;
            if rest.is_empty() {
                return Err(StorageError::corrupt(&path, "it became shorter while it was compacted"));
            }
            let batch = Batch::parse(rest).and_then(|batch| batch.check_crc().map(|()| batch));
            batch.map_err(|error| StorageError::corrupt(&path, error.to_string()))
        };
        let mut position = 0;
        Ok(std::iter::from_fn(move || {
            if position >= size {
                return None;
            }
            let batch = next(position);
            // After an error there is no telling where the next one begins.
            position = batch.as_ref().map_or(size, |batch| position + batch.bytes.len() as u64);
            Some(batch)
        }))
    }

    fn damaged(&self, source: &Source, error: &BatchError) -> StorageError {
        StorageError::corrupt(&file_path(&self.input.dir, source.base, LOG_SUFFIX), error.to_string())
    }
}

/// Adds a batch's keys to the map; false if there is no room for all of them.
fn map_batch(
    batch: &Batch,
    from: Offset,
    map: &mut OffsetMap,
    transactions: &mut CleanedTransactions,
) -> Result<bool, BatchError> {
    if batch.header.is_control() {
        transactions.on_control(batch);
        return Ok(true);
    }
    // What was aborted supersedes nothing.
    if transactions.on_data(batch) || batch.header.last_offset() < from {
        return Ok(true);
    }
    for record in &batch.records()? {
        let record = record?;
        if let Some(key) = record.key
            && record.offset >= from
            && !map.put(key, record.offset)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the batches of a new segment, many at a time.
struct Writer {
    segment: Segment,
    waiting: Vec<(Bytes, PlacedBatch)>,
    waiting_bytes: usize,
}

impl Writer {
    fn new(input: &CleanInput, base: Offset) -> Result<Writer, StorageError> {
        let segment = Segment::create_cleaned(input.disk.clone(), &input.dir, base, input.index, input.now)?;
        Ok(Writer { segment, waiting: Vec::new(), waiting_bytes: 0 })
    }

    fn push(&mut self, bytes: Bytes, throttle: &mut dyn FnMut(usize)) -> Result<(), StorageError> {
        let header = crate::batch::BatchHeader::parse(&bytes).expect("a batch that was just filtered has a header");
        self.waiting_bytes += bytes.len();
        self.waiting.push((bytes.clone(), PlacedBatch { header, size: bytes.len() }));
        if self.waiting_bytes >= WRITE_BYTES || self.waiting.len() >= WRITE_BATCHES {
            self.write(throttle)?;
        }
        Ok(())
    }

    fn write(&mut self, throttle: &mut dyn FnMut(usize)) -> Result<(), StorageError> {
        let mut parts: Vec<_> = self.waiting.iter().map(|(bytes, _)| IoSlice::new(bytes)).collect();
        let placed: Vec<_> = self.waiting.iter().map(|(_, placed)| *placed).collect();
        if !parts.is_empty() {
            self.segment.append(&mut parts, &placed)?;
        }
        throttle(self.waiting_bytes);
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Completes the segment, durable if it is to stay; returns its size.
    fn finish(
        mut self,
        stays: bool,
        modified: Timestamp,
        throttle: &mut dyn FnMut(usize),
    ) -> Result<u64, StorageError> {
        self.write(throttle)?;
        if stays {
            self.segment.seal()?;
            if modified.0 >= 0 {
                // Retention of records without timestamps counts from it.
                self.segment.log_file().set_modified(modified)?;
            }
            self.segment.files().try_for_each(|file| file.sync())?;
        }
        Ok(self.segment.size())
    }
}
