//! Common types, and conversions that Flink makes by itself.

use crate::expr::{DataType, Expr, NestedType, Node, decimal};

/// The type that holds the values of both (Calcite: leastRestrictive).
pub(crate) fn common(a: DataType, b: DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (a, b) {
        (T::Null, other) | (other, T::Null) => other,
        (a, b) if a == b => a,
        (a, b) if a.is_text() && b.is_text() => T::VarChar(text_length(a).max(text_length(b))),
        (a, b) if a.is_integer() && b.is_integer() => a.max(b),
        (a, b) if a.is_numeric() && b.is_numeric() => common_number(a, b),
        (T::VarBinary(a), T::VarBinary(b)) => T::VarBinary(a.max(b)),
        (T::Timestamp(a), T::Timestamp(b)) => T::Timestamp(a.max(b)),
        (T::TimestampLtz(a), T::TimestampLtz(b)) => T::TimestampLtz(a.max(b)),
        (T::Date, T::Timestamp(p)) | (T::Timestamp(p), T::Date) => T::Timestamp(p),
        (T::Nested(a), T::Nested(b)) => common_nested(&a, &b)?,
        _ => return None,
    })
}

/// Part by part; a row keeps the names of the first. There is none if it would be over a limit of types.
fn common_nested(a: &NestedType, b: &NestedType) -> Option<DataType> {
    use NestedType as N;
    let common = match (a, b) {
        (N::Array(a), N::Array(b)) => DataType::array(common(*a, *b)?),
        (N::Multiset(a), N::Multiset(b)) => DataType::multiset(common(*a, *b)?),
        (N::Map(key, value), N::Map(other, others)) => DataType::map(common(*key, *other)?, common(*value, *others)?),
        (N::Row(a), N::Row(b)) if a.len() == b.len() => {
            let both = a.iter().zip(b).map(|((name, a), (_, b))| Some((name.clone(), common(*a, *b)?)));
            DataType::row(both.collect::<Option<_>>()?)
        }
        _ => return None,
    };
    common.ok()
}

/// Whether every value of each is a value of the other as it is.
pub(crate) fn is_same(a: DataType, b: DataType) -> bool {
    a == b || a.is_text() && b.is_text() || same_representation(a, b) && same_representation(b, a)
}

fn text_length(data_type: DataType) -> u32 {
    match data_type {
        DataType::Char(n) | DataType::VarChar(n) => n,
        _ => 0,
    }
}

/// Of two different kinds of numbers: DECIMAL with integers, FLOAT with integers, DOUBLE with anything.
fn common_number(a: DataType, b: DataType) -> DataType {
    match (decimal::holding(a), decimal::holding(b)) {
        (Some((p1, s1)), Some((p2, s2))) => {
            let scale = s1.max(s2);
            decimal::fit(i32::from((p1 - s1).max(p2 - s2)) + i32::from(scale), i32::from(scale))
        }
        _ => {
            let is_decimal = |t: DataType| matches!(t, DataType::Decimal { .. });
            let double = a == DataType::Double || b == DataType::Double || is_decimal(a) || is_decimal(b);
            if double { DataType::Double } else { DataType::Float }
        }
    }
}

/// The expression as another type; the types must be castable. Nothing is done where the representation is the same.
pub(crate) fn coerced(expr: Expr, to: DataType) -> Expr {
    let from = expr.data_type();
    if from == to || same_representation(from, to) {
        return expr;
    }
    Expr::new(Node::Cast { input: Box::new(expr), from, lenient: false }, to).folded()
}

/// Whether every value of `from` is a value of `to` as it is.
fn same_representation(from: DataType, to: DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) => true,
        (a, b) if a.is_integer() && b.is_integer() => a <= b,
        (T::Float, T::Double) => true,
        (T::Char(a) | T::VarChar(a), T::VarChar(b)) => a <= b,
        (T::VarBinary(a), T::VarBinary(b)) => a <= b,
        (T::Timestamp(a) | T::TimestampLtz(a), T::Timestamp(b) | T::TimestampLtz(b)) => a <= b,
        (T::Nested(a), T::Nested(b)) => {
            let (a, b) = (a.parts(), b.parts());
            a.len() == b.len() && a.into_iter().zip(b).all(|(a, b)| a == b || same_representation(a, b))
        }
        _ => false,
    }
}

/// A type in a message: texts are all called STRING, whatever their length.
pub(crate) fn describe(data_type: DataType) -> String {
    match data_type {
        DataType::Char(_) => "STRING".to_owned(),
        other => other.to_string(),
    }
}
