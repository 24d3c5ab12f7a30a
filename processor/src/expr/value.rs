//! One value of a row.

use std::borrow::Cow;
use std::sync::Arc;

use super::Nested;

/// A value. Texts are borrowed from the record they were decoded from wherever that is possible.
///
/// The representation follows the column's [`DataType`](super::DataType); a value alone does not know its type (an `Integer`
/// may be a TINYINT or an interval).
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL of any type.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// TINYINT, SMALLINT, INT, BIGINT; an interval's milliseconds or months.
    Integer(i64),
    /// FLOAT, DOUBLE.
    Double(f64),
    /// DECIMAL(p, s): the value times 10^s.
    Decimal(i128),
    /// CHAR, VARCHAR, STRING.
    String(Cow<'a, str>),
    /// VARBINARY, BYTES.
    Bytes(Cow<'a, [u8]>),
    /// DATE: days since 1970-01-01, negative before.
    Date(i32),
    /// TIME: milliseconds since midnight, 0 to 86,399,999.
    Time(i32),
    /// TIMESTAMP (as if the wall clock were UTC's) and TIMESTAMP_LTZ.
    Timestamp(Timestamp),
    /// ARRAY, MAP, MULTISET and ROW. They own what they hold, and are shared.
    Nested(Arc<Nested>),
}

/// A point in time: Flink's `TimestampData`. Ordered by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Milliseconds since 1970-01-01 00:00:00, negative before.
    pub millis: i64,
    /// Nanoseconds to add to them, 0 to 999,999.
    pub nanos: u32,
}

impl Timestamp {
    /// A point in time of whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis, nanos: 0 }
    }
}

impl<'a> Value<'a> {
    /// The same value, borrowing what `self` holds: never allocates.
    #[inline]
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Null => Value::Null,
            Value::Boolean(v) => Value::Boolean(*v),
            Value::Integer(v) => Value::Integer(*v),
            Value::Double(v) => Value::Double(*v),
            Value::Decimal(v) => Value::Decimal(*v),
            Value::String(v) => Value::String(Cow::Borrowed(v)),
            Value::Bytes(v) => Value::Bytes(Cow::Borrowed(v)),
            Value::Date(v) => Value::Date(*v),
            Value::Time(v) => Value::Time(*v),
            Value::Timestamp(v) => Value::Timestamp(*v),
            Value::Nested(v) => Value::Nested(v.clone()),
        }
    }

    /// The same value, owning what it holds.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Boolean(v) => Value::Boolean(v),
            Value::Integer(v) => Value::Integer(v),
            Value::Double(v) => Value::Double(v),
            Value::Decimal(v) => Value::Decimal(v),
            Value::String(v) => Value::String(Cow::Owned(v.into_owned())),
            Value::Bytes(v) => Value::Bytes(Cow::Owned(v.into_owned())),
            Value::Date(v) => Value::Date(v),
            Value::Time(v) => Value::Time(v),
            Value::Timestamp(v) => Value::Timestamp(v),
            Value::Nested(v) => Value::Nested(v),
        }
    }

    /// About how much memory a copy takes, in bytes; what nested values share is not counted.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Value::String(text) => text.len(),
                Value::Bytes(bytes) => bytes.len(),
                _ => 0,
            }
    }

    /// A text that borrows.
    #[inline]
    pub fn text(text: &'a str) -> Self {
        Value::String(Cow::Borrowed(text))
    }

    /// A timestamp of whole milliseconds since 1970.
    #[inline]
    pub const fn timestamp(millis: i64) -> Self {
        Value::Timestamp(Timestamp::from_millis(millis))
    }

    /// Whether this is NULL.
    #[inline]
    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}
