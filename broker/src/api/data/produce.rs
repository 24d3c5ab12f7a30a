//! Produce (0): appends record batches to partitions.

use std::sync::Arc;

use bytes::Bytes;
use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::TransactionVersion;
use forebay_storage::batch::{BatchError, BatchHeader, HEADER_SIZE};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId};
use forebay_storage::log::{AppendError, RejectedRecord};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use crate::api::call::{Call, Hangup, Outcome, Reply};
use crate::api::{convert, errors, throttle};
use crate::clock;
use crate::coordinator::is_internal;
use crate::coordinator::transactions::{Producer, Transactions};
use crate::metrics::Metrics;
use crate::partition::{Partition, Partitions};
use crate::quota::{Kind, Quotas};

/// How many of the refused records the sentence about them names, as in Kafka.
const RECORDS_IN_A_SENTENCE: usize = 3;

/// Why a partition's records were refused.
struct Refusal {
    error: ErrorCode,
    message: Option<String>,
    /// Numbers of the records at fault within the batch, with reasons (KIP-467).
    records: Vec<(i32, String)>,
    /// First offset of the log, where Kafka has come as far as to look at it.
    log_start_offset: Option<i64>,
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Refusal {
        Refusal { error, message: None, records: Vec::new(), log_start_offset: None }
    }
}

/// Where records went.
struct Appended {
    base_offset: i64,
    log_append_time: i64,
    log_start_offset: i64,
    records: u64,
    /// Where it must be committed up to which offset.
    committed: (Arc<Partition>, Offset),
}

/// What all partitions of one request have in common.
struct Request<'a> {
    version: i16,
    acks: i16,
    transactional_id: Option<&'a str>,
    transactions: &'a Transactions,
}

/// Answers when every partition's records are committed; with `acks=0` not at all, and an error ends the connection.
pub async fn handle(
    call: &Call,
    request: ProduceRequest,
    partitions: &Arc<Partitions>,
    transactions: &Arc<Transactions>,
    metrics: &Arc<Metrics>,
    quotas: &Arc<Quotas>,
) -> Outcome {
    let common = Request {
        version: call.version,
        acks: request.acks,
        transactional_id: request.transactional_id.as_ref().map(|id| id.as_str()),
        transactions,
    };
    let mut failure = None;
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let mut answers = Vec::with_capacity(topic.partition_data.len());
        for data in &topic.partition_data {
            let bytes = data.records.as_ref().map_or(0, Bytes::len);
            let outcome = append(&common, partitions, &call.client_id, &topic, data).await;
            match &outcome {
                Ok(appended) => {
                    metrics.produced_bytes.inc_by(bytes as u64);
                    metrics.produced_records.inc_by(appended.records);
                }
                Err(refusal) => failure = Some(refusal.error),
            }
            answers.push((data.index, outcome));
        }
        topics.push((topic.name, topic.topic_id, answers));
    }
    let mut responses = Vec::with_capacity(topics.len());
    for (name, topic_id, outcomes) in topics {
        let mut answers = Vec::with_capacity(outcomes.len());
        for (index, outcome) in outcomes {
            // Everything was appended before anything is waited for: one sync covers what lies in one log.
            let outcome = if request.acks == 0 { outcome } else { committed(outcome).await };
            answers.push(answer(call.version, index, outcome));
        }
        let response = TopicProduceResponse::default().with_partition_responses(answers);
        responses.push(if call.version >= 13 { response.with_topic_id(topic_id) } else { response.with_name(name) });
    }
    if quotas.is_active(Kind::Produce) {
        call.charge.hold_up(quotas.produced(call.client(), call.request_bytes, clock::now().0));
    }
    if request.acks != 0 {
        throttle::count_time(call, quotas);
    }
    Outcome(match (request.acks, failure) {
        (0, None) => Ok(Reply::Nothing),
        // Kafka: a producer that wants no answers is told of errors by the closing of its connection.
        (0, Some(error)) => Err(Hangup(format!("records sent with acks=0 were refused: {error}"))),
        _ => call.encode(
            &ProduceResponse::default().with_responses(responses).with_throttle_time_ms(call.throttle_time_ms()),
        ),
    })
}

/// The same outcome once what was appended is committed.
async fn committed(outcome: Result<Appended, Refusal>) -> Result<Appended, Refusal> {
    let appended = outcome?;
    let (partition, end) = &appended.committed;
    match partition.committed(*end).await {
        Ok(()) => Ok(appended),
        Err(lost) => {
            let error = ErrorCode::KafkaStorageError;
            Err(Refusal { message: Some(lost.to_string()), ..error.into() })
        }
    }
}

