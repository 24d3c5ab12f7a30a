//! FindCoordinator (10): which broker coordinates a group, a transactional id or a share partition. Here: this one.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::state::SharePartitionKey;
use forebay_storage::ids::TopicId;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::coordinator::share_states::ShareStates;
use crate::coordinator::transactions::Transactions;
use crate::node::Cluster;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
/// First version that finds the coordinators of share-partitions.
const SHARE_FROM: i16 = 6;

/// Makes the coordinator's topic if this is the first question, as Kafka does.
pub async fn handle(
    call: &Call,
    request: FindCoordinatorRequest,
    groups: &Arc<Groups>,
    transactions: &Arc<Transactions>,
    share_states: &Arc<ShareStates>,
    cluster: &Cluster,
) -> FindCoordinatorResponse {
    let find = |key: &str| {
        let found = match request.key_type {
            GROUP => groups.shard(key).map(drop),
            TRANSACTION => transactions.shard(key).map(drop),
            SHARE if call.version >= SHARE_FROM => {
                share_partition(key).and_then(|key| share_states.shard(&key).map(drop))
            }
            _ => Err(ErrorCode::InvalidRequest),
        };
        let error = match found {
            Ok(()) => ErrorCode::None,
            // Its log is offline: there is no other broker to send the client to (Kafka: a partition without a leader).
            Err(ErrorCode::NotCoordinator) => ErrorCode::CoordinatorNotAvailable,
            Err(error) => error,
        };
        match error {
            ErrorCode::None => {
                let (host, port) = (call.listener.advertised_host.as_str(), call.listener.advertised_port);
                (error, cluster.node_id.0, host, i32::from(port))
            }
            _ => (error, -1, "", -1),
        }
    };
    if call.version < 4 {
        let (error, node, host, port) = find(&request.key);
        let response = FindCoordinatorResponse::default()
            .with_error_code(error.code())
            .with_node_id(BrokerId(node))
            .with_host(convert::text(host))
            .with_port(port);
        let message = if error.is_ok() { "NONE" } else { sentence(error) };
        return if call.version >= 1 { response.with_error_message(Some(convert::text(message))) } else { response };
    }
    let coordinators = request
        .coordinator_keys
        .into_iter()
        .map(|key| {
            let (error, node, host, port) = find(&key);
            Coordinator::default()
                .with_key(key)
                .with_node_id(BrokerId(node))
                .with_host(convert::text(host))
                .with_port(port)
                .with_error_code(error.code())
                .with_error_message(Some(convert::text(match request.key_type {
                    GROUP | TRANSACTION | SHARE => "",
                    _ => sentence(error),
                })))
        })
        .collect();
    FindCoordinatorResponse::default().with_coordinators(coordinators)
}

/// Kafka: SharePartitionKey.getInstance; the group's id may have colons itself.
fn share_partition(key: &str) -> Result<SharePartitionKey, ErrorCode> {
    let parsed = || {
        let (rest, partition) = key.rsplit_once(':')?;
        let (group_id, topic_id) = rest.rsplit_once(':')?;
        let topic_id = topic_id.parse::<TopicId>().ok().filter(|_| !group_id.trim().is_empty())?;
        Some(SharePartitionKey { group_id: group_id.into(), topic_id, partition: partition.parse().ok()? })
    };
    parsed().ok_or(ErrorCode::InvalidRequest)
}

/// Kafka: `Errors.message`, which is sent to clients here alone.
fn sentence(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::InvalidRequest => {
            "This most likely occurs because of a request being malformed by the client library or the message was sent to an \
             incompatible broker. See the broker logs for more details."
        }
        ErrorCode::CoordinatorNotAvailable => "The coordinator is not available.",
        _ => "The coordinator is loading and hence can't process requests.",
    }
}
