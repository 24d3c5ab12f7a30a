//! Windowing functions in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset]) and its like.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};
use sqlparser::tokenizer::Span;

use super::bind::Binder;
use super::error::{SqlError, did_you_mean};
use super::parse::last_of_path;
use super::position;
use super::query::QueryPlanner;
use super::relation::{Relation, Windowing};
use super::scope::Field;
use crate::expr::render::duration;
use crate::expr::{DataType, Expr, Functions, Node, ScalarFunction, Value, WindowBound};
use crate::plan::Window;

/// The most windows that one row may be in.
pub const MAX_WINDOWS_OF_A_ROW: i64 = 100_000;

/// A windowing function.
#[derive(Debug)]
struct Function {
    name: &'static str,
    /// Names of the arguments, in their order.
    arguments: &'static [&'static str],
    /// How many of them must be there.
    required: usize,
    usage: &'static str,
}

const FUNCTIONS: [Function; 4] = [
    Function {
        name: "TUMBLE",
        arguments: &["DATA", "TIMECOL", "SIZE", "OFFSET"],
        required: 3,
        usage: "write TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)",
    },
    Function {
        name: "HOP",
        arguments: &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
        required: 4,
        usage: "write HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND), the slide first, then the size",
    },
    Function {
        name: "CUMULATE",
        arguments: &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
        required: 4,
        usage: "write CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR), the step first, then the size",
    },
    Function {
        name: "SESSION",
        arguments: &["DATA", "TIMECOL", "GAP"],
        required: 3,
        usage: "write SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE)",
    },
];

impl QueryPlanner<'_> {
    /// Plans a windowing function by its name and arguments.
    pub(super) fn windowing(
        &mut self,
        name: &str,
        span: Span,
        arguments: &[FunctionArg],
    ) -> Result<Relation, SqlError> {
        let Some(function) = FUNCTIONS.iter().find(|function| function.name.eq_ignore_ascii_case(name)) else {
            return Err(SqlError::new(span, format!("there is no table function {name}"))
                .maybe_hint(did_you_mean(name, FUNCTIONS.iter().map(|function| function.name))));
        };
        let arguments = Arguments::new(function, span, arguments)?;
        let (mut relation, columns) = self.data(function, arguments.required("DATA")?)?;
        if relation.windowing.as_ref().is_some_and(|windowing| windowing.window != Window::Attached) {
            relation = relation.with_rows();
        }
        if let Some(updating) = &relation.updating {
            let message =
                format!("{} cannot take rows that change, which are made by {}", function.name, updating.what);
            return Err(SqlError::new(span, message).hint("windows are for rows that are only appended"));
        }
        let time = descriptor(function, &relation, arguments.required("TIMECOL")?)?;
        let window = self.window(function, &arguments)?;
        let keys = partition_keys(function, &relation, columns)?;
        add_window_columns(&mut relation, (time, keys), window);
        Ok(relation)
    }

    /// The windows that a function's intervals stand for.
    fn window(&mut self, function: &Function, arguments: &Arguments<'_>) -> Result<Window, SqlError> {
        if function.name == "SESSION" {
            return Ok(Window::Session { gap_ms: self.length(arguments, "GAP", "gap")? });
        }
        if function.name == "TUMBLE" {
            let size_ms = self.length(arguments, "SIZE", "size")?;
            let offset_ms = self.offset(arguments)?;
            if offset_ms.unsigned_abs() >= size_ms.unsigned_abs() {
                return Err(SqlError::new(arguments.place("OFFSET"), "the offset must be less than the window's size")
                    .hint("an offset moves the windows' start within one size"));
            }
            return Ok(Window::Tumble { size_ms, offset_ms });
        }
        let (argument, what) = if function.name == "HOP" { ("SLIDE", "slide") } else { ("STEP", "step") };
        let interval_ms = self.length(arguments, argument, what)?;
        let size_ms = self.length(arguments, "SIZE", "size")?;
        // Flink: SliceAssigners. It takes any offset here, other than for TUMBLE.
        let offset_ms = self.offset(arguments)?;
        if size_ms % interval_ms != 0 {
            let (size, interval) = (duration(size_ms), duration(interval_ms));
            return Err(SqlError::new(
                arguments.place("SIZE"),
                format!("a window's size must be a multiple of its {what}, {size} is none of {interval}"),
            )
            .hint(function.usage));
        }
        if size_ms / interval_ms > MAX_WINDOWS_OF_A_ROW {
            return Err(SqlError::new(
                arguments.place(argument),
                format!("a row would be in more than {MAX_WINDOWS_OF_A_ROW} windows"),
            )
            .hint(format!("take a larger {what}")));
        }
        Ok(match function.name {
            "HOP" => Window::Hop { slide_ms: interval_ms, size_ms, offset_ms },
            _ => Window::Cumulate { step_ms: interval_ms, size_ms, offset_ms },
        })
    }

    /// A required interval of more than 0 ms.
    fn length(&mut self, arguments: &Arguments<'_>, argument: &str, what: &str) -> Result<i64, SqlError> {
        let ms = self.interval(arguments.required(argument)?, &format!("the window's {what}"))?;
        if ms <= 0 {
            return Err(SqlError::new(arguments.place(argument), format!("a window's {what} must be more than 0")));
        }
        Ok(ms)
    }

    fn offset(&mut self, arguments: &Arguments<'_>) -> Result<i64, SqlError> {
        arguments.get("OFFSET").map_or(Ok(0), |offset| self.interval(offset, "the windows' offset"))
    }

    /// The first argument: TABLE name, or a query in parentheses; and the columns after PARTITION BY.
    fn data<'a>(
        &mut self,
        function: &Function,
        argument: &'a ast::Expr,
    ) -> Result<(Relation, &'a [ast::Expr]), SqlError> {
        let (table, columns) = match argument {
            ast::Expr::Prefixed { value, .. } => match &**value {
                ast::Expr::Tuple(parts) => match parts.split_first() {
                    Some((table, columns)) => (table, columns),
                    None => (&**value, &[][..]),
                },
                table => (table, &[][..]),
            },
            ast::Expr::Identifier(name) => {
                return Err(SqlError::new(name.span, format!("expected TABLE before {}", name.value))
                    .hint(format!("write {}(TABLE {}, DESCRIPTOR(..), ..)", function.name, name.value)));
            }
            other => (other, &[][..]),
        };
        let relation = match table {
            ast::Expr::CompoundIdentifier(parts) => match last_of_path(parts, |part| &part.value) {
                Some(name) => self.named(&name.value, name.span)?.without_ranking()?,
                None => {
                    return Err(SqlError::new(position::of(table), "there is one catalog with one database")
                        .hint("leave them out, or write default_catalog.default_database"));
                }
            },
            ast::Expr::Subquery(query) => self.query(query)?.without_ranking()?,
            other => {
                return Err(
                    SqlError::new(position::of(other), "expected TABLE and a table's name").hint(function.usage)
                );
            }
        };
        Ok((relation, columns))
    }

    /// Milliseconds of a constant interval.
    fn interval(&mut self, argument: &ast::Expr, what: &str) -> Result<i64, SqlError> {
        let scope = super::scope::Scope { fields: &[], what: "a constant", functions: Functions::NONE };
        let mut binder = Binder::new(scope, what);
        let bound = binder.bind(argument)?;
        self.warnings.append(&mut binder.warnings);
        match (bound.data_type(), bound.as_literal()) {
            (DataType::IntervalDayTime, Some(Value::Integer(ms))) => Ok(*ms),
            (DataType::IntervalYearMonth, _) => Err(SqlError::new(
                position::of(argument),
                format!("{what} must be counted in days or less, not in months"),
            )),
            _ => Err(SqlError::new(position::of(argument), format!("{what} must be an interval"))
                .hint("write INTERVAL '5' SECOND")),
        }
    }
}

