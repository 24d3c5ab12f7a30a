//! Calls of scalar functions: which there are, and with how many arguments.

use sqlparser::ast::{self, CeilFloorKind, DateTimeField, TrimWhereField};
use sqlparser::tokenizer::Span;

use super::super::error::{SqlError, nearest};
use super::super::group_window;
use super::super::json_call::is_json_call;
use super::super::{functions, missing};
use super::scalar::{field_of, field_of_function};
use super::{Binder, aggregate, library};
use crate::expr::{Arithmetic, Comparison, DataType, Expr, Node, ScalarFunction, TimeField, TrimSide, Value, Volatile};

/// Names of windowing functions, which stand in FROM.
const WINDOWS: &[&str] = &["TUMBLE", "HOP", "CUMULATE", "SESSION"];

/// A call without arguments that tells the time or comes of chance; `None` if the name is that of another function.
pub(super) fn without_arguments(name: &str, span: Span) -> Option<Result<Expr, SqlError>> {
    let of = |function, data_type| Expr::new(Node::Call(ScalarFunction::Volatile(function), Vec::new()), data_type);
    let now = || of(Volatile::Now, DataType::TimestampLtz(3));
    let local = || cast(now(), DataType::Timestamp(3));
    Some(Ok(match name.to_ascii_uppercase().as_str() {
        "CURRENT_TIMESTAMP" | "NOW" | "CURRENT_ROW_TIMESTAMP" => now(),
        "LOCALTIMESTAMP" => local(),
        "CURRENT_DATE" => cast(local(), DataType::Date),
        "CURRENT_TIME" | "LOCALTIME" => cast(local(), DataType::Time),
        "UNIX_TIMESTAMP" => {
            Expr::new(Node::Call(ScalarFunction::Extract(TimeField::Epoch), vec![now()]), DataType::BigInt)
        }
        "UUID" => of(Volatile::Uuid, DataType::STRING),
        "RAND" => of(Volatile::Rand, DataType::Double),
        // Tables are in no other.
        "CURRENT_DATABASE" => Expr::literal(Value::text("default_database"), DataType::STRING),
        "PROCTIME" => {
            let error = SqlError::new(span, "PROCTIME() is a column of a table");
            return Some(Err(error.hint("add a column pt AS PROCTIME() to the CREATE TABLE")));
        }
        _ => return None,
    }))
}

fn cast(input: Expr, to: DataType) -> Expr {
    let from = input.data_type();
    Expr::new(Node::Cast { input: Box::new(input), from, lenient: false }, to)
}

