//! State beyond its memory: opens the store on disk, keeps it up to date, and gives up one that is damaged.

use forebay_storage::ids::{Offset, TopicPartition};

use super::error::TaskError;
use crate::host::{Host, HostError, OffsetRange, StateFolder};
use crate::state::store::StoreError;
use crate::state::{RestoreError, StateError, Superfluous, TaskState};

/// What a task writes to its changelog beside its windows.
pub trait Beside {
    /// Takes a record in if it is one of these.
    fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<Result<(), RestoreError>>;

    /// All of it, as the value of a record.
    fn whole(&self) -> Vec<u8>;

    /// Takes in what [`Beside::whole`] gave; false if it makes no sense.
    fn take_whole(&mut self, whole: &[u8]) -> bool;
}

/// Nothing but windows.
#[derive(Debug)]
pub struct NothingBeside;

impl Beside for NothingBeside {
    fn take(&mut self, _key: Option<&[u8]>, _value: Option<&[u8]>) -> Option<Result<(), RestoreError>> {
        None
    }

    fn whole(&self) -> Vec<u8> {
        Vec::new()
    }

    fn take_whole(&mut self, whole: &[u8]) -> bool {
        whole.is_empty()
    }
}

/// Opens the store that is there, if one is. Returns the offset from which the changelog is to be read then; none if from its beginning.
///
/// One that is damaged, or that does not go with the changelog, is removed: the changelog has everything. One of other statements, which the
/// changelog would be as well, is an error.
pub fn open(
    host: &dyn Host,
    changelog: &TopicPartition,
    state: &mut TaskState,
    memory: u64,
    beside: &mut dyn Beside,
    range: OffsetRange,
) -> Result<Option<Offset>, TaskError> {
    state.set_memory(memory);
    let folder = match state_folder(host, changelog)? {
        Some(StateFolder { path, used: true }) => path,
        _ => return Ok(None),
    };
    match TaskState::open_store(&folder, memory) {
        Ok((store, Some(about)))
            if (range.start.0..=range.stable_end.0).contains(&about.offset) && beside.take_whole(&about.beside) =>
        {
            state.attach(store, Some(&about)).map_err(restore_error)?;
            Ok(Some(Offset(about.offset)))
        }
        Ok((store, _)) => {
            drop(store);
            clear(host, changelog)?;
            Ok(None)
        }
        Err(StoreError::Unusable(_)) => {
            clear(host, changelog)?;
            Ok(None)
        }
        Err(error) => Err(TaskError::Retry(error.to_string())),
    }
}

/// After a commit: moves state to disk if there is too much of it in memory, and brings the store up to date if it is far behind.
pub fn settle_committed(
    host: &dyn Host,
    changelog: &TopicPartition,
    state: &mut TaskState,
    beside: &dyn Beside,
) -> Result<(), TaskError> {
    // Nobody else writes there.
    settle(host, changelog, state, beside, || host.offset_range(changelog).map(|range| range.stable_end))
}

/// Moves state to disk if there is too much of it in memory, and brings the store up to date if it is far behind. Everything up to `end` of
/// the changelog must be in `state`, and nothing else.
pub fn settle(
    host: &dyn Host,
    changelog: &TopicPartition,
    state: &mut TaskState,
    beside: &dyn Beside,
    end: impl FnOnce() -> Result<Offset, HostError>,
) -> Result<(), TaskError> {
    if !state.wants_checkpoint() {
        return Ok(());
    }
    if !state.has_store() {
        let Some(folder) = state_folder(host, changelog)? else {
            // There is no disk: memory has to do.
            state.set_memory(u64::MAX);
            return Ok(());
        };
        clear(host, changelog)?;
        // Nothing is there yet that could be damaged: it is the disk that refuses, and that may change.
        let making = |error: StoreError| TaskError::Retry(format!("making room for state on disk: {error}"));
        let (store, _) = TaskState::open_store(&folder.path, state.memory()).map_err(making)?;
        state.attach(store, None).map_err(restore_error)?;
    }
    let end = end().map_err(|error| TaskError::from_host("moving state to disk", error))?;
    state.checkpoint(end.0, beside.whole()).map_err(|error| state_error(&error))
}

fn state_folder(host: &dyn Host, changelog: &TopicPartition) -> Result<Option<StateFolder>, TaskError> {
    host.state_folder(changelog).map_err(|error| TaskError::from_host("looking for state on disk", error))
}

/// Removes a store of which something could not be read, so that it is made anew.
pub fn give_up(host: &dyn Host, changelog: &TopicPartition, state: &mut TaskState) {
    if state.has_failed() {
        state.detach();
        // If it fails the store is found damaged again.
        let _ = clear(host, changelog);
    }
}

/// The offset before which the changelog can go once the changes just written are committed.
pub fn trim_offset(
    host: &dyn Host,
    changelog: &TopicPartition,
    superfluous: Option<Superfluous>,
) -> Result<Option<Offset>, TaskError> {
    match superfluous {
        None => Ok(None),
        Some(Superfluous::Before(offset)) => Ok(Some(Offset(offset))),
        Some(Superfluous::BeforeThese) => {
            // This task is the only writer, so the snapshot's first record comes at or after the present end.
            let range = host.offset_range(changelog);
            Ok(Some(range.map_err(|error| TaskError::from_host("writing a snapshot", error))?.stable_end))
        }
    }
}

/// What an error of the state means to a task.
pub fn state_error(error: &StateError) -> TaskError {
    if error.is_of_disk() { TaskError::Retry(error.to_string()) } else { TaskError::Failed(error.to_string()) }
}

/// What an error of restoring means to a task.
pub fn restore_error(error: RestoreError) -> TaskError {
    match error {
        RestoreError::State(error) => state_error(&error),
        other => TaskError::Failed(other.to_string()),
    }
}

fn clear(host: &dyn Host, changelog: &TopicPartition) -> Result<(), TaskError> {
    host.clear_state_folder(changelog).map_err(|error| TaskError::from_host("removing state on disk", error))
}
