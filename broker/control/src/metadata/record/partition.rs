//! PartitionRecord, api key 3: replicas, in-sync replicas and leader of a partition. Version 2 is written, versions 0 to 2 are read.

use bytes::Bytes;
use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId};
use uuid::Uuid;

use super::{check_version, frame};
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 3;
/// Version 2 has the eligible leader replicas (KIP-966) as tagged fields; there are none on one node.
pub(super) const VERSION: u32 = 2;

/// Kafka's `DirectoryId.UNASSIGNED`, for a replica whose log directory the controller does not know.
const UNASSIGNED_DIRECTORY: Uuid = Uuid::from_u128(1);

/// A partition exists or is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRecord {
    /// Its number.
    pub partition: i32,
    /// Its topic.
    pub topic_id: TopicId,
    /// Its replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Its in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Its leader, -1 for none.
    pub leader: BrokerId,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Rises with every change of the partition.
    pub partition_epoch: i32,
}

impl PartitionRecord {
    /// The framed bytes with the directory of each replica, in the order of the replicas, as a node of Kafka that knows its
    /// directories wants them.
    #[must_use]
    pub fn encode_in(&self, directories: &[Uuid]) -> Bytes {
        frame::encode(API_KEY, VERSION, |w| self.write_in(w, directories))
    }

    pub(super) fn write(&self, w: &mut Writer) {
        self.write_in(w, &vec![UNASSIGNED_DIRECTORY; self.replicas.len()]);
    }

    fn write_in(&self, w: &mut Writer, directories: &[Uuid]) {
        w.i32(self.partition);
        w.uuid(self.topic_id.0);
        write_brokers(w, &self.replicas);
        write_brokers(w, &self.isr);
        w.compact_i32s(&[]); // removing replicas
        w.compact_i32s(&[]); // adding replicas
        w.i32(self.leader.0);
        w.i32(self.leader_epoch.0);
        w.i32(self.partition_epoch);
        w.compact_uuids(directories);
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<PartitionRecord, DecodeError> {
        check_version("PartitionRecord", version, VERSION)?;
        let partition = check_number(r.i32("partition id")?)?;
        let topic_id = TopicId(r.uuid("topic id")?);
        let replicas = read_brokers(r, "replicas")?;
        let isr = read_brokers(r, "isr")?;
        r.compact_i32s("removing replicas")?;
        r.compact_i32s("adding replicas")?;
        let record = PartitionRecord {
            partition,
            topic_id,
            replicas,
            isr,
            leader: BrokerId(r.i32("leader")?),
            leader_epoch: LeaderEpoch(r.i32("leader epoch")?),
            partition_epoch: r.i32("partition epoch")?,
        };
        if version >= 1 {
            r.compact_uuids("directories")?;
        }
        r.skip_tags()?;
        Ok(record)
    }
}

/// No topic has a partition with this number or a higher one; bounds what a broken log makes us hold.
const MAX_PARTITION: i32 = 1_000_000;

pub(super) fn check_number(partition: i32) -> Result<i32, DecodeError> {
    if (0..MAX_PARTITION).contains(&partition) {
        return Ok(partition);
    }
    Err(DecodeError::invalid("partition id", format!("{partition} is not one a topic can have")))
}

fn write_brokers(w: &mut Writer, brokers: &[BrokerId]) {
    w.compact_array(brokers.len());
    brokers.iter().for_each(|b| w.i32(b.0));
}

pub(super) fn read_brokers(r: &mut Reader<'_>, field: &'static str) -> Result<Vec<BrokerId>, DecodeError> {
    Ok(r.compact_i32s(field)?.into_iter().map(BrokerId).collect())
}
