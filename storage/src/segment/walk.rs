//! Walks over a segment's batches in bounded windows, so that a large segment is neither held in memory nor mapped at once.

use std::sync::Arc;

use bytes::Bytes;

use super::read::BatchAt;
use crate::batch::{BatchHeader, HEADER_SIZE};
use crate::disk::DiskFile;
use crate::error::StorageError;

/// Bytes read at first to see a header; a page.
const LEAST_LOOK: usize = 4 * 1024;
/// Bytes read at once where batches are small, so that each read shows many headers. No more than what is copied
/// (`disk::file`), which costs least.
const LARGEST_LOOK: usize = 16 * 1024;
/// Bytes of whole batches read at once, unless one batch is larger.
const WINDOW: usize = 1024 * 1024;

/// Headers of the batches from a position on, which must be where one begins; ends before one that is not whole.
#[derive(Debug)]
pub(crate) struct Headers {
    file: Arc<dyn DiskFile>,
    position: u64,
    size: u64,
    look: usize,
    seen: Bytes,
    seen_from: u64,
}

impl Headers {
    pub(crate) fn new(file: Arc<dyn DiskFile>, position: u64) -> Headers {
        let size = file.len();
        Headers { file, position, size, look: LEAST_LOOK, seen: Bytes::new(), seen_from: position }
    }

    /// The batch that comes next, without going on.
    pub(super) fn peek(&mut self) -> Result<Option<BatchAt>, StorageError> {
        if self.position >= self.size {
            return Ok(None);
        }
        let position = self.position;
        let at = self.look()?.map(|header| BatchAt { header, position });
        Ok(at.filter(|at| at.end() <= self.size))
    }

    fn look(&mut self) -> Result<Option<BatchHeader>, StorageError> {
        let from = usize::try_from(self.position - self.seen_from).unwrap_or(usize::MAX);
        if let Some(header) = self.seen.get(from..).filter(|rest| rest.len() >= HEADER_SIZE) {
            return Ok(BatchHeader::parse(header).ok());
        }
        // The next header stands right behind what was seen: batches are small here.
        let is_near = from <= self.seen.len() + HEADER_SIZE && !self.seen.is_empty();
        self.look = if is_near { (self.look * 2).min(LARGEST_LOOK) } else { LEAST_LOOK };
        self.seen = self.file.read_at(self.position, self.look)?;
        self.seen_from = self.position;
        Ok(BatchHeader::parse(&self.seen).ok())
    }
}

impl Iterator for Headers {
    type Item = Result<BatchAt, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.peek();
        self.position = match &found {
            Ok(Some(at)) => at.end(),
            // There is nothing to go on with.
            Ok(None) | Err(_) => self.size,
        };
        found.transpose()
    }
}

/// Whole batches of a file, in windows.
#[derive(Debug)]
pub(crate) struct Windows {
    file: Arc<dyn DiskFile>,
    window: Bytes,
    from: u64,
}

impl Windows {
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> Windows {
        Windows { file, window: Bytes::new(), from: 0 }
    }

    /// Bytes from `position` on; a batch that begins there is among them as a whole, if the file holds it. Empty at the end of the
    /// file. Positions ascend.
    pub(crate) fn at(&mut self, position: u64) -> Result<Bytes, StorageError> {
        let skip = usize::try_from(position - self.from).unwrap_or(usize::MAX);
        if skip < self.window.len() {
            let rest = self.window.slice(skip..);
            if BatchHeader::parse(&rest).is_ok_and(|header| header.size_in_bytes() <= rest.len()) {
                return Ok(rest);
            }
        }
        self.window = self.file.read_at(position, WINDOW)?;
        self.from = position;
        if let Ok(header) = BatchHeader::parse(&self.window)
            && header.size_in_bytes() > self.window.len()
        {
            self.window = self.file.read_at(position, header.size_in_bytes())?;
        }
        Ok(self.window.clone())
    }
}
