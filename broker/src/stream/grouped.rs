//! Rows gathered by windows and keys.

use forebay_processor::expr::{Functions, SqlType};

use super::source::{Rows, Selected};
use super::{Expression, Moment, Operand, Stream};

/// Rows in windows.
#[derive(Clone, Debug)]
pub struct Windowed {
    rows: Rows,
    function: String,
    keys: Vec<String>,
    functions: Functions,
}

/// Rows in windows and by keys: one comes out for each key of a window, when that closes.
#[derive(Clone, Debug)]
pub struct Grouped {
    windowed: Windowed,
}

/// Something of a group.
#[derive(Debug)]
pub struct Aggregate<T> {
    value: Expression<T>,
}

/// What a row of a group can have as a field: one of its keys, or an [`Aggregate`].
pub trait Field<T> {
    /// As an expression.
    fn field(self) -> Expression<T>;
}

impl<T> Field<T> for Aggregate<T> {
    fn field(self) -> Expression<T> {
        self.value
    }
}

impl<T> Field<T> for &Expression<T> {
    fn field(self) -> Expression<T> {
        self.clone()
    }
}

impl<T> Field<T> for Expression<T> {
    fn field(self) -> Expression<T> {
        self
    }
}

impl Windowed {
    pub(super) fn new(rows: Rows, function: String) -> Windowed {
        Windowed { rows, function, keys: Vec::new(), functions: Functions::default() }
    }

    /// By this key, and those that were given before.
    #[must_use]
    pub fn group_by<T>(mut self, key: &Expression<T>) -> Windowed {
        self.keys.push(key.sql.clone());
        self.functions.extend(&key.functions);
        self
    }

    /// One row for each group, with such a field.
    #[must_use]
    pub fn select<T: SqlType>(self, name: &str, field: impl Field<T>) -> Selected<Grouped> {
        Selected::new(Grouped { windowed: self }).also(name, T::DATA_TYPE.to_string(), field.field())
    }
}

impl Selected<Grouped> {
    /// Another field.
    #[must_use]
    pub fn select<T: SqlType>(self, name: &str, field: impl Field<T>) -> Self {
        self.also(name, T::DATA_TYPE.to_string(), field.field())
    }

    /// Into this topic, as JSON objects.
    pub fn to_topic(&self, topic: &str) -> Stream {
        let Windowed { rows, function, keys, functions } = &self.from.windowed;
        let keys: String = keys.iter().map(|key| format!("{key}, ")).collect();
        self.job(rows, &format!("TABLE({function})"), &format!("\nGROUP BY {keys}window_start, window_end"), topic)
            .and(functions)
    }
}

/// The number of rows.
#[must_use]
pub fn count() -> Aggregate<i64> {
    Aggregate { value: Expression::new("COUNT(*)".to_owned(), Default::default()) }
}

fn over<T, R>(function: &str, value: impl Operand<T>) -> Aggregate<R> {
    let Expression { sql, functions, .. } = value.operand();
    Aggregate { value: Expression::new(format!("{function}({sql})"), functions) }
}

/// The sum; as all that follow it is NULL where all values are.
pub fn sum<T>(value: impl Operand<T>) -> Aggregate<T> {
    over("SUM", value)
}

/// The mean; of integers without a fraction, as in SQL.
pub fn avg<T>(value: impl Operand<T>) -> Aggregate<T> {
    over("AVG", value)
}

/// The least value.
pub fn min<T>(value: impl Operand<T>) -> Aggregate<T> {
    over("MIN", value)
}

/// The greatest value.
pub fn max<T>(value: impl Operand<T>) -> Aggregate<T> {
    over("MAX", value)
}

/// The first moment of the window.
#[must_use]
pub fn window_start() -> Aggregate<Moment> {
    Aggregate { value: Expression::column("window_start") }
}

/// The first moment after the window.
#[must_use]
pub fn window_end() -> Aggregate<Moment> {
    Aggregate { value: Expression::column("window_end") }
}
