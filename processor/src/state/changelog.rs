//! Records of a task's changelog: how its state survives.
//!
//! # Why a topic and nothing else
//! The state is a cache of its changelog topic, `__forebay-<job>-<pipeline>-changelog` (one partition for each task that keeps windows). Each commit writes, in the
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
//! What comes after the beginning is of the task's first windows. Records of windows over windows have two bytes in front of
//! the key: 9, and how many windows go before theirs.
//!
//! Key: a kind byte, then for kinds 1 and 2 the window's end in ms (8 bytes, big-endian, sign bit flipped, so keys sort by time), then
//! for kind 1 the group key. Value: for 0 the layout text, for 1 the accumulators, none for 2. Kinds 3 and 4 are 1 and 2 for slices
//! that several windows share: the ends of the first and of the last of them are in the place of the window's end.
//!
//! Sessions: kind 5 and the group key; the value has the number of accumulators a session has (2 bytes), then for each open session of
//! the key its start and end in ms and its accumulators, always whole; no value once there is none. Kind 6 is a row that waits for the
//! time to be placed (see [`super::sessions`]): watermark (8 bytes, sign bit flipped), partition (4), number (8), group key; the value
//! is its time in ms and the accumulators of it alone, and if its record is kept for the topic of late rows, 255 and that record's bytes;
//! none once it is placed.
//!
//! Keyed state (see [`super::keyed`]): kind 12 and the key; the value has the moment at which the entry is over (8 bytes, ms) and what it
//! holds; no value once it is deleted. It has the two bytes 9 and 0 in front also if it is the task's first.
//!
//! Kind 7 is how far partitions have come and what is beside the windows (see `commit::exchange`); kind 8 is in the store on disk alone.
//!
//! # Rewriting
//! State of which much is on disk ([`super::store`]) is too much for one commit. There everything is written again piece by piece: kind
//! 10, with the layout, opens the pass, kind 11 ends it, and between them ordinary commits carry the whole state along with their own
//! changes. Once the end is committed, what lies before kind 10 is superfluous. A reader that begins there does not know the
//! state until the end: it passes over additions to what it has not seen yet.

use super::Accumulator;
use super::codec::take;
use super::sessions::{Session, Stamp, WaitingRow};
use crate::time::WindowSpan;

const BEGIN: u8 = 0;
const PUT: u8 = 1;
const CLOSE: u8 = 2;
const PUT_SHARED: u8 = 3;
const CLOSE_SHARED: u8 = 4;
const SESSIONS: u8 = 5;
const TARDY: u8 = 6;
/// In the store only.
const TIMER: u8 = 8;
const NESTED: u8 = 9;
const REWRITE: u8 = 10;
const REWRITTEN: u8 = 11;
const KEYED: u8 = 12;

/// What follows the accumulators of a row is its record; no accumulator begins like this.
const ORIGIN: u8 = 255;

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
    /// A group key has these open sessions now.
    Sessions {
        /// The encoded group key.
        key: &'a [u8],
        /// Its sessions by their start.
        sessions: Vec<Session>,
    },
    /// A key of keyed state has this value now.
    Keyed {
        /// Its key.
        key: &'a [u8],
        /// The moment at which it is over, in ms, and its value; none if it is deleted.
        entry: Option<(i64, &'a [u8])>,
    },
    /// From here on everything is written again, piece by piece.
    Rewrite {
        /// As in [`Record::Begin`].
        layout: &'a str,
    },
    /// Everything is written again.
    Rewritten,
    /// A row waits to be placed, or does not any more.
    Tardy {
        /// When it is to be placed.
        stamp: Stamp,
        /// The encoded group key.
        key: &'a [u8],
        /// The row, as long as it waits.
        row: Option<WaitingRow>,
    },
}

