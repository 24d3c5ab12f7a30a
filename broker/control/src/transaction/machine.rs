//! The machine of one partition of `__transaction_state`: hands each command to the file that knows its rules.

use std::collections::BTreeMap;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

use super::command::{Command, MarkersWritten};
use super::config::TransactionConfig;
use super::effect::Effect;
use super::entry::{TransactionEntry, is_reserved_epoch};
use super::event::Event;
use super::reply::Reply;
use super::state::TransactionState;
use super::timer::Timer;
use crate::error_code::ErrorCode;
use crate::machine::{Machine, ReplyTo};

/// A decision of this machine.
pub type Decision = crate::machine::Decision<Event, Reply, Timer, Effect>;

/// The coordinator of the transactional ids of one partition of `__transaction_state`.
///
/// The runtime appends and applies a decision's events before it decides the next command, so there is no pending state as in Kafka's
/// coordinator: an append that fails leaves nothing behind.
#[derive(Clone, Debug)]
pub struct TransactionMachine {
    pub(super) config: TransactionConfig,
    pub(super) coordinator_epoch: i32,
    pub(super) entries: BTreeMap<String, TransactionEntry>,
}

impl TransactionMachine {
    /// An empty machine, to be filled by replay. `coordinator_epoch` is the leader epoch of its log partition.
    #[must_use]
    pub fn new(config: TransactionConfig, coordinator_epoch: i32) -> TransactionMachine {
        TransactionMachine { config, coordinator_epoch, entries: BTreeMap::new() }
    }

    /// What to do once the log is replayed: arm the timers and finish what was decided before the restart. The decision has no events.
    #[must_use]
    pub fn on_loaded(&self, now: Timestamp) -> Decision {
        let mut decision = Decision::default();
        for entry in self.entries.values() {
            if entry.state.is_prepared() {
                decision.effects.push(Effect::WriteMarkers(entry.markers(self.coordinator_epoch)));
            }
            decision.timers.extend(entry.timeout());
        }
        decision.timers.push((now.plus_ms(self.config.expired_cleanup_interval_ms), Timer::ExpireIds));
        decision
    }

    /// The entry of a transactional id.
    #[must_use]
    pub fn entry(&self, transactional_id: &str) -> Option<&TransactionEntry> {
        self.entries.get(transactional_id)
    }

    /// How many transactional ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no transactional id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry, if `producer_id` is its producer; what AddPartitionsToTxn, AddOffsetsToTxn and the verification check first.
    pub(super) fn entry_of(
        &self,
        transactional_id: &str,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
    ) -> Result<&TransactionEntry, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        match self.entries.get(transactional_id) {
            Some(entry) if entry.producer_id != producer_id => Err(ErrorCode::InvalidProducerIdMapping),
            Some(entry) if entry.producer_epoch != producer_epoch => Err(ErrorCode::ProducerFenced),
            Some(_) if is_reserved_epoch(producer_epoch) => Err(ErrorCode::ProducerFenced),
            Some(entry) if entry.state.is_prepared() => Err(ErrorCode::ConcurrentTransactions),
            Some(entry) => Ok(entry),
            None => Err(ErrorCode::InvalidProducerIdMapping),
        }
    }

    fn markers_written(&self, now: Timestamp, done: &MarkersWritten) -> Decision {
        match self.entries.get(&done.transactional_id) {
            Some(entry)
                if entry.state.is_prepared()
                    && entry.producer_id == done.producer_id
                    && entry.producer_epoch == done.producer_epoch =>
            {
                updated(entry.complete(now))
            }
            // Written twice, after a restart for example.
            _ => Decision::default(),
        }
    }
}

/// A decision that stores an entry and does nothing else.
pub(super) fn updated(entry: TransactionEntry) -> Decision {
    Decision { events: vec![Event::Updated(Box::new(entry))], ..Decision::default() }
}

/// A decision that answers and does nothing else.
pub(super) fn answered(reply_to: ReplyTo, reply: Reply) -> Decision {
    Decision { replies: vec![(reply_to, reply)], ..Decision::default() }
}

impl Machine for TransactionMachine {
    type Command = Command;
    type Event = Event;
    type Reply = Reply;
    type Timer = Timer;
    type Effect = Effect;

    fn decide(&self, now: Timestamp, command: Command) -> Decision {
        match command {
            Command::InitProducerId(command) => self.init_producer_id(now, command),
            Command::AddPartitions(command) => self.add_partitions(now, command),
            Command::AddOffsets(command) => self.add_offsets(now, command),
            Command::EndTxn(command) => self.end_txn(now, command),
            Command::MarkersWritten(done) => self.markers_written(now, &done),
            Command::Timer(timer) => self.timer(now, timer),
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Updated(entry) => {
                debug_assert!(!matches!(entry.state, TransactionState::Dead | TransactionState::PrepareEpochFence));
                self.entries.insert(entry.transactional_id.clone(), *entry);
            }
            Event::Forgotten(transactional_id) => {
                self.entries.remove(&transactional_id);
            }
        }
    }

    fn timer_command(timer: Timer) -> Command {
        Command::Timer(timer)
    }
}
