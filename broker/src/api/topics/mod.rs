//! APIs that make, change and describe topics.

pub mod alter_configs;
mod config_resources;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_configs;
pub mod incremental_alter_configs;
pub mod list_config_resources;
