//! What can change in a group coordinator. A change with a record is durable; the others a restart may forget.

use std::sync::Arc;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use super::consumer::{AllOverrides, ConsumerChange, ConsumerRecord, TopicsImage};
use super::member::Member;
use super::records::{
    ConsumerGroupKey, GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, Reader, RecordError,
};
use crate::machine::{Event, LogRecord, ReplyTo};
use crate::share::group::{ShareGroupChange, ShareGroupRecord};

/// A change of a [`GroupMachine`](super::GroupMachine)'s state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A group came into being, reached a stable generation, or lost its last member. A `GroupMetadata` record.
    Saved {
        /// The group.
        group_id: Arc<str>,
        /// What is known of it from now on.
        value: GroupMetadataValue,
    },
    /// A group is gone. A `GroupMetadata` tombstone.
    Removed {
        /// The group.
        group_id: Arc<str>,
    },
    /// An offset was committed, for good or, with a producer, once its transaction commits. An `OffsetCommit` record.
    OffsetCommitted {
        /// The group.
        group_id: Arc<str>,
        /// The partition.
        partition: TopicPartition,
        /// What was committed.
        value: OffsetCommitValue,
        /// Whose transaction it belongs to.
        producer: Option<(ProducerId, ProducerEpoch)>,
    },
    /// A committed offset is gone, and what open transactions would have made of it. An `OffsetCommit` tombstone.
    OffsetRemoved {
        /// The group.
        group_id: Arc<str>,
        /// The partition.
        partition: TopicPartition,
    },
    /// A transaction has ended. Its marker is in the log already.
    TransactionEnded {
        /// Whose.
        producer_id: ProducerId,
        /// Committed, not aborted.
        committed: bool,
    },
    /// Something durable changed in a consumer group. A record of its kind.
    Consumer {
        /// The group.
        group_id: Arc<str>,
        /// What.
        record: ConsumerRecord,
    },
    /// Something volatile changed in a consumer group.
    ConsumerChanged {
        /// The group.
        group_id: Arc<str>,
        /// What.
        change: ConsumerChange,
    },
    /// Something durable changed in a share group. A record of its kind.
    Share {
        /// The group.
        group_id: Arc<str>,
        /// What.
        record: ShareGroupRecord,
    },
    /// Something volatile changed in a share group.
    ShareChanged {
        /// The group.
        group_id: Arc<str>,
        /// What.
        change: ShareGroupChange,
    },
    /// The topics are others now.
    Topics(Arc<TopicsImage>),
    /// What is set on single groups is something else now.
    Overrides(Arc<AllOverrides>),
    /// Something volatile changed in a group.
    Changed {
        /// The group.
        group_id: Arc<str>,
        /// What.
        change: GroupChange,
    },
}

/// A volatile change of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// A member is new, or joins again; it waits for the answer.
    MemberJoined(Arc<Member>),
    /// A member is gone.
    MemberRemoved(Arc<str>),
    /// A static member came back under a new id.
    MemberReplaced {
        /// The id that is fenced from now on.
        old: Arc<str>,
        /// The member under its new id.
        new: Arc<Member>,
    },
    /// A member gave a sign of life.
    MemberSeen {
        /// The member.
        member_id: Arc<str>,
        /// When its session ends now.
        deadline: Timestamp,
        /// When the session timer that counts fires.
        timer_at: Option<Timestamp>,
    },
    /// A member id was given out, and its bearer is expected back (KIP-394).
    PendingAdded {
        /// The id.
        member_id: Arc<str>,
        /// Until when.
        deadline: Timestamp,
    },
    /// A member id that was given out is void.
    PendingRemoved(Arc<str>),
    /// A member joined during the delay before a first rebalance, or that was taken note of.
    NewMemberAdded(bool),
    /// Members have to join again.
    RebalanceStarted {
        /// When.
        at: Timestamp,
    },
    /// A timer for the join phase was armed; earlier ones no longer count.
    JoinTimerArmed(u64),
    /// Another member leads, as the leader did not join again.
    LeaderElected(Arc<str>),
    /// Everybody has joined; the leader's assignment is awaited.
    GenerationStarted {
        /// The generation's number.
        generation: i32,
        /// The protocol selected.
        protocol: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// A member waits for its assignment.
    SyncParked {
        /// The member.
        member_id: Arc<str>,
        /// Its request.
        reply_to: ReplyTo,
    },
    /// A member has asked for its assignment.
    SyncReceived(Arc<str>),
}

