//! Calls of scalar functions: which there are, and with how many arguments.

use sqlparser::ast::{self, CeilFloorKind, DateTimeField, TrimWhereField};
use sqlparser::tokenizer::Span;

use super::super::error::{SqlError, nearest};
use super::Binder;
use super::aggregate;
use super::scalar::{field_of, field_of_function};
use crate::expr::{Arithmetic, Comparison, DataType, Expr, Node, ScalarFunction, TimeField, TrimSide, Value};

/// The scalar functions there are, for suggestions.
const NAMES: &[&str] = &[
    "ABS",
    "BTRIM",
    "CAST",
    "CEIL",
    "CEILING",
    "CHARACTER_LENGTH",
    "CHAR_LENGTH",
    "COALESCE",
    "CONCAT",
    "DATE_FORMAT",
    "DAYOFMONTH",
    "DAYOFWEEK",
    "DAYOFYEAR",
    "EXP",
    "EXTRACT",
    "FLOOR",
    "FROM_UNIXTIME",
    "GREATEST",
    "HOUR",
    "IF",
    "IFNULL",
    "LEAST",
    "LN",
    "LOWER",
    "LTRIM",
    "MINUTE",
    "MOD",
    "MONTH",
    "NULLIF",
    "POSITION",
    "POWER",
    "QUARTER",
    "REPLACE",
    "ROUND",
    "RTRIM",
    "SECOND",
    "SPLIT_INDEX",
    "SQRT",
    "SUBSTR",
    "SUBSTRING",
    "TO_TIMESTAMP",
    "TO_TIMESTAMP_LTZ",
    "TRIM",
    "TRY_CAST",
    "UPPER",
    "YEAR",
];

/// Functions whose value depends on when they are called.
const CLOCKS: &[&str] = &[
    "CURRENT_TIMESTAMP",
    "CURRENT_ROW_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "NOW",
    "PROCTIME",
    "UNIX_TIMESTAMP",
    "RAND",
    "RAND_INTEGER",
    "UUID",
];

/// Names of windowing functions, which stand in FROM.
const WINDOWS: &[&str] = &["TUMBLE", "HOP", "CUMULATE", "SESSION", "TUMBLE_START", "TUMBLE_END", "TUMBLE_ROWTIME"];

/// An error if the name is that of a clock or a source of randomness.
pub(super) fn refuse_clock(name: &str, span: Span) -> Option<SqlError> {
    let upper = name.to_ascii_uppercase();
    CLOCKS.contains(&upper.as_str()).then(|| {
        SqlError::new(span, format!("{upper} is not supported: the same log must give the same answer")).hint(
            match &*upper {
                "PROCTIME" => "for windows by the clock, add a column pt AS PROCTIME() to the CREATE TABLE",
                _ => "use a time from the record",
            },
        )
    })
}

