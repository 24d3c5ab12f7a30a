//! EndTxn: what both versions share, and the abort that shuts a producer out (Kafka: TransactionCoordinator.endTransaction).

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

use super::command::EndTxn;
use super::effect::Effect;
use super::entry::{TransactionEntry, is_reserved_epoch};
use super::machine::{Decision, TransactionMachine, answered, updated};
use super::reply::Reply;
use super::version::TransactionVersion;
use crate::error_code::ErrorCode;

/// What EndTxn comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// End the transaction; with a fresh producer id when the epochs are used up.
    End {
        /// The producer id that takes over, or -1.
        next_producer_id: ProducerId,
    },
    /// It is ended already: the same answer again.
    AlreadyDone,
    /// Refused.
    Refused(ErrorCode),
}

impl TransactionMachine {
    pub(super) fn end_txn(&self, now: Timestamp, command: EndTxn) -> Decision {
        if command.transactional_id.is_empty() {
            return answered(command.reply_to, refusal(ErrorCode::InvalidRequest));
        }
        let Some(entry) = self.entries.get(&command.transactional_id) else {
            return answered(command.reply_to, refusal(ErrorCode::InvalidProducerIdMapping));
        };
        if is_reserved_epoch(command.producer_epoch) {
            return answered(command.reply_to, refusal(ErrorCode::ProducerFenced));
        }
        let version2 = command.client_version.bumps_epoch();
        let verdict = if version2 {
            super::end_txn_v2::judge(entry, &command)
        } else {
            super::end_txn_v1::judge(entry, &command)
        };
        match verdict {
            Verdict::End { next_producer_id } => {
                let prepared = entry.prepare_end(command.commit, command.client_version, next_producer_id, now);
                // The client sees what the completion makes of it: after the last epoch comes the next id with epoch 0.
                let reply = success(&prepared.complete(now), version2);
                let mut decision = self.prepared(prepared);
                decision.replies.push((command.reply_to, reply));
                decision
            }
            Verdict::AlreadyDone => answered(command.reply_to, success(entry, version2)),
            Verdict::Refused(error) => answered(command.reply_to, refusal(error)),
        }
    }

    /// Aborts the open transaction: for a newer producer, or when its time is over. The broker itself ends with its own version, and
    /// the epoch that this moves shuts the old producer out. The epoch before it stays known, so that a producer whose time was over
    /// may repeat its end or go on (Kafka: abortTimedOutTransactions, handleInitProducerId; the twin's `times_out` and `zombies`).
    pub(super) fn fence_and_abort(&self, now: Timestamp, entry: &TransactionEntry) -> Decision {
        self.prepared(entry.prepare_end(false, TransactionVersion::SERVER, ProducerId::NONE, now))
    }

    fn prepared(&self, prepared: TransactionEntry) -> Decision {
        let markers = prepared.markers(self.coordinator_epoch);
        let mut decision = updated(prepared);
        decision.effects.push(Effect::WriteMarkers(markers));
        decision
    }
}

fn success(entry: &TransactionEntry, version2: bool) -> Reply {
    let (producer_id, producer_epoch) =
        if version2 { (entry.producer_id, entry.producer_epoch) } else { (ProducerId::NONE, ProducerEpoch::NONE) };
    Reply::EndTxn { error: ErrorCode::None, producer_id, producer_epoch }
}

fn refusal(error: ErrorCode) -> Reply {
    Reply::EndTxn { error, producer_id: ProducerId::NONE, producer_epoch: ProducerEpoch::NONE }
}
