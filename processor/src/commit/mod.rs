//! What a task commits: outputs, state changes and input positions, in one transaction.

mod exchange;
mod murmur2;
mod output;
mod progress;

pub use exchange::{
    PartitionTime, decode_times, decode_topic, encode_times, encode_topic, is_times, is_topic, times_key, topic_key,
};
pub use murmur2::{murmur2, partition_for_key};
pub use output::{OwnedHeaders, RecordBuffer};
pub use progress::{InputProgress, ProgressError};
