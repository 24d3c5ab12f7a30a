//! Flink's `json` format.

mod convert;
mod decode;
mod encode;
mod scan;
mod text;

pub use decode::JsonDecoder;
pub use encode::JsonEncoder;
