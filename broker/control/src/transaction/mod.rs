//! The transaction coordinator: one machine for each partition of `__transaction_state`, with Kafka 4.x's rules.

pub mod command;
pub mod config;
pub mod effect;
pub mod partitioner;
pub mod reply;
pub mod timer;
pub mod version;

pub use command::Command;
pub use config::TransactionConfig;
pub use effect::{Effect, WriteMarkers};
pub use partitioner::partition_for;
pub use reply::Reply;
pub use timer::Timer;
pub use version::TransactionVersion;
