//! The kinds of expressions, and their operators.

use std::sync::Arc;

use super::json::JsonFunction;
use super::library::Function;
use super::{DataType, Expr, LikePattern, ScalarFunction, UserFunction, Value};

/// What an expression does. The planner makes operands fit: an operator's operands already have the representation it needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// The value at this position of the row.
    Column(usize),
    /// A constant.
    Literal(Value<'static>),
    /// The field of a row, by its position.
    Field(Box<Expr>, usize),
    /// The result of an aggregate call, by its position; only while planning.
    Aggregate(usize),
    /// Three-valued AND of two or more.
    And(Vec<Expr>),
    /// Three-valued OR of two or more.
    Or(Vec<Expr>),
    /// Three-valued NOT.
    Not(Box<Expr>),
    /// IS [NOT] NULL, IS [NOT] TRUE, IS [NOT] FALSE: never NULL.
    Is {
        /// What is tested.
        input: Box<Expr>,
        /// For what.
        test: TruthTest,
        /// IS NOT.
        negated: bool,
    },
    /// A comparison of two values of one representation.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// IS [NOT] DISTINCT FROM: equality in which NULL equals NULL.
    Distinct {
        /// The values.
        operands: Box<(Expr, Expr)>,
        /// IS NOT DISTINCT FROM.
        negated: bool,
    },
    /// Arithmetic on numbers, by the result's type.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// Unary minus.
    Negate(Box<Expr>),
    /// A time plus or minus an interval, by the interval's type.
    PlusInterval {
        /// A DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ.
        input: Box<Expr>,
        /// The interval.
        interval: Box<Expr>,
        /// Minus.
        negative: bool,
    },
    /// CASE WHEN .. THEN .. ELSE .. END.
    Case {
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// What holds when no condition is TRUE.
        otherwise: Box<Expr>,
    },
    /// [NOT] IN (..), all of one representation.
    InList {
        /// What is looked for.
        input: Box<Expr>,
        /// Where.
        list: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// [NOT] LIKE with a pattern known when planning.
    Like {
        /// The text.
        input: Box<Expr>,
        /// The pattern.
        pattern: LikePattern,
        /// NOT LIKE.
        negated: bool,
    },
    /// CAST, or TRY_CAST, which gives NULL where CAST fails.
    Cast {
        /// What is cast.
        input: Box<Expr>,
        /// Its type; the target is the expression's own.
        from: DataType,
        /// TRY_CAST.
        lenient: bool,
    },
    /// A function call.
    Call(ScalarFunction, Vec<Expr>),
    /// A JSON function call.
    Json(Box<JsonFunction>, Vec<Expr>),
    /// A call of a function of the library.
    Library(&'static Function, Vec<Expr>),
    /// A call of a function of the program itself.
    User(Arc<UserFunction>, Vec<Expr>),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// What IS asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TruthTest {
    Null,
    True,
    False,
}

impl Comparison {
    /// How SQL writes it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Arithmetic {
    /// How SQL writes it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}
