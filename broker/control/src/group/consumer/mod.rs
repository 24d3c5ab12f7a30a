//! Consumer groups (KIP-848): the coordinator assigns, and each member is led to its part step by step.
//!
//! Reading order: `topics` says what comes in from the cluster, `member` and `group` what is kept; then `heartbeat`, which goes
//! through `subscribe`, `regex`, `target` (with `assignor`) and `reconcile`; `fence` and `timers` take members out; `upgrade`,
//! `downgrade`, `classic_join` and `classic_members` are the migration from and to classic groups; `offsets` fences commits.

mod assignor;
mod change;
mod classic_join;
mod classic_members;
mod config;
mod describe;
mod downgrade;
mod draft;
mod fence;
mod group;
mod heartbeat;
mod member;
mod offsets;
mod reconcile;
mod record;
mod refusal;
mod regex;
mod subscribe;
mod target;
mod timers;
mod topics;
mod upgrade;
mod validate;
mod xxh3;

pub use change::{ConsumerChange, ConsumerGroupState};
pub use config::{AllOverrides, ConsumerGroupConfig, GroupOverrides, MigrationPolicy};
pub use describe::{AssignedTopic, ConsumerGroupDescription, ConsumerMemberDescription};
pub use heartbeat::{ConsumerHeartbeat, ConsumerHeartbeatReply};
pub use record::ConsumerRecord;
pub use refusal::Refusal;
pub use regex::{RegexesResolved, ResolveRegexes};
pub use timers::ConsumerTimer;
pub use topics::{TopicInfo, TopicsImage};

pub(crate) use validate::not_blank;

pub(super) use group::ConsumerGroup;
pub(super) use offsets::Committer;
