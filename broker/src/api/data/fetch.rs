//! Fetch (1): records of partitions, at once or as soon as there are enough of them.
//!
//! What goes out are regions of the logs' files, or slices of them. Waiting is woken by the partitions, never by polling.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::compress::Compression;
use forebay_storage::ids::{LeaderEpoch, Offset, TopicId};
use kafka_protocol::messages::FetchRequest;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::api::call::{Call, Outcome, Reply};
use crate::api::fetch_codec::{Aborted, EpochEnd, FetchAnswer, PartitionAnswer, TopicAnswer, encode_fetch_response};
use crate::api::fetch_session::{
    FetchKey, FetchSessions, PartitionOutcome, PartitionRequest, SessionContext, SessionRequest, TopicRef,
};
use crate::api::piece::Piece;
use crate::api::{convert, errors, throttle};
use crate::clock;
use crate::metrics::Metrics;
use crate::partition::{Isolation, Partition, PartitionRead, Partitions};
use crate::quota::{Kind, Quotas};

/// First version that names topics by id (KIP-516).
const TOPIC_IDS_FROM: i16 = 13;
/// First version whose clients know zstd (KIP-110).
const ZSTD_FROM: i16 = 10;

/// What a request wants, freed from its version.
struct Wanted {
    isolation: Isolation,
    /// Whether the client knows zstd (KIP-110).
    takes_zstd: bool,
    min_bytes: usize,
    max_bytes: usize,
}

/// Answers when there are `min_bytes`, an error, or `max_wait_ms` have passed. Two promises to `connection::request`: it waits without the
/// request, and may be dropped wherever it waits, as it changes nothing before it has waited but the session's epoch.
pub async fn handle(
    call: &Call,
    request: FetchRequest,
    partitions: &Arc<Partitions>,
    sessions: &Arc<Mutex<FetchSessions>>,
    stop: &watch::Receiver<bool>,
    metrics: &Arc<Metrics>,
    quotas: &Arc<Quotas>,
) -> Outcome {
    if !(0..=1).contains(&request.isolation_level) {
        return encode(call, &refused_all(call.version, &request));
    }
    let begun = {
        let (metadata, keys, forgotten) = session_request(call.version, &request, partitions);
        let mut sessions = sessions.lock();
        if metadata.uses_topic_ids {
            sessions.resolve(metadata.session_id, |id| partitions.topic_by_id(id));
        }
        sessions.begin(metadata, keys, &forgotten, clock::now())
    };
    let context = match begun {
        Ok(context) => context,
        Err(error) => return encode(call, &FetchAnswer::refused(error)),
    };
    let wanted = Wanted {
        isolation: if request.isolation_level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted },
        takes_zstd: call.version >= ZSTD_FROM,
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        max_bytes: usize::try_from(request.max_bytes).unwrap_or(0).min(quotas.most_fetched_at_once(call.client())),
    };
    let max_wait_ms = i64::from(request.max_wait_ms);
    // What it came in is free while it waits (`connection`).
    drop(request);
    let found = wait_for(&wanted, max_wait_ms, partitions, &context, stop.clone()).await;
    if let Some(held_up) = hold_up(call, quotas, &context, &found) {
        return encode(call, &held_up);
    }
    let answer = assemble(call.version, context, found, sessions);
    let fetched: usize = answer.topics.iter().flat_map(|t| &t.partitions).map(PartitionAnswer::records_len).sum();
    metrics.fetched_bytes.inc_by(fetched as u64);
    encode(call, &answer)
}

/// The answer to a client that exceeds its quota: nothing, and its session stays as it was (Kafka: FetchContext.getThrottledResponse).
fn hold_up(call: &Call, quotas: &Quotas, context: &SessionContext, found: &[Found]) -> Option<FetchAnswer> {
    throttle::count_time(call, quotas);
    if quotas.is_active(Kind::Fetch) {
        let (bytes, now_ms) = (bytes_of(context, found), clock::now().0);
        let throttled_ms = quotas.fetched(call.client(), bytes, now_ms);
        if throttled_ms == 0 && call.charge.throttle_ms() > 0 {
            quotas.take_back_fetched(call.client(), bytes, now_ms);
        }
        call.charge.hold_up(throttled_ms);
    }
    let throttle_ms = call.throttle_time_ms();
    let session_id = context.session_id();
    (throttle_ms > 0).then(|| FetchAnswer { throttle_ms, session_id, ..FetchAnswer::refused(ErrorCode::None) })
}

