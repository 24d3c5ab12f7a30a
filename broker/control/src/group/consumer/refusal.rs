//! Why a request of a consumer or share group is refused: Kafka's error and Kafka's words.

use crate::error_code::ErrorCode;

/// An error with the message that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kafka's code.
    pub error: ErrorCode,
    /// Kafka's words.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(error: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal { error, message: message.into() }
    }

    pub(crate) fn not_a_member(member_id: &str, group_id: &str) -> Refusal {
        Refusal::new(ErrorCode::UnknownMemberId, format!("Member {member_id} is not a member of group {group_id}."))
    }

    pub(super) fn instance_unknown(instance_id: &str) -> Refusal {
        Refusal::new(ErrorCode::UnknownMemberId, format!("Instance id {instance_id} is unknown."))
    }

    pub(super) fn instance_fenced(member_id: &str, instance_id: &str, by: &str) -> Refusal {
        let message = format!("Static member {member_id} with instance id {instance_id} was fenced by member {by}.");
        Refusal::new(ErrorCode::FencedInstanceId, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(ErrorCode::InvalidRequest, message)
    }
}
