//! A member of a group (Kafka: ClassicGroupMember), with the requests of it that wait for an answer.

use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::Timestamp;

use super::records::SavedMember;
use crate::machine::ReplyTo;

/// A member's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub(super) id: Arc<str>,
    pub(super) instance_id: Option<Arc<str>>,
    pub(super) client_id: Arc<str>,
    pub(super) client_host: Arc<str>,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
    pub(super) protocol_type: Arc<str>,
    /// Protocols by preference, each with the member's metadata.
    pub(super) protocols: Vec<(Arc<str>, Bytes)>,
    pub(super) assignment: Bytes,
    /// A JoinGroup that is answered when the rebalance completes.
    pub(super) awaiting_join: Option<ReplyTo>,
    /// A SyncGroup that is answered when the leader's assignment is there.
    pub(super) awaiting_sync: Option<ReplyTo>,
    /// Has not got its first JoinGroup answer yet, so that waiting for one is not a sign of life.
    pub(super) is_new: bool,
    /// When the session ends without a further sign of life.
    pub(super) deadline: Timestamp,
    /// When the one session timer that counts fires; `None` when no timer is armed.
    pub(super) timer_at: Option<Timestamp>,
}

impl Member {
    /// The member's metadata for `protocol`.
    pub(super) fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols.iter().find(|(name, _)| &**name == protocol).map(|(_, metadata)| metadata)
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.metadata(protocol).is_some()
    }

    /// Whether the member needs no heartbeat now because it waits for us (Kafka: hasSatisfiedHeartbeat).
    pub(super) fn is_waiting_for_us(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    /// A member as a record has it. What a record does not hold is taken from `known`, the same member in memory.
    pub(super) fn load(
        saved: &SavedMember,
        protocol_type: &Arc<str>,
        protocol: &str,
        known: Option<&Member>,
    ) -> Member {
        // All protocols are kept while the record tells nothing new about the one selected.
        let protocols = match known {
            Some(known) if known.metadata(protocol) == Some(&saved.subscription) => known.protocols.clone(),
            _ => vec![(Arc::from(protocol), saved.subscription.clone())],
        };
        Member {
            id: saved.member_id.clone(),
            instance_id: saved.instance_id.clone(),
            client_id: saved.client_id.clone(),
            client_host: saved.client_host.clone(),
            rebalance_timeout_ms: saved.rebalance_timeout_ms,
            session_timeout_ms: saved.session_timeout_ms,
            protocol_type: protocol_type.clone(),
            protocols,
            assignment: saved.assignment.clone(),
            // A generation is saved when it is stable: nobody waits any more.
            awaiting_join: None,
            awaiting_sync: None,
            is_new: false,
            deadline: known.map_or(Timestamp(i64::MIN), |known| known.deadline),
            timer_at: known.and_then(|known| known.timer_at),
        }
    }

    /// The member as a record holds it.
    pub(super) fn save(&self, protocol: &str, assignment: Bytes) -> SavedMember {
        SavedMember {
            member_id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            subscription: self.metadata(protocol).cloned().unwrap_or_default(),
            assignment,
        }
    }
}
