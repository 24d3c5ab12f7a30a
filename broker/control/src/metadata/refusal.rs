//! Why something is refused: an error code and Kafka's message.

use crate::error_code::ErrorCode;

/// An error code with its message (Kafka: ApiError).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: ErrorCode,
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn new(error: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal { error, message: Some(message.into()) }
    }

    pub(super) fn silent(error: ErrorCode) -> Refusal {
        Refusal { error, message: None }
    }

    /// More records than one request may make.
    pub(super) fn too_many_records() -> Refusal {
        Refusal::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.")
    }
}

/// The error code and message of a result; NONE when it succeeded.
pub(super) fn outcome(result: Result<(), Refusal>) -> (ErrorCode, Option<String>) {
    match result {
        Ok(()) => (ErrorCode::None, None),
        Err(refusal) => (refusal.error, refusal.message),
    }
}
