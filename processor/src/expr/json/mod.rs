//! JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY, JSON_STRING and IS JSON, with the rules of Flink's SqlJsonUtils:
//! a path without a mode is strict, floats keep their digits, objects are written with their keys in order.

mod path;
mod text;
mod tree;

use super::library::{Function, MISSHAPEN, PLAIN, Returns, gathered};
use super::{DataType, EvalError, Expr, Value};

pub(crate) use path::JsonPath;
pub(crate) use tree::Json;

/// A JSON function with its clauses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JsonFunction {
    /// (text)
    Value { path: JsonPath, empty: Otherwise, error: Otherwise },
    /// (text)
    Query { path: JsonPath, wrapper: Wrapper, empty: Otherwise, error: Otherwise },
    /// (text); on an error this, or the job fails.
    Exists { path: JsonPath, error: Otherwise },
    /// (key, value, key, value ..)
    Object { absent: bool },
    /// (value ..)
    Array { absent: bool },
    /// (value)
    String,
    /// (text)
    Is(JsonKind),
    /// (text): the JSON that the text is, inside of another JSON function.
    Raw,
    /// (text): as a JSON string.
    Quote,
    /// (text): the content of a JSON string.
    Unquote,
}

/// What takes the place of a value: `.. ON EMPTY`, `.. ON ERROR`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Otherwise {
    /// ERROR: the job fails.
    Fail,
    /// NULL, DEFAULT, TRUE, FALSE, UNKNOWN, EMPTY ARRAY, EMPTY OBJECT: of the call's type.
    Give(Value<'static>),
}

/// `WITH .. WRAPPER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    Without,
    /// What is no array becomes one.
    Conditional,
    Unconditional,
}

/// What IS JSON asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonKind {
    Value,
    Scalar,
    Array,
    Object,
}

impl JsonFunction {
    /// Flink's name of it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Value { .. } => "JSON_VALUE",
            Self::Query { .. } => "JSON_QUERY",
            Self::Exists { .. } => "JSON_EXISTS",
            Self::Object { .. } => "JSON_OBJECT",
            Self::Array { .. } => "JSON_ARRAY",
            Self::String => "JSON_STRING",
            Self::Is(_) => "IS JSON",
            Self::Raw => "JSON",
            Self::Quote => "JSON_QUOTE",
            Self::Unquote => "JSON_UNQUOTE",
        }
    }

    /// The path and the clauses, for EXPLAIN.
    pub(crate) fn clauses(&self) -> String {
        match self {
            Self::Value { path, empty, error } => format!(", '{path}' {empty} ON EMPTY {error} ON ERROR"),
            Self::Query { path, wrapper, empty, error } => {
                format!(", '{path}' {wrapper:?} WRAPPER {empty} ON EMPTY {error} ON ERROR")
            }
            Self::Exists { path, error } => format!(", '{path}' {error} ON ERROR"),
            Self::Object { absent } | Self::Array { absent } => {
                if *absent { " ABSENT ON NULL" } else { " NULL ON NULL" }.to_owned()
            }
            Self::Is(kind) => format!(" {kind:?}"),
            Self::String | Self::Raw | Self::Quote | Self::Unquote => String::new(),
        }
    }
}

impl std::fmt::Display for Otherwise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fail => f.write_str("ERROR"),
            Self::Give(Value::Null) => f.write_str("NULL"),
            Self::Give(Value::String(text)) => write!(f, "'{text}'"),
            Self::Give(Value::Boolean(value)) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Give(Value::Integer(value)) => write!(f, "{value}"),
            Self::Give(value) => write!(f, "{value:?}"),
        }
    }
}

