//! How far input partitions have come, told by the tasks that read them to those that merge what these have gathered.
//!
//! It goes out in the transaction that commits the positions, after everything that was gathered up to there, so whoever reads it has
//! all rows before it. Merging tasks keep it in their changelog in the same form: key 7 (the other kinds are those of
//! [`changelog`](crate::state::changelog)); value: for each partition its number (4 bytes), its watermark in ms (8) and
//! flags (1): 1 idle, 2 ended, 4 quiet.
//!
//! What a task commits first begins with the id of the topic that it reads: key 7 and 1, value the id as Kafka's tools write it. What comes
//! after another id is of another topic.

use forebay_storage::ids::TopicId;

use crate::time::InputTime;

const KEY: &[u8] = &[7];
const TOPIC_KEY: &[u8] = &[7, 1];

const IDLE: u8 = 1;
const ENDED: u8 = 2;
const QUIET: u8 = 4;

/// Bytes of one partition.
const WIDTH: usize = 13;

/// How far one input partition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionTime {
    /// Watermark and idleness.
    pub time: InputTime,
    /// Whether it is bounded and read to its end.
    pub ended: bool,
    /// Whether it is read to its end and nothing has come for so long that open windows are to close
    /// (`forebay.close-after-idle`).
    pub quiet: bool,
}

impl PartitionTime {
    /// Of a partition of which nothing is known.
    pub const NEW: PartitionTime = PartitionTime { time: InputTime::NEW, ended: false, quiet: false };

    /// What the watermark of all is to know of it: one that has ended holds nothing back.
    #[must_use]
    pub fn counted(self) -> InputTime {
        InputTime { idle: self.time.idle || self.ended, ..self.time }
    }
}

/// Key of a record of times.
#[must_use]
pub fn times_key() -> &'static [u8] {
    KEY
}

/// Whether a record is one of times.
#[must_use]
pub fn is_times(key: Option<&[u8]>) -> bool {
    key == Some(KEY)
}

/// Key of a record that says which topic is read.
#[must_use]
pub fn topic_key() -> &'static [u8] {
    TOPIC_KEY
}

/// Whether a record says which topic is read.
#[must_use]
pub fn is_topic(key: Option<&[u8]>) -> bool {
    key == Some(TOPIC_KEY)
}

/// Value of a record that says which topic is read.
#[must_use]
pub fn encode_topic(id: TopicId) -> Vec<u8> {
    id.to_string().into_bytes()
}

/// Reads what [`encode_topic`] wrote; `None` if it is something else.
#[must_use]
pub fn decode_topic(value: &[u8]) -> Option<TopicId> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Value of a record of times.
#[must_use]
pub fn encode_times(times: impl Iterator<Item = (i32, PartitionTime)>) -> Vec<u8> {
    let mut value = Vec::new();
    for (partition, PartitionTime { time, ended, quiet }) in times {
        value.extend_from_slice(&partition.to_be_bytes());
        value.extend_from_slice(&time.watermark.to_be_bytes());
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        value.push(flag(time.idle, IDLE) | flag(ended, ENDED) | flag(quiet, QUIET));
    }
    value
}

/// Reads what [`encode_times`] wrote; `None` if it is something else.
#[must_use]
pub fn decode_times(value: &[u8]) -> Option<Vec<(i32, PartitionTime)>> {
    let (records, rest) = value.as_chunks::<WIDTH>();
    if !rest.is_empty() {
        return None;
    }
    let read = |record: &[u8; WIDTH]| {
        let (partition, rest) = record.split_first_chunk::<4>()?;
        let (watermark, flags) = rest.split_first_chunk::<8>()?;
        let partition = i32::from_be_bytes(*partition);
        let flag = |flag: u8| flags[0] & flag != 0;
        let time = InputTime { watermark: i64::from_be_bytes(*watermark), idle: flag(IDLE) };
        (partition >= 0).then_some((partition, PartitionTime { time, ended: flag(ENDED), quiet: flag(QUIET) }))
    };
    records.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::changelog;

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            times in prop::collection::vec((0..i32::MAX, any::<i64>(), any::<(bool, bool, bool)>()), 0..5), cut in 1..WIDTH,
        ) {
            let time = |(partition, watermark, (idle, ended, quiet))| {
                (partition, PartitionTime { time: InputTime { watermark, idle }, ended, quiet })
            };
            let times: Vec<_> = times.into_iter().map(time).collect();
            let value = encode_times(times.iter().copied());
            prop_assert_eq!(decode_times(&value), Some(times));
            prop_assert_eq!(decode_times(&[&value[..], &vec![0; cut][..]].concat()), None);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(value: Vec<u8>) {
            let _ = decode_times(&value);
        }
    }

    #[test]
    fn no_record_of_the_state_is_taken_for_one() {
        assert!(is_times(Some(times_key())));
        assert!(changelog::decode(Some(times_key()), Some(&[])).is_err());
    }
}
