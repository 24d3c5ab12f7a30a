//! Keys of a window that closes as the JSON of its rows, where each row is a record as it is: the texts between the values are the same for all
//! keys of a window, so they are made once, and no row is between accumulators and record.
//!
//! A key of which anything has to be converted goes the long way; both come to the same.

use super::graph::Segment;
use super::keeper::Keeper;
use super::sink::RecordSink;
use crate::commit::RecordBuffer;
use crate::expr::Value;
use crate::format::{is_plain_json, write_json_integer};
use crate::plan::OutputField;
use crate::state::{Accumulator, take_integer, take_text};
use forebay_storage::ids::Timestamp;

/// A group has so many keys at most.
const MOST_KEYS: usize = 4;

/// Writes the rows of a window aggregation.
#[derive(Debug)]
pub struct RenderedRows {
    keys: usize,
    /// The fields of the object in their order: of which output field, and what it is.
    fields: Vec<(usize, OutputField)>,
    /// The window whose texts these are.
    window: Option<(i64, i64)>,
    /// What stands before each value that a key has of its own.
    pieces: Vec<(Vec<u8>, Own)>,
    /// What stands behind the last.
    end: Vec<u8>,
    value: Vec<u8>,
}

/// A value that a key has of its own.
#[derive(Clone, Copy, Debug)]
enum Own {
    Key(usize),
    Aggregate(usize),
}

/// A value of an encoded group key.
#[derive(Clone, Copy)]
enum KeyValue<'k> {
    Text(&'k [u8]),
    Integer(i64),
}

impl RenderedRows {
    /// If the rows of `segment` go to `sink` as they are, as objects without a record key.
    #[must_use]
    pub fn new(segment: &Segment, sink: &RecordSink) -> Option<RenderedRows> {
        let Keeper::Grid(operator) = &segment.keeper else { return None };
        if !segment.after.is_empty() || segment.to.is_some() || operator.keys().len() > MOST_KEYS {
            return None;
        }
        let positions: Vec<usize> = sink.plain_json()?.positions().collect();
        let field = |position: usize| Some((position, *operator.output().get(position)?));
        let fields = positions.into_iter().map(field).collect::<Option<Vec<_>>>()?;
        // A key has a row for each rank then, whichever columns are put out.
        if operator.is_ranked() {
            return None;
        }
        let (pieces, end, value) = (Vec::new(), Vec::new(), Vec::new());
        Some(RenderedRows { keys: operator.keys().len(), fields, window: None, pieces, end, value })
    }

    /// Adds the record of `key` in `window` to `out`; false if its row is to be made instead.
    pub fn write(
        &mut self,
        window: (i64, i64),
        key: &[u8],
        states: &[Accumulator],
        sink: &mut RecordSink,
        (now, out): (Timestamp, &mut RecordBuffer),
    ) -> bool {
        if self.window != Some(window) && !self.begin(window, sink) {
            return false;
        }
        let mut values = [KeyValue::Integer(0); MOST_KEYS];
        let mut rest = key;
        for value in &mut values[..self.keys] {
            *value = match (take_text(&mut rest), rest) {
                (Some(text), _) if is_plain_json(text) => KeyValue::Text(text),
                (None, _) => match take_integer(&mut rest) {
                    Some(number) => KeyValue::Integer(number),
                    None => return false,
                },
                _ => return false,
            };
        }
        self.value.clear();
        for (before, own) in &self.pieces {
            self.value.extend_from_slice(before);
            match *own {
                Own::Key(at) => match values[at] {
                    KeyValue::Integer(number) => write_json_integer(number, &mut self.value),
                    KeyValue::Text(text) => {
                        self.value.push(b'"');
                        self.value.extend_from_slice(text);
                        self.value.push(b'"');
                    }
                },
                Own::Aggregate(at) => match states[at] {
                    Accumulator::Count(number) | Accumulator::Integer(number) => {
                        write_json_integer(number, &mut self.value);
                    }
                    _ => return false,
                },
            }
        }
        self.value.extend_from_slice(&self.end);
        let spread = match values[..self.keys] {
            [KeyValue::Text(text)] => text,
            _ => key,
        };
        sink.push_value(spread, &self.value, now, out);
        true
    }

    /// Makes the texts between the values of this window's keys; false if that cannot be done.
    fn begin(&mut self, window: (i64, i64), sink: &mut RecordSink) -> bool {
        let (start, end) = window;
        self.pieces.clear();
        self.window = None;
        let Some(json) = sink.plain_json_mut() else { return false };
        let mut text = vec![b'{'];
        for (at, (_, field)) in self.fields.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            json.write_label(at, &mut text);
            let time = match *field {
                OutputField::WindowStart => start,
                OutputField::WindowEnd => end,
                OutputField::WindowTime => end.saturating_sub(1),
                OutputField::Key(key) => {
                    self.pieces.push((std::mem::take(&mut text), Own::Key(key)));
                    continue;
                }
                OutputField::Aggregate(call) => {
                    self.pieces.push((std::mem::take(&mut text), Own::Aggregate(call)));
                    continue;
                }
                OutputField::TopColumn(_) | OutputField::Rank => return false,
            };
            if json.write_value(at, &Value::timestamp(time), &mut text).is_err() {
                return false;
            }
        }
        text.push(b'}');
        (self.end, self.window) = (text, Some(window));
        true
    }
}
