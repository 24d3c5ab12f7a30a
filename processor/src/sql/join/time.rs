//! How far apart in time rows are that a join's conditions let meet: in equal windows, or between two bounds.

use sqlparser::tokenizer::Span;

use super::super::error::SqlError;
use super::super::relation::{Relation, Windowing};
use super::conditions::Parts;
use crate::expr::{Comparison, DataType, Expr, Node, Value};
use crate::plan::{JoinTime, Window};

/// Whether windows of both sides are equal: then the windows that rows are in afterwards, and the columns of window_end.
pub(super) fn window(
    left: &Relation,
    right: &Relation,
    parts: &mut Parts,
    span: Span,
) -> Result<Option<(Windowing, [usize; 2])>, SqlError> {
    let (Some(ours), Some(theirs)) = (&left.windowing, &right.windowing) else { return Ok(None) };
    let column = |relation: &Relation, bound: &Expr| relation.fields.iter().position(|field| field.expr == *bound);
    let equation = |parts: &Parts, ours: &Expr, theirs: &Expr| {
        let is = |expr: &Expr, relation: &Relation, bound: &Expr| {
            expr.as_column().and_then(|at| relation.fields.get(at)).is_some_and(|field| field.expr == *bound)
        };
        parts.equal.iter().position(|(a, b, _)| is(a, left, ours) && is(b, right, theirs))
    };
    let (start, end) = (equation(parts, &ours.start, &theirs.start), equation(parts, &ours.end, &theirs.end));
    let (Some(start), Some(_)) = (start, end) else { return Ok(None) };
    if ours.spec != theirs.spec {
        return Err(SqlError::new(span, "both sides of a window join must have the same windows")
            .hint("give both the same function with the same sizes"));
    }
    let (Some(our_end), Some(their_end)) = (column(left, &ours.end), column(right, &theirs.end)) else {
        return Ok(None);
    };
    // The start of the window is the first key, its end the time.
    let start = parts.equal.remove(start);
    let end = equation(parts, &ours.end, &theirs.end);
    end.into_iter().for_each(|end| drop(parts.equal.remove(end)));
    parts.equal.insert(0, start);
    let at = |bound: &Expr| {
        column(left, bound).map_or(Expr::literal(Value::Null, DataType::Null), |at| Expr::column(at, bound.data_type()))
    };
    let windowing = Windowing {
        window: Window::Attached,
        spec: ours.spec.clone(),
        time: at(&ours.end),
        keys: Vec::new(),
        start: at(&ours.start),
        end: at(&ours.end),
        last: at(&ours.last),
    };
    Ok(Some((windowing, [our_end, their_end])))
}

/// Whether conditions say how far apart in time rows are: between which bounds, and the columns of event time.
pub(super) fn interval(left: &Relation, right: &Relation, parts: &mut Parts) -> Option<(JoinTime, [usize; 2])> {
    let rowtime = |relation: &Relation| {
        relation.fields.iter().enumerate().filter(|(_, field)| field.rowtime).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (ours, theirs) = (rowtime(left), rowtime(right));
    let width = parts.width;
    for our in &ours {
        for their in &theirs {
            let (mut lower, mut upper, mut used) = (None::<i64>, None::<i64>, Vec::new());
            let equations = parts.equal.iter().map(|(_, _, whole)| whole);
            for (number, condition) in parts.pairs.iter().chain(equations).enumerate() {
                let Some([low, high]) = bounds(condition, *our, width + their) else { continue };
                lower = low.into_iter().chain(lower).max();
                upper = high.into_iter().chain(upper).min();
                used.push(number);
            }
            let (Some(lower_ms), Some(upper_ms)) = (lower, upper) else { continue };
            let pairs = parts.pairs.len();
            let mut number = 0;
            parts.pairs.retain(|_| {
                number += 1;
                !used.contains(&(number - 1))
            });
            let mut number = pairs;
            parts.equal.retain(|_| {
                number += 1;
                !used.contains(&(number - 1))
            });
            // No pair is in an empty interval.
            let upper_ms = upper_ms.max(lower_ms.saturating_sub(1));
            return Some((JoinTime::Interval { lower_ms, upper_ms }, [*our, *their]));
        }
    }
    None
}

/// What a condition says of the difference, in ms, of the column `our` less the column `their`: at least, at most.
fn bounds(condition: &Expr, our: usize, their: usize) -> Option<[Option<i64>; 2]> {
    let Node::Compare(comparison, a, b) = condition.node() else { return None };
    let ((at, plus), (other, other_plus)) = (time_plus(a)?, time_plus(b)?);
    // at + plus ? other + other_plus
    let (difference, turned) = match (at, other) {
        pair if pair == (our, their) => (other_plus.checked_sub(plus)?, false),
        pair if pair == (their, our) => (plus.checked_sub(other_plus)?, true),
        _ => return None,
    };
    let at_least = |ms: i64| [Some(ms), None];
    let at_most = |ms: i64| [None, Some(ms)];
    Some(match (comparison, turned) {
        (Comparison::Equal, _) => [Some(difference), Some(difference)],
        (Comparison::GreaterOrEqual, false) | (Comparison::LessOrEqual, true) => at_least(difference),
        (Comparison::Greater, false) | (Comparison::Less, true) => at_least(difference.checked_add(1)?),
        (Comparison::LessOrEqual, false) | (Comparison::GreaterOrEqual, true) => at_most(difference),
        (Comparison::Less, false) | (Comparison::Greater, true) => at_most(difference.checked_sub(1)?),
        (Comparison::NotEqual, _) => return None,
    })
}

/// A column, and how many ms are added to it.
fn time_plus(expr: &Expr) -> Option<(usize, i64)> {
    if let Some(column) = expr.as_column() {
        return Some((column, 0));
    }
    let Node::PlusInterval { input, interval, negative } = expr.node() else { return None };
    let (column, plus) = time_plus(input)?;
    match (interval.data_type(), interval.as_literal()) {
        (DataType::IntervalDayTime, Some(Value::Integer(ms))) => {
            Some((column, if *negative { plus.checked_sub(*ms)? } else { plus.checked_add(*ms)? }))
        }
        _ => None,
    }
}
