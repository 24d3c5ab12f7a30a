//! Random histories of a compacted log, with transactions, crashes within a compaction and lost power, against the plain history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::disk::DirEntry;
use crate::error::StorageError;

/// A disk that stops taking changes of names after a number of them, as if the process had died there.
#[derive(Debug)]
pub(super) struct DyingDisk {
    pub(super) inner: MemoryDisk,
    pub(super) left: AtomicI64,
}

impl DyingDisk {
    fn change(&self) -> Result<(), StorageError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(StorageError::io("reach", Path::new("/"))(std::io::Error::other("the process died")))
    }
}

impl Disk for DyingDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        self.inner.open(path)
    }
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        self.change()?;
        self.inner.create(path)
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        self.inner.read(path)
    }
    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        self.inner.write_atomic(path, content)
    }
    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        self.inner.exists(path)
    }
    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        self.inner.list(dir)
    }
    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.inner.create_dir_all(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.change()?;
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        self.change()?;
        self.inner.remove_file(path)
    }
    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.inner.remove_dir_all(dir)
    }
    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        self.change()?;
        self.inner.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        self.inner.lock(path)
    }
}

/// What stands at an offset.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Data { key: u8, value: Option<String>, time: i64, transaction: Option<i64> },
    Marker { producer: i64, commit: bool },
}

#[derive(Clone, Debug)]
enum Step {
    /// Keys, each with a value or without; by a producer or none.
    Append {
        records: Vec<(u8, bool)>,
        idempotent: bool,
        codec: usize,
    },
    InTransaction {
        producer: i64,
        records: Vec<(u8, bool)>,
        codec: usize,
    },
    End {
        producer: i64,
        commit: bool,
    },
    Roll,
    Flush,
    Wait(i64),
    /// With memory for so many keys.
    Clean {
        keys: usize,
    },
    /// Dies after so many changes of names within a compaction; then the power goes too, or not.
    CleanAndDie {
        changes: i64,
        power: bool,
    },
    /// Dies, perhaps in opening after it as well; without its snapshots the log has to read itself.
    Reopen {
        lose_snapshots: bool,
        checkpoint: bool,
    },
}

fn records() -> impl Strategy<Value = Vec<(u8, bool)>> {
    prop::collection::vec((0u8..6, prop::bool::weighted(0.7)), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (records(), any::<bool>(), 0usize..5)
            .prop_map(|(records, idempotent, codec)| Step::Append { records, idempotent, codec }),
        6 => (10i64..13, records(), 0usize..5)
            .prop_map(|(producer, records, codec)| Step::InTransaction { producer, records, codec }),
        6 => (10i64..13, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        2 => Just(Step::Roll),
        1 => Just(Step::Flush),
        2 => (0i64..2000).prop_map(Step::Wait),
        4 => prop_oneof![3 => Just(1000usize), 1 => 1usize..4].prop_map(|keys| Step::Clean { keys }),
        2 => (0i64..40, any::<bool>()).prop_map(|(changes, power)| Step::CleanAndDie { changes, power }),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(lose_snapshots, checkpoint)| Step::Reopen { lose_snapshots, checkpoint }),
    ]
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 500, index_interval_bytes: 100, compact: true, delete: false, ..LogConfig::default() }
}

fn compaction() -> CompactionConfig {
    CompactionConfig { min_cleanable_dirty_ratio: 0.0, delete_retention_ms: 1000, ..CompactionConfig::default() }
}

struct Model {
    disk: MemoryDisk,
    log: Option<Log>,
    history: Vec<Entry>,
    sequences: BTreeMap<i64, i32>,
    now: i64,
    serial: usize,
}

