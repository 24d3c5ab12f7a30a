//! A member of a share group (Kafka: ShareGroupMember). It has what it shall have at once: nobody has to give up anything first.

use std::sync::Arc;

use super::records::{ShareCurrentAssignmentValue, ShareMemberValue};
use crate::group::records::Assignment;

/// Epoch of a member that leaves.
pub(super) const LEAVING_EPOCH: i32 = -1;

/// A member's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShareMember {
    pub(super) id: Arc<str>,
    pub(super) epoch: i32,
    pub(super) previous_epoch: i32,
    /// Kafka's number of its state; 0, stable, whatever happens here.
    pub(super) state: i8,
    /// What it has.
    pub(super) assigned: Assignment,
    /// Who it is and what it reads.
    pub(super) data: ShareMemberValue,
}

impl ShareMember {
    pub(super) fn new(id: Arc<str>) -> ShareMember {
        ShareMember {
            id,
            epoch: 0,
            previous_epoch: -1,
            state: 0,
            assigned: Assignment::new(),
            data: ShareMemberValue {
                rack_id: None,
                client_id: "".into(),
                client_host: "".into(),
                topics: Default::default(),
            },
        }
    }

    pub(super) fn load_current(&mut self, value: ShareCurrentAssignmentValue) {
        self.epoch = value.epoch;
        self.previous_epoch = value.previous_epoch;
        self.state = value.state;
        self.assigned = value.assigned;
    }

    pub(super) fn save_current(&self) -> ShareCurrentAssignmentValue {
        ShareCurrentAssignmentValue {
            epoch: self.epoch,
            previous_epoch: self.previous_epoch,
            state: self.state,
            assigned: self.assigned.clone(),
        }
    }
}
