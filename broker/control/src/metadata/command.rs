//! What is asked of the controller, one type a request.

use forebay_storage::ids::{BrokerId, TopicId};

use super::client_quotas::{QuotaEntity, QuotaValue};
use super::scram::ScramCredential;
use crate::machine::ReplyTo;

/// A command of [`super::MetadataMachine`].
#[derive(Clone, Debug)]
pub enum Command {
    /// The node has started: registers it and writes the levels of features that the log says nothing of. Not answered. First command after loading.
    RegisterBroker(RegisterBroker),
    /// CreateTopics, and automatic creation. Answered by [`super::Reply::CreateTopics`].
    CreateTopics(CreateTopics),
    /// DeleteTopics. Answered by [`super::Reply::DeleteTopics`].
    DeleteTopics(DeleteTopics),
    /// CreatePartitions. Answered by [`super::Reply::CreatePartitions`].
    CreatePartitions(CreatePartitions),
    /// IncrementalAlterConfigs and AlterConfigs. Answered by [`super::Reply::AlterConfigs`].
    AlterConfigs(AlterConfigs),
    /// AlterClientQuotas. Answered by [`super::Reply::AlterClientQuotas`].
    AlterClientQuotas(AlterClientQuotas),
    /// AlterUserScramCredentials. Answered by [`super::Reply::AlterScramCredentials`].
    AlterScramCredentials(AlterScramCredentials),
    /// UpdateFeatures. Answered by [`super::Reply::UpdateFeatures`].
    UpdateFeatures(UpdateFeatures),
    /// A block of producer ids for a coordinator. Answered by [`super::Reply::ProducerIds`].
    AllocateProducerIds {
        /// Who waits for the answer.
        reply_to: ReplyTo,
        /// The node that will hand them out.
        broker: BrokerId,
    },
}

/// Features that shall have other levels.
#[derive(Clone, Debug)]
pub struct UpdateFeatures {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The changes: all are made or none.
    pub updates: Vec<FeatureUpdate>,
    /// Only look.
    pub validate_only: bool,
    /// The controller that says so in refusals.
    pub node: i32,
}

/// One feature that shall have another level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature.
    pub feature: String,
    /// The level; 0 turns the feature off.
    pub level: i16,
    /// In which direction; `None` for one that there is not.
    pub upgrade_type: Option<UpgradeType>,
}

/// How a level may change (Kafka: FeatureUpdate.UpgradeType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// Up only.
    Upgrade,
    /// Down, if nothing is lost.
    SafeDowngrade,
    /// Down, whatever is lost.
    UnsafeDowngrade,
}

/// A node that comes up.
#[derive(Clone, Debug)]
pub struct RegisterBroker {
    /// Its number.
    pub broker: BrokerId,
    /// A random id of this start of the process.
    pub incarnation: uuid::Uuid,
    /// Its listeners.
    pub endpoints: Vec<Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// One listener of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, `PLAINTEXT` for example.
    pub name: String,
    /// The advertised host.
    pub host: String,
    /// The advertised port.
    pub port: u16,
    /// Kafka's number of the security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// CreateTopics.
#[derive(Clone, Debug)]
pub struct CreateTopics {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// What to create; names that appear twice are refused.
    pub topics: Vec<NewTopic>,
    /// Check only.
    pub validate_only: bool,
}

/// One topic to create.
#[derive(Clone, Debug, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// A fresh id, from the runtime's random source.
    pub topic_id: TopicId,
    /// Number of partitions; -1 for `num.partitions`, also when there are assignments.
    pub partitions: i32,
    /// Replication factor; -1 for `default.replication.factor`, also when there are assignments.
    pub replication_factor: i16,
    /// Replicas of each partition, when the client chooses them.
    pub assignments: Vec<Assignment>,
    /// Topic configs, in the order of the request; a `None` value is refused.
    pub configs: Vec<(String, Option<String>)>,
}

