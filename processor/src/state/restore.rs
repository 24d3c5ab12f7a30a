//! The way of a task's state out of its changelog, from the beginning or from where its store ends.

use super::changelog::{self, ChangelogError, Record};
use super::error::StateError;
use super::stage::StageState;
use super::store::About;
use super::task::TaskState;

/// State that cannot be rebuilt from its changelog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A record of an unknown form.
    #[error(transparent)]
    Record(#[from] ChangelogError),
    /// The records belong to another query.
    #[error(
        "the state was written by another query ({found}), this one needs ({expected}); \
         drop the job with its state, or apply it under another name"
    )]
    Layout {
        /// Layout of the state.
        found: String,
        /// Layout of the plan.
        expected: String,
    },
    /// The first record is not a beginning.
    #[error("the changelog does not start at a snapshot: records before it were deleted")]
    NoBegin,
    /// A window's keys are too large, or the store failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl TaskState {
    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), RestoreError> {
        let bytes = (key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)) as u64;
        let (before, key) = changelog::take_nesting(key);
        let record = changelog::decode(key, value)?;
        match record {
            Record::Begin { layout } => return self.begin(layout, bytes),
            Record::Rewrite { layout } => {
                self.check_layout(layout)?;
                self.partial |= !self.begun;
                self.begun = true;
            }
            _ if !self.begun => return Err(RestoreError::NoBegin),
            _ => {}
        }
        self.changelog_bytes += bytes;
        self.since_checkpoint += bytes;
        let partial = self.partial;
        match (record, self.windows.get_mut(usize::from(before))) {
            (Record::Rewrite { .. }, _) => Ok(()),
            (Record::Rewritten, _) => {
                self.partial = false;
                Ok(())
            }
            (record, Some(windows)) => windows.restore(record, partial),
            (_, None) => Err(ChangelogError::WRONG_WINDOWS.into()),
        }
    }

    /// Everything there is was taken in.
    ///
    /// # Errors
    /// The changelog begins where everything was written again, and that did not come to its end.
    pub fn restored(&mut self) -> Result<(), RestoreError> {
        if self.partial { Err(RestoreError::NoBegin) } else { Ok(()) }
    }

    /// Forgets everything that was taken in but that it has begun: for who only wants to know whether records fit.
    pub fn forget_content(&mut self) {
        self.windows.iter_mut().for_each(StageState::clear);
    }

    fn check_layout(&self, layout: &str) -> Result<(), RestoreError> {
        if layout == self.layout {
            return Ok(());
        }
        Err(RestoreError::Layout { found: layout.to_owned(), expected: self.layout.clone() })
    }

    fn begin(&mut self, layout: &str, bytes: u64) -> Result<(), RestoreError> {
        self.check_layout(layout)?;
        // A store that was filled meanwhile has what was before this; another one is made if memory is too small again.
        self.detach();
        self.windows.iter_mut().for_each(StageState::clear);
        (self.begun, self.partial, self.changelog_bytes) = (true, false, bytes);
        Ok(())
    }

    /// The state is what the store says of itself; the records from its offset on follow.
    pub(super) fn begin_from(&mut self, about: &About) -> Result<(), RestoreError> {
        self.check_layout(&about.layout)?;
        (self.begun, self.partial) = (true, about.partial);
        (self.changelog_bytes, self.whole_bytes) = (about.changelog_bytes, about.whole_bytes);
        Ok(())
    }
}
