//! The share coordinator's decisions (Kafka: ShareCoordinatorShard).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};

use super::combine::combine;
use super::command::{SharePartitionKey, ShareStateCommand, WriteState};
use super::event::ShareStateEvent;
use super::record::ShareRecord;
use super::reply::{ReadState, ShareStateError, ShareStateReply, StateSummary};
use super::share_state::{ShareState, ShareUpdate};
use crate::error_code::ErrorCode;
use crate::group::TopicsImage;
use crate::machine::{Decision, Machine};
use crate::share::partition::{MAX_STATE_RECORDS, StateBatch, is_possible};

/// Settings of a share coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareCoordinatorConfig {
    /// `share.coordinator.snapshot.update.records.per.snapshot`, default 500 (0 to 500).
    pub updates_per_snapshot: u32,
    /// `share.coordinator.cold.partition.snapshot.interval.ms` (internal to Kafka), default 300000.
    pub cold_snapshot_interval_ms: i64,
}

impl Default for ShareCoordinatorConfig {
    fn default() -> ShareCoordinatorConfig {
        ShareCoordinatorConfig { updates_per_snapshot: 500, cold_snapshot_interval_ms: 300_000 }
    }
}

/// The share coordinator of one partition of `__share_group_state`.
#[derive(Clone, Debug, Default)]
pub struct ShareCoordinator {
    config: ShareCoordinatorConfig,
    states: BTreeMap<SharePartitionKey, Kept>,
    topics: Arc<TopicsImage>,
}

#[derive(Clone, Debug)]
struct Kept {
    state: ShareState,
    /// Highest leader epoch seen; lower ones are fenced.
    leader_epoch: i32,
    /// Highest state epoch seen; lower ones are fenced.
    state_epoch: i32,
    /// Updates since the last snapshot that was due.
    updates: u32,
}

type ShareDecision = Decision<ShareStateEvent, ShareStateReply, (), ()>;
type Checked<T> = Result<T, ShareStateError>;

impl ShareCoordinator {
    /// A coordinator that keeps nothing yet.
    #[must_use]
    pub fn new(config: ShareCoordinatorConfig) -> ShareCoordinator {
        ShareCoordinator { config, ..ShareCoordinator::default() }
    }

    /// What is kept of a share-partition.
    #[must_use]
    pub fn state(&self, key: &SharePartitionKey) -> Option<&ShareState> {
        self.states.get(key).map(|kept| &kept.state)
    }

    /// The topics that something is kept of and that there are no more.
    #[must_use]
    pub fn topics_gone(&self) -> BTreeSet<TopicId> {
        self.states.keys().map(|key| key.topic_id).filter(|topic| self.topics.by_id(*topic).is_none()).collect()
    }

    fn initialize(&self, now: Timestamp, key: &SharePartitionKey, epoch: i32, start: i64) -> Checked<ShareRecord> {
        check_partition(key)?;
        let kept = self.states.get(key);
        if let Some(kept) = kept {
            check_state_epoch(kept, epoch)?;
        }
        self.check_topic(key)?;
        Ok(ShareRecord::Snapshot(ShareState {
            snapshot_epoch: kept.map_or(0, |kept| kept.state.snapshot_epoch.saturating_add(1)),
            state_epoch: epoch,
            leader_epoch: 0,
            start_offset: start,
            // How far behind a group is can only be told from an offset on.
            delivery_complete_count: if start == -1 { -1 } else { 0 },
            created: now,
            written: now,
            batches: Vec::new(),
        }))
    }

    fn read(
        &self,
        now: Timestamp,
        key: &SharePartitionKey,
        leader_epoch: i32,
    ) -> Checked<(ReadState, Option<ShareRecord>)> {
        check_partition(key)?;
        let kept = self.states.get(key).ok_or(READ_UNINITIALIZED)?;
        check_leader_epoch(kept, leader_epoch)?;
        self.check_topic(key)?;
        let state = &kept.state;
        let read = ReadState {
            state_epoch: state.state_epoch,
            start_offset: state.start_offset,
            batches: state.batches.clone(),
        };
        if leader_epoch == -1 || leader_epoch == kept.leader_epoch {
            return Ok((read, None));
        }
        let fence = WriteState {
            state_epoch: state.state_epoch,
            leader_epoch,
            start_offset: state.start_offset,
            delivery_complete_count: state.delivery_complete_count,
            batches: Vec::new(),
        };
        Ok((read, Some(self.next_record(now, kept, fence, leader_epoch))))
    }

    fn write(&self, now: Timestamp, key: &SharePartitionKey, write: WriteState) -> Checked<ShareRecord> {
        check_partition(key)?;
        let kept = self.states.get(key).ok_or(WRITE_UNINITIALIZED)?;
        check_leader_epoch(kept, write.leader_epoch)?;
        check_state_epoch(kept, write.state_epoch)?;
        self.check_topic(key)?;
        if write.start_offset < -1 || !is_possible(&write.batches) {
            return Err(WRITE_IMPOSSIBLE);
        }
        let record = self.next_record(now, kept, write, kept.state.leader_epoch);
        let after = match &record {
            ShareRecord::Update(update) if !kept.has_room(update) => is_possible(&kept.state.updated(update).batches),
            ShareRecord::Snapshot(state) => is_possible(&state.batches),
            _ => true,
        };
        if after { Ok(record) } else { Err(WRITE_TOO_MUCH) }
    }

