//! Membership of share groups in `__consumer_offsets` (KIP-932): the coordinator assigns partitions, each to as many members as keeps
//! all busy, and sees to it that the share coordinator has a state for each.
//!
//! Reading order: `member` and `share_group` say what is kept, `records` its bytes; then `heartbeat`, which goes through `target` (with
//! `assignor`) and `initialize`; `fence` takes members out; `offsets` and `delete` are what administrators do.

mod assignor;
mod config;
mod delete;
mod describe;
mod draft;
mod fence;
mod heartbeat;
mod initialize;
mod member;
mod offsets;
mod records;
mod share_group;
mod target;

pub use assignor::{ShareMemberSpec, assign};
pub use config::{ShareGroupConfig, ShareGroupOverrides};
pub use describe::{ShareGroupDescription, ShareMemberDescription};
pub use heartbeat::ShareHeartbeat;
pub use initialize::{InitializeShareState, ShareStateInitialized};
pub use offsets::{
    AlterShareOffsets, AlteredShareOffsets, AlteredShareTopic, DeleteShareOffsets, DeletedShareOffsets, OffsetsByTopic,
    ReleaseShareState, ShareOffsetsDeleted,
};
pub use records::{
    ShareCurrentAssignmentValue, ShareGroupEpochValue, ShareGroupRecord, ShareMemberValue, StatePartitionsValue,
    StateTopic,
};
pub use share_group::ShareGroupChange;

pub(crate) use share_group::ShareGroup;
