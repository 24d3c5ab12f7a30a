//! The record of a committed offset: `OffsetCommitKey` (types 0 and 1) and `OffsetCommitValue` (versions 0 to 4).
//!
//! Written as Kafka 4.3 does (GroupCoordinatorRecordHelpers.newOffsetCommitRecord): key type 1; value version 4, or version 1
//! for an offset with an expiry time of its own, which no other version has a place for.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};
use uuid::Uuid;

use super::codec::{Reader, RecordError, put_compact_string, put_string, put_unsigned_varint};

const KEY: &str = "OffsetCommitKey";
const VALUE: &str = "OffsetCommitValue";
const NEWEST_VERSION: i16 = 4;
const FIRST_FLEXIBLE_VERSION: i16 = 4;
const TOPIC_ID_TAG: u32 = 0;

/// Whose offset of which partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitKey {
    /// The group.
    pub group_id: Arc<str>,
    /// The partition.
    pub partition: TopicPartition,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitValue {
    /// The next offset to read.
    pub offset: Offset,
    /// Epoch of the last record read, or [`LeaderEpoch::UNKNOWN`]. Version 3 on.
    pub leader_epoch: LeaderEpoch,
    /// The client's note.
    pub metadata: Arc<str>,
    /// When it was committed.
    pub commit_timestamp: Timestamp,
    /// When it expires, if the client said so. Version 1 only.
    pub expire_timestamp: Option<Timestamp>,
    /// The topic's id, or [`TopicId::ZERO`]. Version 4 on.
    pub topic_id: TopicId,
}

impl OffsetCommitKey {
    /// The type of the key written; type 0 is its older twin.
    pub const TYPE: i16 = 1;
    /// The older type with the same fields (Kafka: LegacyOffsetCommitKey).
    pub const LEGACY_TYPE: i16 = 0;

    /// The key's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(10 + self.group_id.len() + self.partition.topic.len());
        out.put_i16(Self::TYPE);
        put_string(&mut out, &self.group_id);
        put_string(&mut out, &self.partition.topic);
        out.put_i32(self.partition.partition);
        out.freeze()
    }

    /// Reads what follows the type.
    ///
    /// # Errors
    /// When the bytes are not such a key.
    pub fn decode(bytes: &[u8]) -> Result<OffsetCommitKey, RecordError> {
        let mut reader = Reader::new(KEY, bytes);
        let group_id = reader.string("group", false)?;
        let topic = reader.string("topic", false)?;
        Ok(OffsetCommitKey { group_id, partition: TopicPartition::new(topic, reader.int32("partition")?) })
    }
}

