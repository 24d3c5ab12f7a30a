//! UNNEST: the elements of an array, a map or a multiset as rows. It keeps nothing, so rows that are taken back are taken back element by
//! element.

use crate::expr::{DataType, NestedType, Value};
use crate::plan::Unnest;

/// Calls `then` with the columns of each element of `value` that an outgoing row has behind those that are kept.
pub fn each<E>(plan: &Unnest, value: &Value<'_>, mut then: impl FnMut(&[Value<'_>]) -> Result<(), E>) -> Result<(), E> {
    let width = plan.width();
    let data_type = plan.of.data_type();
    let mut part: Vec<Value<'_>> = Vec::with_capacity(width);
    let mut place = 0;
    let mut put = |part: &mut Vec<Value<'_>>| {
        place += 1;
        if plan.ordinality {
            part.push(Value::Integer(place));
        }
        then(part)
    };
    for element in value.items() {
        part.clear();
        columns(element, data_type, width - usize::from(plan.ordinality), &mut part);
        put(&mut part)?;
    }
    for (key, value) in value.entries() {
        let is_multiset = matches!(data_type.nested(), Some(NestedType::Multiset(_)));
        // A multiset's element is there as often as its count says.
        let times = match value {
            Value::Integer(count) if is_multiset => *count,
            _ => 1,
        };
        for _ in 0..times {
            part.clear();
            if is_multiset {
                columns(key, data_type, width - usize::from(plan.ordinality), &mut part);
            } else {
                part.extend([key.borrowed(), value.borrowed()]);
            }
            put(&mut part)?;
        }
    }
    if place == 0 && plan.outer {
        return then(&vec![Value::Null; width]);
    }
    Ok(())
}

/// The columns of an element: of a row its fields, which are all NULL if it is NULL.
fn columns<'v>(element: &'v Value<'static>, of: DataType, width: usize, part: &mut Vec<Value<'v>>) {
    let is_row = match of.nested() {
        Some(NestedType::Array(element) | NestedType::Multiset(element)) => element.fields().is_some(),
        _ => false,
    };
    if !is_row {
        return part.push(element.borrowed());
    }
    let fields = element.items();
    part.extend((0..width).map(|at| fields.get(at).map_or(Value::Null, Value::borrowed)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expr;

    fn rows(of: DataType, value: Value<'static>, outer: bool, ordinality: bool) -> Vec<Vec<Value<'static>>> {
        let plan = Unnest { of: Expr::column(0, of), columns: Vec::new(), outer, ordinality };
        let mut rows = Vec::new();
        each(&plan, &value, |part| {
            rows.push(part.iter().map(|value| value.clone().into_owned()).collect());
            Ok::<_, ()>(())
        })
        .unwrap();
        rows
    }

    #[test]
    fn elements_become_rows() {
        let int = Value::Integer;
        let numbers = DataType::array(DataType::Int).unwrap();
        let array = || Value::array(vec![int(7), Value::Null]);
        assert_eq!(rows(numbers, array(), false, true), [vec![int(7), int(1)], vec![Value::Null, int(2)]]);
        let fields = vec![("x".to_owned(), DataType::Int), ("y".to_owned(), DataType::Int)];
        let of_rows = DataType::array(DataType::row(fields).unwrap()).unwrap();
        let array = Value::array(vec![Value::row(vec![int(1), int(2)]), Value::Null]);
        assert_eq!(rows(of_rows, array, false, false), [vec![int(1), int(2)], vec![Value::Null, Value::Null]]);
        let map = Value::map(vec![(int(1), int(3)), (int(2), Value::Null)]);
        let of_map = DataType::map(DataType::Int, DataType::Int).unwrap();
        assert_eq!(rows(of_map, map.clone(), false, false), [vec![int(1), int(3)], vec![int(2), Value::Null]]);
        let of_set = DataType::multiset(DataType::Int).unwrap();
        let set = Value::map(vec![(int(1), int(2)), (int(2), int(1))]);
        assert_eq!(rows(of_set, set, false, true), [vec![int(1), int(1)], vec![int(1), int(2)], vec![int(2), int(3)]]);
        for nothing in [Value::Null, Value::array(Vec::new())] {
            assert_eq!(rows(numbers, nothing.clone(), false, true), Vec::<Vec<Value<'static>>>::new());
            assert_eq!(rows(numbers, nothing, true, true), [vec![Value::Null, Value::Null]]);
        }
    }
}
