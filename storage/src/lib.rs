//! The log on disk: bytes, batches, files, in Apache Kafka's formats. No sockets, no requests, no async.

pub mod ids;
