//! The log on disk: bytes, batches, files, in Apache Kafka's formats. No sockets, no requests, no async.
#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod batch;
pub mod checkpoint;
mod compact;
pub mod compress;
pub mod disk;
pub mod epochs;
pub mod error;
pub mod ids;
pub mod inspect;
pub mod log;
mod producer;
mod segment;
