//! Operators: arithmetic, comparison, AND and OR, BETWEEN, IN, LIKE.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::super::error::SqlError;
use super::{Binder, coerce, coerced, describe};
use crate::expr::library::LIKE;
use crate::expr::{Arithmetic, Comparison, DataType, Expr, LikePattern, Node, ScalarFunction, Value, cast, decimal};

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        whole: &ast::Expr,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => self.junction(whole, op),
            BinaryOperator::Eq => self.compare(Comparison::Equal, left, right),
            BinaryOperator::NotEq => self.compare(Comparison::NotEqual, left, right),
            BinaryOperator::Lt => self.compare(Comparison::Less, left, right),
            BinaryOperator::LtEq => self.compare(Comparison::LessOrEqual, left, right),
            BinaryOperator::Gt => self.compare(Comparison::Greater, left, right),
            BinaryOperator::GtEq => self.compare(Comparison::GreaterOrEqual, left, right),
            BinaryOperator::Plus => self.arithmetic(whole, Arithmetic::Plus, left, right),
            BinaryOperator::Minus => self.arithmetic(whole, Arithmetic::Minus, left, right),
            BinaryOperator::Multiply => self.arithmetic(whole, Arithmetic::Times, left, right),
            BinaryOperator::Divide => self.arithmetic(whole, Arithmetic::Divide, left, right),
            BinaryOperator::Modulo => self.arithmetic(whole, Arithmetic::Modulo, left, right),
            BinaryOperator::StringConcat => self.concat(&[left, right]),
            other => Err(self.error(whole, format!("Flink SQL has no operator {other}"))),
        }
    }

    pub(super) fn unary(&mut self, whole: &ast::Expr, op: &UnaryOperator, input: &ast::Expr) -> Result<Expr, SqlError> {
        match op {
            UnaryOperator::Not => {
                let bound = self.bind_condition(input)?;
                Ok(Expr::new(Node::Not(Box::new(bound)), DataType::Boolean))
            }
            UnaryOperator::Plus | UnaryOperator::Minus => {
                let bound = self.bind(input)?;
                let data_type = bound.data_type();
                if !data_type.is_numeric() && !data_type.is_interval() && data_type != DataType::Null {
                    return Err(self.error(input, format!("{op} needs a number, found {}", describe(data_type))));
                }
                if *op == UnaryOperator::Plus {
                    return Ok(bound);
                }
                Ok(Expr::new(Node::Negate(Box::new(bound)), data_type))
            }
            other => Err(self.error(whole, format!("Flink SQL has no operator {other}"))),
        }
    }

    /// A chain of ANDs or ORs becomes one list, however long it is.
    fn junction(&mut self, whole: &ast::Expr, op: &BinaryOperator) -> Result<Expr, SqlError> {
        let mut operands = Vec::new();
        let mut rest = whole;
        while let ast::Expr::BinaryOp { left, op: other, right } = rest
            && other == op
        {
            operands.push(&**right);
            rest = left;
        }
        operands.push(rest);
        let bound = operands.into_iter().rev().map(|operand| self.bind_condition(operand)).collect::<Result<_, _>>()?;
        let node = if *op == BinaryOperator::And { Node::And(bound) } else { Node::Or(bound) };
        Ok(Expr::new(node, DataType::Boolean))
    }

    pub(super) fn compare(&mut self, op: Comparison, left: &ast::Expr, right: &ast::Expr) -> Result<Expr, SqlError> {
        let (a, b) = self.comparable(left, right, op.symbol())?;
        if !matches!(op, Comparison::Equal | Comparison::NotEqual) {
            self.ordered(left, a.data_type(), op.symbol())?;
        }
        Ok(Expr::new(Node::Compare(op, Box::new(a), Box::new(b)), DataType::Boolean))
    }

    pub(super) fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, negated: bool) -> Result<Expr, SqlError> {
        let operands = Box::new(self.comparable(left, right, "IS DISTINCT FROM")?);
        Ok(Expr::new(Node::Distinct { operands, negated }, DataType::Boolean))
    }

    /// Both sides, brought to one type.
    fn comparable(&mut self, left: &ast::Expr, right: &ast::Expr, symbol: &str) -> Result<(Expr, Expr), SqlError> {
        let (a, b) = (self.bind(left)?, self.bind(right)?);
        let (left_type, right_type) = (a.data_type(), b.data_type());
        let (a, b) = (self.time_from_text(left, a, right_type)?, self.time_from_text(right, b, left_type)?);
        match coerce::common(a.data_type(), b.data_type()) {
            Some(common) => Ok((coerced(a, common), coerced(b, common))),
            None => {
                let message = format!(
                    "{} {symbol} {}: these types cannot be compared",
                    describe(a.data_type()),
                    describe(b.data_type())
                );
                Err(self.error(left, message).hint("CAST one side to the type of the other"))
            }
        }
    }

    /// A constant text next to a time means a time: `ts > '2024-01-01 00:00:00'`.
    fn time_from_text(&self, source: &ast::Expr, bound: Expr, other: DataType) -> Result<Expr, SqlError> {
        let is_time = other.is_timestamp() || matches!(other, DataType::Date | DataType::Time);
        let Some(Value::String(text)) = bound.as_literal() else { return Ok(bound) };
        if !is_time {
            return Ok(bound);
        }
        let text = text.clone();
        let time = coerced(bound, other);
        match time.as_literal() {
            Some(_) => Ok(time),
            None => Err(self.error(source, format!("'{text}' is no {other}"))),
        }
    }

    fn arithmetic(
        &mut self,
        whole: &ast::Expr,
        op: Arithmetic,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let (a, b) = (self.bind(left)?, self.bind(right)?);
        self.arithmetic_of(whole, op, a, b)
    }

    pub(super) fn arithmetic_of(&self, whole: &ast::Expr, op: Arithmetic, a: Expr, b: Expr) -> Result<Expr, SqlError> {
        let (left, right) = (a.data_type(), b.data_type());
        if let Some(time) = time_arithmetic(op, &a, &b) {
            return Ok(time);
        }
        let result = match number_type(op, left, right) {
            Some(result) => result,
            None => {
                let mut error = self.error(
                    whole,
                    format!("{} {} {}: there is no such operation", describe(left), op.symbol(), describe(right)),
                );
                if left.is_text() && right.is_text() && op == Arithmetic::Plus {
                    error = error.hint("texts are joined with ||");
                } else if left.is_timestamp() && right.is_timestamp() {
                    error = error.hint("the difference of two times is not supported yet");
                } else if left.is_timestamp() || right.is_timestamp() {
                    error = error.hint("add an interval: + INTERVAL '1' SECOND");
                } else if left.is_text() || right.is_text() {
                    error = error.hint("CAST the text to a number");
                }
                return Err(error);
            }
        };
        let operand = |side: Expr| match result {
            DataType::Decimal { .. } => match decimal::holding(side.data_type()) {
                Some((precision, scale)) => coerced(side, DataType::Decimal { precision, scale }),
                None => side,
            },
            DataType::Float | DataType::Double => coerced(side, result),
            _ => side,
        };
        // The remainder has the divisor's type, but both operands are needed whole.
        let (a, b) = (operand(a), operand(b));
        Ok(Expr::new(Node::Arithmetic(op, Box::new(a), Box::new(b)), result))
    }

    pub(super) fn between(
        &mut self,
        input: &ast::Expr,
        negated: bool,
        low: &ast::Expr,
        high: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let from = self.compare(Comparison::GreaterOrEqual, input, low)?;
        let to = self.compare(Comparison::LessOrEqual, input, high)?;
        let both = Expr::new(Node::And(vec![from, to]), DataType::Boolean);
        Ok(if negated { Expr::new(Node::Not(Box::new(both)), DataType::Boolean) } else { both })
    }

    pub(super) fn in_list(&mut self, input: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Expr, SqlError> {
        let bound = self.bind(input)?;
        let input_type = bound.data_type();
        let mut all = vec![(input, bound)];
        for candidate in list {
            let value = self.bind(candidate)?;
            all.push((candidate, self.time_from_text(candidate, value, input_type)?));
        }
        let (mut values, _) = self.unified(all, "the values of IN")?;
        let list = values.split_off(1);
        let Some(input) = values.pop() else { return Err(self.error(input, "IN without a value")) };
        Ok(Expr::new(Node::InList { input: Box::new(input), list, negated }, DataType::Boolean))
    }

    pub(super) fn like(
        &mut self,
        input: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let bound = self.text(input, "LIKE")?;
        let pattern_value = self.text(pattern, "LIKE")?;
        let escape = match escape {
            None => None,
            Some(expr) => match self.bind(expr)?.as_literal() {
                Some(Value::String(text)) if text.chars().count() == 1 => text.chars().next(),
                _ => return Err(self.error(expr, "ESCAPE takes one character")),
            },
        };
        match pattern_value.as_literal() {
            Some(Value::Null) => Ok(Expr::literal(Value::Null, DataType::Boolean)),
            Some(Value::String(text)) => match LikePattern::new(text, escape) {
                Some(pattern) => {
                    Ok(Expr::new(Node::Like { input: Box::new(bound), pattern, negated }, DataType::Boolean))
                }
                None => Err(self.error(pattern, "the escape character stands before %, _ or itself")),
            },
            _ => {
                let mut arguments = vec![bound, pattern_value];
                arguments.extend(escape.map(|escape| Expr::literal(escape.to_string().into(), DataType::Char(1))));
                let matches = Expr::new(Node::Library(LIKE, arguments), DataType::Boolean);
                Ok(if negated { Expr::new(Node::Not(Box::new(matches)), DataType::Boolean) } else { matches })
            }
        }
    }

    /// `||` and CONCAT.
    pub(super) fn concat(&mut self, parts: &[&ast::Expr]) -> Result<Expr, SqlError> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            texts.push(self.text(part, "||")?);
        }
        Ok(Expr::new(Node::Call(ScalarFunction::Concat, texts), DataType::STRING))
    }

    /// An operand that has to be a text.
    pub(super) fn text(&mut self, source: &ast::Expr, what: &str) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        if bound.data_type().is_text() || bound.data_type() == DataType::Null {
            return Ok(bound);
        }
        let found = describe(bound.data_type());
        let hint = cast::is_castable(bound.data_type(), DataType::STRING).then(|| "CAST it AS STRING".to_owned());
        Err(self.error(source, format!("{what} needs a STRING, found {found}")).maybe_hint(hint))
    }
}

