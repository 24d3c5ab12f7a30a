//! AddOffsetsToTxn (25): makes a group's partition of `__consumer_offsets` part of a transaction.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::version::for_client;
use forebay_control::transaction::{Command, Reply, command};
use forebay_storage::ids::{ProducerEpoch, ProducerId};
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use crate::api::call::Call;
use crate::coordinator::groups::Groups;
use crate::coordinator::transactions::Transactions;

/// Answers when the transaction log has it.
pub async fn handle(
    call: &Call,
    request: AddOffsetsToTxnRequest,
    transactions: &Arc<Transactions>,
    groups: &Arc<Groups>,
) -> AddOffsetsToTxnResponse {
    let error = match add(&request, transactions, groups).await {
        Ok(Reply::AddPartitions { error }) | Err(error) => error,
        Ok(other) => unreachable!("AddOffsetsToTxn is answered by {other:?}"),
    };
    AddOffsetsToTxnResponse::default().with_error_code(for_client(error, call.version >= 2).code())
}

async fn add(
    request: &AddOffsetsToTxnRequest,
    transactions: &Transactions,
    groups: &Groups,
) -> Result<Reply, ErrorCode> {
    let offsets_partition = groups.partition_of(&request.group_id)?;
    let command = |reply_to| {
        Command::AddOffsets(command::AddOffsets {
            reply_to,
            transactional_id: request.transactional_id.to_string(),
            producer_id: ProducerId(request.producer_id.0),
            producer_epoch: ProducerEpoch(request.producer_epoch),
            offsets_partition,
        })
    };
    transactions.ask(&request.transactional_id, command).await
}
