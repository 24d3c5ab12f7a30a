//! Records that come back by themselves: closed sessions, ended locks, and a log that begins later.

use super::*;

#[test]
fn a_closed_session_gives_back_what_its_member_has() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acquire(&mut partition, "b", &[batch(5, 9)]);
    let change = partition.release("a");
    assert_eq!(partition.next_fetch_offset(), 10, "not before it is durable");
    let written = durable(&mut partition, change);
    assert_eq!(written, [state(0, 4, RecordState::Available, 1)]);
    assert_eq!(partition.next_fetch_offset(), 0);
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 4)]), [records(0, 4, 2)]);
    assert_eq!(partition.release("a"), Change::default());
}

#[test]
fn an_ended_lock_gives_a_record_back_at_once() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acknowledge(&mut partition, "a", &[ack(1, 2, &[1])]);
    let change = partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END });
    assert!(change.wake);
    let available = |offset| state(offset, offset, RecordState::Available, 1);
    assert_eq!(change.write.unwrap().batches, [available(0), available(3), available(4)]);
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 4)]), [records(0, 0, 2), records(3, 4, 2)]);
}

#[test]
fn a_record_whose_lock_ends_on_its_last_delivery_is_archived() {
    let mut partition = with(SharePartitionConfig { delivery_count_limit: 1, ..Default::default() });
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let change = partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END });
    let write = change.write.unwrap();
    assert_eq!(write.batches, [state(0, 4, RecordState::Archived, 1)]);
    // Kafka goes on whether that could be written or not.
    assert!(partition.write_done(NOW, write.id, false));
    assert_eq!(partition.start_offset(), 5);
}

#[test]
fn a_write_that_fails_after_the_lock_has_ended_on_the_last_delivery_does_not_hold_the_window() {
    let mut partition = with(SharePartitionConfig { delivery_count_limit: 1, ..Default::default() });
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acquire(&mut partition, "a", &[batch(5, 9)]);
    acknowledge(&mut partition, "a", &[ack(5, 9, &[1])]);
    let write = partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).unwrap().write.unwrap();
    assert_eq!(partition.start_offset(), 0);
    assert!(partition.write_done(LOCK_END, write.id, false));
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (10, 10));
}

#[test]
fn one_that_is_fenced_changes_nothing() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    partition.fence();
    let refusal = partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).unwrap_err();
    assert_eq!(refusal.error, crate::error_code::ErrorCode::NotLeaderOrFollower);
    assert_eq!(partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END }), Change::default());
    assert_eq!(partition.release("a"), Change::default());
    assert_eq!(partition.record(0), Some((RecordState::Acquired, 1)));
}

#[test]
fn a_lock_taken_anew_outlives_the_timer_of_the_old_one() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acknowledge(&mut partition, "a", &[ack(0, 4, &[2])]);
    let member = member("b");
    let batches = [batch(0, 4)];
    let fetch = Acquire {
        member: &member,
        mode: AcquireMode::BatchOptimized,
        batch_size: 500,
        max_records: 500,
        fetch_offset: 0,
        batches: &batches,
        aborted: &[],
    };
    assert_eq!(partition.acquire(Timestamp(NOW.0 + 5), &fetch).records, [records(0, 4, 2)]);
    assert_eq!(partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END }), Change::default());
}

#[test]
fn a_log_that_begins_later_takes_its_records_along() {
    let mut partition = new();
    partition.log_start_moved(20);
    assert_eq!((partition.start_offset(), partition.end_offset(), partition.next_fetch_offset()), (20, 20, 20));
    acquire(&mut partition, "a", &[batch(20, 29)]);
    acknowledge(&mut partition, "a", &[ack(20, 29, &[2])]);
    acquire(&mut partition, "a", &[batch(20, 29), batch(30, 39)]);
    acknowledge(&mut partition, "a", &[ack(20, 29, &[2])]);
    partition.log_start_moved(25);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (25, 25));
    assert_eq!(partition.record(24), Some((RecordState::Archived, 2)));
    partition.log_start_moved(35);
    // Acquired records before it are archived when they come back.
    let change = partition.release("a");
    let states: Vec<(i64, i8)> =
        change.write.unwrap().batches.iter().map(|batch| (batch.first_offset, batch.delivery_state)).collect();
    assert_eq!(&states[..2], [(30, 4), (31, 4)]);
    assert_eq!(&states[5..], [(35, 0), (36, 0), (37, 0), (38, 0), (39, 0)]);
    partition.log_start_moved(50);
    assert_eq!((partition.end_offset(), partition.next_fetch_offset()), (50, 50));
    assert_eq!(acquire(&mut partition, "b", &[batch(45, 54)]), [records(50, 54, 1)]);
    partition.log_start_moved(10);
    assert_eq!(partition.start_offset(), 50);
}

#[test]
fn the_next_lock_that_ends_is_known() {
    let mut partition = new();
    assert_eq!(partition.next_lock_end(), None);
    acquire(&mut partition, "a", &[batch(0, 4)]);
    assert_eq!(partition.next_lock_end(), Some(LOCK_END));
    let renewed = partition.acknowledge(NOW.plus_ms(5), "a", &[ack(0, 4, &[4])]).unwrap();
    assert_eq!((renewed.write, partition.next_lock_end()), (None, Some(LOCK_END.plus_ms(5))));
    // An acknowledgement that may fail yet, and then the lock holds again.
    let change = partition.acknowledge(NOW, "a", &[ack(0, 1, &[1])]).unwrap();
    acknowledge(&mut partition, "a", &[ack(2, 4, &[1])]);
    assert_eq!(partition.next_lock_end(), Some(LOCK_END.plus_ms(5)));
    let all = LockTimer { first: i64::MIN, last: i64::MAX, at: LOCK_END.plus_ms(5) };
    partition.lock_timed_out(all);
    assert_eq!(partition.next_lock_end(), None, "it has ended, and the write decides what becomes of its records");
    partition.write_done(all.at, change.write.unwrap().id, false);
    assert_eq!((partition.next_lock_end(), partition.next_fetch_offset()), (None, 0));
    acquire(&mut partition, "a", &[batch(0, 4)]);
    partition.fence();
    assert_eq!(partition.next_lock_end(), None);
}
