//! APIs of consumer groups and their offsets.

pub mod delete_groups;
pub mod describe_groups;
pub mod find_coordinator;
pub mod heartbeat;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod sync_group;

use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;

/// A shared string from the wire.
fn shared(s: &StrBytes) -> Arc<str> {
    Arc::from(s.as_str())
}

/// A shared string from the wire, if there is one.
fn maybe_shared(s: &Option<StrBytes>) -> Option<Arc<str>> {
    s.as_ref().map(shared)
}

/// A string for the wire, if there is one.
fn maybe_text(s: &Option<Arc<str>>) -> Option<StrBytes> {
    s.as_deref().map(super::convert::text)
}
