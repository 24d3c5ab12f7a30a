//! Loading: offsets, gaps, and state that cannot be right.

use super::*;

#[test]
fn begins_with_what_was_persisted() {
    let states = [state(5, 10, RecordState::Available, 2), state(11, 15, RecordState::Archived, 3)];
    let mut partition = loaded(SharePartitionConfig::default(), 5, &states);
    assert_eq!((partition.start_offset(), partition.end_offset()), (5, 15));
    assert_eq!(partition.next_fetch_offset(), 5);
    assert_eq!(partition.record(7), Some((RecordState::Available, 2)));
    assert_eq!(partition.record(12), Some((RecordState::Archived, 3)));
}

#[test]
fn what_is_done_with_at_the_start_is_forgotten() {
    let states = [state(5, 10, RecordState::Acknowledged, 1), state(11, 15, RecordState::Archived, 3)];
    let mut partition = loaded(SharePartitionConfig::default(), 5, &states);
    assert_eq!((partition.start_offset(), partition.end_offset(), partition.in_flight()), (16, 16, 0));
    assert_eq!(partition.next_fetch_offset(), 16);
}

#[test]
fn gaps_of_the_state_are_fetched_once_more() {
    let states = [state(15, 20, RecordState::Acknowledged, 1), state(31, 40, RecordState::Available, 1)];
    let mut partition = loaded(SharePartitionConfig::default(), 10, &states);
    assert_eq!((partition.start_offset(), partition.end_offset()), (10, 40));
    assert_eq!(partition.next_fetch_offset(), 10);
    assert_eq!(acquire(&mut partition, "a", &[batch(10, 14)]), [records(10, 14, 1)]);
    assert_eq!(partition.next_fetch_offset(), 21);
    let got = acquire(&mut partition, "a", &[batch(21, 30), batch(31, 45)]);
    assert_eq!(got, [records(21, 30, 1), records(31, 40, 2), records(41, 45, 1)]);
    assert_eq!(partition.next_fetch_offset(), 46);
}

#[test]
fn a_gap_stops_the_start_offset() {
    let states = [state(15, 20, RecordState::Available, 1)];
    let mut partition = loaded(SharePartitionConfig::default(), 10, &states);
    assert_eq!(acquire(&mut partition, "a", &[batch(10, 14), batch(15, 20)]).len(), 2);
    acknowledge(&mut partition, "a", &[ack(15, 20, &[1])]);
    assert_eq!(partition.start_offset(), 10);
    acknowledge(&mut partition, "a", &[ack(10, 14, &[1])]);
    assert_eq!(partition.start_offset(), 21);
}

#[test]
fn a_gap_that_the_log_has_as_well_is_passed() {
    let states = [state(15, 20, RecordState::Acknowledged, 1)];
    let mut partition = loaded(SharePartitionConfig::default(), 10, &states);
    assert_eq!(partition.next_fetch_offset(), 10);
    assert_eq!(acquire(&mut partition, "a", &[batch(15, 20)]), []);
    assert_eq!(partition.next_fetch_offset(), 21);
}

#[test]
fn state_that_cannot_be_right_is_refused() {
    let refused = |start_offset, batches: Vec<StateBatch>| {
        let state = PersistedState { state_epoch: 0, start_offset, batches };
        SharePartition::load(SharePartitionConfig::default(), 0, &state).unwrap_err()
    };
    let early = refused(6, vec![state(5, 10, RecordState::Available, 1)]);
    assert_eq!(early, LoadError::Overlap { first: 5, expected: 6 });
    let backwards = refused(5, vec![state(15, 10, RecordState::Available, 1)]);
    assert_eq!(backwards, LoadError::Backwards { first: 15, last: 10 });
    let unknown = StateBatch { delivery_state: 3, ..state(5, 5, RecordState::Available, 1) };
    assert_eq!(refused(5, vec![unknown]), LoadError::UnknownState { id: 3, first: 5 });
    let (some, most) = (|first, last| state(first, last, RecordState::Available, 1), MAX_STATE_RECORDS);
    let out_of_range = LoadError::OutOfRange { start_offset: 5 };
    for batches in [vec![some(5, 5 + most)], vec![some(5, 6), some(9, 7 + most)], vec![some(5, i64::MAX - 1)]] {
        assert_eq!(refused(5, batches), out_of_range);
    }
    assert_eq!(refused(5, vec![some(i64::MAX, i64::MAX)]), out_of_range);
    assert_eq!(refused(0, vec![some(0, i64::MAX - 1)]), LoadError::OutOfRange { start_offset: 0 });
    assert_eq!(refused(-2, vec![]), LoadError::OutOfRange { start_offset: -2 });
    // Gaps cost nothing, however large.
    loaded(SharePartitionConfig::default(), 5, &[some(5, 4 + most / 2), some(i64::MAX - most / 2, i64::MAX - 1)]);
}

#[test]
fn a_window_may_begin_at_the_highest_offset() {
    let mut partition = loaded(SharePartitionConfig::default(), i64::MAX, &[]);
    assert_eq!(partition.next_fetch_offset(), i64::MAX);
    assert!(partition.can_acquire());
}

#[test]
fn a_gap_of_the_log_at_the_start_does_not_hold_the_window() {
    // Kafka's canMoveStartOffset finds no batch at the start offset then, and never moves it again.
    let mut partition = loaded(SharePartitionConfig::default(), 5, &[state(6, 6, RecordState::Available, 1)]);
    assert_eq!(acquire(&mut partition, "a", &[batch(6, 6)]), [records(6, 6, 2)]);
    acknowledge(&mut partition, "a", &[ack(6, 6, &[1])]);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (7, 7));
}

#[test]
fn a_gap_that_was_filled_does_not_hold_the_window() {
    // The gap's start has come to what was persisted as done with.
    let states = [state(12, 12, RecordState::Archived, 1), state(14, 14, RecordState::Archived, 1)];
    let mut partition = loaded(SharePartitionConfig::default(), 10, &states);
    assert_eq!(acquire(&mut partition, "a", &[batch(10, 11)]), [records(10, 11, 1)]);
    acknowledge(&mut partition, "a", &[ack(10, 11, &[1])]);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (13, 13));
    assert_eq!(acquire(&mut partition, "a", &[batch(13, 13)]), [records(13, 13, 1)]);
    acknowledge(&mut partition, "a", &[ack(13, 13, &[1])]);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (15, 15));
}
