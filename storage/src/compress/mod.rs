//! The five codecs of record batches (Kafka: CompressionType).

mod error;
mod levels;
mod lz4;
mod snappy;

use std::io::{Read, Write};

pub use error::CompressError;
pub use levels::CompressionLevels;

/// How the records of a batch are compressed. The numbers are those of the batch's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Compression {
    /// Not at all.
    #[default]
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Snappy in the framing of snappy-java.
    Snappy = 2,
    /// The LZ4 frame format.
    Lz4 = 3,
    /// RFC 8878.
    Zstd = 4,
}

impl Compression {
    /// All codecs, by number.
    pub const ALL: [Compression; 5] =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    /// The number in the batch's attributes, 0 to 4.
    #[must_use]
    pub fn id(self) -> u8 {
        self as u8
    }

    /// The codec with that number.
    pub fn from_id(id: u8) -> Result<Compression, CompressError> {
        Compression::ALL.get(usize::from(id)).copied().ok_or(CompressError::UnknownCodec(id))
    }

    /// Kafka's name: none, gzip, snappy, lz4, zstd.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// The codec with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Compression> {
        Compression::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Compresses `bytes` at Kafka's default level of the codec.
    pub fn compress(self, bytes: &[u8]) -> Result<Vec<u8>, CompressError> {
        self.compress_at(bytes, CompressionLevels::default())
    }

    /// Compresses `bytes` at the codec's level of `levels`.
    pub fn compress_at(self, bytes: &[u8], levels: CompressionLevels) -> Result<Vec<u8>, CompressError> {
        let done = match self {
            Compression::None => Ok(bytes.to_vec()),
            Compression::Gzip => gzip(bytes, levels.gzip),
            Compression::Snappy => snappy::compress(bytes),
            Compression::Lz4 => lz4::compress(bytes),
            Compression::Zstd => zstd::bulk::compress(bytes, levels.zstd),
        };
        done.map_err(|error| self.corrupt(&error))
    }

    /// Decompresses all of `bytes`; more than `limit` bytes of output are an error.
    pub fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
        let mut out = Vec::new();
        let reader = self.reader(bytes)?;
        let read = reader.take(limit as u64 + 1).read_to_end(&mut out);
        read.map_err(|error| self.corrupt(&error))?;
        if out.len() > limit {
            return Err(CompressError::TooLarge { codec: self.name(), limit });
        }
        Ok(out)
    }

    /// Decompresses bit by bit.
    pub(crate) fn reader<'a>(self, bytes: &'a [u8]) -> Result<Box<dyn Read + 'a>, CompressError> {
        Ok(match self {
            Compression::None => Box::new(bytes),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            Compression::Snappy => Box::new(snappy::SnappyReader::new(bytes)),
            Compression::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(bytes)),
            Compression::Zstd => {
                Box::new(zstd::stream::read::Decoder::with_buffer(bytes).map_err(|error| self.corrupt(&error))?)
            }
        })
    }

    /// The error for bytes that this codec does not take.
    pub(crate) fn corrupt(self, error: &std::io::Error) -> CompressError {
        CompressError::Corrupt { codec: self.name(), reason: error.to_string() }
    }
}

fn gzip(bytes: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let out = Vec::with_capacity(bytes.len() / 2 + 32);
    let level = u32::try_from(level).map_or_else(|_| flate2::Compression::default(), flate2::Compression::new);
    let mut encoder = flate2::write::GzEncoder::new(out, level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests;
