//! Share groups on the side of a partition's leader: who has which records, and who waits for some (Kafka: SharePartitionManager).
//!
//! Reading order: `limits` says what a group may do, `sessions` what each member reads, `held` is one share-partition; then the verbs
//! `load`, `fetch` (with `read`), `acknowledge` and `locks`, all on [`ShareGroups`].

mod acknowledge;
mod fetch;
mod held;
mod limits;
mod load;
mod locks;
mod read;
pub mod sessions;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use forebay_control::error_code::ErrorCode;
use forebay_control::share::state::SharePartitionKey;
use forebay_storage::ids::{Timestamp, TopicId};
use parking_lot::Mutex;

pub use acknowledge::Refused;
pub use fetch::{Fetched, ShareFetch};
pub use limits::GroupLimits;

use crate::config::settings::ShareFetchSettings;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::share_states::ShareStates;
use crate::coordinator::timers::Timers;
use crate::partition::{Absent, Partition, Partitions};
use held::Held;
use sessions::{ConnectionId, ShareSessionKey, ShareSessions};

/// Everything that this broker hands out to share groups.
pub struct ShareGroups {
    settings: ShareFetchSettings,
    metadata: Arc<Metadata>,
    partitions: Arc<Partitions>,
    states: Arc<ShareStates>,
    held: Mutex<AllHeld>,
    /// What each member reads.
    pub sessions: Mutex<ShareSessions>,
    /// Ends of locks: one at a time for each share-partition.
    timers: Timers<(Weak<Held>, Timestamp)>,
}

/// What groups have in use here.
#[derive(Default)]
struct AllHeld {
    /// Ordered, so that those of a group are neighbours.
    partitions: BTreeMap<SharePartitionKey, Arc<Held>>,
    /// Groups of which nothing is loaded now, each with by how many that was wanted.
    closed: BTreeMap<Arc<str>, usize>,
}

/// Keeps a group closed, until dropped.
#[must_use]
pub struct Closed {
    groups: Arc<ShareGroups>,
    group_id: Arc<str>,
}

impl Drop for Closed {
    fn drop(&mut self) {
        let mut all = self.groups.held.lock();
        if let Some(count) = all.closed.get_mut(&self.group_id) {
            *count -= 1;
            if *count == 0 {
                all.closed.remove(&self.group_id);
            }
        }
    }
}

impl ShareGroups {
    /// Of a broker where nobody has anything yet.
    #[must_use]
    pub fn new(
        settings: ShareFetchSettings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
        states: Arc<ShareStates>,
    ) -> ShareGroups {
        let most = usize::try_from(settings.max_sessions).unwrap_or(0);
        ShareGroups {
            settings,
            metadata,
            partitions,
            states,
            held: Mutex::default(),
            sessions: Mutex::new(ShareSessions::new(most)),
            timers: Timers::default(),
        }
    }

    /// What is set on a group, and the broker's settings where nothing is.
    #[must_use]
    pub fn limits(&self, group_id: &str) -> GroupLimits {
        GroupLimits::of(&self.settings, &self.metadata.group_overrides(group_id))
    }

    /// Whether the cluster has share groups (Kafka: KafkaApis.isShareGroupProtocolEnabled).
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.metadata.features().has_share_groups()
    }

    /// Ends all sessions and forgets everything that members have, if share groups are off now (Kafka:
    /// SharePartitionManager.onShareVersionToggle).
    pub fn toggled(&self) {
        if self.are_on() {
            return;
        }
        self.sessions.lock().clear();
        let all: Vec<Arc<Held>> = self.held.lock().partitions.values().cloned().collect();
        all.iter().for_each(|held| self.forget(held));
    }

    /// The log of a partition by its topic's id. Kafka: KafkaApis.handleFetchFromShareFetchRequest.
    fn partition(&self, topic_id: TopicId, partition: i32) -> Result<Arc<Partition>, ErrorCode> {
        let topic = self.partitions.topic_by_id(topic_id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        self.partitions.find(&topic, partition).map_err(|absent| match absent {
            Absent::Unknown => ErrorCode::UnknownTopicOrPartition,
            Absent::Offline => ErrorCode::KafkaStorageError,
        })
    }

    fn find(&self, key: &SharePartitionKey) -> Option<Arc<Held>> {
        self.held.lock().partitions.get(key).cloned()
    }

    /// Forgets a share-partition, which is to be loaded anew should somebody want it (Kafka: removeSharePartitionFromCache).
    fn forget(&self, held: &Arc<Held>) {
        let mut all = self.held.lock();
        if all.partitions.get(held.key()).is_some_and(|now| Arc::ptr_eq(now, held)) {
            all.partitions.remove(held.key());
        }
        drop(all);
        held.fence();
    }

    /// Forgets all of a group: nobody is there any more who reads it here.
    fn forget_group(&self, group_id: &str) {
        let first = SharePartitionKey { group_id: group_id.into(), topic_id: TopicId::ZERO, partition: i32::MIN };
        let of_group: Vec<Arc<Held>> = {
            let partitions = &self.held.lock().partitions;
            let of_group = partitions.range(first..).take_while(|(key, _)| &*key.group_id == group_id);
            of_group.map(|(_, held)| held.clone()).collect()
        };
        of_group.iter().for_each(|held| self.forget(held));
    }

    /// A topic is deleted: nothing is kept of it (Kafka: SharePartitionManager's SharePartitionListener.onDelete).
    pub fn topic_deleted(&self, topic_id: TopicId) {
        let of_topic: Vec<Arc<Held>> = {
            let partitions = &self.held.lock().partitions;
            partitions.values().filter(|held| held.key().topic_id == topic_id).cloned().collect()
        };
        of_topic.iter().for_each(|held| self.forget(held));
    }

    /// Forgets all of a group and loads nothing of it until what is returned is dropped: its states are changed meanwhile, and what was
    /// loaded before must not be written over them. (Kafka's leaders go on with what they have.)
    pub fn close(self: &Arc<Self>, group_id: &str) -> Closed {
        let group_id: Arc<str> = group_id.into();
        *self.held.lock().closed.entry(group_id.clone()).or_default() += 1;
        self.forget_group(&group_id);
        Closed { groups: self.clone(), group_id }
    }

    /// How many share-partitions are held here.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.lock().partitions.len()
    }

    /// A connection has ended, and with it the sessions of the members that it was (Kafka: ShareSessionCache's
    /// ClientConnectionDisconnectListener). What they had is for others now.
    pub fn disconnected(self: &Arc<Self>, connection: ConnectionId) {
        let ended = self.sessions.lock().disconnected(connection);
        for key in ended {
            // Whoever could wait for it is gone.
            drop(self.release_session(&key));
        }
    }

    /// Ends a session, and makes what its member has available to others; after the group's last one nothing of the group is kept here.
    /// (Kafka waits for the connection to end with that, and keeps it if another connection has closed the session.) What is returned becomes ready when that is durable; it need
    /// not be awaited.
    pub fn release_session(
        self: &Arc<Self>,
        key: &ShareSessionKey,
    ) -> Vec<tokio::task::JoinHandle<Result<(), Refused>>> {
        let Some(partitions) = self.sessions.lock().remove(key) else { return Vec::new() };
        let held = partitions.into_iter().filter_map(|(topic_id, partition)| {
            self.find(&SharePartitionKey { group_id: key.group_id.clone(), topic_id, partition })
        });
        let released = held.filter_map(|held| self.release(&held, &key.member_id)).collect();
        if self.sessions.lock().is_group_empty(&key.group_id) {
            self.forget_group(&key.group_id);
        }
        released
    }
}
