//! DescribeQuorum (55): who keeps the metadata log, and how far each is (KIP-595, KIP-836, KIP-853). On one node it is this broker.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::clock;
use crate::coordinator::METADATA_LOG;
use crate::coordinator::metadata::Metadata;
use crate::node::Cluster;

/// The voter's listener, by the name it has in Apache Kafka's examples; here it is the one that was asked.
const CONTROLLER_LISTENER: &str = "CONTROLLER";

/// Answers for the metadata log; for any other partition that it is not known.
pub async fn handle(
    call: &Call,
    request: DescribeQuorumRequest,
    cluster: &Cluster,
    metadata: &Arc<Metadata>,
) -> DescribeQuorumResponse {
    let is_quorum = |topic: &str, partition: i32| topic == METADATA_LOG && partition == 0;
    let known = request.topics.iter().any(|t| t.partitions.iter().any(|p| is_quorum(&t.topic_name, p.partition_index)));
    let topics = request
        .topics
        .iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|p| match is_quorum(&topic.topic_name, p.partition_index) {
                    true => quorum(call, cluster, metadata),
                    false => unknown(call, p.partition_index),
                })
                .collect();
            TopicData::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions)
        })
        .collect();
    let response = DescribeQuorumResponse::default().with_topics(topics);
    if call.version >= 2 && known { response.with_nodes(vec![node(call, cluster)]) } else { response }
}

fn quorum(call: &Call, cluster: &Cluster, metadata: &Metadata) -> PartitionData {
    let (end, high_watermark, epoch) =
        metadata.log().with_log(|log| (log.log_end_offset(), log.high_watermark(), log.latest_epoch()));
    let voter = ReplicaState::default().with_replica_id(BrokerId(cluster.node_id.0)).with_log_end_offset(end.0);
    let voter = if call.version >= 1 {
        // The leader is always as far as itself.
        let now = clock::now().0;
        voter.with_last_fetch_timestamp(now).with_last_caught_up_timestamp(now)
    } else {
        voter
    };
    PartitionData::default()
        .with_leader_id(BrokerId(cluster.node_id.0))
        .with_leader_epoch(epoch.map_or(1, |e| e.0.max(1)))
        .with_high_watermark(high_watermark.0)
        .with_current_voters(vec![voter])
}

fn unknown(call: &Call, partition: i32) -> PartitionData {
    let answer = PartitionData::default()
        .with_partition_index(partition)
        .with_error_code(ErrorCode::UnknownTopicOrPartition.code());
    if call.version < 2 {
        return answer;
    }
    answer.with_error_message(Some(convert::text("This server does not host this topic-partition.")))
}

fn node(call: &Call, cluster: &Cluster) -> Node {
    let listener = Listener::default()
        .with_name(convert::text(CONTROLLER_LISTENER))
        .with_host(convert::text(&call.listener.advertised_host))
        .with_port(call.listener.advertised_port);
    Node::default().with_node_id(BrokerId(cluster.node_id.0)).with_listeners(vec![listener])
}
