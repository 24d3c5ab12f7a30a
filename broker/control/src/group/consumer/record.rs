//! The durable changes of a consumer group, each one record; `None` is a tombstone.

use std::sync::Arc;

use crate::group::records::{
    ConsumerGroupKey, CurrentAssignmentValue, GroupEpochValue, MemberValue, RecordError, ResolvedRegex,
    TargetAssignmentValue, TargetEpochValue,
};
use crate::machine::LogRecord;

/// A durable change of a consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerRecord {
    /// The group's epoch, or the end of the group.
    Epoch(Option<GroupEpochValue>),
    /// Whether the log has a record of topics as groups kept it before Kafka 4.1.
    PartitionMetadata(bool),
    /// Who a member is and what it reads, or its end.
    Member(Arc<str>, Option<MemberValue>),
    /// The epoch of the target assignment.
    TargetEpoch(Option<TargetEpochValue>),
    /// What a member shall have.
    Target(Arc<str>, Option<TargetAssignmentValue>),
    /// What a member has.
    Current(Arc<str>, Option<CurrentAssignmentValue>),
    /// What a regular expression stands for.
    Regex(Arc<str>, Option<ResolvedRegex>),
}

impl ConsumerRecord {
    /// The record's bytes.
    ///
    /// A record of topics is only ever removed here, so that its value is never needed.
    pub(in crate::group) fn encode(&self, group_id: &str) -> LogRecord {
        let (key, value) = match self {
            ConsumerRecord::Epoch(value) => (ConsumerGroupKey::Metadata, value.as_ref().map(GroupEpochValue::encode)),
            ConsumerRecord::PartitionMetadata(_) => (ConsumerGroupKey::PartitionMetadata, None),
            ConsumerRecord::Member(id, value) => {
                (ConsumerGroupKey::MemberMetadata(id.clone()), value.as_ref().map(MemberValue::encode))
            }
            ConsumerRecord::TargetEpoch(value) => {
                (ConsumerGroupKey::TargetAssignmentMetadata, value.as_ref().map(TargetEpochValue::encode))
            }
            ConsumerRecord::Target(id, value) => (
                ConsumerGroupKey::TargetAssignmentMember(id.clone()),
                value.as_ref().map(TargetAssignmentValue::encode),
            ),
            ConsumerRecord::Current(id, value) => {
                let value = value.as_ref().map(CurrentAssignmentValue::encode);
                (ConsumerGroupKey::CurrentMemberAssignment(id.clone()), value)
            }
            ConsumerRecord::Regex(regex, value) => {
                (ConsumerGroupKey::RegularExpression(regex.clone()), value.as_ref().map(ResolvedRegex::encode))
            }
        };
        LogRecord { key: key.encode(group_id), value, producer: None }
    }

    /// The change that a record of the log stands for.
    ///
    /// # Errors
    /// When the value cannot be read.
    pub(in crate::group) fn parse(key: ConsumerGroupKey, value: Option<&[u8]>) -> Result<ConsumerRecord, RecordError> {
        Ok(match key {
            ConsumerGroupKey::Metadata => ConsumerRecord::Epoch(value.map(GroupEpochValue::decode).transpose()?),
            ConsumerGroupKey::PartitionMetadata => ConsumerRecord::PartitionMetadata(value.is_some()),
            ConsumerGroupKey::MemberMetadata(id) => {
                ConsumerRecord::Member(id, value.map(MemberValue::decode).transpose()?)
            }
            ConsumerGroupKey::TargetAssignmentMetadata => {
                ConsumerRecord::TargetEpoch(value.map(TargetEpochValue::decode).transpose()?)
            }
            ConsumerGroupKey::TargetAssignmentMember(id) => {
                ConsumerRecord::Target(id, value.map(TargetAssignmentValue::decode).transpose()?)
            }
            ConsumerGroupKey::CurrentMemberAssignment(id) => {
                ConsumerRecord::Current(id, value.map(CurrentAssignmentValue::decode).transpose()?)
            }
            ConsumerGroupKey::RegularExpression(regex) => {
                ConsumerRecord::Regex(regex, value.map(ResolvedRegex::decode).transpose()?)
            }
        })
    }

    /// Whether the record brings a group into being that is not there.
    pub(in crate::group) fn creates(&self) -> bool {
        match self {
            ConsumerRecord::Epoch(value) => value.is_some(),
            ConsumerRecord::PartitionMetadata(there) => *there,
            ConsumerRecord::Member(_, value) => value.is_some(),
            ConsumerRecord::TargetEpoch(value) => value.is_some(),
            ConsumerRecord::Target(_, value) => value.is_some(),
            ConsumerRecord::Current(_, value) => value.is_some(),
            ConsumerRecord::Regex(_, value) => value.is_some(),
        }
    }
}