/// A changelog record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a changelog record of version 1: {0}")]
pub struct ChangelogError(&'static str);

impl ChangelogError {
    /// Accumulators of other kinds than the plan has.
    pub const WRONG_ACCUMULATORS: ChangelogError = ChangelogError("its accumulators are not those of the plan");
    /// Times of input partitions that cannot be read.
    pub const WRONG_TIMES: ChangelogError = ChangelogError("its times cannot be read");
    /// A record that is in no snapshot.
    pub const NO_SNAPSHOT: ChangelogError = ChangelogError("it belongs to no snapshot");
    /// A record of windows of another kind.
    pub const WRONG_WINDOWS: ChangelogError = ChangelogError("its windows are not those of the plan");
}

/// Bytes that sort as the times do.
#[must_use]
pub fn sortable(time: i64) -> [u8; 8] {
    ((time as u64) ^ (1 << 63)).to_be_bytes()
}

/// The time of which [`sortable`] made these bytes.
#[must_use]
pub fn from_sortable(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

fn window_key([alone, shared]: [u8; 2], span: WindowSpan, key: &mut Vec<u8>) {
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
    encode_put_key((span, group), key);
    value.clear();
    for state in states {
        state.encode(whole, value);
    }
}

/// Writes the key of [`Record::Put`]; the buffer's content is replaced.
pub fn encode_put_key((span, group): (WindowSpan, &[u8]), key: &mut Vec<u8>) {
    window_key([PUT, PUT_SHARED], span, key);
    key.extend_from_slice(group);
}

/// Writes the record [`Record::Rewrite`] into the two buffers, whose content is replaced.
pub fn encode_rewrite(layout: &str, key: &mut Vec<u8>, value: &mut Vec<u8>) {
    encode_begin(layout, key, value);
    key[0] = REWRITE;
}

/// The key of [`Record::Rewritten`], whose value is empty.
pub const REWRITTEN_KEY: &[u8] = &[REWRITTEN];

/// Writes the key of [`Record::Close`], which has no value; the buffer's content is replaced.
pub fn encode_close(span: WindowSpan, key: &mut Vec<u8>) {
    window_key([CLOSE, CLOSE_SHARED], span, key);
}

/// Writes the record [`Record::Sessions`] into the two buffers, whose content is replaced.
pub fn encode_sessions(group: &[u8], sessions: &[Session], key: &mut Vec<u8>, value: &mut Vec<u8>) {
    encode_sessions_key(group, key);
    value.clear();
    let width = sessions.first().map_or(0, |session| session.states.len());
    value.extend_from_slice(&(width as u16).to_be_bytes());
    for Session { start, end, states } in sessions {
        value.extend_from_slice(&start.to_be_bytes());
        value.extend_from_slice(&end.to_be_bytes());
        states.iter().for_each(|state| state.encode(true, value));
    }
}

/// Writes the key of [`Record::Sessions`]; the buffer's content is replaced.
pub fn encode_sessions_key(group: &[u8], key: &mut Vec<u8>) {
    key.clear();
    key.push(SESSIONS);
    key.extend_from_slice(group);
}

/// The key under which a store has the key of a session by its end.
#[must_use]
pub fn timer_key(end: i64, group: &[u8]) -> Vec<u8> {
    [&[TIMER], &sortable(end)[..], group].concat()
}

/// The end and the key of the session that [`timer_key`] made this of.
#[must_use]
pub fn take_timer(key: &[u8]) -> Option<(i64, &[u8])> {
    let mut rest = key.strip_prefix(&[TIMER])?;
    let end = from_sortable(*take(&mut rest)?);
    Some((end, rest))
}

/// Writes the key of [`Record::Keyed`]; the buffer's content is replaced.
pub fn encode_keyed_key(name: &[u8], key: &mut Vec<u8>) {
    key.clear();
    key.push(KEYED);
    key.extend_from_slice(name);
}

/// Writes the value of [`Record::Keyed`]; the buffer's content is replaced.
pub fn encode_keyed_value(due: i64, content: &[u8], value: &mut Vec<u8>) {
    value.clear();
    value.extend_from_slice(&due.to_be_bytes());
    value.extend_from_slice(content);
}

/// What the keys of all [`Record::Sessions`] begin with, and of all [`Record::Tardy`].
pub const SESSION_PREFIXES: [&[u8]; 2] = [&[SESSIONS], &[TARDY]];

/// What all keys of [`timer_key`] begin with.
pub const TIMER_PREFIX: &[u8] = &[TIMER];

/// Writes the key of [`Record::Tardy`]; the buffer's content is replaced.
pub fn encode_tardy_key(stamp: Stamp, group: &[u8], key: &mut Vec<u8>) {
    key.clear();
    key.push(TARDY);
    key.extend_from_slice(&sortable(stamp.watermark));
    key.extend_from_slice(&stamp.partition.to_be_bytes());
    key.extend_from_slice(&stamp.number.to_be_bytes());
    key.extend_from_slice(group);
}

/// Writes the value of [`Record::Tardy`]; the buffer's content is replaced.
pub fn encode_tardy_row(row: &WaitingRow, value: &mut Vec<u8>) {
    value.clear();
    value.extend_from_slice(&row.time.to_be_bytes());
    row.states.iter().for_each(|state| state.encode(true, value));
    if let Some(origin) = &row.origin {
        value.push(ORIGIN);
        value.extend_from_slice(origin);
    }
}

/// What stands in front of the keys of windows that `before` others go before.
#[must_use]
pub fn nesting(before: u8) -> Vec<u8> {
    if before == 0 { Vec::new() } else { vec![NESTED, before] }
}

/// As [`nesting`] for keyed state, which always has it: the kind of its records is after that of nested ones, and a store is written in the
/// order of keys.
#[must_use]
pub fn keyed_nesting(before: u8) -> Vec<u8> {
    vec![NESTED, before]
}

/// How many windows go before those of a key, and the key without that.
#[must_use]
pub fn take_nesting(key: Option<&[u8]>) -> (u8, Option<&[u8]>) {
    match key {
        Some([NESTED, before, rest @ ..]) => (*before, Some(rest)),
        other => (0, other),
    }
}

/// Reads a record, without what [`take_nesting`] takes.
pub fn decode<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Result<Record<'a>, ChangelogError> {
    let key = key.ok_or(ChangelogError("it has no key"))?;
    let (kind, rest) = key.split_first().ok_or(ChangelogError("its key is empty"))?;
    if matches!(*kind, BEGIN | REWRITE) {
        let layout = value.and_then(|text| std::str::from_utf8(text).ok());
        let layout = layout.ok_or(ChangelogError("the layout is not text"))?;
        return Ok(if *kind == BEGIN { Record::Begin { layout } } else { Record::Rewrite { layout } });
    }
    if *kind == REWRITTEN {
        return Ok(Record::Rewritten);
    }
    if *kind == SESSIONS {
        let sessions =
            value.map_or(Some(Vec::new()), take_sessions).ok_or(ChangelogError("its sessions cannot be read"))?;
        return Ok(Record::Sessions { key: rest, sessions });
    }
    if *kind == KEYED {
        let Some(mut content) = value else { return Ok(Record::Keyed { key: rest, entry: None }) };
        let due = take_time(&mut content).ok_or(ChangelogError("its moment cannot be read"))?;
        return Ok(Record::Keyed { key: rest, entry: Some((due, content)) });
    }
    if *kind == TARDY {
        return take_tardy(rest, value).ok_or(ChangelogError("its row cannot be read"));
    }
    let (span, group) = take_span(*kind, rest).ok_or(ChangelogError("its key is too short"))?;
    match (*kind, value) {
        (PUT | PUT_SHARED, Some(mut bytes)) => {
            let accumulators = take_all(&mut bytes).ok_or(ChangelogError("its accumulators cannot be read"))?;
            Ok(Record::Put { span, key: group, accumulators })
        }
        (CLOSE | CLOSE_SHARED, None) if group.is_empty() => Ok(Record::Close { span }),
        _ => Err(ChangelogError("its kind is unknown or its value missing")),
    }
}

fn take_all(bytes: &mut &[u8]) -> Option<Vec<Accumulator>> {
    let mut accumulators = Vec::new();
    while !bytes.is_empty() {
        accumulators.push(Accumulator::decode(bytes)?);
    }
    Some(accumulators)
}

fn take_time(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(|bytes| i64::from_be_bytes(*bytes))
}

fn take_sessions(mut value: &[u8]) -> Option<Vec<Session>> {
    let width = u16::from_be_bytes(*take(&mut value)?);
    let mut sessions = Vec::new();
    while !value.is_empty() {
        let (start, end) = (take_time(&mut value)?, take_time(&mut value)?);
        let states = (0..width).map(|_| Accumulator::decode(&mut value)).collect::<Option<Vec<_>>>()?;
        sessions.push(Session { start, end, states });
    }
    Some(sessions)
}

fn take_tardy<'a>(mut key: &'a [u8], value: Option<&[u8]>) -> Option<Record<'a>> {
    let stamp = Stamp {
        watermark: from_sortable(*take(&mut key)?),
        partition: i32::from_be_bytes(*take(&mut key)?),
        number: u64::from_be_bytes(*take(&mut key)?),
    };
    let row = match value {
        None => None,
        Some(value) => Some(take_waiting(value)?),
    };
    Some(Record::Tardy { stamp, key, row })
}

