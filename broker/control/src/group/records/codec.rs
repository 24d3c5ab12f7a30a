//! Reading and writing the primitive types of Kafka's protocol, for records only.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

/// Longest string that the non-flexible versions of records can hold.
pub(crate) const MAX_STRING_BYTES: usize = i16::MAX as usize;

/// A record of `__consumer_offsets` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the field does.
    #[error("a {record} record ends inside its field {field:?}; the log partition is damaged or of another format")]
    Truncated {
        /// Kafka's name of the record.
        record: &'static str,
        /// Kafka's name of the field.
        field: &'static str,
    },
    /// The bytes are there and cannot mean anything.
    #[error("a {record} record has a field {field:?} that cannot be: {what}")]
    Invalid {
        /// Kafka's name of the record.
        record: &'static str,
        /// Kafka's name of the field.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// A newer broker wrote this.
    #[error("a {record} record has version {version}, and versions 0 to {newest} are known; run the newer broker")]
    UnknownVersion {
        /// Kafka's name of the record.
        record: &'static str,
        /// The version found.
        version: i16,
        /// The newest version known here.
        newest: i16,
    },
}

/// Takes fields off the front of a record.
pub(crate) struct Reader<'a> {
    record: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(record: &'static str, bytes: &'a [u8]) -> Reader<'a> {
        Reader { record, rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn invalid(&self, field: &'static str, what: impl Into<String>) -> RecordError {
        RecordError::Invalid { record: self.record, field, what: what.into() }
    }

    fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], RecordError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(RecordError::Truncated { record: self.record, field }),
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        Ok(self.take(field, N)?.try_into().expect("take returns what was asked for"))
    }

    pub(crate) fn int8(&mut self, field: &'static str) -> Result<i8, RecordError> {
        Ok(i8::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn int16(&mut self, field: &'static str) -> Result<i16, RecordError> {
        Ok(i16::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn int32(&mut self, field: &'static str) -> Result<i32, RecordError> {
        Ok(i32::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn int64(&mut self, field: &'static str) -> Result<i64, RecordError> {
        Ok(i64::from_be_bytes(self.array(field)?))
    }

    pub(crate) fn uuid(&mut self, field: &'static str) -> Result<u128, RecordError> {
        Ok(u128::from_be_bytes(self.array(field)?))
    }

    /// The version that a value starts with, if it is among those known.
    pub(crate) fn version(&mut self, newest: i16) -> Result<i16, RecordError> {
        let version = self.int16("version")?;
        if (0..=newest).contains(&version) {
            Ok(version)
        } else {
            Err(RecordError::UnknownVersion { record: self.record, version, newest })
        }
    }

    pub(crate) fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, RecordError> {
        let mut value: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| self.invalid(field, "a varint of more than 32 bits"));
            }
        }
        Err(self.invalid(field, "a varint of more than 5 bytes"))
    }

    /// Length of something nullable: `None` for null. `flexible` versions have a varint of length + 1.
    fn length(&mut self, field: &'static str, flexible: bool, wide: bool) -> Result<Option<usize>, RecordError> {
        let length = match (flexible, wide) {
            (true, _) => i64::from(self.unsigned_varint(field)?) - 1,
            (false, true) => i64::from(self.int32(field)?),
            (false, false) => i64::from(self.int16(field)?),
        };
        match length {
            -1 => Ok(None),
            0.. => Ok(Some(length as usize)),
            _ => Err(self.invalid(field, format!("length {length}"))),
        }
    }

    fn text(&self, field: &'static str, bytes: &[u8]) -> Result<Arc<str>, RecordError> {
        std::str::from_utf8(bytes).map(Arc::from).map_err(|e| self.invalid(field, e.to_string()))
    }

    pub(crate) fn nullable_string(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<Arc<str>>, RecordError> {
        match self.length(field, flexible, false)? {
            None => Ok(None),
            Some(length) => {
                let bytes = self.take(field, length)?;
                self.text(field, bytes).map(Some)
            }
        }
    }

    pub(crate) fn string(&mut self, field: &'static str, flexible: bool) -> Result<Arc<str>, RecordError> {
        self.nullable_string(field, flexible)?.ok_or_else(|| self.invalid(field, "null"))
    }

    pub(crate) fn bytes(&mut self, field: &'static str, flexible: bool) -> Result<Bytes, RecordError> {
        let length = self.length(field, flexible, true)?.ok_or_else(|| self.invalid(field, "null"))?;
        Ok(Bytes::copy_from_slice(self.take(field, length)?))
    }

    /// The number of elements of an array; each takes at least one byte, which bounds it.
    pub(crate) fn count(&mut self, field: &'static str, flexible: bool) -> Result<usize, RecordError> {
        let count = self.length(field, flexible, true)?.ok_or_else(|| self.invalid(field, "null"))?;
        if count > self.rest.len() {
            return Err(RecordError::Truncated { record: self.record, field });
        }
        Ok(count)
    }

    /// Reads the tagged fields of a flexible version; `known` gets each tag with a reader of its bytes.
    pub(crate) fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for _ in 0..self.unsigned_varint("tagged fields")? {
            let tag = self.unsigned_varint("tag")?;
            let size = self.unsigned_varint("tag size")? as usize;
            let bytes = self.take("tagged field", size)?;
            known(tag, &mut Reader::new(self.record, bytes))?;
        }
        Ok(())
    }
}

/// Writes a string with a 16-bit length. The doors of the machine refuse longer ones.
pub(crate) fn put_string(out: &mut BytesMut, text: &str) {
    let length = i16::try_from(text.len()).expect("strings are bounded by MAX_STRING_BYTES where they come in");
    out.put_i16(length);
    out.put_slice(text.as_bytes());
}

/// Writes a nullable string with a 16-bit length.
pub(super) fn put_nullable_string(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.put_i16(-1),
    }
}

/// Writes bytes with a 32-bit length.
pub(super) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(i32::try_from(bytes.len()).expect("a frame bounds the bytes that come in"));
    out.put_slice(bytes);
}

