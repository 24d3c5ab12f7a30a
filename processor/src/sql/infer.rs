//! A table's columns from its topic's records: what the fields are, how often they are there, which one is the time, and how far
//! records are out of order. What is mixed is said, not guessed.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::ddl::{quoted_name, written};
use crate::format::datetime::{parse_date, parse_timestamp};
use crate::job::time_text;
use crate::plan::TimestampFormat;

/// A record that is looked at; those of a partition come in the order of their offsets.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its partition.
    pub partition: i32,
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The statement, which Flink takes too; without a semicolon.
    pub ddl: String,
    /// What was found of each field.
    pub fields: Vec<FoundField>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// A field of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundField {
    /// Its name.
    pub name: String,
    /// The type of its column.
    pub data_type: String,
    /// In how many of 1000 records it is there and not null.
    pub present_per_mille: usize,
    /// One of its values.
    pub example: String,
    /// What else there is to say; empty if nothing.
    pub note: String,
}

/// The most fields that become columns.
const MAX_FIELDS: usize = 500;
/// The longest example, in characters.
const EXAMPLE: usize = 40;
/// Delays that a watermark is given, in milliseconds.
const DELAYS_MS: &[i64] = &[
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];
/// Names that times have, the likeliest first.
const TIME_NAMES: &[&str] =
    &["event_time", "eventtime", "rowtime", "ts", "timestamp", "time", "created_at", "occurred_at"];
/// 2001 and 2100, in seconds since 1970: whole numbers between them are taken for times.
const PLAUSIBLE_SECONDS: std::ops::Range<i64> = 978_307_200..4_102_444_800;

/// A JSON object with its fields in the order in which they are written.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Boolean,
    Integer,
    /// Beyond BIGINT.
    Large,
    Number,
    Date,
    /// With a blank in the middle; zoned or not.
    Sql(bool),
    /// With a T.
    Iso(bool),
    Text,
    Nested,
}

impl Kind {
    fn of(value: &Value) -> Option<Kind> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(number) if number.is_i64() => Kind::Integer,
            Value::Number(number) if number.is_u64() => Kind::Large,
            Value::Number(_) => Kind::Number,
            Value::String(text) => Kind::of_text(text),
            Value::Array(_) | Value::Object(_) => Kind::Nested,
        })
    }

    fn of_text(text: &str) -> Kind {
        if parse_date(text).is_some() {
            return Kind::Date;
        }
        for zoned in [false, true] {
            if parse_timestamp(text, TimestampFormat::Sql, zoned).is_some() {
                return Kind::Sql(zoned);
            }
            if parse_timestamp(text, TimestampFormat::Iso8601, zoned).is_some() {
                return Kind::Iso(zoned);
            }
        }
        Kind::Text
    }

    fn data_type(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::Integer => "BIGINT",
            Kind::Large => "DECIMAL(20, 0)",
            Kind::Number => "DOUBLE",
            Kind::Date => "DATE",
            Kind::Sql(false) | Kind::Iso(false) => "TIMESTAMP(3)",
            Kind::Sql(true) | Kind::Iso(true) => "TIMESTAMP_LTZ(3)",
            Kind::Text | Kind::Nested => "STRING",
        }
    }
}

#[derive(Default)]
struct Field {
    kinds: BTreeMap<Kind, usize>,
    example: String,
    /// Partition and time in milliseconds of those values that can be times.
    times: Vec<(i32, i64)>,
}

impl Field {
    fn take(&mut self, partition: i32, value: &Value) {
        let Some(kind) = Kind::of(value) else { return };
        *self.kinds.entry(kind).or_default() += 1;
        if self.example.is_empty() {
            self.example = example(value);
        }
        let text = value.as_str().unwrap_or_default();
        let time = match kind {
            Kind::Integer => value.as_i64().and_then(epoch_ms),
            Kind::Sql(zoned) => parse_timestamp(text, TimestampFormat::Sql, zoned).map(|time| time.millis),
            Kind::Iso(zoned) => parse_timestamp(text, TimestampFormat::Iso8601, zoned).map(|time| time.millis),
            _ => None,
        };
        self.times.extend(time.map(|time| (partition, time)));
    }

    fn count(&self) -> usize {
        self.kinds.values().sum()
    }

