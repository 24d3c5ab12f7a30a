//! Entries in the order of their keys, those in memory and those in the store put together.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::iter::Peekable;
use std::ops::Bound;

use super::KeyedState;
use crate::state::error::StateError;
use crate::state::store::StoreError;

/// Key, moment and value.
type Item<'s> = (Cow<'s, [u8]>, i64, Cow<'s, [u8]>);

/// What memory has of a key.
type Warm<'s> = (&'s [u8], i64, &'s [u8]);

/// What the store has, whether or not it is up to date.
pub(super) type Cold<'s> = Box<dyn Iterator<Item = Result<(Vec<u8>, i64, Vec<u8>), StoreError>> + 's>;

/// Entries whose keys begin with a prefix, as key and value. Made by [`KeyedState::scan`].
pub struct Scan<'s> {
    state: &'s KeyedState,
    warm: Peekable<Box<dyn Iterator<Item = Warm<'s>> + 's>>,
    cold: Option<Cold<'s>>,
    next_cold: Option<Item<'s>>,
    /// What is over by it is passed over.
    clock: i64,
}

impl<'s> Scan<'s> {
    /// The entries of `state` from `from` on, which is not before `prefix`.
    pub(super) fn new(state: &'s KeyedState, prefix: &[u8], from: &[u8], clock: i64) -> Scan<'s> {
        let begin = prefix.to_vec();
        let range = state.entries.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
        let warm: Box<dyn Iterator<Item = Warm<'s>> + 's> = Box::new(
            range
                .take_while(move |(key, _)| key.starts_with(&begin))
                .map(|(key, entry)| (&key[..], entry.due, &*entry.value)),
        );
        Scan { state, warm: warm.peekable(), cold: state.scan_cold(prefix, from), next_cold: None, clock }
    }

    /// The next entry, with its moment between key and value.
    pub(super) fn next_timed(&mut self) -> Option<Result<Item<'s>, StateError>> {
        loop {
            if self.next_cold.is_none() {
                match self.cold.as_mut().and_then(Iterator::next) {
                    Some(Ok((key, ..))) if self.state.deleted.contains_key(&key[..]) => continue,
                    Some(Ok((key, due, value))) => self.next_cold = Some((Cow::Owned(key), due, Cow::Owned(value))),
                    Some(Err(error)) => {
                        self.cold = None;
                        return Some(Err(error.into()));
                    }
                    None => self.cold = None,
                }
            }
            let order = match (self.warm.peek(), &self.next_cold) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((warm, ..)), Some((cold, ..))) => (*warm).cmp(cold),
            };
            // What is in memory is newer than what the store has of the same key.
            let cold = if order == Ordering::Less { None } else { self.next_cold.take() };
            let item = match order {
                Ordering::Greater => cold,
                _ => {
                    let (key, due, value) = self.warm.next()?;
                    Some((Cow::Borrowed(key), due, Cow::Borrowed(value)))
                }
            };
            if let Some(item) = item.filter(|(_, due, _)| *due > self.clock) {
                return Some(Ok(item));
            }
        }
    }
}

impl<'s> Iterator for Scan<'s> {
    type Item = Result<(Cow<'s, [u8]>, Cow<'s, [u8]>), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_timed()?;
        Some(item.map(|(key, _, value)| (key, value)))
    }
}

impl fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("clock", &self.clock).finish_non_exhaustive()
    }
}
