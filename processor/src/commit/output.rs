//! Gathers the records of one commit, batch by batch for each partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::batch::{BatchBuilder, Record};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{Timestamp, TopicPartition};

/// A batch that has reached this size in bytes takes no more records: well below Kafka's default `max.message.bytes` (1,048,588).
const BATCH_BYTES: usize = 512 * 1024;

/// Partitions whose batch is found without comparing names.
const KNOWN: usize = 16;

/// Records waiting for their commit.
#[derive(Debug, Default)]
pub struct RecordBuffer {
    /// The batches that take records, and where they are by partition.
    open: Vec<(TopicPartition, BatchBuilder)>,
    places: BTreeMap<TopicPartition, usize>,
    /// Where the last records went, each partition in the slot of its number.
    known: [Option<(TopicPartition, usize)>; KNOWN],
    full: Vec<(TopicPartition, BatchBuilder)>,
    records: u64,
    side_records: u64,
    bytes: u64,
    /// Records that are added together or not at all, while there are such.
    held: Option<Vec<Held>>,
}

fn borrowed(headers: &OwnedHeaders) -> Vec<(&str, Option<&[u8]>)> {
    headers.iter().map(|(key, value)| (key.as_str(), Some(value.as_slice()))).collect()
}

/// A record that is not added yet.
#[derive(Debug)]
struct Held {
    to: TopicPartition,
    timestamp: Timestamp,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: OwnedHeaders,
}

/// Headers of a record that is not added yet.
pub type OwnedHeaders = Vec<(String, Vec<u8>)>;

impl RecordBuffer {
    /// Adds a record.
    pub fn push(&mut self, to: &TopicPartition, timestamp: Timestamp, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.push_with(to, timestamp, (key, value), &Vec::new());
    }

    /// Adds a record with headers.
    pub fn push_with(
        &mut self,
        to: &TopicPartition,
        timestamp: Timestamp,
        (key, value): (Option<&[u8]>, Option<&[u8]>),
        headers: &OwnedHeaders,
    ) {
        match &mut self.held {
            None if headers.is_empty() => self.add(to, timestamp, key, value, &[]),
            None => self.add(to, timestamp, key, value, &borrowed(headers)),
            Some(held) => held.push(Held {
                to: to.clone(),
                timestamp,
                key: key.map(<[u8]>::to_vec),
                value: value.map(<[u8]>::to_vec),
                headers: headers.clone(),
            }),
        }
    }

    /// Holds what is pushed from now on, until [`RecordBuffer::keep`] or [`RecordBuffer::undo`].
    pub fn hold(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Adds what was held.
    pub fn keep(&mut self) {
        for Held { to, timestamp, key, value, headers } in self.held.take().unwrap_or_default() {
            self.add(&to, timestamp, key.as_deref(), value.as_deref(), &borrowed(&headers));
        }
    }

    /// Forgets what was held.
    pub fn undo(&mut self) {
        self.held = None;
    }

    /// Adds a copy of `record` with other headers, for a topic beside the output.
    pub fn push_side(&mut self, to: &TopicPartition, record: &Record<'_>, headers: &[(&str, Option<&[u8]>)]) {
        self.side_records += 1;
        self.add(to, record.timestamp, record.key, record.value, headers);
    }

    fn add(
        &mut self,
        to: &TopicPartition,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) {
        let in_header = |(key, value): &(&str, Option<&[u8]>)| key.len() + value.map_or(0, <[u8]>::len);
        let in_headers: usize = headers.iter().map(in_header).sum();
        let added = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + in_headers;
        self.records += 1;
        self.bytes += added as u64;
        let place = self.place(to);
        let batch = &mut self.open[place].1;
        if !batch.is_empty() && batch.size_in_bytes() + added > BATCH_BYTES {
            let next = BatchBuilder::with_room(Compression::None, BATCH_BYTES);
            let full = std::mem::replace(batch, next);
            self.full.push((to.clone(), full));
        }
        batch.push(timestamp, key, value, headers);
    }

    /// Where the open batch for `to` is, which may be a new one.
    #[inline]
    fn place(&mut self, to: &TopicPartition) -> usize {
        let slot = to.partition as usize % KNOWN;
        match &self.known[slot] {
            Some((known, place)) if known.partition == to.partition && Arc::ptr_eq(&known.topic, &to.topic) => *place,
            _ => self.look_up(to, slot),
        }
    }

    fn look_up(&mut self, to: &TopicPartition, slot: usize) -> usize {
        let place = match self.places.get(to) {
            Some(place) => *place,
            None => {
                self.open.push((to.clone(), BatchBuilder::new(Compression::None)));
                self.places.insert(to.clone(), self.open.len() - 1);
                self.open.len() - 1
            }
        };
        self.known[slot] = Some((to.clone(), place));
        place
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Number of records that were added by [`RecordBuffer::push_side`].
    #[must_use]
    pub fn side_len(&self) -> u64 {
        self.side_records
    }

    /// Bytes of all keys, values and headers.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.bytes
    }

    /// True if there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// All batches; those of one partition in the order in which their records were added.
    #[must_use]
    pub fn into_batches(mut self) -> Vec<(TopicPartition, BatchBuilder)> {
        let mut batches = self.full;
        self.open.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        batches.extend(self.open);
        batches
    }
}