    /// The type that takes all values, and what there is to say of it.
    fn settle(&self) -> (Kind, String) {
        let kinds: Vec<Kind> = self.kinds.keys().copied().collect();
        match kinds[..] {
            [] => (Kind::Text, "null in every record that was looked at".to_owned()),
            [Kind::Nested] => {
                (Kind::Nested, "an object or array, as text: JSON_VALUE and JSON_QUERY look into it".to_owned())
            }
            [kind] => (kind, String::new()),
            [Kind::Integer, Kind::Large] => (Kind::Large, String::new()),
            [Kind::Integer, Kind::Number] => (Kind::Number, "whole numbers and others".to_owned()),
            _ => {
                let all = self.count();
                let part = |(kind, count): (&Kind, &usize)| {
                    let name = if *kind == Kind::Nested { "object or array" } else { kind.data_type() };
                    format!("{name} {}", percent(*count * 1000 / all))
                };
                let mut parts: Vec<String> = self.kinds.iter().map(part).collect();
                parts.dedup();
                (Kind::Text, format!("mixed: {}", parts.join(", ")))
            }
        }
    }
}

/// Milliseconds since 1970, if the number is likely to be these, or seconds.
fn epoch_ms(number: i64) -> Option<i64> {
    if PLAUSIBLE_SECONDS.contains(&number) {
        return Some(number * 1_000);
    }
    PLAUSIBLE_SECONDS.contains(&(number / 1_000)).then_some(number)
}

fn example(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.chars().count() > EXAMPLE {
        true => format!("{}…", text.chars().take(EXAMPLE - 1).collect::<String>()),
        false => text,
    }
}

/// A share of 1000 as a percentage.
fn percent(per_mille: usize) -> String {
    if per_mille.is_multiple_of(10) {
        format!("{} %", per_mille / 10)
    } else {
        format!("{}.{} %", per_mille / 10, per_mille % 10)
    }
}

/// Proposes the table `name` with these options for records of its topic.
///
/// # Errors
/// No columns can be told from them; says why.
pub fn propose(name: &str, options: &[(String, String)], samples: &[Sample]) -> Result<Proposal, String> {
    let mut fields: Vec<(String, Field)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let (mut objects, mut others, mut framed) = (0_usize, 0_usize, 0_usize);
    for sample in samples {
        let Some(value) = &sample.value else { continue };
        let Ok(Fields(object)) = serde_json::from_slice(value) else {
            others += 1;
            framed += usize::from(value.len() > 5 && value[0] == 0);
            continue;
        };
        objects += 1;
        for (key, value) in &object {
            let place = match places.get(key.as_str()) {
                Some(place) => *place,
                None if fields.len() == MAX_FIELDS => continue,
                None => {
                    fields.push((key.clone(), Field::default()));
                    places.insert(key.clone(), fields.len() - 1);
                    fields.len() - 1
                }
            };
            fields[place].1.take(sample.partition, value);
        }
    }
    if fields.is_empty() {
        return Err(nothing(samples.len(), others, framed));
    }
    let mut notes = vec![format!("from {objects} of the topic's oldest and newest records")];
    if others > 0 {
        notes
            .push(format!("{others} values are no JSON objects: 'json.ignore-parse-errors' = 'true' passes over them"));
    }
    Ok(Draft { objects, notes, fields }.proposal(name, options, others > 0))
}

fn nothing(samples: usize, others: usize, framed: usize) -> String {
    match (samples, others) {
        (0, _) => "the topic has no records to tell its columns from; write them yourself".to_owned(),
        (_, others) if others > 0 && framed == others => {
            "the values begin as those of a schema registry do, which are not read here; only JSON is".to_owned()
        }
        (_, others) if others > 0 => {
            "the values are no JSON objects, so there is nothing to tell columns from".to_owned()
        }
        _ => "the records have no values, or objects without fields".to_owned(),
    }
}

struct Draft {
    objects: usize,
    notes: Vec<String>,
    fields: Vec<(String, Field)>,
}

impl Draft {
    fn proposal(mut self, name: &str, options: &[(String, String)], has_bad: bool) -> Proposal {
        let settled: Vec<(Kind, String)> = self.fields.iter().map(|(_, field)| field.settle()).collect();
        // One form of times for a table: texts of the other one stay texts.
        let iso = settled.iter().any(|(kind, _)| matches!(kind, Kind::Iso(_)));
        let kind_of = |kind: Kind| match kind {
            Kind::Sql(_) if iso => Kind::Text,
            kind => kind,
        };
        let mut lines = Vec::new();
        let mut found = Vec::new();
        for ((name, field), (kind, note)) in self.fields.iter().zip(&settled) {
            let data_type = kind_of(*kind).data_type();
            lines.push(format!("{} {data_type}", quoted_name(name)));
            found.push(FoundField {
                name: name.clone(),
                data_type: data_type.to_owned(),
                present_per_mille: field.count() * 1000 / self.objects.max(1),
                example: field.example.clone(),
                note: note.clone(),
            });
        }
        let kinds: Vec<Kind> = settled.iter().map(|(kind, _)| kind_of(*kind)).collect();
        self.time(&kinds, &mut lines);
        let mut all: Vec<(&str, &str)> = options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let has = |all: &[(&str, &str)], key: &str| {
            all.iter().any(|(known, _)| *known == key || known.ends_with(&format!(".{key}")))
        };
        if !has(&all, "format") {
            all.push(("format", "json"));
        }
        if iso && !has(&all, "json.timestamp-format.standard") {
            all.push(("json.timestamp-format.standard", "ISO-8601"));
        }
        if has_bad && !has(&all, "json.ignore-parse-errors") {
            all.push(("json.ignore-parse-errors", "true"));
        }
        Proposal { ddl: written(name, &lines, all.into_iter()), fields: found, notes: self.notes }
    }

