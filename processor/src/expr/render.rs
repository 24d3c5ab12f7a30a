//! Expressions as people read them in EXPLAIN.

use std::fmt::{self, Display};

use super::{DataType, Expr, Node, TruthTest, Value, cast};

impl Expr {
    /// The expression in SQL's spelling; `names` are those of the row's columns.
    pub fn display<'a>(&'a self, names: &'a [String]) -> impl fmt::Display + 'a {
        Rendered { expr: self, names }
    }
}

/// With columns as `$0`, `$1` and so on.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rendered { expr: self, names: &[] }.fmt(f)
    }
}

struct Rendered<'a> {
    expr: &'a Expr,
    names: &'a [String],
}

impl Rendered<'_> {
    fn part<'b>(&'b self, expr: &'b Expr) -> Rendered<'b> {
        Rendered { expr, names: self.names }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, parts: &[Expr], separator: &str) -> fmt::Result {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            self.part(part).fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match &self.expr.node {
            Node::Column(index) => match self.names.get(*index) {
                Some(name) => f.write_str(name),
                None => write!(f, "${index}"),
            },
            Node::Field(row, at) => {
                let fields = row.data_type.fields().unwrap_or(&[]);
                write!(f, "{}.{}", self.part(row), fields.get(*at).map_or("?", |(name, _)| name))
            }
            Node::Literal(value) => literal(f, value, self.expr.data_type),
            Node::Aggregate(index) => write!(f, "aggregate {index}"),
            Node::And(list) => parenthesised(f, |f| self.list(f, list, " AND ")),
            Node::Or(list) => parenthesised(f, |f| self.list(f, list, " OR ")),
            Node::Not(input) => write!(f, "NOT {}", self.part(input)),
            Node::Is { input, test, negated } => {
                let test = match test {
                    TruthTest::Null => "NULL",
                    TruthTest::True => "TRUE",
                    TruthTest::False => "FALSE",
                };
                write!(f, "{} IS {}{test}", self.part(input), not(*negated))
            }
            Node::Compare(op, left, right) => {
                write!(f, "({} {} {})", self.part(left), op.symbol(), self.part(right))
            }
            Node::Distinct { operands, negated } => {
                write!(f, "({} IS {}DISTINCT FROM {})", self.part(&operands.0), not(*negated), self.part(&operands.1))
            }
            Node::Arithmetic(op, left, right) => {
                write!(f, "({} {} {})", self.part(left), op.symbol(), self.part(right))
            }
            Node::Negate(input) => write!(f, "-{}", self.part(input)),
            Node::PlusInterval { input, interval, negative } => {
                write!(f, "({} {} {})", self.part(input), if *negative { "-" } else { "+" }, self.part(interval))
            }
            Node::Case { branches, otherwise } => {
                f.write_str("CASE")?;
                for (when, then) in branches {
                    write!(f, " WHEN {} THEN {}", self.part(when), self.part(then))?;
                }
                write!(f, " ELSE {} END", self.part(otherwise))
            }
            Node::InList { input, list, negated } => {
                write!(f, "{} {}IN (", self.part(input), not(*negated))?;
                self.list(f, list, ", ")?;
                f.write_str(")")
            }
            Node::Like { input, pattern, negated } => {
                write!(f, "{} {}LIKE '{}'", self.part(input), not(*negated), pattern.source().replace('\'', "''"))
            }
            Node::Cast { input, lenient, .. } => {
                let name = if *lenient { "TRY_CAST" } else { "CAST" };
                write!(f, "{name}({} AS {})", self.part(input), self.expr.data_type)
            }
            Node::Json(function, arguments) => {
                write!(f, "{}(", function.name())?;
                self.list(f, arguments, ", ")?;
                write!(f, "{})", function.clauses())
            }
            Node::Library(function, arguments) => {
                write!(f, "{}(", function.name)?;
                self.list(f, arguments, ", ")?;
                f.write_str(")")
            }
            Node::User(function, arguments) => {
                write!(f, "{}(", function.name())?;
                self.list(f, arguments, ", ")?;
                f.write_str(")")
            }
            Node::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                self.list(f, arguments, ", ")?;
                f.write_str(")")
            }
        }
    }
}

fn parenthesised(
    f: &mut fmt::Formatter<'_>,
    inner: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str("(")?;
    inner(f)?;
    f.write_str(")")
}

fn literal(f: &mut fmt::Formatter<'_>, value: &Value<'static>, data_type: DataType) -> fmt::Result {
    match (value, data_type) {
        (Value::Null, _) => f.write_str("NULL"),
        (Value::Integer(ms), DataType::IntervalDayTime) => write!(f, "INTERVAL {}", duration(*ms)),
        (Value::Integer(months), DataType::IntervalYearMonth) => write!(f, "INTERVAL {months} MONTH"),
        (Value::String(text), _) => write!(f, "'{}'", text.replace('\'', "''")),
        (Value::Bytes(_), _) => f.write_str("x'..'"),
        (Value::Date(_), _) => write!(f, "DATE '{}'", cast::to_text(value.borrowed(), data_type)),
        (Value::Time(_), _) => write!(f, "TIME '{}'", cast::to_text(value.borrowed(), data_type)),
        (Value::Timestamp(_), _) => write!(f, "TIMESTAMP '{}'", cast::to_text(value.borrowed(), data_type)),
        _ => f.write_str(&cast::to_text(value.borrowed(), data_type)),
    }
}

/// Milliseconds in the largest unit that divides them: `5 s`, `1 min`, `250 ms`.
pub(crate) fn duration(ms: i64) -> String {
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")] {
        if ms != 0 && ms % unit == 0 {
            return format!("{} {name}", ms / unit);
        }
    }
    format!("{ms} ms")
}
