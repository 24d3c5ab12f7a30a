//! Coordinators: state machines of `forebay-control`, each shard on its partition of an internal topic.

mod changing_states;
pub mod features;
pub mod group_view;
pub mod groups;
pub mod internal_topics;
mod log_config;
pub(crate) mod markers;
pub mod metadata;
mod places;
pub mod producer_ids;
mod replay;
mod shard;
pub mod share_groups;
pub mod share_states;
mod share_states_upkeep;
pub(crate) mod timers;
pub mod transactions;

pub use shard::Unavailable;

/// Kafka's topic of groups and committed offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// Kafka's topic of transactions.
pub const TRANSACTIONS_TOPIC: &str = "__transaction_state";
/// Kafka's topic of what share groups have delivered (KIP-932).
pub const SHARE_STATE_TOPIC: &str = "__share_group_state";
/// Kafka's log of the controller's decisions; a folder of its own, not a topic that clients see.
pub const METADATA_LOG: &str = "__cluster_metadata";

/// Whether only the broker may write to `topic`.
#[must_use]
pub fn is_internal(topic: &str) -> bool {
    topic == OFFSETS_TOPIC || topic == TRANSACTIONS_TOPIC || topic == SHARE_STATE_TOPIC
}
