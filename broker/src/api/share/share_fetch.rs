//! ShareFetch (78): a member of a share group gets records of its own, and may acknowledge earlier ones by the way (Kafka:
//! KafkaApis.handleShareFetchRequest).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::{AcknowledgementBatch, AcquireMode};
use kafka_protocol::messages::share_fetch_response::{AcquiredRecords, PartitionData, ShareFetchableTopicResponse};
use kafka_protocol::messages::{ShareFetchRequest, ShareFetchResponse};
use tokio::sync::watch;

use super::acknowledgements::{Acknowledgements, Outcomes, member, partition_id};
use super::wire::share_fetch::ShareFetch;
use crate::api::call::{Call, Outcome};
use crate::api::throttle;
use crate::clock;
use crate::metrics::Metrics;
use crate::partition::Partitions;
use crate::quota::{Kind, Quotas};
use crate::share::sessions::{Context, FINAL_EPOCH, PartitionId, ShareSessionKey};
use crate::share::{Fetched, ShareFetch as Wanted, ShareGroups};

/// The version that answers have in every version.
const ENCODED: i16 = 1;

type Answers = Vec<(PartitionId, Result<Fetched, ErrorCode>)>;

/// Answers when there are records, or their time is over, and the acknowledgements are durable. Two promises to `connection::request`: it
/// waits without the request, and may be dropped wherever it waits. Acknowledgements go on by themselves then, and what the member has
/// acquired comes back when its connection ends (`ShareGroups::disconnected`), as what its session leaves does.
pub async fn handle(
    call: &Call,
    request: ShareFetch,
    groups: &Arc<ShareGroups>,
    partitions: &Arc<Partitions>,
    stop: &watch::Receiver<bool>,
    metrics: &Arc<Metrics>,
    quotas: &Arc<Quotas>,
) -> Outcome {
    let most_bytes = quotas.most_fetched_at_once(call.client());
    let max_wait_ms = i64::from(request.request.max_wait_ms);
    let response = match fetch(call, request, groups, partitions, most_bytes, stop).await {
        Ok(response) => response,
        Err(error) => {
            if error == ErrorCode::ShareSessionLimitReached {
                // So that who is turned away does not ask again at once.
                wait(max_wait_ms, stop).await;
            }
            ShareFetchResponse::default().with_error_code(error.code())
        }
    };
    let records = response.responses.iter().flat_map(|topic| &topic.partitions);
    let bytes: usize = records.map(|partition| partition.records.as_ref().map_or(0, |records| records.len())).sum();
    metrics.fetched_bytes.inc_by(bytes as u64);
    hold_up(call, quotas, bytes);
    let response = response.with_throttle_time_ms(call.throttle_time_ms());
    let call = Call { version: ENCODED, ..call.clone() };
    Outcome(call.encode(&response))
}

/// Holds up who exceeds its quota. The records go all the same: they are the member's now, and nobody else's until its locks end. (Kafka
/// keeps them back, and they are not delivered for that long.)
fn hold_up(call: &Call, quotas: &Quotas, bytes: usize) {
    throttle::count_time(call, quotas);
    if quotas.is_active(Kind::Fetch) {
        call.charge.hold_up(quotas.sent(call.client(), bytes, clock::now().0));
    }
}

async fn wait(ms: i64, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    tokio::select! {
        () = tokio::time::sleep_until(clock::deadline(ms)) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn fetch(
    call: &Call,
    wire: ShareFetch,
    groups: &Arc<ShareGroups>,
    partitions: &Arc<Partitions>,
    most_bytes: usize,
    stop: &watch::Receiver<bool>,
) -> Result<ShareFetchResponse, ErrorCode> {
    if !groups.are_on() {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let ShareFetch { request, acquire_mode, is_renew_ack: renews } = wire;
    let member = member(request.group_id.as_deref().map(|id| &**id), request.member_id.as_deref())?;
    if renews && (request.max_bytes, request.min_bytes, request.max_records, request.max_wait_ms) != (0, 0, 0, 0) {
        return Err(ErrorCode::InvalidRequest);
    }
    let acknowledged = acknowledgements(&request);
    let has_acknowledgements = acknowledged.iter().any(|(_, batches)| !batches.is_empty());
    let epoch = request.share_session_epoch;
    let context = {
        let is_known = |id: PartitionId| (id, partitions.topic_by_id(id.0).is_some());
        let named: Vec<_> = acknowledged.iter().map(|(id, _)| is_known(*id)).collect();
        let connection = (call.peer, call.listener.local);
        let mut sessions = groups.sessions.lock();
        // Who turns share groups off ends all sessions after that; none begins behind its back.
        if !groups.are_on() {
            return Err(ErrorCode::UnsupportedVersion);
        }
        sessions.begin(&member, epoch, &named, &forgotten(&request), has_acknowledgements, connection)?
    };
    let acknowledging = has_acknowledgements.then(|| {
        let acknowledgements = Acknowledgements {
            member: member.clone(),
            partitions: acknowledged,
            knows_renewals: call.version >= 2,
            is_renew_ack: renews,
        };
        acknowledgements.begin(groups, partitions)
    });
    // Kafka looks at it when the request counts already, and answers what is no error of the protocol.
    let mode = match acquire_mode {
        0 => AcquireMode::BatchOptimized,
        1 => AcquireMode::RecordLimit,
        _ => return Err(ErrorCode::UnknownServerError),
    };
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(most_bytes);
    let wanted = Wanted {
        group_id: member.group_id.clone(),
        member_id: member.member_id.clone(),
        mode,
        batch_size: request.batch_size,
        max_records: request.max_records,
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0).min(max_bytes),
        max_bytes,
        max_wait_ms: i64::from(request.max_wait_ms),
        partitions: Vec::new(),
    };
    // What it came in is free while it waits (`connection`).
    drop(request);
    let (of_session, is_subsequent) = match context {
        Context::Final => (Vec::new(), false),
        Context::Fetch { partitions, is_subsequent } => (partitions, is_subsequent),
    };
    let fetching = async {
        if renews { Answers::new() } else { records(wanted, epoch, of_session, groups, partitions, stop).await }
    };
    let acknowledging = async {
        match acknowledging {
            Some(acknowledging) => acknowledging.await,
            None => Outcomes::new(),
        }
    };
    let (mut answers, outcomes) = tokio::join!(fetching, acknowledging);
    if is_subsequent {
        answers = news(groups, &member, epoch, answers)?;
    }
    if epoch == FINAL_EPOCH {
        drop(groups.release_session(&member));
    }
    let lock_duration_ms = groups.limits(&member.group_id).partition.record_lock_duration_ms;
    Ok(respond(answers, outcomes).with_acquisition_lock_timeout_ms(lock_duration_ms))
}

fn acknowledgements(request: &ShareFetchRequest) -> Vec<(PartitionId, Vec<AcknowledgementBatch>)> {
    let mut partitions = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let batches = partition.acknowledgement_batches.iter().map(|batch| AcknowledgementBatch {
                first_offset: batch.first_offset,
                last_offset: batch.last_offset,
                types: batch.acknowledge_types.clone(),
            });
            partitions.push((partition_id(topic.topic_id, partition.partition_index), batches.collect()));
        }
    }
    partitions
}

