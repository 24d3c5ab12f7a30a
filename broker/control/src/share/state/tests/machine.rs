//! Decisions: epochs that fence, snapshots that are due, and what survives a restart.

use super::*;
use crate::share::partition::MAX_STATE_RECORDS;

const NOW: Timestamp = Timestamp(1_000);

/// A coordinator, the log that it writes, and the time.
struct Harness {
    machine: ShareCoordinator,
    log: Vec<crate::machine::LogRecord>,
    now: Timestamp,
}

impl Harness {
    fn new(updates_per_snapshot: u32) -> Harness {
        let config = ShareCoordinatorConfig { updates_per_snapshot, ..Default::default() };
        let mut harness = Harness { machine: ShareCoordinator::new(config), log: Vec::new(), now: NOW };
        harness.run(ShareStateCommand::TopicsChanged(topics()));
        harness
    }

    fn run(&mut self, command: ShareStateCommand) -> Option<ShareStateReply> {
        let decision = self.machine.decide(self.now, command);
        for event in decision.events {
            self.log.extend(event.record());
            self.machine.apply(event);
        }
        decision.replies.into_iter().next().map(|(_, reply)| reply)
    }

    fn initialize(&mut self, state_epoch: i32, start_offset: i64) -> ShareStateReply {
        let key = key();
        self.run(ShareStateCommand::Initialize { reply_to: ReplyTo(0), key, state_epoch, start_offset }).unwrap()
    }

    fn read(&mut self, leader_epoch: i32) -> ShareStateReply {
        self.run(ShareStateCommand::Read { reply_to: ReplyTo(0), key: key(), leader_epoch }).unwrap()
    }

    fn write(&mut self, state_epoch: i32, leader_epoch: i32, start_offset: i64, batches: &[StateBatch]) -> ErrorCode {
        let batches = batches.to_vec();
        let write = WriteState { state_epoch, leader_epoch, start_offset, delivery_complete_count: 7, batches };
        let reply = self.run(ShareStateCommand::Write { reply_to: ReplyTo(0), key: key(), write });
        match reply.unwrap() {
            ShareStateReply::Done(done) => done.err().map_or(ErrorCode::None, |error| error.error),
            other => panic!("{other:?}"),
        }
    }

    fn state(&self) -> ShareState {
        self.machine.state(&key()).unwrap().clone()
    }

    fn is_snapshot(&self) -> bool {
        self.log.last().unwrap().key[1] == 0
    }
}

fn topics() -> Arc<TopicsImage> {
    let topic = Arc::new(TopicInfo::new("t".into(), TOPIC, 4, &[]));
    Arc::new(TopicsImage::default().next(1, [topic]))
}

fn refused(reply: ShareStateReply) -> (ErrorCode, &'static str) {
    let error = match reply {
        ShareStateReply::Done(done) => done.unwrap_err(),
        ShareStateReply::Read(read) => read.unwrap_err(),
        ShareStateReply::Summary(summary) => summary.unwrap_err(),
    };
    (error.error, error.message)
}

#[test]
fn what_was_not_initialized_is_neither_read_nor_written() {
    let mut harness = Harness::new(500);
    let message = "Read operation on uninitialized share partition not allowed.";
    assert_eq!(refused(harness.read(0)), (ErrorCode::InvalidRequest, message));
    assert_eq!(harness.write(0, 0, 0, &[]), ErrorCode::InvalidRequest);
    let summary = harness.run(ShareStateCommand::ReadSummary { reply_to: ReplyTo(0), key: key() });
    let unknown = StateSummary { state_epoch: 0, leader_epoch: 0, start_offset: -1, delivery_complete_count: -1 };
    assert_eq!(summary, Some(ShareStateReply::Summary(Ok(unknown))));
    assert!(harness.log.is_empty());
}

