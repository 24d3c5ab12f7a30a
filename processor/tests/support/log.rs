//! A partition in memory: real record batches, open and aborted transactions, and what a read_committed consumer gets.

use bytes::Bytes;
use forebay_storage::batch::{ControlKind, ControlRecord, batches};
use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

#[derive(Default)]
pub(super) struct Log {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) batches: Vec<(i64, i64, Bytes)>,
    /// Producer, first offset.
    pub(super) open: Vec<(ProducerId, i64)>,
    /// Producer, first offset, offset of the marker.
    pub(super) aborted: Vec<(ProducerId, i64, i64)>,
}

impl Log {
    pub(super) fn stable_end(&self) -> i64 {
        self.open.iter().map(|(_, first)| *first).min().unwrap_or(self.end)
    }

    pub(super) fn append(&mut self, batch: &Bytes) -> i64 {
        let base = self.end;
        let mut stored = batch.to_vec();
        stored[..8].copy_from_slice(&base.to_be_bytes());
        let count = i64::from(i32::from_be_bytes(stored[23..27].try_into().unwrap())) + 1;
        self.end = base + count;
        self.batches.push((base, self.end, stored.into()));
        base
    }

    pub(super) fn end_transaction(&mut self, producer: ProducerId, kind: ControlKind) {
        let Some(at) = self.open.iter().position(|(other, _)| *other == producer) else { return };
        let (_, first) = self.open.remove(at);
        let marker = ControlRecord { kind, coordinator_epoch: 0 };
        let at = self.append(&marker.encode(producer, ProducerEpoch(0), Timestamp(0)));
        if kind == ControlKind::Abort {
            self.aborted.push((producer, first, at));
        }
    }

    /// The values of committed records, in order.
    pub(super) fn committed_values(&self) -> Vec<String> {
        self.committed_records(0).into_iter().map(|record| record.value.unwrap()).collect()
    }

    /// Committed records, in order, as of partition number `partition`.
    pub(super) fn committed_records(&self, partition: i32) -> Vec<Got> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut values = Vec::new();
        for (base, _, bytes) in &self.batches {
            let batch = batches(bytes.clone()).next().unwrap().unwrap();
            let producer = batch.header.producer_id;
            let aborted = self.aborted.iter().any(|(other, first, marker)| {
                *other == producer && batch.header.is_transactional() && (*first..*marker).contains(base)
            });
            if *base >= self.stable_end() || batch.header.is_control() || aborted {
                continue;
            }
            for record in batch.records().unwrap().iter() {
                let record = record.unwrap();
                values.push(Got {
                    partition,
                    timestamp: record.timestamp.0,
                    key: record.key.map(text),
                    value: record.value.map(text),
                    headers: record.headers.iter().map(|(key, value)| (text(key), value.map(text))).collect(),
                });
            }
        }
        values
    }
}

/// A record as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub partition: i32,
    pub timestamp: i64,
    pub key: Option<String>,
    pub value: Option<String>,
    pub headers: Vec<(String, Option<String>)>,
}

impl Got {
    /// The value of a header that must be there once.
    pub fn header(&self, key: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(name, _)| name == key).collect();
        assert_eq!(found.len(), 1, "{key} in {:?}", self.headers);
        found[0].1.as_deref().unwrap()
    }
}
