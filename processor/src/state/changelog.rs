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
//! for kind 1 the group key. Value: for 0 the layout text, for 1 the accumulators, none for 2. Kinds 3 and 4 are 1 and 2 for slices
//! that several windows share: the ends of the first and of the last of them are in the place of the window's end.

use super::Accumulator;
use crate::time::WindowSpan;

const BEGIN: u8 = 0;
const PUT: u8 = 1;
const CLOSE: u8 = 2;
const PUT_SHARED: u8 = 3;
const CLOSE_SHARED: u8 = 4;

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
        /// The windows of the slice.
        span: WindowSpan,
        /// The encoded group key.
        key: &'a [u8],
        /// Its accumulators.
        accumulators: Vec<Accumulator>,
    },
    /// The window is closed, its keys are gone.
    Close {
        /// The windows of the slice.
        span: WindowSpan,
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

fn window_key([alone, shared]: [u8; 2], span: WindowSpan, key: &mut Vec<u8>) {
    let sortable = |time: i64| ((time as u64) ^ (1 << 63)).to_be_bytes();
    key.clear();
    if span.first == span.last {
        key.push(alone);
    } else {
        key.push(shared);
        key.extend_from_slice(&sortable(span.first));
    }
    key.extend_from_slice(&sortable(span.last));
}

/// Writes the record [`Record::Begin`] into the two buffers, whose content is replaced.
pub fn encode_begin(layout: &str, key: &mut Vec<u8>, value: &mut Vec<u8>) {
    key.clear();
    key.push(BEGIN);
    value.clear();
    value.extend_from_slice(layout.as_bytes());
}

/// Writes the record [`Record::Put`] into the two buffers, whose content is replaced; `whole` as in [`Accumulator::encode`].
pub fn encode_put(
    (span, group): (WindowSpan, &[u8]),
    states: &[Accumulator],
    whole: bool,
    key: &mut Vec<u8>,
    value: &mut Vec<u8>,
) {
    window_key([PUT, PUT_SHARED], span, key);
    key.extend_from_slice(group);
    value.clear();
    for state in states {
        state.encode(whole, value);
    }
}

/// Writes the key of [`Record::Close`], which has no value; the buffer's content is replaced.
pub fn encode_close(span: WindowSpan, key: &mut Vec<u8>) {
    window_key([CLOSE, CLOSE_SHARED], span, key);
}

/// Reads a record.
pub fn decode<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Result<Record<'a>, ChangelogError> {
    let key = key.ok_or(ChangelogError("it has no key"))?;
    let (kind, rest) = key.split_first().ok_or(ChangelogError("its key is empty"))?;
    if *kind == BEGIN {
        let layout = value.and_then(|text| std::str::from_utf8(text).ok());
        return Ok(Record::Begin { layout: layout.ok_or(ChangelogError("the layout is not text"))? });
    }
    let (span, group) = take_span(*kind, rest).ok_or(ChangelogError("its key is too short"))?;
    match (*kind, value) {
        (PUT | PUT_SHARED, Some(mut bytes)) => {
            let mut accumulators = Vec::new();
            while !bytes.is_empty() {
                let read = Accumulator::decode(&mut bytes);
                accumulators.push(read.ok_or(ChangelogError("its accumulators cannot be read"))?);
            }
            Ok(Record::Put { span, key: group, accumulators })
        }
        (CLOSE | CLOSE_SHARED, None) if group.is_empty() => Ok(Record::Close { span }),
        _ => Err(ChangelogError("its kind is unknown or its value missing")),
    }
}

fn take_span(kind: u8, mut key: &[u8]) -> Option<(WindowSpan, &[u8])> {
    let mut time = || {
        let (bytes, rest) = key.split_first_chunk::<8>()?;
        key = rest;
        Some((u64::from_be_bytes(*bytes) ^ (1 << 63)) as i64)
    };
    let first = time()?;
    let last = if matches!(kind, PUT_SHARED | CLOSE_SHARED) { time()? } else { first };
    Some((WindowSpan { first, last }, key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::accumulator::tests::any_accumulator;
    use super::*;

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            first: i64,
            shared: Option<i64>,
            group: Vec<u8>,
            states in prop::collection::vec(any_accumulator(), 0..4),
            layout: String,
        ) {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            let span = WindowSpan { first, last: shared.unwrap_or(first) };
            encode_put((span, &group), &states, true, &mut key, &mut value);
            let put = Record::Put { span, key: &group, accumulators: states };
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(put));
            encode_begin(&layout, &mut key, &mut value);
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Begin { layout: &layout }));
            encode_close(span, &mut key);
            prop_assert_eq!(decode(Some(&key), None), Ok(Record::Close { span }));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(key: Option<Vec<u8>>, value: Option<Vec<u8>>) {
            let _ = decode(key.as_deref(), value.as_deref());
        }
    }
}
