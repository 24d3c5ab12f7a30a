//! Scenarios of the group coordinator in virtual time. Expected behaviour is that of Apache Kafka 4.3.1; each test names its source.

mod commits;
mod consumer;
mod deletion;
mod expiry;
mod golden;
mod heartbeats;
mod joining;
mod queries;
mod random;
mod sessions;
mod share;
mod sim;
mod static_members;
mod syncing;
mod transactions;
