//! The options that say what a job does with bad records, late rows and the end of its input; on a table, or by SET for all tables.

use sqlparser::tokenizer::Span;

use super::error::{SqlError, did_you_mean};
use super::options::{duration_ms, memory_bytes, specific_offsets, topic_problem};
use super::statement::Name;
use crate::plan::{Bounded, OnError, OnLate, Policies};

/// Keys that a table and SET understand.
pub(crate) const KEYS: &[&str] = &[
    "forebay.on-error",
    "forebay.dead-letter.topic",
    "forebay.on-late",
    "forebay.late.topic",
    "forebay.allowed-lateness",
    "forebay.close-after-idle",
    "forebay.state.memory",
];

/// Flink's name of `forebay.allowed-lateness`, for SET only.
pub(crate) const ALLOW_LATENESS: &str = "table.exec.emit.allow-lateness";

/// Keys that only a table understands.
pub(crate) const TABLE_KEYS: &[&str] = &[
    "scan.bounded.mode",
    "scan.bounded.specific-offsets",
    "scan.bounded.timestamp-millis",
    "scan.watermark.alignment.group",
    "scan.watermark.alignment.max-drift",
    "scan.watermark.alignment.update-interval",
];

/// Least `forebay.state.memory`, in bytes.
const MIN_STATE_MEMORY: u64 = 4 * 1024;

/// What was said, in one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyOptions {
    on_error: Option<Name>,
    dead_letter_topic: Option<Name>,
    on_late: Option<Name>,
    late_topic: Option<Name>,
    allowed_lateness_ms: Option<i64>,
    close_after_idle_ms: Option<i64>,
    state_memory_bytes: Option<u64>,
    bounded_mode: Option<Name>,
    bounded_timestamp: Option<i64>,
    bounded_offsets: Option<std::collections::BTreeMap<i32, i64>>,
    max_drift_ms: Option<i64>,
}

