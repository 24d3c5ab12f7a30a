//! Records of a task's changelog: how its state survives.
//!
//! # Why a topic and nothing else
//! The state is a cache of its changelog topic, `__forebay-<job>-<pipeline>-changelog` (one partition). Each commit writes, in the
//! same transaction as outputs and input offsets, one record for each key that changed and one for each window that closed. To
//! bound the replay, a commit now and then writes the whole live state instead, opened by a [`Record::Begin`] that tells the reader to
//! forget what it has; everything before that record is then deleted from the log. A snapshot file beside the log would be
//! smaller to write, but it would stay behind on one disk: this way any broker that has the partition can take the job over,
//! and there is one recovery path, taken each time. A crash between commit and deletion does no harm: replay merely starts
//! further back.
//!
//! The topic is not compacted: closed windows make most of it garbage at once, and deletion before an offset
//! (`Host::trim`, Kafka's DeleteRecords) is refused by Kafka for topics that are only compacted.
//!
//! # Form
//! Key: a kind byte, then for kinds 1 and 2 the window's end in ms (8 bytes, big-endian, sign bit flipped, so keys sort by time), then
//! for kind 1 the group key. Value: for 0 the layout text, for 1 the accumulators, none for 2.

use super::Accumulator;

const BEGIN: u8 = 0;
const PUT: u8 = 1;
const CLOSE: u8 = 2;

/// One record of the changelog.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    /// What follows is the whole state; `layout` says how groups and accumulators are built, so that another query's state is not
    /// taken for this one's.
    Begin {
        /// Text that two plans share only if each can go on from the other's state.
        layout: &'a str,
    },
    /// A group key of a window has these accumulators now.
    Put {
        /// The window's exclusive end in ms.
        window_end: i64,
        /// The encoded group key.
        key: &'a [u8],
        /// Its accumulators.
        accumulators: Vec<Accumulator>,
    },
    /// The window is closed, its keys are gone.
    Close {
        /// The window's exclusive end in ms.
        window_end: i64,
    },
}

/// A changelog record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a changelog record of version 1: {0}")]
pub struct ChangelogError(&'static str);

impl ChangelogError {
    /// Accumulators of other kinds than the plan has.
    pub const WRONG_ACCUMULATORS: ChangelogError = ChangelogError("its accumulators are not those of the plan");
}

fn window_key(kind: u8, window_end: i64, key: &mut Vec<u8>) {
    key.clear();
    key.push(kind);
    key.extend_from_slice(&((window_end as u64) ^ (1 << 63)).to_be_bytes());
}

/// Writes the record [`Record::Begin`] into the two buffers, whose content is replaced.
pub fn encode_begin(layout: &str, key: &mut Vec<u8>, value: &mut Vec<u8>) {
    key.clear();
    key.push(BEGIN);
    value.clear();
    value.extend_from_slice(layout.as_bytes());
}

/// Writes the record [`Record::Put`] into the two buffers, whose content is replaced.
pub fn encode_put(window_end: i64, group: &[u8], states: &[Accumulator], key: &mut Vec<u8>, value: &mut Vec<u8>) {
    window_key(PUT, window_end, key);
    key.extend_from_slice(group);
    value.clear();
    for state in states {
        state.encode(value);
    }
}

/// Writes the key of [`Record::Close`], which has no value; the buffer's content is replaced.
pub fn encode_close(window_end: i64, key: &mut Vec<u8>) {
    window_key(CLOSE, window_end, key);
}

/// Reads a record.
pub fn decode<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Result<Record<'a>, ChangelogError> {
    let key = key.ok_or(ChangelogError("it has no key"))?;
    let (kind, rest) = key.split_first().ok_or(ChangelogError("its key is empty"))?;
    if *kind == BEGIN {
        let layout = value.and_then(|text| std::str::from_utf8(text).ok());
        return Ok(Record::Begin { layout: layout.ok_or(ChangelogError("the layout is not text"))? });
    }
    let (end, group) = rest.split_first_chunk::<8>().ok_or(ChangelogError("its key is too short"))?;
    let window_end = (u64::from_be_bytes(*end) ^ (1 << 63)) as i64;
    match (*kind, value) {
        (PUT, Some(mut bytes)) => {
            let mut accumulators = Vec::new();
            while !bytes.is_empty() {
                let read = Accumulator::decode(&mut bytes);
                accumulators.push(read.ok_or(ChangelogError("its accumulators cannot be read"))?);
            }
            Ok(Record::Put { window_end, key: group, accumulators })
        }
        (CLOSE, None) if group.is_empty() => Ok(Record::Close { window_end }),
        _ => Err(ChangelogError("its kind is unknown or its value missing")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::accumulator::tests::any_accumulator;
    use super::*;

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            window_end: i64,
            group: Vec<u8>,
            states in prop::collection::vec(any_accumulator(), 0..4),
            layout: String,
        ) {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            encode_put(window_end, &group, &states, &mut key, &mut value);
            let put = Record::Put { window_end, key: &group, accumulators: states };
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(put));
            encode_begin(&layout, &mut key, &mut value);
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Begin { layout: &layout }));
            encode_close(window_end, &mut key);
            prop_assert_eq!(decode(Some(&key), None), Ok(Record::Close { window_end }));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(key: Option<Vec<u8>>, value: Option<Vec<u8>>) {
            let _ = decode(key.as_deref(), value.as_deref());
        }
    }
}
