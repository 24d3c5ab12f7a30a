//! Why an expression has no value for a row. Each of these makes the job fail, as it does in Flink.

/// A row that an expression cannot be computed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An integer or decimal was divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A CAST met a value that its target type does not have.
    #[error("cannot cast {value} to {target}; TRY_CAST gives NULL instead")]
    Cast {
        /// The value, shortened.
        value: String,
        /// The target type.
        target: String,
    },
    /// A function would make a text that is too long.
    #[error("{function} would make a text of more than {most} bytes")]
    TooLong {
        /// Its name.
        function: &'static str,
        /// The most bytes.
        most: usize,
    },
    /// The keys of a row, or what orders it, are too long.
    #[error(
        "the keys by which a row is kept take {length} bytes, at most {most} are possible: take something shorter, such as a hash (SHA256(..))"
    )]
    LongKey {
        /// Bytes of the row's keys.
        length: usize,
        /// The most bytes.
        most: usize,
    },
    /// A row meets too many others in a join.
    #[error("the row meets more than {most} rows of the other side of a join: join by something that fewer rows share")]
    ManyPairs {
        /// The most rows.
        most: u64,
    },
    /// A pattern of LIKE or SIMILAR TO that came from a row is none.
    #[error("'{0}' is no pattern: the escape character stands before %, _ or itself, and brackets are closed")]
    Pattern(String),
    /// A JSON function found nothing, or no JSON, and was told to fail then: ERROR ON EMPTY, ERROR ON ERROR.
    #[error("{0}")]
    Json(String),
    /// A function of the program itself says that a row is wrong, or panics.
    #[error("{name}: {why}")]
    Function {
        /// Its name.
        name: String,
        /// What it says.
        why: String,
    },
    /// A record stands for too many rows.
    #[error(
        "a record stands for more than {rows} rows or {bytes} bytes of them; UNNEST less, or fewer columns beside it"
    )]
    ManyRows {
        /// The most rows.
        rows: usize,
        /// The most bytes they take.
        bytes: usize,
    },
    /// The row does not have the shape the expression was planned for: a defect of the engine.
    #[error("the row does not have the planned shape: {0}")]
    Shape(&'static str),
}
