//! UnregisterBrokerRecord, api key 1: a node is no part of the cluster any more. Read only.

use forebay_storage::ids::BrokerId;

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader};

pub(super) const API_KEY: u32 = 1;

/// A node is no part of the cluster any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnregisterBrokerRecord {
    /// Its number.
    pub broker: BrokerId,
}

impl UnregisterBrokerRecord {
    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<UnregisterBrokerRecord, DecodeError> {
        check_version("UnregisterBrokerRecord", version, 0)?;
        let record = UnregisterBrokerRecord { broker: BrokerId(r.i32("broker id")?) };
        r.i64("broker epoch")?;
        r.skip_tags()?;
        Ok(record)
    }
}
