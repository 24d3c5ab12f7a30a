//! The share coordinator: the state of share-partitions in a partition of `__share_group_state` (Kafka: ShareCoordinatorShard).
//!
//! Reading order: `command` and `reply` say what goes in and out, `event` what can change, `share_state` what is kept of a
//! share-partition, `combine` how changes come on top of each other, `record` their bytes; `machine` decides.

mod combine;
mod command;
mod event;
mod machine;
mod record;
mod reply;
mod share_state;

#[cfg(test)]
mod tests;

pub use command::{SharePartitionKey, ShareStateCommand, WriteState};
pub use event::ShareStateEvent;
pub use machine::{ShareCoordinator, ShareCoordinatorConfig};
pub use record::ShareRecord;
pub use reply::{ReadState, ShareStateError, ShareStateReply, StateSummary};
pub use share_state::{ShareState, ShareUpdate};
