//! Steps that write, and what the log has to answer.

use bytes::Bytes;
use forebay_storage::batch::{BatchBuilder, BatchStamp, ControlKind, ControlRecord};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use forebay_storage::log::{AppendError, AppendOptions, AppendOutcome, Origin};
use proptest::sample::Index;

use crate::history::{Content, Entry, ModelBatch, Producer, Writer};
use crate::machine::Machine;
use crate::steps::Keyed;

impl Machine {
    fn options(&self, origin: Origin) -> AppendOptions {
        let (leader_epoch, now) = (LeaderEpoch(self.leader_epoch), Timestamp(self.now));
        AppendOptions { origin, leader_epoch, now, verified: true }
    }

    /// Encodes records as one batch, and notes it as it will be at `base`.
    fn build(&mut self, base: i64, records: &[Keyed], codec: usize, writer: Option<Writer>) -> (Bytes, ModelBatch) {
        let mut builder = BatchBuilder::new(Compression::ALL[codec]);
        let mut entries = Vec::new();
        for (key, has_value) in records {
            let value = has_value.then(|| format!("value {}", self.serial));
            // Times go up and down.
            let time = self.now + (self.serial as i64 * 7919) % 1000;
            self.serial += 1;
            builder.push(Timestamp(time), Some(&[*key]), value.as_deref().map(str::as_bytes), &[("h", Some(b"x"))]);
            entries.push(Entry { content: Content::Data { key: *key, value }, time });
        }
        let stamp = writer.as_ref().map_or(BatchStamp::default(), stamp);
        (builder.finish(&stamp), ModelBatch { base, leader_epoch: self.leader_epoch, writer, entries })
    }

    /// Appends what is in order, which can fail only by the disk.
    fn write(&mut self, bytes: Bytes, batches: Vec<ModelBatch>, origin: Origin) {
        let (was_broken, end) = (self.log().is_broken(), self.history.end);
        let options = self.options(origin);
        let next = batches.last().unwrap().next();
        match self.log().append(bytes, options) {
            Ok(AppendOutcome { base_offset, last_offset, duplicate, .. }) => {
                assert!(!was_broken, "a broken log took a batch");
                assert_eq!((base_offset.0, last_offset.0, duplicate), (end, next - 1, false));
                batches.into_iter().for_each(|batch| self.history.push(batch));
                self.log().set_high_watermark(Offset(next));
            }
            Err(AppendError::Storage(error)) => {
                self.may_fail(Err::<(), _>(error), was_broken);
                if self.log().is_broken() && !was_broken {
                    self.maybe = batches;
                }
            }
            // All that the log knows of the producer may be a marker; Kafka refuses what follows then, too.
            Err(AppendError::OutOfOrderSequence(_)) if self.is_forgotten(&batches[0]) => {}
            Err(refused) => panic!("the log refused a batch that is in order: {refused}"),
        }
    }

    fn is_forgotten(&self, next: &ModelBatch) -> bool {
        let writer = next.writer.as_ref().and_then(|writer| self.history.producers().remove(&writer.id));
        let last = writer.and_then(|known| known.last.last().copied());
        self.producers_unknown
            || (self.forgetful && last.is_none_or(|(base, _, _)| base < self.start.max(self.deleted)))
    }

    pub fn append_plain(&mut self, records: &[Keyed], codec: usize) {
        let (bytes, batch) = self.build(self.history.end, records, codec, None);
        self.write(bytes, vec![batch], Origin::Client);
    }

    pub fn append_many(&mut self, all: &[Vec<Keyed>]) {
        let (mut bytes, mut batches, mut base) = (Vec::new(), Vec::new(), self.history.end);
        for records in all {
            let (encoded, batch) = self.build(base, records, 0, None);
            base = batch.next();
            bytes.extend_from_slice(&encoded);
            batches.push(batch);
        }
        self.write(bytes.into(), batches, Origin::Coordinator);
    }

    pub fn append_as(&mut self, id: i64, records: &[Keyed], codec: usize, transactional: bool) {
        let writer = self.next_of(id, transactional);
        let (bytes, batch) = self.build(self.history.end, records, codec, Some(writer));
        self.write(bytes, vec![batch], Origin::Client);
    }

