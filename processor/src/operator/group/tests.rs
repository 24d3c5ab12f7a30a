//! Groups of rows that are taken back: what that costs, and that a record counts whole or not at all.
use super::*;
use crate::expr::{DataType, Expr};

/// The longest text of LISTAGG.
const LONGEST: usize = 8 << 20;

fn call(function: AggregateFunction, column: usize, data_type: DataType) -> Aggregate {
    let argument = Some(Expr::column(column, data_type));
    Aggregate { function, distinct: false, argument, filter: None, result: data_type, top: None }
}

fn operator(aggregates: Vec<Aggregate>, retracts: bool) -> GroupOperator {
    let output = (0..aggregates.len()).map(OutputField::Aggregate).collect();
    let plan = GroupAggregate { keys: Vec::new(), aggregates, output, retracts, ttl_ms: None };
    GroupOperator::new(&plan)
}

fn flushed(operator: &mut GroupOperator, state: &mut KeyedState) -> Vec<Vec<Value<'static>>> {
    let mut rows = Vec::new();
    let mut take = |row: &[Value<'_>], kind: RowKind, _: &[u8]| {
        if !kind.is_retraction() {
            rows.push(row.iter().map(|value| value.clone().into_owned()).collect());
        }
        Ok(())
    };
    operator.flush(state, &mut take).unwrap();
    rows
}

/// This takes minutes if the next result is looked for at each retraction, or among what is gone.
#[test]
fn taking_back_many_results_is_not_quadratic() {
    use AggregateFunction::{Concat, First, Last, Max, Min};
    const ROWS: i64 = 20_000;
    let number = DataType::BigInt;
    let calls = [Max, Min, First, Last].into_iter().map(|function| call(function, 0, number));
    let calls = calls.chain([call(Concat, 1, DataType::STRING)]).collect();
    let mut operator = operator(calls, true);
    let mut state = operator.new_state();
    let row = |n: i64| [Value::Integer(n), Value::text("x")];
    for n in 0..ROWS {
        operator.add(&mut state, &row(n), RowKind::Insert, 0).unwrap();
    }
    flushed(&mut operator, &mut state);
    state.write_changes(&mut |_, _| {});
    // From both ends, so that each is the result of some function when it goes.
    for n in (0..ROWS / 2 - 1).flat_map(|n| [n, ROWS - 1 - n]) {
        operator.add(&mut state, &row(n), RowKind::Delete, 0).unwrap();
        if n % 1_000 == 0 {
            let rows = flushed(&mut operator, &mut state);
            let [Value::Integer(max), Value::Integer(min), first, last, Value::String(texts)] = &rows[0][..] else {
                panic!("{rows:?}")
            };
            assert_eq!(*max - *min + 1, texts.len() as i64);
            assert_eq!((first, last), (&Value::Integer(*min), &Value::Integer(*max)));
        }
    }
    let rows = flushed(&mut operator, &mut state);
    let [middle, next] = [ROWS / 2 - 1, ROWS / 2].map(Value::Integer);
    assert_eq!(rows, [[next.clone(), middle.clone(), middle, next, Value::text("xx")]]);
}

#[test]
fn equal_values_are_taken_back_in_the_order_of_their_coming() {
    use AggregateFunction::{Concat, First, Last};
    let text = DataType::STRING;
    let mut operator = operator([First, Last, Concat].map(|function| call(function, 0, text)).to_vec(), true);
    let mut state = operator.new_state();
    let mut results = Vec::new();
    // What was never there takes nothing back, and the bytes of one value are not the beginning of another.
    for (value, kind) in [
        ("a", RowKind::Insert),
        ("ab", RowKind::Insert),
        ("a", RowKind::Insert),
        ("a", RowKind::Delete),
        ("b", RowKind::Delete),
        ("c", RowKind::Insert),
        ("ab", RowKind::Delete),
        ("c", RowKind::Delete),
    ] {
        operator.add(&mut state, &[Value::text(value)], kind, 0).unwrap();
        for row in flushed(&mut operator, &mut state) {
            let [Value::String(first), Value::String(last), Value::String(all)] = &row[..] else { panic!("{row:?}") };
            results.push(format!("{first} {last} {all}"));
        }
    }
    assert_eq!(results, ["a a a", "a ab aab", "a a aaba", "ab a aba", "ab c abac", "a c ac"]);
    // As many rows were taken back as came: nothing is left of the group.
    assert_eq!(state.keys(), 0);
}

