//! What time does: aborts transactions that are open too long, forgets transactional ids that are not used.
//! (Kafka: TransactionCoordinator.abortTimedOutTransactions, TransactionStateManager.removeExpiredTransactionalIds.)

use forebay_storage::ids::Timestamp;

use super::entry::TransactionEntry;
use super::event::Event;
use super::machine::{Decision, TransactionMachine};
use super::state::TransactionState;
use super::timer::Timer;

impl TransactionMachine {
    pub(super) fn timer(&self, now: Timestamp, timer: Timer) -> Decision {
        match timer {
            Timer::ExpireIds => self.expire_ids(now),
            Timer::Timeout { transactional_id, producer_id, producer_epoch, started } => {
                let same = |entry: &&TransactionEntry| {
                    entry.state == TransactionState::Ongoing
                        && entry.producer_id == producer_id
                        && entry.producer_epoch == producer_epoch
                        && entry.started == started
                };
                match self.entries.get(&transactional_id).filter(same) {
                    Some(entry) => self.time_out(now, entry),
                    None => Decision::default(),
                }
            }
        }
    }

    fn time_out(&self, now: Timestamp, entry: &TransactionEntry) -> Decision {
        match entry.timeout() {
            // Came early, after a step of the clock for example.
            Some((at, timer)) if now < at => Decision { timers: vec![(at, timer)], ..Decision::default() },
            Some(_) => self.fence_and_abort(now, entry),
            None => Decision::default(),
        }
    }

    fn expire_ids(&self, now: Timestamp) -> Decision {
        let limit = now.plus_ms(-self.config.id_expiration_ms);
        let expired = |entry: &&TransactionEntry| entry.state.is_expirable() && entry.last_update <= limit;
        let events = self.entries.values().filter(expired).map(|e| Event::Forgotten(e.transactional_id.clone()));
        Decision {
            events: events.collect(),
            timers: vec![(now.plus_ms(self.config.expired_cleanup_interval_ms), Timer::ExpireIds)],
            ..Decision::default()
        }
    }
}
