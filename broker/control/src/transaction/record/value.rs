//! TransactionLogValue: version 1 is written, as Kafka does from transaction.version 1 on; versions 0 and 1 are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

use crate::metadata::wire::{DecodeError, Reader, Writer, tagged};
use crate::transaction::entry::TransactionEntry;
use crate::transaction::state::TransactionState;
use crate::transaction::version::TransactionVersion;

const TAG_PREVIOUS_PRODUCER_ID: u32 = 0;
const TAG_NEXT_PRODUCER_ID: u32 = 1;
const TAG_CLIENT_VERSION: u32 = 2;

/// The value of `entry`'s record, version prefix included.
#[must_use]
pub fn encode(entry: &TransactionEntry) -> Bytes {
    let mut w = Writer::default();
    w.i16(1);
    w.i64(entry.producer_id.0);
    w.i16(entry.producer_epoch.0);
    w.i32(entry.timeout_ms);
    w.i8(entry.state as i8);
    encode_partitions(&mut w, entry);
    w.i64(entry.last_update.0);
    w.i64(entry.started.0);
    let mut tags = Vec::new();
    if entry.previous_producer_id != ProducerId::NONE {
        tags.push((TAG_PREVIOUS_PRODUCER_ID, tagged(|w| w.i64(entry.previous_producer_id.0))));
    }
    if entry.next_producer_id != ProducerId::NONE {
        tags.push((TAG_NEXT_PRODUCER_ID, tagged(|w| w.i64(entry.next_producer_id.0))));
    }
    if entry.client_version != TransactionVersion::V0 {
        tags.push((TAG_CLIENT_VERSION, tagged(|w| w.i16(entry.client_version.level()))));
    }
    w.tags(&tags);
    w.finish()
}

/// The partitions by topic; null in state Empty, as Kafka writes it.
fn encode_partitions(w: &mut Writer, entry: &TransactionEntry) {
    if entry.state == TransactionState::Empty {
        assert!(entry.partitions.is_empty(), "an empty transaction has no partitions");
        w.varint(0);
        return;
    }
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in &entry.partitions {
        topics.entry(&partition.topic).or_default().push(partition.partition);
    }
    w.compact_array(topics.len());
    for (topic, partitions) in topics {
        w.compact_string(topic);
        w.compact_i32s(&partitions);
        w.no_tags();
    }
}

/// The entry in a value; `transactional_id` comes from the key. The last epoch is not stored and comes back as unknown.
pub fn decode(transactional_id: String, value: &[u8]) -> Result<TransactionEntry, DecodeError> {
    let mut r = Reader::new(value);
    let version = r.i16("value version")?;
    if !(0..=1).contains(&version) {
        return Err(DecodeError::UnknownVersion { kind: "transaction log value", version: i64::from(version) });
    }
    let mut entry = TransactionEntry::new(transactional_id, ProducerId(r.i64("producer id")?), 0, Timestamp::NONE);
    entry.producer_epoch = ProducerEpoch(r.i16("producer epoch")?);
    entry.timeout_ms = r.i32("transaction timeout")?;
    let status = r.i8("transaction status")?;
    entry.state = TransactionState::from_id(status)
        .ok_or_else(|| DecodeError::invalid("transaction status", format!("there is no state {status}")))?;
    let partitions = if version == 0 { decode_partitions_v0(&mut r)? } else { decode_partitions_v1(&mut r)? };
    if entry.state != TransactionState::Empty {
        entry.partitions = partitions;
    }
    entry.last_update = Timestamp(r.i64("last update")?);
    entry.started = Timestamp(r.i64("start")?);
    if version >= 1 {
        decode_tags(&mut r, &mut entry)?;
    }
    Ok(entry)
}

fn decode_tags(r: &mut Reader<'_>, entry: &mut TransactionEntry) -> Result<(), DecodeError> {
    r.tags(|tag, field| {
        match tag {
            TAG_PREVIOUS_PRODUCER_ID => entry.previous_producer_id = ProducerId(field.i64("previous producer id")?),
            TAG_NEXT_PRODUCER_ID => entry.next_producer_id = ProducerId(field.i64("next producer id")?),
            TAG_CLIENT_VERSION => {
                let level = field.i16("client transaction version")?;
                entry.client_version = TransactionVersion::from_level(level).ok_or_else(|| {
                    DecodeError::invalid("client transaction version", format!("there is no version {level}"))
                })?;
            }
            _ => {}
        }
        Ok(())
    })
}

fn decode_partitions_v0(r: &mut Reader<'_>) -> Result<BTreeSet<TopicPartition>, DecodeError> {
    let mut all = BTreeSet::new();
    for _ in 0..r.nullable_array(6, "partitions")?.unwrap_or(0) {
        let topic: Arc<str> = r.string("topic")?.into();
        for _ in 0..r.nullable_array(4, "partition ids")?.unwrap_or(0) {
            all.insert(TopicPartition::new(Arc::clone(&topic), r.i32("partition id")?));
        }
    }
    Ok(all)
}

