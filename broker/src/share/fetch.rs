//! A member fetches: records of its share-partitions, at once or as soon as there are some (Kafka: DelayedShareFetch).

use std::sync::Arc;

use bytes::Bytes;
use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::{Acquire, AcquireMode, AcquiredRecords};
use forebay_control::share::state::SharePartitionKey;
use forebay_storage::ids::{Offset, TopicId};
use forebay_storage::log::ReadError;
use tokio::sync::{Notify, watch};

use super::read::{aborted, look_into, slice};
use super::{GroupLimits, Held, ShareGroups};
use crate::clock;
use crate::partition::Wake;

/// What a member asks for.
#[derive(Clone, Debug)]
pub struct ShareFetch {
    /// The group.
    pub group_id: Arc<str>,
    /// The member.
    pub member_id: Arc<str>,
    /// How closely `max_records` is kept.
    pub mode: AcquireMode,
    /// Records of a batch of acquired ones.
    pub batch_size: i32,
    /// Most records.
    pub max_records: i32,
    /// Least bytes to answer with before the time is over.
    pub min_bytes: usize,
    /// Most bytes; a first batch that is larger goes all the same.
    pub max_bytes: usize,
    /// The longest wait, in milliseconds.
    pub max_wait_ms: i64,
    /// The share-partitions, the ones to be served first in front.
    pub partitions: Vec<(TopicId, i32)>,
}

/// What there is of a share-partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Batches that have the acquired records.
    pub records: Bytes,
    /// The records that the member has now.
    pub acquired: Vec<AcquiredRecords>,
}

type Answers = Vec<((TopicId, i32), Result<Fetched, ErrorCode>)>;

/// What one look at the share-partitions has brought.
#[derive(Default)]
struct Look {
    answers: Answers,
    /// Whether the answer may go before its time.
    enough: bool,
    /// Whether another look may bring something at once: what was found is not for delivery, and was passed.
    again: bool,
}

impl ShareGroups {
    /// Records for a member, or errors, by share-partition; those that nothing can be acquired of now are left out.
    pub async fn fetch(self: &Arc<Self>, fetch: &ShareFetch, mut stop: watch::Receiver<bool>) -> Answers {
        if fetch.partitions.is_empty() || fetch.max_records <= 0 || fetch.max_bytes == 0 {
            return Answers::new();
        }
        let limits = self.limits(&fetch.group_id);
        let (held, mut failed) = self.load_all(fetch, &limits).await;
        if held.is_empty() {
            return failed;
        }
        let deadline = clock::deadline(fetch.max_wait_ms);
        let woken = Arc::new(Notify::new());
        let waker = woken.clone();
        let wake: Wake = Arc::new(move || waker.notify_one());
        // Before the first look: what comes between that and the wait is noticed.
        let _watches: Vec<_> = held.iter().map(|held| held.watch(&wake)).collect();
        let mut is_over = fetch.max_wait_ms <= 0 || *stop.borrow();
        loop {
            let look = self.look(fetch, &limits, &held, is_over);
            if look.enough || (is_over && !look.again) {
                failed.extend(look.answers);
                return failed;
            }
            if look.again {
                // There may be much to pass.
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = woken.notified() => {}
                () = tokio::time::sleep_until(deadline) => is_over = true,
                _ = stop.changed() => is_over = true,
            }
        }
    }

    async fn load_all(&self, fetch: &ShareFetch, limits: &GroupLimits) -> (Vec<Arc<Held>>, Answers) {
        let (mut held, mut failed) = (Vec::with_capacity(fetch.partitions.len()), Answers::new());
        for (topic_id, partition) in fetch.partitions.iter().copied() {
            let key = SharePartitionKey { group_id: fetch.group_id.clone(), topic_id, partition };
            match self.load(key, limits).await {
                Ok(loaded) => held.push(loaded),
                Err(error) => failed.push(((topic_id, partition), Err(error))),
            }
        }
        (held, failed)
    }