impl NewTopic {
    /// A topic with the default numbers of partitions and replicas.
    #[must_use]
    pub fn with_defaults(name: impl Into<String>, topic_id: TopicId) -> NewTopic {
        NewTopic { name: name.into(), topic_id, partitions: -1, replication_factor: -1, ..NewTopic::default() }
    }
}

/// Replicas that a client chose for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The partition.
    pub partition: i32,
    /// Its replicas, the preferred leader first.
    pub brokers: Vec<BrokerId>,
}

/// DeleteTopics.
#[derive(Clone, Debug)]
pub struct DeleteTopics {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// What to delete.
    pub topics: Vec<TopicRef>,
}

/// Names a topic by its name or by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// CreatePartitions.
#[derive(Clone, Debug)]
pub struct CreatePartitions {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The topics to enlarge.
    pub topics: Vec<MorePartitions>,
    /// Check only.
    pub validate_only: bool,
}

/// One topic to enlarge.
#[derive(Clone, Debug)]
pub struct MorePartitions {
    /// Its name.
    pub name: String,
    /// How many partitions it shall have in all.
    pub count: i32,
    /// The replicas of each new partition, when the client chooses them.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

/// IncrementalAlterConfigs, or AlterConfigs as one whole replacement a resource.
#[derive(Clone, Debug)]
pub struct AlterConfigs {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The changes.
    pub resources: Vec<AlterResource>,
    /// Check only.
    pub validate_only: bool,
}

/// The changes of one resource.
#[derive(Clone, Debug)]
pub struct AlterResource {
    /// Which resource.
    pub resource: ConfigResource,
    /// What to do.
    pub change: ConfigChange,
}

/// Something that has configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// One node, or all of them when `None` (the cluster-wide default).
    Broker(Option<BrokerId>),
    /// A client metrics subscription, by name.
    ClientMetrics(String),
    /// A group, by name.
    Group(String),
}

/// How configs change.
#[derive(Clone, Debug)]
pub enum ConfigChange {
    /// IncrementalAlterConfigs.
    Incremental(Vec<ConfigOp>),
    /// AlterConfigs: these become all the dynamic configs of the resource.
    Replace(Vec<(String, Option<String>)>),
}

/// One change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigOp {
    /// The config's name.
    pub name: String,
    /// What to do with it.
    pub kind: ConfigOpKind,
    /// The value; not looked at by `Delete`.
    pub value: Option<String>,
}

/// What to do with a config (Kafka: AlterConfigOp.OpType; the numbers are those of the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOpKind {
    /// 0: set it.
    Set,
    /// 1: go back to the default.
    Delete,
    /// 2: add items to a list.
    Append,
    /// 3: take items off a list.
    Subtract,
}

/// AlterClientQuotas.
#[derive(Clone, Debug)]
pub struct AlterClientQuotas {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// The changes.
    pub alterations: Vec<QuotaAlteration>,
    /// Check only.
    pub validate_only: bool,
}

/// The changes of one entity's quotas.
#[derive(Clone, Debug)]
pub struct QuotaAlteration {
    /// Whose quotas.
    pub entity: QuotaEntity,
    /// Keys with their new values, in the order of the request; `None` takes a quota back.
    pub ops: Vec<(String, Option<QuotaValue>)>,
}

/// AlterUserScramCredentials.
#[derive(Clone, Debug)]
pub struct AlterScramCredentials {
    /// Who waits for the answer.
    pub reply_to: ReplyTo,
    /// Credentials to take away.
    pub deletions: Vec<ScramDeletion>,
    /// Credentials to make or replace.
    pub upsertions: Vec<ScramUpsertion>,
}

/// A credential to take away.
#[derive(Clone, Debug)]
pub struct ScramDeletion {
    /// The user.
    pub user: String,
    /// The mechanism's number as it came.
    pub mechanism: i8,
}

/// A credential to make or replace.
#[derive(Clone, Debug)]
pub struct ScramUpsertion {
    /// The user.
    pub user: String,
    /// The mechanism's number as it came.
    pub mechanism: i8,
    /// What to store.
    pub credential: ScramCredential,
}
