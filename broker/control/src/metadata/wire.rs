//! Kafka's message encoding: big-endian integers, plain and compact strings and arrays, unsigned varints, tagged fields.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;
use uuid::Uuid;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before the field does.
    #[error("the record ends inside field {0}")]
    Truncated(&'static str),
    /// A field holds a value that it cannot have.
    #[error("field {field} of the record is not valid: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A record of a version or kind that this program does not know.
    #[error("{kind} version {version} is not known to this program; was it written by a newer one?")]
    UnknownVersion {
        /// The kind of record.
        kind: &'static str,
        /// The version found.
        version: i64,
    },
}

impl DecodeError {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> DecodeError {
        DecodeError::Invalid { field, reason: reason.into() }
    }
}

/// Writes a message.
#[derive(Debug, Default)]
pub(crate) struct Writer(BytesMut);

impl Writer {
    pub(crate) fn i8(&mut self, v: i8) {
        self.0.put_i8(v);
    }
    pub(crate) fn bool(&mut self, v: bool) {
        self.0.put_u8(u8::from(v));
    }
    pub(crate) fn i16(&mut self, v: i16) {
        self.0.put_i16(v);
    }
    pub(crate) fn u16(&mut self, v: u16) {
        self.0.put_u16(v);
    }
    pub(crate) fn i32(&mut self, v: i32) {
        self.0.put_i32(v);
    }
    pub(crate) fn i64(&mut self, v: i64) {
        self.0.put_i64(v);
    }
    pub(crate) fn f64(&mut self, v: f64) {
        self.0.put_f64(v);
    }
    pub(crate) fn uuid(&mut self, v: Uuid) {
        self.0.put_slice(v.as_bytes());
    }

    /// An unsigned varint: seven bits a byte, the lowest first.
    pub(crate) fn varint(&mut self, mut v: u32) {
        while v >= 0x80 {
            self.0.put_u8((v as u8 & 0x7f) | 0x80);
            v >>= 7;
        }
        self.0.put_u8(v as u8);
    }

    /// A string behind a two-byte length. At most 32767 bytes.
    pub(crate) fn string(&mut self, v: &str) {
        self.i16(i16::try_from(v.len()).expect("a name is checked to be short before it is written"));
        self.0.put_slice(v.as_bytes());
    }

    pub(crate) fn compact_string(&mut self, v: &str) {
        self.varint(length(v.len()) + 1);
        self.0.put_slice(v.as_bytes());
    }

    pub(crate) fn compact_nullable_string(&mut self, v: Option<&str>) {
        match v {
            Some(v) => self.compact_string(v),
            None => self.varint(0),
        }
    }

    pub(crate) fn compact_bytes(&mut self, v: &[u8]) {
        self.varint(length(v.len()) + 1);
        self.0.put_slice(v);
    }

    /// The length in front of a compact array of `len` elements.
    pub(crate) fn compact_array(&mut self, len: usize) {
        self.varint(length(len) + 1);
    }

    pub(crate) fn compact_i32s(&mut self, values: &[i32]) {
        self.compact_array(values.len());
        values.iter().for_each(|v| self.i32(*v));
    }

    pub(crate) fn compact_uuids(&mut self, values: &[Uuid]) {
        self.compact_array(values.len());
        values.iter().for_each(|v| self.uuid(*v));
    }

    /// Tagged fields, ascending by tag.
    pub(crate) fn tags(&mut self, fields: &[(u32, Bytes)]) {
        self.varint(length(fields.len()));
        for (tag, value) in fields {
            self.varint(*tag);
            self.varint(length(value.len()));
            self.0.put_slice(value);
        }
    }

