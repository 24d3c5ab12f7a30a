//! The record of a row that waits to be placed, kept with it for the case that it turns out to be late.
//!
//! Its offset (8 bytes, big-endian), and a batch with the record alone.

use bytes::Bytes;
use forebay_storage::batch::{Batch, BatchBuilder, BatchStamp, Record, Records};
use forebay_storage::compress::Compression;
use forebay_storage::ids::Offset;

/// A record that was kept.
#[derive(Debug)]
pub struct Origin {
    offset: Offset,
    records: Records,
}

impl Origin {
    /// The bytes of `record`, to be kept.
    #[must_use]
    pub fn encode(record: &Record<'_>) -> Vec<u8> {
        let Record { offset, timestamp, key, value, headers } = record;
        // A key that is not UTF-8 breaks Kafka's protocol; what can be read of it is kept.
        let texts: Vec<_> = headers.iter().map(|(key, value)| (String::from_utf8_lossy(key), value)).collect();
        let headers: Vec<_> = texts.iter().map(|(key, value)| (&**key, *value)).collect();
        let mut batch = BatchBuilder::new(Compression::None);
        batch.push(*timestamp, *key, *value, &headers);
        [&offset.0.to_be_bytes()[..], &batch.finish(&BatchStamp::default())].concat()
    }

    /// What [`Origin::encode`] has encoded; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Origin> {
        let (offset, batch) = bytes.split_first_chunk::<8>()?;
        let records = Batch::parse(Bytes::copy_from_slice(batch)).ok()?.records().ok()?;
        Some(Origin { offset: Offset(i64::from_be_bytes(*offset)), records })
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> Option<Record<'_>> {
        let record = self.records.iter().next()?.ok()?;
        Some(Record { offset: self.offset, ..record })
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::ids::Timestamp;

    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let mut batch = BatchBuilder::new(Compression::None);
        batch.push(Timestamp(7), Some(b"k"), None, &[("a", Some(b"1")), ("a", None)]);
        batch.push(Timestamp(5), None, Some(b"v"), &[]);
        let records = Batch::parse(batch.finish(&BatchStamp::default())).unwrap().records().unwrap();
        for record in records.iter() {
            let record = record.unwrap();
            let kept = Origin::decode(&Origin::encode(&record)).unwrap();
            assert_eq!(kept.record(), Some(record));
        }
        assert!(Origin::decode(b"12345678").is_none() && Origin::decode(b"1").is_none());
    }
}