impl OffsetCommitValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(48 + self.metadata.len());
        match self.expire_timestamp {
            Some(expire) => self.encode_version_1(&mut out, expire),
            None => self.encode_version_4(&mut out),
        }
        out.freeze()
    }

    fn encode_version_1(&self, out: &mut BytesMut, expire: Timestamp) {
        out.put_i16(1);
        out.put_i64(self.offset.0);
        put_string(out, &self.metadata);
        out.put_i64(self.commit_timestamp.0);
        out.put_i64(expire.0);
    }

    fn encode_version_4(&self, out: &mut BytesMut) {
        out.put_i16(4);
        out.put_i64(self.offset.0);
        out.put_i32(self.leader_epoch.0);
        put_compact_string(out, &self.metadata);
        out.put_i64(self.commit_timestamp.0);
        if self.topic_id == TopicId::ZERO {
            put_unsigned_varint(out, 0);
        } else {
            put_unsigned_varint(out, 1);
            put_unsigned_varint(out, TOPIC_ID_TAG);
            put_unsigned_varint(out, 16);
            out.put_u128(self.topic_id.0.as_u128());
        }
    }

    /// Reads a value of any version.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<OffsetCommitValue, RecordError> {
        let mut reader = Reader::new(VALUE, bytes);
        let version = reader.version(NEWEST_VERSION)?;
        let flexible = version >= FIRST_FLEXIBLE_VERSION;
        let offset = Offset(reader.int64("offset")?);
        let leader_epoch = if version >= 3 { LeaderEpoch(reader.int32("leaderEpoch")?) } else { LeaderEpoch::UNKNOWN };
        let metadata = reader.string("metadata", flexible)?;
        let commit_timestamp = Timestamp(reader.int64("commitTimestamp")?);
        let expire = if version == 1 { reader.int64("expireTimestamp")? } else { -1 };
        let mut topic_id = TopicId::ZERO;
        if flexible {
            reader.tagged_fields(|tag, field| {
                if tag == TOPIC_ID_TAG {
                    topic_id = TopicId(Uuid::from_u128(field.uuid("topicId")?));
                }
                Ok(())
            })?;
        }
        let expire_timestamp = (expire != -1).then_some(Timestamp(expire));
        Ok(OffsetCommitValue { offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> OffsetCommitValue {
        OffsetCommitValue {
            offset: Offset(0x0102),
            leader_epoch: LeaderEpoch(7),
            metadata: "ab".into(),
            commit_timestamp: Timestamp(3),
            expire_timestamp: None,
            topic_id: TopicId::ZERO,
        }
    }

    #[test]
    fn the_key_is_kafkas_type_1() {
        let key = OffsetCommitKey { group_id: "g".into(), partition: TopicPartition::new("top", 5) };
        assert_eq!(key.encode().as_ref(), b"\0\x01\0\x01g\0\x03top\0\0\0\x05");
    }

    #[test]
    fn a_value_is_kafkas_version_4_with_the_topic_id_as_tag_0() {
        let plain = b"\0\x04\0\0\0\0\0\0\x01\x02\0\0\0\x07\x03ab\0\0\0\0\0\0\0\x03\0";
        assert_eq!(value().encode().as_ref(), plain);
        let with_id = OffsetCommitValue { topic_id: TopicId(Uuid::from_u128(9)), ..value() };
        let mut expected = plain[..plain.len() - 1].to_vec();
        expected.extend_from_slice(b"\x01\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09");
        assert_eq!(with_id.encode().as_ref(), expected);
    }

    #[test]
    fn a_value_with_its_own_expiry_is_kafkas_version_1() {
        let expiring = OffsetCommitValue { expire_timestamp: Some(Timestamp(4)), ..value() };
        let expected = b"\0\x01\0\0\0\0\0\0\x01\x02\0\x02ab\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04";
        assert_eq!(expiring.encode().as_ref(), expected);
    }

    #[test]
    fn versions_0_2_and_3_are_read() {
        let unknown_epoch = OffsetCommitValue { leader_epoch: LeaderEpoch::UNKNOWN, ..value() };
        for version in [0u8, 2] {
            let mut bytes = vec![0, version];
            bytes.extend_from_slice(b"\0\0\0\0\0\0\x01\x02\0\x02ab\0\0\0\0\0\0\0\x03");
            assert_eq!(OffsetCommitValue::decode(&bytes), Ok(unknown_epoch.clone()));
        }
        let version_3 = b"\0\x03\0\0\0\0\0\0\x01\x02\0\0\0\x07\0\x02ab\0\0\0\0\0\0\0\x03";
        assert_eq!(OffsetCommitValue::decode(version_3), Ok(value()));
    }

    #[test]
    fn an_unknown_version_says_so() {
        let error = RecordError::UnknownVersion { record: VALUE, version: 5, newest: 4 };
        assert_eq!(OffsetCommitValue::decode(b"\0\x05"), Err(error));
    }

    proptest! {
        #[test]
        fn keys_read_back(group in ".{0,20}", topic in ".{0,20}", partition: i32) {
            let key = OffsetCommitKey { group_id: group.into(), partition: TopicPartition::new(topic, partition) };
            prop_assert_eq!(OffsetCommitKey::decode(&key.encode()[2..]), Ok(key));
        }

        #[test]
        fn values_read_back(offset: i64, epoch: i32, metadata in ".{0,200}", at: i64, expire in proptest::option::of(0i64..), id: u128) {
            // Version 1, the one with an expiry, has neither a leader epoch nor a topic id.
            let (epoch, id) = if expire.is_some() { (-1, 0) } else { (epoch, id) };
            let value = OffsetCommitValue {
                offset: Offset(offset),
                leader_epoch: LeaderEpoch(epoch),
                metadata: metadata.into(),
                commit_timestamp: Timestamp(at),
                expire_timestamp: expire.map(Timestamp),
                topic_id: TopicId(Uuid::from_u128(id)),
            };
            prop_assert_eq!(OffsetCommitValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = OffsetCommitKey::decode(&bytes);
            let _ = OffsetCommitValue::decode(&bytes);
            let _ = OffsetCommitValue::decode(&[&[0, 4], bytes.as_slice()].concat());
        }
    }
}
