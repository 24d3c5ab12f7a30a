//! Why a record makes a job fail.

use crate::expr::EvalError;
use crate::format::{DecodeError, EncodeError};
use crate::state::StateError;

/// What is wrong with a record, or with a row made from it. The task adds where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Its value is not a row of the table.
    #[error("the value is not a row of table '{table}': {error}")]
    Decode {
        /// The table.
        table: String,
        /// What is wrong.
        error: DecodeError,
    },
    /// Its event time is NULL (Flink: WatermarkAssignerOperator).
    #[error("the event time '{column}' of table '{table}' is NULL")]
    NullEventTime {
        /// The table.
        table: String,
        /// The event-time column.
        column: String,
    },
    /// An expression has no value.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// NULL for a NOT NULL column (Flink: table.exec.sink.not-null-enforcer = ERROR).
    #[error("a row for table '{table}' has NULL in column '{column}', which is NOT NULL")]
    NotNull {
        /// The sink's table.
        table: String,
        /// The column.
        column: String,
    },
    /// A row cannot be written.
    #[error("a row for table '{table}' cannot be written: {error}")]
    Encode {
        /// The sink's table.
        table: String,
        /// What is wrong.
        error: EncodeError,
    },
    /// The corrected result of a window cannot be put out.
    #[error("the corrected result of a window: {0}")]
    Correction(Box<RowError>),
    /// The changed result of an aggregation, a join or the like cannot be put out.
    #[error("a changed result: {0}")]
    Change(Box<RowError>),
    /// A window has grown too large, or the state on disk failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl RowError {
    /// A short name of the kind of error, for headers and metrics; it stays as it is.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            RowError::Decode { .. } => "decode",
            RowError::NullEventTime { .. } => "null-event-time",
            RowError::Eval(_) => "evaluate",
            RowError::NotNull { .. } => "not-null",
            RowError::Encode { .. } => "encode",
            RowError::Correction(_) => "correction",
            RowError::Change(_) => "change",
            RowError::State(_) => "state-full",
        }
    }

    /// Whether leaving the record out would help.
    #[must_use]
    pub fn is_of_record(&self) -> bool {
        !matches!(self, RowError::State(_) | RowError::Correction(_) | RowError::Change(_))
    }

    /// Whether opening the task again may help: the state on disk failed.
    #[must_use]
    pub fn is_of_disk(&self) -> bool {
        match self {
            RowError::State(error) => error.is_of_disk(),
            RowError::Correction(error) | RowError::Change(error) => error.is_of_disk(),
            _ => false,
        }
    }

    /// Whether the record itself is to blame, so that ignoring parse errors skips it.
    #[must_use]
    pub fn is_undecodable(&self) -> bool {
        matches!(self, RowError::Decode { .. } | RowError::NullEventTime { .. })
    }
}
