//! The records of `__transaction_state`, in Kafka's schemas.

mod key;
mod value;

pub use crate::metadata::wire::DecodeError;
pub use key::{decode as decode_key, encode as encode_key};
pub use value::{decode as decode_value, encode as encode_value};
