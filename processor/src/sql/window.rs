//! Windowing functions in FROM: TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset]).

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};
use sqlparser::tokenizer::Span;

use super::bind::Binder;
use super::error::{SqlError, did_you_mean};
use super::position;
use super::query::QueryPlanner;
use super::relation::{Relation, Windowing};
use super::scope::Field;
use crate::expr::{DataType, Expr, Node, ScalarFunction, Value, WindowBound};
use crate::plan::Window;

/// Names of the arguments, in their order.
const ARGUMENTS: &[&str] = &["DATA", "TIMECOL", "SIZE", "OFFSET"];

const USAGE: &str = "write TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)";

impl QueryPlanner<'_> {
    /// Plans a windowing function by its name and arguments.
    pub(super) fn windowing(
        &mut self,
        name: &str,
        span: Span,
        arguments: &[FunctionArg],
    ) -> Result<Relation, SqlError> {
        match name.to_ascii_uppercase().as_str() {
            "TUMBLE" => {}
            known @ ("HOP" | "CUMULATE" | "SESSION") => {
                return Err(SqlError::new(span, format!("{known} windows are not supported yet"))
                    .hint("for now there is TUMBLE"));
            }
            _ => {
                return Err(SqlError::new(span, format!("there is no table function {name}"))
                    .maybe_hint(did_you_mean(name, ["TUMBLE", "HOP", "CUMULATE", "SESSION"])));
            }
        }
        let arguments = Arguments::new(span, arguments)?;
        let mut relation = self.data(arguments.required(0)?)?;
        if relation.windowing.is_some() || relation.aggregated {
            return Err(SqlError::new(span, "a window over windowed rows is not supported yet"));
        }
        let time = descriptor(&relation, arguments.required(1)?)?;
        let size_ms = self.interval(arguments.required(2)?, "the window's size")?;
        if size_ms <= 0 {
            return Err(SqlError::new(
                position_or(arguments.required(2)?, span),
                "a window's size must be more than 0",
            ));
        }
        let offset_ms = match arguments.get(3) {
            Some(offset) => {
                let offset_ms = self.interval(offset, "the windows' offset")?;
                if offset_ms.unsigned_abs() >= size_ms.unsigned_abs() {
                    return Err(SqlError::new(
                        position_or(offset, span),
                        "the offset must be less than the window's size",
                    )
                    .hint("an offset moves the windows' start within one size"));
                }
                offset_ms
            }
            None => 0,
        };
        add_window_columns(&mut relation, time, size_ms, offset_ms);
        Ok(relation)
    }

    /// The first argument: TABLE name, or a query in parentheses.
    fn data(&mut self, argument: &ast::Expr) -> Result<Relation, SqlError> {
        match argument {
            ast::Expr::Prefixed { value, .. } => match &**value {
                ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                    [name] => self.named(&name.value, name.span),
                    _ => Err(SqlError::new(position::of(value), "names have one part here")
                        .hint("leave out catalog and database")),
                },
                other => Err(SqlError::new(position::of(other), "expected a table's name after TABLE")),
            },
            ast::Expr::Subquery(query) => self.query(query),
            ast::Expr::Identifier(name) => {
                Err(SqlError::new(name.span, format!("expected TABLE before {}", name.value))
                    .hint(format!("write TUMBLE(TABLE {}, DESCRIPTOR(..), ..)", name.value)))
            }
            other => Err(SqlError::new(position::of(other), "expected TABLE and a table's name").hint(USAGE)),
        }
    }

    /// Milliseconds of a constant interval.
    fn interval(&mut self, argument: &ast::Expr, what: &str) -> Result<i64, SqlError> {
        let scope = super::scope::Scope { fields: &[], what: "a constant" };
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
    span: Span,
    values: [Option<&'a ast::Expr>; 4],
}

impl<'a> Arguments<'a> {
    fn new(span: Span, arguments: &'a [FunctionArg]) -> Result<Self, SqlError> {
        let mut values = [None; 4];
        for (index, argument) in arguments.iter().enumerate() {
            let (slot, value) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (index, value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    (Self::slot(&name.value, name.span)?, value)
                }
                FunctionArg::ExprNamed {
                    name: ast::Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), ..
                } => (Self::slot(&name.value, name.span)?, value),
                _ => return Err(SqlError::new(span, "TUMBLE does not take this argument").hint(USAGE)),
            };
            let Some(place) = values.get_mut(slot) else {
                return Err(SqlError::new(position_or(value, span), "TUMBLE takes at most four arguments").hint(USAGE));
            };
            if place.replace(value).is_some() {
                return Err(SqlError::new(position_or(value, span), format!("{} is given twice", ARGUMENTS[slot])));
            }
        }
        Ok(Self { span, values })
    }

    fn slot(name: &str, span: Span) -> Result<usize, SqlError> {
        ARGUMENTS.iter().position(|argument| argument.eq_ignore_ascii_case(name)).ok_or_else(|| {
            SqlError::new(span, format!("TUMBLE has no argument {name}"))
                .maybe_hint(did_you_mean(name, ARGUMENTS.iter().copied()))
        })
    }

    fn get(&self, index: usize) -> Option<&'a ast::Expr> {
        self.values.get(index).copied().flatten()
    }

    fn required(&self, index: usize) -> Result<&'a ast::Expr, SqlError> {
        self.get(index).ok_or_else(|| {
            SqlError::new(self.span, format!("TUMBLE misses its argument {}", ARGUMENTS[index])).hint(USAGE)
        })
    }
}

