//! The controller's machine: topics, partitions, configs and producer ids, in the log `__cluster_metadata-0` in Kafka's records.

pub mod command;
pub mod effect;
pub mod reply;
pub mod topic_config;
pub mod wire;

pub use command::Command;
pub use effect::Effect;
pub use reply::Reply;
