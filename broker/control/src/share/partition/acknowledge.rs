//! Acknowledging records: accept, release, reject, renew, and gaps (Kafka: SharePartition.acknowledge).

use forebay_storage::ids::Timestamp;

use super::SharePartition;
use super::in_flight::{InFlight, RecordState};
use super::release::{LockTimer, state_batch};
use super::write::{Change, StateBatch, WriteId, ranges_of};
use crate::error_code::ErrorCode;

/// What a member says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckType {
    /// 0: there is no record (control batches, compacted records).
    Gap,
    /// 1: processed.
    Accept,
    /// 2: not processed; may be delivered again.
    Release,
    /// 3: cannot be processed.
    Reject,
    /// 4: takes longer.
    Renew,
}

impl AckType {
    /// The type of this number in ShareAcknowledge and ShareFetch.
    #[must_use]
    pub fn from_id(id: i8) -> Option<AckType> {
        Some(match id {
            0 => AckType::Gap,
            1 => AckType::Accept,
            2 => AckType::Release,
            3 => AckType::Reject,
            4 => AckType::Renew,
            _ => return None,
        })
    }

    /// The state that records go to; `None` when they stay acquired.
    fn state(self) -> Option<RecordState> {
        match self {
            AckType::Gap | AckType::Reject => Some(RecordState::Archived),
            AckType::Accept => Some(RecordState::Acknowledged),
            AckType::Release => Some(RecordState::Available),
            AckType::Renew => None,
        }
    }
}

/// Acknowledgements of a run of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgementBatch {
    /// First offset.
    pub first_offset: i64,
    /// Last offset, included.
    pub last_offset: i64,
    /// One number for all records, or one for each.
    pub types: Vec<i8>,
}

/// Why an acknowledgement is refused; none of its request has been taken then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckRefusal {
    /// [`ErrorCode::InvalidRecordState`], [`ErrorCode::InvalidRequest`], or [`ErrorCode::NotLeaderOrFollower`] of one that is fenced.
    pub error: ErrorCode,
    /// Kafka's words.
    pub message: String,
}

fn invalid_state(message: &str) -> AckRefusal {
    AckRefusal { error: ErrorCode::InvalidRecordState, message: message.into() }
}

fn invalid_request(message: impl Into<String>) -> AckRefusal {
    AckRefusal { error: ErrorCode::InvalidRequest, message: message.into() }
}

/// A request on its way.
struct Acknowledging<'a> {
    member: &'a str,
    id: WriteId,
    lock: Timestamp,
    changed: Vec<StateBatch>,
    timers: Vec<(Timestamp, LockTimer)>,
    /// Locks that were renewed, each with the time it had before.
    renewed: Vec<(i64, i64, Option<Timestamp>)>,
}

impl SharePartition {
    /// Takes a member's acknowledgements, all or none. (Kafka lets locks stay renewed that come before what it refuses.)
    ///
    /// # Errors
    /// When a record is not the member's, the request makes no sense, or the share-partition is fenced.
    pub fn acknowledge(
        &mut self,
        now: Timestamp,
        member: &str,
        batches: &[AcknowledgementBatch],
    ) -> Result<Change, AckRefusal> {
        if self.is_fenced {
            // What it would write may come after what is loaded in its place was read.
            let message = "The share-partition is to be loaded anew.".into();
            return Err(AckRefusal { error: ErrorCode::NotLeaderOrFollower, message });
        }
        let id = self.new_write_id();
        let lock = now.plus_ms(i64::from(self.config.record_lock_duration_ms));
        let mut acknowledging =
            Acknowledging { member, id, lock, changed: Vec::new(), timers: Vec::new(), renewed: Vec::new() };
        let done = batches.iter().try_for_each(|batch| self.acknowledge_batch(&mut acknowledging, batch));
        let Acknowledging { changed, timers, renewed, .. } = acknowledging;
        if let Err(refusal) = done {
            self.end_leaves(now, id, false, &ranges_of(&changed));
            self.undo_renewals(&renewed);
            // A lock that has ended by now on the last delivery archives its record.
            self.advance_start();
            return Err(refusal);
        }
        Ok(Change { write: self.write(id, changed, true), timers, wake: false })
    }

    /// Gives locks their earlier time again, for which a timer is still armed.
    fn undo_renewals(&mut self, renewed: &[(i64, i64, Option<Timestamp>)]) {
        for (first, last, lock) in renewed.iter().rev() {
            for key in self.keys(*first, *last) {
                let Some(batch) = self.cache.get_mut(&key) else { continue };
                for (_, _, record) in batch.runs_mut().filter(|(from, to, _)| from >= first && to <= last) {
                    record.lock = *lock;
                }
            }
        }
    }

