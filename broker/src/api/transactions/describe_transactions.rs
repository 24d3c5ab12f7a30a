//! DescribeTransactions (65): state and partitions of transactional ids (KIP-664).

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId as WireProducerId,
};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::transactions::Transactions;

/// Answers from the coordinator's state.
pub async fn handle(
    _: &Call,
    request: DescribeTransactionsRequest,
    transactions: &Arc<Transactions>,
) -> DescribeTransactionsResponse {
    let states = request
        .transactional_ids
        .into_iter()
        .map(|id| {
            let answer = TransactionState::default().with_transactional_id(id.clone());
            match transactions.shard(&id).and_then(|shard| shard.query(|machine| machine.describe(&id))) {
                Err(error) => answer.with_error_code(error.code()),
                Ok(transaction) => answer
                    .with_transaction_state(convert::text(transaction.state.name()))
                    .with_transaction_timeout_ms(transaction.timeout_ms)
                    .with_transaction_start_time_ms(transaction.started.0)
                    .with_producer_id(WireProducerId(transaction.producer_id.0))
                    .with_producer_epoch(transaction.producer_epoch.0)
                    .with_topics(topics(transaction.topics)),
            }
        })
        .collect();
    DescribeTransactionsResponse::default().with_transaction_states(states)
}

fn topics(partitions: BTreeMap<Arc<str>, Vec<i32>>) -> Vec<TopicData> {
    partitions
        .into_iter()
        .map(|(topic, partitions)| {
            TopicData::default().with_topic(convert::topic_name(&topic)).with_partitions(partitions)
        })
        .collect()
}
