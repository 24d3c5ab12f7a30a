//! What the log says of itself, against the list.

use std::collections::{BTreeMap, BTreeSet};

use forebay_storage::batch::{Batch, ControlRecord, batches};
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerId, Timestamp};

use crate::history::{Content, Entry};
use crate::machine::{Machine, NOW};

type Committed = Vec<(i64, u8, Option<String>)>;

impl Machine {
    /// Compares everything, on a disk that does not fail meanwhile.
    pub fn check(&mut self) {
        self.disk.spare(true);
        let unreadable = self.look().is_broken() && self.look().max_timestamp_offset().is_err();
        if unreadable || self.half_cut.is_some() {
            self.check_no_panic()
        } else {
            self.check_all()
        }
        // What the log says is durable counts as promised, if it is anything.
        let durable = self.look().durable_offset().0;
        assert!(durable <= self.history.end);
        if durable > self.start {
            self.durable = self.durable.max(durable);
        }
        self.disk.spare(false);
    }

    fn check_no_panic(&self) {
        let log = self.look();
        let _ = log.read(log.log_start_offset(), 1000, log.log_end_offset(), true);
        let _ = log.aborted_transactions(log.log_start_offset(), log.log_end_offset());
        let _ = log.offset_for_timestamp(Timestamp(NOW));
    }

    fn check_all(&self) {
        let log = self.look();
        let found = (log.log_start_offset().0, log.log_end_offset().0);
        assert_eq!(found, (self.start, self.history.end), "start and end");
        let stored = self.stored(self.start);
        self.check_content(&stored);
        self.check_stable();
        self.check_consumers();
        self.check_times(&stored);
        self.check_producers();
        self.check_epochs();
        self.check_reads(&stored);
    }

    /// Whole batches from the one that holds `from`, or that follows it.
    fn stored(&self, from: i64) -> Vec<Batch> {
        let log = self.look();
        let (mut found, mut next) = (Vec::new(), from);
        while next < log.log_end_offset().0 {
            let read = log.read(Offset(next), 1_000_000, log.log_end_offset(), true).unwrap().bytes;
            assert!(!read.is_empty(), "nothing at {next}");
            for batch in batches(read) {
                let batch = batch.unwrap();
                batch.check_crc().unwrap();
                assert!(batch.header.last_offset().0 >= next);
                next = batch.header.next_offset().0;
                found.push(batch);
            }
        }
        found
    }

    /// Every record is one that was written, where it was written; without compaction all are there.
    fn check_content(&self, stored: &[Batch]) {
        let written: BTreeMap<i64, _> =
            self.history.entries().map(|(offset, batch, entry)| (offset, (batch, entry))).collect();
        let mut seen = BTreeSet::new();
        for batch in stored {
            for (offset, entry) in decode(batch) {
                let (wrote, expected) = written[&offset];
                assert_eq!(&entry, expected, "at {offset}");
                let header = &batch.header;
                assert_eq!((header.base_offset.0, header.leader_epoch.0), (wrote.base, wrote.leader_epoch));
                let writer = wrote.writer.as_ref().map_or((-1, -1, false), |w| (w.id, w.epoch, w.transactional));
                let found = (header.producer_id.0, header.producer_epoch.0, header.is_transactional());
                assert_eq!(found, writer, "the writer of {offset}");
                seen.insert(offset);
            }
        }
        if !self.compact {
            assert!(written.range(self.start..).all(|(offset, _)| seen.contains(offset)), "records are missing");
        }
    }