/// Writes a varint.
pub(crate) fn put_unsigned_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Writes a nullable string of a flexible version.
pub(crate) fn put_compact_nullable_string(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => put_compact_string(out, text),
        None => put_unsigned_varint(out, 0),
    }
}

/// Writes bytes of a flexible version.
pub(super) fn put_compact_bytes(out: &mut BytesMut, bytes: &[u8]) {
    put_compact_count(out, bytes.len());
    out.put_slice(bytes);
}

/// Writes the number of elements of an array of a flexible version.
pub(crate) fn put_compact_count(out: &mut BytesMut, count: usize) {
    put_unsigned_varint(out, u32::try_from(count).expect("memory bounds what is counted here") + 1);
}

/// Writes that a structure has no tagged fields.
pub(crate) fn put_no_tags(out: &mut BytesMut) {
    put_unsigned_varint(out, 0);
}

/// Writes a string of a flexible version.
pub(crate) fn put_compact_string(out: &mut BytesMut, text: &str) {
    let length = u32::try_from(text.len()).expect("a frame bounds the text that comes in");
    put_unsigned_varint(out, length + 1);
    out.put_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_read_back(value: u32) {
            let mut out = BytesMut::new();
            put_unsigned_varint(&mut out, value);
            let mut reader = Reader::new("test", &out);
            prop_assert_eq!(reader.unsigned_varint("field"), Ok(value));
            prop_assert!(reader.rest().is_empty());
        }
    }

    #[test]
    fn a_varint_has_at_most_32_bits() {
        assert!(Reader::new("test", &[0xff, 0xff, 0xff, 0xff, 0x1f]).unsigned_varint("field").is_err());
        assert!(Reader::new("test", &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).unsigned_varint("field").is_err());
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused_before_anything_is_reserved() {
        assert!(Reader::new("test", &[0x7f, 0xff, 0xff, 0xff, 0]).count("field", false).is_err());
    }
}
