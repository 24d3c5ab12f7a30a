//! States one upon the other: the cases that PersisterStateBatchCombiner draws.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::combine::combine;
use super::*;

fn combined(so_far: &[StateBatch], new: &[StateBatch], start: i64) -> Vec<StateBatch> {
    combine(so_far.iter().chain(new), start)
}

#[test]
fn alike_neighbours_and_overlaps_become_one() {
    assert_eq!(combined(&[batch(100, 110, 0, 1)], &[batch(111, 119, 0, 1)], -1), [batch(100, 119, 0, 1)]);
    assert_eq!(combined(&[batch(100, 115, 0, 1)], &[batch(110, 119, 0, 1)], -1), [batch(100, 119, 0, 1)]);
    let apart = [batch(100, 110, 0, 1), batch(112, 119, 0, 1)];
    assert_eq!(combined(&apart[..1], &apart[1..], -1), apart);
}

#[test]
fn more_deliveries_win_and_then_the_later_state() {
    let split = [batch(100, 104, 0, 1), batch(105, 106, 0, 2), batch(107, 110, 0, 1)];
    assert_eq!(combined(&[batch(100, 110, 0, 1)], &[batch(105, 106, 0, 2)], -1), split);
    assert_eq!(combined(&[batch(100, 110, 0, 2)], &[batch(105, 106, 0, 1)], -1), [batch(100, 110, 0, 2)]);
    assert_eq!(combined(&[batch(100, 110, 0, 1)], &[batch(100, 110, 2, 1)], -1), [batch(100, 110, 2, 1)]);
    assert_eq!(combined(&[batch(100, 110, 2, 1)], &[batch(100, 110, 0, 1)], -1), [batch(100, 110, 2, 1)]);
    let longer = [batch(100, 110, 0, 2), batch(111, 115, 2, 1)];
    assert_eq!(combined(&[batch(100, 110, 0, 2)], &[batch(105, 115, 2, 1)], -1), longer);
}

#[test]
fn what_is_before_the_start_offset_is_dropped() {
    let batches = [batch(100, 110, 0, 1), batch(111, 120, 2, 1)];
    assert_eq!(combined(&batches, &[], 105), [batch(105, 110, 0, 1), batch(111, 120, 2, 1)]);
    assert_eq!(combined(&batches, &[], 121), []);
}

proptest! {
    #[test]
    fn each_record_has_its_highest_state(
        batches in proptest::collection::vec((0i64..30, 0i64..10, 0i8..3, 1i16..4), 0..12),
        start in -1i64..30,
    ) {
        let batches: Vec<StateBatch> =
            batches.into_iter().map(|(first, more, state, count)| batch(first, first + more, 2 * state, count)).collect();
        let mut expected = BTreeMap::new();
        for batch in &batches {
            for offset in batch.first_offset.max(start)..=batch.last_offset {
                let rank = (batch.delivery_count, batch.delivery_state);
                expected.entry(offset).and_modify(|best| *best = rank.max(*best)).or_insert(rank);
            }
        }
        let combined = combined(&batches, &[], start);
        let mut found = BTreeMap::new();
        for batch in &combined {
            for offset in batch.first_offset..=batch.last_offset {
                prop_assert_eq!(found.insert(offset, (batch.delivery_count, batch.delivery_state)), None);
            }
        }
        prop_assert_eq!(found, expected);
    }
}
