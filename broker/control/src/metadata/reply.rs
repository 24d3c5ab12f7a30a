//! What the controller answers.

use forebay_storage::ids::{ProducerId, TopicId};

use super::client_quotas::QuotaEntity;
use super::command::{ConfigResource, TopicRef};
use super::topic_config::ConfigEntry;
use crate::error_code::ErrorCode;

/// An answer of [`super::MetadataMachine`]; the results are in the order of the request.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// To CreateTopics.
    CreateTopics(Vec<CreateTopicResult>),
    /// To DeleteTopics.
    DeleteTopics(Vec<DeleteTopicResult>),
    /// To CreatePartitions.
    CreatePartitions(Vec<CreatePartitionsResult>),
    /// To AlterConfigs.
    AlterConfigs(Vec<AlterConfigsResult>),
    /// To AlterClientQuotas: one for each entity.
    AlterClientQuotas(Vec<AlterClientQuotasResult>),
    /// To AlterUserScramCredentials: one for each user.
    AlterScramCredentials(Vec<AlterScramResult>),
    /// To UpdateFeatures; the error is Kafka's message of the first update that cannot be had (INVALID_UPDATE_VERSION).
    UpdateFeatures(Result<(), String>),
    /// To AllocateProducerIds: ids `first` to `first + count - 1` are the asker's alone.
    ProducerIds {
        /// UNKNOWN_SERVER_ERROR when all 2^63 ids are used up.
        error: ErrorCode,
        /// The first id of the block.
        first: ProducerId,
        /// How many: 1000 (Kafka: ProducerIdsBlock).
        count: i32,
    },
}

/// What became of one new topic.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicResult {
    /// Its name.
    pub name: String,
    /// Its id; zero on error and for validate-only.
    pub topic_id: TopicId,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
    /// Number of partitions; -1 on error.
    pub partitions: i32,
    /// Replication factor; -1 on error.
    pub replication_factor: i16,
    /// All topic configs as they are effective; empty on error.
    pub configs: Vec<ConfigEntry>,
}

/// What became of one topic to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopicResult {
    /// As asked.
    pub asked: TopicRef,
    /// Its name, where known.
    pub name: Option<String>,
    /// Its id; zero where not known.
    pub topic_id: TopicId,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
}

/// What became of one topic to enlarge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitionsResult {
    /// Its name.
    pub name: String,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
}

/// What became of the changes of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigsResult {
    /// Which resource.
    pub resource: ConfigResource,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
}

/// What became of the changes of one entity's quotas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterClientQuotasResult {
    /// Whose quotas.
    pub entity: QuotaEntity,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
}

/// What became of the changes of one user's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterScramResult {
    /// The user.
    pub user: String,
    /// Success or why not.
    pub error: ErrorCode,
    /// Kafka's message for the error.
    pub message: Option<String>,
}
