//! APIs of consumer groups and their offsets.

pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
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

use forebay_control::error_code::ErrorCode;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::watch;

use crate::config::BrokerConfig;
use crate::coordinator::features::Features;

/// Whether consumer groups are to be had: the cluster has them, and the broker is set to serve them (Kafka:
/// KafkaApis.isConsumerGroupProtocolEnabled).
fn has_consumer_protocol(config: &BrokerConfig, features: &Features) -> bool {
    features.has_consumer_groups() && config.consumer_groups.rebalance_protocols.iter().any(|name| name == "consumer")
}

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

/// Waits for the coordinator's reply, but not longer than the broker runs (Kafka: a coordinator that unloads answers those who
/// wait with NOT_COORDINATOR).
async fn until_stop<R>(
    stop: &watch::Receiver<bool>,
    reply: impl Future<Output = Result<R, ErrorCode>>,
) -> Result<R, ErrorCode> {
    let mut stop = stop.clone();
    tokio::select! {
        biased;
        reply = reply => reply,
        _ = stop.wait_for(|stop| *stop) => Err(ErrorCode::NotCoordinator),
    }
}
