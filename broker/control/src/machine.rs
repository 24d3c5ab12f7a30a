//! The one shape of every state machine: `decide` reads, `apply` writes, and nothing else does either.
//!
//! The runtime calls `decide`, appends the persistent events to the machine's log partition, applies all events in order, and
//! lets the replies go once what was appended is committed. Replay after a restart is `apply` alone. A machine has no clock,
//! socket, file, task or random source: time and fresh ids come in with the command.

use bytes::Bytes;
use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

/// Names a client's waiting request, so that a decision made later can answer it. Given out by the runtime, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyTo(pub u64);

/// A deterministic state machine.
pub trait Machine {
    /// What is asked of it.
    type Command;
    /// A change of its state, persistent or not.
    type Event: Event;
    /// An answer to a command.
    type Reply;
    /// Names a timer; handed back through [`Machine::timer_command`] when it fires. Timers are never cancelled: the machine checks
    /// whether one that fires still means something.
    type Timer: Clone;
    /// Work outside the machine that follows from a decision, done after its events were appended and applied.
    type Effect;

    /// What follows from `command` at `now`. Changes nothing.
    fn decide(
        &self,
        now: Timestamp,
        command: Self::Command,
    ) -> Decision<Self::Event, Self::Reply, Self::Timer, Self::Effect>;

    /// Makes `event` part of the state. Never fails: what cannot be applied must not be decided.
    fn apply(&mut self, event: Self::Event);

    /// The command that says that `timer` has fired.
    fn timer_command(timer: Self::Timer) -> Self::Command;
}

/// A change of a machine's state.
pub trait Event {
    /// The record that makes the change durable; `None` for a change that a restart may forget.
    fn record(&self) -> Option<LogRecord>;
}

/// One record of a machine's log partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Record key in Kafka's schema, version prefix included.
    pub key: Bytes,
    /// Record value in Kafka's schema, version prefix included; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Set when the record belongs to a transaction of this producer (a transactional offset commit).
    pub producer: Option<(ProducerId, ProducerEpoch)>,
}

/// What a machine wants to happen, in this order: append and apply `events`, send `replies`, arm `timers`, run `effects`.
#[derive(Debug)]
pub struct Decision<E, R, T, X> {
    /// Changes of state, in order.
    pub events: Vec<E>,
    /// Answers, to the asker or to earlier askers that were parked.
    pub replies: Vec<(ReplyTo, R)>,
    /// Timers to arm, each with the time at which it fires.
    pub timers: Vec<(Timestamp, T)>,
    /// Work for the runtime.
    pub effects: Vec<X>,
}

impl<E, R, T, X> Default for Decision<E, R, T, X> {
    fn default() -> Self {
        Decision { events: Vec::new(), replies: Vec::new(), timers: Vec::new(), effects: Vec::new() }
    }
}
