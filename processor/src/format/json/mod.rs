//! Flink's `json` format.

pub(super) mod convert;
mod decode;
mod encode;
mod nested;
mod scan;
mod text;
mod words;

pub use decode::JsonDecoder;
pub use encode::{JsonEncoder, is_plain, write_integer};
pub use scan::RawField;