impl Model {
    fn new() -> Model {
        let disk = MemoryDisk::new();
        let mut log = open(&disk, config());
        log.update_compaction_config(compaction());
        Model { disk, log: Some(log), history: vec![], sequences: BTreeMap::new(), now: NOW.0, serial: 0 }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append { records, idempotent, codec } => self.append(records, idempotent.then_some(1), false, codec),
            Step::InTransaction { producer, records, codec } => self.append(records, Some(producer), true, codec),
            Step::End { producer, commit } => self.end(producer, commit),
            Step::Roll => self.log().roll(NOW).unwrap(),
            Step::Flush => self.log().flush().unwrap(),
            Step::Wait(ms) => self.now += ms,
            Step::Clean { keys } => self.clean(keys),
            Step::CleanAndDie { changes, power } => self.clean_and_die(changes, power),
            Step::Reopen { lose_snapshots, checkpoint } => self.reopen(lose_snapshots, checkpoint),
        }
        self.check();
    }

    fn append(&mut self, records: Vec<(u8, bool)>, producer: Option<i64>, transactional: bool, codec: usize) {
        let mut builder = BatchBuilder::new(Compression::ALL[codec]);
        let time = self.now;
        let sequence = producer.map(|id| *self.sequences.entry(id).or_default());
        for (at, (key, has_value)) in records.iter().enumerate() {
            let value = has_value.then(|| format!("value {}", self.serial));
            self.serial += 1;
            let time = time + at as i64;
            builder.push(Timestamp(time), Some(&[*key]), value.as_deref().map(str::as_bytes), &[("h", Some(b"x"))]);
            let transaction = producer.filter(|_| transactional);
            self.history.push(Entry::Data { key: *key, value, time, transaction });
        }
        let stamp = match (producer, sequence) {
            (Some(id), Some(sequence)) => BatchStamp { transactional, ..stamp(id, 0, sequence) },
            _ => BatchStamp::default(),
        };
        if let Some(id) = producer {
            *self.sequences.get_mut(&id).unwrap() += records.len() as i32;
        }
        let options = AppendOptions { now: Timestamp(self.now), ..in_transaction() };
        append(self.log(), builder.finish(&stamp), options);
    }

    fn end(&mut self, producer: i64, commit: bool) {
        if !self.log().has_ongoing_transaction(ProducerId(producer)) {
            return;
        }
        let kind = if commit { ControlKind::Commit } else { ControlKind::Abort };
        append(self.log(), marker(producer, 0, kind), as_coordinator());
        self.history.push(Entry::Marker { producer, commit });
    }

    fn clean(&mut self, keys: usize) {
        let now = Timestamp(self.now);
        let from = self.log().cleaned_up_to();
        let Some(plan) = self.log().clean_plan(now).unwrap() else { return };
        let task = self.log().begin_clean(now, keys * 27).unwrap().unwrap();
        assert!(self.log().begin_clean(now, 1000).unwrap().is_none(), "one at a time");
        let stats = {
            let cleaned = task.run(&mut |_| {}).unwrap();
            self.log().finish_clean(cleaned).unwrap()
        };
        assert_eq!(self.log().cleaned_up_to().unwrap(), stats.cleaned_up_to);
        assert!(stats.cleaned_up_to >= from.unwrap_or_default());
        if !stats.map_full {
            assert_eq!(stats.cleaned_up_to, plan.first_uncleanable);
            self.check_compacted(plan.first_uncleanable.0 as usize);
        }
        let files = self.disk.files();
        assert!(files.keys().all(|path| !path.to_str().unwrap().contains("cleaned")), "{:?}", files.keys());
    }

    /// Below `end` there is nothing but the last committed value of each key, and tombstones.
    fn check_compacted(&self, end: usize) {
        let mut expected = BTreeMap::new();
        for (offset, key, value) in self.committed(end) {
            expected.insert(key, (offset, value));
        }
        let mut met = BTreeSet::new();
        for (offset, entry) in self.stored().into_iter().filter(|(offset, _)| *offset < end) {
            let Entry::Data { key, value, .. } = entry else { continue };
            assert_eq!(expected.get(&key), Some(&(offset, value)), "the last of key {key}");
            met.insert(key);
        }
        let values = expected.iter().filter(|(_, (_, value))| value.is_some());
        assert!(values.map(|(key, _)| key).all(|key| met.contains(key)));
    }

    fn clean_and_die(&mut self, changes: i64, power: bool) {
        let dying = DyingDisk { inner: self.disk.clone(), left: AtomicI64::new(i64::MAX) };
        let dying = Arc::new(dying);
        let old = self.log.take().unwrap();
        let (recovery_point, cleaned, end) = (old.recovery_point(), old.cleaned_up_to(), old.log_end_offset());
        drop(old);
        let options = LogOptions { disk: dying.clone(), recovery_point, ..options(&self.disk, config()) };
        let mut log = Log::open(options).unwrap();
        log.update_compaction_config(compaction());
        log.set_cleaned_up_to(cleaned);
        assert_eq!(log.log_end_offset(), end);
        dying.left.store(changes, Ordering::Relaxed);
        let now = Timestamp(self.now);
        if let Some(task) = log.begin_clean(now, 27_000).unwrap()
            && let Ok(done) = task.run(&mut |_| {})
        {
            let _ = log.finish_clean(done);
        }
        let flushed = log.recovery_point();
        drop(log);
        if power {
            self.disk.crash(|_, _| 0);
        }
        // Dies once more while it cleans up.
        dying.left.store(changes / 4, Ordering::Relaxed);
        let again = LogOptions { disk: dying, recovery_point, ..self.options() };
        drop(Log::open(again));
        if power {
            self.disk.crash(|_, _| 0);
        }
        self.open(recovery_point, cleaned);
        let end = self.log().log_end_offset();
        assert!(end >= flushed.max(recovery_point).min(Offset(self.history.len() as i64)), "{end} {flushed}");
        self.history.truncate(end.0 as usize);
        self.sequences =
            self.log().active_producers().iter().map(|p| (p.producer_id.0, p.last_sequence.0 + 1)).collect();
    }

    fn reopen(&mut self, lose_snapshots: bool, checkpoint: bool) {
        let log = self.log.take().unwrap();
        let (recovery_point, cleaned) = (log.recovery_point(), log.cleaned_up_to());
        let before = producers(&log);
        drop(log);
        if lose_snapshots {
            let files = self.disk.files();
            let snapshots = files.keys().filter(|path| path.extension().is_some_and(|end| end == "snapshot"));
            snapshots.for_each(|path| self.disk.remove_file(path).unwrap());
        }
        self.open(recovery_point, cleaned.filter(|_| checkpoint));
        assert_eq!(producers(self.log()), before);
    }

    fn options(&self) -> LogOptions {
        options(&self.disk, config())
    }

    fn open(&mut self, recovery_point: Offset, cleaned: Option<Offset>) {
        let mut log = Log::open(LogOptions { recovery_point, ..self.options() }).unwrap();
        log.update_compaction_config(compaction());
        log.set_cleaned_up_to(cleaned);
        self.log = Some(log);
    }

    /// All that is in the log, by offset, read from `0`.
    fn stored(&self) -> BTreeMap<usize, Entry> {
        let log = self.log.as_ref().unwrap();
        let mut found = BTreeMap::new();
        for batch in stored_batches(log, Offset(0)) {
            for record in batch.records().unwrap().iter() {
                let record = record.unwrap();
                let producer = batch.header.producer_id.0;
                let entry = if batch.header.is_control() {
                    Entry::Marker { producer, commit: ControlRecord::decode(record).unwrap().is_commit() }
                } else {
                    assert_eq!(record.headers.iter().next(), Some((&b"h"[..], Some(&b"x"[..]))));
                    Entry::Data {
                        key: record.key.unwrap()[0],
                        value: record.value.map(|value| String::from_utf8(value.to_vec()).unwrap()),
                        time: record.timestamp.0,
                        transaction: batch.header.is_transactional().then_some(producer),
                    }
                };
                assert!(found.insert(record.offset.0 as usize, entry).is_none());
            }
        }
        found
    }

    /// What a read_committed reader of all history gets below `end`.
    fn committed(&self, end: usize) -> Vec<(usize, u8, Option<String>)> {
        let mut found = Vec::new();
        for (offset, entry) in self.history.iter().enumerate().take(end) {
            let Entry::Data { key, value, transaction, .. } = entry else { continue };
            let committed = |id: i64| {
                let later = self.history[offset..].iter();
                later
                    .filter_map(|entry| match entry {
                        Entry::Marker { producer, commit } if *producer == id => Some(*commit),
                        _ => None,
                    })
                    .next()
                    == Some(true)
            };
            if transaction.is_none_or(committed) {
                found.push((offset, *key, value.clone()));
            }
        }
        found
    }

    /// What a read_committed consumer makes of the log: the batches, and the list of aborted transactions (Kafka: CompletedFetch).
    fn consumed(&self, from: Offset) -> Vec<(usize, u8, Option<String>)> {
        let log = self.log.as_ref().unwrap();
        let end = log.last_stable_offset();
        let mut aborted = log.aborted_transactions(from, end).unwrap();
        aborted.sort_by_key(|aborted| aborted.first_offset);
        let mut aborted = aborted.into_iter().peekable();
        let mut open = BTreeSet::new();
        let mut found = Vec::new();
        for batch in stored_batches(log, from).into_iter().filter(|batch| batch.header.next_offset() <= end) {
            while let Some(next) = aborted.next_if(|next| next.first_offset <= batch.header.last_offset()) {
                open.insert(next.producer_id);
            }
            let producer = batch.header.producer_id;
            for record in batch.records().unwrap().iter() {
                let record = record.unwrap();
                if batch.header.is_control() {
                    if !ControlRecord::decode(record).unwrap().is_commit() {
                        open.remove(&producer);
                    }
                } else if record.offset >= from && !(batch.header.is_transactional() && open.contains(&producer)) {
                    let value = record.value.map(|value| String::from_utf8(value.to_vec()).unwrap());
                    found.push((record.offset.0 as usize, record.key.unwrap()[0], value));
                }
            }
        }
        found
    }

    fn check(&self) {
        let log = self.log.as_ref().unwrap();
        assert_eq!(log.log_end_offset().0 as usize, self.history.len());
        for (offset, entry) in self.stored() {
            assert_eq!(self.history[offset], entry);
        }
        let stable = log.last_stable_offset().0 as usize;
        let table = |records: Vec<(usize, u8, Option<String>)>| {
            let mut table = BTreeMap::new();
            for (_, key, value) in records {
                match value {
                    Some(value) => drop(table.insert(key, value)),
                    None => drop(table.remove(&key)),
                }
            }
            table
        };
        let all = self.committed(stable);
        assert_eq!(table(self.consumed(Offset(0))), table(all.clone()));
        // A reader that comes to any offset finds the last values from there on.
        let middle = stable / 2;
        let later: Vec<_> = all.into_iter().filter(|(offset, _, _)| *offset >= middle).collect();
        let mut last: BTreeMap<_, _> = later.into_iter().map(|(offset, key, value)| (key, (offset, value))).collect();
        last.retain(|_, (_, value)| value.is_some());
        let consumed = self.consumed(Offset(middle as i64));
        assert!(last.iter().all(|(key, (offset, value))| consumed.contains(&(*offset, *key, value.clone()))));
    }
}

pub(super) fn stored_batches(log: &Log, from: Offset) -> Vec<crate::batch::Batch> {
    let mut found = Vec::new();
    let mut next = from;
    while next < log.log_end_offset() {
        let read = log.read(next, 1_000_000, log.log_end_offset(), true).unwrap().bytes;
        assert!(!read.is_empty(), "nothing at {next}");
        for batch in batches(read) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            assert!(batch.header.last_offset() >= next);
            next = batch.header.next_offset();
            found.push(batch);
        }
    }
    found
}

fn producers(log: &Log) -> Vec<(ProducerId, ProducerEpoch, Sequence, Option<Offset>)> {
    let all = log.active_producers();
    all.iter().map(|p| (p.producer_id, p.producer_epoch, p.last_sequence, p.current_txn_start_offset)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn compaction_keeps_the_last_value_of_each_key(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in steps {
            model.run(step);
        }
    }
}
