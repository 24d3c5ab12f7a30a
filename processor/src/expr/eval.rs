//! Evaluation: a walk over the tree that allocates only for texts it has to make.

use super::compare::{compare, holds};
use super::node::{Node, TruthTest};
use super::{EvalError, Expr, Value, arithmetic, cast, function, json, library};

impl Expr {
    /// Computes the value over `row`. A result may borrow from the row and from the expression.
    ///
    /// # Errors
    /// What makes a Flink job fail: a division of integers by zero, a CAST of a text that does not fit.
    #[inline]
    pub fn eval<'r>(&'r self, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        match &self.node {
            Node::Column(index) => match row.get(*index) {
                Some(value) => Ok(value.borrowed()),
                None => Err(EvalError::Shape("a column is missing")),
            },
            Node::Literal(value) => Ok(value.borrowed()),
            _ => self.compute(row),
        }
    }

    /// The value where it is, if it is part of the row or of a constant.
    fn reference<'r>(&'r self, row: &'r [Value<'r>]) -> Option<&'r Value<'r>> {
        match &self.node {
            Node::Column(index) => row.get(*index),
            Node::Literal(value) => Some(value),
            Node::Field(input, at) => input.reference(row)?.items().get(*at),
            _ => None,
        }
    }

    /// Computes a condition: true only if the result is TRUE, as WHERE and HAVING want it (NULL is not true).
    ///
    /// # Errors
    /// As [`Expr::eval`].
    #[inline]
    pub fn eval_condition<'r>(&'r self, row: &'r [Value<'r>]) -> Result<bool, EvalError> {
        Ok(matches!(self.eval(row)?, Value::Boolean(true)))
    }

    fn compute<'r>(&'r self, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        match &self.node {
            Node::Column(_) | Node::Literal(_) => self.eval(row),
            Node::Field(input, at) => match self.reference(row) {
                Some(value) => Ok(value.borrowed()),
                None => match input.eval(row)? {
                    Value::Null => Ok(Value::Null),
                    value => value.items().get(*at).cloned().ok_or(EvalError::Shape("a row has fewer fields")),
                },
            },
            Node::Aggregate(_) => Err(EvalError::Shape("an aggregate outside of a window aggregation")),
            Node::And(operands) => junction(operands, row, false),
            Node::Or(operands) => junction(operands, row, true),
            Node::Not(input) => Ok(match input.eval(row)? {
                Value::Boolean(value) => Value::Boolean(!value),
                _ => Value::Null,
            }),
            Node::Is { input, test, negated } => Ok(Value::Boolean(is(&input.eval(row)?, *test) != *negated)),
            Node::Compare(op, left, right) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                if left.is_null() || right.is_null() {
                    return Ok(Value::Null);
                }
                Ok(Value::Boolean(holds(*op, compare(&left, &right)?)))
            }
            Node::Distinct { operands, negated } => {
                let (left, right) = (operands.0.eval(row)?, operands.1.eval(row)?);
                let same = match (left.is_null(), right.is_null()) {
                    (false, false) => compare(&left, &right)?.is_some_and(|order| order.is_eq()),
                    (left_null, right_null) => left_null == right_null,
                };
                Ok(Value::Boolean(same == *negated))
            }
            Node::Arithmetic(op, left, right) => arithmetic::binary(*op, left, right, self.data_type, row),
            Node::Negate(input) => arithmetic::negate(input.eval(row)?, self.data_type),
            Node::PlusInterval { input, interval, negative } => {
                arithmetic::plus_interval(&input.eval(row)?, &interval.eval(row)?, interval.data_type, *negative)
            }
            Node::Case { branches, otherwise } => {
                for (condition, result) in branches {
                    if condition.eval_condition(row)? {
                        return result.eval(row);
                    }
                }
                otherwise.eval(row)
            }
            Node::InList { input, list, negated } => in_list(&input.eval(row)?, list, *negated, row),
            Node::Like { input, pattern, negated } => match input.eval(row)? {
                Value::String(text) => Ok(Value::Boolean(pattern.matches(&text) != *negated)),
                _ => Ok(Value::Null),
            },
            Node::Cast { input, from, lenient } => match cast::cast(input.eval(row)?, *from, self.data_type) {
                Err(EvalError::Cast { .. }) if *lenient => Ok(Value::Null),
                result => result,
            },
            Node::Call(called, arguments) => function::call(called, arguments, self.data_type, row),
            Node::Json(called, arguments) => json::call(called, arguments, self.data_type, row),
            Node::Library(called, arguments) => library::call(called, arguments, self.data_type, row),
            Node::User(called, arguments) => called.call(arguments, row),
        }
    }
}

/// AND (`decisive` false) and OR (`decisive` true): a decisive operand settles it, else a NULL makes it NULL.
fn junction<'r>(operands: &'r [Expr], row: &'r [Value<'r>], decisive: bool) -> Result<Value<'r>, EvalError> {
    let mut unknown = false;
    for operand in operands {
        match operand.eval(row)? {
            Value::Boolean(value) if value == decisive => return Ok(Value::Boolean(decisive)),
            Value::Boolean(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Boolean(!decisive) })
}

fn is(value: &Value<'_>, test: TruthTest) -> bool {
    match test {
        TruthTest::Null => value.is_null(),
        TruthTest::True => matches!(value, Value::Boolean(true)),
        TruthTest::False => matches!(value, Value::Boolean(false)),
    }
}

/// TRUE if one is equal; else NULL if one is NULL; else FALSE.
fn in_list<'r>(
    input: &Value<'r>,
    list: &'r [Expr],
    negated: bool,
    row: &'r [Value<'r>],
) -> Result<Value<'r>, EvalError> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let mut unknown = false;
    for candidate in list {
        let candidate = candidate.eval(row)?;
        if candidate.is_null() {
            unknown = true;
        } else if compare(input, &candidate)?.is_some_and(|order| order.is_eq()) {
            return Ok(Value::Boolean(!negated));
        }
    }
    Ok(if unknown { Value::Null } else { Value::Boolean(negated) })
}
