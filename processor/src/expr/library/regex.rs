//! Regular expressions, LIKE with a pattern that is not constant, and SIMILAR TO.
//!
//! The engine is the regex project's small one. It knows what Java's knows but for look-around, back references, possessive
//! quantifiers, `\Q..\E` and classes of Unicode; and it takes linear time. A constant pattern that it does not know is refused when
//! planning; one that comes from a row is taken for what Flink takes an invalid one: nothing matches.

use std::rc::Rc;

use regex_lite::Regex;

use super::text::two;
use super::{Function, Kind, MISSHAPEN, PLAIN, Returns, string};
use crate::expr::cache::Cache;
use crate::expr::{DataType, EvalError, Expr, LikePattern, Value};

const BOOLEAN: Returns = Returns::Is(DataType::Boolean);
const INT: Returns = Returns::Is(DataType::Int);

/// Functions with a regular expression.
pub(crate) const REGULAR_EXPRESSIONS: &[Function] = &[
    Function {
        name: "REGEXP",
        form: "REGEXP(text, regex)",
        about: "whether the expression is found anywhere in the text; never if it is empty",
        arguments: &[Kind::Text, Kind::Text],
        result: BOOLEAN,
        compute: |values, _| {
            two(values, |text, regex| {
                Value::Boolean(!regex.is_empty() && compiled(regex).is_some_and(|regex| regex.is_match(text)))
            })
        },
        check: known,
        ..PLAIN
    },
    Function {
        name: "REGEXP_COUNT",
        form: "REGEXP_COUNT(text, regex)",
        about: "how often the expression is found",
        arguments: &[Kind::Text, Kind::Text],
        result: INT,
        compute: |values, _| {
            two(values, |text, regex| match compiled(regex) {
                Some(regex) => Value::Integer(regex.find_iter(text).count() as i64),
                None => Value::Null,
            })
        },
        check: known,
        ..PLAIN
    },
    Function {
        name: "REGEXP_EXTRACT",
        form: "REGEXP_EXTRACT(text, regex [, group])",
        about: "what the group (0, the whole, by default) of the first match is; NULL without a match",
        arguments: &[Kind::Text, Kind::Text, Kind::Integer],
        required: 2,
        compute: extract,
        check: known,
        ..PLAIN
    },
    Function {
        name: "REGEXP_INSTR",
        form: "REGEXP_INSTR(text, regex)",
        about: "where the first match begins, from 1; 0 without one",
        arguments: &[Kind::Text, Kind::Text],
        result: INT,
        compute: |values, _| {
            two(values, |text, regex| match compiled(regex) {
                Some(regex) => {
                    Value::Integer(regex.find(text).map_or(0, |found| text[..found.start()].chars().count() as i64 + 1))
                }
                None => Value::Null,
            })
        },
        check: known,
        ..PLAIN
    },
    Function {
        name: "REGEXP_REPLACE",
        form: "REGEXP_REPLACE(text, regex, by)",
        about: "the text with all matches replaced by the other text as it stands",
        arguments: &[Kind::Text, Kind::Text, Kind::Text],
        compute: replace,
        check: known,
        ..PLAIN
    },
    Function {
        name: "REGEXP_SUBSTR",
        form: "REGEXP_SUBSTR(text, regex)",
        about: "the first match; NULL without one",
        arguments: &[Kind::Text, Kind::Text],
        compute: |values, _| {
            two(values, |text, regex| {
                let regex = compiled(regex);
                regex.and_then(|regex| regex.find(text).map(|found| string(found.as_str()))).unwrap_or(Value::Null)
            })
        },
        check: known,
        ..PLAIN
    },
];

/// `text LIKE pattern [ESCAPE escape]` with a pattern from the row.
pub(crate) const LIKE: &Function = &Function {
    name: "LIKE",
    form: "text LIKE pattern",
    arguments: &[Kind::Text, Kind::Text, Kind::Text],
    required: 2,
    result: BOOLEAN,
    compute: like,
    ..PLAIN
};

/// `text SIMILAR TO pattern [ESCAPE escape]`.
pub(crate) const SIMILAR: &Function = &Function {
    name: "SIMILAR TO",
    form: "text SIMILAR TO pattern",
    arguments: &[Kind::Text, Kind::Text, Kind::Text],
    required: 2,
    result: BOOLEAN,
    compute: similar,
    check: known_similar,
    ..PLAIN
};

/// So many patterns are kept prepared.
const MAX_CACHED: usize = 256;

/// The compiled expression; `None` if it is none that the engine knows.
pub(super) fn compiled(source: &str) -> Option<Rc<Regex>> {
    thread_local! {
        static CACHE: Cache<Option<Rc<Regex>>> = Cache::of(MAX_CACHED);
    }
    CACHE.with(|cache| cache.get(source, || Regex::new(source).ok().map(Rc::new)))
}

/// Text, pattern and escape character of LIKE and SIMILAR TO.
fn match_parts<'v>(values: &'v [Value<'_>]) -> Result<(&'v str, &'v str, Option<char>), EvalError> {
    match values {
        [Value::String(text), Value::String(pattern)] => Ok((text, pattern, None)),
        [Value::String(text), Value::String(pattern), Value::String(escape)] => {
            Ok((text, pattern, escape.chars().next()))
        }
        _ => Err(MISSHAPEN),
    }
}

