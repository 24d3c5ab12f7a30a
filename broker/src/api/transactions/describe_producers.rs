//! DescribeProducers (61): the producers that a partition remembers (KIP-664).

use std::sync::Arc;

use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};
use kafka_protocol::protocol::StrBytes;

use crate::api::call::Call;
use crate::api::convert;
use crate::partition::Partitions;

/// Answers from the producer state of the logs.
pub async fn handle(
    _: &Call,
    request: DescribeProducersRequest,
    partitions: &Arc<Partitions>,
) -> DescribeProducersResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let answers = topic
                .partition_indexes
                .iter()
                .map(|index| {
                    let answer = PartitionResponse::default().with_partition_index(*index);
                    match convert::get(partitions, &topic.name, *index) {
                        Err(error) => {
                            answer.with_error_code(error.code()).with_error_message(sentence(partitions, &topic.name))
                        }
                        Ok(partition) => answer.with_active_producers(
                            partition.with_log(|log| log.active_producers()).into_iter().map(state).collect(),
                        ),
                    }
                })
                .collect();
            TopicResponse::default().with_name(topic.name).with_partitions(answers)
        })
        .collect();
    DescribeProducersResponse::default().with_topics(topics)
}

/// Kafka: KafkaApis.handleDescribeProducersRequest has words for topics that are not there, and none for partitions.
fn sentence(partitions: &Partitions, topic: &str) -> Option<StrBytes> {
    let unknown = convert::get(partitions, topic, 0).is_err();
    unknown.then(|| convert::text("This server does not host this topic-partition."))
}

fn state(producer: forebay_storage::log::ProducerInfo) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(producer.producer_id.0))
        .with_producer_epoch(i32::from(producer.producer_epoch.0))
        .with_last_sequence(producer.last_sequence.0)
        .with_last_timestamp(producer.last_timestamp.0)
        .with_coordinator_epoch(producer.coordinator_epoch)
        .with_current_txn_start_offset(producer.current_txn_start_offset.map_or(-1, |o| o.0))
}
