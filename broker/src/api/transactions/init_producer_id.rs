//! InitProducerId (22): a producer's identity, and the end of its earlier incarnation (KIP-98, KIP-360).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::version::for_client;
use forebay_control::transaction::{Command, Reply, command};
use forebay_storage::ids::{ProducerEpoch, ProducerId};
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId as WireProducerId};

use crate::api::call::Call;
use crate::coordinator::transactions::Transactions;

/// Without a transactional id a fresh producer id is all it takes.
pub async fn handle(
    call: &Call,
    request: InitProducerIdRequest,
    transactions: &Arc<Transactions>,
) -> InitProducerIdResponse {
    match init(&request, transactions).await {
        Ok((producer_id, epoch)) => InitProducerIdResponse::default()
            .with_producer_id(WireProducerId(producer_id.0))
            .with_producer_epoch(epoch.0),
        Err(error) => InitProducerIdResponse::default()
            .with_error_code(for_client(error, call.version >= 4).code())
            .with_producer_id(WireProducerId(-1))
            .with_producer_epoch(-1),
    }
}

async fn init(
    request: &InitProducerIdRequest,
    transactions: &Transactions,
) -> Result<(ProducerId, ProducerEpoch), ErrorCode> {
    let expected = (request.producer_id.0, request.producer_epoch);
    // Kafka: KafkaApis.handleInitProducerIdRequest refuses one without the other.
    if (expected.0 == -1) != (expected.1 == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    let Some(transactional_id) = &request.transactional_id else {
        return Ok((transactions.producer_ids.fresh()?, ProducerEpoch(0)));
    };
    if transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let fresh_producer_id = transactions.producer_ids.fresh()?;
    let command = |reply_to| {
        Command::InitProducerId(command::InitProducerId {
            reply_to,
            transactional_id: transactional_id.to_string(),
            timeout_ms: request.transaction_timeout_ms,
            expected: (expected.0 >= 0).then_some((ProducerId(expected.0), ProducerEpoch(expected.1))),
            fresh_producer_id,
            wait_for_abort: true,
        })
    };
    match transactions.ask(transactional_id, command).await? {
        Reply::InitProducerId { error: ErrorCode::None, producer_id, producer_epoch } => {
            Ok((producer_id, producer_epoch))
        }
        Reply::InitProducerId { error, .. } => Err(error),
        other => unreachable!("InitProducerId is answered by {other:?}"),
    }
}