impl Binder<'_> {
    pub(super) fn function(&mut self, whole: &ast::Expr, function: &ast::Function) -> Result<Expr, SqlError> {
        let name = function.name.to_string().to_ascii_uppercase();
        if aggregate::NAMES.contains(&name.as_str()) {
            return self.aggregate(whole, &name, function);
        }
        if let Some(refused) = refuse_clock(&name, super::position::of(whole)) {
            return Err(refused);
        }
        if function.over.is_some() {
            return Err(self.unsupported(whole, "OVER"));
        }
        if function.filter.is_some() || !function.within_group.is_empty() {
            return Err(self.error(whole, format!("{name} is no aggregate function")));
        }
        let arguments = self.plain_arguments(whole, &name, function)?;
        self.call(whole, &name, &arguments)
    }

    /// The arguments, which have no names and no options.
    fn plain_arguments<'e>(
        &self,
        whole: &ast::Expr,
        name: &str,
        function: &'e ast::Function,
    ) -> Result<Vec<&'e ast::Expr>, SqlError> {
        let ast::FunctionArguments::List(list) = &function.args else {
            if matches!(function.args, ast::FunctionArguments::None) {
                return Ok(Vec::new());
            }
            return Err(self.unsupported(whole, "a subquery as an argument"));
        };
        list.args
            .iter()
            .map(|argument| match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(expr),
                ast::FunctionArg::Unnamed(_) => Err(self.error(whole, format!("* is no argument of {name}"))),
                _ => Err(self.error(whole, format!("{name} takes no named arguments"))),
            })
            .collect()
    }

    fn call(&mut self, whole: &ast::Expr, name: &str, arguments: &[&ast::Expr]) -> Result<Expr, SqlError> {
        use ScalarFunction as F;
        match (name, arguments) {
            ("UPPER", [text]) => self.text_call(F::Upper, name, &[text], DataType::STRING),
            ("LOWER", [text]) => self.text_call(F::Lower, name, &[text], DataType::STRING),
            ("CHAR_LENGTH" | "CHARACTER_LENGTH", [text]) => self.text_call(F::CharLength, name, &[text], DataType::Int),
            ("REPLACE", [text, what, by]) => self.text_call(F::Replace, name, &[text, what, by], DataType::STRING),
            ("LTRIM" | "RTRIM" | "BTRIM", [text, rest @ ..]) if rest.len() <= 1 => {
                let side = match name {
                    "LTRIM" => TrimSide::Leading,
                    "RTRIM" => TrimSide::Trailing,
                    _ => TrimSide::Both,
                };
                self.trim(text, rest.first().copied(), side)
            }
            ("SUBSTR" | "SUBSTRING", [text, from]) => self.substring(text, Some(from), None),
            ("SUBSTR" | "SUBSTRING", [text, from, length]) => self.substring(text, Some(from), Some(length)),
            ("SPLIT_INDEX", [text, delimiter, index]) => {
                let mut parts = vec![self.text(text, name)?, self.text(delimiter, name)?];
                parts.push(self.integer(index, name)?);
                Ok(Expr::new(Node::Call(F::SplitIndex, parts), DataType::STRING))
            }
            ("CONCAT", [_, ..]) => self.concat(arguments),
            ("COALESCE", [_, ..]) => self.of_common_type(F::Coalesce, name, arguments),
            ("IFNULL", [_, _]) => self.of_common_type(F::Coalesce, name, arguments),
            ("GREATEST", [_, ..]) => self.of_common_type(F::Greatest, name, arguments),
            ("LEAST", [_, ..]) => self.of_common_type(F::Least, name, arguments),
            ("IF", [condition, yes, no]) => {
                let when = self.bind_condition(condition)?;
                let results = vec![(*yes, self.bind(yes)?), (*no, self.bind(no)?)];
                let (mut results, data_type) = self.unified(results, "the results of IF")?;
                let (no, yes) = (results.pop(), results.pop());
                let (Some(yes), Some(no)) = (yes, no) else {
                    return Err(self.error(whole, "IF takes three arguments"));
                };
                let node = Node::Case { branches: vec![(when, yes)], otherwise: Box::new(no) };
                Ok(Expr::new(node, data_type))
            }
            ("NULLIF", [value, other]) => {
                let equal = self.compare(Comparison::Equal, value, other)?;
                let value = self.bind(value)?;
                let data_type = value.data_type();
                let null = Expr::literal(Value::Null, data_type);
                Ok(Expr::new(Node::Case { branches: vec![(equal, null)], otherwise: Box::new(value) }, data_type))
            }
            ("ABS", [number]) => self.number_call(F::Abs, name, number),
            ("FLOOR", [number]) => self.rounded(F::Floor, name, number),
            ("CEIL" | "CEILING", [number]) => self.rounded(F::Ceil, name, number),
            ("ROUND", [number]) => self.round(number, None),
            ("ROUND", [number, digits]) => self.round(number, Some(digits)),
            ("MOD", [a, b]) => {
                let (left, right) = (self.number(a, name)?, self.number(b, name)?);
                self.arithmetic_of(whole, Arithmetic::Modulo, left, right)
            }
            ("POWER", [base, exponent]) => self.double_call(F::Power, name, &[base, exponent]),
            ("SQRT", [number]) => self.double_call(F::Sqrt, name, &[number]),
            ("EXP", [number]) => self.double_call(F::Exp, name, &[number]),
            ("LN", [number]) => self.double_call(F::Ln, name, &[number]),
            ("TO_TIMESTAMP_LTZ", [number]) => self.timestamp_ltz(number, None),
            ("TO_TIMESTAMP_LTZ", [number, precision]) => self.timestamp_ltz(number, Some(precision)),
            ("TO_TIMESTAMP", [text, pattern @ ..]) if pattern.len() <= 1 => {
                let text = self.text(text, name)?;
                let pattern = self.pattern(pattern.first().copied(), name)?;
                Ok(Expr::new(Node::Call(F::ToTimestamp(pattern), vec![text]), DataType::Timestamp(3)))
            }
            ("DATE_FORMAT", [time, pattern]) => {
                let time = self.time(time, name)?;
                let pattern = self.pattern(Some(pattern), name)?;
                Ok(Expr::new(Node::Call(F::DateFormat(pattern), vec![time]), DataType::STRING))
            }
            ("FROM_UNIXTIME", [seconds, pattern @ ..]) if pattern.len() <= 1 => {
                let seconds = self.integer(seconds, name)?;
                let pattern = self.pattern(pattern.first().copied(), name)?;
                Ok(Expr::new(Node::Call(F::FromUnixtime(pattern), vec![seconds]), DataType::STRING))
            }
            (_, [time]) if field_of_function(name).is_some() => {
                let field = field_of_function(name).unwrap_or(TimeField::Year);
                let time = self.time(time, name)?;
                Ok(Expr::new(Node::Call(F::Extract(field), vec![time]), DataType::BigInt))
            }
            _ => Err(self.no_such_call(whole, name, arguments.len())),
        }
    }

    fn no_such_call(&self, whole: &ast::Expr, name: &str, count: usize) -> SqlError {
        if WINDOWS.contains(&name) {
            return self
                .error(whole, format!("{name} is not a scalar function here"))
                .hint("a window stands in FROM: TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))");
        }
        if aggregate::LATER.contains(&name) {
            return self.unsupported(whole, &format!("the aggregate function {name}"));
        }
        if NAMES.contains(&name) {
            let arguments = if count == 1 { "argument" } else { "arguments" };
            return self
                .error(whole, format!("{name} does not take {count} {arguments}"))
                .maybe_hint(usage(name).map(|usage| format!("write {usage}")));
        }
        let close = nearest(name, NAMES.iter().chain(aggregate::NAMES).copied());
        self.error(whole, format!("there is no function {name}"))
            .maybe_hint(close.map(|name| format!("did you mean {name}?")))
    }

    /// Forms with words between their arguments.
    pub(super) fn special_form(&mut self, whole: &ast::Expr) -> Result<Expr, SqlError> {
        match whole {
            ast::Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())
            }
            ast::Expr::Trim { expr, trim_where, trim_what, trim_characters: None } => {
                let side = match trim_where {
                    Some(TrimWhereField::Leading) => TrimSide::Leading,
                    Some(TrimWhereField::Trailing) => TrimSide::Trailing,
                    Some(TrimWhereField::Both) | None => TrimSide::Both,
                };
                self.trim(expr, trim_what.as_deref(), side)
            }
            ast::Expr::Position { expr, r#in } => {
                self.text_call(ScalarFunction::Position, "POSITION", &[expr, r#in], DataType::Int)
            }
            ast::Expr::Extract { field, expr, .. } => {
                let Some(field) = field_of(field) else {
                    return Err(self.error(whole, format!("EXTRACT knows no {field}")));
                };
                let time = self.time(expr, "EXTRACT")?;
                Ok(Expr::new(Node::Call(ScalarFunction::Extract(field), vec![time]), DataType::BigInt))
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.rounded(ScalarFunction::Floor, "FLOOR", expr)
            }
            ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.rounded(ScalarFunction::Ceil, "CEIL", expr)
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(unit) } => {
                let Some(field) = field_of(unit) else {
                    return Err(self.error(whole, format!("FLOOR .. TO knows no {unit}")));
                };
                let time = self.time(expr, "FLOOR")?;
                let data_type = time.data_type();
                if !data_type.is_timestamp() {
                    return Err(self.error(expr, format!("FLOOR .. TO {unit} needs a TIMESTAMP, found {data_type}")));
                }
                Ok(Expr::new(Node::Call(ScalarFunction::FloorTo(field), vec![time]), data_type))
            }
            _ => Err(self.error(whole, "this form of the function is not supported")),
        }
    }
}

/// How a function is called, where that is not obvious.
fn usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "TO_TIMESTAMP_LTZ" => "TO_TIMESTAMP_LTZ(number, 3)",
        "TO_TIMESTAMP" => "TO_TIMESTAMP(text [, 'yyyy-MM-dd HH:mm:ss'])",
        "SUBSTRING" | "SUBSTR" => "SUBSTRING(text FROM start [FOR length])",
        "SPLIT_INDEX" => "SPLIT_INDEX(text, delimiter, index)",
        "DATE_FORMAT" => "DATE_FORMAT(time, pattern)",
        "FROM_UNIXTIME" => "FROM_UNIXTIME(seconds [, pattern])",
        "REPLACE" => "REPLACE(text, what, by)",
        "IF" => "IF(condition, yes, no)",
        "NULLIF" => "NULLIF(value, other)",
        "MOD" => "MOD(number, divisor)",
        "ROUND" => "ROUND(number [, digits])",
        _ => return None,
    })
}