#[test]
fn a_state_begins_fresh_with_each_initialization() {
    let mut harness = Harness::new(500);
    assert_eq!(harness.initialize(1, -1), ShareStateReply::Done(Ok(())));
    assert_eq!((harness.state().delivery_complete_count, harness.state().snapshot_epoch), (-1, 0));
    harness.write(1, 0, 5, &[batch(5, 9, 2, 1)]);
    harness.initialize(2, 20);
    let state = harness.state();
    assert_eq!((state.state_epoch, state.start_offset, state.snapshot_epoch), (2, 20, 1));
    assert_eq!((state.batches, state.delivery_complete_count), (Vec::new(), 0));
    assert_eq!(refused(harness.initialize(1, 0)).0, ErrorCode::FencedStateEpoch);
}

#[test]
fn older_leaders_and_states_are_fenced() {
    let mut harness = Harness::new(500);
    harness.initialize(3, 0);
    harness.read(5);
    assert_eq!(harness.state().leader_epoch, 5);
    assert_eq!(harness.log.len(), 2, "the epoch is kept");
    harness.read(5);
    harness.read(-1);
    assert_eq!(harness.log.len(), 2);
    let message = "The leader epoch in the request is older than the epoch on the broker.";
    assert_eq!(refused(harness.read(4)), (ErrorCode::FencedLeaderEpoch, message));
    assert_eq!(harness.write(3, 4, 0, &[]), ErrorCode::FencedLeaderEpoch);
    assert_eq!(harness.write(2, 5, 0, &[]), ErrorCode::FencedStateEpoch);
    assert_eq!(harness.write(3, 5, 0, &[]), ErrorCode::None);
    assert_eq!(harness.write(-1, -1, 0, &[]), ErrorCode::None);
}

#[test]
fn writes_come_on_top_of_each_other() {
    let mut harness = Harness::new(500);
    harness.initialize(0, 0);
    harness.write(0, 0, 0, &[batch(0, 9, 0, 1), batch(10, 19, 2, 1)]);
    harness.write(0, 0, -1, &[batch(0, 4, 2, 1)]);
    let batches = vec![batch(0, 4, 2, 1), batch(5, 9, 0, 1), batch(10, 19, 2, 1)];
    let read = ReadState { state_epoch: 0, start_offset: 0, batches };
    assert_eq!(harness.read(0), ShareStateReply::Read(Ok(read)));
    harness.write(0, 0, 7, &[]);
    assert_eq!(harness.state().batches, [batch(7, 9, 0, 1), batch(10, 19, 2, 1)]);
    assert_eq!(harness.state().delivery_complete_count, 7);
}

#[test]
fn a_snapshot_follows_as_many_updates_as_are_allowed() {
    let mut harness = Harness::new(2);
    harness.initialize(0, 0);
    let mut snapshots = Vec::new();
    for offset in 0..6 {
        harness.write(0, 0, 0, &[batch(offset, offset, 2, 1)]);
        snapshots.push(harness.is_snapshot());
    }
    assert_eq!(snapshots, [false, false, true, false, false, true]);
    assert_eq!((harness.state().snapshot_epoch, harness.state().batches), (2, vec![batch(0, 5, 2, 1)]));
}

#[test]
fn a_restart_forgets_nothing() {
    let mut harness = Harness::new(3);
    harness.initialize(1, 0);
    harness.read(2);
    for offset in 0..20 {
        harness.write(1, 2, offset / 2, &[batch(offset, offset + 3, 2 * (offset % 2) as i8, 1)]);
        let mut replayed =
            ShareCoordinator::new(ShareCoordinatorConfig { updates_per_snapshot: 3, ..Default::default() });
        for record in &harness.log {
            replayed.apply(ShareStateEvent::parse(&record.key, record.value.as_deref()).unwrap().unwrap());
        }
        assert_eq!(replayed.state(&key()), Some(&harness.state()));
    }
}

