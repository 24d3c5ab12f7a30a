//! EndTxn (26): commit or abort; from version 5 on with a new epoch for what comes next (KIP-890).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::version::for_client;
use forebay_control::transaction::{Command, Reply, TransactionVersion, command};
use forebay_storage::ids::{ProducerEpoch, ProducerId};
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId as WireProducerId};

use crate::api::call::Call;
use crate::coordinator::transactions::Transactions;

/// Answers when the markers are written.
pub async fn handle(call: &Call, request: EndTxnRequest, transactions: &Arc<Transactions>) -> EndTxnResponse {
    let none = (ProducerId::NONE, ProducerEpoch::NONE);
    let (error, (producer_id, epoch)) = match end(call, &request, transactions).await {
        Ok(Reply::EndTxn { error, producer_id, producer_epoch }) => (error, (producer_id, producer_epoch)),
        Ok(other) => unreachable!("EndTxn is answered by {other:?}"),
        Err(error) => (error, none),
    };
    let response = EndTxnResponse::default().with_error_code(for_client(error, call.version >= 2).code());
    if call.version >= 5 {
        response.with_producer_id(WireProducerId(producer_id.0)).with_producer_epoch(epoch.0)
    } else {
        response
    }
}

async fn end(call: &Call, request: &EndTxnRequest, transactions: &Transactions) -> Result<Reply, ErrorCode> {
    let client_version = TransactionVersion::of_end_txn(call.version);
    transactions.check_version(client_version)?;
    let fresh_producer_id = transactions.producer_ids.fresh()?;
    let command = |reply_to| {
        Command::EndTxn(command::EndTxn {
            reply_to,
            transactional_id: request.transactional_id.to_string(),
            producer_id: ProducerId(request.producer_id.0),
            producer_epoch: ProducerEpoch(request.producer_epoch),
            commit: request.committed,
            client_version,
            fresh_producer_id,
        })
    };
    transactions.ask(&request.transactional_id, command).await
}
