//! Open windows key by key, in no order: what can be left off after any key and gone on with later.

use super::{Merge, WindowState};
use crate::state::Accumulator;
use crate::state::error::StateError;
use crate::time::WindowSpan;

/// So many keys in memory are walked over in the time in which one in the store is.
const STORED_COST: usize = 10;

/// Takes a key of the window that ends at a time, and its accumulators there.
pub type TakeKey<'t, E> = dyn FnMut(i64, &[u8], &[Accumulator]) -> Result<(), E> + 't;

/// How far open windows were walked over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowSpot {
    /// End of the window; none before the first one.
    end: Option<i64>,
    /// The slice of it.
    span: Option<WindowSpan>,
    /// The next of its keys in memory.
    index: usize,
    /// The next of its keys in the store, once those in memory are done.
    stored: Option<Vec<u8>>,
}

impl WindowState {
    /// Hands the keys of the windows that `fired` has not fired to `take`, from `spot` on, until `budget` is used up; true if it has come to
    /// the last one. `interval` as in [`WindowState::next_end`].
    pub fn walk<E: From<StateError>>(
        &self,
        spot: &mut WindowSpot,
        (fired, interval): (i64, i64),
        budget: &mut usize,
        merge: &Merge<'_>,
        take: &mut TakeKey<'_, E>,
    ) -> Result<bool, E> {
        // Those before it are done.
        let mut fired = spot.end.map_or(fired, |end| fired.max(end.saturating_sub(2)));
        while let Some(end) = self.next_end(fired, interval) {
            if spot.end != Some(end) {
                *spot = WindowSpot { end: Some(end), ..WindowSpot::default() };
            }
            if !self.walk_window(end, spot, budget, merge, take)? {
                return Ok(false);
            }
            fired = end.saturating_sub(1);
            if end == i64::MAX {
                break;
            }
        }
        Ok(true)
    }

    /// Hands what the windows that `fired` has not fired have of `key` to `take`.
    pub fn walk_key<E: From<StateError>>(
        &self,
        key: &[u8],
        (mut fired, interval): (i64, i64),
        merge: &Merge<'_>,
        take: &mut TakeKey<'_, E>,
    ) -> Result<(), E> {
        while let Some(end) = self.next_end(fired, interval) {
            let spans = self.spans(end);
            if self.is_in(&spans, key)? {
                take(end, key, &self.of_key(end, key, merge)?)?;
            }
            fired = end.saturating_sub(1);
            if end == i64::MAX {
                break;
            }
        }
        Ok(())
    }

    fn walk_window<E: From<StateError>>(
        &self,
        end: i64,
        spot: &mut WindowSpot,
        budget: &mut usize,
        merge: &Merge<'_>,
        take: &mut TakeKey<'_, E>,
    ) -> Result<bool, E> {
        let spans = self.spans(end);
        let reached = spot.span.map_or(0, |reached| spans.partition_point(|span| *span < reached));
        for (at, span) in spans.iter().enumerate().skip(reached) {
            if spot.span != Some(*span) {
                *spot = WindowSpot { end: Some(end), span: Some(*span), ..WindowSpot::default() };
            }
            let slice = &self.slices[span];
            while spot.stored.is_none() && spot.index < slice.len() {
                if *budget == 0 {
                    return Ok(false);
                }
                *budget -= 1;
                let (key, _) = slice.at(spot.index as u32);
                spot.index += 1;
                // It was there with an earlier slice.
                if !self.is_in(&spans[..at], key)? {
                    take(end, key, &self.of_key(end, key, merge)?)?;
                }
            }
            let Some(shelf) = self.shelf.as_ref().filter(|_| slice.is_stored()) else { continue };
            for item in shelf.slice_from(*span, &spot.stored.take().unwrap_or_default()) {
                let (key, _) = item.map_err(StateError::from)?;
                if *budget == 0 {
                    spot.stored = Some(key);
                    return Ok(false);
                }
                *budget = budget.saturating_sub(STORED_COST);
                if slice.get(&key).is_none() && !self.is_in(&spans[..at], &key)? {
                    take(end, &key, &self.of_key(end, &key, merge)?)?;
                }
            }
        }
        Ok(true)
    }

    /// Whether one of these slices has `key`.
    fn is_in(&self, spans: &[WindowSpan], key: &[u8]) -> Result<bool, StateError> {
        for span in spans {
            let slice = &self.slices[span];
            if slice.get(key).is_some() {
                return Ok(true);
            }
            if let Some(shelf) = self.shelf.as_ref().filter(|_| slice.is_stored())
                && shelf.of_key(*span, key)?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
