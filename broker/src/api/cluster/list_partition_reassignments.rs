//! ListPartitionReassignments (46): partitions that are on their way to other brokers (KIP-455). On one node there are none.

use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use crate::api::call::Call;
use crate::node::Cluster;

/// Answers that nothing moves.
pub async fn handle(_: &Call, _: ListPartitionReassignmentsRequest, _: &Cluster) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default().with_error_message(None)
}
