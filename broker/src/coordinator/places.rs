//! What a coordinator has for each partition of its topic: loaded from the partition's log when that can be opened, and not before.

use std::sync::{Arc, OnceLock};

use forebay_control::error_code::ErrorCode;
use parking_lot::Mutex;

use super::internal_topics::Settings;
use super::metadata::Metadata;
use crate::partition::{Partition, Partitions};

/// The topic of a coordinator, and what has been loaded of it.
pub(super) struct Places<S> {
    topic: &'static str,
    settings: Settings,
    /// By partition, once the topic is there.
    slots: OnceLock<Vec<Slot<S>>>,
    /// Held while the topic is made or a log replayed.
    opening: Mutex<()>,
}

/// Empty until the partition's log can be opened; `None` if that is of no use before the broker is started again.
type Slot<S> = OnceLock<Option<S>>;

impl<S> Places<S> {
    /// Of a topic that is made with these settings when it is first needed, as Kafka does.
    pub(super) fn new(topic: &'static str, settings: Settings) -> Places<S> {
        Places { topic, settings, slots: OnceLock::new(), opening: Mutex::new(()) }
    }

    /// Whether there is something to load.
    pub(super) fn is_made(&self, metadata: &Metadata) -> bool {
        metadata.topic_partitions(self.topic).is_some()
    }

    /// How many partitions the topic has, which is made if it is not there.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE when the topic cannot be made.
    pub(super) fn count(&self, metadata: &Metadata) -> Result<usize, ErrorCode> {
        if let Some(slots) = self.slots.get() {
            return Ok(slots.len());
        }
        let _guard = self.opening.lock();
        if let Some(slots) = self.slots.get() {
            return Ok(slots.len());
        }
        let count = self.settings.ensure(metadata, self.topic)?;
        Ok(self.slots.get_or_init(|| (0..count).map(|_| Slot::new()).collect()).len())
    }

    /// What is there of a partition. What is not loaded is, if its log can be opened now: a folder that has failed, or one without room
    /// for the log, may be back later. `load` gives `None` for a log that is of no use; `then` is called once with what is loaded.
    pub(super) fn get(
        &self,
        partitions: &Partitions,
        number: usize,
        load: impl FnOnce(usize, Arc<Partition>) -> Option<S>,
        then: impl FnOnce(&S),
    ) -> Option<&S> {
        let slot = self.slots.get()?.get(number)?;
        if let Some(known) = slot.get() {
            return known.as_ref();
        }
        let loaded = {
            let _guard = self.opening.lock();
            if let Some(known) = slot.get() {
                return known.as_ref();
            }
            let partition = partitions.find(self.topic, i32::try_from(number).ok()?).ok()?;
            let loaded = load(number, partition);
            slot.get_or_init(|| loaded).as_ref()?
        };
        then(loaded);
        Some(loaded)
    }

    /// What is loaded of a partition.
    pub(super) fn loaded(&self, number: usize) -> Option<&S> {
        self.slots.get()?.get(number)?.get()?.as_ref()
    }

    /// All that is loaded.
    pub(super) fn all_loaded(&self) -> impl Iterator<Item = &S> {
        self.slots.get().into_iter().flatten().filter_map(|slot| slot.get()?.as_ref())
    }
}
