//! What can be wrong with the bytes of a batch.

use crate::compress::CompressError;

/// Why bytes are not a record batch. None of these is ever caused by this process: the bytes came from a peer or a disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the batch says it has.
    #[error("the batch is cut off: {needed} bytes needed, {available} there")]
    Truncated {
        /// Bytes that the batch needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A record format other than version 2.
    #[error("record format version {0} is not supported, only version 2 is")]
    UnsupportedMagic(i8),
    /// The length field cannot be right.
    #[error("the batch length {0} is out of range")]
    InvalidLength(i32),
    /// The checksum does not match.
    #[error("the checksum is {stored:#010x} but the content has {computed:#010x}")]
    Checksum {
        /// As in the header.
        stored: u32,
        /// As computed over the content.
        computed: u32,
    },
    /// The records cannot be decompressed.
    #[error(transparent)]
    Compression(#[from] CompressError),
    /// A record's framing is wrong.
    #[error("record {index} of the batch is malformed: {reason}")]
    Record {
        /// Position in the batch, from 0.
        index: i32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Header and content disagree on the number of records.
    #[error("the header counts {declared} records, the content {found}")]
    Count {
        /// As in the header.
        declared: i32,
        /// As found.
        found: i32,
    },
    /// A control record that is no end-of-transaction marker.
    #[error("not an end-of-transaction marker: {0}")]
    Control(&'static str),
}
