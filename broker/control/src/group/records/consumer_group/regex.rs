//! The record of the topics that a regular expression stands for: `ConsumerGroupRegularExpressionValue`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::Timestamp;

use crate::group::records::codec::{Reader, RecordError, put_compact_count, put_compact_string, put_no_tags};

/// What a regular expression stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRegex {
    /// The topics that it matches, without those that the member may not describe.
    pub topics: BTreeSet<Arc<str>>,
    /// Version of the cluster's metadata that it was matched with.
    pub version: i64,
    /// When.
    pub at: Timestamp,
}

impl ResolvedRegex {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(0);
        put_compact_count(&mut out, self.topics.len());
        for topic in &self.topics {
            put_compact_string(&mut out, topic);
        }
        out.put_i64(self.version);
        out.put_i64(self.at.0);
        put_no_tags(&mut out);
        out.freeze()
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<ResolvedRegex, RecordError> {
        let mut reader = Reader::new("ConsumerGroupRegularExpressionValue", bytes);
        reader.version(0)?;
        let count = reader.count("topics", true)?;
        let topics = (0..count).map(|_| reader.string("topics", true)).collect::<Result<_, _>>()?;
        let version = reader.int64("version")?;
        let at = Timestamp(reader.int64("timestamp")?);
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(ResolvedRegex { topics, version, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolved_regex_is_kafkas_version_0() {
        let value = ResolvedRegex { topics: ["a".into(), "bc".into()].into(), version: 3, at: Timestamp(4) };
        let expected = b"\0\0\x03\x02a\x03bc\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0";
        assert_eq!(value.encode().as_ref(), expected);
        assert_eq!(ResolvedRegex::decode(expected), Ok(value));
    }
}