    fn acknowledge_batch(
        &mut self,
        acknowledging: &mut Acknowledging<'_>,
        batch: &AcknowledgementBatch,
    ) -> Result<(), AckRefusal> {
        let types = types_of(batch)?;
        if batch.last_offset < self.start {
            return Ok(());
        }
        for key in self.acknowledged_keys(batch)? {
            self.acknowledge_cached(acknowledging, batch, &types, key)?;
        }
        Ok(())
    }

    /// Keys of the batches that a request is about.
    fn acknowledged_keys(&self, batch: &AcknowledgementBatch) -> Result<Vec<i64>, AckRefusal> {
        let straddles = batch.first_offset < self.start;
        let floor = self.cache.range(..=batch.first_offset).next_back();
        let floor = floor.or_else(|| if straddles { self.cache.range(..=self.start).next_back() } else { None });
        let Some((floor, _)) = floor else {
            let message = "Batch record not found. The request batch offsets are not found in the cache.";
            return Err(invalid_state(message));
        };
        let last = self.cache.range(floor..=&batch.last_offset).next_back().map_or(i64::MIN, |(_, batch)| batch.last);
        if last < batch.first_offset {
            let message = "Batch record not found. The first offset in request is past acquired records.";
            return Err(invalid_request(message));
        }
        if last < batch.last_offset {
            return Err(invalid_request(
                "Batch record not found. The last offset in request is past acquired records.",
            ));
        }
        Ok(self.keys(batch.first_offset, batch.last_offset))
    }

    fn acknowledge_cached(
        &mut self,
        acknowledging: &mut Acknowledging<'_>,
        request: &AcknowledgementBatch,
        types: &[AckType],
        key: i64,
    ) -> Result<(), AckRefusal> {
        let (start, config) = (self.start, self.config);
        let Some(batch) = self.cache.get_mut(&key).filter(|batch| batch.last >= start) else { return Ok(()) };
        if let Some(whole) = batch.whole() {
            check_whole(whole, acknowledging.member)?;
        }
        let straddles = batch.first < start;
        if types.len() > 1 || straddles || !batch.is_within(request.first_offset, request.last_offset) {
            batch.split();
        }
        let whole = batch.whole().is_some();
        for (first, last, record) in batch.runs_mut() {
            if first < request.first_offset.max(start) || last > request.last_offset {
                continue;
            }
            if !whole {
                check_single(record, acknowledging.member)?;
            }
            let index = usize::try_from(first - request.first_offset).unwrap_or(usize::MAX);
            let ack = if types.len() > 1 { types.get(index) } else { types.first() };
            let ack =
                *ack.ok_or_else(|| invalid_request("Invalid acknowledge types: one for each record is needed"))?;
            match ack.state() {
                Some(state) => {
                    record.begin_leave(state, config.delivery_count_limit, acknowledging.id);
                    acknowledging.changed.push(state_batch(first, last, record));
                }
                None if !config.renew_enabled => {
                    return Err(invalid_state("Renewing acquisition locks is not enabled for the group."));
                }
                None => {
                    let before = record.lock.replace(acknowledging.lock);
                    acknowledging.renewed(first, last, before);
                }
            }
        }
        Ok(())
    }
}

impl Acknowledging<'_> {
    fn renewed(&mut self, first: i64, last: i64, before: Option<Timestamp>) {
        self.renewed.push((first, last, before));
        match self.timers.last_mut() {
            Some((_, timer)) if timer.last + 1 == first => timer.last = last,
            _ => self.timers.push((self.lock, LockTimer { first, last, at: self.lock })),
        }
    }
}

fn types_of(batch: &AcknowledgementBatch) -> Result<Vec<AckType>, AckRefusal> {
    let unknown = || invalid_request(format!("Invalid acknowledge type: {:?}", batch.types));
    let types: Vec<AckType> =
        batch.types.iter().map(|id| AckType::from_id(*id)).collect::<Option<_>>().ok_or_else(unknown)?;
    let records = batch.last_offset.checked_sub(batch.first_offset).and_then(|records| records.checked_add(1));
    let fits = types.len() == 1 || i64::try_from(types.len()).ok() == records;
    if records.is_none_or(|records| records < 1) || !fits {
        return Err(unknown());
    }
    Ok(types)
}

fn check_whole(state: &InFlight, member: &str) -> Result<(), AckRefusal> {
    if state.member.is_none() {
        return Err(invalid_state("The batch cannot be acknowledged. The batch is not in the acquired state."));
    }
    if !state.is_with(member) {
        return Err(invalid_state("Member is not the owner of batch record"));
    }
    Ok(())
}

fn check_single(record: &InFlight, member: &str) -> Result<(), AckRefusal> {
    if record.state != RecordState::Acquired {
        return Err(invalid_state("The offset cannot be acknowledged. The offset is not acquired."));
    }
    if !record.is_with(member) {
        return Err(invalid_state("Member is not the owner of offset"));
    }
    Ok(())
}
