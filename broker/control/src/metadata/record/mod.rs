//! The records of `__cluster_metadata`, in Kafka's schemas, one file a record; each record is one change of the machine's state.

mod client_quota;
mod config;
mod feature_level;
mod frame;
mod kafkas;
mod partition;
mod partition_change;
mod producer_ids;
mod quorum;
mod register_broker;
mod remove_topic;
mod scram_credential;
mod topic;
mod unregister_broker;
mod unserved;

#[cfg(test)]
mod kafkas_tests;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use super::wire::DecodeError;
pub use client_quota::ClientQuotaRecord;
pub use config::ConfigRecord;
pub use feature_level::FeatureLevelRecord;
pub use kafkas::{KafkaRecord, parse_kafkas};
pub use partition::PartitionRecord;
pub use partition_change::PartitionChangeRecord;
pub use producer_ids::ProducerIdsRecord;
pub use quorum::{QuorumRecord, Voter, VoterEndpoint};
pub use register_broker::RegisterBrokerRecord;
pub use remove_topic::RemoveTopicRecord;
pub use scram_credential::ScramCredentialRecord;
pub use topic::TopicRecord;
pub use unregister_broker::UnregisterBrokerRecord;
pub use unserved::{UnservedKind, UnservedRecord};

use super::wire::Reader;
use crate::machine::LogRecord;

/// NoOpRecord: written by Kafka's active controller to prove that it is alive; means nothing.
const NO_OP: u32 = 20;

/// A change of [`super::MetadataMachine`]'s state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node has come up.
    RegisterBroker(RegisterBrokerRecord),
    /// A topic exists.
    Topic(TopicRecord),
    /// A partition exists or is different.
    Partition(PartitionRecord),
    /// A config is set or taken back.
    Config(ConfigRecord),
    /// A topic and all that belongs to it is gone.
    RemoveTopic(RemoveTopicRecord),
    /// A feature is at a level.
    FeatureLevel(FeatureLevelRecord),
    /// Producer ids below a number are given out.
    ProducerIds(ProducerIdsRecord),
    /// A quota is set or taken back.
    ClientQuota(ClientQuotaRecord),
    /// A user's SCRAM credential is there or is gone.
    ScramCredential(ScramCredentialRecord),
}

impl Event {
    /// The framed bytes, as they stand in the record's value.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Event::RegisterBroker(r) => {
                frame::encode(register_broker::API_KEY, register_broker::VERSION, |w| r.write(w))
            }
            Event::Topic(r) => frame::encode(topic::API_KEY, topic::VERSION, |w| r.write(w)),
            Event::Partition(r) => frame::encode(partition::API_KEY, partition::VERSION, |w| r.write(w)),
            Event::Config(r) => frame::encode(config::API_KEY, config::VERSION, |w| r.write(w)),
            Event::RemoveTopic(r) => frame::encode(remove_topic::API_KEY, remove_topic::VERSION, |w| r.write(w)),
            Event::FeatureLevel(r) => frame::encode(feature_level::API_KEY, feature_level::VERSION, |w| r.write(w)),
            Event::ProducerIds(r) => frame::encode(producer_ids::API_KEY, producer_ids::VERSION, |w| r.write(w)),
            Event::ClientQuota(r) => frame::encode(client_quota::API_KEY, client_quota::VERSION, |w| r.write(w)),
            Event::ScramCredential(r) => frame::encode(r.api_key(), scram_credential::VERSION, |w| r.write(w)),
        }
    }
}

impl crate::machine::Event for Event {
    /// The key is empty and stands for null: Kafka's metadata records have none.
    fn record(&self) -> Option<LogRecord> {
        Some(LogRecord { key: Bytes::new(), value: Some(self.encode()), producer: None })
    }
}

/// The change behind a record's value; `None` for one that means nothing here. A kind or version that is not known is an error:
/// to go on without it would be to forget what a newer program has decided.
pub fn parse(value: &[u8]) -> Result<Option<Event>, DecodeError> {
    let (api_key, version, mut r) = frame::decode(value)?;
    let event = match api_key {
        register_broker::API_KEY => Event::RegisterBroker(RegisterBrokerRecord::read(version, &mut r)?),
        topic::API_KEY => Event::Topic(TopicRecord::read(version, &mut r)?),
        partition::API_KEY => Event::Partition(PartitionRecord::read(version, &mut r)?),
        config::API_KEY => Event::Config(ConfigRecord::read(version, &mut r)?),
        remove_topic::API_KEY => Event::RemoveTopic(RemoveTopicRecord::read(version, &mut r)?),
        feature_level::API_KEY => Event::FeatureLevel(FeatureLevelRecord::read(version, &mut r)?),
        producer_ids::API_KEY => Event::ProducerIds(ProducerIdsRecord::read(version, &mut r)?),
        client_quota::API_KEY => Event::ClientQuota(ClientQuotaRecord::read(version, &mut r)?),
        scram_credential::API_KEY | scram_credential::REMOVE_API_KEY => {
            Event::ScramCredential(ScramCredentialRecord::read(api_key, version, &mut r)?)
        }
        NO_OP => return Ok(None),
        other => {
            return Err(DecodeError::UnknownVersion {
                kind: "metadata record with api key",
                version: i64::from(other),
            });
        }
    };
    end(&r)?;
    Ok(Some(event))
}

fn end(r: &Reader<'_>) -> Result<(), DecodeError> {
    if r.is_empty() { Ok(()) } else { Err(DecodeError::invalid("end", "bytes follow the record")) }
}

/// Refuses versions above `highest`.
fn check_version(kind: &'static str, version: u32, highest: u32) -> Result<(), DecodeError> {
    if version <= highest { Ok(()) } else { Err(DecodeError::UnknownVersion { kind, version: i64::from(version) }) }
}