/// The result's type of an operation on numbers.
fn number_type(op: Arithmetic, left: DataType, right: DataType) -> Option<DataType> {
    // NULL takes the type of the other side.
    let (left, right) = match (left, right) {
        (DataType::Null, DataType::Null) => (DataType::Int, DataType::Int),
        (DataType::Null, other) | (other, DataType::Null) => (other, other),
        both => both,
    };
    if !left.is_numeric() || !right.is_numeric() {
        return None;
    }
    let is_decimal = |data_type| matches!(data_type, DataType::Decimal { .. });
    if is_decimal(left) || is_decimal(right) {
        return match (decimal::holding(left), decimal::holding(right)) {
            (Some(a), Some(b)) => Some(decimal::result_type(op, a, b)),
            _ => Some(DataType::Double),
        };
    }
    if op == Arithmetic::Modulo && left.is_integer() && right.is_integer() {
        return Some(right);
    }
    coerce::common(left, right)
}

/// A time plus or minus an interval, intervals among themselves, and an interval times an integer.
fn time_arithmetic(op: Arithmetic, a: &Expr, b: &Expr) -> Option<Expr> {
    let (left, right) = (a.data_type(), b.data_type());
    let is_time =
        |data_type: DataType| data_type.is_timestamp() || matches!(data_type, DataType::Date | DataType::Time);
    let plus = |input: &Expr, interval: &Expr, negative: bool| {
        if input.data_type() == DataType::Time && interval.data_type() == DataType::IntervalYearMonth {
            return None;
        }
        let node =
            Node::PlusInterval { input: Box::new(input.clone()), interval: Box::new(interval.clone()), negative };
        Some(Expr::new(node, input.data_type()))
    };
    let number = |data_type: DataType| {
        Some(Expr::new(Node::Arithmetic(op, Box::new(a.clone()), Box::new(b.clone())), data_type))
    };
    match op {
        Arithmetic::Plus if is_time(left) && right.is_interval() => plus(a, b, false),
        Arithmetic::Plus if left.is_interval() && is_time(right) => plus(b, a, false),
        Arithmetic::Minus if is_time(left) && right.is_interval() => plus(a, b, true),
        Arithmetic::Plus | Arithmetic::Minus if left.is_interval() && left == right => number(left),
        Arithmetic::Times if left.is_interval() && right.is_integer() => number(left),
        Arithmetic::Times if left.is_integer() && right.is_interval() => number(right),
        _ => None,
    }
}
