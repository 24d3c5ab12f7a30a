//! The one runtime of every state machine: decide, append, apply, reply.
//!
//! A shard is one machine and the log partition that holds its records. Commands run one after the other under the shard's
//! lock; nothing in it waits. Where the log is synced before acknowledgement (`flush.messages`), whatever a machine says of its state
//! leaves the shard only when all that the state was made from is on disk.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use forebay_control::machine::{Decision, Event, LogRecord, Machine, ReplyTo};
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, Timestamp};
use forebay_storage::log::AppendError;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::places::Place;
use super::timers::Timers;
use crate::clock;
use crate::partition::Partition;
use crate::pending::{Pending, block_on};

/// A timer that came while the log could not be written comes again after so many milliseconds.
const TIMER_AGAIN_MS: i64 = 5000;

/// What the shards of one coordinator share.
pub struct Shared<M: Machine> {
    /// Askers that wait for a reply.
    pub pending: Arc<Pending<M::Reply>>,
    /// Timers of all shards.
    pub timers: Timers<M::Timer>,
}

impl<M: Machine> Default for Shared<M> {
    fn default() -> Self {
        Shared { pending: Arc::default(), timers: Timers::default() }
    }
}

impl<M: Machine> Place for Shard<M> {
    fn partition(&self) -> &Arc<Partition> {
        &self.partition
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

/// Timers of a machine, each with when it is due.
pub(super) type TimersOf<M> = Vec<(Timestamp, <M as Machine>::Timer)>;

/// What a command of a machine has led to, or why its log cannot be written.
pub(super) type Outcome<M> = Result<Ran<<M as Machine>::Effect>, AppendError>;

/// What a command has led to. What stands here is to be used when everything before `end` is committed.
#[derive(Debug)]
pub struct Ran<X> {
    /// Work that follows.
    pub effects: Vec<X>,
    /// The end of the shard's log.
    pub end: Offset,
}

/// A command that is answered, now or later.
#[derive(Debug)]
pub struct Begun<R, X> {
    /// What it has led to.
    pub ran: Ran<X>,
    reply: oneshot::Receiver<R>,
}

impl<R, X> Begun<R, X> {
    /// The reply.
    pub async fn reply(self) -> Result<R, Unavailable> {
        self.reply.await.map_err(|_| Unavailable)
    }
}

impl<M: Machine> Shard<M>
where
    M::Reply: Send + 'static,
{
    /// A shard whose machine has replayed `partition` already.
    pub fn new(number: usize, machine: M, partition: Arc<Partition>, shared: Arc<Shared<M>>) -> Shard<M> {
        Shard { number, machine: Mutex::new(machine), partition, shared }
    }

    /// The log partition behind the machine.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Looks at the machine's state as it is, on disk or not.
    pub fn query<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        look(&self.machine.lock())
    }

    /// Looks at the machine's state, and tells what was seen when it is committed.
    pub async fn read<R>(&self, look: impl FnOnce(&M) -> R) -> Result<R, Unavailable> {
        let (seen, end) = {
            let machine = self.machine.lock();
            (look(&machine), self.partition.log_end())
        };
        self.committed(end).await?;
        Ok(seen)
    }

    /// Waits until everything before `end` is committed.
    pub async fn committed(&self, end: Offset) -> Result<(), Unavailable> {
        self.partition.committed(end).await.map_err(|_| Unavailable)
    }

    /// Runs a command to its end. Nothing has changed when the append fails.
    pub fn run(&self, command: M::Command) -> Outcome<M> {
        self.run_after(|| Ok(()), command)
    }

    /// Like [`Shard::run`], with `first` done under the same lock before the decision.
    pub fn run_after(&self, first: impl FnOnce() -> Result<(), AppendError>, command: M::Command) -> Outcome<M> {
        let mut machine = self.machine.lock();
        self.check_online()?;
        first()?;
        let now = clock::now();
        let decision = machine.decide(now, command);
        self.settle(&mut machine, now, decision)
    }

    /// Runs what a timer asks for. One that comes while the log cannot be written comes again: what it would have done is not left undone
    /// for that. `None` then, or where the log is offline.
    pub fn fire(&self, timer: M::Timer) -> Option<Ran<M::Effect>> {
        let error = match self.run(M::timer_command(timer.clone())) {
            Ok(ran) => return Some(ran),
            Err(_) if self.partition.is_offline() => return None,
            Err(error) => error,
        };
        if matches!(error, AppendError::Storage(_)) {
            self.arm(vec![(clock::now().plus_ms(TIMER_AGAIN_MS), timer)]);
        }
        if !is_spoken_of(&error) {
            tracing::error!(partition = %self.partition.name(), "a timer of a coordinator failed: {error}");
        }
        None
    }

    /// Gives up who waits for a reply that nobody will give.
    pub fn abandon(&self, reply_to: ReplyTo) {
        self.shared.pending.forget(reply_to);
    }

    /// What the machine knows may be more than the disk does, once that has failed.
    fn check_online(&self) -> Result<(), AppendError> {
        if self.partition.is_offline() {
            let path = self.partition.dir().path().join(self.partition.name().to_string());
            return Err(StorageError::Broken { path }.into());
        }
        Ok(())
    }

    /// Runs what the machine wants to do right after its replay. Its timers are for [`Shard::arm`], also if it cannot write now, when the
    /// shard can be found by those who fire them.
    pub fn settle_loaded(&self, decide: impl FnOnce(&M) -> DecisionOf<M>) -> (TimersOf<M>, Outcome<M>) {
        let mut machine = self.machine.lock();
        let mut decision = decide(&machine);
        let timers = std::mem::take(&mut decision.timers);
        (timers, self.settle(&mut machine, clock::now(), decision))
    }

    /// Arms timers.
    pub fn arm(&self, timers: TimersOf<M>) {
        self.shared.timers.arm(self.number, timers);
    }

    /// Runs a command that is answered, now or later. An error means that the log could not be written.
    pub async fn ask(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
        effects: impl FnOnce(Vec<M::Effect>),
    ) -> Result<M::Reply, Unavailable> {
        let begun = self.begin(command)?;
        effects(begun.ran.effects);
        begun.reply.await.map_err(|_| Unavailable)
    }

    /// Like [`Shard::ask`], for commands that are answered in the same step, where nobody can await; `effects` is called when the
    /// step is committed, and before the reply is given.
    pub fn ask_now(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
        effects: impl FnOnce(Vec<M::Effect>),
    ) -> Result<M::Reply, Unavailable> {
        let begun = self.begin(command)?;
        block_on(self.committed(begun.ran.end))?;
        effects(begun.ran.effects);
        // Let go for the same offset, perhaps a moment later than we were.
        block_on(begun.reply).map_err(|_| Unavailable)
    }

    /// Runs a command that is answered, and lets the caller wait.
    pub fn begin(
        &self,
        command: impl FnOnce(ReplyTo) -> M::Command,
    ) -> Result<Begun<M::Reply, M::Effect>, Unavailable> {
        let (reply_to, reply) = self.shared.pending.park();
        match self.run(command(reply_to)) {
            Ok(ran) => Ok(Begun { ran, reply }),
            Err(error) => {
                self.shared.pending.forget(reply_to);
                if !is_spoken_of(&error) {
                    tracing::error!(partition = %self.partition.name(), "cannot write a coordinator's log: {error}");
                }
                Err(Unavailable)
            }
        }
    }

    fn settle(&self, machine: &mut M, now: Timestamp, decision: DecisionOf<M>) -> Outcome<M> {
        self.append(batches(now, decision.events.iter().filter_map(Event::record)))?;
        for event in decision.events {
            machine.apply(event);
        }
        let end = self.partition.log_end();
        self.answer(end, decision.replies);
        self.arm(decision.timers);
        Ok(Ran { effects: decision.effects, end })
    }

    /// Appends what a decision writes. All of it at once, so that none is there when the rest finds no room; only what does not fit into a
    /// segment goes batch by batch.
    fn append(&self, batches: Vec<(Option<Producer>, Bytes)>) -> Result<(), AppendError> {
        let bytes: usize = batches.iter().map(|(_, batch)| batch.len()).sum();
        let fits = || bytes as u64 <= self.partition.with_log(|log| log.config().segment_bytes);
        if batches.len() <= 1 || !fits() {
            for (producer, batch) in batches {
                self.partition.append_internal(batch, producer.is_some())?;
            }
            return Ok(());
        }
        let mut all = BytesMut::with_capacity(bytes);
        batches.iter().for_each(|(_, batch)| all.extend_from_slice(batch));
        let verified = batches.iter().any(|(producer, _)| producer.is_some());
        self.partition.append_internal(all.freeze(), verified).map(drop)
    }

    /// Lets replies go when everything before `end` is committed.
    fn answer(&self, end: Offset, replies: Vec<(ReplyTo, M::Reply)>) {
        if replies.is_empty() {
            return;
        }
        let pending = self.shared.pending.clone();
        self.partition.when_committed(end, move |outcome| {
            for (to, reply) in replies {
                match outcome {
                    Ok(()) => pending.answer(to, reply),
                    Err(_) => pending.forget(to),
                }
            }
        });
    }
}

/// The coordinator's log could not be written, or the coordinator stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator's log is not available")]
pub struct Unavailable;

/// Whether the log of the broker has said it already, once: of a disk that is full or has failed, of a log that cannot be opened.
pub(super) fn is_spoken_of(error: &AppendError) -> bool {
    let AppendError::Storage(error) = error else { return false };
    error.is_full() || error.is_disk_failure() || matches!(error, StorageError::Broken { .. })
}

/// A batch is closed when it has grown to this; far below `max.message.bytes`, and one record more still fits.
const LARGEST_BATCH_BYTES: usize = 256 * 1024;

/// In whose transaction records stand.
type Producer = (ProducerId, ProducerEpoch);

/// One batch for each run of records of one producer, or several if it is long.
fn batches(now: Timestamp, records: impl Iterator<Item = LogRecord>) -> Vec<(Option<Producer>, Bytes)> {
    let mut done = Vec::new();
    let mut open: Option<(Option<Producer>, BatchBuilder)> = None;
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

fn finish((producer, builder): (Option<Producer>, BatchBuilder)) -> (Option<Producer>, Bytes) {
    let mut stamp = BatchStamp::default();
    if let Some((id, epoch)) = producer {
        stamp.producer_id = id;
        stamp.producer_epoch = epoch;
        stamp.transactional = true;
    }
    (producer, builder.finish(&stamp))
}
