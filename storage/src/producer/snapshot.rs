//! Producer state snapshots: `<offset>.snapshot` (Kafka: ProducerStateManager, schema PidSnapshotMap version 1).
//!
//! version i16, CRC-32C of the rest u32, number of entries i32, then for each producer: id i64, epoch i16, last sequence i32,
//! last offset i64, offset delta i32, timestamp i64, coordinator epoch i32, first offset of the open transaction i64.
//! Of the remembered batches only the last is kept, as in Kafka.

use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::{BatchMetadata, ProducerEntry};

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const ENTRIES_AT: usize = 6;
const ENTRY_SIZE: usize = 46;

/// The bytes of a snapshot.
pub(crate) fn write_snapshot<'a>(entries: impl ExactSizeIterator<Item = &'a ProducerEntry>) -> Vec<u8> {
    let mut out = Vec::with_capacity(ENTRIES_AT + 4 + entries.len() * ENTRY_SIZE);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(entries.len() as i32).to_be_bytes());
    for entry in entries {
        let last = entry.batches.back();
        out.extend_from_slice(&entry.producer_id.0.to_be_bytes());
        out.extend_from_slice(&entry.epoch.0.to_be_bytes());
        out.extend_from_slice(&entry.last_sequence().0.to_be_bytes());
        out.extend_from_slice(&last.map_or(-1, |batch| batch.last_offset.0).to_be_bytes());
        out.extend_from_slice(&last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        out.extend_from_slice(&entry.last_timestamp.0.to_be_bytes());
        out.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
        out.extend_from_slice(&entry.transaction_start.map_or(-1, |offset| offset.0).to_be_bytes());
    }
    let crc = crc32c::crc32c(&out[ENTRIES_AT..]);
    out[CRC_AT..ENTRIES_AT].copy_from_slice(&crc.to_be_bytes());
    out
}

/// Reads a snapshot; the error says what is wrong with it.
pub(crate) fn read_snapshot(bytes: &[u8]) -> Result<Vec<ProducerEntry>, String> {
    let mut rest = bytes;
    let cut_off = || format!("cut off after {} bytes", bytes.len());
    let version = i16::from_be_bytes(take(&mut rest).ok_or_else(cut_off)?);
    if version != VERSION {
        return Err(format!("version {version}, only {VERSION} is known"));
    }
    let stored = u32::from_be_bytes(take(&mut rest).ok_or_else(cut_off)?);
    let computed = crc32c::crc32c(rest);
    if stored != computed {
        return Err(format!("the checksum is {stored:#010x} but the content has {computed:#010x}"));
    }
    let count = i32::from_be_bytes(take(&mut rest).ok_or_else(cut_off)?);
    if usize::try_from(count).ok().and_then(|count| count.checked_mul(ENTRY_SIZE)) != Some(rest.len()) {
        return Err(format!("{count} entries announced in {} bytes", rest.len()));
    }
    let mut entries = Vec::with_capacity(count as usize);
    while !rest.is_empty() {
        entries.push(take_entry(&mut rest).ok_or_else(cut_off)?);
    }
    Ok(entries)
}

fn take_entry(rest: &mut &[u8]) -> Option<ProducerEntry> {
    let mut entry = ProducerEntry::new(ProducerId(i64::from_be_bytes(take(rest)?)));
    entry.epoch = ProducerEpoch(i16::from_be_bytes(take(rest)?));
    let last_sequence = Sequence(i32::from_be_bytes(take(rest)?));
    let last_offset = Offset(i64::from_be_bytes(take(rest)?));
    let offset_delta = i32::from_be_bytes(take(rest)?);
    entry.last_timestamp = Timestamp(i64::from_be_bytes(take(rest)?));
    entry.coordinator_epoch = i32::from_be_bytes(take(rest)?);
    let transaction_start = i64::from_be_bytes(take(rest)?);
    entry.transaction_start = (transaction_start >= 0).then_some(Offset(transaction_start));
    if last_offset.0 >= 0 {
        entry.remember(BatchMetadata { last_sequence, last_offset, offset_delta, timestamp: entry.last_timestamp });
    }
    Some(entry)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
