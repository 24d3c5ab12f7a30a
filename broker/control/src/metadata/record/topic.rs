//! TopicRecord, api key 2: a topic and its id.

use forebay_storage::ids::TopicId;

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 2;
pub(super) const VERSION: u32 = 0;

/// A topic exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// Its name.
    pub name: String,
    /// Its id.
    pub topic_id: TopicId,
}

impl TopicRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.compact_string(&self.name);
        w.uuid(self.topic_id.0);
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<TopicRecord, DecodeError> {
        check_version("TopicRecord", version, VERSION)?;
        let record = TopicRecord { name: r.compact_string("name")?.to_owned(), topic_id: TopicId(r.uuid("topic id")?) };
        r.skip_tags()?;
        Ok(record)
    }
}
