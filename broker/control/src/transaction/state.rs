//! The states of a transaction and which may follow which (Kafka: TransactionState).

use std::fmt;

/// State of a transactional id. The numbers are those in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum TransactionState {
    /// No transaction yet.
    Empty = 0,
    /// Partitions were added.
    Ongoing = 1,
    /// Decided: commit; markers are being written.
    PrepareCommit = 2,
    /// Decided: abort; markers are being written.
    PrepareAbort = 3,
    /// All commit markers are written.
    CompleteCommit = 4,
    /// All abort markers are written.
    CompleteAbort = 5,
    /// Being forgotten; never stored.
    Dead = 6,
    /// The epoch is being raised so that the producer of an open transaction is shut out; never stored.
    PrepareEpochFence = 7,
}

use TransactionState::{
    CompleteAbort, CompleteCommit, Dead, Empty, Ongoing, PrepareAbort, PrepareCommit, PrepareEpochFence,
};

impl TransactionState {
    /// All states, in the order of their numbers.
    pub const ALL: [TransactionState; 8] =
        [Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead, PrepareEpochFence];

    /// By its number in the log.
    #[must_use]
    pub fn from_id(id: i8) -> Option<TransactionState> {
        Self::ALL.into_iter().find(|state| *state as i8 == id)
    }

    /// By the name Kafka prints.
    #[must_use]
    pub fn from_name(name: &str) -> Option<TransactionState> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The name Kafka prints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Empty => "Empty",
            Ongoing => "Ongoing",
            PrepareCommit => "PrepareCommit",
            PrepareAbort => "PrepareAbort",
            CompleteCommit => "CompleteCommit",
            CompleteAbort => "CompleteAbort",
            Dead => "Dead",
            PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// The states from which this one may be entered.
    #[must_use]
    pub fn valid_previous(self) -> &'static [TransactionState] {
        match self {
            Empty => &[Empty, CompleteCommit, CompleteAbort],
            Ongoing => &[Ongoing, Empty, CompleteCommit, CompleteAbort],
            PrepareCommit => &[Ongoing],
            PrepareAbort => &[Ongoing, PrepareEpochFence, Empty, CompleteCommit, CompleteAbort],
            CompleteCommit => &[PrepareCommit],
            CompleteAbort => &[PrepareAbort],
            Dead => &[Empty, CompleteAbort, CompleteCommit],
            PrepareEpochFence => &[Ongoing],
        }
    }

    /// Whether the outcome is decided and markers are still to be written.
    #[must_use]
    pub fn is_prepared(self) -> bool {
        matches!(self, PrepareCommit | PrepareAbort)
    }

    /// Whether an id in this state may be forgotten when it is not used for long.
    #[must_use]
    pub fn is_expirable(self) -> bool {
        matches!(self, Empty | CompleteCommit | CompleteAbort)
    }
}

impl fmt::Display for TransactionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_read_back() {
        for state in TransactionState::ALL {
            assert_eq!(TransactionState::from_id(state as i8), Some(state));
            assert_eq!(TransactionState::from_name(state.name()), Some(state));
        }
        assert_eq!(TransactionState::from_id(8), None);
        assert_eq!(TransactionState::from_name("ongoing"), None);
    }
}
