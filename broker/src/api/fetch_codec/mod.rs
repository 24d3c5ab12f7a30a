//! A Fetch answer on the wire, versions 4 to 18, without copying a record: the pieces of the log go out as they came in.

mod answer;
mod encode;
#[cfg(test)]
mod tests;

pub use answer::{Aborted, EpochEnd, FetchAnswer, Leader, NodeEndpoint, PartitionAnswer, TopicAnswer};
pub use encode::encode_fetch_response;
