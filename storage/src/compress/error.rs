//! What can go wrong in a codec.

/// Why bytes could not be decompressed (or, hardly ever, compressed).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    /// A number that Kafka has given to no codec.
    #[error("there is no compression codec with number {0}")]
    UnknownCodec(u8),
    /// Not what the codec writes.
    #[error("{codec} cannot read the bytes: {reason}")]
    Corrupt {
        /// The codec's name.
        codec: &'static str,
        /// What it says.
        reason: String,
    },
    /// The output is larger than the caller allows.
    #[error("{codec} would give more than {limit} bytes")]
    TooLarge {
        /// The codec's name.
        codec: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
}
