//! What a coordinator has for each partition of its topic: loaded from the partition's log when that can be opened, and not before.

use std::sync::{Arc, OnceLock};

use forebay_control::error_code::ErrorCode;
use forebay_control::transaction::partition_for;
use parking_lot::Mutex;

use super::internal_topics::Settings;
use super::metadata::Metadata;
use crate::partition::{Partition, Partitions};
use crate::pending::may_block;

/// The topic of a coordinator, and what has been loaded of it.
pub(super) struct Places<S> {
    topic: &'static str,
    settings: Settings,
    metadata: Arc<Metadata>,
    partitions: Arc<Partitions>,
    /// By partition, once the topic is there.
    slots: OnceLock<Vec<Slot<S>>>,
    /// Held while the topic is made.
    making: Mutex<()>,
}

/// What is loaded of a partition.
pub(super) trait Place {
    /// The partition whose log it is made from.
    fn partition(&self) -> &Arc<Partition>;
}

impl<S: Place> Places<S> {
    /// Of a topic that is made with these settings when it is first needed, as Kafka does.
    pub(super) fn new(
        topic: &'static str,
        settings: Settings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
    ) -> Places<S> {
        Places { topic, settings, metadata, partitions, slots: OnceLock::new(), making: Mutex::new(()) }
    }

    /// How many partitions the topic has, which is made if it is not there.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE when the topic cannot be made.
    pub(super) fn count(&self) -> Result<usize, ErrorCode> {
        if let Some(slots) = self.slots.get() {
            return Ok(slots.len());
        }
        may_block(|| {
            let _alone = self.making.lock();
            if let Some(slots) = self.slots.get() {
                return Ok(slots.len());
            }
            let count = self.settings.ensure(&self.metadata, self.topic)?;
            Ok(self.slots.get_or_init(|| (0..count).map(|_| Slot::default()).collect()).len())
        })
    }

    /// The number of the partition that holds what has this key.
    ///
    /// # Errors
    /// As [`Places::count`].
    pub(super) fn number_of(&self, key: &str) -> Result<i32, ErrorCode> {
        let count = i32::try_from(self.count()?).expect("partition counts are i32");
        Ok(partition_for(key, count))
    }

    /// Does something for each partition, if the topic is there already.
    ///
    /// # Errors
    /// As [`Places::count`].
    pub(super) fn for_all_made(&self, each: impl FnMut(usize)) -> Result<(), ErrorCode> {
        if self.metadata.topic_partitions(self.topic).is_some() {
            (0..self.count()?).for_each(each);
        }
        Ok(())
    }

    /// What works of a partition. What is not loaded is, if its log can be opened now: a folder that has failed, or one without room
    /// for the log, may be back later. `load` gives `None` for a log that is of no use. What it leaves to be done when others can find
    /// the place goes to `then`.
    pub(super) fn get<L>(
        &self,
        number: usize,
        load: impl FnOnce(usize, Arc<Partition>) -> Option<(S, L)>,
        then: impl FnOnce(&S, L),
    ) -> Option<&S> {
        let load = || {
            let partition = self.partitions.find(self.topic, i32::try_from(number).ok()?).ok()?;
            Some(load(number, partition))
        };
        let place = self.slots.get()?.get(number)?.get_or_load(load, then);
        place.filter(|place| !place.partition().is_offline())
    }

    /// What is loaded of a partition.
    pub(super) fn loaded(&self, number: usize) -> Option<&S> {
        self.slots.get()?.get(number)?.loaded.get()?.as_ref()
    }

    /// All that is loaded.
    pub(super) fn all_loaded(&self) -> impl Iterator<Item = &S> {
        self.slots.get().into_iter().flatten().filter_map(|slot| slot.loaded.get()?.as_ref())
    }
}

/// One partition's.
struct Slot<S> {
    /// Empty until the partition's log can be opened; `None` if that is of no use before the broker is started again.
    loaded: OnceLock<Option<S>>,
    /// Held while the log is replayed: those who want this partition wait, and nobody else.
    loading: Mutex<()>,
}

impl<S> Default for Slot<S> {
    fn default() -> Self {
        Slot { loaded: OnceLock::new(), loading: Mutex::new(()) }
    }
}

impl<S> Slot<S> {
    /// What is there, or what `load` brings. Nobody finds that before `load` is done, and what it leaves comes to `then` once.
    fn get_or_load<L>(&self, load: impl FnOnce() -> Option<Option<(S, L)>>, then: impl FnOnce(&S, L)) -> Option<&S> {
        if let Some(known) = self.loaded.get() {
            return known.as_ref();
        }
        let (loaded, left) = may_block(|| {
            let _alone = self.loading.lock();
            if let Some(known) = self.loaded.get() {
                return Some((known.as_ref()?, None));
            }
            let (loaded, left) = load()?.unzip();
            Some((self.loaded.get_or_init(|| loaded).as_ref()?, left))
        })?;
        if let Some(left) = left {
            then(loaded, left);
        }
        Some(loaded)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn nothing(_: &i32, (): ()) {}

    #[test]
    fn a_place_is_found_when_it_is_loaded_and_what_is_left_to_do_comes_after_that_and_once() {
        let slot = Slot::default();
        assert_eq!(slot.get_or_load(|| None, nothing), None, "its log cannot be opened now");
        let mut left = Vec::new();
        for _ in 0..2 {
            let load = || {
                assert!(slot.loaded.get().is_none());
                Some(Some((7, "decided while nobody could ask for more")))
            };
            let found =
                slot.get_or_load(load, |place, decided| left.push((*place, decided, slot.loaded.get().is_some())));
            assert_eq!(found, Some(&7));
        }
        assert_eq!(left, [(7, "decided while nobody could ask for more", true)]);
        let useless = Slot::default();
        assert_eq!(useless.get_or_load(|| Some(None), nothing), None);
        assert_eq!(useless.get_or_load(|| Some(Some((1, ()))), nothing), None, "not before the next start");
    }

    #[test]
    fn a_partition_that_is_being_loaded_holds_up_neither_the_others_nor_the_other_tasks_of_its_thread() {
        let slots = Arc::new([Slot::default(), Slot::default()]);
        let (go, wait) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let of_first = slots.clone();
        let first = runtime.spawn(async move {
            let load = || {
                wait.recv().unwrap();
                Some(Some((1, ())))
            };
            of_first[0].get_or_load(load, nothing).copied()
        });
        let second = runtime.spawn(async move {
            let found = slots[1].get_or_load(|| Some(Some((2, ()))), nothing).copied();
            go.send(()).unwrap();
            found
        });
        assert_eq!(runtime.block_on(async { (second.await.unwrap(), first.await.unwrap()) }), (Some(2), Some(1)));
    }
}
