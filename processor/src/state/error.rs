//! Why state cannot be changed or read: a limit of a window, or the store on disk.

use super::slice::SliceFull;
use super::store::StoreError;

/// What went wrong with a task's state. No record is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A window's keys are too large.
    #[error(transparent)]
    Full(#[from] SliceFull),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StateError {
    /// Whether opening the task again may help: it rolls the store forward, or makes it anew from the changelog.
    #[must_use]
    pub fn is_of_disk(&self) -> bool {
        matches!(self, StateError::Store(StoreError::Read(_) | StoreError::Write(_) | StoreError::Locked))
    }
}
