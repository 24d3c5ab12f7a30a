//! The first rows of each key by any order, without windows (Flink: `AppendOnlyTopNFunction`, `AppendOnlyFirstNFunction`,
//! `RetractableTopNFunction`).
//!
//! # What comes out, and when
//! Each time rows have been read, what has changed among the rows that are asked for. Where the rank is shown, each rank says for itself what
//! it was and what it is (`+I`; `-U`, `+U`; `-D`), from the first to the last; else rows that are no more among the first go (`-D`), and
//! then others come (`+I`). Of rows that are equal in order the one that came first is before the others.
//!
//! # What is kept
//! Where rows are only put in, those that come out; where rows may be taken back, all of them. Behind the key of a group:
//! - `ROW`, what orders the row (in the form that sorts) and its number: the row's columns;
//! - `PLACE`, a hash of what orders the row and of its columns, and its number: nothing, to find a row that is taken back (only where
//!   rows may be);
//! - `NEXT`: the number of the next row (only there, too, and while the group has rows).

use hashbrown::HashMap;

use super::error::RowError;
use super::key::{check_length, encode_keys};
use super::window::{TakeRow, spread};
use crate::commit::murmur2;
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{OutputField, Rank, RowKind, SortKey};
use crate::state::{KeyedState, decode_value, encode_sorted, encode_value};

const ROW: u8 = 0;
const PLACE: u8 = 1;
const NEXT: u8 = 2;
/// Bytes of a row's number.
const NUMBER_BYTES: usize = size_of::<u64>();

const DAMAGED: EvalError = EvalError::Shape("a ranked row cannot be read back");

/// The operator.
#[derive(Debug)]
pub struct RankOperator {
    plan: Rank,
    /// Groups that rows have come for since they were last put out.
    groups: Vec<Group>,
    /// Where they are, by their keys.
    places: HashMap<Vec<u8>, usize>,
    key: Vec<u8>,
    sort: Vec<u8>,
    row: Vec<u8>,
}

/// A row in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ranked {
    /// What orders it, and its number.
    at: Vec<u8>,
    row: Vec<u8>,
}

/// A group that rows have come for.
#[derive(Debug)]
struct Group {
    key: Vec<u8>,
    /// Its first rows before them.
    before: Vec<Ranked>,
    /// Its first rows now, where rows are only put in.
    first: Vec<Ranked>,
    /// The number of the next row, where rows may be taken back.
    next: u64,
}