    /// Adds the event time and its watermark.
    fn time(&mut self, kinds: &[Kind], lines: &mut Vec<String>) {
        let is_time = |at: usize| {
            let field = &self.fields[at].1;
            let fits = matches!(kinds[at], Kind::Integer | Kind::Sql(_) | Kind::Iso(_));
            fits && field.times.len() == self.objects && field.count() == self.objects
        };
        let rank = |at: usize| {
            let name = self.fields[at].0.to_ascii_lowercase();
            let known = TIME_NAMES.iter().position(|known| *known == name);
            let like = name.ends_with("_at") || name.contains("time") || name.ends_with("_ts") || name.ends_with("_ms");
            // A whole number is taken for a time only if it is also called like one.
            match (known, like) {
                (Some(known), _) => Some(known),
                (None, true) => Some(TIME_NAMES.len()),
                (None, false) => (kinds[at] != Kind::Integer).then_some(TIME_NAMES.len() + 1),
            }
        };
        let candidates = (0..self.fields.len()).filter(|at| is_time(*at));
        let chosen = candidates.filter_map(|at| rank(at).map(|rank| (rank, at))).min();
        let Some((_, at)) = chosen else {
            let column = self.free_name();
            lines.push(format!("{column} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"));
            lines.push(format!("WATERMARK FOR {column} AS {column}"));
            self.notes.push("no field is a time in every record: the records' own timestamps are taken".to_owned());
            return;
        };
        let name = self.fields[at].0.clone();
        let column = match kinds[at] {
            Kind::Integer => {
                let seconds = self.fields[at].1.example.parse::<i64>().is_ok_and(|n| PLAUSIBLE_SECONDS.contains(&n));
                let column = self.free_name();
                lines.push(format!(
                    "{column} AS TO_TIMESTAMP_LTZ({}, {})",
                    quoted_name(&name),
                    if seconds { 0 } else { 3 }
                ));
                column.to_owned()
            }
            _ => quoted_name(&name),
        };
        let watermark = self.disorder(at, &column, &name);
        lines.push(format!("WATERMARK FOR {column} AS {watermark}"));
    }

    /// A name that no field has.
    fn free_name(&self) -> &'static str {
        let names = ["ts", "event_ts", "row_ts", "forebay_ts"];
        let taken = |name: &str| self.fields.iter().any(|(field, _)| field == name);
        names.into_iter().find(|name| !taken(name)).unwrap_or("forebay_time")
    }

    /// Measures how far records are behind the newest one before them in their partition; returns the watermark's expression.
    fn disorder(&mut self, at: usize, column: &str, name: &str) -> String {
        let mut newest: BTreeMap<i32, i64> = BTreeMap::new();
        let mut behind: Vec<i64> = Vec::new();
        for (partition, time) in &self.fields[at].1.times {
            let seen = newest.entry(*partition).or_insert(*time);
            *seen = (*seen).max(*time);
            behind.push(*seen - *time);
        }
        behind.sort_unstable();
        let most = behind.last().copied().unwrap_or(0);
        let p99 = behind.get((behind.len() * 99).div_ceil(100).max(1) - 1).copied().unwrap_or(0);
        let range = {
            let times = self.fields[at].1.times.iter().map(|(_, time)| *time);
            (times.clone().min().unwrap_or(0), times.max().unwrap_or(0))
        };
        self.notes.push(format!("the event time is {name}, from {} to {}", time_text(range.0), time_text(range.1)));
        if most == 0 {
            self.notes.push("the records looked at are in the order of their times".to_owned());
            return column.to_owned();
        }
        let delay = DELAYS_MS.iter().copied().find(|delay| *delay >= p99).unwrap_or(p99);
        let late = behind.iter().filter(|behind| **behind > delay).count();
        self.notes.push(format!(
            "records are out of order by at most {most} ms, 99 % by at most {p99} ms: the watermark waits {delay} ms, beyond which {late} of {} are",
            behind.len()
        ));
        let (whole, rest) = (delay / 1_000, delay % 1_000);
        let text =
            if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() };
        format!("{column} - INTERVAL '{text}' SECOND")
    }
}
