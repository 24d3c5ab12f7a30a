//! ListTransactions (66): the transactional ids that are known, filtered (KIP-664, KIP-994).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::ListFilter;
use forebay_storage::ids::ProducerId;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{
    ListTransactionsRequest, ListTransactionsResponse, ProducerId as WireProducerId, TransactionalId,
};
use regex_lite::Regex;

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
    let pattern = match whole_match(request.transactional_id_pattern.as_deref().unwrap_or("")) {
        Ok(pattern) => pattern,
        Err(error) => return ListTransactionsResponse::default().with_error_code(error.code()),
    };
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
        let named = listing.transactions.iter().filter(|(id, _, _)| pattern.as_ref().is_none_or(|p| p.is_match(id)));
        listed.extend(named.map(|(id, producer_id, state)| {
            TransactionState::default()
                .with_transactional_id(TransactionalId(convert::text(id)))
                .with_producer_id(WireProducerId(producer_id.0))
                .with_transaction_state(convert::text(state.name()))
        }));
    }
    let unknown = unknown.iter().map(|s| convert::text(s)).collect();
    ListTransactionsResponse::default().with_transaction_states(listed).with_unknown_state_filters(unknown)
}

/// The pattern for a whole transactional id (KIP-1152: RE2 syntax, matched from end to end); an empty one lets all pass.
fn whole_match(pattern: &str) -> Result<Option<Regex>, ErrorCode> {
    if pattern.is_empty() {
        return Ok(None);
    }
    // The pattern must be one by itself before it is put between the anchors.
    Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map(Some)
        .map_err(|_| ErrorCode::InvalidRegularExpression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_from_end_to_end() {
        let matches = |pattern: &str, id: &str| whole_match(pattern).unwrap().is_none_or(|p| p.is_match(id));
        assert!(matches("", "anything"));
        assert!(matches("my-.*", "my-app-1"));
        assert!(matches("a|b", "b") && !matches("a|b", "ab"));
        assert!(!matches("app", "my-app-1"));
        assert_eq!(whole_match("(").unwrap_err(), ErrorCode::InvalidRegularExpression);
        assert_eq!(whole_match("a)(b").unwrap_err(), ErrorCode::InvalidRegularExpression);
    }
}
