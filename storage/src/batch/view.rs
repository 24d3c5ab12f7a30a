//! A batch as a view of shared bytes, and the walk over batches that stand back to back.

use bytes::Bytes;

use super::header::CRC_START;
use crate::batch::{BatchError, BatchHeader, DECOMPRESSED_LIMIT, HEADER_SIZE, Records};
use crate::compress::Compression;

/// One record batch: its header and all of its bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The fields of the header.
    pub header: BatchHeader,
    /// The whole batch, header included.
    pub bytes: Bytes,
}

impl Batch {
    /// Takes the batch at the start of `bytes`; what follows it is left out. The checksum is not looked at.
    pub fn parse(bytes: Bytes) -> Result<Batch, BatchError> {
        let header = BatchHeader::parse(&bytes)?;
        let size = header.size_in_bytes();
        if bytes.len() < size {
            return Err(BatchError::Truncated { needed: size, available: bytes.len() });
        }
        Ok(Batch { header, bytes: bytes.slice(..size) })
    }

    /// Compares the checksum of the header with the content.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        check_crc(&self.header, &self.bytes)
    }

    /// The records; decompresses them if they are compressed, at most [`DECOMPRESSED_LIMIT`] bytes.
    pub fn records(&self) -> Result<Records, BatchError> {
        let body = self.bytes.slice(HEADER_SIZE..);
        let data = match self.header.compression()? {
            Compression::None => body,
            codec => codec.decompress(&body, DECOMPRESSED_LIMIT)?.into(),
        };
        Ok(Records::new(self.header, data))
    }
}

/// Compares the checksum in `header` with that of `batch`, all bytes of the batch.
pub(crate) fn check_crc(header: &BatchHeader, batch: &[u8]) -> Result<(), BatchError> {
    let computed = crc32c::crc32c(&batch[CRC_START..]);
    if computed == header.crc { Ok(()) } else { Err(BatchError::Checksum { stored: header.crc, computed }) }
}

/// Walks batches that stand back to back. After an error, or at the end, the walk ends.
pub fn batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

/// Iterator over the batches of a stretch of a log.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let batch = Batch::parse(rest.clone());
        if let Ok(batch) = &batch {
            self.rest = rest.slice(batch.bytes.len()..);
        }
        Some(batch)
    }
}
