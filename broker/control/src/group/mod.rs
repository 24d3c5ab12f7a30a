//! Kafka's group protocols and committed offsets: one [`GroupMachine`] for each partition of `__consumer_offsets`. The files here
//! are the classic protocol, and the offsets of both; `consumer` is KIP-848's.
//!
//! Reading order: `command` and `reply` say what goes in and out, `event` what can change, `classic_group`, `member` and `offsets`
//! what is kept; then one file for each verb, with `rebalance` for what they share, and `machine`, which only hands out work.

mod classic_group;
mod command;
mod commit;
mod config;
mod consumer;
mod delete;
mod draft;
mod effect;
mod event;
mod expiry;
mod heartbeat;
mod join;
mod leave;
mod machine;
mod member;
mod offsets;
mod query;
mod rebalance;
pub mod records;
mod reply;
mod state;
mod static_member;
mod sync;
mod timer;
mod transactional_offsets;

#[cfg(test)]
mod tests;

pub use command::*;
pub use config::*;
pub use consumer::{
    AllOverrides, AssignedTopic, ConsumerChange, ConsumerGroupConfig, ConsumerGroupDescription, ConsumerGroupState,
    ConsumerHeartbeat, ConsumerHeartbeatReply, ConsumerMemberDescription, ConsumerRecord, ConsumerTimer,
    GroupOverrides, MigrationPolicy, Refusal, RegexesResolved, ResolveRegexes, TopicInfo, TopicsImage,
};
pub use effect::GroupEffect;
pub use event::{GroupChange, GroupEvent};
pub use machine::GroupMachine;
pub use query::*;
pub use reply::*;
pub use state::GroupState;
pub use timer::GroupTimer;

pub(crate) use consumer::not_blank;
pub(crate) use draft::{GroupDecision, answer};