    /// A change, or the whole state with it when there were many changes since the last snapshot.
    fn next_record(&self, now: Timestamp, kept: &Kept, write: WriteState, leader_epoch: i32) -> ShareRecord {
        let WriteState { start_offset, delivery_complete_count, .. } = write;
        let update = ShareUpdate {
            snapshot_epoch: kept.state.snapshot_epoch,
            leader_epoch,
            start_offset,
            delivery_complete_count,
            batches: combine(write.batches.iter(), start_offset),
        };
        if kept.updates < self.config.updates_per_snapshot {
            return ShareRecord::Update(update);
        }
        ShareRecord::Snapshot(ShareState {
            snapshot_epoch: kept.state.snapshot_epoch.saturating_add(1),
            created: now,
            written: now,
            ..kept.state.updated(&update)
        })
    }

    fn summary(&self, key: &SharePartitionKey) -> Checked<StateSummary> {
        check_partition(key)?;
        self.check_topic(key)?;
        Ok(self.states.get(key).map_or(StateSummary::UNKNOWN, |kept| StateSummary {
            state_epoch: kept.state.state_epoch,
            leader_epoch: kept.state.leader_epoch,
            start_offset: kept.state.start_offset,
            delivery_complete_count: kept.state.delivery_complete_count,
        }))
    }

    fn delete(&self, key: &SharePartitionKey) -> Checked<Option<ShareRecord>> {
        check_partition(key)?;
        self.check_topic(key)?;
        Ok(self.states.contains_key(key).then_some(ShareRecord::Deleted))
    }

    /// Snapshots of what is not written any more, as long as there is something that is.
    fn snapshot_cold(&self, now: Timestamp) -> ShareDecision {
        let mut decision = ShareDecision::default();
        let is_active = self.states.values().any(|kept| kept.state.created == kept.state.written);
        let oldest = now.plus_ms(-self.config.cold_snapshot_interval_ms);
        for (key, kept) in self.states.iter().filter(|(_, kept)| is_active && kept.state.written <= oldest) {
            let snapshot_epoch = kept.state.snapshot_epoch.saturating_add(1);
            let state = ShareState { snapshot_epoch, written: now, ..kept.state.clone() };
            decision.events.push(recorded(key, ShareRecord::Snapshot(state)));
        }
        decision
    }

    fn check_topic(&self, key: &SharePartitionKey) -> Checked<()> {
        match self.topics.by_id(key.topic_id) {
            Some(topic) if key.partition < topic.partitions() => Ok(()),
            _ => Err(UNKNOWN_PARTITION),
        }
    }
}

fn recorded(key: &SharePartitionKey, record: ShareRecord) -> ShareStateEvent {
    ShareStateEvent::Recorded { key: key.clone(), record }
}

/// Refused for a request that makes no sense.
const fn invalid(message: &'static str) -> ShareStateError {
    ShareStateError { error: ErrorCode::InvalidRequest, message }
}

const READ_UNINITIALIZED: ShareStateError = invalid("Read operation on uninitialized share partition not allowed.");
const WRITE_UNINITIALIZED: ShareStateError = invalid("Write operation on uninitialized share partition not allowed.");
/// Not Kafka's: it keeps what no leader can load.
const WRITE_IMPOSSIBLE: ShareStateError = invalid("The state batches have offsets out of range, or too many records.");
/// Not Kafka's, for the same reason: what many writes amount to.
const WRITE_TOO_MUCH: ShareStateError = invalid("The share partition would have too many records in flight.");
const UNKNOWN_PARTITION: ShareStateError = ShareStateError {
    error: ErrorCode::UnknownTopicOrPartition,
    message: "This server does not host this topic-partition.",
};

fn check_partition(key: &SharePartitionKey) -> Checked<()> {
    if key.partition < 0 { Err(invalid("The partition id cannot be a negative number.")) } else { Ok(()) }
}

fn check_leader_epoch(kept: &Kept, epoch: i32) -> Checked<()> {
    if epoch == -1 || epoch >= kept.leader_epoch {
        return Ok(());
    }
    let message = "The leader epoch in the request is older than the epoch on the broker.";
    Err(ShareStateError { error: ErrorCode::FencedLeaderEpoch, message })
}

fn check_state_epoch(kept: &Kept, epoch: i32) -> Checked<()> {
    if epoch == -1 || epoch >= kept.state_epoch {
        return Ok(());
    }
    let message = "The share coordinator rejected the request because the share-group state epoch did not match.";
    Err(ShareStateError { error: ErrorCode::FencedStateEpoch, message })
}

