//! ProducerIdsRecord, api key 15: how far producer ids are given out.

use forebay_storage::ids::{BrokerId, ProducerId};

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 15;
pub(super) const VERSION: u32 = 0;

/// Producer ids below a number are given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerIdsRecord {
    /// Who got the last block.
    pub broker: BrokerId,
    /// That node's epoch.
    pub broker_epoch: i64,
    /// The first id of the next block.
    pub next_producer_id: ProducerId,
}

impl ProducerIdsRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.i32(self.broker.0);
        w.i64(self.broker_epoch);
        w.i64(self.next_producer_id.0);
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<ProducerIdsRecord, DecodeError> {
        check_version("ProducerIdsRecord", version, VERSION)?;
        let record = ProducerIdsRecord {
            broker: BrokerId(r.i32("broker id")?),
            broker_epoch: r.i64("broker epoch")?,
            next_producer_id: ProducerId(r.i64("next producer id")?),
        };
        r.skip_tags()?;
        Ok(record)
    }
}