impl Binder<'_> {
    pub(super) fn function(&mut self, whole: &ast::Expr, function: &ast::Function) -> Result<Expr, SqlError> {
        let name = function.name.to_string().to_ascii_uppercase();
        if let (Some(over), Some(_)) = (&function.over, &self.over) {
            return self.over_call(whole, &name, function, over);
        }
        if aggregate::NAMES.contains(&name.as_str()) {
            return self.aggregate(whole, &name, function);
        }
        if is_json_call(&name) {
            return self.json(whole, &name, function);
        }
        let arguments = self.plain_arguments(whole, &name, function)?;
        if function.over.is_some() {
            return Err(self.unsupported(whole, "OVER"));
        }
        if function.filter.is_some() || !function.within_group.is_empty() {
            return Err(self.error(whole, format!("{name} is no aggregate function")));
        }
        if let Some(function) = self.scope.functions.get(&name) {
            return self.user(whole, function, &arguments);
        }
        if let Some(column) = group_window::column_of(&name) {
            return self.bound_of_group_window(whole, &name, column);
        }
        if arguments.is_empty()
            && let Some(bound) = without_arguments(&name, super::position::of(whole))
        {
            return bound;
        }
        self.call(whole, &name, &arguments)
    }

    /// TUMBLE_START and its like: a column of the window that stands in GROUP BY.
    fn bound_of_group_window(&mut self, whole: &ast::Expr, name: &str, column: &str) -> Result<Expr, SqlError> {
        if !self.scope.fields.iter().any(|field| field.name == column) {
            return Err(self
                .error(whole, format!("{name} is for queries with a window in GROUP BY"))
                .hint("over a windowing function it is window_start, window_end or window_time"));
        }
        self.bind(&ast::Expr::Identifier(ast::Ident::with_span(super::position::of(whole), column)))
    }

    /// The arguments, which have no names and no options.
    pub(super) fn plain_arguments<'e>(
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
            ("ROW", fields) => self.row(whole, fields),
            ("MAP", parts) => self.map(whole, parts),
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
            ("RAND_INTEGER", [bound]) => {
                let bound = self.integer(bound, name)?;
                Ok(Expr::new(Node::Call(F::Volatile(Volatile::RandInteger), vec![bound]), DataType::Int))
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
            ("TO_TIMESTAMP_LTZ", [text, pattern, zone]) => self.text_to_moment(text, Some(pattern), Some(zone)),
            ("TO_TIMESTAMP", [text, pattern @ ..]) if pattern.len() <= 1 => {
                let text = self.text(text, name)?;
                let given = self.pattern(pattern.first().copied(), name)?;
                let pattern = if pattern.is_empty() { given.lenient() } else { given };
                Ok(Expr::new(Node::Call(F::ToTimestamp(pattern), vec![text]), DataType::Timestamp(3)))
            }
            ("DATE_FORMAT", [time, pattern]) => {
                let time = self.time_or_text(time, name)?;
                let pattern = self.pattern(Some(pattern), name)?;
                Ok(Expr::new(Node::Call(F::DateFormat(pattern), vec![time]), DataType::STRING))
            }
            ("FROM_UNIXTIME", [seconds, pattern @ ..]) if pattern.len() <= 1 => {
                let seconds = self.integer(seconds, name)?;
                let pattern = self.pattern(pattern.first().copied(), name)?;
                Ok(Expr::new(Node::Call(F::FromUnixtime(pattern), vec![seconds]), DataType::STRING))
            }
            (_, [time]) if let Some(field) = field_of_function(name) => self.extract(field, time, name),
            ("GROUPING" | "GROUPING_ID", [_, ..]) => {
                if self.aggregates.is_none() {
                    return Err(self.error(whole, format!("{name} is for queries with GROUP BY")));
                }
                let columns = arguments.iter().map(|column| self.bind(column)).collect::<Result<Vec<_>, _>>()?;
                Ok(Expr::new(Node::Call(F::Grouping, columns), DataType::BigInt))
            }
            ("GROUP_ID", []) => Ok(Expr::literal(Value::Integer(0), DataType::BigInt)),
            ("WEEK", [time]) => self.extract(TimeField::Week, time, name),
            ("TO_DATE", [text, pattern @ ..]) if pattern.len() <= 1 => {
                let text = self.text(text, name)?;
                let given = self.pattern(pattern.first().copied(), name)?;
                let pattern = if pattern.is_empty() { given.lenient() } else { given.loose() };
                Ok(Expr::new(Node::Call(F::ToDate(pattern), vec![text]), DataType::Date))
            }
            ("UNIX_TIMESTAMP", [text, pattern @ ..]) if pattern.len() <= 1 => {
                let text = self.text(text, name)?;
                let pattern = self.pattern(pattern.first().copied(), name)?.loose();
                Ok(Expr::new(Node::Call(F::UnixTimestamp(pattern), vec![text]), DataType::BigInt))
            }
            ("CONVERT_TZ", [text, from, to]) => {
                self.known_zone(from)?;
                self.known_zone(to)?;
                self.text_call(F::ConvertZone, name, &[text, from, to], DataType::STRING)
            }
            ("TIMESTAMPADD", [unit, count, time]) => self.timestamp_add(whole, unit, count, time),
            ("TIMESTAMPDIFF", [unit, from, to]) => self.timestamp_diff(unit, from, to),
            ("JSON" | "JSON_STRING" | "JSON_QUOTE" | "JSON_UNQUOTE", [value]) => self.plain_json(name, value),
            _ => match library::find(name) {
                Some(function) if function.takes_count(arguments.len()) => self.library(whole, function, arguments),
                _ => Err(self.no_such_call(whole, name, arguments.len())),
            },
        }
    }

    fn no_such_call(&self, whole: &ast::Expr, name: &str, count: usize) -> SqlError {
        if WINDOWS.contains(&name) {
            return self
                .error(whole, format!("{name} is not a scalar function here"))
                .hint("a window stands in FROM: TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))");
        }
        if let Some(form) = functions::form(name) {
            let arguments = if count == 1 { "argument" } else { "arguments" };
            return self
                .error(whole, format!("{name} does not take {count} {arguments}"))
                .hint(format!("write {form}"));
        }
        if missing::is_missing(name) {
            return self.unsupported(whole, &format!("the function {name}"));
        }
        let mut known: Vec<&str> = functions::names().chain(aggregate::NAMES.iter().copied()).collect();
        known.extend(self.scope.functions.names());
        let close = nearest(name, known);
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
                self.extract(field, expr, "EXTRACT")
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.rounded(ScalarFunction::Floor, "FLOOR", expr)
            }
            ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.rounded(ScalarFunction::Ceil, "CEIL", expr)
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(unit) } => {
                self.rounded_time(whole, expr, unit, ScalarFunction::FloorTo)
            }
            ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(unit) } => {
                self.rounded_time(whole, expr, unit, ScalarFunction::CeilTo)
            }
            ast::Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut arguments: Vec<&ast::Expr> = vec![expr, overlay_what, overlay_from];
                arguments.extend(overlay_for.as_deref());
                self.call(whole, "OVERLAY", &arguments)
            }
            _ => Err(self.error(whole, "this form of the function is not supported")),
        }
    }
}
