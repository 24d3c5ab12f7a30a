//! The keys of a consumer group's records: types 3 to 8 and 16, each with the group and, where there is one, the member or the regex.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::group::records::codec::{Reader, RecordError, put_string};

/// Which record of which group. Named as Kafka's `CoordinatorRecordType` names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerGroupKey {
    /// `ConsumerGroupMetadata`: the group's epoch.
    Metadata,
    /// `ConsumerGroupPartitionMetadata`: what groups kept of topics before Kafka 4.1; only removed here.
    PartitionMetadata,
    /// `ConsumerGroupMemberMetadata` of a member.
    MemberMetadata(Arc<str>),
    /// `ConsumerGroupTargetAssignmentMetadata`: the epoch of the target assignment.
    TargetAssignmentMetadata,
    /// `ConsumerGroupTargetAssignmentMember` of a member.
    TargetAssignmentMember(Arc<str>),
    /// `ConsumerGroupCurrentMemberAssignment` of a member.
    CurrentMemberAssignment(Arc<str>),
    /// `ConsumerGroupRegularExpression` of a regular expression.
    RegularExpression(Arc<str>),
}

impl ConsumerGroupKey {
    /// The number that the key starts with.
    #[must_use]
    pub fn key_type(&self) -> i16 {
        match self {
            ConsumerGroupKey::Metadata => 3,
            ConsumerGroupKey::PartitionMetadata => 4,
            ConsumerGroupKey::MemberMetadata(_) => 5,
            ConsumerGroupKey::TargetAssignmentMetadata => 6,
            ConsumerGroupKey::TargetAssignmentMember(_) => 7,
            ConsumerGroupKey::CurrentMemberAssignment(_) => 8,
            ConsumerGroupKey::RegularExpression(_) => 16,
        }
    }

    /// The key's bytes.
    #[must_use]
    pub fn encode(&self, group_id: &str) -> Bytes {
        let mut out = BytesMut::with_capacity(48 + group_id.len());
        out.put_i16(self.key_type());
        put_string(&mut out, group_id);
        match self {
            ConsumerGroupKey::MemberMetadata(name)
            | ConsumerGroupKey::TargetAssignmentMember(name)
            | ConsumerGroupKey::CurrentMemberAssignment(name)
            | ConsumerGroupKey::RegularExpression(name) => put_string(&mut out, name),
            ConsumerGroupKey::Metadata
            | ConsumerGroupKey::PartitionMetadata
            | ConsumerGroupKey::TargetAssignmentMetadata => {}
        }
        out.freeze()
    }

    /// Reads the group and the key from what follows `key_type`; `None` if that is not a consumer group's.
    ///
    /// # Errors
    /// When the bytes are not such a key.
    pub fn decode(key_type: i16, bytes: &[u8]) -> Result<Option<(Arc<str>, ConsumerGroupKey)>, RecordError> {
        let mut reader = Reader::new("ConsumerGroupKey", bytes);
        if !matches!(key_type, 3..=8 | 16) {
            return Ok(None);
        }
        let group_id = reader.string("groupId", false)?;
        let key = match key_type {
            3 => ConsumerGroupKey::Metadata,
            4 => ConsumerGroupKey::PartitionMetadata,
            5 => ConsumerGroupKey::MemberMetadata(reader.string("memberId", false)?),
            6 => ConsumerGroupKey::TargetAssignmentMetadata,
            7 => ConsumerGroupKey::TargetAssignmentMember(reader.string("memberId", false)?),
            8 => ConsumerGroupKey::CurrentMemberAssignment(reader.string("memberId", false)?),
            _ => ConsumerGroupKey::RegularExpression(reader.string("regularExpression", false)?),
        };
        Ok(Some((group_id, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kafkas() {
        assert_eq!(ConsumerGroupKey::Metadata.encode("g").as_ref(), b"\0\x03\0\x01g");
        assert_eq!(ConsumerGroupKey::PartitionMetadata.encode("g").as_ref(), b"\0\x04\0\x01g");
        assert_eq!(ConsumerGroupKey::MemberMetadata("m".into()).encode("g").as_ref(), b"\0\x05\0\x01g\0\x01m");
        assert_eq!(ConsumerGroupKey::TargetAssignmentMetadata.encode("g").as_ref(), b"\0\x06\0\x01g");
        assert_eq!(ConsumerGroupKey::TargetAssignmentMember("m".into()).encode("g").as_ref(), b"\0\x07\0\x01g\0\x01m");
        assert_eq!(ConsumerGroupKey::CurrentMemberAssignment("m".into()).encode("g").as_ref(), b"\0\x08\0\x01g\0\x01m");
        assert_eq!(ConsumerGroupKey::RegularExpression("a*".into()).encode("g").as_ref(), b"\0\x10\0\x01g\0\x02a*");
    }

    #[test]
    fn keys_read_back() {
        for key in [
            ConsumerGroupKey::Metadata,
            ConsumerGroupKey::PartitionMetadata,
            ConsumerGroupKey::MemberMetadata("m".into()),
            ConsumerGroupKey::TargetAssignmentMetadata,
            ConsumerGroupKey::TargetAssignmentMember("m".into()),
            ConsumerGroupKey::CurrentMemberAssignment("m".into()),
            ConsumerGroupKey::RegularExpression("r".into()),
        ] {
            let read = ConsumerGroupKey::decode(key.key_type(), &key.encode("g")[2..]);
            assert_eq!(read, Ok(Some(("g".into(), key))));
        }
        assert_eq!(ConsumerGroupKey::decode(11, b"\0\x01g"), Ok(None), "a share group's key is not ours");
    }
}
