//! Memory of large batches that are written, kept for the next ones: to get it anew from the system costs as much as to fill it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Smaller buffers are not kept.
const SMALLEST: usize = 128 * 1024;

/// Nor larger ones.
const LARGEST: usize = 2 * 1024 * 1024;

/// Bytes that are kept at most.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Of all batches in this process.
pub(super) static BUFFERS: Buffers = Buffers::new();

/// Empty buffers.
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    const fn new() -> Buffers {
        Buffers(Mutex::new(Vec::new()))
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer, with room for about `bytes` if it is a new one.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        let spare = self.spare().pop();
        spare.unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// The same bytes; their memory is kept when nobody has them any more.
    pub(super) fn lend(&'static self, buffer: Vec<u8>) -> Bytes {
        match (SMALLEST..=LARGEST).contains(&buffer.capacity()) {
            true => Bytes::from_owner(Lent { buffer, home: self }),
            false => buffer.into(),
        }
    }

    fn take_back(&self, buffer: Vec<u8>) {
        let mut spare = self.spare();
        if spare.iter().map(Vec::capacity).sum::<usize>() + buffer.capacity() <= MOST_BYTES {
            spare.push(buffer);
        }
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: &'static Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.home.take_back(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_once_nobody_has_it_and_not_without_a_limit() {
        static KEPT: Buffers = Buffers::new();
        let mut buffer = Vec::with_capacity(LARGEST);
        buffer.extend_from_slice(b"batch");
        let place = buffer.as_ptr();
        let bytes = KEPT.lend(buffer);
        let again = bytes.clone();
        drop(bytes);
        assert_eq!((&again[..], KEPT.spare().len()), (&b"batch"[..], 0));
        drop(again);
        let taken = KEPT.take(1);
        assert_eq!((taken.as_ptr(), taken.len()), (place, 0));
        let lent: Vec<_> = (0..20).map(|_| KEPT.lend(Vec::with_capacity(LARGEST))).collect();
        drop(lent);
        drop(KEPT.lend(Vec::with_capacity(SMALLEST - 1)));
        assert_eq!(KEPT.spare().len(), MOST_BYTES / LARGEST);
    }
}
