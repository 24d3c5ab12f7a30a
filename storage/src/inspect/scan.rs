//! Walks the batches of a log file from its start, one in memory at a time.

use std::io::{self, Read};

use bytes::Bytes;

use crate::batch::{Batch, BatchError, BatchHeader, HEADER_SIZE};

/// Bytes taken at a time where the content does not matter.
const SKIP_BUFFER: usize = 64 * 1024;

/// A batch whose framing is whole.
#[derive(Clone, Debug)]
pub struct FoundBatch {
    /// Where it begins in the file, in bytes.
    pub position: u64,
    /// The batch. If its checksum is wrong, nothing in it is sure.
    pub batch: Batch,
    /// Whether the checksum is that of the content.
    pub crc: Result<(), BatchError>,
}

/// Where the walk cannot go on: what stands there is no whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where that is, in bytes.
    pub position: u64,
    /// Bytes from there to the end of the file.
    pub left: u64,
    /// All of them are zero, as a file system leaves what it had no time to write.
    pub zeros: bool,
    /// What is wrong.
    pub error: BatchError,
}

/// Why a walk ended before the end of the file.
#[derive(Debug)]
pub enum ScanError {
    /// The bytes are no batch.
    Broken(Broken),
    /// The file cannot be read.
    Io(io::Error),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.zeros {
            return write!(f, "nothing but zeros in the last {} bytes", self.left);
        }
        write!(f, "no batch: {} ({} bytes to the end of the file)", self.error, self.left)
    }
}

/// Iterator over the batches of a file; after an error it ends.
#[derive(Debug)]
pub struct Scan<R> {
    input: R,
    position: u64,
    length: u64,
    ended: bool,
}

impl<R: Read> Scan<R> {
    /// Walks `length` bytes of `input`.
    pub fn new(input: R, length: u64) -> Scan<R> {
        Scan { input, position: 0, length, ended: false }
    }

    fn step(&mut self) -> Result<FoundBatch, ScanError> {
        let left = self.length - self.position;
        let mut bytes = self.take(left.min(HEADER_SIZE as u64)).map_err(ScanError::Io)?;
        let header = match BatchHeader::parse(&bytes) {
            Ok(header) => header,
            Err(error) => return Err(self.broken(&bytes, error)),
        };
        let size = header.size_in_bytes();
        let short = |available| BatchError::Truncated { needed: size, available };
        if size as u64 > left {
            return Err(self.broken(&bytes, short(left as usize)));
        }
        let body = self.take((size - HEADER_SIZE) as u64).map_err(ScanError::Io)?;
        bytes.extend_from_slice(&body);
        if bytes.len() < size {
            // The file has become shorter since its length was taken.
            return Err(self.broken(&bytes, short(bytes.len())));
        }
        let batch = Batch { header, bytes: Bytes::from(bytes) };
        let found = FoundBatch { position: self.position, crc: batch.check_crc(), batch };
        self.position += size as u64;
        Ok(found)
    }

    fn take(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.input).take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn broken(&mut self, head: &[u8], error: BatchError) -> ScanError {
        let zeros = head.iter().all(|byte| *byte == 0) && self.rest_is_zero().unwrap_or(false);
        ScanError::Broken(Broken { position: self.position, left: self.length - self.position, zeros, error })
    }

    fn rest_is_zero(&mut self) -> io::Result<bool> {
        let mut buffer = [0; SKIP_BUFFER];
        loop {
            let count = self.input.read(&mut buffer)?;
            if count == 0 {
                return Ok(true);
            }
            if buffer[..count].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
    }
}

impl<R: Read> Iterator for Scan<R> {
    type Item = Result<FoundBatch, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.position >= self.length {
            return None;
        }
        let found = self.step();
        self.ended = found.is_err();
        Some(found)
    }
}