fn position_or(expr: &ast::Expr, other: Span) -> Span {
    let span = position::of(expr);
    if span.start.line == 0 { other } else { span }
}

/// The arguments by their meaning, whether they were named or not.
struct Arguments<'a> {
    function: &'static Function,
    span: Span,
    values: Vec<Option<&'a ast::Expr>>,
}

impl<'a> Arguments<'a> {
    fn new(function: &'static Function, span: Span, arguments: &'a [FunctionArg]) -> Result<Self, SqlError> {
        let names = function.arguments;
        let mut values = vec![None; names.len()];
        for (index, argument) in arguments.iter().enumerate() {
            let (slot, value) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (index, value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    (Self::slot(function, &name.value, name.span)?, value)
                }
                FunctionArg::ExprNamed {
                    name: ast::Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), ..
                } => (Self::slot(function, &name.value, name.span)?, value),
                _ => {
                    return Err(SqlError::new(span, format!("{} does not take this argument", function.name))
                        .hint(function.usage));
                }
            };
            let Some(place) = values.get_mut(slot) else {
                let message = format!("{} takes at most {} arguments", function.name, names.len());
                return Err(SqlError::new(position_or(value, span), message).hint(function.usage));
            };
            if place.replace(value).is_some() {
                return Err(SqlError::new(position_or(value, span), format!("{} is given twice", names[slot])));
            }
        }
        let arguments = Self { function, span, values };
        for name in &names[..function.required] {
            arguments.required(name)?;
        }
        Ok(arguments)
    }

    fn slot(function: &Function, name: &str, span: Span) -> Result<usize, SqlError> {
        let names = function.arguments;
        names.iter().position(|argument| argument.eq_ignore_ascii_case(name)).ok_or_else(|| {
            SqlError::new(span, format!("{} has no argument {name}", function.name))
                .maybe_hint(did_you_mean(name, names.iter().copied()))
        })
    }

    fn get(&self, name: &str) -> Option<&'a ast::Expr> {
        let index = self.function.arguments.iter().position(|argument| *argument == name)?;
        self.values.get(index).copied().flatten()
    }

    fn required(&self, name: &str) -> Result<&'a ast::Expr, SqlError> {
        self.get(name).ok_or_else(|| {
            SqlError::new(self.span, format!("{} misses its argument {name}", self.function.name))
                .hint(self.function.usage)
        })
    }

    /// Where an argument stands.
    fn place(&self, name: &str) -> Span {
        self.get(name).map_or(self.span, |argument| position_or(argument, self.span))
    }
}