/// A pattern prepared by `prepare`, from `plain` or, with an escape character, from `escaped`.
fn prepared<T: Clone>(
    (plain, escaped): (&Cache<T>, &Cache<T>),
    (pattern, escape): (&str, Option<char>),
    prepare: impl FnOnce() -> T,
) -> T {
    match escape {
        None => plain.get(pattern, prepare),
        Some(escape) => escaped.get(&format!("{escape}{pattern}"), prepare),
    }
}

/// Refuses a constant expression that the engine does not know.
fn known(arguments: &[Expr]) -> Result<(), (usize, String)> {
    match arguments.get(1).and_then(Expr::as_literal) {
        Some(Value::String(source)) => Regex::new(source)
            .map(drop)
            .map_err(|error| (1, format!("'{source}' is no regular expression here: {error}"))),
        _ => Ok(()),
    }
}

fn extract(values: &[Value<'_>], _: &super::Call<'_>) -> Result<Value<'static>, EvalError> {
    let (text, regex, group) = match values {
        [Value::String(text), Value::String(regex)] => (text, regex, 0),
        [Value::String(text), Value::String(regex), Value::Integer(group)] => (text, regex, *group),
        _ => return Err(MISSHAPEN),
    };
    let (Some(regex), Ok(group)) = (compiled(regex), usize::try_from(group)) else { return Ok(Value::Null) };
    let found = regex.captures(text).and_then(|captures| captures.get(group).map(|part| string(part.as_str())));
    Ok(found.unwrap_or(Value::Null))
}

fn replace(values: &[Value<'_>], _: &super::Call<'_>) -> Result<Value<'static>, EvalError> {
    let [Value::String(text), Value::String(regex), Value::String(by)] = values else { return Err(MISSHAPEN) };
    let Some(regex) = compiled(regex) else { return Ok(Value::Null) };
    Ok(string(regex.replace_all(text, regex_lite::NoExpand(by)).into_owned()))
}

fn like(values: &[Value<'_>], _: &super::Call<'_>) -> Result<Value<'static>, EvalError> {
    thread_local! {
        static CACHES: [Cache<Option<Rc<LikePattern>>>; 2] = [Cache::of(MAX_CACHED), Cache::of(MAX_CACHED)];
    }
    let (text, pattern, escape) = match_parts(values)?;
    let found = CACHES.with(|[plain, escaped]| {
        prepared((plain, escaped), (pattern, escape), || LikePattern::new(pattern, escape).map(Rc::new))
    });
    match found {
        Some(pattern) => Ok(Value::Boolean(pattern.matches(text))),
        None => Err(EvalError::Pattern(pattern.chars().take(60).collect())),
    }
}

fn similar(values: &[Value<'_>], _: &super::Call<'_>) -> Result<Value<'static>, EvalError> {
    thread_local! {
        static CACHES: [Cache<Option<Rc<Regex>>>; 2] = [Cache::of(MAX_CACHED), Cache::of(MAX_CACHED)];
    }
    let (text, pattern, escape) = match_parts(values)?;
    let made = || similar_regex(pattern, escape).and_then(|source| Regex::new(&source).ok()).map(Rc::new);
    let found = CACHES.with(|[plain, escaped]| prepared((plain, escaped), (pattern, escape), made));
    match found {
        Some(regex) => Ok(Value::Boolean(regex.is_match(text))),
        None => Err(EvalError::Pattern(pattern.chars().take(60).collect())),
    }
}

fn known_similar(arguments: &[Expr]) -> Result<(), (usize, String)> {
    let Some(Value::String(pattern)) = arguments.get(1).and_then(Expr::as_literal) else { return Ok(()) };
    let escape = match arguments.get(2).map(Expr::as_literal) {
        None => None,
        Some(Some(Value::String(escape))) => escape.chars().next(),
        Some(_) => return Ok(()),
    };
    match similar_regex(pattern, escape).map(|source| Regex::new(&source)) {
        Some(Ok(_)) => Ok(()),
        _ => Err((1, format!("'{pattern}' is no pattern of SIMILAR TO"))),
    }
}

/// The regular expression of a pattern of SIMILAR TO: `%` and `_` as in LIKE, the operators `| * + ? {n} ( ) [ ]`, and
/// everything else plain. `None` if it is none.
fn similar_regex(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut regex = String::from("^(?s:");
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            c if Some(c) == escape => regex.push_str(&regex_lite::escape(&characters.next()?.to_string())),
            ']' if in_class => {
                in_class = false;
                regex.push(']');
            }
            '[' if !in_class => {
                in_class = true;
                regex.push('[');
            }
            '^' | '-' if in_class => regex.push(character),
            '%' if !in_class => regex.push_str(".*"),
            '_' if !in_class => regex.push('.'),
            // Flink takes the point for any character too.
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' | '.' if !in_class => regex.push(character),
            other => regex.push_str(&regex_lite::escape(&other.to_string())),
        }
    }
    regex.push_str(")$");
    (!in_class).then_some(regex)
}
