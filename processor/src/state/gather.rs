//! The keys of a window in one order, from memory and from the store, slice by slice put together.

use std::borrow::Cow;
use std::iter::Peekable;

use super::Accumulator;
use super::error::StateError;
use super::shelf::Shelf;
use super::slice::{Slice, Walk};
use super::store::StoreError;
use super::windows::{EmitKey, Merge};
use crate::time::WindowSpan;

type Warm<'s> = Peekable<Walk<'s>>;
type Cold<'s> = Box<dyn Iterator<Item = Result<(Vec<u8>, Vec<Accumulator>), StoreError>> + 's>;

/// The keys of one slice in the order of their bytes. What is in memory is newer than what the store has of the same key.
pub struct Source<'s> {
    shelf: &'s Shelf,
    width: usize,
    warm: Warm<'s>,
    cold: Option<Cold<'s>>,
    next: Option<(Vec<u8>, Vec<Accumulator>)>,
}

impl<'s> Source<'s> {
    /// The keys of `slice`, whose windows are `span`.
    pub fn new(shelf: &'s Shelf, span: WindowSpan, slice: &'s Slice) -> Result<Source<'s>, StateError> {
        let warm = slice.sorted().peekable();
        let cold = slice.is_stored().then(|| -> Cold<'s> { Box::new(shelf.slice(span)) });
        let mut source = Source { shelf, width: slice.width(), warm, cold, next: None };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<(), StateError> {
        self.next = self.cold.as_mut().and_then(Iterator::next).transpose()?;
        match &self.next {
            Some((_, states)) if states.len() != self.width => Err(self.shelf.wrong_accumulators().into()),
            _ => Ok(()),
        }
    }

    /// Its first key.
    fn key(&mut self) -> Option<&[u8]> {
        let warm = self.warm.peek().map(|(key, _)| *key);
        let cold = self.next.as_ref().map(|(key, _)| &key[..]);
        [warm, cold].into_iter().flatten().min()
    }

    /// The accumulators of `key`, if that is the first one.
    fn take(&mut self, key: &[u8]) -> Result<Option<Cow<'s, [Accumulator]>>, StateError> {
        let cold = match self.next.take_if(|(first, _)| first == key) {
            Some((_, states)) => {
                self.advance()?;
                Some(Cow::Owned(states))
            }
            None => None,
        };
        Ok(self.warm.next_if(|(first, _)| *first == key).map(|(_, states)| Cow::Borrowed(states)).or(cold))
    }
}

/// Hands each key of `sources` to `emit`, with its accumulators put together in the order of the sources.
pub fn gather<E: From<StateError>>(
    mut sources: Vec<Source<'_>>,
    initial: &[Accumulator],
    merge: &Merge<'_>,
    emit: &mut EmitKey<'_, E>,
) -> Result<(), E> {
    let mut key = Vec::new();
    loop {
        let Some(first) = sources.iter_mut().filter_map(Source::key).min() else { return Ok(()) };
        key.clear();
        key.extend_from_slice(first);
        if let [only] = &mut sources[..] {
            let states = only.take(&key)?.unwrap_or_default();
            emit(&key, &states)?;
            continue;
        }
        let mut whole = initial.to_vec();
        for source in &mut sources {
            if let Some(states) = source.take(&key)? {
                merge(&mut whole, &states);
            }
        }
        emit(&key, &whole)?;
    }
}
