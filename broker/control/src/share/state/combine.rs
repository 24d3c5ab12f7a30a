//! States of records, one upon the other (Kafka: PersisterStateBatchCombiner).
//!
//! Of two states of a record the one after more deliveries counts, and after equally many the one with the higher number: what
//! is acknowledged stays so. Which came first does not matter.

use std::collections::BTreeMap;

use crate::share::partition::StateBatch;

/// How often records were delivered, and their state: what decides between two states.
type Rank = (i16, i8);

/// The states of records from `start_offset` on (-1: of all), in order and without overlap; neighbours that are alike are one.
pub(super) fn combine<'a>(batches: impl Iterator<Item = &'a StateBatch>, start_offset: i64) -> Vec<StateBatch> {
    let mut changes: BTreeMap<i64, Vec<(Rank, i32)>> = BTreeMap::new();
    for batch in batches {
        let first = if start_offset == -1 { batch.first_offset } else { batch.first_offset.max(start_offset) };
        if first <= batch.last_offset {
            let rank = (batch.delivery_count, batch.delivery_state);
            changes.entry(first).or_default().push((rank, 1));
            changes.entry(batch.last_offset.saturating_add(1)).or_default().push((rank, -1));
        }
    }
    let mut open: BTreeMap<Rank, i32> = BTreeMap::new();
    let mut combined: Vec<StateBatch> = Vec::new();
    let mut from = i64::MIN;
    for (offset, here) in changes {
        if let Some(((delivery_count, delivery_state), _)) = open.last_key_value() {
            let last_offset = offset - 1;
            add(
                &mut combined,
                StateBatch {
                    first_offset: from,
                    last_offset,
                    delivery_state: *delivery_state,
                    delivery_count: *delivery_count,
                },
            );
        }
        for (rank, change) in here {
            let count = open.entry(rank).or_default();
            *count += change;
        }
        open.retain(|_, count| *count != 0);
        from = offset;
    }
    combined
}

fn add(combined: &mut Vec<StateBatch>, next: StateBatch) {
    match combined.last_mut() {
        Some(last) if last.last_offset + 1 == next.first_offset && rank(last) == rank(&next) => {
            last.last_offset = next.last_offset;
        }
        _ => combined.push(next),
    }
}

fn rank(batch: &StateBatch) -> Rank {
    (batch.delivery_count, batch.delivery_state)
}