/// Calls a function; `result` is the call's type.
pub(super) fn call<'r>(
    function: &'r JsonFunction,
    arguments: &'r [Expr],
    result: DataType,
    row: &'r [Value<'r>],
) -> Result<Value<'r>, EvalError> {
    match function {
        JsonFunction::Object { absent } => return object(arguments, *absent, row),
        JsonFunction::Array { absent } => return array(arguments, *absent, row),
        _ => {}
    }
    let [argument] = arguments else { return Err(EvalError::Shape("a JSON function of one argument")) };
    let value = argument.eval(row)?;
    if let JsonFunction::String = function {
        return Ok(if value.is_null() { Value::Null } else { text::value(&value, argument)?.into() });
    }
    let Value::String(source) = value else {
        // NULL is no JSON.
        return Ok(if matches!(function, JsonFunction::Is(_)) { Value::Boolean(false) } else { Value::Null });
    };
    match function {
        JsonFunction::Value { path, empty, error } => match path.of(&source) {
            Ok(Some(found)) if found.is_scalar() => scalar(&found, result, error),
            Ok(None) => otherwise(empty, || "JSON_VALUE found nothing".to_owned()),
            Ok(Some(_)) if path.is_lax() => otherwise(empty, || "JSON_VALUE found nothing".to_owned()),
            Ok(Some(_)) => otherwise(error, || format!("JSON_VALUE found no scalar at {path}")),
            Err(why) => otherwise(error, || format!("JSON_VALUE: {why}")),
        },
        JsonFunction::Query { path, wrapper, empty, error } => match path.of(&source) {
            Ok(found) => query(found, path, *wrapper, (empty, error), result),
            Err(why) => otherwise(error, || format!("JSON_QUERY: {why}")),
        },
        JsonFunction::Exists { path, error } => match path.of(&source) {
            Ok(found) => Ok(Value::Boolean(found.is_some())),
            Err(why) => otherwise(error, || format!("JSON_EXISTS: {why}")),
        },
        JsonFunction::Is(kind) => Ok(Value::Boolean(match (Json::parse(&source), kind) {
            (Some(_), JsonKind::Value) => true,
            (Some(Json::Array(_)), kind) => *kind == JsonKind::Array,
            (Some(Json::Object(_)), kind) => *kind == JsonKind::Object,
            (Some(_), kind) => *kind == JsonKind::Scalar,
            (None, _) => false,
        })),
        JsonFunction::Raw => match Json::parse(&source) {
            Some(json) => Ok(json.to_string().into()),
            None => Err(EvalError::Json("JSON() got a text that is no JSON".to_owned())),
        },
        JsonFunction::Quote => Ok(text::quoted_ascii(&source).into()),
        JsonFunction::Unquote => Ok(match Json::parse(&source) {
            Some(Json::Text(content)) => content.into(),
            _ => source.into_owned().into(),
        }),
        _ => Err(EvalError::Shape("a JSON function of other arguments")),
    }
}

impl From<String> for Value<'static> {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

fn otherwise<'r>(instead: &'r Otherwise, why: impl FnOnce() -> String) -> Result<Value<'r>, EvalError> {
    match instead {
        Otherwise::Fail => Err(EvalError::Json(why())),
        Otherwise::Give(value) => Ok(value.borrowed()),
    }
}

/// JSON_VALUE's result of its type.
fn scalar<'r>(found: &Json, result: DataType, error: &'r Otherwise) -> Result<Value<'r>, EvalError> {
    let converted = match (found, result) {
        (Json::Null, _) => Some(Value::Null),
        (Json::Boolean(value), DataType::Boolean) => Some(Value::Boolean(*value)),
        (Json::Text(text), DataType::Boolean) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Boolean(true)),
            _ => Some(Value::Boolean(false)),
        },
        (Json::Number(digits) | Json::Text(digits), DataType::Double) => digits.parse().ok().map(Value::Double),
        (Json::Number(digits) | Json::Text(digits), to) if to.is_integer() => {
            digits.parse().ok().filter(|number| to.wrap(*number) == *number).map(Value::Integer)
        }
        (found, to) if to.is_text() => Some(found.as_text().into()),
        _ => None,
    };
    match converted {
        Some(value) => Ok(value),
        None => otherwise(error, || format!("JSON_VALUE found {}, which is no {result}", found.as_text())),
    }
}

