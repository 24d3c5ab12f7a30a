//! The one runtime of every state machine: decide, append, apply, reply.
//!
//! A shard is one machine and the log partition that holds its records. Commands run one after the other under the shard's
//! lock; nothing in it waits.

use std::sync::Arc;

use bytes::Bytes;
use forebay_control::machine::{Decision, Event, LogRecord, Machine, ReplyTo};
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};
use forebay_storage::log::AppendError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::timers::Timers;
use crate::clock;
use crate::partition::Partition;
use crate::pending::Pending;

/// What the shards of one coordinator share.
pub struct Shared<M: Machine> {
    /// Askers that wait for a reply.
    pub pending: Pending<M::Reply>,
    /// Timers of all shards.
    pub timers: Timers<M::Timer>,
}

impl<M: Machine> Default for Shared<M> {
    fn default() -> Self {
        Shared { pending: Pending::default(), timers: Timers::default() }
    }
}

/// A machine and its log partition.
pub struct Shard<M: Machine> {
    number: usize,
    machine: Mutex<M>,
    partition: Arc<Partition>,
    shared: Arc<Shared<M>>,
}

type DecisionOf<M> =
    Decision<<M as Machine>::Event, <M as Machine>::Reply, <M as Machine>::Timer, <M as Machine>::Effect>;

impl<M: Machine> Shard<M> {
    /// A shard whose machine has replayed `partition` already.
    pub fn new(number: usize, machine: M, partition: Arc<Partition>, shared: Arc<Shared<M>>) -> Shard<M> {
        Shard { number, machine: Mutex::new(machine), partition, shared }
    }

    /// The log partition behind the machine.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Looks at the machine's state.
    pub fn query<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        look(&self.machine.lock())
    }

    /// Runs a command to its end. Nothing has changed when the append fails.
    pub fn run(&self, command: M::Command) -> Result<Vec<M::Effect>, AppendError> {
        self.run_after(|| Ok(()), command)
    }

    /// Like [`Shard::run`], with `first` done under the same lock before the decision.
    pub fn run_after(
        &self,
        first: impl FnOnce() -> Result<(), AppendError>,
        command: M::Command,
    ) -> Result<Vec<M::Effect>, AppendError> {
        let mut machine = self.machine.lock();
        first()?;
        let now = clock::now();
        let decision = machine.decide(now, command);
        self.settle(&mut machine, now, decision)
    }

    /// Runs what the machine wants to do right after its replay.
    pub fn settle_loaded(&self, decide: impl FnOnce(&M) -> DecisionOf<M>) -> Result<Vec<M::Effect>, AppendError> {
        let mut machine = self.machine.lock();
        let decision = decide(&machine);
        self.settle(&mut machine, clock::now(), decision)
    }

    /// Runs a command that is answered, now or later. An error means that the log could not be written.
    pub async fn ask(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
        effects: impl FnOnce(Vec<M::Effect>),
    ) -> Result<M::Reply, Unavailable> {
        self.start(command, effects)?.await.map_err(|_| Unavailable)
    }

    /// Like [`Shard::ask`], for commands that are answered in the same step.
    pub fn ask_now(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
        effects: impl FnOnce(Vec<M::Effect>),
    ) -> Result<M::Reply, Unavailable> {
        self.start(command, effects)?.try_recv().map_err(|_| Unavailable)
    }

    fn start(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
        effects: impl FnOnce(Vec<M::Effect>),
    ) -> Result<oneshot::Receiver<M::Reply>, Unavailable> {
        let (reply_to, reply) = self.shared.pending.park();
        match self.run(command(reply_to)) {
            Ok(wanted) => effects(wanted),
            Err(error) => {
                self.shared.pending.forget(reply_to);
                tracing::error!(partition = %self.partition.name(), "cannot write a coordinator's log: {error}");
                return Err(Unavailable);
            }
        }
        Ok(reply)
    }

    fn settle(&self, machine: &mut M, now: Timestamp, decision: DecisionOf<M>) -> Result<Vec<M::Effect>, AppendError> {
        for (producer, batch) in batches(now, decision.events.iter().filter_map(Event::record)) {
            self.partition.append_internal(batch, producer.is_some())?;
        }
        for event in decision.events {
            machine.apply(event);
        }
        for (to, reply) in decision.replies {
            self.shared.pending.answer(to, reply);
        }
        self.shared.timers.arm(self.number, decision.timers);
        Ok(decision.effects)
    }
}

/// The coordinator's log could not be written, or the coordinator stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator's log is not available")]
pub struct Unavailable;

/// A batch is closed when it has grown to this; far below `max.message.bytes`, and one record more still fits.
const LARGEST_BATCH_BYTES: usize = 256 * 1024;

/// One batch for each run of records of one producer, or several if it is long.
fn batches(
    now: Timestamp,
    records: impl Iterator<Item = LogRecord>,
) -> Vec<(Option<(ProducerId, ProducerEpoch)>, Bytes)> {
    let mut done = Vec::new();
    let mut open: Option<(Option<(ProducerId, ProducerEpoch)>, BatchBuilder)> = None;
    for record in records {
        if open.as_ref().is_some_and(|(producer, builder)| {
            *producer != record.producer || builder.size_in_bytes() > LARGEST_BATCH_BYTES
        }) {
            done.extend(open.take().map(finish));
        }
        let (_, builder) = open.get_or_insert_with(|| (record.producer, BatchBuilder::new(Compression::None)));
        // Kafka's metadata log has records without a key; machines hand those over with an empty one.
        let key = if record.key.is_empty() { None } else { Some(record.key.as_ref()) };
        builder.push(now, key, record.value.as_deref(), &[]);
    }
    done.extend(open.map(finish));
    done
}

fn finish(
    (producer, builder): (Option<(ProducerId, ProducerEpoch)>, BatchBuilder),
) -> (Option<(ProducerId, ProducerEpoch)>, Bytes) {
    let mut stamp = BatchStamp::default();
    if let Some((id, epoch)) = producer {
        stamp.producer_id = id;
        stamp.producer_epoch = epoch;
        stamp.transactional = true;
    }
    (producer, builder.finish(&stamp))
}
