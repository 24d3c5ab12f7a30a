//! Internal topics are made when they are first needed, with Kafka's settings.

use forebay_control::error_code::ErrorCode;

use super::metadata::Metadata;
use super::{OFFSETS_TOPIC, SHARE_STATE_TOPIC, TRANSACTIONS_TOPIC};
use crate::config::BrokerConfig;

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

    /// The number of partitions of `topic`, which is made if it is not there.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE when it cannot be made.
    pub(super) fn ensure(&self, metadata: &Metadata, topic: &str) -> Result<i32, ErrorCode> {
        if let Some(count) = metadata.topic_partitions(topic) {
            return Ok(count);
        }
        metadata.create_topic(topic, self.partitions, &self.configs).map_err(|(error, message)| {
            tracing::error!("cannot create internal topic {topic}: {error} {message}");
            ErrorCode::CoordinatorNotAvailable
        })
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
