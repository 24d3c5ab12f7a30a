//! AddPartitionsToTxn (24): makes partitions part of a transaction, or checks that they are (KIP-98, KIP-890).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::TransactionVersion;
use forebay_control::transaction::version::for_client;
use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::transactions::{Producer, Transactions};
use crate::partition::Partitions;

/// One transaction from a client (up to version 3), several from a broker (version 4 on).
pub async fn handle(
    call: &Call,
    request: AddPartitionsToTxnRequest,
    transactions: &Arc<Transactions>,
    partitions: &Arc<Partitions>,
) -> AddPartitionsToTxnResponse {
    let rooms = Rooms { transactions, partitions, version: call.version };
    if call.version < 4 {
        let producer = Producer {
            transactional_id: &request.v3_and_below_transactional_id,
            id: ProducerId(request.v3_and_below_producer_id.0),
            epoch: ProducerEpoch(request.v3_and_below_producer_epoch),
        };
        let results = rooms.run(producer, &request.v3_and_below_topics, false).await;
        return AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results);
    }
    let mut results = Vec::with_capacity(request.transactions.len());
    for t in &request.transactions {
        let producer = Producer {
            transactional_id: &t.transactional_id,
            id: ProducerId(t.producer_id.0),
            epoch: ProducerEpoch(t.producer_epoch),
        };
        results.push(
            AddPartitionsToTxnResult::default()
                .with_transactional_id(t.transactional_id.clone())
                .with_topic_results(rooms.run(producer, &t.topics, t.verify_only).await),
        );
    }
    AddPartitionsToTxnResponse::default().with_results_by_transaction(results)
}

struct Rooms<'a> {
    transactions: &'a Transactions,
    partitions: &'a Partitions,
    version: i16,
}

impl Rooms<'_> {
    /// Kafka: if one partition does not exist none is added; the others get OPERATION_NOT_ATTEMPTED.
    async fn run(
        &self,
        producer: Producer<'_>,
        topics: &[AddPartitionsToTxnTopic],
        verify_only: bool,
    ) -> Vec<AddPartitionsToTxnTopicResult> {
        let all: Vec<TopicPartition> =
            topics.iter().flat_map(|t| t.partitions.iter().map(|p| convert::partition_name(&t.name, *p))).collect();
        // Kafka: MetadataCache.contains; where the log cannot be opened now there is one all the same.
        let exists = |p: &TopicPartition| self.partitions.exists(&p.topic, p.partition);
        if !all.iter().all(exists) {
            return answer(topics, |p| {
                if exists(p) { ErrorCode::OperationNotAttempted } else { ErrorCode::UnknownTopicOrPartition }
            });
        }
        if verify_only {
            return answer(topics, |p| self.transactions.verify(producer, p).err().unwrap_or(ErrorCode::None));
        }
        let version = TransactionVersion::of_add_partitions(self.version);
        let error = self.transactions.add_partitions(producer, all, version).await.err().unwrap_or(ErrorCode::None);
        let error = for_client(error, self.version >= 2);
        answer(topics, |_| error)
    }
}

fn answer(
    topics: &[AddPartitionsToTxnTopic],
    error: impl Fn(&TopicPartition) -> ErrorCode,
) -> Vec<AddPartitionsToTxnTopicResult> {
    topics
        .iter()
        .map(|t| {
            let results = t
                .partitions
                .iter()
                .map(|p| {
                    AddPartitionsToTxnPartitionResult::default()
                        .with_partition_index(*p)
                        .with_partition_error_code(error(&convert::partition_name(&t.name, *p)).code())
                })
                .collect();
            AddPartitionsToTxnTopicResult::default().with_name(t.name.clone()).with_results_by_partition(results)
        })
        .collect()
}
