//! Values that are made of others, and their types.

pub(crate) mod text;
mod types;

use std::cmp::Ordering;
use std::sync::Arc;

use super::{EvalError, Value, compare};

pub use types::{KnownType, MAX_TYPE_DEPTH, NestedType, TypeLimit};

/// A value that is made of others, all of which it owns.
#[derive(Clone, Debug, PartialEq)]
pub enum Nested {
    /// ARRAY.
    Array(Vec<Value<'static>>),
    /// MAP and MULTISET: entries in the order in which they came; each key is there once.
    Map(Vec<(Value<'static>, Value<'static>)>),
    /// ROW.
    Row(Vec<Value<'static>>),
}

impl Nested {
    /// The elements of an array or the fields of a row.
    #[must_use]
    pub fn items(&self) -> &[Value<'static>] {
        match self {
            Self::Array(items) | Self::Row(items) => items,
            Self::Map(_) => &[],
        }
    }

    /// The entries of a map.
    #[must_use]
    pub fn entries(&self) -> &[(Value<'static>, Value<'static>)] {
        match self {
            Self::Map(entries) => entries,
            Self::Array(_) | Self::Row(_) => &[],
        }
    }
}

impl Value<'_> {
    /// An array of these elements.
    #[must_use]
    pub fn array(elements: Vec<Value<'static>>) -> Value<'static> {
        Value::Nested(Arc::new(Nested::Array(elements)))
    }

    /// A row of these fields.
    #[must_use]
    pub fn row(fields: Vec<Value<'static>>) -> Value<'static> {
        Value::Nested(Arc::new(Nested::Row(fields)))
    }

    /// A map of these entries. Of several with one key the last counts, in the place of the first.
    #[must_use]
    pub fn map(entries: Vec<(Value<'static>, Value<'static>)>) -> Value<'static> {
        use hashbrown::hash_map::Entry;
        let mut unique: Vec<(Value<'static>, Value<'static>)> = Vec::with_capacity(entries.len());
        let mut places = hashbrown::HashMap::new();
        for (key, value) in entries {
            match places.entry(bytes_of(&key)) {
                Entry::Occupied(place) => {
                    let place: &usize = place.get();
                    unique[*place].1 = value;
                }
                Entry::Vacant(place) => {
                    place.insert(unique.len());
                    unique.push((key, value));
                }
            }
        }
        Value::Nested(Arc::new(Nested::Map(unique)))
    }

    /// The elements of an array or fields of a row; nothing of anything else.
    #[must_use]
    pub fn items(&self) -> &[Value<'static>] {
        match self {
            Value::Nested(nested) => nested.items(),
            _ => &[],
        }
    }

    /// The entries of a map; nothing of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Value<'static>, Value<'static>)] {
        match self {
            Value::Nested(nested) => nested.entries(),
            _ => &[],
        }
    }
}

/// Bytes that two values have in common if they are the same.
pub(crate) fn bytes_of(value: &Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::state::encode_value(value, &mut bytes);
    bytes
}

/// The order of two values of one type, as [`compare`], of which only equality means something. As in Flink, NULL in a row equals
/// NULL; in an array or a map it equals nothing. Maps are equal whatever the order of their entries.
pub(super) fn compare_nested(left: &Nested, right: &Nested) -> Result<Option<Ordering>, EvalError> {
    match (left, right) {
        (Nested::Array(a), Nested::Array(b)) | (Nested::Row(a), Nested::Row(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = match (a.is_null(), b.is_null()) {
                    (false, false) => compare(a, b)?,
                    (true, true) if matches!(left, Nested::Array(_)) => Some(Ordering::Less),
                    (a_null, b_null) => Some(b_null.cmp(&a_null)),
                };
                if order != Some(Ordering::Equal) {
                    return Ok(order);
                }
            }
            Ok(Some(a.len().cmp(&b.len())))
        }
        (Nested::Map(a), Nested::Map(b)) => Ok(Some(if same_maps(a, b)? { Ordering::Equal } else { Ordering::Less })),
        _ => Err(EvalError::Shape("values of two kinds are compared")),
    }
}

/// Whether two values are equal; NULL is nothing's equal.
fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvalError> {
    Ok(!left.is_null() && !right.is_null() && compare(left, right)?.is_some_and(Ordering::is_eq))
}

type Entries = [(Value<'static>, Value<'static>)];

fn same_maps(a: &Entries, b: &Entries) -> Result<bool, EvalError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let places: hashbrown::HashMap<Vec<u8>, &Value<'static>> =
        b.iter().map(|(key, value)| (bytes_of(key), value)).collect();
    for (key, value) in a {
        match places.get(&bytes_of(key)) {
            Some(other) if equal(value, other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(values: &[i64]) -> Vec<Value<'static>> {
        values.iter().map(|value| Value::Integer(*value)).collect()
    }

    /// The hot path moves values about: a nested one must not make the others larger.
    #[test]
    fn a_value_is_no_larger_for_it() {
        assert_eq!(size_of::<Value<'static>>(), 32);
    }

    #[test]
    fn values_are_compared_by_what_they_hold() {
        let array = |values| Value::array(integers(values));
        assert_eq!(compare(&array(&[1, 2]), &array(&[1, 2])), Ok(Some(Ordering::Equal)));
        assert_eq!(compare(&array(&[1, 2]), &array(&[1, 3])), Ok(Some(Ordering::Less)));
        assert_eq!(compare(&array(&[1, 2]), &array(&[1])), Ok(Some(Ordering::Greater)));
        let with_null = || Value::row(vec![Value::Null, Value::Integer(1)]);
        assert_eq!(compare(&with_null(), &with_null()), Ok(Some(Ordering::Equal)));
        let map = |keys: &[i64]| Value::map(integers(keys).into_iter().map(|key| (key.clone(), key)).collect());
        assert_eq!(compare(&map(&[1, 2]), &map(&[2, 1])), Ok(Some(Ordering::Equal)));
        assert_ne!(compare(&map(&[1, 2]), &map(&[2, 3])), Ok(Some(Ordering::Equal)));
        assert_eq!(map(&[1, 2, 1]).entries().len(), 2, "a key is there once");
    }
}
