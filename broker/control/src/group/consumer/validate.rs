//! What a ConsumerGroupHeartbeat must look like (Kafka: GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid),
//! and that its names fit into records.

use super::heartbeat::ConsumerHeartbeat;
use super::member::{AWAY_EPOCH, LEAVING_EPOCH};
use super::refusal::Refusal;
use crate::error_code::ErrorCode;
use crate::group::machine::GroupMachine;
use crate::group::records::MAX_STRING_BYTES;

impl GroupMachine {
    pub(super) fn check_consumer_heartbeat(&self, heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
        if heartbeat.requires_member_id || heartbeat.member_epoch > 0 || heartbeat.member_epoch == LEAVING_EPOCH {
            not_blank(Some(&heartbeat.member_id), "MemberId can't be empty.")?;
        }
        not_blank(Some(&heartbeat.group_id), "GroupId can't be empty.")?;
        not_blank(heartbeat.instance_id.as_deref(), "InstanceId can't be empty.")?;
        not_blank(heartbeat.rack_id.as_deref(), "RackId can't be empty.")?;
        match heartbeat.member_epoch {
            0 => check_join(heartbeat)?,
            AWAY_EPOCH if heartbeat.instance_id.is_none() => return Err(Refusal::invalid("InstanceId can't be null.")),
            ..AWAY_EPOCH => return Err(Refusal::invalid("MemberEpoch is invalid.")),
            _ => {}
        }
        self.check_assignor(heartbeat)?;
        check_lengths(heartbeat)
    }

    fn check_assignor(&self, heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
        let supported = &self.config.consumer.assignors;
        match &heartbeat.assignor {
            Some(assignor) if !supported.contains(assignor) => {
                let message = format!(
                    "ServerAssignor {assignor} is not supported. Supported assignors: {}.",
                    supported.join(", ")
                );
                Err(Refusal::new(ErrorCode::UnsupportedAssignor, message))
            }
            _ => Ok(()),
        }
    }
}

/// Kafka: GroupCoordinatorService.throwIfEmptyString.
pub(crate) fn not_blank(value: Option<&str>, message: &str) -> Result<(), Refusal> {
    // Java's trim takes away everything up to the space.
    match value {
        Some(value) if value.trim_matches(|c| c <= ' ').is_empty() => Err(Refusal::invalid(message)),
        _ => Ok(()),
    }
}

fn check_join(heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
    if heartbeat.rebalance_timeout_ms.is_none() {
        return Err(Refusal::invalid("RebalanceTimeoutMs must be provided in first request."));
    }
    if heartbeat.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
        return Err(Refusal::invalid("TopicPartitions must be empty when (re-)joining."));
    }
    if heartbeat.topics.is_none() && heartbeat.regex.is_none() {
        let message = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

/// Kafka fails when it writes longer ones; the keys of records hold lengths of 15 bits.
fn check_lengths(heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
    let names = [Some(&heartbeat.group_id), Some(&heartbeat.member_id), heartbeat.regex.as_ref()];
    match names.into_iter().flatten().any(|name| name.len() > MAX_STRING_BYTES) {
        true => Err(Refusal::invalid(format!(
            "GroupId, MemberId or SubscribedTopicRegex exceeds {MAX_STRING_BYTES} bytes."
        ))),
        false => Ok(()),
    }
}
