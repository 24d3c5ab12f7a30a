//! Functions that a Rust program brings to its jobs: closures, called from SQL by their names.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{DataType, EvalError, Expr, Value};

/// A Rust type that stands for one of SQL.
pub trait SqlType: Sized {
    /// The type in SQL.
    const DATA_TYPE: DataType;
    /// Whether NULL is a value of it; otherwise a function with such an argument is NULL wherever the argument is.
    const TAKES_NULL: bool = false;
    /// From a value of [`SqlType::DATA_TYPE`]; `None` if it is of another, or NULL where that is no value.
    fn from_value(value: &Value<'_>) -> Option<Self>;
    /// To a value of [`SqlType::DATA_TYPE`].
    fn into_value(self) -> Value<'static>;
}

macro_rules! sql_type {
    ($rust:ty, $sql:expr, $value:pat => $from:expr, $own:ident => $into:expr) => {
        impl SqlType for $rust {
            const DATA_TYPE: DataType = $sql;

            fn from_value(value: &Value<'_>) -> Option<Self> {
                match value {
                    $value => $from,
                    _ => None,
                }
            }

            fn into_value(self) -> Value<'static> {
                let $own = self;
                $into
            }
        }

        impl Outcome for $rust {
            type Type = $rust;

            fn into_result(self) -> Result<$rust, String> {
                Ok(self)
            }
        }
    };
}

sql_type!(bool, DataType::Boolean, Value::Boolean(value) => Some(*value), value => Value::Boolean(value));
sql_type!(i32, DataType::Int, Value::Integer(value) => i32::try_from(*value).ok(), value => Value::Integer(value.into()));
sql_type!(i64, DataType::BigInt, Value::Integer(value) => Some(*value), value => Value::Integer(value));
sql_type!(f64, DataType::Double, Value::Double(value) => Some(*value), value => Value::Double(value));
sql_type!(String, DataType::STRING, Value::String(value) => Some(value.to_string()), value => Value::String(value.into()));
sql_type!(Vec<u8>, DataType::VarBinary(i32::MAX as u32), Value::Bytes(value) => Some(value.to_vec()), value => Value::Bytes(value.into()));

impl<T: SqlType> SqlType for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const TAKES_NULL: bool = true;

    fn from_value(value: &Value<'_>) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_value(value).map(Some) }
    }

    fn into_value(self) -> Value<'static> {
        self.map_or(Value::Null, T::into_value)
    }
}

/// What a closure may answer: a value, an [`Option`] of one (`None` is NULL), or a [`Result`] of either, whose error is one of the record's.
pub trait Outcome {
    /// The value's type.
    type Type: SqlType;

    /// The value, or why there is none.
    fn into_result(self) -> Result<Self::Type, String>;
}

impl<T: SqlType> Outcome for Option<T> {
    type Type = Option<T>;

    fn into_result(self) -> Result<Option<T>, String> {
        Ok(self)
    }
}

impl<T: SqlType, E: fmt::Display> Outcome for Result<T, E> {
    type Type = T;

    fn into_result(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// A closure of up to five arguments, each a [`SqlType`], with an [`Outcome`].
pub trait Closure<Arguments>: Send + Sync + 'static {
    /// What it answers.
    type Outcome: Outcome;
    /// Each argument's type, and whether it may be NULL.
    const ARGUMENTS: &'static [(DataType, bool)];
    /// The type of what it gives.
    const RESULT: DataType;

    /// Calls it with values of these types.
    ///
    /// # Errors
    /// What the closure says is wrong with them.
    fn call(&self, values: &[Value<'_>]) -> Result<Value<'static>, String>;
}

macro_rules! closure {
    ($($argument:ident $at:tt),+) => {
        impl<F, R, $($argument),+> Closure<($($argument,)+)> for F
        where
            F: Fn($($argument),+) -> R + Send + Sync + 'static,
            R: Outcome,
            $($argument: SqlType,)+
        {
            type Outcome = R;

            const ARGUMENTS: &'static [(DataType, bool)] = &[$(($argument::DATA_TYPE, $argument::TAKES_NULL)),+];
            const RESULT: DataType = <R::Type as SqlType>::DATA_TYPE;

            fn call(&self, values: &[Value<'_>]) -> Result<Value<'static>, String> {
                let misfit = || "an argument is not of its type".to_owned();
                self($($argument::from_value(values.get($at).unwrap_or(&Value::Null)).ok_or_else(misfit)?),+)
                    .into_result()
                    .map(SqlType::into_value)
            }
        }
    };
}

closure!(A 0);
closure!(A 0, B 1);
closure!(A 0, B 1, C 2);
closure!(A 0, B 1, C 2, D 3);
closure!(A 0, B 1, C 2, D 3, E 4);

type Compute = dyn Fn(&[Value<'_>]) -> Result<Value<'static>, String> + Send + Sync;

/// A closure with its name in SQL.
pub struct UserFunction {
    name: String,
    arguments: &'static [(DataType, bool)],
    result: DataType,
    compute: Box<Compute>,
}

impl UserFunction {
    /// What the arguments have to be.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = DataType> {
        self.arguments.iter().map(|(data_type, _)| *data_type)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The type of what it gives.
    pub(crate) fn result(&self) -> DataType {
        self.result
    }

    /// How it is called, for messages.
    pub(crate) fn form(&self) -> String {
        let types: Vec<String> = self.arguments().map(|data_type| data_type.to_string()).collect();
        format!("{}({})", self.name, types.join(", "))
    }

    /// Calls it over a row. A panic is an error of the record, as any other.
    pub(super) fn call<'r>(&self, arguments: &'r [Expr], row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        let mut values = Vec::with_capacity(arguments.len());
        for (argument, (_, takes_null)) in arguments.iter().zip(self.arguments) {
            let value = argument.eval(row)?;
            if value.is_null() && !takes_null {
                return Ok(Value::Null);
            }
            values.push(value);
        }
        let failed = |why| EvalError::Function { name: self.name.clone(), why };
        match catch_unwind(AssertUnwindSafe(|| (self.compute)(&values))) {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(failed("it panicked".to_owned())),
        }
    }
}

impl fmt::Debug for UserFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.form())
    }
}

/// Two are the same if they are called the same: what closures do cannot be compared.
impl PartialEq for UserFunction {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.arguments, self.result) == (&other.name, other.arguments, other.result)
    }
}

/// The functions of one broker's jobs, by name.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    by_name: BTreeMap<String, Arc<UserFunction>>,
}

