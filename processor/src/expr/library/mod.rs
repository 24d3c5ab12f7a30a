//! The library: scalar functions that are nothing but a computation over their arguments. A row of its tables says all that the
//! planner, the evaluation and `docs/reference/sql.md` know of a function.

mod collection;
mod digest;
mod encoding;
mod number;
mod regex;
pub(crate) mod sketch;
mod text;
mod url;

use super::{DataType, EvalError, Expr, TypeLimit, Value};

pub(crate) use collection::{
    AT_INDEX, AT_KEY, COLLECTIONS, GATHERED, GATHERED_ARRAY, MAKE_ARRAY, MAKE_MAP, MAKE_ROW, gathered,
};
pub(crate) use number::NUMBERS;
pub(crate) use regex::REGULAR_EXPRESSIONS;
pub(crate) use regex::{LIKE, SIMILAR};
pub(crate) use text::TEXTS;
pub(crate) use {digest::HASHES, encoding::ENCODINGS};

/// A function of the library.
#[derive(Debug)]
pub(crate) struct Function {
    /// Flink's name of it.
    pub name: &'static str,
    /// Other names of it.
    pub also: &'static [&'static str],
    /// How it is called, for messages and the reference page.
    pub form: &'static str,
    /// What it gives, in one line.
    pub about: &'static str,
    /// What the arguments have to be.
    pub arguments: &'static [Kind],
    /// How many of them there have to be.
    pub required: usize,
    /// Whether the last one may be repeated.
    pub repeats: bool,
    /// How arguments are brought together before they are checked.
    pub unify: Unify,
    /// Whether it is computed over NULLs; otherwise a NULL argument makes the result NULL.
    pub takes_null: bool,
    pub result: Returns,
    pub compute: Compute,
    /// Finds out when planning what is wrong with constant arguments.
    pub check: Check,
}

/// Computes a function: the arguments' values and, where types matter, the arguments themselves.
pub(crate) type Compute = fn(&[Value<'_>], &Call<'_>) -> Result<Value<'static>, EvalError>;

/// What is wrong with constant arguments: the position of the argument, and why.
pub(crate) type Check = fn(&[Expr]) -> Result<(), (usize, String)>;

/// The types of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub arguments: &'a [Expr],
    pub result: DataType,
}

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// CHAR, VARCHAR, STRING.
    Text,
    /// BINARY, VARBINARY, BYTES.
    Bytes,
    /// TINYINT to BIGINT.
    Integer,
    /// Any number, as it is.
    Number,
    /// Any number, converted to DOUBLE.
    Double,
    /// An integer or a text.
    IntegerOrText,
    /// BOOLEAN.
    Boolean,
    /// Anything.
    Any,
    /// An ARRAY of anything.
    Array,
    /// An ARRAY of texts.
    Texts,
    /// An ARRAY of values that have an order.
    Ordered,
    /// A MAP.
    Map,
    /// An ARRAY, a MAP or a MULTISET.
    Collection,
}

/// How the types of arguments are brought together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unify {
    /// Each stays as it is.
    Nothing,
    /// All get their common type.
    All,
    /// The first is an array, the second an element of it: both get the element's common type.
    ElementOfFirst,
}

/// The type of the result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Returns {
    Is(DataType),
    /// Told by the arguments; with a word for it.
    By(&'static str, fn(&[Expr]) -> Result<DataType, TypeLimit>),
}

/// Two functions are the same if their names are.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Kind {
    /// Whether values of a type are taken.
    pub(crate) fn takes(self, data_type: DataType) -> bool {
        data_type == DataType::Null
            || match self {
                Self::Text => data_type.is_text(),
                Self::Bytes => matches!(data_type, DataType::VarBinary(_)),
                Self::Integer => data_type.is_integer(),
                Self::Number | Self::Double => data_type.is_numeric(),
                Self::IntegerOrText => data_type.is_integer() || data_type.is_text(),
                Self::Boolean => data_type == DataType::Boolean,
                Self::Any => true,
                Self::Array => data_type.element().is_some(),
                Self::Texts => data_type.element().is_some_and(|of| of.is_text() || of == DataType::Null),
                Self::Ordered => data_type.element().is_some_and(|of| of.nested().is_none()),
                Self::Map => matches!(data_type.nested(), Some(super::NestedType::Map(..))),
                Self::Collection => data_type.element().is_some() || data_type.entry().is_some(),
            }
    }

    /// What is expected, for messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a STRING",
            Self::Bytes => "BYTES",
            Self::Integer => "an integer",
            Self::Number | Self::Double => "a number",
            Self::IntegerOrText => "an integer or a STRING",
            Self::Boolean => "a BOOLEAN",
            Self::Any => "a value",
            Self::Array => "an ARRAY",
            Self::Texts => "an ARRAY of STRING",
            Self::Ordered => "an ARRAY of values that have an order",
            Self::Map => "a MAP",
            Self::Collection => "an ARRAY or a MAP",
        }
    }
}

/// A function of one text to a text, which others are written down as differences from.
pub(crate) const PLAIN: Function = Function {
    name: "",
    also: &[],
    form: "",
    about: "",
    arguments: &[Kind::Text],
    required: usize::MAX,
    repeats: false,
    unify: Unify::Nothing,
    takes_null: false,
    result: Returns::Is(DataType::STRING),
    compute: |_, _| Err(MISSHAPEN),
    check: |_| Ok(()),
};

/// The planner has let arguments through that a function does not take.
pub(crate) const MISSHAPEN: EvalError = EvalError::Shape("a function of the library got other arguments");

impl Function {
    /// The fewest arguments.
    pub(crate) fn fewest(&self) -> usize {
        if self.required == usize::MAX { self.arguments.len() } else { self.required }
    }

    /// Whether a call may have so many arguments.
    pub(crate) fn takes_count(&self, count: usize) -> bool {
        count >= self.fewest() && (self.repeats || count <= self.arguments.len())
    }

    /// What the argument at a position has to be.
    pub(crate) fn kind(&self, position: usize) -> Kind {
        self.arguments.get(position).or(self.arguments.last()).copied().unwrap_or(Kind::Text)
    }
}

/// Calls a function.
pub(super) fn call<'r>(
    function: &'static Function,
    arguments: &'r [Expr],
    result: DataType,
    row: &'r [Value<'r>],
) -> Result<Value<'r>, EvalError> {
    /// Calls with more arguments take memory for them.
    const INLINE: usize = 4;
    let call = Call { arguments, result };
    let mut inline = [Value::Null, Value::Null, Value::Null, Value::Null];
    let mut many = Vec::new();
    let values: &mut [Value<'r>] = if arguments.len() <= INLINE {
        &mut inline[..arguments.len()]
    } else {
        many.resize(arguments.len(), Value::Null);
        &mut many
    };
    for (slot, argument) in values.iter_mut().zip(arguments) {
        *slot = argument.eval(row)?;
        if slot.is_null() && !function.takes_null {
            return Ok(Value::Null);
        }
    }
    (function.compute)(values, &call)
}

fn string(text: impl Into<String>) -> Value<'static> {
    Value::String(text.into().into())
}

/// A count of characters: below 0 there is none.
fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
