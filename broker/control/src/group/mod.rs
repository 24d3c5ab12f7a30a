//! Kafka's classic group protocol and committed offsets: one `GroupMachine` for each partition of `__consumer_offsets`.
//!
//! Reading order: `command` and `reply` say what goes in and out, `event` what can change, `state` and `member` what is kept;
//! then one file for each verb.

mod command;
mod config;
mod query;
mod reply;
mod state;
mod timer;

pub use command::*;
pub use config::*;
pub use reply::*;
pub use timer::GroupTimer;
pub use query::*;
pub use state::GroupState;
