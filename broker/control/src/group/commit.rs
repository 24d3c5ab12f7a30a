//! OffsetCommit (Kafka: OffsetMetadataManager.commitOffset, ClassicGroup.validateOffsetCommit).

use std::sync::Arc;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

use super::classic_group::ClassicGroup;
use super::command::{CommitOffsets, OffsetToCommit};
use super::config::MAX_OFFSETS_PER_GROUP;
use super::consumer::Committer;
use super::draft::{GroupDecision, answer};
use super::event::GroupEvent;
use super::heartbeat::keep_alive;
use super::machine::GroupMachine;
use super::records::{MAX_STRING_BYTES, OffsetCommitValue};
use super::reply::{GroupReply, PartitionResult};
use super::state::GroupState;
use crate::error_code::ErrorCode;
use crate::machine::ReplyTo;

impl GroupMachine {
    pub(super) fn commit_offsets(&self, now: Timestamp, commit: CommitOffsets) -> GroupDecision {
        if let Err(error) = self.check_commit(&commit) {
            return refuse_all(commit.reply_to, commit.offsets, error);
        }
        let expire = commit.retention_ms.map(|ms| now.plus_ms(ms));
        let mut decision = self.commit_each(now, &commit.group_id, commit.offsets, expire, None, commit.reply_to);
        self.keep_committing_member_alive(&mut decision, now, &commit.group_id, &commit.member_id);
        decision
    }

    /// A commit is a sign of life too, while the group is stable or preparing a rebalance.
    fn keep_committing_member_alive(
        &self,
        decision: &mut GroupDecision,
        now: Timestamp,
        group_id: &str,
        member_id: &str,
    ) {
        let Some(group) = self.groups.get(group_id) else { return };
        let Some(member) = group.members.get(member_id) else { return };
        if matches!(group.state, GroupState::Stable | GroupState::PreparingRebalance) {
            keep_alive(decision, now, group, member);
        }
    }

    fn check_commit(&self, commit: &CommitOffsets) -> Result<(), ErrorCode> {
        // Kafka takes commits (but no members) for the empty group id, as old clients know no better.
        if commit.group_id.len() > MAX_STRING_BYTES {
            return Err(ErrorCode::InvalidGroupId);
        }
        if let Some(group) = self.consumer_groups.get(&commit.group_id) {
            let committer = Committer {
                member_id: &commit.member_id,
                instance_id: commit.instance_id.as_deref(),
                epoch: commit.generation,
                transactional: false,
                knows_member_epochs: commit.knows_group_id_not_found,
            };
            return self.check_consumer_commit(group, &committer, &commit.offsets);
        }
        if self.share_groups.contains_key(&commit.group_id) {
            return Err(ErrorCode::GroupIdNotFound);
        }
        let Some(group) = self.groups.get(&commit.group_id) else {
            return match commit.generation {
                ..0 => self.check_room_for_group(),
                _ if commit.knows_group_id_not_found => Err(ErrorCode::GroupIdNotFound),
                _ => Err(ErrorCode::IllegalGeneration),
            };
        };
        // Without a generation the commit comes from an administrator or a consumer outside of group management.
        if commit.generation < 0 && group.state == GroupState::Empty {
            return Ok(());
        }
        if commit.generation < 0 && commit.member_id.is_empty() && commit.instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        check_committing_member(group, &commit.member_id, commit.instance_id.as_deref(), commit.generation)?;
        match group.state {
            // The member knows the generation from its JoinGroup answer, and will join again upon this error.
            GroupState::CompletingRebalance => Err(ErrorCode::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Commits what can be committed, and says for each partition whether it was.
    pub(super) fn commit_each(
        &self,
        now: Timestamp,
        group_id: &Arc<str>,
        offsets: Vec<OffsetToCommit>,
        expire: Option<Timestamp>,
        producer: Option<(ProducerId, ProducerEpoch)>,
        reply_to: ReplyTo,
    ) -> GroupDecision {
        let mut decision = GroupDecision::default();
        let mut results = Vec::with_capacity(offsets.len());
        let mut room = MAX_OFFSETS_PER_GROUP.saturating_sub(self.offsets.count(group_id));
        for offset in offsets {
            let error = self.check_offset(&offset, expire.is_some(), room).err().unwrap_or(ErrorCode::None);
            results.push(PartitionResult { partition: offset.partition.clone(), error });
            if error.is_ok() {
                room -= 1;
                decision.events.push(GroupEvent::OffsetCommitted {
                    group_id: group_id.clone(),
                    partition: offset.partition,
                    value: OffsetCommitValue {
                        offset: offset.offset,
                        leader_epoch: offset.leader_epoch,
                        metadata: offset.metadata.unwrap_or_else(|| Arc::from("")),
                        commit_timestamp: now,
                        expire_timestamp: expire,
                        topic_id: offset.topic_id,
                    },
                    producer,
                });
            }
        }
        decision.replies.push((reply_to, GroupReply::CommitOffsets(results)));
        decision
    }

    fn check_offset(&self, offset: &OffsetToCommit, expires: bool, room: usize) -> Result<(), ErrorCode> {
        let metadata = offset.metadata.as_deref().unwrap_or("");
        let max = usize::try_from(self.config.offset_metadata_max_bytes).unwrap_or(0);
        // Kafka counts the units of a Java string, of which there are never more than bytes.
        if metadata.len() > max && metadata.encode_utf16().count() > max {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        // The version with an expiry holds short strings only.
        if expires && metadata.len() > MAX_STRING_BYTES {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        if offset.partition.topic.len() > MAX_STRING_BYTES {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        if room == 0 { Err(ErrorCode::InvalidCommitOffsetSize) } else { Ok(()) }
    }
}

/// Checks that a commit comes from a member of the current generation.
pub(super) fn check_committing_member(
    group: &ClassicGroup,
    member_id: &str,
    instance_id: Option<&str>,
    generation: i32,
) -> Result<(), ErrorCode> {
    group.validate_member(member_id, instance_id)?;
    if generation == group.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
}

/// Refuses all partitions for the same reason.
pub(super) fn refuse_all(reply_to: ReplyTo, offsets: Vec<OffsetToCommit>, error: ErrorCode) -> GroupDecision {
    let results = offsets.into_iter().map(|o| PartitionResult { partition: o.partition, error }).collect();
    answer(reply_to, GroupReply::CommitOffsets(results))
}