/// About the size of the answer, in bytes: the records, and what stands around them.
fn bytes_of(context: &SessionContext, found: &[Found]) -> usize {
    const PARTITION: usize = 48;
    let has_news = |f: &&Found| !f.answer.records.is_empty() || !f.answer.error.is_ok();
    let told = found.iter().filter(|f| !context.is_incremental() || has_news(f));
    told.map(|f| PARTITION + f.answer.records_len()).sum()
}

/// Kafka: IsolationLevel.forId throws what is no error of the protocol; before version 13 each partition says so as well.
fn refused_all(version: i16, request: &FetchRequest) -> FetchAnswer {
    let error = ErrorCode::UnknownServerError;
    let topics = request.topics.iter().filter(|_| version < TOPIC_IDS_FROM).map(|topic| TopicAnswer {
        name: topic.topic.as_str().into(),
        id: TopicId(topic.topic_id),
        partitions: topic.partitions.iter().map(|p| not_read(p.partition, error)).collect(),
    });
    FetchAnswer { topics: topics.collect(), session_id: request.session_id, ..FetchAnswer::refused(error) }
}

/// Kafka: FetchResponse.partitionResponse has an empty list of aborted transactions where a log has none; what only the log layer finds
/// has no list.
fn not_read(partition: i32, error: ErrorCode) -> PartitionAnswer {
    if error == ErrorCode::InconsistentTopicId {
        return gone(partition, error);
    }
    PartitionAnswer { aborted_transactions: Some(Vec::new()), ..PartitionAnswer::refused(partition, error) }
}

fn encode(call: &Call, answer: &FetchAnswer) -> Outcome {
    Outcome(Ok(Reply::Pieces(encode_fetch_response(call.version, call.correlation_id, answer))))
}

fn session_request(
    version: i16,
    request: &FetchRequest,
    partitions: &Partitions,
) -> (SessionRequest, Vec<(FetchKey, PartitionRequest)>, Vec<FetchKey>) {
    let by_id = version >= TOPIC_IDS_FROM;
    let topic_ref = |name: &str, id| match TopicId(id) {
        id if by_id => TopicRef::Id { id, name: partitions.topic_by_id(id) },
        _ => TopicRef::Name(name.into()),
    };
    let mut keys = Vec::new();
    for topic in &request.topics {
        let topic_ref = topic_ref(&topic.topic, topic.topic_id);
        for p in &topic.partitions {
            let key = FetchKey { topic: topic_ref.clone(), partition: p.partition };
            let wanted = PartitionRequest {
                fetch_offset: Offset(p.fetch_offset),
                max_bytes: p.partition_max_bytes,
                current_leader_epoch: LeaderEpoch(p.current_leader_epoch),
                last_fetched_epoch: LeaderEpoch(p.last_fetched_epoch),
                log_start_offset: Offset(p.log_start_offset),
            };
            keys.push((key, wanted));
        }
    }
    let mut forgotten = Vec::new();
    for topic in &request.forgotten_topics_data {
        let topic_ref = topic_ref(&topic.topic, topic.topic_id);
        let key = |p: &i32| FetchKey { topic: topic_ref.clone(), partition: *p };
        forgotten.extend(topic.partitions.iter().map(key));
    }
    let metadata = SessionRequest {
        session_id: if version >= 7 { request.session_id } else { 0 },
        epoch: if version >= 7 { request.session_epoch } else { -1 },
        uses_topic_ids: by_id,
        privileged: request.replica_id.0 >= 0 || request.replica_state.replica_id.0 >= 0,
    };
    (metadata, keys, forgotten)
}

/// One partition's answer, and the topic's name and id for it.
struct Found {
    name: Arc<str>,
    id: TopicId,
    answer: PartitionAnswer,
}