/// The event-time column that DESCRIPTOR(..) names.
fn descriptor(function: &Function, relation: &Relation, argument: &ast::Expr) -> Result<Expr, SqlError> {
    let wrong =
        || SqlError::new(position::of(argument), "expected DESCRIPTOR and the event-time column").hint(function.usage);
    let ast::Expr::Function(call) = argument else { return Err(wrong()) };
    if !call.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") {
        return Err(wrong());
    }
    let ast::FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Identifier(name)))] = list.args.as_slice() else {
        return Err(SqlError::new(position::of(argument), "DESCRIPTOR takes one column").hint(function.usage));
    };
    let what = relation.what();
    let field = relation.scope(&what).resolve(None, &name.value, name.span)?;
    if field.rowtime {
        return Ok(field.expr.clone());
    }
    let table = &relation.table;
    let Some(event_time) = &table.event_time else {
        let (column, hint) = watermark_advice(field);
        return Err(SqlError::new(name.span, format!("table {} has no event time, so it has no windows", table.name))
            .hint(format!("add WATERMARK FOR {column} AS {column} - INTERVAL '5' SECOND to its CREATE TABLE{hint}")));
    };
    let rowtime = relation.fields.iter().find(|field| field.rowtime).map(|field| field.name.as_str());
    let error = SqlError::new(name.span, format!("{} is not the event-time column", name.value));
    let _ = event_time;
    Err(match rowtime {
        Some(rowtime) => error.hint(format!("the WATERMARK of {} is for {rowtime}", table.name)),
        None => error.hint("the query inside has left it out, or changed it"),
    })
}

/// The columns that PARTITION BY names.
fn partition_keys(function: &Function, relation: &Relation, columns: &[ast::Expr]) -> Result<Vec<Expr>, SqlError> {
    // Flink: only SESSION has sets of rows as input (SqlSessionTableFunction).
    if let Some(column) = columns.first().filter(|_| function.name != "SESSION") {
        return Err(SqlError::new(position::of(column), format!("{} takes no PARTITION BY", function.name))
            .hint("its windows are the same for all keys: write the key in GROUP BY"));
    }
    let what = relation.what();
    let resolve = |column: &ast::Expr| match column {
        ast::Expr::Identifier(name) => {
            relation.scope(&what).resolve(None, &name.value, name.span).map(|field| field.expr.clone())
        }
        other => Err(SqlError::new(position::of(other), "PARTITION BY takes columns").hint(function.usage)),
    };
    columns.iter().map(resolve).collect()
}

/// Which column a WATERMARK could be for, and what else is needed for that.
fn watermark_advice(field: &Field) -> (String, String) {
    if field.expr.data_type().is_timestamp() {
        return (field.name.clone(), String::new());
    }
    let column = if field.name == "ts" { "event_ts" } else { "ts" };
    (column.to_owned(), format!(", with the column {column} AS TO_TIMESTAMP_LTZ({}, 3)", field.name))
}

/// Adds window_start, window_end and window_time.
fn add_window_columns(relation: &mut Relation, (time, keys): (Expr, Vec<Expr>), window: Window) {
    let bound = |bound: WindowBound, data_type: DataType| {
        let function = match window {
            Window::Tumble { size_ms, offset_ms } => ScalarFunction::TumbleBound { size_ms, offset_ms, bound },
            _ => ScalarFunction::WindowColumn(bound),
        };
        Expr::new(Node::Call(function, vec![time.clone()]), data_type)
    };
    let time_type = match time.data_type() {
        DataType::TimestampLtz(_) => DataType::TimestampLtz(3),
        _ => DataType::Timestamp(3),
    };
    let windowing = Windowing {
        start: bound(WindowBound::Start, DataType::Timestamp(3)),
        end: bound(WindowBound::End, DataType::Timestamp(3)),
        last: bound(WindowBound::Time, time_type),
        time,
        keys,
        spec: window.clone(),
        window,
    };
    // The old event time is an ordinary column from here on: window_time takes its place.
    for field in &mut relation.fields {
        field.rowtime = false;
    }
    let qualifier = relation.fields.first().and_then(|field| field.qualifier.clone());
    let columns =
        [("window_start", &windowing.start), ("window_end", &windowing.end), ("window_time", &windowing.last)];
    for (name, expr) in columns {
        let mut unique = name.to_owned();
        let mut number = 0;
        // Calcite: SqlValidatorUtil.uniquify.
        while relation.fields.iter().any(|field| field.name == unique) {
            unique = format!("{name}{number}");
            number += 1;
        }
        relation.fields.push(Field {
            qualifier: qualifier.clone(),
            name: unique,
            expr: expr.clone(),
            rowtime: name == "window_time",
        });
    }
    relation.windowing = Some(windowing);
}