/// A text that grows no more is an error of its record: nothing of that counts.
#[test]
fn a_record_counts_in_all_aggregates_or_in_none() {
    let long = "x".repeat(LONGEST - 1);
    for retracts in [false, true] {
        let calls = vec![
            Aggregate { argument: None, ..call(AggregateFunction::CountStar, 0, DataType::BigInt) },
            call(AggregateFunction::Concat, 0, DataType::STRING),
            call(AggregateFunction::Max, 0, DataType::STRING),
        ];
        let mut operator = operator(calls, retracts);
        let mut state = operator.new_state();
        let mut add =
            |operator: &mut GroupOperator, text: &str, kind| operator.add(&mut state, &[Value::text(text)], kind, 0);
        add(&mut operator, &long, RowKind::Insert).unwrap();
        let error = add(&mut operator, "yz", RowKind::Insert).unwrap_err();
        assert!(error.is_of_record(), "{error}");
        add(&mut operator, "y", RowKind::Insert).unwrap();
        if retracts {
            // Also when the text is still to be put together anew.
            add(&mut operator, "y", RowKind::Delete).unwrap();
            assert!(add(&mut operator, "yz", RowKind::Insert).is_err());
            add(&mut operator, &long, RowKind::Delete).unwrap();
            add(&mut operator, &long, RowKind::Insert).unwrap();
            assert!(add(&mut operator, "yz", RowKind::Insert).is_err());
            add(&mut operator, "y", RowKind::Insert).unwrap();
        }
        let rows = flushed(&mut operator, &mut state);
        assert_eq!(rows, [[Value::Integer(2), Value::text(&format!("{long}y")), Value::text("y")]]);
    }
}

/// Where nothing is taken back, a value of DISTINCT that is known changes nothing, and is not written again.
#[test]
fn a_known_value_of_distinct_is_not_written_again() {
    let distinct = Aggregate { distinct: true, ..call(AggregateFunction::Count, 0, DataType::BigInt) };
    let mut operator = operator(vec![distinct], false);
    let mut state = operator.new_state();
    let mut written = Vec::new();
    for value in [1, 2, 2, 1] {
        operator.add(&mut state, &[Value::Integer(value)], RowKind::Insert, 0).unwrap();
        flushed(&mut operator, &mut state);
        let mut records = 0;
        state.write_changes(&mut |_, _| records += 1);
        written.push(records);
    }
    assert_eq!(written, [2, 2, 0, 0]);
}

/// MAX knows NaN as the largest number, as Java's `Double.compareTo` does, and finds the next one when it is taken back.
#[test]
fn a_nan_that_is_taken_back_is_no_result_any_more() {
    let double = DataType::Double;
    let calls = [AggregateFunction::Max, AggregateFunction::Sum].map(|function| call(function, 0, double)).to_vec();
    let mut operator = operator(calls, true);
    let mut state = operator.new_state();
    for (value, kind) in [(1.0, RowKind::Insert), (f64::NAN, RowKind::Insert), (f64::NAN, RowKind::Delete)] {
        operator.add(&mut state, &[Value::Double(value)], kind, 0).unwrap();
    }
    let rows = flushed(&mut operator, &mut state);
    // The sum stays: Flink subtracts it too.
    let [Value::Double(max), Value::Double(sum)] = rows[0][..] else { panic!("{rows:?}") };
    assert!(max == 1.0 && sum.is_nan(), "{rows:?}");
}
