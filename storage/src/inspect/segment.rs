//! Checks one segment: the batches of the log file, and the three indexes against them.

use std::io::{self, BufReader};
use std::path::Path;

use super::Files;
use super::aborts::{AbortCheck, OpenTransactions};
use super::finding::{Class, FileFindings, Raw};
use super::index::{IndexFile, abort_index, offset_index, time_index};
use super::offsets::OffsetCheck;
use super::scan::{FoundBatch, Scan, ScanError};
use super::times::TimeCheck;
use crate::batch::{BatchHeader, RecordCheck, check_records};
use crate::ids::{Offset, Timestamp};
use crate::segment::{ABORT_INDEX_SUFFIX, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, file_path};

/// Bytes read at a time.
const READ_BUFFER: usize = 256 * 1024;

/// What a segment holds.
#[derive(Debug)]
pub(super) struct SegmentSummary {
    pub(super) base: Offset,
    pub(super) batches: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    /// The offset after the last batch; the base offset if there is none.
    pub(super) end: Offset,
    /// Where recovery would cut, if it came by.
    pub(super) first_bad: Option<u64>,
    /// Where the last good batch ends.
    pub(super) good_until: u64,
    /// The bytes at the end are no batch.
    pub(super) broken: bool,
    /// There is an `.index`.
    pub(super) indexed: bool,
    pub(super) found: Vec<Raw>,
}

/// Checks the segment that begins at `base`.
pub(super) fn check_segment(
    files: &dyn Files,
    dir: &Path,
    base: Offset,
    open: &mut OpenTransactions,
    progress: &mut dyn FnMut(u64),
) -> SegmentSummary {
    let name = |suffix| file_path(Path::new(""), base, suffix);
    let mut found = FileFindings::new(name(LOG_SUFFIX), Some(base));
    // Indexes first: what a live broker adds meanwhile is then in the log for sure.
    let (offsets, offset_file) = read_index(files, dir, base, OFFSET_INDEX_SUFFIX);
    let (times, time_file) = read_index(files, dir, base, TIME_INDEX_SUFFIX);
    let (aborts, abort_file) = read_index(files, dir, base, ABORT_INDEX_SUFFIX);
    let indexed = offsets.is_some();
    let mut walk = Walk {
        summary: SegmentSummary {
            base,
            batches: 0,
            records: 0,
            bytes: 0,
            end: base,
            first_bad: None,
            good_until: 0,
            broken: false,
            indexed,
            found: Vec::new(),
        },
        position: 0,
        offsets: OffsetCheck::new(offset_file, offset_index(&offsets.unwrap_or_default(), base)),
        times: TimeCheck::new(time_file, time_index(&times.unwrap_or_default(), base)),
        aborts: AbortCheck::new(abort_file, aborts.map_or_else(empty, |bytes| abort_index(&bytes))),
        open,
    };
    if let Err(error) = walk.run(files, &dir.join(name(LOG_SUFFIX)), &mut found, progress) {
        found.damage(Class::Other, None, format!("cannot be read: {error}"));
        walk.summary.broken = true;
    }
    walk.finish(found)
}

fn empty<T>() -> IndexFile<T> {
    IndexFile { entries: Vec::new(), unused_bytes: 0, ragged_bytes: 0 }
}

/// The bytes of an index, `None` if there is no such file, and a place for what is found in it.
fn read_index(files: &dyn Files, dir: &Path, base: Offset, suffix: &str) -> (Option<Vec<u8>>, FileFindings) {
    let mut found = FileFindings::new(file_path(Path::new(""), base, suffix), Some(base));
    match super::read_whole(files, &file_path(dir, base, suffix)) {
        Ok(bytes) => (Some(bytes), found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if suffix != ABORT_INDEX_SUFFIX {
                found.note(None, "not there; it is made anew when the log is opened");
            }
            (None, found)
        }
        Err(error) => {
            found.damage(Class::Index, None, format!("cannot be read: {error}"));
            (Some(Vec::new()), found)
        }
    }
}

struct Walk<'a> {
    summary: SegmentSummary,
    position: u64,
    offsets: OffsetCheck,
    times: TimeCheck,
    aborts: AbortCheck,
    open: &'a mut OpenTransactions,
}

