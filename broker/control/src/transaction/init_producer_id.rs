//! InitProducerId (Kafka: TransactionCoordinator.handleInitProducerId; KIP-98, KIP-360, KIP-588).

use std::borrow::Cow;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

use super::command::{Command, InitProducerId};
use super::effect::Effect;
use super::entry::{TransactionEntry, is_epoch_exhausted, is_reserved_epoch};
use super::machine::{Decision, TransactionMachine, answered, updated};
use super::reply::Reply;
use super::state::TransactionState;
use super::transition::Fenced;
use crate::error_code::ErrorCode;

impl TransactionMachine {
    pub(super) fn init_producer_id(&self, now: Timestamp, command: InitProducerId) -> Decision {
        let entry = match self.known_or_new(now, &command) {
            Ok(entry) => entry,
            Err(error) => return answered(command.reply_to, refusal(error)),
        };
        if command.expected.is_some_and(|expected| !may_continue(&entry, expected)) {
            return answered(command.reply_to, refusal(ErrorCode::ProducerFenced));
        }
        match entry.state {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                answered(command.reply_to, refusal(ErrorCode::ConcurrentTransactions))
            }
            TransactionState::Ongoing => self.abort_then_again(now, &entry, command),
            TransactionState::Empty | TransactionState::CompleteCommit | TransactionState::CompleteAbort => {
                start(now, &entry, &command)
            }
            TransactionState::Dead | TransactionState::PrepareEpochFence => {
                unreachable!("state {} is never stored", entry.state)
            }
        }
    }

    fn known_or_new(&self, now: Timestamp, command: &InitProducerId) -> Result<Cow<'_, TransactionEntry>, ErrorCode> {
        if command.transactional_id.is_empty() || command.transactional_id.len() > i16::MAX as usize {
            return Err(ErrorCode::InvalidRequest);
        }
        if command.timeout_ms <= 0 || command.timeout_ms > self.config.max_timeout_ms {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        match self.entries.get(&command.transactional_id) {
            Some(entry) => Ok(Cow::Borrowed(entry)),
            None if self.entries.len() >= self.config.max_transactional_ids => Err(ErrorCode::PolicyViolation),
            None => Ok(Cow::Owned(TransactionEntry::new(
                command.transactional_id.clone(),
                command.fresh_producer_id,
                command.timeout_ms,
                now,
            ))),
        }
    }

    /// Shuts the present producer out and aborts its transaction. The epoch that does so is never given to anyone: the asker comes
    /// again and gets the one after it. Kafka looks at the asker's epoch only then: one that was replaced aborts its successor's
    /// transaction as well, and learns that it is fenced when it has come again (the twin's `transactions::fenced`).
    fn abort_then_again(&self, now: Timestamp, entry: &TransactionEntry, mut command: InitProducerId) -> Decision {
        let mut decision = self.fence_and_abort(now, entry);
        let replaced = command.expected.is_some_and(|(_, epoch)| epoch != entry.producer_epoch);
        if command.wait_for_abort && !replaced {
            command.wait_for_abort = false;
            decision.effects.push(Effect::Again(Box::new(Command::InitProducerId(command))));
        } else {
            decision.replies.push((command.reply_to, refusal(ErrorCode::ConcurrentTransactions)));
        }
        decision
    }
}

/// Whether a producer that names itself may go on: it is the present one (its epoch is checked later), or it repeats a call that
/// gave it a new id because its epochs were used up, or nothing is known of the id (KIP-360).
fn may_continue(entry: &TransactionEntry, (id, epoch): (ProducerId, ProducerEpoch)) -> bool {
    if is_reserved_epoch(epoch) {
        return false;
    }
    entry.producer_epoch == ProducerEpoch::NONE
        || id == entry.producer_id
        || (id == entry.previous_producer_id && is_epoch_exhausted(epoch))
}

fn start(now: Timestamp, entry: &TransactionEntry, command: &InitProducerId) -> Decision {
    let expected = command.expected.map(|(_, epoch)| epoch);
    let next = if entry.is_epoch_exhausted() && expected.is_none_or(|epoch| epoch == entry.producer_epoch) {
        Ok(entry.rotate_producer_id(command.fresh_producer_id, command.timeout_ms, now, expected.is_some()))
    } else if entry.is_epoch_exhausted() {
        Err(Fenced)
    } else {
        entry.increment_epoch(command.timeout_ms, expected, now)
    };
    match next {
        Ok(next) => {
            let reply = Reply::InitProducerId {
                error: ErrorCode::None,
                producer_id: next.producer_id,
                producer_epoch: next.producer_epoch,
            };
            let mut decision = updated(next);
            decision.replies.push((command.reply_to, reply));
            decision
        }
        Err(Fenced) => answered(command.reply_to, refusal(ErrorCode::ProducerFenced)),
    }
}

fn refusal(error: ErrorCode) -> Reply {
    Reply::InitProducerId { error, producer_id: ProducerId::NONE, producer_epoch: ProducerEpoch::NONE }
}
