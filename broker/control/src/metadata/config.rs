//! The settings of the controller, under Kafka's keys, and its limits.

use std::collections::BTreeMap;

/// Settings; [`Default`] holds Kafka's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataConfig {
    /// `num.partitions`: partitions of a topic that asks for -1.
    pub num_partitions: i32,
    /// `default.replication.factor`: replicas of a topic that asks for -1.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// What the server's configuration sets of the keys behind topic configs (`log.retention.hours` for example), as text. Keys that are
    /// not set must not be here: they have Kafka's defaults.
    pub server: BTreeMap<String, String>,
    /// Most partitions in all; a creation beyond gets POLICY_VIOLATION. Ours: each partition costs open files and memory.
    pub max_partitions: usize,
}

/// Most partitions one CreateTopics may make (Kafka: ReplicationControlManager.MAX_PARTITIONS_PER_BATCH).
pub const MAX_PARTITIONS_PER_REQUEST: usize = 10_000;
/// Most records one request may make (Kafka: QuorumController.MAX_RECORDS_PER_USER_OP).
pub const MAX_RECORDS_PER_REQUEST: usize = 10_000;

impl Default for MetadataConfig {
    fn default() -> Self {
        MetadataConfig {
            num_partitions: 1,
            default_replication_factor: 1,
            delete_topic_enable: true,
            server: BTreeMap::new(),
            max_partitions: 100_000,
        }
    }
}
