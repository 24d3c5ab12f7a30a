//! ListTransactions (66): the transactional ids that are known, filtered (KIP-664, KIP-994).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::ListFilter;
use forebay_storage::ids::ProducerId;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{
    ListTransactionsRequest, ListTransactionsResponse, ProducerId as WireProducerId, TransactionalId,
};

use crate::api::call::Call;
use crate::api::convert;
use crate::clock;
use crate::coordinator::transactions::Transactions;

/// Answers from all shards.
pub async fn handle(
    _: &Call,
    request: ListTransactionsRequest,
    transactions: &Arc<Transactions>,
) -> ListTransactionsResponse {
    if request.transactional_id_pattern.as_ref().is_some_and(|p| !p.is_empty()) {
        // Patterns need RE2 syntax, which is not there yet: better no answer than a wrong one.
        return ListTransactionsResponse::default().with_error_code(ErrorCode::InvalidRegularExpression.code());
    }
    let shards = match transactions.shards() {
        Ok(shards) => shards,
        Err(error) => return ListTransactionsResponse::default().with_error_code(error.code()),
    };
    let filter = ListFilter {
        states: request.state_filters.iter().map(|s| s.to_string()).collect(),
        producer_ids: request.producer_id_filters.iter().map(|id| ProducerId(id.0)).collect(),
        running_longer_than_ms: request.duration_filter,
    };
    let now = clock::now();
    let mut listed = Vec::new();
    let mut unknown = Vec::new();
    for shard in shards {
        let listing = shard.query(|machine| machine.list(now, &filter));
        unknown = listing.unknown_states;
        listed.extend(listing.transactions.iter().map(|(id, producer_id, state)| {
            TransactionState::default()
                .with_transactional_id(TransactionalId(convert::text(id)))
                .with_producer_id(WireProducerId(producer_id.0))
                .with_transaction_state(convert::text(state.name()))
        }));
    }
    let unknown = unknown.iter().map(|s| convert::text(s)).collect();
    ListTransactionsResponse::default().with_transaction_states(listed).with_unknown_state_filters(unknown)
}