fn forgotten(request: &ShareFetchRequest) -> Vec<PartitionId> {
    let of_topic = |topic: &kafka_protocol::messages::share_fetch_request::ForgottenTopic| {
        let topic_id = topic.topic_id;
        topic.partitions.clone().into_iter().map(move |partition| partition_id(topic_id, partition))
    };
    request.forgotten_topics_data.iter().flat_map(of_topic).collect()
}

/// Fetches of the session's partitions; what does not exist is answered with its error.
async fn records(
    mut wanted: Wanted,
    epoch: i32,
    of_session: Vec<(PartitionId, bool)>,
    groups: &Arc<ShareGroups>,
    partitions: &Arc<Partitions>,
    stop: &watch::Receiver<bool>,
) -> Answers {
    let mut failed = Answers::new();
    for (id, is_known) in of_session {
        let exists = partitions.topic_by_id(id.0).is_some_and(|topic| partitions.exists(&topic, id.1));
        match (is_known, exists) {
            (false, _) => failed.push((id, Err(ErrorCode::UnknownTopicId))),
            (true, false) => failed.push((id, Err(ErrorCode::UnknownTopicOrPartition))),
            (true, true) => wanted.partitions.push(id),
        }
    }
    rotate(&mut wanted.partitions, epoch);
    failed.extend(groups.fetch(&wanted, stop.clone()).await);
    failed
}

/// Another partition first each time, so that each has its turn (Kafka: PartitionRotateStrategy).
fn rotate(partitions: &mut [PartitionId], epoch: i32) {
    let Ok(epoch) = usize::try_from(epoch) else { return };
    if !partitions.is_empty() {
        partitions.rotate_left(epoch % partitions.len());
    }
}

fn news(groups: &ShareGroups, member: &ShareSessionKey, epoch: i32, answers: Answers) -> Result<Answers, ErrorCode> {
    let flags = |(id, answer): &(PartitionId, Result<Fetched, ErrorCode>)| {
        (*id, answer.as_ref().is_ok_and(|fetched| !fetched.records.is_empty()), answer.is_err())
    };
    let flags: Vec<_> = answers.iter().map(flags).collect();
    let are_news = groups.sessions.lock().news(member, epoch, &flags)?;
    Ok(answers.into_iter().zip(are_news).filter(|(_, is_news)| *is_news).map(|(answer, _)| answer).collect())
}

/// Kafka puts no message beside an error of a partition, and the outcome of its acknowledgements where its records are.
fn respond(answers: Answers, mut outcomes: Outcomes) -> ShareFetchResponse {
    let mut topics: Vec<ShareFetchableTopicResponse> = Vec::new();
    let mut all: Vec<(PartitionId, PartitionData)> = Vec::with_capacity(answers.len());
    for (id, answer) in answers {
        let data = PartitionData::default().with_partition_index(id.1);
        let data = match answer {
            Ok(fetched) => data
                .with_records(Some(fetched.records))
                .with_acquired_records(fetched.acquired.iter().map(acquired).collect()),
            Err(error) => data.with_error_code(error.code()).with_records(Some(bytes::Bytes::new())),
        };
        let (error, message) = outcomes.remove(&id).unwrap_or((ErrorCode::None, None));
        all.push((id, data.with_acknowledge_error_code(error.code()).with_acknowledge_error_message(message)));
    }
    for (id, (error, message)) in outcomes {
        let data = PartitionData::default()
            .with_partition_index(id.1)
            .with_records(Some(bytes::Bytes::new()))
            .with_acknowledge_error_code(error.code())
            .with_acknowledge_error_message(message);
        all.push((id, data));
    }
    for ((topic_id, _), data) in all {
        match topics.iter_mut().rfind(|topic| topic.topic_id == topic_id.0) {
            Some(topic) => topic.partitions.push(data),
            None => topics
                .push(ShareFetchableTopicResponse::default().with_topic_id(topic_id.0).with_partitions(vec![data])),
        }
    }
    ShareFetchResponse::default().with_responses(topics)
}

fn acquired(records: &forebay_control::share::partition::AcquiredRecords) -> AcquiredRecords {
    AcquiredRecords::default()
        .with_first_offset(records.first_offset)
        .with_last_offset(records.last_offset)
        .with_delivery_count(records.delivery_count)
}
