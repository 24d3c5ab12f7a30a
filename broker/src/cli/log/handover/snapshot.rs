//! The file of a KRaft snapshot (Kafka: Snapshots, RecordsSnapshotWriter).

use bytes::Bytes;
use forebay_control::metadata::record::QuorumRecord;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp};

use crate::node::owner::SNAPSHOT_SUFFIX;

/// A batch of a snapshot is closed when it has grown to this; Kafka reads batches of up to 8 MiB.
const LARGEST_BATCH_BYTES: usize = 1024 * 1024;

/// The name of the snapshot of everything before `end`, the last of it written in `epoch`.
pub(super) fn name(end: Offset, epoch: LeaderEpoch) -> String {
    format!("{:020}-{:010}{SNAPSHOT_SUFFIX}", end.0, epoch.0)
}

/// The end and the epoch in a snapshot's name; `None` for other files, those that are half-way written or deleted too.
pub(super) fn parse_name(name: &str) -> Option<(Offset, LeaderEpoch)> {
    let (end, epoch) = name.strip_suffix(SNAPSHOT_SUFFIX)?.split_once('-')?;
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(end, 20) || !digits(epoch, 10) {
        return None;
    }
    Some((Offset(end.parse().ok()?), LeaderEpoch(epoch.parse().ok()?)))
}

/// The whole file: the header with what is known of the quorum, the records, the footer.
pub(super) fn encode(
    epoch: LeaderEpoch,
    time: Timestamp,
    quorum: Vec<QuorumRecord>,
    records: &[Bytes],
    now: Timestamp,
) -> Vec<u8> {
    let mut file = File { bytes: Vec::new(), next: 0, epoch };
    let controls = |records: Vec<QuorumRecord>| {
        let mut builder = BatchBuilder::new(Compression::None);
        for (key, value) in records.iter().filter_map(QuorumRecord::encode) {
            builder.push(now, Some(&key), Some(&value), &[]);
        }
        builder
    };
    let mut header = vec![QuorumRecord::SnapshotHeader(time)];
    header.extend(quorum);
    file.add(controls(header), true);
    let mut builder = BatchBuilder::new(Compression::None);
    for record in records {
        if builder.size_in_bytes() > LARGEST_BATCH_BYTES {
            file.add(std::mem::replace(&mut builder, BatchBuilder::new(Compression::None)), false);
        }
        builder.push(now, None, Some(record), &[]);
    }
    file.add(builder, false);
    file.add(controls(vec![QuorumRecord::SnapshotFooter]), true);
    file.bytes
}

struct File {
    bytes: Vec<u8>,
    next: i64,
    epoch: LeaderEpoch,
}

impl File {
    /// Adds a batch; its offsets count on from the one before, from 0.
    fn add(&mut self, builder: BatchBuilder, control: bool) {
        if builder.is_empty() {
            return;
        }
        let count = builder.len() as i64;
        let batch = builder.finish(&BatchStamp { control, leader_epoch: self.epoch, ..BatchStamp::default() });
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&batch);
        // The checksum does not cover the base offset.
        self.bytes[start..start + 8].copy_from_slice(&self.next.to_be_bytes());
        self.next += count;
    }
}
