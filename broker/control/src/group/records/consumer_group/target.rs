//! The record of what a member shall have: `ConsumerGroupTargetAssignmentMemberValue`.

use bytes::{BufMut, Bytes, BytesMut};

use super::partitions::{Assignment, put_assignment, read_assignment};
use crate::group::records::codec::{Reader, RecordError, put_no_tags};

/// A member's target assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetAssignmentValue {
    /// The partitions.
    pub partitions: Assignment,
}

impl TargetAssignmentValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(0);
        put_assignment(&mut out, &self.partitions);
        put_no_tags(&mut out);
        out.freeze()
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<TargetAssignmentValue, RecordError> {
        let mut reader = Reader::new("ConsumerGroupTargetAssignmentMemberValue", bytes);
        reader.version(0)?;
        let partitions = read_assignment(&mut reader)?;
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(TargetAssignmentValue { partitions })
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::ids::TopicId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_target_is_kafkas_version_0() {
        let value = TargetAssignmentValue { partitions: [(TopicId(Uuid::from_u128(9)), [1, 2].into())].into() };
        let expected = b"\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x03\0\0\0\x01\0\0\0\x02\0\0";
        assert_eq!(value.encode().as_ref(), expected);
        assert_eq!(TargetAssignmentValue::decode(expected), Ok(value));
    }
}