fn query<'r>(
    found: Option<Json>,
    path: &JsonPath,
    wrapper: Wrapper,
    (empty, error): (&'r Otherwise, &'r Otherwise),
    result: DataType,
) -> Result<Value<'r>, EvalError> {
    let found = found.map(|found| match wrapper {
        Wrapper::Conditional if !matches!(found, Json::Array(_)) => Json::Array(vec![found]),
        Wrapper::Unconditional => Json::Array(vec![found]),
        Wrapper::Without | Wrapper::Conditional => found,
    });
    match found {
        Some(Json::Array(elements)) if result.element().is_some() => Ok(texts(&elements)),
        Some(found) if !found.is_scalar() && result.element().is_none() => Ok(found.to_string().into()),
        Some(found) if !found.is_scalar() => otherwise(error, || format!("JSON_QUERY found no array at {path}")),
        Some(_) if !path.is_lax() => otherwise(error, || format!("JSON_QUERY found a scalar at {path}")),
        _ => otherwise(empty, || "JSON_QUERY found nothing".to_owned()),
    }
}

/// An array of texts: of texts as they are, of others their JSON.
fn texts(elements: &[Json]) -> Value<'static> {
    let text = |element: &Json| match element {
        Json::Null => Value::Null,
        other => Value::from(other.as_text()),
    };
    Value::array(elements.iter().map(text).collect())
}

fn object<'r>(arguments: &'r [Expr], absent: bool, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
    let mut members: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for pair in arguments.chunks_exact(2) {
        let (key, value) = (pair[0].eval(row)?, pair[1].eval(row)?);
        let Value::String(key) = key else { return Err(EvalError::Json("a key of JSON_OBJECT is NULL".to_owned())) };
        if value.is_null() && absent {
            continue;
        }
        members.insert(key.into_owned(), text::value(&value, &pair[1])?);
    }
    Ok(text::object(&members).into())
}

fn array<'r>(arguments: &'r [Expr], absent: bool, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
    let mut elements = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = argument.eval(row)?;
        if !(value.is_null() && absent) {
            elements.push(text::value(&value, argument)?);
        }
    }
    Ok(format!("[{}]", elements.join(",")).into())
}

/// What JSON_ARRAYAGG makes of a value: its JSON, and a comma before it.
pub(crate) const ARRAY_PART: &Function = &Function {
    name: "JSON_ARRAYAGG",
    takes_null: true,
    compute: |values, call| {
        let ([value], [argument]) = (values, call.arguments) else { return Err(MISSHAPEN) };
        Ok(format!(",{}", text::value(value, argument)?).into())
    },
    ..PLAIN
};

/// The array of what [`ARRAY_PART`] made; without values it is empty.
pub(crate) const ARRAY_OF_PARTS: &Function = &Function {
    name: "JSON_ARRAYAGG",
    takes_null: true,
    compute: |values, _| match values {
        [Value::String(parts)] => Ok(format!("[{}]", parts.get(1..).unwrap_or_default()).into()),
        _ => Ok(Value::text("[]")),
    },
    ..PLAIN
};

/// What JSON_OBJECTAGG makes of a key and a value, as bytes.
pub(crate) const OBJECT_PART: &Function = &Function {
    name: "JSON_OBJECTAGG",
    takes_null: true,
    result: Returns::Is(DataType::BYTES),
    compute: |values, call| {
        let ([Value::String(key), value], [_, argument]) = (values, call.arguments) else {
            return Err(EvalError::Json("a key of JSON_OBJECTAGG is NULL".to_owned()));
        };
        let member = [Value::text(key), Value::from(text::value(value, argument)?)];
        Ok(Value::Bytes(member.iter().flat_map(super::nested::bytes_of).collect::<Vec<u8>>().into()))
    },
    ..PLAIN
};

/// The object of what [`OBJECT_PART`] made, its keys in order.
pub(crate) const OBJECT_OF_PARTS: &Function = &Function {
    name: "JSON_OBJECTAGG",
    takes_null: true,
    compute: |values, _| {
        let mut members = std::collections::BTreeMap::new();
        let parts = match values {
            [Value::Bytes(bytes)] => gathered(bytes),
            _ => Vec::new(),
        };
        for pair in parts.chunks_exact(2) {
            if let [Value::String(key), Value::String(json)] = pair {
                members.insert(key.clone(), json.to_string());
            }
        }
        Ok(text::object(&members).into())
    },
    ..PLAIN
};
