//! Which of several tasks has a key of the state, by the record of the changelog.

use crate::commit::partition_for_key;
use crate::expr::EvalError;
use crate::plan::{Stage, state_keys};
use crate::state::changelog::{self, ChangelogError, Record};
use crate::state::decode_value;

/// Spreads the records of a state over tasks as rows are spread.
#[derive(Debug)]
pub struct StateSpread {
    /// For each of the windows, the positions of the keys that count.
    positions: Vec<Vec<usize>>,
    tasks: i32,
    by: Vec<u8>,
}

impl StateSpread {
    /// Over `tasks` tasks that run `stages`.
    #[must_use]
    pub fn new(stages: &[Stage], tasks: usize) -> StateSpread {
        StateSpread { positions: state_keys(stages), tasks: i32::try_from(tasks).unwrap_or(1).max(1), by: Vec::new() }
    }

    /// The number of the task; `None` for the beginning of a state.
    pub fn task_of(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<usize>, ChangelogError> {
        let (before, key) = changelog::take_nesting(key);
        let record = changelog::decode(key, value)?;
        let group = match record {
            Record::Begin { .. } => return Ok(None),
            Record::Put { key, .. }
            | Record::Sessions { key, .. }
            | Record::Tardy { key, .. }
            | Record::Keyed { key, .. } => key,
            Record::Close { .. } | Record::Rewrite { .. } | Record::Rewritten => {
                return Err(ChangelogError::NO_SNAPSHOT);
            }
        };
        if self.tasks == 1 {
            return Ok(Some(0));
        }
        let positions = self.positions.get(usize::from(before)).ok_or(ChangelogError::WRONG_WINDOWS)?;
        spread_by(positions, group, &mut self.by).map_err(|_| ChangelogError::WRONG_WINDOWS)?;
        Ok(Some(partition_for_key(&self.by, self.tasks) as usize))
    }
}

/// Puts the encoded values at these positions of a group key into `by`, in the order of `positions`.
pub fn spread_by(positions: &[usize], key: &[u8], by: &mut Vec<u8>) -> Result<(), EvalError> {
    by.clear();
    for position in positions {
        let mut rest = key;
        for at in 0..=*position {
            let before = rest;
            decode_value(&mut rest).ok_or(EvalError::Shape("a group key cannot be read back"))?;
            if at == *position {
                by.extend_from_slice(&before[..before.len() - rest.len()]);
            }
        }
    }
    Ok(())
}
