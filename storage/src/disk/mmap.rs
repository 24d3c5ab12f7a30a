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

    /// Has the system read the pages of a stretch that lies within the file, so that one it cannot read is an error here (EFAULT,
    /// EHWPOISON) and not a SIGBUS for whoever looks at it first. Where the system knows no such request (Linux before 5.14, and all
    /// others) nothing is done, and a failing medium can kill the process.
    ///
    /// What remains: a page that is taken away again between this and the access, for lack of memory, and cannot be read a second
    /// time, is a SIGBUS still.
    #[cfg(target_os = "linux")]
    pub(super) fn fault_in(&self, start: usize, length: usize) -> io::Result<()> {
        use std::sync::atomic::{AtomicBool, Ordering};
        static UNKNOWN: AtomicBool = AtomicBool::new(false);
        if length == 0 || UNKNOWN.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.raw.advise_range(memmap2::Advice::PopulateRead, start, length) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                UNKNOWN.store(true, Ordering::Relaxed);
                Ok(())
            }
            done => done,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn fault_in(&self, _start: usize, _length: usize) -> io::Result<()> {
        Ok(())
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
        // when no mapping is left in this process (`mapped`), else a copy takes their place (`RealFile::truncate`). Other processes
        // are kept out of the data folder by its lock file; one that ignores it can do harm, as with any mapped file.
        // Miri maps no files, so it cannot see that part; the tests below run this block under it on anonymous memory, and those
        // of `real` and the fuzz target `inspect` (with the address sanitizer) on files.
        unsafe { std::slice::from_raw_parts(self.mapping.raw.as_ptr().add(self.start), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapping of memory in place of a file: all that Miri can map.
    fn anonymous(content: &[u8]) -> Arc<Mapping> {
        let mut map = MmapOptions::new().len(SMALLEST as usize).map_anon().unwrap();
        map[..content.len()].copy_from_slice(content);
        Arc::new(Mapping { raw: map.into(), _mapped: Mapped::count((u64::MAX, content.len() as u64)) })
    }

    #[test]
    fn slices_outlive_the_handle_and_cross_threads() {
        let mapping = anonymous(b"the bytes of a log");
        let whole = slice(&mapping, 4, 5);
        let (part, empty) = (whole.slice(1..3), slice(&mapping, SMALLEST as usize, 0));
        let room = mapping.reserved();
        drop(mapping);
        let there = std::thread::spawn(move || (whole.to_vec(), whole));
        assert_eq!((&part[..], empty.len(), room), (&b"yt"[..], 0, SMALLEST));
        let (copy, whole) = there.join().unwrap();
        drop(part);
        assert_eq!((copy.as_slice(), &whole[..]), (&b"bytes"[..], &b"bytes"[..]));
    }

    #[test]
    #[should_panic(expected = "slice beyond the mapping")]
    fn a_slice_beyond_the_mapping_is_refused() {
        slice(&anonymous(b"x"), SMALLEST as usize, 1);
    }

    #[test]
    #[should_panic(expected = "slice beyond the mapping")]
    fn a_slice_whose_end_overflows_is_refused() {
        slice(&anonymous(b"x"), 1, usize::MAX);
    }
}
