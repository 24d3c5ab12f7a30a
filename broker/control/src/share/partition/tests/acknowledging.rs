//! Acknowledging: what each type does, what is refused, and what a failed write undoes.

use super::*;
use crate::error_code::ErrorCode;

fn refusal(partition: &mut SharePartition, id: &str, batch: AcknowledgementBatch) -> (ErrorCode, String) {
    let refusal = partition.acknowledge(NOW, id, &[batch]).unwrap_err();
    (refusal.error, refusal.message)
}

#[test]
fn an_accepted_batch_moves_the_start_offset_once_it_is_durable() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4), batch(5, 9)]);
    let change = partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).unwrap();
    let write = change.write.unwrap();
    assert_eq!((write.state_epoch, write.leader_epoch, write.start_offset), (3, 7, 0));
    assert_eq!(write.delivery_complete_count, 5);
    assert_eq!(write.batches.iter().map(|b| (b.first_offset, b.last_offset)).collect::<Vec<_>>()[0].0, 0);
    assert_eq!(partition.start_offset(), 0);
    assert!(partition.write_done(NOW, write.id, true));
    assert_eq!((partition.start_offset(), partition.end_offset()), (5, 9));
}

#[test]
fn each_record_may_have_its_own_type() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let written = acknowledge(&mut partition, "a", &[ack(0, 4, &[1, 3, 2, 0, 1])]);
    let states: Vec<i8> = written.iter().map(|batch| batch.delivery_state).collect();
    assert_eq!(states, [2, 4, 0, 4, 2]);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (2, 2));
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 4)]), [records(2, 2, 2)]);
    acknowledge(&mut partition, "b", &[ack(2, 2, &[1])]);
    assert_eq!((partition.start_offset(), partition.in_flight()), (5, 0));
}

#[test]
fn records_of_others_and_records_that_are_not_acquired_are_refused() {
    use ErrorCode::{InvalidRecordState, InvalidRequest};
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(5, 9)]);
    let not_found = "Batch record not found. The request batch offsets are not found in the cache.";
    assert_eq!(refusal(&mut partition, "a", ack(0, 20, &[1])).0, InvalidRequest);
    let mut empty = new();
    assert_eq!(refusal(&mut empty, "a", ack(0, 4, &[1])), (InvalidRecordState, not_found.into()));
    let owner = "Member is not the owner of batch record";
    assert_eq!(refusal(&mut partition, "b", ack(5, 9, &[1])), (InvalidRecordState, owner.into()));
    let past = "Batch record not found. The first offset in request is past acquired records.";
    assert_eq!(refusal(&mut partition, "a", ack(10, 12, &[1])), (InvalidRequest, past.into()));
    let past = "Batch record not found. The last offset in request is past acquired records.";
    assert_eq!(refusal(&mut partition, "a", ack(7, 12, &[1])), (InvalidRequest, past.into()));
    acknowledge(&mut partition, "a", &[ack(6, 6, &[1])]);
    let again = "The offset cannot be acknowledged. The offset is not acquired.";
    assert_eq!(refusal(&mut partition, "a", ack(6, 6, &[1])), (InvalidRecordState, again.into()));
    let owner = "Member is not the owner of offset";
    assert_eq!(refusal(&mut partition, "b", ack(7, 7, &[1])), (InvalidRecordState, owner.into()));
    for types in [&[5][..], &[][..], &[1, 1][..]] {
        assert_eq!(refusal(&mut partition, "a", ack(7, 9, types)).0, InvalidRequest);
    }
    assert_eq!(refusal(&mut partition, "a", ack(9, 7, &[1])).0, InvalidRequest);
}

#[test]
fn a_batch_that_was_released_is_not_acquired() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acknowledge(&mut partition, "a", &[ack(0, 4, &[2])]);
    let message = "The batch cannot be acknowledged. The batch is not in the acquired state.";
    assert_eq!(refusal(&mut partition, "a", ack(0, 4, &[1])), (ErrorCode::InvalidRecordState, message.into()));
}

#[test]
fn a_refused_request_changes_nothing() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acquire(&mut partition, "b", &[batch(5, 9)]);
    let late = Timestamp(NOW.0 + 10);
    let request = [ack(0, 1, &[1]), ack(2, 4, &[4]), ack(5, 9, &[1])];
    assert!(partition.acknowledge(late, "a", &request).is_err());
    assert_eq!(partition.record(0), Some((RecordState::Acquired, 1)));
    // The lock that was about to be renewed ends when it would have.
    let change = partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END });
    assert_eq!(change.write.unwrap().batches.len(), 5);
}

#[test]
fn a_failed_write_gives_records_back_to_their_member() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let write = partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).unwrap().write.unwrap();
    // Meanwhile nothing else can be done with them.
    assert!(partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).is_err());
    assert!(!partition.write_done(NOW, write.id, false));
    assert_eq!(partition.record(0), Some((RecordState::Acquired, 1)));
    acknowledge(&mut partition, "a", &[ack(0, 4, &[1])]);
    assert_eq!(partition.start_offset(), 5);
}

#[test]
fn a_write_that_fails_after_the_lock_has_ended_frees_the_records() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let write = partition.acknowledge(NOW, "a", &[ack(0, 4, &[1])]).unwrap().write.unwrap();
    let change = partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END });
    assert_eq!(change, Change::default());
    assert!(partition.write_done(NOW, write.id, false));
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 4)]), [records(0, 4, 2)]);
}

#[test]
fn a_renewed_lock_ends_later() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let later = Timestamp(NOW.0 + 20_000);
    let change = partition.acknowledge(later, "a", &[ack(0, 4, &[4])]).unwrap();
    let at = Timestamp(later.0 + 30_000);
    assert_eq!(change, Change { timers: vec![(at, LockTimer { first: 0, last: 4, at })], ..Default::default() });
    assert_eq!(partition.lock_timed_out(LockTimer { first: 0, last: 4, at: LOCK_END }), Change::default());
    assert!(partition.lock_timed_out(LockTimer { first: 0, last: 4, at }).wake);
    let mut partition = with(SharePartitionConfig { renew_enabled: false, ..Default::default() });
    acquire(&mut partition, "a", &[batch(0, 4)]);
    let message = "Renewing acquisition locks is not enabled for the group.";
    assert_eq!(refusal(&mut partition, "a", ack(0, 4, &[4])), (ErrorCode::InvalidRecordState, message.into()));
}

#[test]
fn the_start_offset_stops_at_the_first_open_record() {
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 9)]);
    acquire(&mut partition, "a", &[batch(10, 19)]);
    acknowledge(&mut partition, "a", &[ack(10, 19, &[1])]);
    assert_eq!(partition.start_offset(), 0);
    acknowledge(&mut partition, "a", &[ack(0, 6, &[1])]);
    assert_eq!(partition.start_offset(), 7);
    acknowledge(&mut partition, "a", &[ack(7, 9, &[3])]);
    assert_eq!((partition.start_offset(), partition.end_offset(), partition.in_flight()), (20, 20, 0));
}
