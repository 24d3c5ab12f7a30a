//! The end of a share group (Kafka: ShareGroup.createGroupTombstoneRecords).

use super::records::ShareGroupRecord;
use super::share_group::ShareGroup;
use crate::error_code::ErrorCode;
use crate::group::{GroupDecision, GroupEvent, GroupMachine};

impl GroupMachine {
    /// Ends a group without members. Its states at the share coordinator are gone already.
    pub(crate) fn delete_share_group(decision: &mut GroupDecision, group: &ShareGroup) -> ErrorCode {
        if !group.is_empty() {
            return ErrorCode::NonEmptyGroup;
        }
        let records = [
            ShareGroupRecord::TargetEpoch(None),
            ShareGroupRecord::StatePartitions(None),
            ShareGroupRecord::Epoch(None),
        ];
        let group_id = group.id();
        decision.events.extend(records.map(|record| GroupEvent::Share { group_id: group_id.clone(), record }));
        ErrorCode::None
    }
}
