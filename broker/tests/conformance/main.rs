//! The Kafka APIs over the wire: requests built by hand against a broker in this process, answers checked field by field.
//! What is expected is what Apache Kafka 4.3 does.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod alter_configs;
mod cleaner;
mod cluster;
mod connection;
mod connection_limits;
mod consumer_groups;
mod embedded;
mod every_version;
mod fetch;
mod fetch_sessions;
mod group_members;
mod group_offsets;
mod idempotence;
mod list_offsets;
mod malformed;
mod out_of_order;
mod produce;
mod quotas;
mod restart;
mod share;
mod slow_clients;
mod topic_configs;
mod topics;
mod transactional_offsets;
mod transactions;
