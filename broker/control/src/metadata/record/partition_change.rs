//! PartitionChangeRecord, api key 5: what is different in a partition. Kafka's controller writes it; this program reads versions 0
//! to 2 and writes a whole PartitionRecord instead.

use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId};

use super::check_version;
use super::partition::{PartitionRecord, check_number, read_brokers};
use crate::metadata::image::PartitionInfo;
use crate::metadata::wire::{DecodeError, Reader};

pub(super) const API_KEY: u32 = 5;
const VERSION: u32 = 2;

const TAG_ISR: u32 = 0;
const TAG_LEADER: u32 = 1;
const TAG_REPLICAS: u32 = 2;

/// What is different in a partition; `None` is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionChangeRecord {
    /// The partition's number.
    pub partition: i32,
    /// Its topic.
    pub topic_id: TopicId,
    /// Its in-sync replicas.
    pub isr: Option<Vec<BrokerId>>,
    /// Its leader, -1 for none. A leader that is named is a new one, also if it is the same node as before.
    pub leader: Option<BrokerId>,
    /// Its replicas.
    pub replicas: Option<Vec<BrokerId>>,
}

impl PartitionChangeRecord {
    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<PartitionChangeRecord, DecodeError> {
        check_version("PartitionChangeRecord", version, VERSION)?;
        let mut record = PartitionChangeRecord {
            partition: check_number(r.i32("partition id")?)?,
            topic_id: TopicId(r.uuid("topic id")?),
            isr: None,
            leader: None,
            replicas: None,
        };
        r.tags(|tag, field| {
            match tag {
                TAG_ISR => record.isr = Some(read_brokers(field, "isr")?),
                // -2 says "as it was", and is the default that is not written.
                TAG_LEADER => record.leader = Some(BrokerId(field.i32("leader")?)).filter(|leader| leader.0 != -2),
                TAG_REPLICAS => record.replicas = Some(read_brokers(field, "replicas")?),
                // What is being moved, recovered or only eligible, and the directories: a single node has no use for them.
                _ => {}
            }
            Ok(())
        })?;
        Ok(record)
    }

    /// The whole partition after the change (Kafka: PartitionRegistration.merge).
    #[must_use]
    pub fn onto(self, before: &PartitionInfo) -> PartitionRecord {
        PartitionRecord {
            partition: self.partition,
            topic_id: self.topic_id,
            replicas: self.replicas.unwrap_or_else(|| before.replicas.clone()),
            isr: self.isr.unwrap_or_else(|| before.isr.clone()),
            leader_epoch: LeaderEpoch(before.leader_epoch.0.saturating_add(i32::from(self.leader.is_some()))),
            leader: self.leader.unwrap_or(before.leader),
            partition_epoch: before.partition_epoch.saturating_add(1),
        }
    }
}
