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

/// Of more wrong records than these the walk tells how many there are, and nothing else.
const MOST_WRONG_TOLD: usize = 10_000;

/// What may be wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It has no key, and keys are required. (Kafka: LogValidator.validateRecord looks at nothing else then.)
    Keyless,
    /// Its timestamp is out of range.
    OutOfRange(Timestamp),
}

/// What the walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedRecords {
    /// Largest timestamp, -1 if there is none.
    pub max_timestamp: Timestamp,
    /// Delta of the first record that has it.
    pub max_timestamp_delta: i32,
    /// The deltas are 0, 1, 2 ...
    pub consecutive: bool,
    /// The first [`MOST_WRONG_TOLD`] records with which something is wrong, by their number in the batch.
    pub wrong: Vec<(i32, Wrong)>,
    /// How many those are in all.
    pub wrong_count: usize,
    /// Whether the timestamp of one of them is out of range.
    pub any_out_of_range: bool,
}

impl CheckedRecords {
    #[cold]
    fn is_wrong(&mut self, index: i32, what: Wrong) {
        self.wrong_count += 1;
        self.any_out_of_range |= matches!(what, Wrong::OutOfRange(_));
        if self.wrong.len() < MOST_WRONG_TOLD {
            self.wrong.push((index, what));
        }
    }
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

/// What matters of a record.
struct Facts {
    timestamp_delta: i64,
    delta: i32,
    keyless: bool,
}

/// A record in one piece: nearly all are, and this is on the way of every append.
struct Slice<'a>(&'a [u8]);

impl Slice<'_> {
    fn facts(mut self) -> Result<Facts, Stop> {
        self.skip(1)?; // attributes
        let timestamp_delta = signed(self.unsigned(10)?);
        let delta = self.varint()?;
        let keyless = self.field()?.is_none();
        self.field()?;
        let headers = self.varint()?;
        if headers < 0 {
            return Err(Stop::Malformed("negative count of headers"));
        }
        // A header takes two bytes at least, so the record's own length bounds the loop.
        for _ in 0..headers {
            self.field()?.ok_or(Stop::Malformed("a header without a key"))?;
            self.field()?;
        }
        if self.0.is_empty() { Ok(Facts { timestamp_delta, delta, keyless }) } else { Err(MISMATCH) }
    }

    #[inline]
    fn field(&mut self) -> Result<Option<()>, Stop> {
        match usize::try_from(self.varint()?) {
            Err(_) => Ok(None),
            Ok(length) => self.skip(length).map(Some),
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<i32, Stop> {
        let bits = self.unsigned(5)? as u32;
        Ok((bits >> 1) as i32 ^ -((bits & 1) as i32))
    }

    #[inline]
    fn unsigned(&mut self, max_bytes: usize) -> Result<u64, Stop> {
        // Most are of one byte.
        match self.0.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long(max_bytes),
        }
    }

    fn long(&mut self, max_bytes: usize) -> Result<u64, Stop> {
        let mut bits = 0u64;
        for (at, byte) in self.0.iter().take(max_bytes).enumerate() {
            bits |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                self.0 = &self.0[at + 1..];
                return Ok(bits);
            }
        }
        Err(if self.0.len() < max_bytes { MISMATCH } else { Stop::Malformed("a number is too long") })
    }

    #[inline]
    fn skip(&mut self, count: usize) -> Result<(), Stop> {
        self.0 = self.0.get(count..).ok_or(MISMATCH)?;
        Ok(())
    }
}

const MISMATCH: Stop = Stop::Malformed("its length does not match its content");

