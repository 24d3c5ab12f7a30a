//! How hard the codecs work, under the topic configurations of KIP-390.

/// A level for each codec that has levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressionLevels {
    /// `compression.gzip.level`: 1 to 9; -1 is the codec's own default.
    pub gzip: i32,
    /// `compression.lz4.level`: 1 to 17. Kafka's default, 9, is the fast compressor, and the only one here: all other levels are
    /// LZ4 HC, which no library in Rust has.
    pub lz4: i32,
    /// `compression.zstd.level`: -131072 to 22.
    pub zstd: i32,
}

impl Default for CompressionLevels {
    fn default() -> Self {
        CompressionLevels { gzip: -1, lz4: 9, zstd: 3 }
    }
}