    /// What the producer sends next.
    fn next_of(&self, id: i64, transactional: bool) -> Writer {
        let known = self.history.producers().remove(&id).unwrap_or_default();
        let epoch = self.producer_epochs.get(&id).copied().unwrap_or(known.epoch).max(known.epoch);
        let sequence = if epoch == known.epoch { known.next_sequence } else { 0 };
        Writer { id, epoch, sequence, transactional }
    }

    pub fn new_producer_epoch(&mut self, id: i64) {
        let known = self.history.producers().remove(&id).unwrap_or_default();
        if known.transaction.is_none() {
            self.producer_epochs.insert(id, known.epoch + 1);
        }
    }

    pub fn end_transaction(&mut self, id: i64, commit: bool) {
        let Some(producer) = self.history.producers().remove(&id) else { return };
        if producer.transaction.is_none() {
            return;
        }
        let kind = if commit { ControlKind::Commit } else { ControlKind::Abort };
        let (epoch, time) = (producer.epoch, self.now);
        let record = ControlRecord { kind, coordinator_epoch: 0 };
        let bytes = record.encode(ProducerId(id), ProducerEpoch(epoch), Timestamp(time));
        let writer = Some(Writer { id, epoch, sequence: -1, transactional: true });
        let entries = vec![Entry { content: Content::Marker { commit }, time }];
        let (base, leader_epoch) = (self.history.end, self.leader_epoch);
        self.write(bytes, vec![ModelBatch { base, leader_epoch, writer, entries }], Origin::Coordinator);
    }

    /// The producer, if the log must know of all that it wrote last.
    fn well_known(&self, id: i64) -> Option<Producer> {
        let producer = self.history.producers().remove(&id)?;
        let last = producer.last.last()?;
        (!self.look().is_broken() && !self.producers_unknown && last.0 >= self.start.max(self.deleted))
            .then_some(producer)
    }

    fn send_empty_values(&mut self, writer: &Writer, count: usize) -> Result<AppendOutcome, AppendError> {
        let records = vec![(0, false); count];
        let serial = self.serial;
        let (bytes, _) = self.build(0, &records, 0, Some(writer.clone()));
        self.serial = serial;
        let options = self.options(Origin::Client);
        self.log().append(bytes, options)
    }

    pub fn repeat(&mut self, id: i64, back: Index) {
        let Some(producer) = self.well_known(id) else { return };
        let known = if self.only_last { 1 } else { producer.last.len() };
        let (base, sequence, count) = producer.last[producer.last.len() - 1 - back.index(known)];
        let writer = Writer { id, epoch: producer.epoch, sequence, transactional: id >= 10 };
        let outcome = self.send_empty_values(&writer, count).expect("a repeated batch is no error");
        let found = (outcome.duplicate, outcome.base_offset.0, outcome.last_offset.0);
        assert_eq!(found, (true, base, base + count as i64 - 1), "batch {sequence} of producer {id} again");
    }

    pub fn leave_gap(&mut self, id: i64) {
        let Some(producer) = self.well_known(id) else { return };
        let (epoch, sequence) = (producer.epoch, producer.next_sequence + 1);
        let writer = Writer { id, epoch, sequence, transactional: id >= 10 };
        let refused = self.send_empty_values(&writer, 1);
        assert!(matches!(refused, Err(AppendError::OutOfOrderSequence(_))), "{refused:?}");
    }

    pub fn write_fenced(&mut self, id: i64) {
        let Some(producer) = self.well_known(id) else { return };
        if producer.epoch > 0 {
            let writer = Writer { id, epoch: producer.epoch - 1, sequence: 0, transactional: id >= 10 };
            let refused = self.send_empty_values(&writer, 1);
            assert!(matches!(refused, Err(AppendError::InvalidProducerEpoch(_))), "{refused:?}");
        }
    }
}

fn stamp(writer: &Writer) -> BatchStamp {
    BatchStamp {
        producer_id: ProducerId(writer.id),
        producer_epoch: ProducerEpoch(writer.epoch),
        base_sequence: Sequence(writer.sequence),
        transactional: writer.transactional,
        ..BatchStamp::default()
    }
}