#[test]
fn what_is_deleted_is_gone() {
    let mut harness = Harness::new(500);
    let delete = || ShareStateCommand::Delete { reply_to: ReplyTo(0), key: key() };
    assert_eq!(harness.run(delete()), Some(ShareStateReply::Done(Ok(()))));
    assert!(harness.log.is_empty());
    harness.initialize(0, 0);
    harness.run(delete());
    assert_eq!(harness.log.last().unwrap().value, None);
    assert_eq!(harness.machine.state(&key()), None);
    harness.initialize(0, 0);
    harness.run(ShareStateCommand::TopicsDeleted([TOPIC].into()));
    assert_eq!(harness.machine.state(&key()), None);
}

#[test]
fn only_partitions_that_exist_have_a_state() {
    let mut harness = Harness::new(500);
    for (partition, error) in [(4, ErrorCode::UnknownTopicOrPartition), (-1, ErrorCode::InvalidRequest)] {
        let key = SharePartitionKey { partition, ..key() };
        let command = ShareStateCommand::Initialize { reply_to: ReplyTo(0), key, state_epoch: 0, start_offset: 0 };
        assert_eq!(refused(harness.run(command).unwrap()).0, error);
    }
}

#[test]
fn a_state_that_no_leader_can_load_is_not_written() {
    let mut harness = Harness::new(500);
    harness.initialize(0, 0);
    let most = MAX_STATE_RECORDS;
    let ranges: [&[(i64, i64)]; 7] = [
        &[(0, 10_000_000_000)],
        &[(0, i64::MAX - 1)],
        &[(i64::MAX, i64::MAX)],
        &[(-1, 4)],
        &[(9, 5)],
        &[(0, most)],
        &[(0, most / 2), (most, most + most / 2)],
    ];
    for ranges in ranges {
        let batches: Vec<StateBatch> = ranges.iter().map(|(first, last)| batch(*first, *last, 2, 1)).collect();
        assert_eq!(harness.write(0, 0, 0, &batches), ErrorCode::InvalidRequest, "{ranges:?}");
    }
    assert_eq!(harness.write(0, 0, -2, &[]), ErrorCode::InvalidRequest);
    assert_eq!(harness.log.len(), 1, "nothing was written");
    assert_eq!(harness.write(0, 0, 0, &[batch(0, most - 1, 2, 1)]), ErrorCode::None);
}

#[test]
fn what_has_gone_cold_gets_a_snapshot_while_others_are_active() {
    let mut harness = Harness::new(500);
    harness.initialize(0, 0);
    harness.now = Timestamp(NOW.0 + 299_999);
    harness.run(ShareStateCommand::SnapshotCold);
    assert_eq!(harness.log.len(), 1);
    harness.now = Timestamp(NOW.0 + 300_000);
    harness.run(ShareStateCommand::SnapshotCold);
    assert_eq!((harness.log.len(), harness.state().snapshot_epoch), (2, 1));
    assert_eq!((harness.state().created, harness.state().written), (NOW, harness.now));
    harness.now = Timestamp(NOW.0 + 900_000);
    harness.run(ShareStateCommand::SnapshotCold);
    assert_eq!(harness.log.len(), 2, "nothing is active");
}

#[test]
fn many_writes_may_not_amount_to_more_than_one_may_have() {
    for updates_per_snapshot in [0, 500] {
        let mut harness = Harness::new(updates_per_snapshot);
        harness.initialize(0, 0);
        let most = MAX_STATE_RECORDS;
        assert_eq!(harness.write(0, 0, 0, &[batch(0, most - 2, 0, 1)]), ErrorCode::None);
        assert_eq!(harness.write(0, 0, 0, &[batch(0, most - 1, 2, 1)]), ErrorCode::None, "mostly the same records");
        let before = (harness.log.len(), harness.state());
        assert_eq!(harness.write(0, 0, 0, &[batch(2 * most, 2 * most, 2, 1)]), ErrorCode::InvalidRequest);
        assert_eq!((harness.log.len(), harness.state()), before, "all is as it was");
        assert_eq!(harness.write(0, 0, 1, &[batch(2 * most, 2 * most, 2, 1)]), ErrorCode::None, "room for one");
    }
}