async fn append(
    request: &Request<'_>,
    partitions: &Partitions,
    client_id: &str,
    topic: &TopicProduceData,
    data: &PartitionProduceData,
) -> Result<Appended, Refusal> {
    if !(-1..=1).contains(&request.acks) {
        return Err(ErrorCode::InvalidRequiredAcks.into());
    }
    if request.version >= 13 && topic.topic_id.is_nil() {
        return Err(ErrorCode::UnknownTopicId.into());
    }
    let partition = convert::find(partitions, &topic.name, topic.topic_id, data.index)?;
    // Kafka: only its own admin tools may write to internal topics.
    if is_internal(&partition.name().topic) && client_id != "__admin_client" {
        return Err(ErrorCode::InvalidTopicException.into());
    }
    let records = data.records.clone().unwrap_or_default();
    let header = check_batch(request.version, &records)?;
    // Kafka: what is too short for another batch is dropped (UnifiedLog.trimInvalidBytes).
    let records = records.slice(..header.size_in_bytes());
    // min.insync.replicas: Kafka asks for no more replicas than a partition has (Partition.effectiveMinIsr): one, this one.
    let verified = verify(request, &partition, &header).await?;
    let outcome = partition.append(records, verified).map_err(|e| refusal(&partition, &e))?;
    Ok(Appended {
        base_offset: outcome.base_offset.0,
        log_append_time: outcome.log_append_time.0,
        log_start_offset: outcome.log_start_offset.0,
        records: (outcome.last_offset.0 - outcome.base_offset.0 + 1).unsigned_abs(),
        committed: (partition, Offset(outcome.last_offset.0 + 1)),
    })
}

/// Kafka: `ProduceRequest.validateRecords`: exactly one batch of format 2, and zstd not before version 7 (KIP-110).
fn check_batch(version: i16, records: &Bytes) -> Result<BatchHeader, Refusal> {
    // Kafka: what is wrong with a request as such is told without a sentence.
    if records.is_empty() {
        return Err(ErrorCode::InvalidRecord.into());
    }
    if records.len() < HEADER_SIZE {
        return Err(ErrorCode::InvalidRecord.into());
    }
    let header = BatchHeader::parse(records).map_err(|e| Refusal {
        message: match e {
            BatchError::UnsupportedMagic(magic) if magic > 2 => Some(format!("Invalid magic found in record: {magic}")),
            _ => None,
        },
        ..errors::of_batch(&e).into()
    })?;
    if header.size_in_bytes() > records.len() || holds_a_batch(&records[header.size_in_bytes()..]) {
        return Err(ErrorCode::InvalidRecord.into());
    }
    if header.compression().is_ok_and(|c| c == Compression::Zstd) && version < 7 {
        return Err(ErrorCode::UnsupportedCompressionType.into());
    }
    Ok(header)
}

/// Kafka: `ByteBufferLogInputStream`: a batch is there when its length, and as many bytes as that, are.
fn holds_a_batch(bytes: &[u8]) -> bool {
    let length = bytes.get(8..12).filter(|_| bytes.len() >= 17);
    let length = length.and_then(|l| l.try_into().ok()).map(i32::from_be_bytes);
    length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| bytes.len() >= length + 12))
}

/// Whether the partition is part of the transaction in which the batch stands (KIP-890); from version 12 on it is made so.
async fn verify(request: &Request<'_>, partition: &Arc<Partition>, header: &BatchHeader) -> Result<bool, Refusal> {
    if !header.is_transactional() {
        return Ok(false);
    }
    let Some(transactional_id) = request.transactional_id else {
        // Kafka: KafkaApis.handleProduceRequest; no id is an id for which nobody has a permission.
        return Err(ErrorCode::TransactionalIdAuthorizationFailed.into());
    };
    if partition.is_fenced(header.producer_id, header.producer_epoch) {
        return Err(ErrorCode::InvalidProducerEpoch.into());
    }
    if partition.has_open_transaction(header.producer_id, header.producer_epoch) {
        return Ok(true);
    }
    let producer = Producer {
        transactional_id,
        id: ProducerId(header.producer_id.0),
        epoch: ProducerEpoch(header.producer_epoch.0),
    };
    let outcome = if request.version >= 12 {
        request.transactions.add_partitions(producer, vec![partition.name().clone()], TransactionVersion::V2).await
    } else {
        request.transactions.verify(producer, partition.name())
    };
    outcome.map_err(|error| unverified(request.version, error))?;
    if request.version >= 12 && header.base_sequence.0 != 0 && !has_written(partition, header) {
        let log_start_offset = Some(partition.with_log(|log| log.log_start_offset().0));
        return Err(Refusal { log_start_offset, ..ErrorCode::OutOfOrderSequenceNumber.into() });
    }
    Ok(true)
}