/// Reads until there is enough to answer with.
async fn wait_for(
    wanted: &Wanted,
    max_wait_ms: i64,
    partitions: &Partitions,
    context: &SessionContext,
    mut stop: watch::Receiver<bool>,
) -> Vec<Found> {
    let (found, enough) = read_all(wanted, partitions, context, not_read);
    if enough || max_wait_ms <= 0 || context.partitions().is_empty() || *stop.borrow() {
        return found;
    }
    let deadline = clock::deadline(max_wait_ms);
    let woken = Arc::new(Notify::new());
    let waker = woken.clone();
    let wake: crate::partition::Wake = Arc::new(move || waker.notify_one());
    let _watches: Vec<_> = context
        .partitions()
        .iter()
        .filter_map(|(key, _)| find(partitions, key).ok())
        .map(|partition| partition.watch(wake.clone()))
        .collect();
    loop {
        // Read again after the watches stand: what was appended between the two is found now.
        let (found, enough) = read_all(wanted, partitions, context, gone);
        if enough {
            return found;
        }
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep_until(deadline) => return read_all(wanted, partitions, context, gone).0,
            _ = stop.changed() => return found,
        }
    }
}

/// Kafka: what is deleted while a fetch waits for it is found missing in the log layer (`ReplicaManager.readFromLog`).
fn gone(partition: i32, error: ErrorCode) -> PartitionAnswer {
    PartitionAnswer::refused(partition, error)
}

/// Reads every partition once, within the limits of the whole answer; `missing` answers for what is not there. The flag says whether
/// the answer may go.
fn read_all(
    wanted: &Wanted,
    partitions: &Partitions,
    context: &SessionContext,
    missing: fn(i32, ErrorCode) -> PartitionAnswer,
) -> (Vec<Found>, bool) {
    let mut left = wanted.max_bytes;
    let mut bytes = 0;
    let mut failed = false;
    let mut all = Vec::with_capacity(context.partitions().len());
    for (key, request) in context.partitions() {
        let max = usize::try_from(request.max_bytes).unwrap_or(0).min(left);
        // KIP-74: the first partition with records gives at least one batch, so that a reader cannot get stuck.
        let found = match find(partitions, key) {
            Ok(partition) => read(wanted, &partition, key, request, max, bytes == 0),
            Err(error) => {
                let (name, id) = match &key.topic {
                    TopicRef::Name(name) => (name.clone(), TopicId::ZERO),
                    TopicRef::Id { id, .. } => ("".into(), *id),
                };
                Found { name, id, answer: missing(key.partition, error) }
            }
        };
        failed |= !found.answer.error.is_ok() || found.answer.diverging_epoch.is_some();
        let length = found.answer.records_len();
        bytes += length;
        left = left.saturating_sub(length);
        all.push(found);
    }
    (all, failed || bytes >= wanted.min_bytes.min(wanted.max_bytes))
}

/// Kafka's log layer knows topics by name: a session goes on asking for the name that it knows, and is told when that is another topic's
/// (KafkaApis.handleFetchRequest, ReplicaManager.readFromLog).
fn find(partitions: &Partitions, key: &FetchKey) -> Result<Arc<Partition>, ErrorCode> {
    match &key.topic {
        TopicRef::Name(name) => convert::get(partitions, name, key.partition),
        TopicRef::Id { name: None, .. } => Err(ErrorCode::UnknownTopicId),
        TopicRef::Id { id, name: Some(name) } => {
            let partition = convert::get(partitions, name, key.partition)?;
            if partition.topic_id() == *id { Ok(partition) } else { Err(ErrorCode::InconsistentTopicId) }
        }
    }
}

fn read(
    wanted: &Wanted,
    partition: &Partition,
    key: &FetchKey,
    request: &PartitionRequest,
    max_bytes: usize,
    min_one_batch: bool,
) -> Found {
    let answer = read_partition(wanted, partition, key.partition, request, max_bytes, min_one_batch);
    Found { name: partition.name().topic.clone(), id: partition.topic_id(), answer }
}