impl Walk<'_> {
    fn run(
        &mut self,
        files: &dyn Files,
        path: &Path,
        found: &mut FileFindings,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let (file, length) = files.open(path)?;
        self.summary.bytes = length;
        for step in Scan::new(BufReader::with_capacity(READ_BUFFER, file), length) {
            match step {
                Ok(batch) => {
                    let size = batch.batch.bytes.len() as u64;
                    self.batch(&batch, found);
                    progress(size);
                }
                Err(ScanError::Broken(broken)) => {
                    self.bad(broken.position);
                    self.summary.broken = true;
                    found.damage(Class::Batch, Some(broken.position), broken.to_string());
                    progress(broken.left);
                }
                Err(ScanError::Io(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn batch(&mut self, found_batch: &FoundBatch, found: &mut FileFindings) {
        let FoundBatch { position, batch, crc } = found_batch;
        let header = &batch.header;
        self.summary.batches += 1;
        self.summary.records += u64::try_from(header.record_count).unwrap_or(0);
        self.position = position + batch.bytes.len() as u64;
        let wrong = match crc {
            Err(error) => Some(error.to_string()),
            Ok(()) => self.misplaced(header),
        };
        if let Some(wrong) = wrong {
            self.bad(*position);
            let what = format!("{}: {wrong}", place(header));
            found.damage(Class::Batch, Some(*position), what);
        } else {
            self.summary.good_until = self.position;
            if let Some(wrong) = bad_content(header, &batch.bytes) {
                let what = format!("{}: {wrong}", place(header));
                found.damage(Class::Other, Some(*position), what);
            }
            self.aborts.batch(batch, *position, self.open);
            self.summary.end = self.summary.end.max(header.next_offset());
        }
        self.offsets.batch(header, *position);
        self.times.batch(header);
    }

    /// Why recovery would not take the batch here.
    fn misplaced(&self, header: &BatchHeader) -> Option<String> {
        let (base, end) = (self.summary.base, self.summary.end);
        if header.last_offset_delta < 0 {
            return Some(format!("its last offset is {} less than its first", -i64::from(header.last_offset_delta)));
        }
        if header.base_offset < end {
            return Some(format!("offsets go back, the log has reached {end} before it"));
        }
        let relative = header.last_offset().0.saturating_sub(base.0);
        (relative > i64::from(i32::MAX))
            .then(|| format!("it lies too far from {base}, the first offset of the segment"))
    }

    fn bad(&mut self, position: u64) {
        self.summary.first_bad.get_or_insert(position);
        self.open.forget();
    }

    fn finish(self, log: FileFindings) -> SegmentSummary {
        let mut summary = self.summary;
        let indexes = [
            self.offsets.finish(self.position, summary.broken),
            self.times.finish(summary.broken),
            self.aborts.finish(summary.broken),
        ];
        summary.found = log.finish();
        summary.found.extend(indexes.into_iter().flat_map(FileFindings::finish));
        summary
    }
}

/// A batch by what its header says of it.
fn place(header: &BatchHeader) -> String {
    format!("batch at offset {} to {}, {} bytes", header.base_offset, header.last_offset(), header.size_in_bytes())
}

/// What is wrong within a batch whose checksum is right: recovery does not look there, readers do.
fn bad_content(header: &BatchHeader, bytes: &[u8]) -> Option<String> {
    let room = i64::from(header.last_offset_delta) + 1;
    if header.record_count < 0 || i64::from(header.record_count) > room {
        return Some(format!("{} records in a batch of {room} offsets", header.record_count));
    }
    let check = RecordCheck { require_keys: false, earliest: Timestamp(i64::MIN), latest: Timestamp(i64::MAX) };
    match check_records(header, bytes, &check) {
        Err(error) => Some(error.to_string()),
        // With as many records as offsets there is one way to number them; compaction leaves fewer.
        Ok(records) if i64::from(header.record_count) == room && !records.consecutive => {
            Some("its records are not numbered 0, 1, 2 and so on".to_owned())
        }
        Ok(_) => None,
    }
}
