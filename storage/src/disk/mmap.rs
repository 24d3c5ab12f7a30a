//! Slices of mapped files: the one place with `unsafe`.
//!
//! A mapping reserves more address space than the file has bytes, so that a growing file need not be mapped anew for each
//! append: pages beyond the end become readable when the file has grown over them (Linux and the BSDs look at the size when
//! a page is first touched). Touching a page beyond the end is a SIGBUS, so a slice never reaches beyond what was written.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{MmapOptions, MmapRaw};

use super::mapped::Mapped;

/// Smallest reservation, in bytes.
const SMALLEST: u64 = 64 * 1024;
/// Reservations beyond the file's size grow no further than this, in bytes.
const LARGEST_STEP: u64 = 256 * 1024 * 1024;

/// A read-only mapping of the first bytes of a file, perhaps reaching beyond its end.
#[derive(Debug)]
pub(super) struct Mapping {
    raw: MmapRaw,
    /// Keeps the file from being made shorter; dropped after the mapping.
    _mapped: Mapped,
}

impl Mapping {
    /// Maps a file that has `length` bytes, with room to grow.
    pub(super) fn new(file: &File, length: u64) -> io::Result<Mapping> {
        let reserve = length.saturating_add(length.clamp(SMALLEST, LARGEST_STEP));
        let reserve = usize::try_from(reserve).map_err(io::Error::other)?;
        let mapped = Mapped::new(file)?;
        let raw = MmapOptions::new().len(reserve).map_raw_read_only(file)?;
        Ok(Mapping { raw, _mapped: mapped })
    }

    /// Bytes of address space reserved.
    pub(super) fn reserved(&self) -> u64 {
        self.raw.len() as u64
    }
}

/// The part of a mapping that lies within the file.
struct Written {
    mapping: Arc<Mapping>,
    start: usize,
    length: usize,
}

/// A slice of a mapped file that keeps the mapping alive.
///
/// The caller (only [`super::file`]) warrants that the file has at least `start + length` bytes, that these bytes are never
/// written again, and that the file is not made shorter than that while a slice lives.
pub(super) fn slice(mapping: &Arc<Mapping>, start: usize, length: usize) -> Bytes {
    assert!(start.checked_add(length).is_some_and(|end| end <= mapping.raw.len()), "slice beyond the mapping");
    Bytes::from_owner(Written { mapping: mapping.clone(), start, length })
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `slice` checked that the range lies in the mapping, which the `Arc` keeps mapped for as long as `self` lives.
        // The bytes lie within the file and do not change: files are only written at their end (`O_APPEND`), and are cut only
        // when no mapping is left in this process (`mapped`), else a copy takes their place (`RealFile::truncate`). Other processes are kept out of the data
        // folder by its lock file; one that ignores it can do harm, as with any mapped file.
        unsafe { std::slice::from_raw_parts(self.mapping.raw.as_ptr().add(self.start), self.length) }
    }
}