    /// Acquires what there is, if it is enough or the time is over.
    fn look(self: &Arc<Self>, fetch: &ShareFetch, limits: &GroupLimits, held: &[Arc<Held>], is_over: bool) -> Look {
        let mut look = Look::default();
        let each_bytes = (fetch.max_bytes / held.len()).max(1);
        // With a byte to wait for, acquiring tells what counting would.
        if !is_over && fetch.min_bytes > 1 && !is_enough(fetch, limits, held, each_bytes) {
            return look;
        }
        let mut left = fetch.max_records;
        for held in held {
            if left <= 0 {
                break;
            }
            let Some(found) = self.acquire(fetch, limits, held, each_bytes, left, &mut look) else { continue };
            look.enough |= found.as_ref().map_or(true, |fetched| !fetched.acquired.is_empty());
            let count: i64 = found.iter().flat_map(|f| &f.acquired).map(|a| a.last_offset - a.first_offset + 1).sum();
            left = left.saturating_sub(i32::try_from(count).unwrap_or(i32::MAX));
            look.answers.push(((held.key().topic_id, held.key().partition), found));
        }
        look
    }

    /// Reads one share-partition's log and acquires what nobody has; `None` if nothing can be acquired of it now.
    fn acquire(
        self: &Arc<Self>,
        fetch: &ShareFetch,
        limits: &GroupLimits,
        held: &Arc<Held>,
        max_bytes: usize,
        max_records: i32,
        look: &mut Look,
    ) -> Option<Result<Fetched, ErrorCode>> {
        if held.is_fenced() {
            // It was forgotten meanwhile. The client asks again, and it is loaded anew.
            let error = if held.partition().is_deleted() {
                ErrorCode::UnknownTopicOrPartition
            } else {
                ErrorCode::NotLeaderOrFollower
            };
            return Some(Err(error));
        }
        if held.partition().is_deleted() {
            self.forget(held);
            return Some(Err(ErrorCode::UnknownTopicOrPartition));
        }
        let _alone = held.fetch_alone();
        let offset = next_offset(held, limits)?;
        let span = held.with(|partition| partition.span(offset, max_records))?;
        let read = match held.partition().read_span(Offset(offset), span, max_bytes, limits.isolation, !look.enough) {
            Ok(read) => read,
            Err(ReadError::OffsetOutOfRange { start, .. }) => {
                // What was to be delivered is gone. The next look begins where the log does.
                held.with(|partition| partition.log_start_moved(start.0));
                look.again |= next_offset(held, limits).is_some_and(|next| next != offset);
                return Some(Ok(Fetched::default()));
            }
            Err(error) => return Some(Err(crate::api::errors::of_read(&error))),
        };
        let batches = look_into(&read.records);
        let acquired = held.with(|partition| {
            partition.acquire(
                clock::now(),
                &Acquire {
                    member: &fetch.member_id,
                    mode: fetch.mode,
                    batch_size: fetch.batch_size,
                    max_records,
                    fetch_offset: offset,
                    batches: &batches.fetched,
                    aborted: &aborted(&read),
                },
            )
        })?;
        if acquired.records.is_empty() && !batches.fetched.is_empty() {
            look.again |= next_offset(held, limits).is_some_and(|next| next != offset);
        }
        self.watch_locks(held, &acquired.timers);
        let records = slice(&read.records, &batches, &acquired.records);
        Some(Ok(Fetched { records, acquired: acquired.records }))
    }
}

/// Where to read next; `None` if nothing can be acquired: as much is in flight as may be.
fn next_offset(held: &Held, limits: &GroupLimits) -> Option<i64> {
    held.with(|partition| {
        partition.set_config(limits.partition);
        partition.can_acquire().then(|| partition.next_fetch_offset())
    })?
}

/// Whether there is as much to read as the member waits for (Kafka: isMinBytesSatisfied), or an error to tell.
fn is_enough(fetch: &ShareFetch, limits: &GroupLimits, held: &[Arc<Held>], each_bytes: usize) -> bool {
    let mut bytes = 0;
    for held in held {
        let Some(offset) = next_offset(held, limits) else { continue };
        // To be counted, not looked at.
        match held.partition().read_to_send(Offset(offset), each_bytes, limits.isolation, bytes == 0) {
            Ok(read) => bytes += read.records.len(),
            Err(_) => return true,
        }
    }
    bytes >= fetch.min_bytes
}
