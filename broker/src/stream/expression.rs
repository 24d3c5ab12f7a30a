//! Values computed of a row: columns, constants, comparisons, arithmetic, and calls of closures.

use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Sub};

use forebay_processor::expr::{Closure, DataType, Functions, Outcome, SqlType, Timestamp, Value};

use super::quoted;

/// A value of each row, of the type `T`. It may be NULL, as everything in SQL: then a comparison with it is no match.
#[derive(Debug)]
pub struct Expression<T> {
    pub(super) sql: String,
    pub(super) functions: Functions,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Expression<T> {
    fn clone(&self) -> Self {
        Expression { sql: self.sql.clone(), functions: self.functions.clone(), of: PhantomData }
    }
}

impl<T> Expression<T> {
    pub(super) fn new(sql: String, functions: Functions) -> Self {
        Expression { sql, functions, of: PhantomData }
    }

    /// A column of a source.
    pub(super) fn column(name: &str) -> Self {
        Expression::new(quoted('`', name), Functions::default())
    }

    fn with<U, R>(self, operator: &str, other: Expression<U>) -> Expression<R> {
        let mut functions = self.functions;
        functions.extend(&other.functions);
        Expression::new(format!("({} {operator} {})", self.sql, other.sql), functions)
    }
}

/// What stands where a value of `T` is wanted: an expression, or a constant.
pub trait Operand<T> {
    /// As an expression.
    fn operand(self) -> Expression<T>;
}

impl<T> Operand<T> for Expression<T> {
    fn operand(self) -> Expression<T> {
        self
    }
}

impl<T> Operand<T> for &Expression<T> {
    fn operand(self) -> Expression<T> {
        self.clone()
    }
}

macro_rules! constants {
    ($($constant:ty => $type:ty),+) => {
        $(impl Operand<$type> for $constant {
            fn operand(self) -> Expression<$type> {
                lit(<$type>::from(self))
            }
        })+
    };
}

constants!(bool => bool, i32 => i32, i32 => i64, i64 => i64, f64 => f64, &str => String, String => String);

/// A constant.
pub fn lit<T: SqlType>(value: T) -> Expression<T> {
    let sql = match value.into_value() {
        Value::Null => format!("CAST(NULL AS {})", T::DATA_TYPE),
        Value::String(text) => quoted('\'', &text),
        Value::Bytes(bytes) => {
            format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        Value::Boolean(value) => value.to_string().to_uppercase(),
        Value::Integer(value) => format!("CAST('{value}' AS {})", T::DATA_TYPE),
        Value::Double(value) => format!("CAST('{value}' AS {})", T::DATA_TYPE),
        Value::Timestamp(time) => format!("CAST(TO_TIMESTAMP_LTZ({}, 3) AS {})", time.millis, T::DATA_TYPE),
        // No Rust type stands for another.
        other => unreachable!("a constant of an unknown kind: {other:?}"),
    };
    Expression::new(sql, Functions::default())
}

/// A moment of event time, such as where a window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

impl SqlType for Moment {
    const DATA_TYPE: DataType = DataType::Timestamp(3);

    fn from_value(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Timestamp(time) => Some(Moment(time.millis)),
            _ => None,
        }
    }

    fn into_value(self) -> Value<'static> {
        Value::Timestamp(Timestamp::from_millis(self.0))
    }
}

macro_rules! comparisons {
    ($($name:ident $operator:literal $about:literal),+) => {
        impl<T> Expression<T> {
            $(#[doc = $about]
            pub fn $name(self, other: impl Operand<T>) -> Expression<bool> {
                self.with($operator, other.operand())
            })+
        }
    };
}

comparisons!(
    eq "=" "Whether both are equal.",
    ne "<>" "Whether they differ.",
    lt "<" "Whether this is less.",
    le "<=" "Whether this is no more.",
    gt ">" "Whether this is more.",
    ge ">=" "Whether this is no less."
);

impl<T> Expression<T> {
    /// Whether it is NULL.
    pub fn is_null(self) -> Expression<bool> {
        Expression::new(format!("({} IS NULL)", self.sql), self.functions)
    }
}

impl Expression<bool> {
    /// Whether both hold.
    pub fn and(self, other: Expression<bool>) -> Expression<bool> {
        self.with("AND", other)
    }

    /// Whether one of them holds.
    pub fn or(self, other: Expression<bool>) -> Expression<bool> {
        self.with("OR", other)
    }
}

impl std::ops::Not for Expression<bool> {
    type Output = Expression<bool>;

    fn not(self) -> Expression<bool> {
        Expression::new(format!("(NOT {})", self.sql), self.functions)
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $operator:literal),+) => {
        $(arithmetic!(@ $trait $method $operator i32 i64 f64);)+
    };
    (@ $trait:ident $method:ident $operator:literal $($type:ty)+) => {
        $(impl<O: Operand<$type>> $trait<O> for Expression<$type> {
            type Output = Expression<$type>;

            fn $method(self, other: O) -> Expression<$type> {
                self.with($operator, other.operand())
            }
        })+
    };
}

arithmetic!(Add add "+", Sub sub "-", Mul mul "*", Div div "/");

/// The arguments of a closure: an expression, or several of them.
pub trait Call<Arguments> {
    /// The expressions, in order.
    fn parts(self) -> (Vec<String>, Functions);
}

macro_rules! call {
    ($($type:ident $at:tt),+) => {
        impl<$($type),+> Call<($($type,)+)> for ($(Expression<$type>,)+) {
            fn parts(self) -> (Vec<String>, Functions) {
                let mut functions = Functions::default();
                $(functions.extend(&self.$at.functions);)+
                (vec![$(self.$at.sql),+], functions)
            }
        }
    };
}

call!(A 0);
call!(A 0, B 1);
call!(A 0, B 1, C 2);
call!(A 0, B 1, C 2, D 3);
call!(A 0, B 1, C 2, D 3, E 4);

/// Calls a closure for each row: `map("domain", |address: String| .., (address,))`. The job's statements are kept by their text, so the
/// closure has a name, which has to stay the same over restarts; two closures of one broker have two names.
pub fn map<Arguments, C, R>(name: &str, closure: C, arguments: impl Call<Arguments>) -> Expression<R::Type>
where
    C: Closure<Arguments, Outcome = R>,
    R: Outcome,
{
    let (parts, mut functions) = arguments.parts();
    functions.add(name, closure);
    Expression::new(format!("{name}({})", parts.join(", ")), functions)
}
