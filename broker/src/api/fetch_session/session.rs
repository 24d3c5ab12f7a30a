//! One session: its partitions in the order in which they are due, and what the client last heard of each.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicId};

use super::context::{PartitionOutcome, SessionRequest};
use super::{INITIAL_EPOCH, next_epoch};

/// How a request names a topic.
#[derive(Clone, Debug)]
pub enum TopicRef {
    /// By name, up to version 12.
    Name(Arc<str>),
    /// By id, from version 13 on (KIP-516).
    Id {
        /// The id.
        id: TopicId,
        /// The name that belonged to the id when it was first asked for, or first had one after that; `None` as long as there is none. A
        /// session keeps it, also when the name goes to another topic (Kafka: `CachedPartition`).
        name: Option<Arc<str>>,
    },
}

impl TopicRef {
    fn is_unnamed(&self) -> bool {
        matches!(self, TopicRef::Id { name: None, .. })
    }
}

/// An id is all that counts of a topic named by id.
impl PartialEq for TopicRef {
    fn eq(&self, other: &TopicRef) -> bool {
        match (self, other) {
            (TopicRef::Name(mine), TopicRef::Name(theirs)) => mine == theirs,
            (TopicRef::Id { id: mine, .. }, TopicRef::Id { id: theirs, .. }) => mine == theirs,
            (TopicRef::Name(_), TopicRef::Id { .. }) | (TopicRef::Id { .. }, TopicRef::Name(_)) => false,
        }
    }
}

impl Eq for TopicRef {}

impl Hash for TopicRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            TopicRef::Name(name) => name.hash(state),
            TopicRef::Id { id, .. } => id.hash(state),
        }
    }
}

/// A partition as requests name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FetchKey {
    /// Its topic.
    pub topic: TopicRef,
    /// Its number.
    pub partition: i32,
}

/// What is wanted of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRequest {
    /// From where on.
    pub fetch_offset: Offset,
    /// How much, in bytes (KIP-74).
    pub max_bytes: i32,
    /// The epoch in which the client believes the partition to be, -1 if it does not say (KIP-320).
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record that the client has, -1 if it does not say (KIP-595).
    pub last_fetched_epoch: LeaderEpoch,
    /// The start of the follower's own log, -1 for consumers.
    pub log_start_offset: Offset,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    pub privileged: bool,
    pub uses_topic_ids: bool,
    /// The epoch that the next request must have.
    pub epoch: i32,
    pub created: Timestamp,
    pub partitions: Partitions,
}

impl Session {
    pub fn new(request: SessionRequest, partitions: Partitions, now: Timestamp) -> Session {
        Session {
            privileged: request.privileged,
            uses_topic_ids: request.uses_topic_ids,
            epoch: next_epoch(INITIAL_EPOCH),
            created: now,
            partitions,
        }
    }
}

/// The partitions of a session in turn.
#[derive(Debug, Default)]
pub struct Partitions {
    /// By turn; the first is due first.
    turns: BTreeMap<u64, Cached>,
    /// The turn of each. Only looked up, never iterated.
    by_key: HashMap<FetchKey, u64>,
    next_turn: u64,
    /// How many there are whose topic has no name yet. There are hardly ever any, and then nothing is looked through for them.
    unnamed: usize,
}

/// A partition of a session: what was asked for and what was answered last.
#[derive(Debug)]
struct Cached {
    key: FetchKey,
    request: PartitionRequest,
    high_watermark: Offset,
    log_start_offset: Offset,
}

/// "Not told yet": every answer differs from it.
const UNTOLD: Offset = Offset(-1);

impl Partitions {
    /// The partitions of a full request whose answer holds all `outcomes`.
    pub fn answered(requests: Vec<(FetchKey, PartitionRequest)>, outcomes: &[PartitionOutcome]) -> Partitions {
        let mut partitions = Partitions::default();
        for ((key, request), outcome) in requests.into_iter().zip(outcomes) {
            let (high_watermark, log_start_offset) = (outcome.high_watermark, outcome.log_start_offset);
            partitions.push(Cached { key, request, high_watermark, log_start_offset });
        }
        partitions
    }

