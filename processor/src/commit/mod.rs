//! What a task commits: outputs, state changes and input positions, in one transaction.

mod exchange;
mod murmur2;
mod output;
mod progress;

pub use exchange::{PartitionTime, decode_times, encode_times, is_times, times_key};
pub use murmur2::{murmur2, partition_for_key};
pub use output::RecordBuffer;
pub use progress::{InputProgress, ProgressError};
