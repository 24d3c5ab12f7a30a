//! FeatureLevelRecord, api key 12: a feature of the cluster, `metadata.version` for example, and its level.

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 12;
pub(super) const VERSION: u32 = 0;

/// A feature is at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureLevelRecord {
    /// The feature.
    pub name: String,
    /// Its level.
    pub level: i16,
}

impl FeatureLevelRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.compact_string(&self.name);
        w.i16(self.level);
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<FeatureLevelRecord, DecodeError> {
        check_version("FeatureLevelRecord", version, VERSION)?;
        let record = FeatureLevelRecord { name: r.compact_string("name")?.to_owned(), level: r.i16("level")? };
        r.skip_tags()?;
        Ok(record)
    }
}
