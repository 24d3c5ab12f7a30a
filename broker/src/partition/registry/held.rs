//! A partition as the registry holds it: not opened yet, open, or lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forebay_storage::ids::{LeaderEpoch, Timestamp, TopicId, TopicPartition};
use parking_lot::Mutex;

use super::{NewPartition, PartitionConfig};
use crate::partition::Partition;

/// A partition of this broker and the data folder that it lies in.
pub(super) struct Held {
    /// Number of the data folder.
    pub dir: usize,
    pub state: State,
}

/// How far a partition is.
pub(super) enum State {
    /// Nobody has needed it since the start, or it is not made yet; or its log could not be opened the last time.
    Unopened(Arc<Unopened>),
    /// At work, unless its data folder has failed.
    Open(Arc<Partition>),
    /// It is not known where its log lies, or which of two is the right one; until the broker is started again.
    Lost,
}

/// What is needed to open a partition's log.
pub(super) struct Unopened {
    pub name: TopicPartition,
    pub topic_id: TopicId,
    pub leader_epoch: LeaderEpoch,
    /// Its configuration; the one that it had when it was registered, until it is changed.
    pub config: Mutex<Arc<PartitionConfig>>,
    /// Held while the log is opened, so that two tasks do not open the same folder.
    pub opening: Mutex<Attempts>,
    /// The last attempt to open it failed.
    failing: AtomicBool,
}

/// What came of earlier attempts to open a log.
#[derive(Default)]
pub(super) struct Attempts {
    /// When the last one failed.
    pub failed: Option<Timestamp>,
    /// Why, as the log of the broker says already.
    pub said: Option<String>,
}

impl Unopened {
    pub(super) fn new(new: NewPartition) -> Unopened {
        let NewPartition { name, topic_id, leader_epoch, config, .. } = new;
        let (config, opening) = (Mutex::new(Arc::new(config)), Mutex::default());
        Unopened { name, topic_id, leader_epoch, config, opening, failing: AtomicBool::new(false) }
    }

    /// Whether the last attempt to open it failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Notes that it cannot be opened now; with a time, it is not tried again for a while.
    pub(super) fn note_failure(&self, attempts: &mut Attempts, at: Option<Timestamp>) {
        attempts.failed = at;
        self.failing.store(true, Ordering::Release);
    }

    /// The partition as it should be opened now.
    pub(super) fn wanted(&self) -> (NewPartition, Arc<PartitionConfig>) {
        let config = self.config.lock().clone();
        let new = NewPartition {
            name: self.name.clone(),
            topic_id: self.topic_id,
            leader_epoch: self.leader_epoch,
            config: (*config).clone(),
            is_new: true,
        };
        (new, config)
    }
}

/// A topic's partitions by number.
pub(super) struct Topic {
    pub id: TopicId,
    pub partitions: BTreeMap<i32, Held>,
}

/// Every partition, by the name and by the id of its topic.
#[derive(Default)]
pub(super) struct Topics {
    by_name: HashMap<Arc<str>, Topic>,
    by_id: HashMap<TopicId, Arc<str>>,
}

impl Topics {
    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<&Held> {
        self.by_name.get(topic)?.partitions.get(&partition)
    }

    pub(super) fn get_mut(&mut self, name: &TopicPartition) -> Option<&mut Held> {
        self.by_name.get_mut(&name.topic)?.partitions.get_mut(&name.partition)
    }

    pub(super) fn of_topic(&self, topic: &str) -> impl Iterator<Item = (i32, &Held)> {
        let partitions = self.by_name.get(topic).into_iter().flat_map(|topic| &topic.partitions);
        partitions.map(|(number, held)| (*number, held))
    }

    pub(super) fn name_of(&self, id: TopicId) -> Option<Arc<str>> {
        self.by_id.get(&id).cloned()
    }

    /// Every partition with its name, in no particular order.
    pub(super) fn all(&self) -> impl Iterator<Item = (TopicPartition, &Held)> {
        self.by_name.iter().flat_map(|(name, topic)| {
            let named = |number: i32| TopicPartition { topic: name.clone(), partition: number };
            topic.partitions.iter().map(move |(number, held)| (named(*number), held))
        })
    }

    /// Takes a partition in.
    pub(super) fn insert(&mut self, name: &TopicPartition, id: TopicId, held: Held) {
        self.by_id.insert(id, name.topic.clone());
        let fresh = || Topic { id, partitions: BTreeMap::new() };
        let topic = self.by_name.entry(name.topic.clone()).or_insert_with(fresh);
        topic.partitions.insert(name.partition, held);
    }

    /// Takes a topic out, if the one of that name has that id.
    pub(super) fn remove(&mut self, topic: &str, id: TopicId) -> Option<Topic> {
        if self.by_name.get(topic)?.id != id {
            return None;
        }
        let removed = self.by_name.remove(topic)?;
        self.by_id.remove(&removed.id);
        Some(removed)
    }
}
