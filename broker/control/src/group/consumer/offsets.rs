//! Who may commit and fetch the offsets of a consumer group (Kafka: ConsumerGroup.validateOffsetCommit, validateOffsetFetch).

use std::sync::Arc;

use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use crate::error_code::ErrorCode;
use crate::group::command::OffsetToCommit;
use crate::group::machine::GroupMachine;

/// Who commits.
pub(in crate::group) struct Committer<'a> {
    pub(in crate::group) member_id: &'a str,
    pub(in crate::group) instance_id: Option<&'a str>,
    pub(in crate::group) epoch: i32,
    /// Whether the commit belongs to a transaction.
    pub(in crate::group) transactional: bool,
    /// Whether the request is OffsetCommit of version 9 or later.
    pub(in crate::group) knows_member_epochs: bool,
}

impl GroupMachine {
    /// Checks a commit of all these offsets. A member that is behind may commit what it got before it fell behind (KIP-1251).
    pub(in crate::group) fn check_consumer_commit(
        &self,
        group: &ConsumerGroup,
        committer: &Committer<'_>,
        offsets: &[OffsetToCommit],
    ) -> Result<(), ErrorCode> {
        if committer.epoch < 0 && group.is_empty() {
            return Ok(());
        }
        let anonymous = committer.epoch == -1 && committer.member_id.is_empty() && committer.instance_id.is_none();
        if committer.transactional && anonymous {
            return Ok(());
        }
        let member = group.members.get(committer.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        if !committer.transactional && !member.uses_classic_protocol() && !committer.knows_member_epochs {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if committer.epoch == member.epoch {
            return Ok(());
        }
        let stale = stale(member, committer.transactional);
        if committer.epoch > member.epoch || !offsets.iter().all(|o| self.got_before(member, o, committer.epoch)) {
            return Err(stale);
        }
        Ok(())
    }

    fn got_before(&self, member: &Arc<ConsumerMember>, offset: &OffsetToCommit, epoch: i32) -> bool {
        let by_name = || self.topics.by_name(&offset.partition.topic).map(|topic| topic.id());
        let id = Some(offset.topic_id).filter(|id| *id != forebay_storage::ids::TopicId::ZERO).or_else(by_name);
        id.and_then(|id| member.assignment_epoch(id, offset.partition.partition)).is_some_and(|since| epoch >= since)
    }

    /// Checks who fetches offsets of a group: pass what OffsetFetch has from version 9 on, `None` and -1 before. Groups that are not of
    /// the consumer protocol let everybody.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, and STALE_MEMBER_EPOCH or for classic members ILLEGAL_GENERATION.
    pub fn check_offset_fetch(&self, group_id: &str, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(group) = self.consumer_groups.get(group_id) else { return Ok(()) };
        if member_id.is_none() && epoch < 0 {
            return Ok(());
        }
        let member = group.members.get(member_id.unwrap_or("")).ok_or(ErrorCode::UnknownMemberId)?;
        if epoch == member.epoch { Ok(()) } else { Err(stale(member, false)) }
    }
}

/// Clients of the classic protocol and of transactions do not know of member epochs.
fn stale(member: &ConsumerMember, transactional: bool) -> ErrorCode {
    if member.uses_classic_protocol() || transactional {
        ErrorCode::IllegalGeneration
    } else {
        ErrorCode::StaleMemberEpoch
    }
}
