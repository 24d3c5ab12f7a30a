//! EndTxn below version 5: the epoch stays, and a repeated call is recognised by the state (Kafka: endTransactionWithTV1).

use forebay_storage::ids::ProducerId;

use super::command::EndTxn;
use super::end_txn::Verdict;
use super::entry::TransactionEntry;
use super::state::TransactionState::{
    CompleteAbort, CompleteCommit, Dead, Empty, Ongoing, PrepareAbort, PrepareCommit, PrepareEpochFence,
};
use crate::error_code::ErrorCode;

pub(super) fn judge(entry: &TransactionEntry, command: &EndTxn) -> Verdict {
    if entry.producer_id != command.producer_id {
        return Verdict::Refused(ErrorCode::InvalidProducerIdMapping);
    }
    if entry.producer_epoch != command.producer_epoch {
        return Verdict::Refused(ErrorCode::ProducerFenced);
    }
    match (entry.state, command.commit) {
        (Ongoing, _) => Verdict::End { next_producer_id: ProducerId::NONE },
        (CompleteCommit, true) | (CompleteAbort, false) => Verdict::AlreadyDone,
        (PrepareCommit, true) | (PrepareAbort, false) => Verdict::Refused(ErrorCode::ConcurrentTransactions),
        (Empty | CompleteCommit | CompleteAbort | PrepareCommit | PrepareAbort, _) => {
            Verdict::Refused(ErrorCode::InvalidTxnState)
        }
        (Dead | PrepareEpochFence, _) => unreachable!("state {} is never stored", entry.state),
    }
}
