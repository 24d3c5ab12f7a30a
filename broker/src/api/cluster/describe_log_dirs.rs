//! DescribeLogDirs (35): the data folders, how full they are, and the logs in them (KIP-113, KIP-827).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

use crate::api::call::Call;
use crate::api::{convert, errors};
use crate::partition::{DirHealth, LogInDir, Partitions};

/// "Not known", where bytes of a disk are told (Kafka: DescribeLogDirsResponse.UNKNOWN_VOLUME_BYTES).
const UNKNOWN_BYTES: i64 = -1;

/// Answers for every folder, with the logs of all topics or of those that are named (Kafka: ReplicaManager.describeLogDirs).
pub async fn handle(
    call: &Call,
    request: DescribeLogDirsRequest,
    partitions: &Arc<Partitions>,
) -> DescribeLogDirsResponse {
    let wanted: Option<BTreeSet<(String, i32)>> = request
        .topics
        .as_ref()
        .map(|topics| topics.iter().flat_map(|t| t.partitions.iter().map(|p| (t.topic.to_string(), *p))).collect());
    let is_wanted = |log: &LogInDir| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&(log.name.topic.to_string(), log.name.partition)))
    };
    let version = call.version;
    let results = partitions.dirs().map(|dir| describe(version, partitions, dir, &is_wanted)).collect();
    DescribeLogDirsResponse::default().with_results(results)
}

fn describe(
    version: i16,
    partitions: &Partitions,
    dir: &Arc<DirHealth>,
    is_wanted: &impl Fn(&LogInDir) -> bool,
) -> DescribeLogDirsResult {
    let path = std::path::absolute(dir.path()).unwrap_or_else(|_| dir.path().to_owned());
    let result = DescribeLogDirsResult::default().with_log_dir(convert::text(&path.to_string_lossy()));
    let result =
        if version >= 4 { result.with_total_bytes(UNKNOWN_BYTES).with_usable_bytes(UNKNOWN_BYTES) } else { result };
    if dir.is_offline() {
        return result.with_error_code(ErrorCode::KafkaStorageError.code());
    }
    let space = match partitions.disk().space(dir.path()) {
        Ok(space) => space.filter(|_| version >= 4),
        Err(error) => {
            dir.report(&error);
            return result.with_error_code(errors::of_storage(&error).code());
        }
    };
    let result = match space {
        Some(space) => result.with_total_bytes(bytes(space.total)).with_usable_bytes(bytes(space.usable)),
        None => result,
    };
    let mut topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for log in partitions.logs_in(dir).iter().filter(|log| is_wanted(log)) {
        let answer = DescribeLogDirsPartition::default()
            .with_partition_index(log.name.partition)
            .with_partition_size(bytes(log.size))
            .with_offset_lag(log.lag)
            .with_is_future_key(log.is_future);
        topics.entry(log.name.topic.clone()).or_default().push(answer);
    }
    let topic = |(name, partitions): (Arc<str>, _)| {
        DescribeLogDirsTopic::default().with_name(convert::topic_name(&name)).with_partitions(partitions)
    };
    result.with_topics(topics.into_iter().map(topic).collect())
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
