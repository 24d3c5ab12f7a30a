//! Which segments become one (Kafka: Cleaner.groupSegmentsBySize).

use super::task::Source;
use crate::segment::IndexConfig;

/// Bytes of an entry of the time index, the larger of the two.
const INDEX_ENTRY: u64 = 12;

/// Neighbours that fit together into a segment, by the size that they have now.
pub(super) fn group(sources: Vec<Source>, segment_bytes: u64, index: IndexConfig) -> Vec<Vec<Source>> {
    // What is written has an index entry each so many bytes at most, however the sources are indexed.
    let entries = |bytes: u64| bytes / (index.interval_bytes as u64).max(1) + 2;
    let mut groups: Vec<Vec<Source>> = Vec::new();
    let mut bytes = 0;
    for source in sources {
        bytes += source.size;
        let room = bytes <= segment_bytes && entries(bytes) * INDEX_ENTRY <= index.max_bytes as u64;
        match groups.last_mut() {
            // Indexes hold 31 bits of offsets.
            Some(group) if room && source.end.0 - 1 - group[0].base.0 <= i64::from(i32::MAX) => group.push(source),
            _ => {
                bytes = source.size;
                groups.push(vec![source]);
            }
        }
    }
    groups
}