fn signed(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
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
            wrong: Vec::new(),
            wrong_count: 0,
            any_out_of_range: false,
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
        let there = self.input.fill_buf().map_err(Stop::Codec)?;
        let facts = match there.get(..length) {
            Some(record) => {
                let facts = Slice(record).facts()?;
                self.advance(length)?;
                facts
            }
            // Cut by the end of the buffer, or of the batch.
            None => self.facts(length)?,
        };
        self.note(check, found, &facts);
        Ok(())
    }

    #[inline]
    fn note(&self, check: &RecordCheck, found: &mut CheckedRecords, facts: &Facts) {
        let timestamp = Timestamp(self.header.base_timestamp.0.wrapping_add(facts.timestamp_delta));
        found.consecutive &= facts.delta == self.index;
        if timestamp > found.max_timestamp {
            (found.max_timestamp, found.max_timestamp_delta) = (timestamp, facts.delta);
        }
        if facts.keyless && check.require_keys {
            found.is_wrong(self.index, Wrong::Keyless);
        } else if timestamp != Timestamp::NONE && !(check.earliest..=check.latest).contains(&timestamp) {
            found.is_wrong(self.index, Wrong::OutOfRange(timestamp));
        }
    }

    /// Goes through a record of `length` bytes that need not lie in one piece.
    fn facts(&mut self, length: usize) -> Result<Facts, Stop> {
        let start = self.taken;
        self.skip(1)?; // attributes
        let timestamp_delta = self.varlong()?;
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
            return Err(MISMATCH);
        }
        Ok(Facts { timestamp_delta, delta, keyless })
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
        Ok(signed(self.unsigned(10)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchBuilder, BatchStamp};
    use proptest::prelude::*;

    /// The result of a walk through a buffer of `buffer` bytes, in which most records are cut.
    fn through(buffer: usize, header: &BatchHeader, body: &[u8], check: &RecordCheck) -> Option<CheckedRecords> {
        Walk::new(BufReader::with_capacity(buffer, body), header).run(check).ok()
    }

    /// Time, key and value.
    type Values = (i64, Option<Vec<u8>>, Vec<u8>);

    fn batch(values: &[Values]) -> bytes::Bytes {
        let mut builder = BatchBuilder::new(Compression::None);
        for (time, key, value) in values {
            let headers = [("h", Some(value.as_slice()))];
            let headers: &[_] = if value.len() % 3 == 0 { &headers } else { &[] };
            builder.push(Timestamp(*time), key.as_deref(), Some(value), headers);
        }
        builder.finish(&BatchStamp::default())
    }

    proptest! {
        /// Both ways through a batch find the same, whatever became of its bytes.
        #[test]
        fn a_record_in_one_piece_is_checked_like_one_in_many(
            values in prop::collection::vec(
                (0i64..2000, prop::option::of(prop::collection::vec(any::<u8>(), 0..4)), prop::collection::vec(any::<u8>(), 0..90)),
                1..12,
            ),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in 0usize..4,
        ) {
            let mut bytes = batch(&values).to_vec();
            let header = BatchHeader::parse(&bytes).unwrap();
            let body = bytes.len() - HEADER_SIZE;
            for (at, byte) in damage {
                bytes[HEADER_SIZE + at.index(body)] = byte;
            }
            bytes.truncate(bytes.len() - cut);
            let check = RecordCheck { require_keys: true, earliest: Timestamp(500), latest: Timestamp(1500) };
            let whole = check_records(&header, &bytes, &check).ok();
            for buffer in [1, 7, 64] {
                prop_assert_eq!(&whole, &through(buffer, &header, &bytes[HEADER_SIZE..], &check));
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_found() {
        let bytes = batch(&[(100, Some(vec![1]), vec![0; 5]), (900, None, vec![0; 6]), (900, None, vec![0; 200])]);
        let header = BatchHeader::parse(&bytes).unwrap();
        let check = RecordCheck { require_keys: true, earliest: Timestamp(500), latest: Timestamp(1500) };
        let expected = CheckedRecords {
            max_timestamp: Timestamp(900),
            max_timestamp_delta: 1,
            consecutive: true,
            wrong: vec![(0, Wrong::OutOfRange(Timestamp(100))), (1, Wrong::Keyless), (2, Wrong::Keyless)],
            wrong_count: 3,
            any_out_of_range: true,
        };
        assert_eq!(check_records(&header, &bytes, &check).unwrap(), expected);
    }
}
