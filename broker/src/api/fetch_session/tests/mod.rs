//! What Kafka's `FetchSessionTest` expects, rule by rule.

mod epochs;
mod eviction;
mod selection;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp(1_000_000);
/// The random number that new sessions get; the first one has it as its id.
const RANDOM: u32 = 77;

fn key(topic: &str, partition: i32) -> FetchKey {
    FetchKey { topic: TopicRef::Name(topic.into()), partition }
}

/// A request for `topic`-`partition` from `offset` on.
fn wanted(topic: &str, partition: i32, offset: i64) -> (FetchKey, PartitionRequest) {
    let request = PartitionRequest {
        fetch_offset: Offset(offset),
        max_bytes: 100,
        current_leader_epoch: LeaderEpoch::UNKNOWN,
        last_fetched_epoch: LeaderEpoch::UNKNOWN,
        log_start_offset: Offset(-1),
    };
    (key(topic, partition), request)
}

fn request(session_id: i32, epoch: i32) -> SessionRequest {
    SessionRequest { session_id, epoch, uses_topic_ids: false, privileged: false }
}

/// An outcome without records.
fn quiet(high_watermark: i64) -> PartitionOutcome {
    PartitionOutcome {
        error: ErrorCode::None,
        high_watermark: Offset(high_watermark),
        log_start_offset: Offset(0),
        has_records: false,
        redirects: false,
    }
}

fn with_records(high_watermark: i64) -> PartitionOutcome {
    PartitionOutcome { has_records: true, ..quiet(high_watermark) }
}

fn failed(error: ErrorCode) -> PartitionOutcome {
    PartitionOutcome {
        error,
        high_watermark: Offset(-1),
        log_start_offset: Offset(-1),
        has_records: false,
        redirects: false,
    }
}

/// Opens a session for these partitions, each with its outcome.
fn open(sessions: &mut FetchSessions, partitions: &[((FetchKey, PartitionRequest), PartitionOutcome)]) -> i32 {
    let (requests, outcomes): (Vec<_>, Vec<_>) = partitions.iter().cloned().unzip();
    let context = sessions.begin(request(NO_SESSION, INITIAL_EPOCH), requests, &[], NOW).unwrap();
    let finished = sessions.finish(context, &outcomes, NOW, RANDOM);
    assert_eq!(finished.error, ErrorCode::None);
    assert_eq!(finished.included.len(), partitions.len(), "a full answer holds every partition");
    finished.session_id
}

fn keys(context: &SessionContext) -> Vec<FetchKey> {
    context.partitions().iter().map(|(key, _)| key.clone()).collect()
}