    /// No tagged fields.
    pub(crate) fn no_tags(&mut self) {
        self.varint(0);
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.freeze()
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("no record of ours comes near four gigabytes")
}

/// One field written by itself, as the value of a tagged field.
pub(crate) fn tagged(write: impl FnOnce(&mut Writer)) -> Bytes {
    let mut w = Writer::default();
    write(&mut w);
    w.finish()
}

/// Reads a message; no length is believed before the bytes behind it are seen to be there.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Truncated(field))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N, field)?.try_into().expect("take returns as many bytes as asked for"))
    }

    pub(crate) fn i8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.i8(field)? != 0)
    }
    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn f64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.array(field)?))
    }
    pub(crate) fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        Ok(Uuid::from_bytes(self.array(field)?))
    }

    pub(crate) fn varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0u32, 7, 14, 21, 28] {
            let byte = self.array::<1>(field)?[0];
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::invalid(field, "a variable-length number does not end within 32 bits"))
    }

    fn text(&mut self, len: usize, field: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.take(len, field)?).map_err(|_| DecodeError::invalid(field, "not UTF-8"))
    }

    /// The length of a string or array of which the shortest element has `least` bytes; `None` for null (-1).
    fn checked_len(&self, len: i64, least: usize, field: &'static str) -> Result<Option<usize>, DecodeError> {
        match len {
            -1 => Ok(None),
            _ => match usize::try_from(len) {
                Ok(len) if len.saturating_mul(least) <= self.0.len() => Ok(Some(len)),
                Ok(_) => Err(DecodeError::Truncated(field)),
                Err(_) => Err(DecodeError::invalid(field, format!("length {len}"))),
            },
        }
    }

    pub(crate) fn string(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let len = i64::from(self.i16(field)?);
        let len = self.checked_len(len, 1, field)?.ok_or_else(|| DecodeError::invalid(field, "null"))?;
        self.text(len, field)
    }

    pub(crate) fn compact_nullable_string(&mut self, field: &'static str) -> Result<Option<&'a str>, DecodeError> {
        match self.compact_nullable_array(1, field)? {
            Some(len) => Ok(Some(self.text(len, field)?)),
            None => Ok(None),
        }
    }

    pub(crate) fn compact_bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.compact_array(1, field)?;
        self.take(len, field)
    }

    pub(crate) fn compact_string(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        self.compact_nullable_string(field)?.ok_or_else(|| DecodeError::invalid(field, "null"))
    }

    /// The length of a plain array (four bytes) whose elements have at least `least` bytes each.
    pub(crate) fn nullable_array(&mut self, least: usize, field: &'static str) -> Result<Option<usize>, DecodeError> {
        let len = i64::from(self.i32(field)?);
        self.checked_len(len, least, field)
    }

    /// The length of a compact array whose elements have at least `least` bytes each.
    pub(crate) fn compact_nullable_array(
        &mut self,
        least: usize,
        field: &'static str,
    ) -> Result<Option<usize>, DecodeError> {
        let len = i64::from(self.varint(field)?) - 1;
        self.checked_len(len, least, field)
    }

    /// As [`Reader::compact_nullable_array`], null refused.
    pub(crate) fn compact_array(&mut self, least: usize, field: &'static str) -> Result<usize, DecodeError> {
        self.compact_nullable_array(least, field)?.ok_or_else(|| DecodeError::invalid(field, "null"))
    }

    pub(crate) fn compact_i32s(&mut self, field: &'static str) -> Result<Vec<i32>, DecodeError> {
        let len = self.compact_array(4, field)?;
        (0..len).map(|_| self.i32(field)).collect()
    }

    pub(crate) fn compact_uuids(&mut self, field: &'static str) -> Result<Vec<Uuid>, DecodeError> {
        let len = self.compact_array(16, field)?;
        (0..len).map(|_| self.uuid(field)).collect()
    }

    /// Reads tagged fields; `known` gets each one and skips what it does not know.
    pub(crate) fn tags(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.varint("tagged fields")? {
            let tag = self.varint("tag")?;
            let len = self.varint("tagged field size")? as usize;
            known(tag, &mut Reader(self.take(len, "tagged field")?))?;
        }
        Ok(())
    }

    /// Skips tagged fields.
    pub(crate) fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn varints_are_kafkas() {
        // ByteUtils.writeUnsignedVarint: 300 is AC 02.
        assert_eq!(&tagged(|w| w.varint(300))[..], [0xac, 0x02]);
        assert_eq!(&tagged(|w| w.varint(0))[..], [0]);
        assert_eq!(&tagged(|w| w.varint(u32::MAX))[..], [0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint("v").is_err());
    }

    #[test]
    fn giant_lengths_are_refused_before_memory_is_asked_for() {
        let giant = tagged(|w| w.varint(u32::MAX));
        assert_eq!(Reader::new(&giant).compact_i32s("ids"), Err(DecodeError::Truncated("ids")));
        assert!(Reader::new(&[0x80, 0x00]).string("name").is_err());
    }

    proptest! {
        #[test]
        fn varint_reads_back(v: u32) {
            prop_assert_eq!(Reader::new(&tagged(|w| w.varint(v))).varint("v"), Ok(v));
        }
    }
}