fn read_partition(
    wanted: &Wanted,
    partition: &Partition,
    number: i32,
    request: &PartitionRequest,
    max_bytes: usize,
    min_one_batch: bool,
) -> PartitionAnswer {
    if let Err(error) = convert::check_leader_epoch(partition, request.current_leader_epoch.0) {
        return PartitionAnswer::refused(number, error);
    }
    // Kafka: KafkaApis.handleFetchRequest looks at the topic's config, not into the batches.
    if !wanted.takes_zstd && partition.with_log(|log| log.config().compression == Some(Compression::Zstd)) {
        return PartitionAnswer::refused(number, ErrorCode::UnsupportedCompressionType);
    }
    match diverging(partition, request) {
        Err(error) => PartitionAnswer::refused(number, error),
        // Nothing is read: the offset may be one that we do not have.
        Ok(Some(diverging)) => answer_diverging(partition, number, diverging),
        Ok(None) => match partition.read_to_send(request.fetch_offset, max_bytes, wanted.isolation, min_one_batch) {
            Err(error) => PartitionAnswer::refused(number, errors::of_read(&error)),
            Ok(read) => answer_records(number, read),
        },
    }
}

fn answer_records(number: i32, read: PartitionRead) -> PartitionAnswer {
    PartitionAnswer {
        error: ErrorCode::None,
        high_watermark: read.high_watermark,
        last_stable_offset: read.last_stable_offset,
        log_start_offset: read.log_start_offset,
        aborted_transactions: read.aborted.map(|list| {
            list.iter().map(|a| Aborted { producer_id: a.producer_id, first_offset: a.first_offset }).collect()
        }),
        records: if read.records.is_empty() { Vec::new() } else { vec![Piece::of_log(read.records, read.region)] },
        ..PartitionAnswer::refused(number, ErrorCode::None)
    }
}

fn answer_diverging(partition: &Partition, number: i32, diverging: EpochEnd) -> PartitionAnswer {
    let (log_start_offset, last_stable_offset, high_watermark) = partition.offsets();
    PartitionAnswer {
        error: ErrorCode::None,
        high_watermark,
        last_stable_offset,
        log_start_offset,
        diverging_epoch: Some(diverging),
        ..PartitionAnswer::refused(number, ErrorCode::None)
    }
}

/// Where the reader's log and ours part, if they do (Kafka: `Partition.readRecords`, KIP-595).
/// An epoch that we know nothing of is OFFSET_OUT_OF_RANGE.
fn diverging(partition: &Partition, request: &PartitionRequest) -> Result<Option<EpochEnd>, ErrorCode> {
    if request.last_fetched_epoch.0 < 0 {
        return Ok(None);
    }
    let (epoch, end_offset) = partition.with_log(|log| log.epoch_end_offset(request.last_fetched_epoch));
    if epoch.0 < 0 || end_offset.0 < 0 {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    // Below the start the reader must begin anew, whatever its epochs say.
    if request.fetch_offset < partition.offsets().0 {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let parts = epoch < request.last_fetched_epoch || end_offset < request.fetch_offset;
    Ok(parts.then_some(EpochEnd { epoch, end_offset }))
}

/// Puts into the answer what the session says belongs there, by topic.
fn assemble(version: i16, context: SessionContext, found: Vec<Found>, sessions: &Mutex<FetchSessions>) -> FetchAnswer {
    let outcomes: Vec<PartitionOutcome> = found
        .iter()
        .map(|f| PartitionOutcome {
            error: f.answer.error,
            high_watermark: f.answer.high_watermark,
            log_start_offset: f.answer.log_start_offset,
            has_records: !f.answer.records.is_empty(),
            redirects: f.answer.diverging_epoch.is_some(),
        })
        .collect();
    let random = uuid::Uuid::new_v4().as_u128() as u32;
    let finished = sessions.lock().finish(context, &outcomes, clock::now(), random);
    if !finished.error.is_ok() {
        return FetchAnswer { session_id: finished.session_id, ..FetchAnswer::refused(finished.error) };
    }
    let mut included = finished.included.into_iter().peekable();
    let mut topics: Vec<TopicAnswer> = Vec::new();
    for (index, found) in found.into_iter().enumerate() {
        if included.next_if_eq(&index).is_none() {
            continue;
        }
        let same = |t: &TopicAnswer| if version >= TOPIC_IDS_FROM { t.id == found.id } else { t.name == found.name };
        match topics.last_mut().filter(|t| same(t)) {
            Some(topic) => topic.partitions.push(found.answer),
            None => topics.push(TopicAnswer { name: found.name, id: found.id, partitions: vec![found.answer] }),
        }
    }
    FetchAnswer {
        throttle_ms: 0,
        error: ErrorCode::None,
        session_id: finished.session_id,
        topics,
        node_endpoints: Vec::new(),
    }
}
