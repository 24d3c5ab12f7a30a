//! Expressions of the syntax tree to typed expressions over the current row.

pub(crate) mod aggregate;
mod call;
mod coerce;
mod json;
mod library;
mod literal;
mod nested;
mod operator;
mod over;
mod scalar;
mod spread;
mod user;

use sqlparser::ast;
use sqlparser::tokenizer::Span;

pub(crate) use aggregate::{AggregateCall, is_aggregate_name};
pub(crate) use coerce::{coerced, common as common_type, describe};
pub(super) use library::tables as library_tables;
pub(crate) use over::{LAGS, OverCalls, OverKind};

use super::data_type;
use super::error::SqlError;
use super::position;
use super::scope::Scope;
use crate::expr::library::SIMILAR;
use crate::expr::{DataType, Expr, Node, TruthTest, Value, cast};

/// The deepest tree of an expression; lists of AND and OR count once.
pub const MAX_EXPRESSION_DEPTH: usize = 200;

/// The most parts of an expression, counting those of views and subqueries that it is put together from.
pub const MAX_EXPRESSION_PARTS: usize = 10_000;

/// Turns expressions of the syntax tree into typed ones.
pub(crate) struct Binder<'a> {
    pub scope: Scope<'a>,
    /// Where aggregate calls are gathered; `None` where there may be none.
    pub aggregates: Option<&'a mut Vec<AggregateCall>>,
    /// Where calls with OVER are gathered; `None` where there may be none.
    pub over: Option<&'a mut OverCalls>,
    /// What is bound, for messages: `WHERE`, `a computed column`.
    pub place: &'a str,
    /// Columns used outside of aggregates: their place in the text and their name.
    pub used: Vec<(Expr, String, Span)>,
    /// What a person should know.
    pub warnings: Vec<String>,
    depth: usize,
    /// Parts that came with columns of views and subqueries.
    parts: usize,
    inside_aggregate: bool,
    /// The place of the nearest enclosing expression that has one.
    here: Span,
}

impl<'a> Binder<'a> {
    /// A binder for expressions without aggregates.
    pub(crate) fn new(scope: Scope<'a>, place: &'a str) -> Self {
        Self {
            scope,
            aggregates: None,
            over: None,
            place,
            used: Vec::new(),
            warnings: Vec::new(),
            depth: 0,
            parts: 0,
            inside_aggregate: false,
            here: Span::empty(),
        }
    }

    /// A binder for expressions that may hold aggregates.
    pub(crate) fn with_aggregates(scope: Scope<'a>, place: &'a str, aggregates: &'a mut Vec<AggregateCall>) -> Self {
        Self { aggregates: Some(aggregates), ..Self::new(scope, place) }
    }

    /// Binds an expression.
    pub(crate) fn bind(&mut self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        let span = position::of(expr);
        let outer = self.here;
        if span.start.line != 0 {
            self.here = span;
        }
        if self.depth == MAX_EXPRESSION_DEPTH {
            return Err(SqlError::new(self.here, format!("an expression is more than {MAX_EXPRESSION_DEPTH} deep")));
        }
        self.depth += 1;
        let bound = self.bind_node(expr);
        self.depth -= 1;
        self.here = outer;
        bound.map(Expr::folded)
    }

    /// Binds an expression that has to be a condition.
    pub(crate) fn bind_condition(&mut self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        let bound = self.bind(expr)?;
        match bound.data_type() {
            DataType::Boolean | DataType::Null => Ok(bound),
            other => {
                Err(self.error(expr, format!("expected a condition in {}, found {}", self.place, describe(other))))
            }
        }
    }

    /// An error at an expression's place.
    fn error(&self, expr: &ast::Expr, message: impl Into<String>) -> SqlError {
        let span = position::of(expr);
        SqlError::new(if span.start.line == 0 { self.here } else { span }, message)
    }

    fn unsupported(&self, expr: &ast::Expr, what: &str) -> SqlError {
        self.error(expr, format!("{what} is not supported yet"))
    }

