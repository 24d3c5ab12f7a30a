//! WriteTxnMarkers (27): ends transactions in the logs of partitions; here for the tool that aborts hanging ones (KIP-664).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId};
use forebay_storage::log::AppendError;
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use crate::api::call::Call;
use crate::api::{convert, errors};
use crate::coordinator::OFFSETS_TOPIC;
use crate::coordinator::groups::Groups;
use crate::partition::{Partition, Partitions};

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
    let partition = convert::get(partitions, topic, index)?;
    let (partition, end) = append(groups, partition, marker).map_err(|error| errors::of_append(&error).0)?;
    partition.committed(end).await.map_err(|_| ErrorCode::KafkaStorageError)
}

/// The marker, and where it ends; in `__consumer_offsets` the coordinator learns of it in the same step.
fn append(
    groups: &Groups,
    partition: Arc<Partition>,
    marker: &WritableTxnMarker,
) -> Result<(Arc<Partition>, Offset), AppendError> {
    let producer = (ProducerId(marker.producer_id.0), ProducerEpoch(marker.producer_epoch));
    let (commit, epoch) = (marker.transaction_result, marker.coordinator_epoch);
    let name = partition.name();
    if &*name.topic == OFFSETS_TOPIC
        && let Some(written) = groups.end_transaction(name.partition, producer, commit, epoch)?
    {
        return Ok(written);
    }
    let outcome = partition.append_marker(producer, commit, epoch)?;
    Ok((partition, Offset(outcome.last_offset.0 + 1)))
}
