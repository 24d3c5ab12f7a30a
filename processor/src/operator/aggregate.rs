//! The aggregate functions: what each starts with, how a row changes it, what comes out.

use std::cmp::Ordering;

use super::top;
use crate::expr::library::sketch;
use crate::expr::{DataType, EvalError, MAX_DECIMAL_PRECISION, Value, decimal};
use crate::plan::{Aggregate, AggregateFunction};
use crate::state::{Accumulator, Counter, DistinctValues, encode_value};

/// The longest text of LISTAGG, and the most bytes of PERCENTILE's values, for one key of one window: each commit writes them.
const LONGEST: usize = 8 << 20;

const SET_FULL: EvalError = EvalError::Shape("the different values of one DISTINCT take more than 4 GiB");

/// The accumulator of a key without rows.
#[must_use]
pub fn initial(aggregate: &Aggregate) -> Accumulator {
    if aggregate.distinct { Accumulator::Distinct(Box::default()) } else { initial_plain(aggregate) }
}

/// The same as if each value counted, where somebody else sees to it that a value comes once only.
#[must_use]
pub fn initial_plain(aggregate: &Aggregate) -> Accumulator {
    use AggregateFunction::{Avg, Concat, Count, CountStar, Sketch, Top};
    let argument = aggregate.argument.as_ref().map_or(DataType::Null, |argument| argument.data_type());
    match (aggregate.function, argument) {
        (Top, _) => Accumulator::Ranked(Box::default()),
        (Sketch | Concat, _) => Accumulator::Value(Box::new(Value::Null)),
        (CountStar | Count, _) => Accumulator::Count(0),
        (Avg, DataType::Decimal { .. }) => Accumulator::DecimalMean(Box::new((Some(0), 0))),
        (Avg, other) if other.is_approximate() => Accumulator::DoubleMean { sum: 0.0, count: Counter::default() },
        (Avg, _) => Accumulator::IntegerMean { sum: 0, count: Counter::default() },
        (_, other) if other.is_integer() || other.is_interval() => Accumulator::NoInteger,
        (_, other) if other.is_approximate() => Accumulator::NoDouble,
        _ => Accumulator::Value(Box::new(Value::Null)),
    }
}

/// Whether [`add`] may meet a row that it cannot compute: columns alone always can be.
#[must_use]
pub fn may_fail(aggregate: &Aggregate) -> bool {
    aggregate.argument.iter().chain(&aggregate.filter).any(|part| part.as_column().is_none())
        || matches!(aggregate.function, AggregateFunction::Concat | AggregateFunction::Top)
}

