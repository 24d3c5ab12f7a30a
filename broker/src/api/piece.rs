//! A piece of an answer: bytes, perhaps with the file that they lie in.

use bytes::{Buf, Bytes};
use forebay_storage::disk::FileRegion;

/// Bytes that go out as they are. Where they are those of a file, a plain socket gets them from the file, anything else from memory.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    bytes: Bytes,
    region: Option<FileRegion>,
}

impl Piece {
    /// Bytes of a log, with the region of the log's file that holds the same, if there is one.
    #[must_use]
    pub fn of_log(bytes: Bytes, region: Option<FileRegion>) -> Piece {
        debug_assert!(region.as_ref().is_none_or(|region| region.len() == bytes.len()), "the region holds other bytes");
        Piece { bytes, region }
    }

    /// The bytes; those of a file are read when they are looked at.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Where the same bytes lie in a file.
    #[must_use]
    pub fn region(&self) -> Option<&FileRegion> {
        self.region.as_ref()
    }

    /// Goes out from memory.
    pub fn forget_region(&mut self) {
        self.region = None;
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Leaves out the first `count` bytes, which have gone out.
    pub fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(region) = &mut self.region {
            region.advance(count);
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Piece {
        Piece { bytes, region: None }
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Piece) -> bool {
        self.bytes == other.bytes
    }
}
