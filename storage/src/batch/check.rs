//! Walks the framing of a batch's records without keeping any of them, compressed or not.
//!
//! An append needs to know that the records are well formed, how many there are, and what their timestamps are; nothing else.
//! The walk goes through a fixed buffer, so a batch that decompresses to much more than it weighs costs time but no memory.

use std::io::{self, BufRead, BufReader};

use crate::batch::{BatchError, BatchHeader, DECOMPRESSED_LIMIT, HEADER_SIZE};
use crate::compress::Compression;
use crate::ids::Timestamp;

/// Buffer between a codec and the walk, in bytes.
const WALK_BUFFER: usize = 32 * 1024;

/// What the walk looks for on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordCheck {
    /// Records without a key are refused.
    pub require_keys: bool,
    /// Timestamps before this are refused.
    pub earliest: Timestamp,
    /// Timestamps after this are refused.
    pub latest: Timestamp,
}

/// What the walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckedRecords {
    /// Largest timestamp, -1 if there is none.
    pub max_timestamp: Timestamp,
    /// Delta of the first record that has it.
    pub max_timestamp_delta: i32,
    /// The deltas are 0, 1, 2 ...
    pub consecutive: bool,
    /// First record without a key, if keys are required.
    pub first_keyless: Option<i32>,
    /// First record whose timestamp is out of range, with that timestamp.
    pub first_out_of_range: Option<(i32, Timestamp)>,
}

/// Walks the records of `batch` (all bytes of the batch, whose header is `header`).
pub(crate) fn check_records(
    header: &BatchHeader,
    batch: &[u8],
    check: &RecordCheck,
) -> Result<CheckedRecords, BatchError> {
    let body = &batch[HEADER_SIZE..];
    match header.compression()? {
        Compression::None => Walk::new(body, header).run(check),
        codec => {
            let reader = BufReader::with_capacity(WALK_BUFFER, codec.reader(body)?);
            Walk::new(reader, header).run(check)
        }
    }
}

struct Walk<'h, R> {
    input: R,
    header: &'h BatchHeader,
    /// Bytes taken so far.
    taken: usize,
    index: i32,
}

enum Stop {
    Malformed(&'static str),
    Codec(io::Error),
    TooLarge,
}

impl<'h, R: BufRead> Walk<'h, R> {
    fn new(input: R, header: &'h BatchHeader) -> Self {
        Walk { input, header, taken: 0, index: 0 }
    }

    fn run(mut self, check: &RecordCheck) -> Result<CheckedRecords, BatchError> {
        let mut found = CheckedRecords {
            max_timestamp: Timestamp::NONE,
            max_timestamp_delta: -1,
            consecutive: true,
            first_keyless: None,
            first_out_of_range: None,
        };
        self.records(check, &mut found).map_err(|stop| match stop {
            Stop::Malformed(reason) => BatchError::Record { index: self.index, reason },
            Stop::TooLarge => BatchError::Record { index: self.index, reason: "the decompressed batch is too large" },
            Stop::Codec(error) => match self.header.compression() {
                Ok(codec) => BatchError::Compression(codec.corrupt(&error)),
                Err(unknown) => BatchError::Compression(unknown),
            },
        })?;
        Ok(found)
    }

    fn records(&mut self, check: &RecordCheck, found: &mut CheckedRecords) -> Result<(), Stop> {
        while self.index < self.header.record_count {
            self.record(check, found)?;
            self.index += 1;
        }
        if self.input.fill_buf().map_err(Stop::Codec)?.is_empty() {
            Ok(())
        } else {
            Err(Stop::Malformed("bytes after the last record"))
        }
    }

    fn record(&mut self, check: &RecordCheck, found: &mut CheckedRecords) -> Result<(), Stop> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| Stop::Malformed("negative length"))?;
        let start = self.taken;
        self.skip(1)?; // attributes
        let timestamp = Timestamp(self.header.base_timestamp.0.wrapping_add(self.varlong()?));
        let delta = self.varint()?;
        let keyless = self.field()?.is_none();
        self.field()?;
        let headers = self.varint()?;
        if headers < 0 {
            return Err(Stop::Malformed("negative count of headers"));
        }
        for _ in 0..headers {
            self.field()?.ok_or(Stop::Malformed("a header without a key"))?;
            self.field()?;
            // A header takes two bytes at least, so this bounds the loop by the record's own length.
            if self.taken - start > length {
                return Err(Stop::Malformed("longer than its length"));
            }
        }
        if self.taken - start != length {
            return Err(Stop::Malformed("its length does not match its content"));
        }
        found.consecutive &= delta == self.index;
        if timestamp > found.max_timestamp {
            (found.max_timestamp, found.max_timestamp_delta) = (timestamp, delta);
        }
        if keyless && check.require_keys {
            found.first_keyless.get_or_insert(self.index);
        }
        if timestamp != Timestamp::NONE && !(check.earliest..=check.latest).contains(&timestamp) {
            found.first_out_of_range.get_or_insert((self.index, timestamp));
        }
        Ok(())
    }

    /// Skips a field with a length before it; `None` for null.
    fn field(&mut self) -> Result<Option<()>, Stop> {
        match usize::try_from(self.varint()?) {
            Err(_) => Ok(None),
            Ok(length) => self.skip(length).map(Some),
        }
    }

    fn varint(&mut self) -> Result<i32, Stop> {
        let bits = self.unsigned(5)? as u32;
        Ok((bits >> 1) as i32 ^ -((bits & 1) as i32))
    }

    fn varlong(&mut self) -> Result<i64, Stop> {
        let bits = self.unsigned(10)?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    #[inline]
    fn unsigned(&mut self, max_bytes: u32) -> Result<u64, Stop> {
        let mut bits = 0u64;
        for at in 0..max_bytes {
            let byte = *self.input.fill_buf().map_err(Stop::Codec)?.first().ok_or(Stop::Malformed("cut off"))?;
            self.advance(1)?;
            bits |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                return Ok(bits);
            }
        }
        Err(Stop::Malformed("a number is too long"))
    }

    fn skip(&mut self, mut length: usize) -> Result<(), Stop> {
        while length > 0 {
            let there = self.input.fill_buf().map_err(Stop::Codec)?.len();
            if there == 0 {
                return Err(Stop::Malformed("cut off"));
            }
            let step = there.min(length);
            self.advance(step)?;
            length -= step;
        }
        Ok(())
    }

    #[inline]
    fn advance(&mut self, count: usize) -> Result<(), Stop> {
        self.input.consume(count);
        self.taken += count;
        if self.taken > DECOMPRESSED_LIMIT { Err(Stop::TooLarge) } else { Ok(()) }
    }
}
