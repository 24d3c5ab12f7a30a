//! Open sessions key by key, by the ends of their first sessions: what can be left off after any key and gone on with later.

use std::sync::Arc;

use super::{Session, SessionState};
use crate::state::error::StateError;

/// So many keys in memory are walked over in the time in which one in the store is.
const STORED_COST: usize = 10;

/// Takes a key and one of its sessions.
pub type TakeSession<'t, E> = dyn FnMut(&[u8], &Session) -> Result<(), E> + 't;

/// How far keys were walked over: up to this end and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSpot {
    stored: bool,
    end: i64,
    key: Vec<u8>,
}

impl Default for SessionSpot {
    fn default() -> SessionSpot {
        SessionSpot { stored: false, end: i64::MIN, key: Vec::new() }
    }
}

impl SessionState {
    /// Hands the sessions of keys to `take`, from `spot` on, until `budget` is used up; true if it has come to the last one.
    pub fn walk<E: From<StateError>>(
        &self,
        spot: &mut SessionSpot,
        budget: &mut usize,
        take: &mut TakeSession<'_, E>,
    ) -> Result<bool, E> {
        if !spot.stored {
            let from: (i64, Arc<[u8]>) = (spot.end, spot.key.as_slice().into());
            for (end, key) in self.timers.range(from..) {
                if *budget == 0 {
                    *spot = SessionSpot { stored: false, end: *end, key: key.to_vec() };
                    return Ok(false);
                }
                *budget -= 1;
                let sessions = self.keys.get(key).map_or(&[][..], |entry| &entry.sessions);
                sessions.iter().try_for_each(|session| take(key, session))?;
            }
            *spot = SessionSpot { stored: true, ..SessionSpot::default() };
        }
        let Some(cold) = &self.cold else { return Ok(true) };
        let from = spot.key.clone();
        for timer in cold.shelf().timers_from(spot.end, &from) {
            let (end, key) = timer.map_err(StateError::from)?;
            if *budget == 0 {
                *spot = SessionSpot { stored: true, end, key };
                return Ok(false);
            }
            *budget = budget.saturating_sub(STORED_COST);
            // What is in memory too was there before, and what has ended there may still be in the store.
            if self.is_cold(&key) {
                let read = cold.shelf().sessions(&key).map_err(StateError::from)?;
                let sessions = self.restored_sessions(read).map_err(|error| StateError::from(self.refuse(&error)))?;
                sessions.iter().try_for_each(|session| take(&key, session))?;
            }
        }
        Ok(true)
    }

    /// The open sessions of `key`.
    pub fn of_key(&mut self, key: &[u8]) -> Result<&[Session], StateError> {
        self.warm(key)?;
        Ok(self.keys.get(key).map_or(&[], |entry| &entry.sessions))
    }
}
