//! What regular joins tell in cases that a whole job does not come to easily.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::plan::{RowKind, Stage};
use crate::sql::{PlanContext, plan_job};

/// A join of l (g, n) and r (g, n) by g.
fn operator(kind: &str) -> JoinOperator {
    let table = |name: &str| {
        format!(
            "CREATE TABLE {name} (g STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');"
        )
    };
    let sink = "CREATE TABLE o (l BIGINT, r BIGINT, PRIMARY KEY (l) NOT ENFORCED)
        WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');";
    let query = format!("INSERT INTO o SELECT COALESCE(l.n, 0), r.n FROM l {kind} JOIN r ON l.g = r.g;");
    let plan = plan_job(&format!("{}{}{sink}{query}", table("l"), table("r")), &PlanContext::nowhere()).unwrap();
    let join = plan.pipelines[0].stages.iter().find_map(|stage| match stage {
        Stage::Join(join) => Some(JoinOperator::new(join)),
        _ => None,
    });
    join.unwrap()
}

/// What comes out by a row.
fn told(
    operator: &mut JoinOperator,
    state: &mut KeyedState,
    (side, kind): (Side, RowKind),
    n: i64,
) -> Result<Vec<(RowKind, Vec<Value<'static>>)>, RowError> {
    let place = RowPlace { watermark: 0, closed: 0, partition: 0, side, kind, now: 0 };
    let mut told = Vec::new();
    let mut take = |row: &[Value<'_>], kind: RowKind, _: &[u8]| {
        told.push((kind, row.iter().map(|value| value.clone().into_owned()).collect()));
        Ok(())
    };
    operator.add(state, &[Value::text("g"), Value::Integer(n)], place, &mut take)?;
    Ok(told)
}

/// Flink: `StreamingJoinOperator.processElement`, "if (outerRecord.numOfAssociations == 1)".
#[test]
fn taking_back_what_was_never_counted_pads_no_row_again() {
    let mut operator = operator("LEFT");
    let mut state = operator.new_state();
    let alone = vec![Value::Integer(1), Value::Null];
    let pair = vec![Value::Integer(1), Value::Integer(2)];
    let mut tell =
        |side, kind| told(&mut operator, &mut state, (side, kind), if side == Side::Left { 1 } else { 2 }).unwrap();
    assert_eq!(tell(Side::Left, RowKind::Insert), [(RowKind::Insert, alone.clone())]);
    assert_eq!(tell(Side::Right, RowKind::Delete), [(RowKind::Delete, pair.clone())]);
    assert_eq!(tell(Side::Right, RowKind::Insert), [(RowKind::Delete, alone.clone()), (RowKind::Insert, pair.clone())]);
    assert_eq!(tell(Side::Right, RowKind::Delete), [(RowKind::Delete, pair), (RowKind::Insert, alone)]);
}

#[test]
fn a_row_that_meets_too_many_is_the_records_fault_and_leaves_nothing() {
    let mut operator = operator("INNER");
    let mut state = operator.new_state();
    told(&mut operator, &mut state, (Side::Left, RowKind::Insert), 1).unwrap();
    // So many equal rows are one entry, which counts them.
    let (key, mut value) = state
        .scan(&[])
        .map(|item| item.map(|(key, value)| (key.into_owned(), value.into_owned())))
        .next()
        .unwrap()
        .unwrap();
    let many = u32::try_from(regular::MOST_MET).unwrap();
    for (rows, is_taken) in [(many + 1, false), (many, true)] {
        value[..size_of::<u32>()].copy_from_slice(&rows.to_be_bytes());
        state.put(&key, &value);
        let (mut count, place) =
            (0, RowPlace { watermark: 0, closed: 0, partition: 0, side: Side::Right, kind: RowKind::Insert, now: 0 });
        let mut take = |_: &[Value<'_>], _: RowKind, _: &[u8]| {
            count += 1;
            Ok(())
        };
        let row = [Value::text("g"), Value::Integer(2)];
        let added = operator.add(&mut state, &row, place, &mut take);
        assert_eq!(count, if is_taken { many } else { 0 });
        match added {
            Ok(_) => assert!(is_taken),
            Err(error) => {
                assert!(!is_taken && error.is_of_record() && error.to_string().contains("1000000"), "{error}")
            }
        }
        assert_eq!(state.keys(), 1 + usize::from(is_taken));
    }
}
