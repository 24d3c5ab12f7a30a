//! Every record of metadata.version up to 4.3 as Kafka's controller writes them: those of this program, and the others.

use super::partition_change::{self, PartitionChangeRecord};
use super::unregister_broker::{self, UnregisterBrokerRecord};
use super::unserved::UnservedRecord;
use super::{DecodeError, Event, check_version, config, end, frame, parse};

const FENCE_BROKER: u32 = 7;
const UNFENCE_BROKER: u32 = 8;
const BROKER_REGISTRATION_CHANGE: u32 = 17;
const ZK_MIGRATION_STATE: u32 = 21;
const BEGIN_TRANSACTION: u32 = 23;
const END_TRANSACTION: u32 = 24;
const ABORT_TRANSACTION: u32 = 25;
const REGISTER_CONTROLLER: u32 = 27;
const CLEAR_ELR: u32 = 28;

/// A record of Kafka's controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaRecord {
    /// One that this program writes too.
    Event(Event),
    /// A partition is different.
    PartitionChange(PartitionChangeRecord),
    /// A node is no part of the cluster any more.
    UnregisterBroker(UnregisterBrokerRecord),
    /// The records from here on count when [`KafkaRecord::EndTransaction`] comes (KIP-868).
    BeginTransaction,
    /// The records since the beginning count.
    EndTransaction,
    /// The records since the beginning do not count.
    AbortTransaction,
    /// Something that is not served yet.
    Unserved(UnservedRecord),
    /// Nothing that a single node has to know: which nodes are up, the controllers, what is eligible in a cluster.
    OfNoUse,
}

/// The record behind a value in `__cluster_metadata`. A kind or version that is not known is an error.
pub fn parse_kafkas(value: &[u8]) -> Result<KafkaRecord, DecodeError> {
    let (api_key, version, mut r) = frame::decode(value)?;
    if let Some(unserved) = UnservedRecord::read(api_key, version, &mut r.clone())? {
        return Ok(KafkaRecord::Unserved(unserved));
    }
    if api_key == config::API_KEY
        && let Some(unserved) = UnservedRecord::of_config(&mut r.clone())?
    {
        return Ok(KafkaRecord::Unserved(unserved));
    }
    let record = match api_key {
        partition_change::API_KEY => KafkaRecord::PartitionChange(PartitionChangeRecord::read(version, &mut r)?),
        unregister_broker::API_KEY => KafkaRecord::UnregisterBroker(UnregisterBrokerRecord::read(version, &mut r)?),
        BEGIN_TRANSACTION => KafkaRecord::BeginTransaction,
        END_TRANSACTION => KafkaRecord::EndTransaction,
        ABORT_TRANSACTION => KafkaRecord::AbortTransaction,
        FENCE_BROKER | UNFENCE_BROKER | ZK_MIGRATION_STATE | REGISTER_CONTROLLER | CLEAR_ELR => {
            check_version("metadata record", version, 0)?;
            return Ok(KafkaRecord::OfNoUse);
        }
        BROKER_REGISTRATION_CHANGE => {
            check_version("BrokerRegistrationChangeRecord", version, 3)?;
            return Ok(KafkaRecord::OfNoUse);
        }
        _ => return Ok(parse(value)?.map_or(KafkaRecord::OfNoUse, KafkaRecord::Event)),
    };
    if matches!(api_key, BEGIN_TRANSACTION | END_TRANSACTION | ABORT_TRANSACTION) {
        check_version("metadata transaction record", version, 0)?;
        r.skip_tags()?;
    }
    end(&r)?;
    Ok(record)
}
