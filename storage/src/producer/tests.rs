//! Snapshots: round trips and damaged bytes. What producers may write is tested through the log.

use proptest::prelude::*;

use super::*;
use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

fn entry() -> impl Strategy<Value = ProducerEntry> {
    let batch = (0..i32::MAX, 1000..i64::MAX, 0i32..1000);
    (0i64..1000, 0i16..100, -1i32..5, 0i64..1_000_000, prop::option::of(0i64..1000), prop::option::of(batch)).prop_map(
        |(id, epoch, coordinator_epoch, time, start, batch)| {
            let mut entry = ProducerEntry::new(ProducerId(id));
            entry.epoch = ProducerEpoch(epoch);
            entry.coordinator_epoch = coordinator_epoch;
            entry.last_timestamp = Timestamp(time);
            entry.transaction_start = start.map(Offset);
            entry.batches.extend(batch.map(|(sequence, offset, offset_delta)| BatchMetadata {
                last_sequence: Sequence(sequence),
                last_offset: Offset(offset),
                offset_delta,
                timestamp: Timestamp(time),
            }));
            entry
        },
    )
}

#[test]
fn a_batch_that_wraps_knows_its_first_sequence() {
    let batch = |last, offset_delta| BatchMetadata {
        last_sequence: Sequence(last),
        last_offset: Offset(100),
        offset_delta,
        timestamp: Timestamp(0),
    };
    assert_eq!(batch(10, 3).first_sequence(), Sequence(7));
    assert_eq!(batch(0, 1).first_sequence(), Sequence(i32::MAX));
    assert_eq!(batch(2, 4).first_sequence(), Sequence(i32::MAX - 1));
    assert_eq!(batch(10, 3).first_offset(), Offset(97));
}

proptest! {
    #[test]
    fn snapshots_read_back(entries in prop::collection::vec(entry(), 0..20)) {
        let bytes = write_snapshot(entries.iter());
        prop_assert_eq!(read_snapshot(&bytes).unwrap(), entries);
    }

    #[test]
    fn damaged_snapshots_are_refused(entries in prop::collection::vec(entry(), 1..5), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = write_snapshot(entries.iter());
        let cut = at.index(bytes.len());
        prop_assert!(read_snapshot(&bytes[..cut]).is_err());
        bytes[cut] ^= 1 << bit;
        prop_assert!(read_snapshot(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_snapshot(&bytes);
    }
}
