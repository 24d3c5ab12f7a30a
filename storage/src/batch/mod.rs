//! Record batches, version 2, as they are on the wire and on disk (Kafka: DefaultRecordBatch, DefaultRecord).

mod buffers;
mod builder;
mod check;
mod control;
mod error;
mod header;
mod rebuild;
mod record;
mod varint;
mod view;

pub use builder::{BatchBuilder, BatchStamp};
pub(crate) use check::{CheckedRecords, RecordCheck, Wrong, check_records};
pub use control::{ControlKind, ControlRecord};
pub use error::BatchError;
pub use header::{BatchHeader, HEADER_SIZE, TimestampType};
pub(crate) use rebuild::{empty_batch, rebuild_batch};
pub use record::{Headers, Record, Records, RecordsIter};
pub use view::{Batch, Batches, batches};

/// Upper bound of a batch's decompressed records, in bytes: a small frame must not be able to ask for unlimited memory.
pub const DECOMPRESSED_LIMIT: usize = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