impl PolicyOptions {
    /// Takes one option in; false if it is not one of these.
    pub(crate) fn take(&mut self, key: &str, value: &Name) -> Result<bool, SqlError> {
        match key {
            "forebay.on-error" => self.on_error = Some(one_of(key, value, &["fail", "skip", "dead-letter"])?),
            "forebay.dead-letter.topic" => self.dead_letter_topic = Some(topic(value)?),
            "forebay.on-late" => self.on_late = Some(one_of(key, value, &["drop", "topic"])?),
            "forebay.late.topic" => self.late_topic = Some(topic(value)?),
            "forebay.allowed-lateness" | ALLOW_LATENESS => self.allowed_lateness_ms = Some(duration(value)?),
            "forebay.close-after-idle" => self.close_after_idle_ms = Some(duration(value)?),
            "forebay.state.memory" => self.state_memory_bytes = Some(memory(value)?),
            "scan.bounded.mode" => {
                const MODES: &[&str] =
                    &["unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];
                self.bounded_mode = Some(one_of(key, value, MODES)?);
            }
            "scan.bounded.specific-offsets" => self.bounded_offsets = Some(specific_offsets(value)?),
            "scan.bounded.timestamp-millis" => {
                let millis = value.text.parse().map_err(|_| {
                    SqlError::new(value.span, format!("'{}' is no number of milliseconds since 1970", value.text))
                })?;
                self.bounded_timestamp = Some(millis);
            }
            "scan.watermark.alignment.max-drift" => self.max_drift_ms = Some(duration(value)?),
            // The partitions of one table are a group, and are compared at each read.
            "scan.watermark.alignment.group" | "scan.watermark.alignment.update-interval" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What holds for a table over the topic `source`: its own options, and else those of SET.
pub(crate) fn resolve(table: &PolicyOptions, set: &PolicyOptions, source: &str) -> Result<Policies, SqlError> {
    let named = |own: &Option<Name>, all: &Option<Name>| own.clone().or_else(|| all.clone());
    let dead_letter = named(&table.dead_letter_topic, &set.dead_letter_topic);
    let late = named(&table.late_topic, &set.late_topic);
    let on_error = match named(&table.on_error, &set.on_error) {
        None => None,
        Some(mode) => Some(match mode.text.as_str() {
            "fail" => OnError::Fail,
            "skip" => OnError::Skip,
            _ => OnError::DeadLetter { topic: needed(dead_letter.clone(), mode.span, "forebay.dead-letter.topic")? },
        }),
    };
    let on_late = match named(&table.on_late, &set.on_late) {
        Some(mode) if mode.text == "topic" => {
            OnLate::Topic { topic: needed(late.clone(), mode.span, "forebay.late.topic")? }
        }
        _ => OnLate::Drop,
    };
    if let (Some(topic), Some(OnError::DeadLetter { .. })) = (&dead_letter, &on_error) {
        elsewhere("forebay.dead-letter.topic", topic, source)?;
    }
    if let (Some(topic), OnLate::Topic { .. }) = (&late, &on_late) {
        elsewhere("forebay.late.topic", topic, source)?;
    }
    if let (Some(unused), false) = (&table.dead_letter_topic, matches!(on_error, Some(OnError::DeadLetter { .. }))) {
        return Err(SqlError::new(unused.span, "'forebay.dead-letter.topic' needs 'forebay.on-error' = 'dead-letter'"));
    }
    if let (Some(unused), OnLate::Drop) = (&table.late_topic, &on_late) {
        return Err(SqlError::new(unused.span, "'forebay.late.topic' needs 'forebay.on-late' = 'topic'"));
    }
    Ok(Policies {
        on_error,
        on_late,
        allowed_lateness_ms: table.allowed_lateness_ms.or(set.allowed_lateness_ms).unwrap_or(0),
        close_after_idle_ms: table.close_after_idle_ms.or(set.close_after_idle_ms),
        state_memory_bytes: table.state_memory_bytes.or(set.state_memory_bytes),
        bounded: bounded(table)?,
        max_drift_ms: table.max_drift_ms,
    })
}

fn bounded(table: &PolicyOptions) -> Result<Option<Bounded>, SqlError> {
    let Some(mode) = &table.bounded_mode else { return Ok(None) };
    let missing =
        |key: &str| Err(SqlError::new(mode.span, format!("'scan.bounded.mode' = '{}' needs '{key}'", mode.text)));
    Ok(match mode.text.as_str() {
        "latest-offset" => Some(Bounded::LatestOffset),
        "group-offsets" => Some(Bounded::GroupOffsets),
        "timestamp" => match table.bounded_timestamp {
            Some(millis) => Some(Bounded::Timestamp(millis)),
            None => return missing("scan.bounded.timestamp-millis"),
        },
        "specific-offsets" => match &table.bounded_offsets {
            Some(offsets) => Some(Bounded::SpecificOffsets(offsets.clone())),
            None => return missing("scan.bounded.specific-offsets"),
        },
        _ => None,
    })
}

fn needed(topic: Option<Name>, mode: Span, key: &str) -> Result<String, SqlError> {
    match topic {
        Some(topic) => Ok(topic.text),
        None => Err(SqlError::new(mode, format!("it needs a topic, '{key}'"))),
    }
}

/// Records put aside into the topic that they were read from would be read and put aside again for ever.
fn elsewhere(key: &str, topic: &Name, source: &str) -> Result<(), SqlError> {
    if topic.text != source {
        return Ok(());
    }
    Err(SqlError::new(topic.span, format!("'{key}' is the topic that the table reads, '{source}'"))
        .hint("what is put there would be read again, for ever: name another topic"))
}

fn one_of(key: &str, value: &Name, allowed: &[&str]) -> Result<Name, SqlError> {
    match allowed.iter().find(|allowed| allowed.eq_ignore_ascii_case(&value.text)) {
        Some(allowed) => Ok(Name { text: (*allowed).to_owned(), ..value.clone() }),
        None => Err(SqlError::new(value.span, format!("'{key}' cannot be '{}'", value.text))
            .maybe_hint(did_you_mean(&value.text, allowed.iter().copied()))),
    }
}

fn topic(value: &Name) -> Result<Name, SqlError> {
    match topic_problem(&value.text) {
        Some(problem) => Err(SqlError::new(value.span, problem)),
        None => Ok(value.clone()),
    }
}

fn memory(value: &Name) -> Result<u64, SqlError> {
    let refuse =
        |why: String| SqlError::new(value.span, why).hint("a size is a number and a unit: '64 mb', '512 mb', '4 gb'");
    match memory_bytes(&value.text) {
        None => Err(refuse(format!("'{}' is no size of memory", value.text))),
        Some(bytes) if bytes < MIN_STATE_MEMORY => {
            Err(refuse(format!("'{}' is less than 4 kb, which is the least memory for state", value.text)))
        }
        Some(bytes) => Ok(bytes),
    }
}

fn duration(value: &Name) -> Result<i64, SqlError> {
    duration_ms(&value.text).ok_or_else(|| {
        SqlError::new(value.span, format!("'{}' is no duration", value.text))
            .hint("a duration is a number and a unit: '500 ms', '30 s', '5 min', '1 h'")
    })
}