/// Whether `row` can be computed, without taking it into anything.
pub fn check(aggregate: &Aggregate, row: &[Value<'_>]) -> Result<(), EvalError> {
    let counts = aggregate.filter.as_ref().map_or(Ok(true), |filter| filter.eval_condition(row))?;
    if let Some(top) = &aggregate.top {
        return top::check(top, row);
    }
    match &aggregate.argument {
        Some(argument) if counts => argument.eval(row).map(drop),
        _ => Ok(()),
    }
}

/// Takes `row` into `state`.
pub fn add(aggregate: &Aggregate, state: &mut Accumulator, row: &[Value<'_>]) -> Result<(), EvalError> {
    if let Some(filter) = &aggregate.filter
        && !filter.eval_condition(row)?
    {
        return Ok(());
    }
    let Some(argument) = &aggregate.argument else {
        return match (state, &aggregate.top) {
            (Accumulator::Count(count), _) => {
                *count += 1;
                Ok(())
            }
            (Accumulator::Ranked(rows), Some(top)) => top::add(top, rows, row),
            _ => Err(EvalError::Shape("an aggregate without argument is not COUNT(*)")),
        };
    };
    // What most calls are over need not be copied.
    if let Some(Value::Integer(value)) = argument.as_column().and_then(|column| row.get(column))
        && add_integer(aggregate, state, *value)
    {
        return Ok(());
    }
    let value = argument.eval(row)?;
    if value.is_null() {
        return Ok(());
    }
    add_value(aggregate, state, value)
}

/// Takes an integer into a sum of integers, the least or the largest of them; false if `state` is something else.
#[inline]
fn add_integer(aggregate: &Aggregate, state: &mut Accumulator, value: i64) -> bool {
    match state {
        Accumulator::Integer(before) => *before = integer(aggregate, *before, value),
        Accumulator::NoInteger => *state = Accumulator::Integer(value),
        _ => return false,
    }
    true
}

/// As [`add_integer`] for FLOAT and DOUBLE.
#[inline]
fn add_double(aggregate: &Aggregate, state: &mut Accumulator, value: f64) -> bool {
    match state {
        Accumulator::Double(before) => *before = double(aggregate, *before, value),
        Accumulator::NoDouble => *state = Accumulator::Double(value),
        _ => return false,
    }
    true
}

/// Takes a value that is not NULL into `state`.
pub fn add_value(aggregate: &Aggregate, state: &mut Accumulator, value: Value<'_>) -> Result<(), EvalError> {
    match (state, value) {
        (Accumulator::Count(count), _) => *count += 1,
        (state @ (Accumulator::NoInteger | Accumulator::Integer(_)), Value::Integer(value)) => {
            add_integer(aggregate, state, value);
        }
        (state @ (Accumulator::NoDouble | Accumulator::Double(_)), Value::Double(value)) => {
            add_double(aggregate, state, value);
        }
        (Accumulator::Value(state), value) => other(aggregate, state, value)?,
        (Accumulator::IntegerMean { sum, count }, Value::Integer(value)) => {
            *sum = sum.wrapping_add(value);
            count.add(1);
        }
        (Accumulator::DoubleMean { sum, count }, Value::Double(value)) => {
            *sum += value;
            count.add(1);
        }
        (Accumulator::DecimalMean(mean), Value::Decimal(value)) => {
            mean.0 = mean.0.and_then(|sum| decimal_sum(sum, value));
            mean.1 += 1;
        }
        (Accumulator::Distinct(values), value) => return if values.add(&value) { Ok(()) } else { Err(SET_FULL) },
        _ => return Err(EvalError::Shape("an aggregate's argument is not of its type")),
    }
    Ok(())
}

fn integer(aggregate: &Aggregate, before: i64, value: i64) -> i64 {
    match aggregate.function {
        AggregateFunction::Min => before.min(value),
        AggregateFunction::Max => before.max(value),
        AggregateFunction::First => before,
        AggregateFunction::Last => value,
        _ => aggregate.result.wrap(before.wrapping_add(value)),
    }
}

/// Java's comparisons: a NaN is neither smaller nor larger, so it stays if it came first and is passed over otherwise.
fn double(aggregate: &Aggregate, before: f64, value: f64) -> f64 {
    match aggregate.function {
        AggregateFunction::Min => {
            if value < before {
                value
            } else {
                before
            }
        }
        AggregateFunction::Max => {
            if value > before {
                value
            } else {
                before
            }
        }
        AggregateFunction::First => before,
        AggregateFunction::Last => value,
        _ if aggregate.result == DataType::Float => f64::from(before as f32 + value as f32),
        _ => before + value,
    }
}

fn decimal_sum(sum: i128, value: i128) -> Option<i128> {
    sum.checked_add(value).filter(|sum| decimal::fits(*sum, MAX_DECIMAL_PRECISION))
}

fn other(aggregate: &Aggregate, state: &mut Value<'static>, value: Value<'_>) -> Result<(), EvalError> {
    let wanted = match aggregate.function {
        AggregateFunction::Sum => {
            *state = match (&*state, &value) {
                // Flink: a sum that has overflown is NULL, and a NULL sum begins anew with the next value.
                (Value::Null, _) => value.into_owned(),
                (Value::Decimal(sum), Value::Decimal(more)) => {
                    decimal_sum(*sum, *more).map_or(Value::Null, Value::Decimal)
                }
                _ => return Err(EvalError::Shape("SUM of values that are no numbers")),
            };
            return Ok(());
        }
        AggregateFunction::First => {
            if state.is_null() {
                *state = value.into_owned();
            }
            return Ok(());
        }
        AggregateFunction::Last => {
            *state = value.into_owned();
            return Ok(());
        }
        AggregateFunction::Concat => return concat(state, value),
        AggregateFunction::Sketch => {
            let mut bytes = Vec::new();
            encode_value(&value, &mut bytes);
            if state.is_null() {
                *state = Value::Bytes(Vec::new().into());
            }
            let Value::Bytes(kept) = state else { return Err(EvalError::Shape("a sketch is no bytes")) };
            sketch::add(kept.to_mut(), &bytes);
            return Ok(());
        }
        AggregateFunction::Min => Ordering::Less,
        _ => Ordering::Greater,
    };
    if state.is_null() || compare(&value, state)? == wanted {
        *state = value.into_owned();
    }
    Ok(())
}

/// The bytes of a text or of bytes.
#[must_use]
pub fn length(value: &Value<'_>) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// Whether one of several calls puts texts behind one another, so that a row may have room in some of them only: [`check_room`] tells.
#[must_use]
pub fn may_lack_room(calls: &[Aggregate]) -> bool {
    calls.len() > 1 && calls.iter().any(|call| call.function == AggregateFunction::Concat && !call.distinct)
}

/// Whether `row` has room in all of `states`, so that it is taken into all of them or into none.
pub fn check_room(calls: &[Aggregate], states: &[Accumulator], row: &[Value<'_>]) -> Result<(), EvalError> {
    for (call, state) in calls.iter().zip(states) {
        let (Accumulator::Value(text), Some(argument)) = (state, &call.argument) else { continue };
        if call.function == AggregateFunction::Concat
            && call.filter.as_ref().map_or(Ok(true), |filter| filter.eval_condition(row))?
        {
            has_room(length(text), &argument.eval(row)?)?;
        }
    }
    Ok(())
}

/// Whether a text has room behind so many bytes.
pub fn has_room(bytes: usize, value: &Value<'_>) -> Result<(), EvalError> {
    if bytes + length(value) > LONGEST {
        return Err(EvalError::TooLong { function: "an aggregate", most: LONGEST });
    }
    Ok(())
}

/// Puts a text or bytes behind what there is.
pub fn concat(state: &mut Value<'static>, value: Value<'_>) -> Result<(), EvalError> {
    has_room(length(state), &value)?;
    match (&mut *state, value) {
        (Value::Null, value) => *state = value.into_owned(),
        (Value::String(text), Value::String(more)) => text.to_mut().push_str(&more),
        (Value::Bytes(bytes), Value::Bytes(more)) => bytes.to_mut().extend_from_slice(&more),
        _ => return Err(EvalError::Shape("values of two kinds in a row")),
    }
    Ok(())
}

fn sketch_of<'s>(state: &'s Value<'_>) -> &'s [u8] {
    match state {
        Value::Bytes(sketch) => sketch,
        _ => &[],
    }
}

fn compare(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, EvalError> {
    Ok(match (left, right) {
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        // Flink compares texts by their UTF-8 bytes (BinaryStringData).
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) | (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        _ => return Err(EvalError::Shape("MIN or MAX over values of different types")),
    })
}

/// Takes the rows that `from` has seen into `into`; both are of the same call.
pub fn merge(aggregate: &Aggregate, into: &mut Accumulator, from: &Accumulator) -> Result<(), EvalError> {
    use Accumulator as A;
    match (into, from) {
        (A::Count(count), A::Count(more)) => *count += more,
        (A::NoInteger | A::Integer(_), A::NoInteger) | (A::NoDouble | A::Double(_), A::NoDouble) => {}
        (state @ (A::NoInteger | A::Integer(_)), A::Integer(value)) => {
            add_integer(aggregate, state, *value);
        }
        (state @ (A::NoDouble | A::Double(_)), A::Double(value)) => {
            add_double(aggregate, state, *value);
        }
        (A::Value(_), A::Value(value)) if value.is_null() => {}
        (A::Value(state), A::Value(value)) if aggregate.function == AggregateFunction::Sketch => {
            **state = Value::Bytes(sketch::merged(sketch_of(state), sketch_of(value)).into());
        }
        (A::Value(state), A::Value(value)) => other(aggregate, state, value.borrowed())?,
        (A::IntegerMean { sum, count }, A::IntegerMean { sum: more, count: rows }) => {
            *sum = sum.wrapping_add(*more);
            count.add(rows.get());
        }
        (A::DoubleMean { sum, count }, A::DoubleMean { sum: more, count: rows }) => {
            *sum += more;
            count.add(rows.get());
        }
        (A::DecimalMean(into), A::DecimalMean(from)) => {
            into.0 = into.0.zip(from.0).and_then(|(sum, more)| decimal_sum(sum, more));
            into.1 += from.1;
        }
        (A::Ranked(into), A::Ranked(from)) => {
            let top = aggregate.top.as_deref().ok_or(EvalError::Shape("rows are ranked by no order"))?;
            return top::merge(top, into, from);
        }
        (A::Distinct(into), A::Distinct(from)) => return if into.merge(from) { Ok(()) } else { Err(SET_FULL) },
        _ => return Err(EvalError::Shape("slices of one window have different accumulators")),
    }
    Ok(())
}

/// The result for a key; borrows from `state`.
#[must_use]
pub fn result<'a>(aggregate: &Aggregate, state: &'a Accumulator) -> Value<'a> {
    match state {
        Accumulator::Count(count) => Value::Integer(*count),
        Accumulator::Integer(value) => Value::Integer(*value),
        Accumulator::Double(value) => Value::Double(*value),
        Accumulator::NoInteger | Accumulator::NoDouble => Value::Null,
        Accumulator::Value(value) => value.borrowed(),
        Accumulator::IntegerMean { sum, count } => match count.get() {
            0 => Value::Null,
            count => Value::Integer(aggregate.result.wrap(sum.wrapping_div(count))),
        },
        Accumulator::DoubleMean { sum, count } => match count.get() {
            0 => Value::Null,
            count if aggregate.result == DataType::Float => Value::Double(f64::from((sum / count as f64) as f32)),
            count => Value::Double(sum / count as f64),
        },
        Accumulator::DecimalMean(mean) => match **mean {
            (Some(sum), count) if count > 0 => {
                let scale = aggregate.argument.as_ref().map_or(0, |argument| decimal::scale_of(argument.data_type()));
                decimal::divide_by_count(sum, scale, count, aggregate.result)
            }
            _ => Value::Null,
        },
        // Rows are no aggregate's.
        Accumulator::Rows(_) | Accumulator::Ranked(_) => Value::Null,
        Accumulator::Distinct(values) | Accumulator::MoreDistinct(_, values) => over_distinct(aggregate, values),
    }
}

/// The function applied to each of the different values, in the order of their first coming as in Flink.
fn over_distinct(aggregate: &Aggregate, values: &DistinctValues) -> Value<'static> {
    if aggregate.function == AggregateFunction::Count {
        return Value::Integer(values.len() as i64);
    }
    let plain = Aggregate { distinct: false, ..aggregate.clone() };
    let mut state = initial(&plain);
    for value in values.values() {
        // The values were of the argument's type when they came in.
        if add_value(&plain, &mut state, value).is_err() {
            return Value::Null;
        }
    }
    result(&plain, &state).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expr;

    fn over(
        function: AggregateFunction,
        argument: DataType,
        result: DataType,
        values: &[Value<'static>],
    ) -> Value<'static> {
        let aggregate = Aggregate {
            function,
            distinct: false,
            argument: Some(Expr::column(0, argument)),
            filter: None,
            result,
            top: None,
        };
        let mut state = initial(&aggregate);
        for value in values {
            add(&aggregate, &mut state, std::slice::from_ref(value)).unwrap();
        }
        super::result(&aggregate, &state).into_owned()
    }

    fn integers(values: &[i64]) -> Vec<Value<'static>> {
        values.iter().map(|value| Value::Integer(*value)).collect()
    }

    /// Measured on Flink 2.2.1: AVG(BIGINT) of 1, 2, 2 is 1; over NULLs COUNT is 0 and the others are NULL.
    #[test]
    fn integers_as_in_flink() {
        use AggregateFunction::{Avg, Count, Max, Min, Sum};
        let big = DataType::BigInt;
        assert_eq!(over(Avg, big, big, &integers(&[1, 2, 2])), Value::Integer(1));
        assert_eq!(over(Avg, big, big, &integers(&[-1, -2, -2])), Value::Integer(-1));
        assert_eq!(over(Sum, big, big, &integers(&[i64::MAX, 1])), Value::Integer(i64::MIN));
        let int = DataType::Int;
        assert_eq!(over(Sum, int, int, &integers(&[i64::from(i32::MAX), 1])), Value::Integer(i64::from(i32::MIN)));
        assert_eq!(over(Min, big, big, &integers(&[3, -1, 2])), Value::Integer(-1));
        assert_eq!(over(Max, big, big, &integers(&[3, -1, 2])), Value::Integer(3));
        for function in [Sum, Min, Max, Avg] {
            assert_eq!(over(function, big, big, &[Value::Null]), Value::Null);
        }
        assert_eq!(over(Count, big, big, &[Value::Null]), Value::Integer(0));
        assert_eq!(over(Count, big, big, &[Value::Null, Value::Integer(1)]), Value::Integer(1));
    }

    fn distinct(function: AggregateFunction, values: &[Value<'static>]) -> Value<'static> {
        let argument = Some(Expr::column(0, DataType::BigInt));
        let aggregate =
            Aggregate { function, distinct: true, argument, filter: None, result: DataType::BigInt, top: None };
        let (mut one, mut two) = (initial(&aggregate), initial(&aggregate));
        for (at, value) in values.iter().enumerate() {
            let state = if at % 2 == 0 { &mut one } else { &mut two };
            add(&aggregate, state, std::slice::from_ref(value)).unwrap();
        }
        merge(&aggregate, &mut one, &two).unwrap();
        super::result(&aggregate, &one).into_owned()
    }

    /// NULLs are passed over, equal values count once, also when they come from different slices.
    #[test]
    fn distinct_values_count_once() {
        use AggregateFunction::{Avg, Count, Sum};
        let values: Vec<_> = integers(&[3, 3, 4, 3, 4]).into_iter().chain([Value::Null]).collect();
        assert_eq!(distinct(Count, &values), Value::Integer(2));
        assert_eq!(distinct(Sum, &values), Value::Integer(7));
        assert_eq!(distinct(Avg, &values), Value::Integer(3));
        assert_eq!(distinct(Count, &[Value::Null]), Value::Integer(0));
        assert_eq!(distinct(Sum, &[Value::Null]), Value::Null);
    }

    #[test]
    fn decimals_as_in_flink() {
        use AggregateFunction::{Avg, Sum};
        let argument = DataType::Decimal { precision: 10, scale: 2 };
        let mean = DataType::Decimal { precision: 38, scale: 6 };
        let decimals = |values: &[i128]| values.iter().map(|value| Value::Decimal(*value)).collect::<Vec<_>>();
        // 0.01, 0.01 and 0.00: 0.02 / 3 = 0.006667 rounded to six digits.
        assert_eq!(over(Avg, argument, mean, &decimals(&[1, 1, 0])), Value::Decimal(6_667));
        assert_eq!(over(Avg, argument, mean, &decimals(&[-1, -1, 0])), Value::Decimal(-6_667));
        let total = DataType::Decimal { precision: 38, scale: 2 };
        assert_eq!(over(Sum, argument, total, &decimals(&[150, -50])), Value::Decimal(100));
        assert_eq!(over(Sum, argument, total, &decimals(&[10i128.pow(38) - 1, 1])), Value::Null);
    }

    #[test]
    fn texts_and_doubles() {
        use AggregateFunction::{Avg, Max, Min, Sum};
        let texts = [Value::text("b"), Value::text("ä"), Value::text("a")];
        assert_eq!(over(Min, DataType::STRING, DataType::STRING, &texts), Value::text("a"));
        assert_eq!(over(Max, DataType::STRING, DataType::STRING, &texts), Value::text("ä"));
        let doubles = [Value::Double(1.0), Value::Double(2.0)];
        assert_eq!(over(Avg, DataType::Double, DataType::Double, &doubles), Value::Double(1.5));
        let float = f64::from(0.1f32);
        let floats = [Value::Double(float), Value::Double(f64::from(0.2f32))];
        assert_eq!(over(Sum, DataType::Float, DataType::Float, &floats), Value::Double(f64::from(0.1f32 + 0.2f32)));
    }
}