    fn check_stable(&self) {
        let first = self.history.open_transactions().into_iter().min().unwrap_or(i64::MAX);
        let found = self.look().last_stable_offset().0;
        // A transaction whose first records are lost may be forgotten, or begin with what is left of it.
        if first >= self.start.max(self.deleted) {
            assert_eq!(found, first.min(self.history.end), "last stable offset");
        }
        assert!((self.start..=self.history.end).contains(&found), "last stable offset {found}");
        let start = self.start.max(self.deleted);
        let complete = self.history.aborted().iter().all(|(_, first, last)| *first >= start || *last < self.start);
        if self.compact || !complete {
            return;
        }
        let (end, middle) = (self.history.end, (self.start + self.history.end) / 2);
        for (from, to) in [(self.start, end), (middle, end), (self.start, middle)] {
            let found = self.look().aborted_transactions(Offset(from), Offset(to)).unwrap();
            let found: Vec<_> = found.iter().map(|a| (a.producer_id.0, a.first_offset.0, a.last_offset.0)).collect();
            let mut expected = self.history.aborted();
            expected.retain(|(_, first, last)| *last >= from && *first < to);
            // A list may go on as far as it must: to the first transaction after which nothing before `to` is open.
            assert!(expected.iter().all(|one| found.contains(one)), "{found:?} of {expected:?} in {from}..{to}");
            assert!(found.iter().all(|one| expected.contains(one)), "{found:?} beyond {expected:?} in {from}..{to}");
        }
    }

    /// What a read_committed consumer makes of the log: the batches, and the list of aborted transactions (Kafka: CompletedFetch).
    fn consumed(&self, from: i64) -> Committed {
        let end = self.look().last_stable_offset();
        let mut aborted = self.look().aborted_transactions(Offset(from), end).unwrap();
        aborted.sort_by_key(|aborted| aborted.first_offset);
        let mut aborted = aborted.into_iter().peekable();
        let mut open = BTreeSet::new();
        let mut found = Vec::new();
        for batch in self.stored(from).into_iter().filter(|batch| batch.header.next_offset() <= end) {
            while let Some(next) = aborted.next_if(|next| next.first_offset <= batch.header.last_offset()) {
                open.insert(next.producer_id);
            }
            let producer = batch.header.producer_id;
            for (offset, entry) in decode(&batch) {
                match entry.content {
                    Content::Marker { commit: false } => drop(open.remove(&producer)),
                    Content::Marker { commit: true } => {}
                    Content::Data { .. } if batch.header.is_transactional() && open.contains(&producer) => {}
                    Content::Data { key, value } if offset >= from => found.push((offset, key, value)),
                    Content::Data { .. } => {}
                }
            }
        }
        found
    }

    fn check_consumers(&self) {
        let stable = self.look().last_stable_offset().0;
        let all = self.history.committed(stable);
        // Of a transaction that began among deleted records the log may know less than the list.
        let start = self.start.max(self.deleted).min(stable);
        for from in [start, (start + stable) / 2] {
            let consumed = self.consumed(from);
            let expected: Committed = all.iter().filter(|(offset, _, _)| *offset >= from).cloned().collect();
            if !self.compact {
                assert_eq!(consumed, expected, "read_committed from {from}");
                continue;
            }
            // Compaction keeps the last value of each key.
            assert!(consumed.iter().all(|record| expected.contains(record)), "{consumed:?} beyond {expected:?}");
            let mut last: BTreeMap<u8, &(i64, u8, Option<String>)> = BTreeMap::new();
            last.extend(expected.iter().map(|record| (record.1, record)));
            last.retain(|_, record| record.2.is_some());
            assert!(last.values().all(|record| consumed.contains(record)), "{last:?} is not in {consumed:?}");
            let mut table: BTreeMap<u8, &Option<String>> = BTreeMap::new();
            table.extend(consumed.iter().map(|(_, key, value)| (*key, value)));
            table.retain(|_, value| value.is_some());
            let last: BTreeMap<u8, &Option<String>> = last.iter().map(|(key, record)| (*key, &record.2)).collect();
            assert_eq!(table, last, "the table that a consumer makes from {from} on");
        }
    }

    /// Before `end` there is nothing but the last committed value of each key, and tombstones.
    pub fn check_compacted(&self, end: i64) {
        let mut expected = BTreeMap::new();
        for (offset, key, value) in self.history.committed(end).into_iter().filter(|one| one.0 >= self.start) {
            expected.insert(key, (offset, value));
        }
        for batch in self.stored(self.start) {
            for (offset, entry) in decode(&batch) {
                let Content::Data { key, value } = entry.content else { continue };
                if (self.start..end).contains(&offset) {
                    assert_eq!(expected.get(&key), Some(&(offset, value)), "the last of key {key}");
                }
            }
        }
    }

