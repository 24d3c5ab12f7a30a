//! Flink's `csv` format: a record is one line.

mod decode;
mod encode;
mod scan;

pub use decode::CsvDecoder;
pub use encode::CsvEncoder;
