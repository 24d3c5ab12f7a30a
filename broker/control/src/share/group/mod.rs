//! Membership of share groups in `__consumer_offsets`: so far the records and the assignor; the heartbeat is yet to come.

mod assignor;
mod records;

pub use assignor::{ShareMemberSpec, assign};
pub use records::{
    ShareCurrentAssignmentValue, ShareGroupEpochValue, ShareGroupRecord, ShareMemberValue, StatePartitionsValue,
    StateTopic,
};
