//! One record in flight, or several that share their state (Kafka: InFlightState, RecordState).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::write::WriteId;

/// What has become of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// For the next who fetches.
    Available,
    /// With a member, until its lock ends.
    Acquired,
    /// Processed.
    Acknowledged,
    /// Not to be delivered any more: rejected, delivered too often, aborted, or gone.
    Archived,
}

impl RecordState {
    /// The number that Kafka persists.
    #[must_use]
    pub fn id(self) -> i8 {
        match self {
            RecordState::Available => 0,
            RecordState::Acquired => 1,
            RecordState::Acknowledged => 2,
            RecordState::Archived => 4,
        }
    }

    /// The state of this number; 3 is kept for KIP-1191 and not written by anybody.
    #[must_use]
    pub fn from_id(id: i8) -> Option<RecordState> {
        [RecordState::Available, RecordState::Acquired, RecordState::Acknowledged, RecordState::Archived]
            .into_iter()
            .find(|state| state.id() == id)
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, RecordState::Acknowledged | RecordState::Archived)
    }
}

/// A record in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InFlight {
    pub(super) state: RecordState,
    pub(super) delivery_count: i16,
    /// Who has it; `None` unless acquired.
    pub(super) member: Option<Arc<str>>,
    /// When the lock of an acquired record ends. Kept until its acknowledgement is durable.
    pub(super) lock: Option<Timestamp>,
    /// Set while the change away from `Acquired` is being persisted.
    pub(super) undo: Option<Undo>,
}

/// How to go back to `Acquired` should the change not become durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undo {
    pub(super) write: WriteId,
    member: Option<Arc<str>>,
}

impl InFlight {
    pub(super) fn free(state: RecordState, delivery_count: i16) -> InFlight {
        InFlight { state, delivery_count, member: None, lock: None, undo: None }
    }

    pub(super) fn acquired(member: &Arc<str>, lock: Timestamp) -> InFlight {
        let mut record = InFlight::free(RecordState::Available, 0);
        record.acquire(member, lock);
        record
    }

    pub(super) fn is_changing(&self) -> bool {
        self.undo.is_some()
    }

    pub(super) fn is_available(&self) -> bool {
        self.state == RecordState::Available && !self.is_changing()
    }

    pub(super) fn is_with(&self, member: &str) -> bool {
        self.member.as_deref() == Some(member)
    }

    pub(super) fn is_done(&self) -> bool {
        self.state.is_terminal() && !self.is_changing()
    }

    pub(super) fn acquire(&mut self, member: &Arc<str>, lock: Timestamp) {
        self.state = RecordState::Acquired;
        self.delivery_count = self.delivery_count.saturating_add(1);
        self.member = Some(member.clone());
        self.lock = Some(lock);
    }

    /// Leaves `Acquired` for good. A record that may not be delivered again is archived instead of made available.
    pub(super) fn leave(&mut self, to: RecordState, limit: i16) {
        self.state = self.limited(to, limit);
        self.member = None;
        self.lock = None;
    }

    /// Leaves `Acquired`, until `write` has failed.
    pub(super) fn begin_leave(&mut self, to: RecordState, limit: i16, write: WriteId) {
        let member = self.member.take();
        self.state = self.limited(to, limit);
        self.undo = Some(Undo { write, member });
    }

    /// What `begin_leave` has begun is durable, or has failed.
    pub(super) fn end_leave(&mut self, now: Timestamp, durable: bool, limit: i16) {
        let Some(undo) = self.undo.take() else { return };
        if durable {
            self.lock = None;
        } else if self.lock.is_some_and(|lock| lock <= now) {
            self.leave(RecordState::Available, limit);
        } else {
            self.state = RecordState::Acquired;
            self.member = undo.member;
        }
    }

    /// Ends all delivery, whatever is under way.
    pub(super) fn archive(&mut self) {
        *self = InFlight::free(RecordState::Archived, self.delivery_count);
    }

    fn limited(&self, to: RecordState, limit: i16) -> RecordState {
        if to == RecordState::Available && self.delivery_count >= limit { RecordState::Archived } else { to }
    }
}