fn take_waiting(mut value: &[u8]) -> Option<WaitingRow> {
    let time = take_time(&mut value)?;
    let mut states = Vec::new();
    loop {
        match value.split_first() {
            None => return Some(WaitingRow { time, states, origin: None }),
            Some((&ORIGIN, origin)) => return Some(WaitingRow { time, states, origin: Some(origin.to_vec()) }),
            Some(_) => states.push(Accumulator::decode(&mut value)?),
        }
    }
}

fn take_span(kind: u8, mut key: &[u8]) -> Option<(WindowSpan, &[u8])> {
    let mut time = || {
        let (bytes, rest) = key.split_first_chunk::<8>()?;
        key = rest;
        Some(from_sortable(*bytes))
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
            encode_rewrite(&layout, &mut key, &mut value);
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Rewrite { layout: &layout }));
            prop_assert_eq!(decode(Some(REWRITTEN_KEY), Some(&[])), Ok(Record::Rewritten));
            encode_close(span, &mut key);
            prop_assert_eq!(decode(Some(&key), None), Ok(Record::Close { span }));
        }

        #[test]
        fn reads_back_sessions_and_waiting_rows(
            group in any::<Vec<u8>>(),
            sessions in prop::collection::vec((any::<i64>(), any::<i64>(), prop::collection::vec(any_accumulator(), 2)), 0..4),
            (watermark, partition, number, time) in any::<(i64, i32, u64, i64)>(),
            (before, origin) in any::<(u8, Option<Vec<u8>>)>(),
        ) {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            let sessions: Vec<_> = sessions.into_iter().map(|(start, end, states)| Session { start, end, states }).collect();
            encode_sessions(&group, &sessions, &mut key, &mut value);
            let nested = [nesting(before), key.clone()].concat();
            prop_assert_eq!(take_nesting(Some(&nested)), (before, Some(&key[..])));
            let row = sessions.first().map(|session| WaitingRow { time, states: session.states.clone(), origin });
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Sessions { key: &group, sessions }));
            let stamp = Stamp { watermark, partition, number };
            encode_tardy_key(stamp, &group, &mut key);
            prop_assert_eq!(decode(Some(&key), None), Ok(Record::Tardy { stamp, key: &group, row: None }));
            if let Some(waiting) = &row {
                encode_tardy_row(waiting, &mut value);
                prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Tardy { stamp, key: &group, row }));
            }
        }

        #[test]
        fn reads_back_keyed_entries(name: Vec<u8>, due: i64, content: Vec<u8>) {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            encode_keyed_key(&name, &mut key);
            prop_assert_eq!(decode(Some(&key), None), Ok(Record::Keyed { key: &name, entry: None }));
            encode_keyed_value(due, &content, &mut value);
            let entry = Some((due, &content[..]));
            prop_assert_eq!(decode(Some(&key), Some(&value)), Ok(Record::Keyed { key: &name, entry }));
            prop_assert!(decode(Some(&key), Some(&value[..7])).is_err());
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(key: Option<Vec<u8>>, value: Option<Vec<u8>>) {
            let _ = decode(key.as_deref(), value.as_deref());
        }
    }
}
