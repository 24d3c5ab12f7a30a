//! The transaction coordinator: one machine for each partition of `__transaction_state`, with Kafka 4.x's rules.

mod add_partitions;
pub mod command;
pub mod config;
pub mod describe;
pub mod effect;
mod end_txn;
mod end_txn_v1;
mod end_txn_v2;
pub mod entry;
pub mod event;
mod expiry;
mod init_producer_id;
pub mod machine;
pub mod partitioner;
pub mod record;
pub mod reply;
pub mod state;
pub mod timer;
mod transition;
mod verify;
pub mod version;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use config::TransactionConfig;
pub use describe::{ListFilter, TransactionDescription, TransactionListing};
pub use effect::{Effect, WriteMarkers};
pub use entry::TransactionEntry;
pub use event::Event;
pub use machine::{Decision, TransactionMachine};
pub use partitioner::partition_for;
pub use reply::Reply;
pub use state::TransactionState;
pub use timer::Timer;
pub use version::TransactionVersion;

/// The topic that holds the records of the transaction coordinators.
pub const TRANSACTION_STATE_TOPIC: &str = "__transaction_state";
/// The topic that holds the records of the group coordinators.
pub const CONSUMER_OFFSETS_TOPIC: &str = "__consumer_offsets";
