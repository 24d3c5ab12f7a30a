//! TxnOffsetCommit (28): a group's new positions, valid when the producer's transaction commits (KIP-98, KIP-447, KIP-890).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{CommitTransactionalOffsets, GroupCommand, OffsetToCommit};
use forebay_control::transaction::TransactionVersion;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicPartition};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::api::groups::offset_commit::{Outcomes, results};
use crate::coordinator::OFFSETS_TOPIC;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::transactions::{Producer, Transactions};

/// Version 5 makes the group's partition part of the transaction by itself; before, AddOffsetsToTxn must have done so.
pub async fn handle(
    call: &Call,
    request: TxnOffsetCommitRequest,
    transactions: &Arc<Transactions>,
    groups: &Arc<Groups>,
    metadata: &Arc<Metadata>,
) -> TxnOffsetCommitResponse {
    let offsets = known_offsets(&request, metadata);
    let reply = if offsets.is_empty() {
        Ok(Vec::new())
    } else if request.group_id.is_empty() {
        // Kafka: before the group's partition becomes part of the transaction.
        Err(ErrorCode::InvalidGroupId)
    } else {
        let commit = |reply_to| {
            GroupCommand::CommitTransactionalOffsets(CommitTransactionalOffsets {
                reply_to,
                group_id: request.group_id.as_str().into(),
                producer_id: ProducerId(request.producer_id.0),
                producer_epoch: ProducerEpoch(request.producer_epoch),
                generation: request.generation_id,
                member_id: request.member_id.as_str().into(),
                instance_id: request.group_instance_id.as_ref().map(|i| i.as_str().into()),
                offsets,
            })
        };
        match enlist(call, &request, transactions, groups).await {
            Ok(()) => results(groups.ask(&request.group_id, commit).await),
            Err(error) => Err(error),
        }
        .map_err(|error| for_client(call.version, error))
    };
    let mut outcomes = Outcomes::new(reply);
    let topics = request
        .topics
        .iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|p| {
                    TxnOffsetCommitResponsePartition::default()
                        .with_partition_index(p.partition_index)
                        .with_error_code(outcomes.next(&topic.name, p.partition_index, metadata).code())
                })
                .collect();
            TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions)
        })
        .collect();
    TxnOffsetCommitResponse::default().with_topics(topics)
}

fn known_offsets(request: &TxnOffsetCommitRequest, metadata: &Metadata) -> Vec<OffsetToCommit> {
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for p in &topic.partitions {
            let partition = convert::partition_name(&topic.name, p.partition_index);
            let Some(topic_id) = metadata.topic_id_of(&partition) else { continue };
            offsets.push(OffsetToCommit {
                partition,
                topic_id,
                offset: Offset(p.committed_offset),
                leader_epoch: LeaderEpoch(p.committed_leader_epoch),
                metadata: p.committed_metadata.as_ref().map(|m| m.as_str().into()),
            });
        }
    }
    offsets
}

/// The group's partition must be part of the producer's transaction before anything is written there.
async fn enlist(
    call: &Call,
    request: &TxnOffsetCommitRequest,
    transactions: &Transactions,
    groups: &Groups,
) -> Result<(), ErrorCode> {
    let producer = Producer {
        transactional_id: &request.transactional_id,
        id: ProducerId(request.producer_id.0),
        epoch: ProducerEpoch(request.producer_epoch),
    };
    let partition = TopicPartition::new(OFFSETS_TOPIC, groups.partition_of(&request.group_id)?);
    if groups.shard(&request.group_id)?.partition().has_open_transaction(producer.id, producer.epoch) {
        return Ok(());
    }
    if call.version >= 5 {
        transactions.add_partitions(producer, vec![partition], TransactionVersion::V2).await
    } else {
        transactions.verify(producer, &partition)
    }
}

/// Kafka: `TxnOffsetCommitRequest` clients know fewer errors than the coordinator has.
fn for_client(version: i16, error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::TransactionAbortable if version < 4 => ErrorCode::InvalidTxnState,
        other => other,
    }
}