impl Functions {
    /// None.
    pub const NONE: &'static Functions = &Functions { by_name: BTreeMap::new() };

    /// Adds a closure, or replaces the one of this name. As with all functions, the letters' case does not matter.
    ///
    /// It has to give the same for the same arguments: a job that goes on after a crash calls it again.
    pub fn add<Arguments, C: Closure<Arguments>>(&mut self, name: &str, closure: C) {
        let name = name.to_ascii_uppercase();
        let compute = Box::new(move |values: &[Value<'_>]| closure.call(values));
        let function = UserFunction { name: name.clone(), arguments: C::ARGUMENTS, result: C::RESULT, compute };
        self.by_name.insert(name, Arc::new(function));
    }

    /// Adds those of another; where both have one of a name, that one counts.
    pub fn extend(&mut self, others: &Functions) {
        self.by_name.extend(others.by_name.iter().map(|(name, function)| (name.clone(), Arc::clone(function))));
    }

    /// The function of this name, in upper case.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<UserFunction>> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &UserFunction> {
        self.by_name.values().map(Arc::as_ref)
    }

    /// All names, in upper case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(functions: &Functions, name: &str, values: &[Value<'static>]) -> Result<Value<'static>, EvalError> {
        let function = functions.get(name).unwrap();
        let literal = |(value, data_type): (&Value<'static>, DataType)| Expr::literal(value.clone(), data_type);
        let arguments: Vec<Expr> = values.iter().zip(function.arguments()).map(literal).collect();
        function.call(&arguments, &[]).map(Value::into_owned)
    }

    #[test]
    fn a_null_is_seen_only_by_who_asks_for_it() {
        let mut functions = Functions::default();
        functions.add("plus", |a: i64, b: i64| a + b);
        functions.add("or_zero", |a: Option<i64>| a.unwrap_or(0));
        functions.add("positive", |a: i64| (a > 0).then_some(a));
        assert_eq!(call(&functions, "PLUS", &[Value::Integer(2), Value::Integer(3)]), Ok(Value::Integer(5)));
        assert_eq!(call(&functions, "PLUS", &[Value::Integer(2), Value::Null]), Ok(Value::Null));
        assert_eq!(call(&functions, "OR_ZERO", &[Value::Null]), Ok(Value::Integer(0)));
        assert_eq!(call(&functions, "POSITIVE", &[Value::Integer(-1)]), Ok(Value::Null));
    }

    #[test]
    fn an_error_and_a_panic_are_the_records() {
        let mut functions = Functions::default();
        functions.add("port", |text: String| text.parse::<i32>());
        functions.add("nth", |text: String, at: i32| text.as_bytes()[at as usize] as i32);
        assert_eq!(call(&functions, "PORT", &[Value::text("80")]), Ok(Value::Integer(80)));
        let error = call(&functions, "PORT", &[Value::text("http")]).unwrap_err();
        assert_eq!(error.to_string(), "PORT: invalid digit found in string");
        let error = call(&functions, "NTH", &[Value::text("ab"), Value::Integer(7)]).unwrap_err();
        assert_eq!(error.to_string(), "NTH: it panicked");
    }
}
