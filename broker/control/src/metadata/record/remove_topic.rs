//! RemoveTopicRecord, api key 9: a topic is gone, with its partitions and configs.

use forebay_storage::ids::TopicId;

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 9;
pub(super) const VERSION: u32 = 0;

/// A topic is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveTopicRecord {
    /// Its id.
    pub topic_id: TopicId,
}

impl RemoveTopicRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.uuid(self.topic_id.0);
        w.no_tags();
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<RemoveTopicRecord, DecodeError> {
        check_version("RemoveTopicRecord", version, VERSION)?;
        let record = RemoveTopicRecord { topic_id: TopicId(r.uuid("topic id")?) };
        r.skip_tags()?;
        Ok(record)
    }
}