    pub fn len(&self) -> usize {
        self.turns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Takes the names of topics that had none when they were named (Kafka: `CachedPartition.maybeResolveUnknownName`).
    pub fn resolve(&mut self, name_of: impl Fn(TopicId) -> Option<Arc<str>>) {
        if self.unnamed == 0 {
            return;
        }
        for cached in self.turns.values_mut() {
            if let TopicRef::Id { id, name: name @ None } = &mut cached.key.topic {
                *name = name_of(*id);
                self.unnamed -= usize::from(name.is_some());
            }
        }
    }

    /// What to read, in turn.
    pub fn requests(&self) -> Vec<(FetchKey, PartitionRequest)> {
        self.turns.values().map(|cached| (cached.key.clone(), cached.request)).collect()
    }

    /// Takes in what a request names, then drops what it forgets.
    pub fn update(&mut self, requests: &[(FetchKey, PartitionRequest)], forgotten: &[FetchKey]) {
        for (key, request) in requests {
            match self.by_key.get(key) {
                Some(turn) => self.turns.get_mut(turn).expect("every key has its turn").request = *request,
                None => self.push(Cached {
                    key: key.clone(),
                    request: *request,
                    high_watermark: UNTOLD,
                    log_start_offset: UNTOLD,
                }),
            }
        }
        for key in forgotten {
            if let Some(turn) = self.by_key.remove(key) {
                self.take(turn);
            }
        }
    }

    /// Whether `outcome` goes into the answer (Kafka: `CachedPartition.maybeUpdateResponseData`), remembered as told if so.
    /// A partition with records goes to the end of the line, so that others get their share of the next answer's bytes.
    pub fn answer(&mut self, key: &FetchKey, outcome: &PartitionOutcome) -> bool {
        let Some(turn) = self.by_key.get(key).copied() else { return false };
        let cached = self.turns.get_mut(&turn).expect("every key has its turn");
        let failed = outcome.error != ErrorCode::None;
        let changed = cached.high_watermark != outcome.high_watermark
            || cached.log_start_offset != outcome.log_start_offset
            || outcome.has_records
            || outcome.redirects
            || failed;
        // With an error nothing counts as told, so that the partition is in the first answer without the error, too.
        cached.high_watermark = if failed { UNTOLD } else { outcome.high_watermark };
        cached.log_start_offset = outcome.log_start_offset;
        if outcome.has_records {
            let cached = self.take(turn).expect("it was there just now");
            self.push(cached);
        }
        changed
    }

    fn take(&mut self, turn: u64) -> Option<Cached> {
        let cached = self.turns.remove(&turn)?;
        self.unnamed -= usize::from(cached.key.topic.is_unnamed());
        Some(cached)
    }

    fn push(&mut self, cached: Cached) {
        self.unnamed += usize::from(cached.key.topic.is_unnamed());
        self.by_key.insert(cached.key.clone(), self.next_turn);
        self.turns.insert(self.next_turn, cached);
        self.next_turn += 1;
    }
}

/// The partitions of a request, each once: in the place of its first mention with what its last mention asks for.
pub fn without_duplicates(requests: Vec<(FetchKey, PartitionRequest)>) -> Vec<(FetchKey, PartitionRequest)> {
    let mut places = HashMap::with_capacity(requests.len());
    let mut unique: Vec<(FetchKey, PartitionRequest)> = Vec::with_capacity(requests.len());
    for (key, request) in requests {
        match places.get(&key) {
            Some(place) => {
                let place: &usize = place;
                unique[*place].1 = request;
            }
            None => {
                places.insert(key.clone(), unique.len());
                unique.push((key, request));
            }
        }
    }
    unique
}
