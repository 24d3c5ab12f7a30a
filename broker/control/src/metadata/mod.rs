//! The controller's machine: topics, partitions, configs, quotas, credentials and producer ids, in the log `__cluster_metadata-0` in Kafka's records.

mod alter_configs;
pub mod client_quotas;
pub mod command;
pub mod config;
mod create_partitions;
mod create_topics;
mod delete_topics;
pub mod effect;
pub mod features;
pub mod image;
pub mod kafka_image;
pub mod machine;
mod placement;
pub mod producer_ids;
mod reassign;
pub mod record;
mod refusal;
mod register_broker;
pub mod reply;
pub mod scram;
pub mod topic_config;
pub mod topic_name;
pub mod wire;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use config::MetadataConfig;
pub use effect::Effect;
pub use image::{BrokerInfo, PartitionInfo, TopicInfo};
pub use machine::{Decision, MetadataMachine};
pub use record::{Event, parse};
pub use reply::Reply;
pub use topic_name::validate_topic_name;
