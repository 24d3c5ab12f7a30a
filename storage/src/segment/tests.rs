//! The indexes as entries on disk and as answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::offset_index::{Noted, OffsetIndex};
use super::time_index::TimeIndex;
use super::*;
use crate::disk::MemoryDisk;
use crate::ids::ProducerId;

fn disk() -> (MemoryDisk, Arc<dyn Disk>) {
    let disk = MemoryDisk::new();
    (disk.clone(), Arc::new(disk))
}

#[test]
fn offset_index_finds_the_entry_at_or_before() {
    let (files, disk) = disk();
    let path = PathBuf::from("/x.index");
    let mut index = OffsetIndex::new(disk.clone(), path.clone(), Offset(100));
    index.reset().unwrap();
    for (offset, position) in [(102, 10), (105, 50), (110, 90)] {
        index.push(Offset(offset), position).unwrap();
    }
    index.push(Offset(110), 95).unwrap();
    let answers = |index: &OffsetIndex| {
        [99, 100, 102, 104, 105, 109, 110, 999]
            .map(|offset| index.noted_before(Offset(offset)).unwrap().map_or(0, |noted| noted.position))
    };
    assert_eq!(answers(&index), [0, 0, 10, 10, 50, 50, 90, 90]);
    assert!(files.files()[&path].is_empty(), "entries wait in memory");
    index.store().unwrap();
    assert_eq!(files.files()[&path].len(), 24, "the entry that did not ascend is left out");
    let again = OffsetIndex::new(disk, path, Offset(100));
    assert_eq!(answers(&again), answers(&index));
    assert!(again.is_full(24).unwrap() && !again.is_full(32).unwrap());
    index.truncate(Offset(105)).unwrap();
    assert_eq!(answers(&index), [0, 0, 10, 10, 10, 10, 10, 10]);
    index.push(Offset(106), 60).unwrap();
    assert_eq!(index.last_noted().unwrap(), Some(Noted { offset: Offset(106), position: 60 }));
}

#[test]
fn time_index_takes_only_younger_entries() {
    let (_, disk) = disk();
    let mut index = TimeIndex::new(disk, PathBuf::from("/x.timeindex"), Offset(10));
    index.reset().unwrap();
    for (time, offset) in [(5, 11), (5, 12), (4, 13), (9, 14), (10, 12)] {
        index.maybe_push(Timestamp(time), Offset(offset)).unwrap();
    }
    let at = |time| index.lookup(Timestamp(time)).unwrap();
    assert_eq!(at(4), (Timestamp(-1), Offset(10)));
    assert_eq!(at(5), (Timestamp(5), Offset(11)));
    assert_eq!(at(99), (Timestamp(9), Offset(14)));
    assert!(!index.is_full(48).unwrap() && index.is_full(36).unwrap(), "room for one is kept");
}

#[test]
fn half_an_entry_at_the_end_of_a_file_is_cut_off() {
    let (files, disk) = disk();
    let path = Path::new("/x.index");
    disk.write_atomic(path, &[0, 0, 0, 5, 0, 0, 0, 9, 1, 2, 3]).unwrap();
    let mut index = OffsetIndex::new(disk, path.to_owned(), Offset(0));
    assert_eq!(index.noted_before(Offset(7)).unwrap(), Some(Noted { offset: Offset(5), position: 9 }));
    index.push(Offset(8), 20).unwrap();
    index.store().unwrap();
    assert_eq!(files.files()[path], [0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 20]);
}

proptest! {
    #[test]
    fn offset_index_agrees_with_a_list(steps in prop::collection::vec((1i64..5, 1u64..100), 0..700), probe in 0i64..2000) {
        let (_, disk) = disk();
        let mut index = OffsetIndex::new(disk, PathBuf::from("/x.index"), Offset(0));
        index.reset().unwrap();
        let (mut offset, mut position, mut list) = (0, 0, Vec::new());
        for (by, bytes) in steps {
            (offset, position) = (offset + by, position + bytes);
            index.push(Offset(offset), position).unwrap();
            list.push(Noted { offset: Offset(offset), position });
        }
        let expected = list.iter().rev().find(|noted| noted.offset.0 <= probe).copied();
        prop_assert_eq!(index.noted_before(Offset(probe)).unwrap(), expected);
        let within = list.iter().rev().find(|noted| noted.offset.0 < probe && noted.position <= 9_000).copied();
        prop_assert_eq!(index.noted_within(Offset(probe), 9_000).unwrap(), within);
        prop_assert_eq!(index.last_noted().unwrap(), list.last().copied());
    }

    #[test]
    fn arbitrary_index_files_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let (_, disk) = disk();
        for suffix in [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX] {
            disk.write_atomic(&file_path(Path::new("/"), Offset(0), suffix), &bytes).unwrap();
        }
        let config = IndexConfig { interval_bytes: 10, max_bytes: 1000 };
        let segment = Segment::open(disk, Path::new("/"), Offset(0), config, Timestamp(0)).unwrap();
        let _ = segment.end_offset();
        let _ = segment.read(Offset(5), 100, Offset(1000), true, false);
        let _ = segment.find_time(Timestamp(3), Offset(0));
        let _ = segment.collect_aborted(Offset(0), Offset(10), &mut Vec::new());
        let _ = segment.indexes_full();
    }

    #[test]
    fn aborted_transactions_agree_with_a_list(
        spans in prop::collection::vec((0i64..50, 1i64..20), 0..200), from in 0i64..300, to in 0i64..300,
    ) {
        let (_, disk) = disk();
        let mut index = AbortIndex::new(disk, PathBuf::from("/x.txnindex"));
        let (mut marker, mut list) = (50, vec![]);
        for (length, step) in spans {
            marker += step;
            // The stable offset may be held back by any older transaction; here by none, so that the list is complete.
            let aborted = AbortedTransaction {
                producer_id: ProducerId(1),
                first_offset: Offset(marker - length),
                last_offset: Offset(marker),
                last_stable_offset: Offset(0),
            };
            index.push(aborted).unwrap();
            list.push(aborted);
        }
        let mut found = Vec::new();
        index.collect(Offset(from), Offset(to), &mut found).unwrap();
        list.retain(|aborted| aborted.last_offset.0 >= from && aborted.first_offset.0 < to);
        prop_assert_eq!(found, list);
    }
}
