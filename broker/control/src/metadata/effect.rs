//! Work outside the machine that a decision of the controller asks for.

use forebay_storage::ids::TopicId;

/// Work for the runtime, done in order after the decision's events were appended and applied. What it needs to know it asks the
/// machine's queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make the logs of these partitions: of a new topic, or those added to a topic.
    OpenPartitions {
        /// The topic's name.
        topic: String,
        /// The topic's id.
        topic_id: TopicId,
        /// The new partitions, ascending.
        partitions: Vec<i32>,
    },
    /// Take these partitions out of service and delete their logs, their group offsets included.
    DeletePartitions {
        /// The topic's name.
        topic: String,
        /// The topic's id.
        topic_id: TopicId,
        /// All its partitions, ascending.
        partitions: Vec<i32>,
    },
    /// The configs of a topic have changed: hand them to its logs.
    TopicConfigChanged {
        /// The topic's name.
        topic: String,
    },
    /// The dynamic configs of the nodes have changed.
    BrokerConfigChanged,
    /// Client quotas have changed.
    ClientQuotasChanged,
    /// The configs of a group have changed.
    GroupConfigChanged,
    /// The levels of features have changed.
    FeaturesChanged,
}
