//! EndTxn from version 5 on: every end moves the epoch, and a repeated call is recognised by the epoch before it (KIP-890).
//!
//! Kafka's table (TransactionCoordinator.endTransaction), "retry" being a call with the epoch before the present one:
//!
//! | state          | abort, retry      | abort, present | commit, retry     | commit, present   |
//! |----------------|-------------------|----------------|-------------------|-------------------|
//! | Empty          | PRODUCER_FENCED   | ends           | PRODUCER_FENCED   | INVALID_TXN_STATE |
//! | CompleteAbort  | done already      | ends           | INVALID_TXN_STATE | INVALID_TXN_STATE |
//! | CompleteCommit | INVALID_TXN_STATE | ends           | done already      | INVALID_TXN_STATE |

use forebay_storage::ids::ProducerId;

use super::command::EndTxn;
use super::end_txn::Verdict;
use super::entry::TransactionEntry;
use super::state::TransactionState::{
    CompleteAbort, CompleteCommit, Dead, Empty, Ongoing, PrepareAbort, PrepareCommit, PrepareEpochFence,
};
use crate::error_code::ErrorCode;

pub(super) fn judge(entry: &TransactionEntry, command: &EndTxn) -> Verdict {
    // The call that used up the last epoch: the entry has gone on to a new producer id.
    let overflow_retry = entry.previous_producer_id == command.producer_id
        && command.producer_epoch.0 == i16::MAX - 1
        && entry.producer_epoch.0 == 0;
    let bump_retry = i32::from(entry.producer_epoch.0) == i32::from(command.producer_epoch.0) + 1;
    let present = entry.producer_epoch == command.producer_epoch;
    if entry.producer_id != command.producer_id && !overflow_retry {
        return Verdict::Refused(ErrorCode::InvalidProducerIdMapping);
    }
    let epoch_valid = match entry.state {
        Ongoing | Empty | Dead | PrepareEpochFence => present,
        PrepareCommit | PrepareAbort => bump_retry,
        CompleteCommit | CompleteAbort => bump_retry || overflow_retry || present,
    };
    if !epoch_valid {
        return Verdict::Refused(ErrorCode::ProducerFenced);
    }
    let retry = bump_retry || overflow_retry;
    match (entry.state, command.commit) {
        (Ongoing, _) => end(entry, command),
        (CompleteCommit, true) | (CompleteAbort, false) if retry => Verdict::AlreadyDone,
        // Version 2 lets a producer abort what it never began, so that a lost first append can be cleared up.
        (Empty | CompleteCommit | CompleteAbort, false) if !retry => end(entry, command),
        (PrepareCommit, true) | (PrepareAbort, false) => Verdict::Refused(ErrorCode::ConcurrentTransactions),
        (Empty | CompleteCommit | CompleteAbort | PrepareCommit | PrepareAbort, _) => {
            Verdict::Refused(ErrorCode::InvalidTxnState)
        }
        (Dead | PrepareEpochFence, _) => unreachable!("state {} is never stored", entry.state),
    }
}

fn end(entry: &TransactionEntry, command: &EndTxn) -> Verdict {
    let fresh = if entry.is_epoch_exhausted() { command.fresh_producer_id } else { ProducerId::NONE };
    Verdict::End { next_producer_id: fresh }
}