    fn check_times(&self, stored: &[Batch]) {
        let entries: Vec<_> = stored.iter().flat_map(decode).filter(|(offset, _)| *offset >= self.start).collect();
        for wanted in [NOW, self.now - 500, self.now + 300, self.now + 900] {
            let expected = entries.iter().find(|(_, entry)| entry.time >= wanted);
            let expected = expected.map(|(offset, entry)| (*offset, entry.time));
            let found = self.look().offset_for_timestamp(Timestamp(wanted)).unwrap();
            assert_eq!(found.map(|(offset, time, _)| (offset.0, time.0)), expected, "first at or after {wanted}");
        }
    }

    fn check_producers(&self) {
        let found: BTreeMap<ProducerId, _> =
            self.look().active_producers().into_iter().map(|producer| (producer.producer_id, producer)).collect();
        for (id, expected) in self.history.producers() {
            let last = expected.last.last().map_or(-1, |(base, _, _)| *base);
            if self.producers_unknown || (self.forgetful && last < self.start.max(self.deleted)) {
                continue;
            }
            let Some(found) = found.get(&ProducerId(id)) else { panic!("producer {id} is forgotten") };
            let sequence = if expected.last.is_empty() { -1 } else { expected.next_sequence - 1 };
            assert_eq!((found.producer_epoch.0, found.last_sequence.0), (expected.epoch, sequence), "producer {id}");
            if expected.transaction.is_none_or(|first| first >= self.start.max(self.deleted)) {
                let open = found.current_txn_start_offset.map(|offset| offset.0);
                assert_eq!(open, expected.transaction, "transaction of producer {id}");
            }
        }
    }

    fn check_epochs(&self) {
        let from = self.start.max(self.deleted);
        let kept = self.history.batches.iter().filter(|batch| batch.next() > from);
        let batches: Vec<_> = kept.map(|batch| (batch.base.max(from), batch.leader_epoch)).collect();
        for (base, epoch) in &batches {
            assert_eq!(self.look().epoch_at(Offset(*base)), Some(LeaderEpoch(*epoch)), "the epoch of {base}");
            let end = batches.iter().find(|(_, other)| other > epoch).map_or(self.history.end, |(base, _)| *base);
            let found = self.look().epoch_end_offset(LeaderEpoch(*epoch));
            assert_eq!((found.0.0, found.1.0), (*epoch, end), "the end of epoch {epoch}");
        }
    }

    /// A read at any offset begins with the batch that holds it or follows it.
    fn check_reads(&self, stored: &[Batch]) {
        let end = self.history.end;
        for from in (self.start..end).step_by(3) {
            let expected = stored.iter().find(|batch| batch.header.last_offset().0 >= from).map(|batch| &batch.bytes);
            let read = self.look().read(Offset(from), 1, Offset(end), true).unwrap().bytes;
            assert_eq!(Some(&read), expected, "a read at {from}");
        }
        assert!(self.look().read(Offset(end), 1000, Offset(end), true).unwrap().bytes.is_empty());
        assert!(self.look().read(Offset(end + 1), 1000, Offset(end), true).is_err());
        if self.start > 0 {
            assert!(self.look().read(Offset(self.start - 1), 1000, Offset(end), true).is_err());
        }
    }
}

/// The records of a batch by offset.
fn decode(batch: &Batch) -> Vec<(i64, Entry)> {
    let mut found = Vec::new();
    for record in batch.records().unwrap().iter() {
        let record = record.unwrap();
        let content = if batch.header.is_control() {
            Content::Marker { commit: ControlRecord::decode(record).unwrap().is_commit() }
        } else {
            assert_eq!(record.headers.iter().next(), Some((&b"h"[..], Some(&b"x"[..]))));
            let value = record.value.map(|value| String::from_utf8(value.to_vec()).unwrap());
            Content::Data { key: record.key.unwrap()[0], value }
        };
        found.push((record.offset.0, Entry { content, time: record.timestamp.0 }));
    }
    found
}
