//! Fetch sessions (KIP-227): a client names its partitions once, then only what changed; so does the answer.
//!
//! A pure structure. The handler takes it under a lock twice for each request: [`FetchSessions::begin`] says which
//! partitions to read, [`FetchSessions::finish`] which of them are in the answer. Time and randomness come in as values.
//! The rules are those of Kafka's `FetchManager`, `FetchContext` and `FetchSessionCacheShard`.

mod cache;
mod context;
mod session;
#[cfg(test)]
mod tests;

pub use context::{Finished, PartitionOutcome, SessionContext, SessionRequest};
pub use session::{FetchKey, PartitionRequest, TopicRef};

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{Timestamp, TopicId};

use cache::Cache;
use context::Kind;
use session::{Partitions, Session};

/// Kafka's default of `max.incremental.fetch.session.cache.slots`.
pub const DEFAULT_CACHE_SLOTS: usize = 1000;

/// How long a session must have been unused, or have existed, before another one may take its slot, in milliseconds
/// (Kafka: `ServerConfigs.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
pub const MIN_EVICTION_MS: i64 = 120_000;

/// Partitions that all sessions may hold together; a client whose partitions would be more is served without a session.
pub const MAX_CACHED_PARTITIONS: usize = 1_000_000;

/// The session id that means "no session".
pub const NO_SESSION: i32 = 0;

/// The epoch that asks for a new session.
pub const INITIAL_EPOCH: i32 = 0;

/// The epoch that closes a session, or asks for none; also what a request without a session (before version 7) stands for.
pub const FINAL_EPOCH: i32 = -1;

/// The fetch sessions of a broker.
#[derive(Debug)]
pub struct FetchSessions {
    cache: Cache,
    max_partitions: usize,
}

impl FetchSessions {
    /// No sessions yet, at most `slots` of them (`max.incremental.fetch.session.cache.slots`; 0 means that none is made).
    #[must_use]
    pub fn new(slots: usize) -> FetchSessions {
        FetchSessions::evicting_after(slots, MIN_EVICTION_MS)
    }

    /// The same, where a session need not be unused for [`MIN_EVICTION_MS`] but for another time, in milliseconds.
    #[must_use]
    pub fn evicting_after(slots: usize, eviction_ms: i64) -> FetchSessions {
        FetchSessions { cache: Cache::new(slots, eviction_ms), max_partitions: MAX_CACHED_PARTITIONS }
    }

    /// Sessions that there are now (Kafka's metric `NumIncrementalFetchSessions`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Partitions of all sessions (Kafka's metric `NumIncrementalFetchPartitionsCached`).
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.cache.partitions()
    }

    /// Sessions that were pushed out by others so far (Kafka's metric `IncrementalFetchSessionEvictionsPerSec`).
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.cache.evictions()
    }

    /// Takes note of names that topics of a session have now and had not when they were named by their ids: to be called before
    /// [`FetchSessions::begin`].
    pub fn resolve(&mut self, session_id: i32, name_of: impl Fn(TopicId) -> Option<Arc<str>>) {
        if let Some(session) = self.cache.get(session_id) {
            session.partitions.resolve(name_of);
        }
    }

    /// Takes a request in and says which partitions to read. A partition that is named twice counts as the later one.
    ///
    /// # Errors
    /// FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR; the answer then carries the
    /// error, no session and no topics.
    pub fn begin(
        &mut self,
        request: SessionRequest,
        partitions: Vec<(FetchKey, PartitionRequest)>,
        forgotten: &[FetchKey],
        now: Timestamp,
    ) -> Result<SessionContext, ErrorCode> {
        if request.epoch == INITIAL_EPOCH || request.epoch == FINAL_EPOCH {
            // A full request closes the session that it names.
            self.cache.remove(request.session_id);
            let kind = if request.epoch == FINAL_EPOCH { Kind::Sessionless } else { Kind::Full(request) };
            return Ok(SessionContext::new(kind, session::without_duplicates(partitions)));
        }
        let session = self.cache.get(request.session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != request.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.uses_topic_ids != request.uses_topic_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        session.partitions.update(&partitions, forgotten);
        if session.partitions.is_empty() {
            self.cache.remove(request.session_id);
            return Ok(SessionContext::new(Kind::Sessionless, session::without_duplicates(partitions)));
        }
        session.epoch = next_epoch(session.epoch);
        let kind = Kind::Incremental { session_id: request.session_id, epoch: session.epoch };
        let to_read = session.partitions.requests();
        self.cache.touch(request.session_id, now);
        if self.cache.partitions() > self.max_partitions {
            // The client starts over with a full request, which is then served without a session.
            self.cache.remove(request.session_id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        Ok(SessionContext::new(kind, to_read))
    }

    /// Says what goes into the answer. `outcomes` are those of [`SessionContext::partitions`], one each in their order.
    /// `random` is any number; a new session's id comes from it.
    ///
    /// # Panics
    /// If there is not one outcome for each partition.
    pub fn finish(
        &mut self,
        context: SessionContext,
        outcomes: &[PartitionOutcome],
        now: Timestamp,
        random: u32,
    ) -> Finished {
        assert_eq!(context.partitions().len(), outcomes.len(), "each partition has one outcome");
        let (kind, partitions) = context.into_parts();
        match kind {
            Kind::Sessionless => Finished::everything(NO_SESSION, outcomes.len()),
            Kind::Full(request) => {
                let count = outcomes.len();
                let fits = self.cache.partitions() + count <= self.max_partitions;
                let session_id = (fits && self.cache.make_room(request.privileged, count, now)).then(|| {
                    let partitions = Partitions::answered(partitions, outcomes);
                    self.cache.insert(Session::new(request, partitions, now), now, random)
                });
                Finished::everything(session_id.unwrap_or(NO_SESSION), count)
            }
            Kind::Incremental { session_id, epoch } => {
                self.finish_incremental(session_id, epoch, &partitions, outcomes)
            }
        }
    }

    fn finish_incremental(
        &mut self,
        session_id: i32,
        epoch: i32,
        partitions: &[(FetchKey, PartitionRequest)],
        outcomes: &[PartitionOutcome],
    ) -> Finished {
        let Some(session) = self.cache.get(session_id) else {
            // Pushed out while the request waited; the client learns it with its next one. Leaving nothing out is right.
            return Finished::everything(session_id, outcomes.len());
        };
        if session.epoch != epoch {
            // A request that was sent twice overtook this one.
            return Finished { error: ErrorCode::InvalidFetchSessionEpoch, session_id, included: Vec::new() };
        }
        let included = partitions.iter().zip(outcomes).enumerate();
        let included = included.filter(|(_, ((key, _), outcome))| session.partitions.answer(key, outcome));
        Finished { error: ErrorCode::None, session_id, included: included.map(|(at, _)| at).collect() }
    }
}

/// The epoch of a session's next request: it wraps to 1, for 0 asks for a new session (Kafka: `FetchMetadata.nextEpoch`).
fn next_epoch(epoch: i32) -> i32 {
    if epoch < 0 { FINAL_EPOCH } else { epoch.checked_add(1).unwrap_or(1) }
}