/// The event-time column that DESCRIPTOR(..) names.
fn descriptor(relation: &Relation, argument: &ast::Expr) -> Result<Expr, SqlError> {
    let wrong = || SqlError::new(position::of(argument), "expected DESCRIPTOR and the event-time column").hint(USAGE);
    let ast::Expr::Function(function) = argument else { return Err(wrong()) };
    if !function.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") {
        return Err(wrong());
    }
    let ast::FunctionArguments::List(list) = &function.args else { return Err(wrong()) };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Identifier(name)))] = list.args.as_slice() else {
        return Err(SqlError::new(position::of(argument), "DESCRIPTOR takes one column").hint(USAGE));
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

/// Which column a WATERMARK could be for, and what else is needed for that.
fn watermark_advice(field: &Field) -> (String, String) {
    if field.expr.data_type().is_timestamp() {
        return (field.name.clone(), String::new());
    }
    let column = if field.name == "ts" { "event_ts" } else { "ts" };
    (column.to_owned(), format!(", with the column {column} AS TO_TIMESTAMP_LTZ({}, 3)", field.name))
}

/// Adds window_start, window_end and window_time.
fn add_window_columns(relation: &mut Relation, time: Expr, size_ms: i64, offset_ms: i64) {
    let bound = |bound: WindowBound, data_type: DataType| {
        let function = ScalarFunction::TumbleBound { size_ms, offset_ms, bound };
        Expr::new(Node::Call(function, vec![time.clone()]), data_type)
    };
    let time_type = match time.data_type() {
        DataType::TimestampLtz(_) => DataType::TimestampLtz(3),
        _ => DataType::Timestamp(3),
    };
    let windowing = Windowing {
        window: Window::Tumble { size_ms, offset_ms },
        start: bound(WindowBound::Start, DataType::Timestamp(3)),
        end: bound(WindowBound::End, DataType::Timestamp(3)),
        last: bound(WindowBound::Time, time_type),
        time,
    };
    // The old event time is an ordinary column from here on: window_time takes its place.
    for field in &mut relation.fields {
        field.rowtime = false;
    }
    let qualifier = relation.fields.first().and_then(|field| field.qualifier.clone());
    let columns =
        [("window_start", &windowing.start), ("window_end", &windowing.end), ("window_time", &windowing.last)];
    for (name, expr) in columns {
        relation.fields.push(Field {
            qualifier: qualifier.clone(),
            name: name.to_owned(),
            expr: expr.clone(),
            rowtime: name == "window_time",
        });
    }
    relation.windowing = Some(windowing);
}
