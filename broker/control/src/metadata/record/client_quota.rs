//! ClientQuotaRecord, api key 14: a quota of a user, a client id or an address is set, or taken back.

use super::check_version;
use crate::metadata::client_quotas::{QuotaEntity, QuotaValue};
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 14;
pub(super) const VERSION: u32 = 0;

/// A quota is set, or taken back when the value is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientQuotaRecord {
    /// Whose quota.
    pub entity: QuotaEntity,
    /// The quota's key, `producer_byte_rate` for example.
    pub key: String,
    /// Its value.
    pub value: Option<QuotaValue>,
}

impl ClientQuotaRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.compact_array(self.entity.len());
        for (kind, name) in &self.entity {
            w.compact_string(kind);
            w.compact_nullable_string(name.as_deref());
            w.no_tags();
        }
        w.compact_string(&self.key);
        w.f64(self.value.map_or(0.0, |value| value.0));
        w.bool(self.value.is_none());
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<ClientQuotaRecord, DecodeError> {
        check_version("ClientQuotaRecord", version, VERSION)?;
        let mut entity = QuotaEntity::new();
        for _ in 0..r.compact_array(3, "entity")? {
            let kind = r.compact_string("entity type")?.to_owned();
            entity.insert(kind, r.compact_nullable_string("entity name")?.map(str::to_owned));
            r.skip_tags()?;
        }
        let key = r.compact_string("key")?.to_owned();
        let value = r.f64("value")?;
        let removed = r.bool("remove")?;
        r.skip_tags()?;
        Ok(ClientQuotaRecord { entity, key, value: (!removed).then_some(QuotaValue(value)) })
    }
}
