//! Internal topics are made when they are first needed, with Kafka's settings.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;

use super::metadata::Metadata;
use super::{OFFSETS_TOPIC, SHARE_STATE_TOPIC, TRANSACTIONS_TOPIC};
use crate::config::BrokerConfig;
use crate::partition::{Partition, Partitions};

/// How an internal topic is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `offsets.topic.num.partitions` or `transaction.state.log.num.partitions`.
    pub partitions: i32,
    /// Topic configs, as Kafka sets them.
    pub configs: Vec<(String, String)>,
}

impl Settings {
    /// Kafka's settings for a compacted internal topic with segments of `segment_bytes`.
    fn compacted(partitions: i32, segment_bytes: i32) -> Settings {
        let configs = vec![
            ("cleanup.policy".to_owned(), "compact".to_owned()),
            ("compression.type".to_owned(), "producer".to_owned()),
            ("segment.bytes".to_owned(), segment_bytes.to_string()),
        ];
        Settings { partitions, configs }
    }

    /// Kafka's settings for `__share_group_state`, whose coordinator deletes what is not needed any more (Kafka:
    /// ShareCoordinatorService.shareGroupStateTopicConfigs).
    fn share_state(partitions: i32, segment_bytes: i32) -> Settings {
        let configs = [
            ("cleanup.policy", "delete".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", segment_bytes.to_string()),
            // `share.coordinator.state.topic.min.isr`, and no more than there are brokers.
            ("min.insync.replicas", "1".to_owned()),
            ("retention.ms", "-1".to_owned()),
        ];
        Settings { partitions, configs: configs.map(|(key, value)| (key.to_owned(), value)).to_vec() }
    }
}

/// How an internal topic is made; `None` for any other topic (Kafka: AutoTopicCreationManager.creatableTopic).
#[must_use]
pub fn settings_of(topic: &str, config: &BrokerConfig) -> Option<Settings> {
    let (offsets, transactions, share_state) = (&config.offsets, &config.transactions, &config.share_state);
    match topic {
        OFFSETS_TOPIC => Some(Settings::compacted(offsets.topic_num_partitions, offsets.topic_segment_bytes)),
        TRANSACTIONS_TOPIC => {
            Some(Settings::compacted(transactions.topic_num_partitions, transactions.topic_segment_bytes))
        }
        SHARE_STATE_TOPIC => {
            Some(Settings::share_state(share_state.topic_num_partitions, share_state.topic_segment_bytes))
        }
        _ => None,
    }
}

/// What a coordinator has for each partition of `topic`, which is made if it is not there. `None` where a partition lies in a folder that
/// has failed, or `load` says so.
///
/// # Errors
/// COORDINATOR_NOT_AVAILABLE when the topic cannot be made; what `load` says.
pub fn load_all<S>(
    metadata: &Metadata,
    partitions: &Partitions,
    topic: &str,
    settings: &Settings,
    load: impl Fn(usize, Arc<Partition>) -> Result<Option<S>, ErrorCode>,
) -> Result<Vec<Option<S>>, ErrorCode> {
    let load_one = |number: i32| match partitions.get(topic, number).filter(|partition| !partition.is_offline()) {
        Some(partition) => load(number as usize, partition),
        None => Ok(None),
    };
    (0..ensure(metadata, topic, settings)?).map(load_one).collect()
}

/// The number of partitions of `topic`, which is made if it is not there.
fn ensure(metadata: &Metadata, topic: &str, settings: &Settings) -> Result<i32, ErrorCode> {
    if let Some(count) = metadata.topic_partitions(topic) {
        return Ok(count);
    }
    metadata.create_topic(topic, settings.partitions, &settings.configs).map_err(|(error, message)| {
        tracing::error!("cannot create internal topic {topic}: {error} {message}");
        ErrorCode::CoordinatorNotAvailable
    })
}
