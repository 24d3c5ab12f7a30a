//! Flink SQL's data types, as far as they are spoken here.

use std::fmt;

use super::KnownType;

/// A Flink SQL type, and by it the representation of its values.
///
/// | type | [`Value`](super::Value) |
/// | --- | --- |
/// | BOOLEAN | `Boolean` |
/// | TINYINT, SMALLINT, INT, BIGINT | `Integer`, within the type's range |
/// | FLOAT, DOUBLE | `Double` (a FLOAT holds a value that `f32` has exactly) |
/// | DECIMAL(p, s) | `Decimal`: the value times 10^s, at most p digits |
/// | CHAR, VARCHAR, STRING | `String` |
/// | BINARY, VARBINARY, BYTES | `Bytes` |
/// | DATE | `Date`: days since 1970-01-01 |
/// | TIME | `Time`: milliseconds since midnight |
/// | TIMESTAMP, TIMESTAMP_LTZ | `Timestamp` |
/// | INTERVAL DAY TO SECOND | `Integer`: milliseconds |
/// | INTERVAL YEAR TO MONTH | `Integer`: months |
/// | ARRAY, MAP, MULTISET, ROW | `Nested` |
///
/// A NULL of any type is `Value::Null`. Whether a column may hold NULL is kept with the column, not with the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// BOOLEAN.
    Boolean,
    /// TINYINT, 8 bits.
    TinyInt,
    /// SMALLINT, 16 bits.
    SmallInt,
    /// INT, 32 bits.
    Int,
    /// BIGINT, 64 bits.
    BigInt,
    /// FLOAT, 32 bits.
    Float,
    /// DOUBLE, 64 bits.
    Double,
    /// DECIMAL(precision, scale): 1 to 38 digits, of which `scale` (0 to `precision`) are after the point.
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// CHAR(n): text padded to n characters.
    Char(u32),
    /// VARCHAR(n): text of at most n characters; [`DataType::STRING`] is the longest.
    VarChar(u32),
    /// BINARY(n) and VARBINARY(n): at most n bytes; [`DataType::BYTES`] is the longest.
    VarBinary(u32),
    /// DATE.
    Date,
    /// TIME.
    Time,
    /// TIMESTAMP(p): a date and time on the wall, in no zone. `p` is the digits of the fraction, 0 to 9.
    Timestamp(u8),
    /// TIMESTAMP_LTZ(p): a moment. `p` is the digits of the fraction, 0 to 9.
    TimestampLtz(u8),
    /// An interval of milliseconds (INTERVAL DAY TO SECOND).
    IntervalDayTime,
    /// An interval of months (INTERVAL YEAR TO MONTH).
    IntervalYearMonth,
    /// The type of a bare NULL; nothing but NULL has it.
    Null,
    /// ARRAY, MAP, MULTISET or ROW, see [`DataType::array`] and the like.
    Nested(KnownType),
}

impl DataType {
    /// STRING, Flink's VARCHAR(2147483647).
    pub const STRING: DataType = DataType::VarChar(i32::MAX as u32);
    /// BYTES, Flink's VARBINARY(2147483647).
    pub const BYTES: DataType = DataType::VarBinary(i32::MAX as u32);

    /// TINYINT, SMALLINT, INT or BIGINT.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// FLOAT or DOUBLE.
    pub fn is_approximate(self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// A number of any kind.
    pub fn is_numeric(self) -> bool {
        self.is_integer() || self.is_approximate() || matches!(self, Self::Decimal { .. })
    }

    /// CHAR, VARCHAR or STRING.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Char(_) | Self::VarChar(_))
    }

    /// TIMESTAMP or TIMESTAMP_LTZ.
    pub fn is_timestamp(self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }

    /// An interval of either kind.
    pub fn is_interval(self) -> bool {
        matches!(self, Self::IntervalDayTime | Self::IntervalYearMonth)
    }

    /// Brings the result of an integer operation back into the type's range the way Java's casts do: the high bits are cut
    /// off. Flink's arithmetic and SUM overflow like this, silently. Other types are returned as they are.
    #[inline]
    pub fn wrap(self, value: i64) -> i64 {
        match self {
            Self::TinyInt => i64::from(value as i8),
            Self::SmallInt => i64::from(value as i16),
            Self::Int => i64::from(value as i32),
            _ => value,
        }
    }
}

/// The type as Flink prints it (`asSummaryString`), without nullability.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::STRING => f.write_str("STRING"),
            Self::VarChar(n) => write!(f, "VARCHAR({n})"),
            Self::BYTES => f.write_str("BYTES"),
            Self::VarBinary(n) => write!(f, "VARBINARY({n})"),
            Self::Date => f.write_str("DATE"),
            Self::Time => f.write_str("TIME(0)"),
            Self::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            Self::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            Self::IntervalDayTime => f.write_str("INTERVAL DAY TO SECOND"),
            Self::IntervalYearMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::Null => f.write_str("NULL"),
            Self::Nested(known) => fmt::Display::fmt(&*known, f),
        }
    }
}
