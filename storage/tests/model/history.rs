//! The plain list: batches with their records, and what follows from them about producers and transactions.

use std::collections::BTreeMap;

/// Whose batch it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Writer {
    pub id: i64,
    pub epoch: i16,
    /// Of the first record; -1 in a marker.
    pub sequence: i32,
    pub transactional: bool,
}

/// What stands at an offset.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Data { key: u8, value: Option<String> },
    Marker { commit: bool },
}

/// A record with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub content: Content,
    pub time: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelBatch {
    pub base: i64,
    pub leader_epoch: i32,
    pub writer: Option<Writer>,
    pub entries: Vec<Entry>,
}

impl ModelBatch {
    pub fn next(&self) -> i64 {
        self.base + self.entries.len() as i64
    }

    fn marker(&self) -> Option<bool> {
        match self.entries[0].content {
            Content::Marker { commit } => Some(commit),
            Content::Data { .. } => None,
        }
    }
}

/// A producer as the log has to know it.
#[derive(Clone, Debug, Default)]
pub struct Producer {
    pub epoch: i16,
    pub next_sequence: i32,
    /// Base offset, first sequence and number of records of the last five batches of the epoch.
    pub last: Vec<(i64, i32, usize)>,
    pub transaction: Option<i64>,
}

/// A transaction that was aborted: its producer, first offset, and the offset of its marker.
pub type Aborted = (i64, i64, i64);

/// All that was appended and not truncated.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub batches: Vec<ModelBatch>,
    /// Where the next batch goes.
    pub end: i64,
}

impl History {
    pub fn push(&mut self, batch: ModelBatch) {
        assert_eq!(batch.base, self.end);
        self.end = batch.next();
        self.batches.push(batch);
    }

    /// Where a log that is cut at `offset` ends: a batch goes as a whole.
    pub fn cut_at(&self, offset: i64) -> i64 {
        let cut = self.batches.iter().find(|batch| batch.next() > offset);
        cut.map_or(self.end.min(offset), |batch| batch.base.min(offset))
    }

    pub fn truncate(&mut self, end: i64) {
        self.batches.retain(|batch| batch.next() <= end);
        self.end = self.end.min(end);
    }

    /// All entries by offset, each with its batch.
    pub fn entries(&self) -> impl Iterator<Item = (i64, &ModelBatch, &Entry)> {
        self.batches
            .iter()
            .flat_map(|batch| (batch.base..).zip(&batch.entries).map(move |(at, entry)| (at, batch, entry)))
    }

    pub fn producers(&self) -> BTreeMap<i64, Producer> {
        let mut producers: BTreeMap<i64, Producer> = BTreeMap::new();
        for batch in &self.batches {
            let Some(writer) = &batch.writer else { continue };
            let producer = producers.entry(writer.id).or_default();
            if producer.epoch != writer.epoch {
                (producer.epoch, producer.next_sequence) = (writer.epoch, 0);
                producer.last.clear();
            }
            if batch.marker().is_some() {
                producer.transaction = None;
                continue;
            }
            let count = batch.entries.len();
            producer.next_sequence = writer.sequence + count as i32;
            producer.last.push((batch.base, writer.sequence, count));
            if producer.last.len() > 5 {
                producer.last.remove(0);
            }
            if writer.transactional {
                producer.transaction.get_or_insert(batch.base);
            }
        }
        producers
    }

    /// In the order of their markers.
    pub fn aborted(&self) -> Vec<Aborted> {
        let mut open = BTreeMap::new();
        let mut aborted = Vec::new();
        for batch in &self.batches {
            let Some(writer) = &batch.writer else { continue };
            match batch.marker() {
                None if writer.transactional => drop(open.entry(writer.id).or_insert(batch.base)),
                None => {}
                Some(commit) => {
                    let first = open.remove(&writer.id);
                    aborted.extend(first.filter(|_| !commit).map(|first| (writer.id, first, batch.base)));
                }
            }
        }
        aborted
    }

    /// First offset of each open transaction.
    pub fn open_transactions(&self) -> Vec<i64> {
        self.producers().values().filter_map(|producer| producer.transaction).collect()
    }

    /// What a read_committed consumer of all history gets before `end`.
    pub fn committed(&self, end: i64) -> Vec<(i64, u8, Option<String>)> {
        let aborted = self.aborted();
        let is_aborted = |id: i64, offset: i64| {
            aborted.iter().any(|(who, first, last)| *who == id && (*first..*last).contains(&offset))
        };
        let mut found = Vec::new();
        for (offset, batch, entry) in self.entries().take_while(|(offset, _, _)| *offset < end) {
            let Content::Data { key, value } = &entry.content else { continue };
            if !batch.writer.as_ref().is_some_and(|writer| writer.transactional && is_aborted(writer.id, offset)) {
                found.push((offset, *key, value.clone()));
            }
        }
        found
    }
}
