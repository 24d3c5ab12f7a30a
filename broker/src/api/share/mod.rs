//! APIs of share groups (KIP-932).

mod acknowledgements;
pub mod alter_share_group_offsets;
pub mod delete_share_group_offsets;
pub mod delete_share_group_state;
pub mod describe_share_group_offsets;
pub mod initialize_share_group_state;
pub mod read_share_group_state;
pub mod read_share_group_state_summary;
pub mod share_acknowledge;
pub mod share_fetch;
pub mod share_group_describe;
pub mod share_group_heartbeat;
mod state;
pub mod wire;
pub mod write_share_group_state;

/// Kafka: Errors.UNKNOWN_TOPIC_OR_PARTITION.
const NO_SUCH_PARTITION: &str = "This server does not host this topic-partition.";
/// Kafka: Errors.UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: &str = "The version of API is not supported.";
/// Kafka: Errors.INVALID_GROUP_ID.
const INVALID_GROUP_ID: &str = "The group id is invalid.";