    fn bind_node(&mut self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        use ast::Expr as E;
        match expr {
            E::Identifier(name) => self.column(None, &name.value, name.span),
            E::CompoundIdentifier(parts) => self.dotted(parts),
            E::CompoundFieldAccess { root, access_chain } => self.access(expr, root, access_chain),
            E::Array(array) if array.named => self.array(expr, &array.elem),
            E::Nested(inner) => self.bind(inner),
            E::Value(value) => literal::value(value),
            E::TypedString(typed) => literal::typed_string(typed),
            E::Interval(interval) => {
                let (literal, warning) = literal::interval(interval, self.here)?;
                self.warnings.extend(warning);
                Ok(literal)
            }
            E::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            E::UnaryOp { op, expr: input } => self.unary(expr, op, input),
            E::IsNull(input) => self.is(input, TruthTest::Null, false),
            E::IsNotNull(input) => self.is(input, TruthTest::Null, true),
            E::IsTrue(input) => self.is(input, TruthTest::True, false),
            E::IsNotTrue(input) => self.is(input, TruthTest::True, true),
            E::IsFalse(input) => self.is(input, TruthTest::False, false),
            E::IsNotFalse(input) => self.is(input, TruthTest::False, true),
            E::IsUnknown(input) => self.is(input, TruthTest::Null, false),
            E::IsNotUnknown(input) => self.is(input, TruthTest::Null, true),
            E::IsDistinctFrom(left, right) => self.distinct(left, right, false),
            E::IsNotDistinctFrom(left, right) => self.distinct(left, right, true),
            E::Between { expr: input, negated, low, high } => self.between(input, *negated, low, high),
            E::InList { expr: input, list, negated } => self.in_list(input, list, *negated),
            E::Like { negated, any: false, expr: input, pattern, escape_char } => {
                self.like(input, pattern, escape_char.as_deref(), *negated)
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Cast { kind, expr: input, data_type, .. } => self.cast(expr, kind, input, data_type),
            E::Function(function) => self.function(expr, function),
            E::Substring { .. }
            | E::Trim { .. }
            | E::Position { .. }
            | E::Extract { .. }
            | E::Overlay { .. }
            | E::Floor { .. }
            | E::Ceil { .. } => self.special_form(expr),
            E::IsJson { expr: input, kind, unique_keys: None, negated } => self.is_json(input, kind.as_ref(), *negated),
            E::SimilarTo { negated, expr: text, pattern, escape_char } => {
                self.pattern_match(expr, SIMILAR, (text, pattern, escape_char.as_deref()), *negated)
            }
            E::InSubquery { .. } | E::Exists { .. } | E::Subquery(_) => {
                Err(self.unsupported(expr, "a subquery in an expression"))
            }
            E::AtTimeZone { .. } => Err(self.unsupported(expr, "AT TIME ZONE")),
            E::RLike { .. } | E::ILike { .. } => {
                let error = self.error(expr, "Flink SQL has no such pattern");
                Err(error.hint("there is LIKE, SIMILAR TO and REGEXP(text, regex)"))
            }
            _ => Err(self.error(expr, format!("this expression is not supported: {}", short(expr)))),
        }
    }

    fn column(&mut self, qualifier: Option<&str>, name: &str, span: Span) -> Result<Expr, SqlError> {
        if qualifier.is_none()
            && !self.scope.fields.iter().any(|field| field.name == name)
            && let Some(bound) = call::without_arguments(name, span)
        {
            return bound;
        }
        let field = self.scope.resolve(qualifier, name, span)?;
        let (parts, depth) = field.expr.measure();
        self.parts += parts;
        if self.parts > MAX_EXPRESSION_PARTS || self.depth + depth > MAX_EXPRESSION_DEPTH {
            return Err(SqlError::new(span, format!("with what {name} stands for, the expression is too large"))
                .hint("split the job: write the inner query into a topic of its own"));
        }
        if !self.inside_aggregate {
            self.used.push((field.expr.clone(), name.to_owned(), span));
        }
        Ok(field.expr.clone())
    }

    fn is(&mut self, input: &ast::Expr, test: TruthTest, negated: bool) -> Result<Expr, SqlError> {
        let bound = if test == TruthTest::Null { self.bind(input)? } else { self.bind_condition(input)? };
        Ok(Expr::new(Node::Is { input: Box::new(bound), test, negated }, DataType::Boolean))
    }

    fn cast(
        &mut self,
        whole: &ast::Expr,
        kind: &ast::CastKind,
        input: &ast::Expr,
        data_type: &ast::DataType,
    ) -> Result<Expr, SqlError> {
        let lenient = match kind {
            ast::CastKind::Cast => false,
            ast::CastKind::TryCast => true,
            _ => {
                return Err(self
                    .error(whole, "Flink SQL has no ::")
                    .hint(format!("write CAST({} AS ..)", short(input))));
            }
        };
        let (name, span) = match data_type {
            ast::DataType::Custom(name, _) => match name.0.first().and_then(|part| part.as_ident()) {
                Some(name) => (name.value.clone(), name.span),
                None => (data_type.to_string(), self.here),
            },
            other => (other.to_string(), self.here),
        };
        let Some(target) = data_type::from_text(&name) else {
            return Err(SqlError::new(span, format!("there is no type {name}")));
        };
        let bound = self.bind(input)?;
        let from = bound.data_type();
        if !cast::is_castable(from, target) {
            return Err(SqlError::new(span, format!("{} cannot be cast to {target}", describe(from))));
        }
        let folded = Expr::new(Node::Cast { input: Box::new(bound), from, lenient }, target).folded();
        // A constant that does not fit would fail every row: better now.
        if folded.is_constant()
            && folded.as_literal().is_none()
            && let Err(error) = folded.eval(&[])
        {
            return Err(self.error(input, error.to_string()));
        }
        Ok(folded)
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let mut whens = Vec::with_capacity(conditions.len());
        let mut results: Vec<(&ast::Expr, Expr)> = Vec::with_capacity(conditions.len() + 1);
        for case in conditions {
            whens.push(match operand {
                Some(operand) => self.compare(crate::expr::Comparison::Equal, operand, &case.condition)?,
                None => self.bind_condition(&case.condition)?,
            });
            results.push((&case.result, self.bind(&case.result)?));
        }
        if let Some(otherwise) = otherwise {
            results.push((otherwise, self.bind(otherwise)?));
        }
        let (mut results, data_type) = self.unified(results, "the results of CASE")?;
        let otherwise =
            if otherwise.is_some() { results.pop() } else { None }.unwrap_or(Expr::literal(Value::Null, data_type));
        let branches = whens.into_iter().zip(results).collect();
        Ok(Expr::new(Node::Case { branches, otherwise: Box::new(otherwise) }, data_type))
    }

    /// Brings expressions to their common type.
    fn unified(&self, expressions: Vec<(&ast::Expr, Expr)>, what: &str) -> Result<(Vec<Expr>, DataType), SqlError> {
        let mut common = DataType::Null;
        for (source, bound) in &expressions {
            common = match coerce::common(common, bound.data_type()) {
                Some(wider) => wider,
                None => {
                    let message = format!(
                        "{what} are {} and {}, which have no common type",
                        describe(common),
                        describe(bound.data_type())
                    );
                    return Err(self.error(source, message).hint("CAST one of them"));
                }
            };
        }
        let bound = expressions.into_iter().map(|(_, bound)| coerced(bound, common)).collect();
        Ok((bound, common))
    }
}

/// An expression's text, cut to what a message bears. Only the beginning is rendered, for a long one.
fn short(expr: &ast::Expr) -> String {
    /// Characters shown.
    const SHOWN: usize = 40;
    let text = expr.to_string();
    if text.chars().count() <= SHOWN { text } else { format!("{}..", text.chars().take(SHOWN).collect::<String>()) }
}
