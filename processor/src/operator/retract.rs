//! Aggregate functions over rows that may be taken back (Flink: the `*WithRetract` functions).
//!
//! COUNT, SUM and AVG count down. So a NaN, or an infinite number, that was once in a sum stays there when it is taken back, until the
//! group is gone, as in Flink (`SumWithRetractAggFunction`, `AvgAggFunction`: they subtract).
//!
//! MIN, MAX, FIRST_VALUE, LAST_VALUE and LISTAGG keep their values one by one (`kept.rs`), and their result in the accumulator. Where just
//! that was taken back, it is looked for again when the group is put out, however many values were taken back until then ([`Stale`]).

use super::aggregate;
use super::error::RowError;
use super::kept::KeptValues;
use crate::expr::{DataType, EvalError, MAX_DECIMAL_PRECISION, Value, decimal};
use crate::plan::{Aggregate, AggregateFunction};
use crate::state::{Accumulator, Counter, encode_sorted};

/// A call of which the result is to be looked for among its values before the group is put out.
#[derive(Clone, Copy, Debug)]
pub struct Stale {
    /// The number of the call.
    pub call: usize,
    /// Of LISTAGG and the like: how many bytes its values are together.
    pub bytes: usize,
}

const WRONG_TYPE: EvalError = EvalError::Shape("an aggregate's argument is not of its type");

/// The accumulator of a group without rows.
#[must_use]
pub fn initial(call: &Aggregate) -> Accumulator {
    use AggregateFunction::{Avg, Count, CountStar, Sum};
    let argument = call.argument.as_ref().map_or(DataType::Null, |argument| argument.data_type());
    match call.function {
        CountStar | Count => Accumulator::Count(0),
        // A sum is NULL once all its values are taken back, so they are counted.
        Sum | Avg if matches!(argument, DataType::Decimal { .. }) => Accumulator::DecimalMean(Box::new((Some(0), 0))),
        Sum | Avg if argument.is_approximate() => Accumulator::DoubleMean { sum: 0.0, count: Counter::default() },
        Sum | Avg => Accumulator::IntegerMean { sum: 0, count: Counter::default() },
        _ => Accumulator::Value(Box::new(Value::Null)),
    }
}

/// Counts a row of COUNT(*).
pub fn count(state: &mut Accumulator, retracts: bool) -> Result<(), EvalError> {
    let Accumulator::Count(count) = state else { return Err(WRONG_TYPE) };
    *count += if retracts { -1 } else { 1 };
    Ok(())
}

/// Takes a value that is not NULL into `state`, or back.
pub fn apply(
    call: &Aggregate,
    state: &mut Accumulator,
    value: Value<'_>,
    retracts: bool,
    (kept, stale): (&mut KeptValues<'_>, &mut Vec<Stale>),
) -> Result<(), RowError> {
    let one = if retracts { -1 } else { 1 };
    match (state, value) {
        (state @ Accumulator::Count(_), _) => count(state, retracts)?,
        (Accumulator::IntegerMean { sum, count }, Value::Integer(value)) => {
            *sum = if retracts { sum.wrapping_sub(value) } else { sum.wrapping_add(value) };
            count.add(one);
        }
        (Accumulator::DoubleMean { sum, count }, Value::Double(value)) => {
            let value = if retracts { -value } else { value };
            let is_float = call.function == AggregateFunction::Sum && call.result == DataType::Float;
            *sum = if is_float { f64::from(*sum as f32 + value as f32) } else { *sum + value };
            count.add(one);
        }
        (Accumulator::DecimalMean(mean), Value::Decimal(value)) => {
            let sum = mean.0.and_then(|sum| if retracts { sum.checked_sub(value) } else { sum.checked_add(value) });
            mean.0 = sum.filter(|sum| decimal::fits(*sum, MAX_DECIMAL_PRECISION));
            mean.1 += one;
        }
        (Accumulator::Value(result), value) => remembered(call, result, value, retracts, (kept, stale))?,
        _ => return Err(WRONG_TYPE.into()),
    }
    Ok(())
}

/// Functions that keep their values one by one.
fn remembered(
    call: &Aggregate,
    result: &mut Value<'static>,
    value: Value<'_>,
    retracts: bool,
    (kept, stale): (&mut KeptValues<'_>, &mut Vec<Stale>),
) -> Result<(), RowError> {
    use AggregateFunction::{Concat, First, Last, Max, Min};
    let known = stale.iter().position(|stale| stale.call == kept.call);
    let outdated = Stale { call: kept.call, bytes: 0 };
    match call.function {
        Min | Max => {
            let largest = call.function == Max;
            let changed = kept.changes_sorted(&value, largest, retracts)?;
            if known.is_some() {
                return Ok(());
            }
            let order = || sorted(&value, largest).cmp(&sorted(result, largest));
            if retracts {
                if changed && order().is_eq() {
                    stale.push(outdated);
                }
            } else if result.is_null() || order().is_lt() {
                *result = value.into_owned();
            }
        }
        First | Last if retracts => {
            if kept.remove(&value)? && known.is_none() && sorted(&value, false) == sorted(result, false) {
                stale.push(outdated);
            }
        }
        First => {
            kept.push(&value);
            if known.is_none() && result.is_null() {
                *result = value.into_owned();
            }
        }
        Last => {
            kept.push(&value);
            // Whatever was the last one before, this is it.
            known.map(|at| stale.remove(at));
            *result = value.into_owned();
        }
        Concat if retracts => {
            if kept.remove(&value)? {
                let length = aggregate::length(&value);
                match known {
                    Some(at) => stale[at].bytes = stale[at].bytes.saturating_sub(length),
                    None => {
                        let bytes = aggregate::length(result).saturating_sub(length);
                        stale.push(Stale { bytes, ..outdated });
                    }
                }
            }
        }
        Concat => {
            kept.push(&value);
            match known {
                Some(at) => stale[at].bytes += aggregate::length(&value),
                None => aggregate::concat(result, value)?,
            }
        }
        _ => return Err(EvalError::Shape("an aggregate that cannot take rows back").into()),
    }
    Ok(())
}

/// Looks for the result among the values that are left.
pub fn refresh(call: &Aggregate, state: &mut Accumulator, kept: &KeptValues<'_>) -> Result<(), RowError> {
    let Accumulator::Value(result) = state else { return Err(WRONG_TYPE.into()) };
    **result = match call.function {
        AggregateFunction::Concat => {
            let mut whole = Value::Null;
            kept.in_order()?.into_iter().try_for_each(|value| aggregate::concat(&mut whole, value))?;
            whole
        }
        AggregateFunction::First | AggregateFunction::Last => kept.first_in_order()?,
        _ => kept.first_sorted()?,
    };
    Ok(())
}

fn sorted(value: &Value<'_>, descending: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_sorted(value, descending, &mut bytes);
    bytes
}

/// The result for a group; borrows from `state`.
#[must_use]
pub fn result<'a>(call: &Aggregate, state: &'a Accumulator) -> Value<'a> {
    if call.function != AggregateFunction::Sum {
        return aggregate::result(call, state);
    }
    match state {
        Accumulator::IntegerMean { sum, count } if count.get() > 0 => Value::Integer(call.result.wrap(*sum)),
        Accumulator::DoubleMean { sum, count } if count.get() > 0 => Value::Double(*sum),
        Accumulator::DecimalMean(mean) => match **mean {
            (Some(sum), 1..) => Value::Decimal(sum),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}
