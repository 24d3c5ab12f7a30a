//! What the windows of a pipeline hold now: the rows that would come out if they closed, without closing them.

use crate::expr::{EvalError, Value};
use crate::state::decode_value;

use super::error::RowError;

/// What is looked for in a task's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Only rows of the group one of whose keys is this text.
    pub key: Option<String>,
    /// So many rows at most.
    pub limit: usize,
}

/// Left behind where there are rows enough.
pub(super) const ENOUGH: EvalError = EvalError::Shape("there are rows enough");

impl Look {
    /// Whether the group of these encoded keys is looked for.
    pub(super) fn wants(&self, mut keys: &[u8]) -> bool {
        let Some(wanted) = &self.key else { return true };
        while let Some(value) = decode_value(&mut keys) {
            let is_it = match &value {
                Value::String(text) => **text == **wanted,
                Value::Integer(number) => number.to_string() == *wanted,
                Value::Boolean(flag) => flag.to_string().eq_ignore_ascii_case(wanted),
                Value::Null => wanted == "NULL",
                _ => false,
            };
            if is_it {
                return true;
            }
            if keys.is_empty() {
                break;
            }
        }
        false
    }
}

/// Whether a look ended because there are rows enough.
pub(super) fn is_enough(error: &RowError) -> bool {
    matches!(error, RowError::Eval(error) if *error == ENOUGH)
}
