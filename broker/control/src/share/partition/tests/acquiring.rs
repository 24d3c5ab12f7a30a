//! Acquiring: who gets what, and how much of it.

use super::*;

#[test]
fn records_go_to_one_member_only() {
    let mut partition = new();
    assert_eq!(acquire(&mut partition, "a", &[batch(0, 4)]), [records(0, 4, 1)]);
    assert_eq!(partition.next_fetch_offset(), 5);
    let member = member("b");
    let batches = [batch(0, 4), batch(5, 9)];
    let fetch = Acquire {
        member: &member,
        mode: AcquireMode::BatchOptimized,
        batch_size: 500,
        max_records: 500,
        fetch_offset: 0,
        batches: &batches,
        aborted: &[],
    };
    assert_eq!(partition.acquire(NOW, &fetch).records, [records(5, 9, 1)]);
}

#[test]
fn a_log_that_begins_later_moves_the_start_offset() {
    let mut partition = new();
    assert_eq!(acquire(&mut partition, "a", &[batch(10, 14)]), [records(10, 14, 1)]);
    assert_eq!((partition.start_offset(), partition.end_offset()), (10, 14));
    assert_eq!(partition.next_fetch_offset(), 15);
}

#[test]
fn new_records_come_in_parts_of_the_batch_size() {
    let mut partition = new();
    let batches = [batch(0, 1), batch(2, 6), batch(7, 11), batch(12, 14)];
    let member = member("a");
    let fetch = Acquire {
        member: &member,
        mode: AcquireMode::BatchOptimized,
        batch_size: 5,
        max_records: 100,
        fetch_offset: 0,
        batches: &batches,
        aborted: &[],
    };
    let got = partition.acquire(NOW, &fetch);
    assert_eq!(got.records, [records(0, 6, 1), records(7, 11, 1), records(12, 14, 1)]);
    assert_eq!(got.timers[0], (LOCK_END, LockTimer { first: 0, last: 6, at: LOCK_END }));
}

#[test]
fn whole_batches_may_exceed_the_most_records_unless_records_are_counted() {
    let batches = [batch(0, 9), batch(10, 19), batch(20, 29)];
    let mut partition = new();
    let got = acquire_most(&mut partition, "a", &batches, 5, AcquireMode::BatchOptimized);
    assert_eq!(got.records, [records(0, 9, 1)]);
    assert_eq!(partition.next_fetch_offset(), 10);
    let mut partition = new();
    let got = acquire_most(&mut partition, "a", &batches, 5, AcquireMode::RecordLimit);
    assert_eq!(got.records, [records(0, 4, 1)]);
    assert_eq!((partition.next_fetch_offset(), partition.end_offset()), (5, 9));
    assert_eq!(partition.record(5), Some((RecordState::Available, 0)));
    let got = acquire_most(&mut partition, "b", &batches, 7, AcquireMode::RecordLimit);
    assert_eq!(got.records, [records(5, 9, 1), records(10, 11, 1)]);
}

#[test]
fn records_in_flight_are_limited() {
    // What was released within the window can still be had.
    let mut partition = with(SharePartitionConfig { max_record_locks: 20, ..Default::default() });
    acquire(&mut partition, "a", &[batch(0, 14)]);
    assert!(partition.can_acquire());
    let got = acquire(&mut partition, "a", &[batch(15, 24), batch(25, 34)]);
    assert_eq!(got, [records(15, 24, 1)]);
    assert!(!partition.can_acquire());
    assert_eq!(acquire(&mut partition, "a", &[batch(25, 34)]), []);
    acknowledge(&mut partition, "a", &[ack(12, 12, &[2])]);
    assert!(partition.can_acquire());
    assert_eq!(partition.next_fetch_offset(), 12);
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 14), batch(15, 24), batch(25, 34)]), [records(12, 12, 2)]);
}

#[test]
fn deliveries_end_at_the_limit() {
    let mut partition = with(SharePartitionConfig { delivery_count_limit: 2, ..Default::default() });
    for delivery in 1..=2 {
        assert_eq!(acquire(&mut partition, "a", &[batch(0, 4)]), [records(0, 4, delivery)]);
        acknowledge(&mut partition, "a", &[ack(0, 4, &[2])]);
    }
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (5, 5));
}

#[test]
fn records_that_fail_go_in_ever_smaller_company() {
    // Kafka: a batch of 8 with a limit of 5 is throttled from the third delivery on.
    let mut partition = new();
    for _ in 0..3 {
        acquire(&mut partition, "a", &[batch(0, 7)]);
        acknowledge(&mut partition, "a", &[ack(0, 7, &[2])]);
    }
    assert_eq!(acquire(&mut partition, "a", &[batch(0, 7)]), [records(0, 3, 4)]);
    acknowledge(&mut partition, "a", &[ack(0, 3, &[2])]);
    assert_eq!(acquire(&mut partition, "a", &[batch(0, 7)]), [records(0, 0, 5)]);
    assert_eq!(acquire(&mut partition, "b", &[batch(0, 7)]), [records(1, 1, 5)]);
}

#[test]
fn records_that_were_compacted_away_are_archived() {
    // Kafka: SharePartition.maybeArchiveStaleBatches.
    let mut partition = new();
    acquire(&mut partition, "a", &[batch(0, 4)]);
    acquire(&mut partition, "b", &[batch(5, 9)]);
    acknowledge(&mut partition, "b", &[ack(5, 9, &[2])]);
    assert_eq!(partition.next_fetch_offset(), 5);
    assert_eq!(acquire(&mut partition, "b", &[batch(10, 14)]), [records(10, 14, 1)]);
    assert_eq!(partition.record(7), Some((RecordState::Archived, 1)));
    acknowledge(&mut partition, "a", &[ack(0, 4, &[1])]);
    assert_eq!(partition.start_offset(), 10);
}

#[test]
fn aborted_transactions_are_archived() {
    let mut partition = new();
    let marker = FetchedBatch { is_abort_marker: true, ..transactional(10, 10, 1) };
    let batches = [batch(0, 1), transactional(2, 5, 1), transactional(6, 9, 2), marker, transactional(11, 12, 1)];
    let aborted = [AbortedTransaction { producer_id: ProducerId(1), first_offset: 2 }];
    let member = member("a");
    let fetch = Acquire {
        member: &member,
        mode: AcquireMode::BatchOptimized,
        batch_size: 500,
        max_records: 500,
        fetch_offset: 0,
        batches: &batches,
        aborted: &aborted,
    };
    assert_eq!(partition.acquire(NOW, &fetch).records, [records(0, 1, 1), records(6, 12, 1)]);
    assert_eq!(partition.record(3), Some((RecordState::Archived, 1)));
    acknowledge(&mut partition, "a", &[ack(0, 1, &[1])]);
    assert_eq!(partition.start_offset(), 6);
}

#[test]
fn a_fenced_partition_gives_nothing() {
    let mut partition = new();
    partition.fence();
    assert_eq!(acquire(&mut partition, "a", &[batch(0, 4)]), []);
}