fn decode_partitions_v1(r: &mut Reader<'_>) -> Result<BTreeSet<TopicPartition>, DecodeError> {
    let mut all = BTreeSet::new();
    for _ in 0..r.compact_nullable_array(3, "partitions")?.unwrap_or(0) {
        let topic: Arc<str> = r.compact_string("topic")?.into();
        for partition in r.compact_i32s("partition ids")? {
            all.insert(TopicPartition::new(Arc::clone(&topic), partition));
        }
        r.skip_tags()?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn entry(state: TransactionState, producer_id: i64, epoch: i16, updated: i64) -> TransactionEntry {
        let mut entry = TransactionEntry::new("tx".into(), ProducerId(producer_id), 60_000, Timestamp(updated));
        entry.previous_producer_id = ProducerId(7);
        entry.producer_epoch = ProducerEpoch(epoch);
        entry.state = state;
        if state != TransactionState::Empty {
            entry.started = Timestamp(900);
        }
        if matches!(state, TransactionState::Ongoing | TransactionState::PrepareCommit) {
            entry.partitions = [1, 4].map(|p| TopicPartition::new("clicks", p)).into();
        }
        entry
    }

    /// Entries with what Kafka 4.3.1's own TransactionLog.valueToBytes writes for them with transaction version 2.
    fn kafkas() -> Vec<(TransactionEntry, &'static str)> {
        let mut prepared = entry(TransactionState::PrepareCommit, 7, i16::MAX, 1000);
        prepared.next_producer_id = ProducerId(8);
        prepared.client_version = TransactionVersion::V2;
        let mut complete = entry(TransactionState::CompleteCommit, 8, 0, 1001);
        complete.client_version = TransactionVersion::V2;
        vec![
            (
                entry(TransactionState::Empty, 7, 0, 1000),
                "0001000000000000000700000000ea60000000000000000003e8ffffffffffffffff0100080000000000000007",
            ),
            (
                entry(TransactionState::Ongoing, 7, 3, 1000),
                "0001000000000000000700030000ea60010207636c69636b730300000001000000040000000000000003e80000000000000384010008000000\
                 0000000007",
            ),
            (
                prepared,
                "000100000000000000077fff0000ea60020207636c69636b730300000001000000040000000000000003e80000000000000384030008000000\
                 00000000070108000000000000000802020002",
            ),
            (
                complete,
                "0001000000000000000800000000ea60040100000000000003e90000000000000384020008000000000000000702020002",
            ),
        ]
    }

    #[test]
    fn bytes_are_kafkas() {
        for (entry, hex) in kafkas() {
            assert_eq!(encode(&entry), bytes(hex), "{entry:?}");
            assert_eq!(decode("tx".into(), &bytes(hex)), Ok(entry));
        }
    }

    #[test]
    fn version_0_is_read() {
        // From the same method with transaction version 0.
        let hex = "0000000000000000000700030000ea6001000000010006636c69636b7300000002000000010000000400000000000003e80000000000000384";
        let mut expected = entry(TransactionState::Ongoing, 7, 3, 1000);
        expected.previous_producer_id = ProducerId::NONE;
        assert_eq!(decode("tx".into(), &bytes(hex)), Ok(expected));
        let mut expected = entry(TransactionState::Empty, 7, 0, 1000);
        expected.previous_producer_id = ProducerId::NONE;
        let hex = "0000000000000000000700000000ea6000ffffffff00000000000003e8ffffffffffffffff";
        assert_eq!(decode("tx".into(), &bytes(hex)), Ok(expected));
    }

    fn any_entry() -> impl Strategy<Value = TransactionEntry> {
        let ids = (any::<i64>(), -1i64..5, -1i64..5, any::<i16>());
        let partitions = proptest::collection::btree_set(("[a-z]{1,5}", 0..9i32), 0..6);
        (ids, any::<i32>(), 0..8i8, partitions, any::<i64>(), any::<i64>(), 0..3i16).prop_map(
            |((pid, previous, next, epoch), timeout, state, partitions, started, updated, version)| {
                let mut e = TransactionEntry::new("id".into(), ProducerId(pid), timeout, Timestamp(updated));
                e.previous_producer_id = ProducerId(previous);
                e.next_producer_id = ProducerId(next);
                e.producer_epoch = ProducerEpoch(epoch);
                e.state = TransactionState::from_id(state).unwrap();
                if e.state != TransactionState::Empty {
                    e.partitions = partitions.into_iter().map(|(t, p)| TopicPartition::new(t, p)).collect();
                }
                e.started = Timestamp(started);
                e.client_version = TransactionVersion::from_level(version).unwrap();
                e
            },
        )
    }

    proptest! {
        #[test]
        fn reads_back(entry in any_entry()) {
            prop_assert_eq!(decode("id".into(), &encode(&entry)), Ok(entry));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, version in 0..2u8) {
            let _ = decode("id".into(), &bytes);
            let _ = decode("id".into(), &[&[0, version][..], &bytes].concat());
        }

        #[test]
        fn a_cut_record_is_an_error(entry in any_entry(), cut: prop::sample::Index) {
            let bytes = encode(&entry);
            prop_assert!(decode("id".into(), &bytes[..cut.index(bytes.len())]).is_err());
        }
    }
}
