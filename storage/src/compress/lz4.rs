//! LZ4 frames as Kafka's clients write them (Kafka: Lz4BlockOutputStream): independent blocks of 64 KiB.

use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

/// One frame. Kafka's Java reader refuses blocks that depend on each other.
pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::with_capacity(bytes.len() / 2 + 32));
    encoder.write_all(bytes)?;
    encoder.finish().map_err(io::Error::from)
}