/// Kafka: `ProducerAppendInfo.checkSequence`: with transactions v2 a producer without batches here begins at sequence 0.
fn has_written(partition: &Partition, header: &BatchHeader) -> bool {
    let producers = partition.with_log(|log| log.active_producers());
    producers.iter().any(|p| p.producer_id == header.producer_id && p.last_sequence.0 >= 0)
}

/// Kafka: `ReplicaManager.handleProduceAppend` has sentences for two kinds of refusals.
fn unverified(version: i16, error: ErrorCode) -> Refusal {
    let told = for_client(version, error);
    let message = match told {
        ErrorCode::InvalidTxnState => Some("Partition was not added to the transaction".to_owned()),
        ErrorCode::NotEnoughReplicas => {
            Some(format!("Unable to verify the partition has been added to the transaction. Underlying error: {error}"))
        }
        _ => None,
    };
    Refusal { message, ..told.into() }
}

/// Kafka: `ReplicaManager.handleProduceAppend` turns what the coordinator says into what producers understand.
fn for_client(version: i16, error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::CoordinatorNotAvailable | ErrorCode::CoordinatorLoadInProgress | ErrorCode::NotCoordinator => {
            ErrorCode::NotEnoughReplicas
        }
        // Producers that do not know CONCURRENT_TRANSACTIONS here retry on NOT_ENOUGH_REPLICAS (before KIP-890's version 12).
        ErrorCode::ConcurrentTransactions if version < 12 => ErrorCode::NotEnoughReplicas,
        ErrorCode::TransactionAbortable if version < 11 => ErrorCode::InvalidTxnState,
        other => other,
    }
}

/// What is wrong with each record, in Kafka's words.
fn sentences(partition: &Partition, rejected: Vec<RejectedRecord>) -> Vec<(i32, String)> {
    let name = partition.name();
    let sentence = |record: RejectedRecord| {
        let place = format!(" in topic partition {}-{}", name.topic, name.partition);
        (record.index, if record.is_out_of_time { record.reason } else { record.reason + &place })
    };
    rejected.into_iter().map(sentence).collect()
}

/// Kafka: ReplicaManager.appendToLocalLog; sentences are for records that were refused, and failures of a kind that any log may have
/// do not tell the log's start.
fn refusal(partition: &Partition, error: &AppendError) -> Refusal {
    let (code, rejected) = errors::of_append(error);
    let records = sentences(partition, rejected.told);
    let message = match error {
        AppendError::InvalidTimestamp { .. } => {
            Some("One or more records have been rejected due to invalid timestamp".to_owned())
        }
        AppendError::InvalidRecord { .. } if !records.is_empty() => {
            let first = records.iter().take(RECORDS_IN_A_SENTENCE);
            let list: Vec<String> =
                first.map(|(at, why)| format!("RecordError(batchIndex={at}, message='{why}')")).collect();
            Some(format!(
                "One or more records have been rejected due to {} record errors in total, and only showing the first \
                 three errors at most: [{}]",
                rejected.count,
                list.join(", ")
            ))
        }
        // Kafka says nothing here; whoever reads it wants to know whether the disk is full or broken.
        AppendError::Storage(error) => Some(error.to_string()),
        _ => None,
    };
    let untold = matches!(
        error,
        AppendError::MessageTooLarge(_)
            | AppendError::RecordListTooLarge(_)
            | AppendError::CorruptMessage(_)
            | AppendError::Storage(_)
    );
    let log_start_offset = (!untold).then(|| partition.with_log(|log| log.log_start_offset().0));
    Refusal { error: code, message, records, log_start_offset }
}

fn answer(version: i16, index: i32, outcome: Result<Appended, Refusal>) -> PartitionProduceResponse {
    let answer = PartitionProduceResponse::default().with_index(index);
    match outcome {
        Ok(appended) => {
            let answer =
                answer.with_base_offset(appended.base_offset).with_log_append_time_ms(appended.log_append_time);
            if version >= 5 { answer.with_log_start_offset(appended.log_start_offset) } else { answer }
        }
        Err(refusal) => {
            let answer = answer.with_error_code(refusal.error.code()).with_base_offset(-1).with_log_append_time_ms(-1);
            let answer = match refusal.log_start_offset {
                Some(start) if version >= 5 => answer.with_log_start_offset(start),
                _ => answer,
            };
            if version < 8 {
                return answer;
            }
            let records = refusal
                .records
                .into_iter()
                .map(|(number, reason)| {
                    BatchIndexAndErrorMessage::default()
                        .with_batch_index(number)
                        .with_batch_index_error_message(Some(convert::text(&reason)))
                })
                .collect();
            answer.with_record_errors(records).with_error_message(refusal.message.as_deref().map(convert::text))
        }
    }
}
