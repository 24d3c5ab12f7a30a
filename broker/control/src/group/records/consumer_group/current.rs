//! The record of what a member has: `ConsumerGroupCurrentMemberAssignmentValue`.

use bytes::{BufMut, Bytes, BytesMut};

use super::partitions::{EpochAssignment, put_epoch_assignment, read_epoch_assignment};
use crate::group::records::codec::{Reader, RecordError, put_no_tags};

/// Where a member is on its way to the target assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentAssignmentValue {
    /// The member's epoch; -2 while a static member is away.
    pub epoch: i32,
    /// The epoch before, which a member may still send when the answer with the new one was lost.
    pub previous_epoch: i32,
    /// Kafka's number of the member's state.
    pub state: i8,
    /// What the member has.
    pub assigned: EpochAssignment,
    /// What the member has to give up.
    pub revoking: EpochAssignment,
}

impl CurrentAssignmentValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(0);
        out.put_i32(self.epoch);
        out.put_i32(self.previous_epoch);
        out.put_i8(self.state);
        put_epoch_assignment(&mut out, &self.assigned);
        put_epoch_assignment(&mut out, &self.revoking);
        put_no_tags(&mut out);
        out.freeze()
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<CurrentAssignmentValue, RecordError> {
        let mut reader = Reader::new("ConsumerGroupCurrentMemberAssignmentValue", bytes);
        reader.version(0)?;
        let epoch = reader.int32("memberEpoch")?;
        let previous_epoch = reader.int32("previousMemberEpoch")?;
        let state = reader.int8("state")?;
        let assigned = read_epoch_assignment(&mut reader, "assignedPartitions", epoch)?;
        let revoking = read_epoch_assignment(&mut reader, "partitionsPendingRevocation", epoch)?;
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(CurrentAssignmentValue { epoch, previous_epoch, state, assigned, revoking })
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::ids::TopicId;
    use uuid::Uuid;

    use super::*;

    fn value() -> CurrentAssignmentValue {
        CurrentAssignmentValue {
            epoch: 5,
            previous_epoch: 4,
            state: 1,
            assigned: [(TopicId(Uuid::from_u128(9)), [(1, 3), (2, 5)].into())].into(),
            revoking: EpochAssignment::new(),
        }
    }

    #[test]
    fn a_current_assignment_is_kafkas_version_0_with_epochs_as_tag_0() {
        let expected = b"\0\0\0\0\0\x05\0\0\0\x04\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x03\0\0\0\x01\0\0\0\x02\x01\0\x09\x03\0\0\0\x03\0\0\0\x05\x01\0";
        assert_eq!(value().encode().as_ref(), expected);
        assert_eq!(CurrentAssignmentValue::decode(expected), Ok(value()));
    }

    #[test]
    fn without_epochs_the_members_epoch_is_taken() {
        let before_4_3 =
            b"\0\0\0\0\0\x05\0\0\0\x04\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x03\0\0\0\x01\0\0\0\x02\0\x01\0";
        let read = CurrentAssignmentValue::decode(before_4_3).unwrap();
        assert_eq!(read.assigned[&TopicId(Uuid::from_u128(9))], [(1, 5), (2, 5)].into());
        let away =
            b"\0\0\xff\xff\xff\xfe\0\0\0\x04\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x02\0\0\0\x01\x01\0\x01\0\x01\0";
        let read = CurrentAssignmentValue::decode(away).unwrap();
        assert_eq!(read.assigned[&TopicId(Uuid::from_u128(9))], [(1, 0)].into(), "never below 0");
    }
}
