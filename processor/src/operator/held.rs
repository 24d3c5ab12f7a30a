//! Rows that wait to be counted in their windows, so that some are counted in one go.
//!
//! To find a key of a large window is to wait for memory. Keys that are looked up one right after the other are waited for at the same
//! time, so a row is kept, with no more of it than its aggregates look at, until there are [`MOST_ROWS`].

use super::aggregate;
use crate::expr::{DataType, EvalError, Value};
use crate::format::RawField;
use crate::plan::Aggregate;
use crate::state::{Accumulator, KeyList};
use crate::time::WindowSpan;

/// So many rows are counted in one go.
const MOST_ROWS: usize = 64;

/// What waits for its key to be looked up, as many items for each key.
#[derive(Debug)]
pub struct Held<T> {
    /// Items of each key.
    width: usize,
    spans: Vec<WindowSpan>,
    keys: KeyList,
    items: Vec<T>,
}

/// What other tasks have gathered: the accumulators of each key.
pub type HeldPartials = Held<Accumulator>;

impl<T> Held<T> {
    /// Of keys with `width` items.
    #[must_use]
    pub fn new(width: usize) -> Held<T> {
        Held { width, spans: Vec::new(), keys: KeyList::default(), items: Vec::new() }
    }

    /// Takes the items of a key in: as many as each key has.
    #[inline]
    pub fn push(&mut self, span: WindowSpan, key: &[u8], items: impl IntoIterator<Item = T>) {
        self.spans.push(span);
        self.keys.push(key);
        self.items.extend(items);
        debug_assert_eq!(self.items.len(), self.spans.len() * self.width);
    }

    /// Whether they are to be looked up now.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.spans.len() >= MOST_ROWS
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The windows of each.
    #[must_use]
    pub fn spans(&self) -> &[WindowSpan] {
        &self.spans
    }

    /// The group key of each.
    #[must_use]
    pub fn keys(&self) -> &KeyList {
        &self.keys
    }

    /// The items at this place.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> &[T] {
        &self.items[place * self.width..][..self.width]
    }

    /// All are done.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.keys.clear();
        self.items.clear();
    }
}

/// The rows.
#[derive(Debug)]
pub struct HeldRows {
    /// What is computed, over the kept columns.
    aggregates: Vec<Aggregate>,
    /// The columns that are kept of a row.
    columns: Vec<usize>,
    /// These columns of the rows.
    pub waiting: Held<Value<'static>>,
}

impl HeldRows {
    /// For `aggregates`; `None` where a row may fail to be computed, or is not to be copied.
    #[must_use]
    pub fn new(aggregates: &[Aggregate]) -> Option<HeldRows> {
        let small = |call: &Aggregate| {
            let types = call.argument.iter().map(|argument| argument.data_type());
            types.into_iter().all(|data_type| !data_type.is_text() && !matches!(data_type, DataType::VarBinary(_)))
        };
        // What grows with each value may come to its limit with this very row.
        let grows = |call: &Aggregate| aggregate::initial(call).has_heap();
        if !aggregates.iter().all(|call| small(call) && !grows(call) && !aggregate::may_fail(call)) {
            return None;
        }
        let parts = aggregates.iter().flat_map(|call| call.argument.iter().chain(&call.filter));
        let mut columns: Vec<usize> = parts.filter_map(|part| part.as_column()).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut aggregates = aggregates.to_vec();
        for part in aggregates.iter_mut().flat_map(|call| call.argument.iter_mut().chain(&mut call.filter)) {
            part.map_columns(&|column| columns.binary_search(&column).unwrap_or(column));
        }
        let waiting = Held::new(columns.len());
        Some(HeldRows { aggregates, columns, waiting })
    }

    /// Takes a row in.
    #[inline]
    pub fn push(&mut self, span: WindowSpan, key: &[u8], row: &[Value<'_>]) {
        self.waiting.push(span, key, self.columns.iter().map(|column| row[*column].borrowed().into_owned()));
    }

    /// The columns that are kept of a row.
    #[must_use]
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// As [`HeldRows::push`] of a row that is not made of its fields yet.
    #[inline]
    pub fn push_fields(&mut self, span: WindowSpan, key: &[u8], fields: &[RawField<'_>]) {
        self.waiting.push(
            span,
            key,
            self.columns.iter().map(|column| match fields[*column] {
                RawField::Integer(number) => Value::Integer(number),
                RawField::Text(_) | RawField::Null => Value::Null,
            }),
        );
    }

    /// Takes the row at this place into the accumulators of its key.
    #[inline]
    pub fn count(&self, place: usize, states: &mut [Accumulator]) -> Result<(), EvalError> {
        let row = self.waiting.get(place);
        self.aggregates.iter().zip(states).try_for_each(|(call, state)| aggregate::add(call, state, row))
    }
}
