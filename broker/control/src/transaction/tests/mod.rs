//! Scenarios of the transaction coordinator in virtual time: a small runtime with a log, a clock and timers.

mod adding;
mod ending;
mod ending_v2;
mod initialising;
mod loading;
mod properties;
mod time;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use super::command::{AddOffsets, AddPartitions, EndTxn, InitProducerId};
use super::*;
use crate::error_code::ErrorCode;
use crate::machine::{Event as _, LogRecord, Machine, ReplyTo};

const TX: &str = "tx";
const V0: TransactionVersion = TransactionVersion::V0;
const V2: TransactionVersion = TransactionVersion::V2;

/// The runtime of one machine.
struct World {
    machine: TransactionMachine,
    now: Timestamp,
    log: Vec<LogRecord>,
    timers: Vec<(Timestamp, Timer)>,
    /// Markers that were asked for; written at once unless `hold_markers`.
    markers: Vec<WriteMarkers>,
    hold_markers: bool,
    next_fresh: i64,
}

impl World {
    fn new() -> World {
        World::with_config(TransactionConfig::default())
    }

    fn with_config(config: TransactionConfig) -> World {
        World {
            machine: TransactionMachine::new(config, 4),
            now: Timestamp(1_000_000),
            log: Vec::new(),
            timers: Vec::new(),
            markers: Vec::new(),
            hold_markers: false,
            next_fresh: 100,
        }
    }

    fn fresh(&mut self) -> ProducerId {
        self.next_fresh += 1;
        ProducerId(self.next_fresh)
    }

    /// Decides, appends, applies, then does the effects, as the broker's runtime does.
    fn run(&mut self, command: Command) -> Option<Reply> {
        let decision = self.machine.decide(self.now, command);
        self.carry_out(decision)
    }

    fn carry_out(&mut self, decision: Decision) -> Option<Reply> {
        for event in decision.events {
            self.log.push(event.record().unwrap());
            self.machine.apply(event);
        }
        assert!(decision.replies.len() <= 1);
        let mut reply = decision.replies.into_iter().next().map(|(_, reply)| reply);
        self.timers.extend(decision.timers);
        for effect in decision.effects {
            match effect {
                Effect::WriteMarkers(markers) => {
                    self.markers.push(markers.clone());
                    if !self.hold_markers {
                        assert_eq!(self.run(markers.written()), None);
                    }
                }
                Effect::Again(command) => {
                    let again = self.run(*command);
                    assert!(reply.is_none(), "a command is answered once");
                    reply = again;
                }
            }
        }
        reply
    }

    /// Writes the markers that were held back.
    fn release_markers(&mut self) {
        self.hold_markers = false;
        let last = self.markers.last().unwrap().written();
        self.run(last);
    }

    /// Moves the clock, firing what falls due.
    fn advance(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        loop {
            self.timers.sort_by_key(|(at, _)| *at);
            match self.timers.first() {
                Some((at, _)) if *at <= until => {
                    let (at, timer) = self.timers.remove(0);
                    self.now = self.now.max(at);
                    assert_eq!(self.run(TransactionMachine::timer_command(timer)), None);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn init_as(&mut self, expected: Option<(i64, i16)>, wait_for_abort: bool) -> (ErrorCode, i64, i16) {
        let fresh_producer_id = self.fresh();
        let command = Command::InitProducerId(InitProducerId {
            reply_to: ReplyTo(1),
            transactional_id: TX.into(),
            timeout_ms: 60_000,
            expected: expected.map(|(id, epoch)| (ProducerId(id), ProducerEpoch(epoch))),
            fresh_producer_id,
            wait_for_abort,
        });
        match self.run(command) {
            Some(Reply::InitProducerId { error, producer_id, producer_epoch }) => {
                (error, producer_id.0, producer_epoch.0)
            }
            other => panic!("{other:?}"),
        }
    }

    fn init(&mut self) -> (i64, i16) {
        let (error, id, epoch) = self.init_as(None, true);
        assert_eq!(error, ErrorCode::None);
        (id, epoch)
    }

    fn add(&mut self, id: i64, epoch: i16, partitions: &[i32], client_version: TransactionVersion) -> ErrorCode {
        let command = Command::AddPartitions(AddPartitions {
            reply_to: ReplyTo(2),
            transactional_id: TX.into(),
            producer_id: ProducerId(id),
            producer_epoch: ProducerEpoch(epoch),
            partitions: partitions.iter().map(|p| TopicPartition::new("t", *p)).collect(),
            client_version,
        });
        match self.run(command) {
            Some(Reply::AddPartitions { error }) => error,
            other => panic!("{other:?}"),
        }
    }

    fn add_offsets(&mut self, id: i64, epoch: i16, offsets_partition: i32) -> ErrorCode {
        let command = Command::AddOffsets(AddOffsets {
            reply_to: ReplyTo(2),
            transactional_id: TX.into(),
            producer_id: ProducerId(id),
            producer_epoch: ProducerEpoch(epoch),
            offsets_partition,
        });
        match self.run(command) {
            Some(Reply::AddPartitions { error }) => error,
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self, id: i64, epoch: i16, commit: bool, client_version: TransactionVersion) -> (ErrorCode, i64, i16) {
        let fresh_producer_id = self.fresh();
        let command = Command::EndTxn(EndTxn {
            reply_to: ReplyTo(3),
            transactional_id: TX.into(),
            producer_id: ProducerId(id),
            producer_epoch: ProducerEpoch(epoch),
            commit,
            client_version,
            fresh_producer_id,
        });
        match self.run(command) {
            Some(Reply::EndTxn { error, producer_id, producer_epoch }) => (error, producer_id.0, producer_epoch.0),
            other => panic!("{other:?}"),
        }
    }

    fn state(&self) -> TransactionState {
        self.machine.entry(TX).unwrap().state
    }

    /// Puts the id at an epoch, as if it had been used for long.
    fn force_epoch(&mut self, epoch: i16) {
        let mut entry = self.machine.entry(TX).unwrap().clone();
        entry.producer_epoch = ProducerEpoch(epoch);
        self.machine.apply(Event::Updated(Box::new(entry)));
    }

    /// A machine made of the log alone.
    fn replayed(&self) -> TransactionMachine {
        let mut machine = TransactionMachine::new(self.machine.config.clone(), 5);
        for record in &self.log {
            machine.apply(Event::from_record(&record.key, record.value.as_deref()).unwrap());
        }
        machine
    }
}
