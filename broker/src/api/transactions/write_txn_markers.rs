//! WriteTxnMarkers (27): ends transactions in the logs of partitions; here for the tool that aborts hanging ones (KIP-664).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use crate::api::call::Call;
use crate::api::errors;
use crate::coordinator::groups::Groups;
use crate::coordinator::markers::Marker;
use crate::partition::Partitions;

/// Answers when all markers are committed (Kafka: KafkaApis.handleWriteTxnMarkersRequest).
pub async fn handle(
    _: &Call,
    request: WriteTxnMarkersRequest,
    partitions: &Arc<Partitions>,
    groups: &Arc<Groups>,
) -> WriteTxnMarkersResponse {
    let mut markers = Vec::with_capacity(request.markers.len());
    for marker in &request.markers {
        let mut topics = Vec::with_capacity(marker.topics.len());
        for topic in &marker.topics {
            let mut results = Vec::with_capacity(topic.partition_indexes.len());
            for index in &topic.partition_indexes {
                let error =
                    write(partitions, groups, marker, &topic.name, *index).await.err().unwrap_or(ErrorCode::None);
                let result = WritableTxnMarkerPartitionResult::default();
                results.push(result.with_partition_index(*index).with_error_code(error.code()));
            }
            let result = WritableTxnMarkerTopicResult::default();
            topics.push(result.with_name(topic.name.clone()).with_partitions(results));
        }
        markers.push(WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(topics));
    }
    WriteTxnMarkersResponse::default().with_markers(markers)
}

async fn write(
    partitions: &Partitions,
    groups: &Groups,
    marker: &WritableTxnMarker,
    topic: &str,
    index: i32,
) -> Result<(), ErrorCode> {
    // Kafka: a marker cannot be built for it, which is no error of the protocol (MemoryRecords.writeEndTransactionalMarker).
    if marker.producer_id.0 < 0 || marker.producer_epoch < 0 {
        return Err(ErrorCode::UnknownServerError);
    }
    let producer = (ProducerId(marker.producer_id.0), ProducerEpoch(marker.producer_epoch));
    let (commit, coordinator_epoch) = (marker.transaction_result, marker.coordinator_epoch);
    let written =
        Marker { producer, commit, coordinator_epoch }.write(partitions, groups, &TopicPartition::new(topic, index));
    let (partition, end) =
        written.map_err(|error| errors::of_append(&error).0)?.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    partition.committed(end).await.map_err(|_| ErrorCode::KafkaStorageError)
}
