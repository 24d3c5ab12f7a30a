//! The first rows of each key of a window: how a row finds its rank, and what comes out.

use std::cmp::Ordering;

use super::error::RowError;
use super::window::{TakeRow, spread_by_key};
use crate::expr::{EvalError, Value, compare};
use crate::format::recycle;
use crate::plan::{OutputField, RowKind, SortKey, Top, WindowAggregate};
use crate::state::{RankedRows, decode_value, encode_value};

const FULL: EvalError = EvalError::Shape("the first rows of one key take more than 8 MiB");
const UNREADABLE: EvalError = EvalError::Shape("a ranked row cannot be read back");

/// Whether `row` can be ranked.
pub fn check(top: &Top, row: &[Value<'_>]) -> Result<(), EvalError> {
    top.order.iter().try_for_each(|key| key.expr.eval(row).map(drop))
}

/// Takes `row` in, if it is one of the first.
pub fn add(top: &Top, rows: &mut RankedRows, row: &[Value<'_>]) -> Result<(), EvalError> {
    let order = top.order.iter().map(|key| key.expr.eval(row)).collect::<Result<Vec<_>, _>>()?;
    let at = rank(top, rows, &order)?;
    if at >= top.most {
        return Ok(());
    }
    let mut bytes = Vec::new();
    order.iter().for_each(|value| encode_value(value, &mut bytes));
    top.columns.iter().for_each(|(column, _)| encode_value(&row[*column], &mut bytes));
    if rows.insert(at, &bytes, top.most) { Ok(()) } else { Err(FULL) }
}

/// Takes the rows of `from` in, which came later.
pub fn merge(top: &Top, into: &mut RankedRows, from: &RankedRows) -> Result<(), EvalError> {
    for row in from.rows() {
        let mut rest = row;
        let order = (0..top.order.len()).map(|_| decode_value(&mut rest).ok_or(UNREADABLE));
        let order = order.collect::<Result<Vec<_>, _>>()?;
        let at = rank(top, into, &order)?;
        if at >= top.most {
            break;
        }
        if !into.insert(at, row, top.most) {
            return Err(FULL);
        }
    }
    Ok(())
}

/// Where a row of these values belongs, from 0.
fn rank(top: &Top, rows: &RankedRows, order: &[Value<'_>]) -> Result<usize, EvalError> {
    let mut failure = None;
    let at = rows.place(|other| match compare_rows(&top.order, other, order) {
        Ok(Ordering::Equal) => !top.latest_first,
        Ok(found) => found.is_lt(),
        Err(error) => {
            failure = Some(error);
            true
        }
    });
    failure.map_or(Ok(at), Err)
}

/// The order of an encoded row and one of these values.
fn compare_rows(keys: &[SortKey], mut encoded: &[u8], order: &[Value<'_>]) -> Result<Ordering, EvalError> {
    for (key, value) in keys.iter().zip(order) {
        let other = decode_value(&mut encoded).ok_or(UNREADABLE)?;
        let found = match (other.is_null(), value.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                // As in Flink NaN is equal to all.
                let found = compare(&other, value)?.unwrap_or(Ordering::Equal);
                if key.descending { found.reverse() } else { found }
            }
        };
        if found.is_ne() {
            return Ok(found);
        }
    }
    Ok(Ordering::Equal)
}

/// Hands the rows of one key of a window to `take`, by their rank; `scratch` is room for a row.
pub fn emit(
    plan: &WindowAggregate,
    top: &Top,
    (start, end): (i64, i64),
    (key, rows): (&[u8], &RankedRows),
    scratch: &mut Vec<Value<'static>>,
    take: &mut TakeRow<'_>,
) -> Result<(), RowError> {
    let mut row: Vec<Value<'_>> = std::mem::take(scratch);
    let mut rest = key;
    while !rest.is_empty() {
        row.push(decode_value(&mut rest).ok_or(EvalError::Shape("a group key cannot be read back"))?);
    }
    let keys = row.len();
    for (at, mut bytes) in rows.rows().enumerate().skip(top.from.saturating_sub(1)) {
        row.truncate(keys);
        for number in 0..top.order.len() + top.columns.len() {
            let value = decode_value(&mut bytes).ok_or(UNREADABLE)?;
            if number >= top.order.len() {
                row.push(value);
            }
        }
        let own = row.len();
        for field in &plan.output {
            row.push(match *field {
                OutputField::Key(at) => row[at].clone(),
                OutputField::TopColumn(at) => row[keys + at].clone(),
                OutputField::Rank => Value::Integer(at as i64 + 1),
                OutputField::WindowStart => Value::timestamp(start),
                OutputField::WindowEnd => Value::timestamp(end),
                OutputField::WindowTime => Value::timestamp(end.saturating_sub(1)),
                // There is no other aggregate.
                OutputField::Aggregate(_) => Value::Null,
            });
        }
        take(&row[own..], RowKind::Insert, spread_by_key(&row[..keys], key))?;
    }
    *scratch = recycle(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{DataType, Expr};

    fn top(descending: bool, nulls_first: bool, most: usize) -> Top {
        let order = vec![SortKey { expr: Expr::column(0, DataType::BigInt), descending, nulls_first }];
        Top { order, latest_first: false, columns: vec![(1, DataType::BigInt)], from: 1, most }
    }

    /// The second values of the rows that are kept.
    fn kept(rows: &RankedRows) -> Vec<i64> {
        let second = |mut row: &[u8]| {
            decode_value(&mut row).unwrap();
            match decode_value(&mut row) {
                Some(Value::Integer(second)) => second,
                other => panic!("{other:?}"),
            }
        };
        rows.rows().map(second).collect()
    }

    fn of(top: &Top, rows: &[(Option<i64>, i64)]) -> RankedRows {
        let mut kept = RankedRows::default();
        for (first, second) in rows {
            add(top, &mut kept, &[first.map_or(Value::Null, Value::Integer), Value::Integer(*second)]).unwrap();
        }
        kept
    }

    const ROWS: [(Option<i64>, i64); 6] =
        [(Some(2), 0), (None, 1), (Some(5), 2), (Some(2), 3), (None, 4), (Some(-7), 5)];

    #[test]
    fn nulls_and_ties_have_their_place() {
        assert_eq!(kept(&of(&top(false, true, 9), &ROWS)), [1, 4, 5, 0, 3, 2]);
        assert_eq!(kept(&of(&top(false, false, 9), &ROWS)), [5, 0, 3, 2, 1, 4]);
        assert_eq!(kept(&of(&top(true, false, 9), &ROWS)), [2, 0, 3, 5, 1, 4]);
        assert_eq!(kept(&of(&top(true, true, 3), &ROWS)), [1, 4, 2]);
        assert_eq!(kept(&of(&Top { latest_first: true, ..top(true, true, 1) }, &ROWS)), [4]);
    }

    /// However rows are divided among tasks, the same come out.
    #[test]
    fn what_is_ranked_apart_is_ranked_together() {
        for most in [1, 3, 9] {
            for cut in 0..=ROWS.len() {
                let top = top(true, false, most);
                let (mut first, second) = (of(&top, &ROWS[..cut]), of(&top, &ROWS[cut..]));
                merge(&top, &mut first, &second).unwrap();
                assert_eq!(first, of(&top, &ROWS), "{most} of rows cut at {cut}");
            }
        }
    }
}
