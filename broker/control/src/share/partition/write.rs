//! What is to be persisted, and what follows once it is or has failed (Kafka: SharePartition.rollbackOrProcessStateUpdates).

use forebay_storage::ids::Timestamp;

use super::SharePartition;
use super::in_flight::RecordState;
use super::release::LockTimer;

/// Names a write that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// The state of a run of records, as the share coordinator keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateBatch {
    /// First offset.
    pub first_offset: i64,
    /// Last offset, included.
    pub last_offset: i64,
    /// [`RecordState::id`].
    pub delivery_state: i8,
    /// How often the records were delivered.
    pub delivery_count: i16,
}

/// A change to be written by the share coordinator (WriteShareGroupState); its outcome goes to [`SharePartition::write_done`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    /// Names it.
    pub id: WriteId,
    /// Epoch of the state that it changes.
    pub state_epoch: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// SPSO at this time.
    pub start_offset: i64,
    /// How many records from SPSO on are acknowledged or archived.
    pub delivery_complete_count: i32,
    /// The records that have changed.
    pub batches: Vec<StateBatch>,
}

/// What follows from a change of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// To be persisted; the answer to the client waits for it.
    pub write: Option<StateWrite>,
    /// Locks to watch.
    pub timers: Vec<(Timestamp, LockTimer)>,
    /// Whether fetches that wait may find records now.
    pub wake: bool,
}

impl SharePartition {
    /// The write named `id` is durable, or has failed. Returns whether fetches that wait may find records now.
    ///
    /// After a failure records are with their members again, unless their locks have ended.
    pub fn write_done(&mut self, now: Timestamp, id: WriteId, durable: bool) -> bool {
        let Some(ranges) = self.pending.remove(&id) else { return false };
        let available = self.end_leaves(now, id, durable, &ranges);
        // Also after a failure: locks have ended whatever becomes of their write, and a record whose lock has ended on its last delivery
        // is archived. Nothing would come later to move on for it.
        let moved = self.advance_start();
        available || moved
    }

    pub(super) fn new_write_id(&mut self) -> WriteId {
        self.next_write += 1;
        WriteId(self.next_write)
    }

    /// The write of changes that have begun.
    pub(super) fn write(&mut self, id: WriteId, batches: Vec<StateBatch>, awaited: bool) -> Option<StateWrite> {
        if batches.is_empty() {
            return None;
        }
        let ranges = if awaited { ranges_of(&batches) } else { Vec::new() };
        self.pending.insert(id, ranges);
        Some(StateWrite {
            id,
            state_epoch: self.state_epoch,
            leader_epoch: self.leader_epoch,
            start_offset: self.start,
            delivery_complete_count: self.delivery_complete_count(),
            batches,
        })
    }

    /// Ends the changes that `id` stands for; whether a record is available by that.
    pub(super) fn end_leaves(&mut self, now: Timestamp, id: WriteId, durable: bool, ranges: &[(i64, i64)]) -> bool {
        let mut available = false;
        for (first, last) in ranges {
            for key in self.keys(*first, *last) {
                let Some(batch) = self.cache.get_mut(&key) else { continue };
                for (_, _, record) in batch.runs_mut() {
                    if record.undo.as_ref().is_some_and(|undo| undo.write == id) {
                        record.end_leave(now, durable, self.config.delivery_count_limit);
                        available |= record.state == RecordState::Available;
                    }
                }
            }
        }
        self.look_for_available |= available;
        available
    }

    /// How many records from the start offset on are done with, or will be once what is under way is durable.
    pub(super) fn delivery_complete_count(&self) -> i32 {
        let runs = self.cache.values().flat_map(|batch| batch.runs());
        let done = runs.filter(|(_, last, record)| record.state.is_terminal() && *last >= self.start);
        let count: i64 = done.map(|(first, last, _)| last - first.max(self.start) + 1).sum();
        i32::try_from(count).unwrap_or(i32::MAX)
    }
}

pub(super) fn ranges_of(batches: &[StateBatch]) -> Vec<(i64, i64)> {
    batches.iter().map(|batch| (batch.first_offset, batch.last_offset)).collect()
}
