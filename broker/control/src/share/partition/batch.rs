//! A batch of records in flight: one state for all, until they part (Kafka: InFlightBatch).

use super::in_flight::InFlight;

/// Records `first` to `last`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InFlightBatch {
    pub(super) first: i64,
    pub(super) last: i64,
    states: States,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum States {
    Whole(InFlight),
    PerOffset(Vec<InFlight>),
}

impl InFlightBatch {
    pub(super) fn new(first: i64, last: i64, state: InFlight) -> InFlightBatch {
        InFlightBatch { first, last, states: States::Whole(state) }
    }

    /// The state of all records, unless they have parted.
    pub(super) fn whole(&self) -> Option<&InFlight> {
        match &self.states {
            States::Whole(state) => Some(state),
            States::PerOffset(_) => None,
        }
    }

    pub(super) fn whole_mut(&mut self) -> Option<&mut InFlight> {
        match &mut self.states {
            States::Whole(state) => Some(state),
            States::PerOffset(_) => None,
        }
    }

    pub(super) fn len(&self) -> i64 {
        self.last - self.first + 1
    }

    pub(super) fn is_within(&self, first: i64, last: i64) -> bool {
        self.first >= first && self.last <= last
    }

    /// Gives every record a state of its own.
    pub(super) fn split(&mut self) {
        if let States::Whole(state) = &self.states {
            self.states = States::PerOffset((self.first..=self.last).map(|_| state.clone()).collect());
        }
    }

    /// The states, each with the first and last offset that it is of.
    pub(super) fn runs(&self) -> impl Iterator<Item = (i64, i64, &InFlight)> {
        let (states, last) = match &self.states {
            States::Whole(state) => (std::slice::from_ref(state), Some(self.last)),
            States::PerOffset(states) => (states.as_slice(), None),
        };
        (self.first..).zip(states).map(move |(offset, state)| (offset, last.unwrap_or(offset), state))
    }

    /// Like [`runs`](Self::runs), for changing them.
    pub(super) fn runs_mut(&mut self) -> impl Iterator<Item = (i64, i64, &mut InFlight)> {
        let (states, last) = match &mut self.states {
            States::Whole(state) => (std::slice::from_mut(state), Some(self.last)),
            States::PerOffset(states) => (states.as_mut_slice(), None),
        };
        (self.first..).zip(states).map(move |(offset, state)| (offset, last.unwrap_or(offset), state))
    }

    pub(super) fn state_of(&self, offset: i64) -> Option<&InFlight> {
        self.runs().find(|(first, last, _)| (*first..=*last).contains(&offset)).map(|(_, _, state)| state)
    }
}