impl Event for GroupEvent {
    fn record(&self) -> Option<LogRecord> {
        match self {
            GroupEvent::Saved { group_id, value } => {
                let key = GroupMetadataKey { group_id: group_id.clone() }.encode();
                Some(LogRecord { key, value: Some(value.encode()), producer: None })
            }
            GroupEvent::Removed { group_id } => {
                let key = GroupMetadataKey { group_id: group_id.clone() }.encode();
                Some(LogRecord { key, value: None, producer: None })
            }
            GroupEvent::OffsetCommitted { group_id, partition, value, producer } => {
                let key = OffsetCommitKey { group_id: group_id.clone(), partition: partition.clone() }.encode();
                Some(LogRecord { key, value: Some(value.encode()), producer: *producer })
            }
            GroupEvent::OffsetRemoved { group_id, partition } => {
                let key = OffsetCommitKey { group_id: group_id.clone(), partition: partition.clone() }.encode();
                Some(LogRecord { key, value: None, producer: None })
            }
            GroupEvent::Consumer { group_id, record } => Some(record.encode(group_id)),
            GroupEvent::Share { group_id, record } => Some(record.encode(group_id)),
            GroupEvent::TransactionEnded { .. }
            | GroupEvent::Changed { .. }
            | GroupEvent::ConsumerChanged { .. }
            | GroupEvent::ShareChanged { .. }
            | GroupEvent::Topics(_)
            | GroupEvent::Overrides(_) => None,
        }
    }
}

impl GroupEvent {
    /// The event that a record of the log stands for, and `None` for a record of a type that is not known here (a group of
    /// another protocol, written by Apache Kafka): to be skipped, with a notice. `producer` is set for records of a transaction.
    ///
    /// # Errors
    /// When the record is of a known type and cannot be read.
    pub fn parse(
        key: &[u8],
        value: Option<&[u8]>,
        producer: Option<(ProducerId, ProducerEpoch)>,
    ) -> Result<Option<GroupEvent>, RecordError> {
        let mut reader = Reader::new("coordinator key", key);
        let key_type = reader.int16("type")?;
        match key_type {
            OffsetCommitKey::LEGACY_TYPE | OffsetCommitKey::TYPE => {
                let OffsetCommitKey { group_id, partition } = OffsetCommitKey::decode(reader.rest())?;
                Ok(Some(match value {
                    Some(value) => {
                        let value = OffsetCommitValue::decode(value)?;
                        GroupEvent::OffsetCommitted { group_id, partition, value, producer }
                    }
                    None => GroupEvent::OffsetRemoved { group_id, partition },
                }))
            }
            GroupMetadataKey::TYPE => {
                let GroupMetadataKey { group_id } = GroupMetadataKey::decode(reader.rest())?;
                Ok(Some(match value {
                    Some(value) => GroupEvent::Saved { group_id, value: GroupMetadataValue::decode(value)? },
                    None => GroupEvent::Removed { group_id },
                }))
            }
            _ => match ConsumerGroupKey::decode(key_type, reader.rest())? {
                Some((group_id, key)) => {
                    Ok(Some(GroupEvent::Consumer { group_id, record: ConsumerRecord::parse(key, value)? }))
                }
                None => {
                    let parsed = ShareGroupRecord::parse(key, value)?;
                    Ok(parsed.map(|(group_id, record)| GroupEvent::Share { group_id, record }))
                }
            },
        }
    }

    /// The event of a transaction marker that is found in the log.
    #[must_use]
    pub fn transaction_ended(producer_id: ProducerId, committed: bool) -> GroupEvent {
        GroupEvent::TransactionEnded { producer_id, committed }
    }
}
