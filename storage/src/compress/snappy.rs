//! Snappy in the framing of snappy-java (xerial), which Kafka's clients write, and bare snappy, which some write as well.
//!
//! The frame: 0x82 "SNAPPY" 0x00, version (i32), oldest compatible version (i32), then blocks, each a length (i32) and a snappy block.

use std::io::{self, Read};

use crate::batch::DECOMPRESSED_LIMIT;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Magic and the two versions.
const FRAME_HEADER: usize = 16;
/// Bytes before compression in a block, snappy-java's default.
const BLOCK_SIZE: usize = 32 * 1024;

/// Compresses in snappy-java's framing.
pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    let mut block = Vec::new();
    for chunk in bytes.chunks(BLOCK_SIZE) {
        block.resize(snap::raw::max_compress_len(chunk.len()), 0);
        let size = encoder.compress(chunk, &mut block).map_err(io::Error::other)?;
        out.extend_from_slice(&(size as i32).to_be_bytes());
        out.extend_from_slice(&block[..size]);
    }
    Ok(out)
}

/// Decompresses block by block.
pub(super) struct SnappyReader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    /// Bytes of `block` already handed out.
    taken: usize,
}

impl<'a> SnappyReader<'a> {
    /// Looks at the first bytes to tell framed from bare.
    pub(super) fn new(bytes: &'a [u8]) -> SnappyReader<'a> {
        let framed = bytes.len() >= FRAME_HEADER && bytes.starts_with(&MAGIC);
        let rest = if framed { &bytes[FRAME_HEADER..] } else { bytes };
        SnappyReader { rest, framed, block: Vec::new(), taken: 0 }
    }

    fn next_block(&mut self) -> io::Result<()> {
        let packed = if self.framed { self.take_framed()? } else { std::mem::take(&mut self.rest) };
        let size = snap::raw::decompress_len(packed).map_err(io::Error::other)?;
        // A snappy block gives at most 64 bytes for 3 (a copy); what claims more is refused before memory is reserved for it.
        if size > DECOMPRESSED_LIMIT || size / 32 > packed.len() {
            return Err(io::Error::other(format!("a block of {} bytes claims to hold {size}", packed.len())));
        }
        self.block.resize(size, 0);
        self.taken = 0;
        let written = snap::raw::Decoder::new().decompress(packed, &mut self.block).map_err(io::Error::other)?;
        self.block.truncate(written);
        Ok(())
    }

    fn take_framed(&mut self) -> io::Result<&'a [u8]> {
        // snappy-java lets streams follow each other: a new header may stand where a block's length is expected.
        if self.rest.len() >= FRAME_HEADER && self.rest.starts_with(&MAGIC) {
            self.rest = &self.rest[FRAME_HEADER..];
        }
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (length, after) = self.rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| io::Error::other("negative length"))?;
        let (packed, rest) = after.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(packed)
    }
}

impl Read for SnappyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.block.len() {
            if self.rest.is_empty() {
                return Ok(0);
            }
            self.next_block()?;
        }
        let count = out.len().min(self.block.len() - self.taken);
        out[..count].copy_from_slice(&self.block[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
