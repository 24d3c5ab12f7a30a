//! The header of a batch, the walk over batches, and an append of what may be one.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::batch::{Batch, BatchHeader, ControlRecord, HEADER_SIZE, batches};
use forebay_storage::disk::MemoryDisk;
use forebay_storage::ids::LeaderEpoch;
use forebay_storage::log::{Log, LogConfig};

use super::logs::{as_client, ask, options};
use super::tree::repair_batches;

/// The first byte says how the rest is treated: 1 gives batches the checksum of their content, 2 compacts the topic.
pub fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let mut bytes = rest.to_vec();
    if how & 1 != 0 {
        repair_batches(&mut bytes);
    }
    header(&bytes);
    let bytes = Bytes::from(bytes);
    let mut walked = 0;
    for batch in batches(bytes.clone()) {
        let Ok(batch) = batch else { break };
        walked += batch.bytes.len();
        look_at(&batch);
    }
    assert!(walked <= bytes.len());
    append(bytes, how & 2 != 0);
}

fn header(bytes: &[u8]) {
    let Ok(header) = BatchHeader::parse(bytes) else { return };
    assert_eq!(header.encode(), bytes[..HEADER_SIZE], "a header reads back");
    assert!(header.size_in_bytes() >= HEADER_SIZE);
    let _ = (header.last_offset(), header.next_offset(), header.last_sequence(), header.delete_horizon());
    let _ = (header.compression(), header.timestamp_type(), header.is_control(), header.has_producer());
}

fn look_at(batch: &Batch) {
    let _ = batch.check_crc();
    let Ok(records) = batch.records() else { return };
    let good = records.iter().map_while(Result::ok);
    for record in good {
        assert!(record.headers.iter().count() == record.headers.len());
        if batch.header.is_control() {
            let _ = ControlRecord::decode(record);
        }
    }
}

/// What an append takes must be there as it came, and readable to the last record.
fn append(bytes: Bytes, compact: bool) {
    let config = LogConfig { compact, delete: !compact, ..LogConfig::default() };
    let dir = PathBuf::from("/t-0");
    let mut log = Log::open(options(Arc::new(MemoryDisk::new()), dir, config)).expect("an empty disk opens");
    if log.append(bytes, as_client(LeaderEpoch(0))).is_err() {
        assert_eq!(log.log_end_offset().0, 0, "what is refused leaves nothing");
        return;
    }
    let end = log.log_end_offset();
    log.set_high_watermark(end);
    let mut at = log.log_start_offset();
    while at < end {
        let read = log.read(at, usize::MAX, end, true).expect("what was appended can be read");
        for batch in batches(read.bytes) {
            let batch = batch.expect("a whole batch");
            batch.check_crc().expect("a log never holds a wrong checksum");
            let records = batch.records().expect("records that were checked");
            let count = records.iter().inspect(|record| assert!(record.is_ok(), "a record that was checked")).count();
            assert_eq!(count, batch.header.record_count as usize);
            assert!(batch.header.next_offset() > at, "the walk goes on");
            at = batch.header.next_offset();
        }
    }
    ask(&log);
}