impl RankOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Rank) -> RankOperator {
        let (groups, places) = (Vec::new(), HashMap::new());
        RankOperator { plan: plan.clone(), groups, places, key: Vec::new(), sort: Vec::new(), row: Vec::new() }
    }

    /// What rows are gathered by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }

    /// Its state without rows.
    #[must_use]
    pub fn new_state(&self) -> KeyedState {
        KeyedState::new(self.plan.ttl_ms)
    }

    /// Whether `row` can be taken in.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        encode_keys(&self.plan.keys, row, &mut Vec::new())?;
        Ok(encode_order(&self.plan.top.order, row, &mut Vec::new())?)
    }

    /// Takes `row` in, or back; `now` is the host's clock in ms.
    pub fn add(&mut self, state: &mut KeyedState, row: &[Value<'_>], kind: RowKind, now: i64) -> Result<(), RowError> {
        encode_keys(&self.plan.keys, row, &mut self.key)?;
        encode_order(&self.plan.top.order, row, &mut self.sort)?;
        self.row.clear();
        self.plan.top.columns.iter().for_each(|(column, _)| encode_value(&row[*column], &mut self.row));
        let place = match self.places.get(&self.key) {
            Some(place) => *place,
            None => {
                state.expire(now)?;
                self.load(state)?
            }
        };
        let RankOperator { plan, groups, sort, row, .. } = self;
        let group = &mut groups[place];
        match (plan.retracts, kind.is_retraction()) {
            (false, _) => group.insert(sort, row, plan.top.most),
            (true, false) => group.put(state, sort, row),
            (true, true) => group.take_back(state, sort, row)?,
        }
        Ok(())
    }

    /// Brings the first rows of the present key from the state. Returns the group's place.
    fn load(&mut self, state: &mut KeyedState) -> Result<usize, RowError> {
        let before = self.first_rows(state, &self.key)?;
        let (mut first, mut next) = (Vec::new(), 0);
        if self.plan.retracts {
            let number = state.get(&[&self.key[..], &[NEXT]].concat())?;
            next = number.map_or(Ok(0), |number| number.try_into().map(u64::from_be_bytes).map_err(|_| DAMAGED))?;
        } else {
            first.clone_from(&before);
        }
        self.groups.push(Group { key: self.key.clone(), before, first, next });
        self.places.insert(self.key.clone(), self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    /// The first rows of a key in the state.
    fn first_rows(&self, state: &KeyedState, key: &[u8]) -> Result<Vec<Ranked>, RowError> {
        let prefix = [key, &[ROW]].concat();
        let rows = state.scan(&prefix).take(self.plan.top.most).map(|item| {
            let (at, row) = item?;
            Ok(Ranked { at: at[prefix.len()..].to_vec(), row: row.into_owned() })
        });
        rows.collect()
    }

    /// Hands what has changed to `take`, and puts it into the state.
    pub fn flush(&mut self, state: &mut KeyedState, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        self.places.clear();
        for group in std::mem::take(&mut self.groups) {
            let after = if self.plan.retracts {
                let first = self.first_rows(state, &group.key)?;
                let next = [&group.key[..], &[NEXT]].concat();
                if first.is_empty() {
                    state.delete(&next)?;
                } else {
                    state.put(&next, &group.next.to_be_bytes());
                }
                first
            } else {
                group.write(state)?;
                group.first
            };
            self.tell_changes(&group.key, (&group.before, &after), take)?;
        }
        Ok(())
    }

    /// Hands what is different between two lists of first rows to `take`.
    fn tell_changes(
        &self,
        key: &[u8],
        (before, after): (&[Ranked], &[Ranked]),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let from = self.plan.top.from - 1;
        let (before, after) = (before.get(from..).unwrap_or_default(), after.get(from..).unwrap_or_default());
        let mut tell = |at: usize, ranked: &Ranked, kind| self.tell(key, from + at + 1, &ranked.row, kind, take);
        if self.plan.shows_rank() || self.plan.top.from == self.plan.top.most {
            for at in 0..before.len().max(after.len()) {
                match (before.get(at), after.get(at)) {
                    (Some(before), Some(after)) if before.row != after.row => {
                        tell(at, before, RowKind::UpdateBefore)?;
                        tell(at, after, RowKind::UpdateAfter)?;
                    }
                    (Some(before), None) => tell(at, before, RowKind::Delete)?,
                    (None, Some(after)) => tell(at, after, RowKind::Insert)?,
                    (Some(_), Some(_)) | (None, None) => {}
                }
            }
            return Ok(());
        }
        // Both are in order.
        let is_in = |list: &[Ranked], row: &Ranked| list.binary_search_by(|other| other.at.cmp(&row.at)).is_ok();
        for (at, row) in before.iter().enumerate().filter(|(_, row)| !is_in(after, row)) {
            tell(at, row, RowKind::Delete)?;
        }
        for (at, row) in after.iter().enumerate().filter(|(_, row)| !is_in(before, row)) {
            tell(at, row, RowKind::Insert)?;
        }
        Ok(())
    }

    /// Hands the row of a rank to `take`.
    fn tell(
        &self,
        key: &[u8],
        rank: usize,
        mut columns: &[u8],
        kind: RowKind,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let (mut keys, mut values, mut rest) = (Vec::new(), Vec::new(), key);
        while !rest.is_empty() {
            keys.push(decode_value(&mut rest).ok_or(DAMAGED)?);
        }
        while !columns.is_empty() {
            values.push(decode_value(&mut columns).ok_or(DAMAGED)?);
        }
        let value = |field: &OutputField| match *field {
            OutputField::Key(at) => keys[at].clone(),
            OutputField::TopColumn(at) => values[at].clone(),
            OutputField::Rank => Value::Integer(rank as i64),
            // Without windows there is nothing else.
            _ => Value::Null,
        };
        let row: Vec<Value<'_>> = self.plan.output.iter().map(value).collect();
        take(&row, kind, &spread(key))
    }
}

impl Group {
    /// Puts a row among the first ones, if it is one, where none is taken back. Its number tells it from rows that are equal in order.
    fn insert(&mut self, sort: &[u8], row: &[u8], most: usize) {
        let place = self.first.partition_point(|other| &other.at[..other.at.len() - NUMBER_BYTES] <= sort);
        if place >= most {
            return;
        }
        let last = place.checked_sub(1).map(|before| &self.first[before].at);
        let number = match last.and_then(|at| at.split_last_chunk::<NUMBER_BYTES>()) {
            Some((other, number)) if other == sort => u64::from_be_bytes(*number) + 1,
            _ => 0,
        };
        let at = [sort, &number.to_be_bytes()].concat();
        self.first.insert(place, Ranked { at, row: row.to_vec() });
        self.first.truncate(most);
    }

    /// Puts the first rows into the state, where none is taken back.
    fn write(&self, state: &mut KeyedState) -> Result<(), RowError> {
        let name = |row: &Ranked| [&self.key[..], &[ROW], &row.at].concat();
        for row in &self.before {
            if self.first.binary_search_by(|other| other.at.cmp(&row.at)).is_err() {
                state.delete(&name(row))?;
            }
        }
        for row in &self.first {
            if self.before.binary_search_by(|other| other.at.cmp(&row.at)).map(|at| &self.before[at]) != Ok(row) {
                state.put(&name(row), &row.row);
            }
        }
        Ok(())
    }

    fn name(&self, sort: &[u8], number: &[u8]) -> Vec<u8> {
        [&self.key[..], &[ROW], sort, number].concat()
    }

    /// Rows of which few columns are kept may be many of the same; what orders them tells them apart.
    fn places(&self, sort: &[u8], row: &[u8]) -> Vec<u8> {
        [&self.key[..], &[PLACE], &murmur2(&[sort, row].concat()).to_be_bytes()].concat()
    }

    /// Puts a row in that may be taken back.
    fn put(&mut self, state: &mut KeyedState, sort: &[u8], row: &[u8]) {
        let number = self.next.to_be_bytes();
        self.next += 1;
        state.put(&self.name(sort, &number), row);
        state.put(&[&self.places(sort, row)[..], &number].concat(), &[]);
    }

    /// Takes the first of the rows that are like this one back. One that is not there, or is forgotten, is passed over (Flink: lenient).
    fn take_back(&mut self, state: &mut KeyedState, sort: &[u8], row: &[u8]) -> Result<(), RowError> {
        let places = self.places(sort, row);
        let mut found = None;
        for item in state.scan(&places) {
            let (place, _) = item?;
            let number = place.get(places.len()..).ok_or(DAMAGED)?.to_vec();
            let name = self.name(sort, &number);
            // Others may have the same hash.
            if state.scan(&name).next().transpose()?.is_some_and(|(_, other)| *other == *row) {
                found = Some((name, place.into_owned()));
                break;
            }
        }
        if let Some((name, place)) = found {
            state.delete(&name)?;
            state.delete(&place)?;
        }
        Ok(())
    }
}

/// Encodes what orders `row` into `to`, whose content is replaced; what is too long for a key is the record's fault.
fn encode_order(order: &[SortKey], row: &[Value<'_>], to: &mut Vec<u8>) -> Result<(), EvalError> {
    to.clear();
    order.iter().try_for_each(|key| key.expr.eval(row).map(|value| encode_place(key, &value, to)))?;
    check_length(to)
}

/// Appends what orders a row by one key.
fn encode_place(key: &SortKey, value: &Value<'_>, out: &mut Vec<u8>) {
    // What is not NULL is between both places of NULL.
    out.push(match (value.is_null(), key.nulls_first) {
        (true, true) => 0,
        (false, _) => 1,
        (true, false) => 2,
    });
    if !value.is_null() {
        encode_sorted(value, key.descending, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::DataType;
    use crate::plan::Top;

    /// The first by its second column of the rows of a key, which is the first column and all that is kept.
    fn operator() -> RankOperator {
        let column = |at| Expr::column(at, DataType::BigInt);
        let order = vec![SortKey { expr: column(1), descending: false, nulls_first: true }];
        let columns = vec![(0, DataType::BigInt)];
        let top = Top { order, latest_first: false, columns, from: 1, most: 1 };
        let output = vec![OutputField::TopColumn(0)];
        RankOperator::new(&Rank { keys: vec![column(0)], top, output, retracts: true, ttl_ms: None })
    }

    fn add(operator: &mut RankOperator, state: &mut KeyedState, sort: i64, kind: RowKind) {
        operator.add(state, &[Value::Integer(1), Value::Integer(sort)], kind, 0).unwrap();
    }

    fn flush(operator: &mut RankOperator, state: &mut KeyedState) {
        operator.flush(state, &mut |_, _, _| Ok(())).unwrap();
    }

    /// What is kept of a group without rows would be kept for ever.
    #[test]
    fn nothing_is_left_of_a_group_without_rows() {
        let (mut operator, mut state) = (operator(), operator().new_state());
        [3, 4].into_iter().for_each(|sort| add(&mut operator, &mut state, sort, RowKind::Insert));
        flush(&mut operator, &mut state);
        assert_eq!(state.scan(&[]).count(), 5, "two rows, their places, and the next number");
        [3, 4].into_iter().for_each(|sort| add(&mut operator, &mut state, sort, RowKind::Delete));
        flush(&mut operator, &mut state);
        assert_eq!(state.scan(&[]).count(), 0);
    }

    /// Taking a row back looks at those that have its hash: only at itself.
    #[test]
    fn rows_that_differ_only_in_order_have_different_places() {
        let (mut operator, mut state) = (operator(), operator().new_state());
        (0..100).for_each(|sort| add(&mut operator, &mut state, sort, RowKind::Insert));
        let group = &operator.groups[0];
        let prefix = [&group.key[..], &[PLACE]].concat();
        let hash = |place: &[u8]| place[prefix.len()..place.len() - NUMBER_BYTES].to_vec();
        let mut hashes: Vec<_> = state.scan(&prefix).map(|item| hash(&item.unwrap().0)).collect();
        hashes.dedup();
        assert_eq!(hashes.len(), 100);
    }
}
