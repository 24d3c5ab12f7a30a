//! The small text files: what is read, written and read again is the same.

use std::path::Path;
use std::sync::Arc;

use forebay_storage::checkpoint::{
    MetaProperties, PARTITION_METADATA_FILE, RECOVERY_POINT_FILE, read_offset_checkpoint, read_partition_metadata,
    write_offset_checkpoint, write_partition_metadata,
};
use forebay_storage::disk::{Disk, MemoryDisk};
use forebay_storage::epochs::{LEADER_EPOCH_FILE, LeaderEpochs};
use forebay_storage::ids::{LeaderEpoch, Offset};

/// All of the bytes are the content of each kind of file in turn. The checkpoints of the cleaner, of first offsets and of high
/// watermarks are of one kind with the recovery points.
pub fn run(data: &[u8]) {
    let disk = Arc::new(MemoryDisk::new());
    let dir = Path::new("/data");
    let write = |name: &str| disk.write_atomic(&dir.join(name), data).expect("a disk in memory");
    write(RECOVERY_POINT_FILE);
    let path = dir.join(RECOVERY_POINT_FILE);
    if let Ok(offsets) = read_offset_checkpoint(&*disk, &path) {
        write_offset_checkpoint(&*disk, &path, &offsets).expect("a disk in memory");
        assert_eq!(read_offset_checkpoint(&*disk, &path).expect("our own file"), offsets);
    }
    write("meta.properties");
    if let Ok(Some(properties)) = MetaProperties::read(&*disk, dir) {
        properties.write(&*disk, dir).expect("a disk in memory");
        assert_eq!(MetaProperties::read(&*disk, dir).expect("our own file"), Some(properties));
    }
    write(PARTITION_METADATA_FILE);
    if let Ok(Some(id)) = read_partition_metadata(&*disk, dir) {
        write_partition_metadata(&*disk, dir, id).expect("a disk in memory");
        assert_eq!(read_partition_metadata(&*disk, dir).expect("our own file"), Some(id));
    }
    write(LEADER_EPOCH_FILE);
    if let Ok(mut epochs) = LeaderEpochs::open(disk.clone(), dir) {
        epochs_hold(&mut epochs, disk, dir);
    }
}

fn epochs_hold(epochs: &mut LeaderEpochs, disk: Arc<MemoryDisk>, dir: &Path) {
    let ascending = |epochs: &LeaderEpochs| {
        epochs.entries().windows(2).all(|pair| pair[0].epoch < pair[1].epoch && pair[0].start <= pair[1].start)
    };
    for offset in [-1, 0, 5, i64::MAX] {
        let _ = epochs.epoch_at(Offset(offset));
        let _ = epochs.end_offset(LeaderEpoch(offset as i32), Offset(offset));
    }
    let _ = epochs.assign(LeaderEpoch(3), Offset(9));
    assert!(ascending(epochs), "{epochs:?}");
    let _ = epochs.truncate_from_start(Offset(5));
    let _ = epochs.truncate_from_end(Offset(100));
    assert!(ascending(epochs), "{epochs:?}");
    let again = LeaderEpochs::open(disk, dir).expect("our own file");
    assert_eq!(again.entries(), epochs.entries());
}