impl Machine for ShareCoordinator {
    type Command = ShareStateCommand;
    type Event = ShareStateEvent;
    type Reply = ShareStateReply;
    type Timer = ();
    type Effect = ();

    fn decide(&self, now: Timestamp, command: ShareStateCommand) -> ShareDecision {
        let (reply_to, key, record, reply) = match command {
            ShareStateCommand::Initialize { reply_to, key, state_epoch, start_offset } => {
                let (record, done) =
                    parted(self.initialize(now, &key, state_epoch, start_offset).map(|r| ((), Some(r))));
                (reply_to, key, record, ShareStateReply::Done(done))
            }
            ShareStateCommand::Read { reply_to, key, leader_epoch } => {
                let (record, read) = parted(self.read(now, &key, leader_epoch));
                (reply_to, key, record, ShareStateReply::Read(read))
            }
            ShareStateCommand::Write { reply_to, key, write } => {
                let (record, done) = parted(self.write(now, &key, write).map(|record| ((), Some(record))));
                (reply_to, key, record, ShareStateReply::Done(done))
            }
            ShareStateCommand::Delete { reply_to, key } => {
                let (record, done) = parted(self.delete(&key).map(|record| ((), record)));
                (reply_to, key, record, ShareStateReply::Done(done))
            }
            ShareStateCommand::ReadSummary { reply_to, key } => {
                let summary = self.summary(&key);
                (reply_to, key, None, ShareStateReply::Summary(summary))
            }
            ShareStateCommand::SnapshotCold => return self.snapshot_cold(now),
            ShareStateCommand::TopicsDeleted(topics) => {
                let gone = self.states.keys().filter(|key| topics.contains(&key.topic_id));
                let events = gone.map(|key| recorded(key, ShareRecord::Deleted)).collect();
                return ShareDecision { events, ..ShareDecision::default() };
            }
            ShareStateCommand::TopicsChanged(topics) => {
                return ShareDecision { events: vec![ShareStateEvent::Topics(topics)], ..ShareDecision::default() };
            }
        };
        let events = record.map(|record| recorded(&key, record)).into_iter().collect();
        ShareDecision { events, replies: vec![(reply_to, reply)], ..ShareDecision::default() }
    }

    fn apply(&mut self, event: ShareStateEvent) {
        match event {
            ShareStateEvent::Recorded { key, record: ShareRecord::Snapshot(state) } => {
                let (leader_epoch, state_epoch) = (state.leader_epoch, state.state_epoch);
                let kept = Kept { state, leader_epoch, state_epoch, updates: 0 };
                match self.states.get_mut(&key) {
                    Some(before) => *before = before.followed_by(kept, self.config.updates_per_snapshot),
                    None => {
                        self.states.insert(key, kept);
                    }
                }
            }
            ShareStateEvent::Recorded { key, record: ShareRecord::Update(update) } => match self.states.get_mut(&key) {
                Some(kept) => kept.update(&update),
                None => {
                    let state = ShareState::of(&update);
                    let (leader_epoch, state_epoch) = (state.leader_epoch, state.state_epoch);
                    self.states.insert(key, Kept { state, leader_epoch, state_epoch, updates: 1 });
                }
            },
            ShareStateEvent::Recorded { key, record: ShareRecord::Deleted } => {
                self.states.remove(&key);
            }
            ShareStateEvent::Topics(topics) => self.topics = topics,
        }
    }

    fn timer_command((): ()) -> ShareStateCommand {
        // No timers are armed; were one, nothing would come of it.
        ShareStateCommand::TopicsDeleted(std::collections::BTreeSet::new())
    }
}

impl Kept {
    /// The snapshot `next` after this. Only one that was due starts the count of updates anew.
    fn followed_by(&self, next: Kept, updates_per_snapshot: u32) -> Kept {
        Kept {
            leader_epoch: self.leader_epoch.max(next.leader_epoch),
            state_epoch: self.state_epoch.max(next.state_epoch),
            updates: if self.updates >= updates_per_snapshot { 0 } else { self.updates },
            state: next.state,
        }
    }

    /// Whether a change cannot make it too much, wherever its records lie.
    fn has_room(&self, update: &ShareUpdate) -> bool {
        records_in(&self.state.batches).saturating_add(records_in(&update.batches)) <= MAX_STATE_RECORDS
    }

    fn update(&mut self, update: &ShareUpdate) {
        self.leader_epoch = self.leader_epoch.max(update.leader_epoch);
        self.state = self.state.updated(update);
        self.updates = self.updates.saturating_add(1);
    }
}

fn records_in(batches: &[StateBatch]) -> i64 {
    batches
        .iter()
        .fold(0, |sum: i64, batch| sum.saturating_add((batch.last_offset - batch.first_offset).saturating_add(1)))
}

fn parted<T>(outcome: Checked<(T, Option<ShareRecord>)>) -> (Option<ShareRecord>, Checked<T>) {
    match outcome {
        Ok((reply, record)) => (record, Ok(reply)),
        Err(error) => (None, Err(error)),
    }
}
