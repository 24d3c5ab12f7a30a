//! Pure decisions of the broker: groups, transactions, metadata. No async, no sockets, no files, no clock.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod error_code;
pub mod group;
pub mod machine;
pub mod metadata;
pub mod share;
pub mod transaction;
