//! APIs that make, change and describe topics.

pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_configs;
