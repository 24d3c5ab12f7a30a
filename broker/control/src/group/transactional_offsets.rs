//! TxnOffsetCommit and the end of transactions (Kafka: OffsetMetadataManager.commitTransactionalOffset, replayEndTransactionMarker).

use forebay_storage::ids::{Timestamp, TopicId};

use super::command::{CommitTransactionalOffsets, TransactionMarker};
use super::commit::{check_committing_member, refuse_all};
use super::consumer::Committer;
use super::draft::GroupDecision;
use super::event::GroupEvent;
use super::machine::GroupMachine;
use super::state::GroupState;
use crate::error_code::ErrorCode;

impl GroupMachine {
    pub(super) fn commit_transactional_offsets(
        &self,
        now: Timestamp,
        mut commit: CommitTransactionalOffsets,
    ) -> GroupDecision {
        if let Err(error) = self.check_transactional_commit(&commit) {
            return refuse_all(commit.reply_to, commit.offsets, error);
        }
        // Kafka stores no topic id with the offsets of transactions.
        for offset in &mut commit.offsets {
            offset.topic_id = TopicId::ZERO;
        }
        let producer = Some((commit.producer_id, commit.producer_epoch));
        self.commit_each(now, &commit.group_id, commit.offsets, None, producer, commit.reply_to)
    }

    fn check_transactional_commit(&self, commit: &CommitTransactionalOffsets) -> Result<(), ErrorCode> {
        self.check_group_id(&commit.group_id)?;
        if let Some(group) = self.consumer_groups.get(&commit.group_id) {
            let committer = Committer {
                member_id: &commit.member_id,
                instance_id: commit.instance_id.as_deref(),
                epoch: commit.generation,
                transactional: true,
                knows_member_epochs: true,
            };
            return self.check_consumer_commit(group, &committer, &commit.offsets);
        }
        if self.share_groups.contains_key(&commit.group_id) {
            return Err(ErrorCode::GroupIdNotFound);
        }
        let Some(group) = self.groups.get(&commit.group_id) else {
            return if commit.generation < 0 { self.check_room_for_group() } else { Err(ErrorCode::IllegalGeneration) };
        };
        if commit.generation < 0 && group.state == GroupState::Empty {
            return Ok(());
        }
        // Older clients name neither member nor generation (before KIP-447); their producer's epoch fences them.
        if commit.generation < 0 && commit.member_id.is_empty() && commit.instance_id.is_none() {
            return Ok(());
        }
        check_committing_member(group, &commit.member_id, commit.instance_id.as_deref(), commit.generation)
    }

    pub(super) fn end_transaction(marker: TransactionMarker) -> GroupDecision {
        let event = GroupEvent::transaction_ended(marker.producer_id, marker.committed);
        GroupDecision { events: vec![event], ..GroupDecision::default() }
    }
}
