//! The records of a group's epochs: `ConsumerGroupMetadataValue` and `ConsumerGroupTargetAssignmentMetadataValue`.

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::Timestamp;

use crate::group::records::codec::{Reader, RecordError, put_no_tags, put_unsigned_varint};

/// Both values have one tagged field of 64 bits under this tag; it is left out when it is 0, as Kafka leaves out defaults.
const TAG: u32 = 0;

/// The group's epoch: it grows whenever the assignment has to be computed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEpochValue {
    /// The epoch.
    pub epoch: i32,
    /// Hash of the metadata of all topics that the group reads (Kafka 4.1 on); 0 for none.
    pub metadata_hash: i64,
}

/// The epoch of the group that the target assignment was computed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetEpochValue {
    /// The epoch.
    pub epoch: i32,
    /// When it was computed (Kafka 4.3 on); 0 when that is not known.
    pub computed_at: Timestamp,
}

fn encode(epoch: i32, tagged: i64) -> Bytes {
    let mut out = BytesMut::with_capacity(17);
    out.put_i16(0);
    out.put_i32(epoch);
    if tagged == 0 {
        put_no_tags(&mut out);
    } else {
        put_unsigned_varint(&mut out, 1);
        put_unsigned_varint(&mut out, TAG);
        put_unsigned_varint(&mut out, 8);
        out.put_i64(tagged);
    }
    out.freeze()
}

fn decode(record: &'static str, bytes: &[u8], field: &'static str) -> Result<(i32, i64), RecordError> {
    let mut reader = Reader::new(record, bytes);
    reader.version(0)?;
    let epoch = reader.int32("epoch")?;
    let mut tagged = 0;
    reader.tagged_fields(|tag, bytes| {
        if tag == TAG {
            tagged = bytes.int64(field)?;
        }
        Ok(())
    })?;
    Ok((epoch, tagged))
}

impl GroupEpochValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        encode(self.epoch, self.metadata_hash)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<GroupEpochValue, RecordError> {
        let (epoch, metadata_hash) = decode("ConsumerGroupMetadataValue", bytes, "metadataHash")?;
        Ok(GroupEpochValue { epoch, metadata_hash })
    }
}

impl TargetEpochValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        encode(self.epoch, self.computed_at.0)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<TargetEpochValue, RecordError> {
        let (epoch, at) = decode("ConsumerGroupTargetAssignmentMetadataValue", bytes, "assignmentTimestamp")?;
        Ok(TargetEpochValue { epoch, computed_at: Timestamp(at) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kafkas_version_0_with_a_tagged_field() {
        let value = GroupEpochValue { epoch: 5, metadata_hash: 0x0102 };
        assert_eq!(value.encode().as_ref(), b"\0\0\0\0\0\x05\x01\0\x08\0\0\0\0\0\0\x01\x02");
        assert_eq!(GroupEpochValue::decode(&value.encode()), Ok(value));
        let bare = GroupEpochValue { epoch: 5, metadata_hash: 0 };
        assert_eq!(bare.encode().as_ref(), b"\0\0\0\0\0\x05\0");
        assert_eq!(GroupEpochValue::decode(&bare.encode()), Ok(bare));
        let target = TargetEpochValue { epoch: 7, computed_at: Timestamp(3) };
        assert_eq!(target.encode().as_ref(), b"\0\0\0\0\0\x07\x01\0\x08\0\0\0\0\0\0\0\x03");
        assert_eq!(TargetEpochValue::decode(&target.encode()), Ok(target));
        assert!(TargetEpochValue::decode(b"\0\0\0\0").is_err());
    }
}
