//! The options of `'connector' = 'kafka'` and `'upsert-kafka'`: which there are, what their values mean.

use std::collections::BTreeMap;

use sqlparser::tokenizer::Span;

use super::PlanContext;
use super::error::{SqlError, did_you_mean, nearest};
use super::formats;
use super::policy::{self, PolicyOptions};
use super::statement::{CreateTable, Name};
use crate::plan::{Format, OffsetReset, StartupMode};

/// What a table's options say.
#[derive(Clone, Debug)]
pub(crate) struct TableOptions {
    pub topic: String,
    pub format: Format,
    pub group_id: Option<String>,
    pub startup: StartupMode,
    /// `properties.auto.offset.reset`, if it is said.
    pub reset: Option<OffsetReset>,
    /// `scan.watermark.idle-timeout`, in milliseconds.
    pub idle_timeout_ms: Option<i64>,
    pub key: Option<KeyOptions>,
    /// `'connector' = 'upsert-kafka'`: the last record of a key is its row. The key is the PRIMARY KEY.
    pub upsert: bool,
    /// `value.fields-include` = EXCEPT_KEY.
    pub value_without_key: bool,
    /// What is done with bad records, late rows, and at the end of the input.
    pub policies: PolicyOptions,
    /// What has no effect here, for people to know.
    pub warnings: Vec<String>,
}

/// `key.format` and `key.fields`.
#[derive(Clone, Debug)]
pub(crate) struct KeyOptions {
    pub format: Format,
    /// Names of columns.
    pub fields: Vec<String>,
    /// `key.fields-prefix`: what these names begin with, other than in the record's key.
    pub prefix: String,
    /// What names them: `'key.fields'` or PRIMARY KEY.
    pub said_by: &'static str,
    /// Where that stands.
    pub span: Span,
}

/// Keys that are understood, apart from `properties.*` and those of formats.
const KEYS: &[&str] = &[
    "connector",
    "topic",
    "format",
    "value.format",
    "key.format",
    "key.fields",
    "key.fields-prefix",
    "value.fields-include",
    "properties.bootstrap.servers",
    "properties.group.id",
    "properties.auto.offset.reset",
    "scan.startup.mode",
    "scan.startup.timestamp-millis",
    "scan.startup.specific-offsets",
    "scan.watermark.idle-timeout",
    "scan.watermark.emit.strategy",
    "sink.delivery-guarantee",
    "sink.transactional-id-prefix",
    "sink.partitioner",
];

/// Keys of Flink that may be there and change nothing here.
const WITHOUT_EFFECT: &[&str] = &[
    "scan.parallelism",
    "scan.topic-partition-discovery.interval",
    "sink.parallelism",
    "sink.transaction-naming-strategy",
];

/// Keys of Flink that would change the result, and are not supported yet.
const LATER: &[&str] = &["topic-pattern", "sink.buffer-flush.max-rows", "sink.buffer-flush.interval"];

/// Options of `kafka` that `upsert-kafka` does not have, with what is there instead. Flink: `UpsertKafkaDynamicTableFactory`.
const NOT_UPSERT: &[(&str, &str)] = &[
    ("format", "write 'key.format' and 'value.format'"),
    ("key.fields", "the key is made of the PRIMARY KEY"),
    ("scan.startup.mode", "leave it out"),
    ("scan.startup.timestamp-millis", "leave it out"),
    ("scan.startup.specific-offsets", "leave it out"),
    ("sink.partitioner", "leave it out; rows go by their key"),
];

/// Reads and checks the options of a table.
pub(crate) fn read(table: &CreateTable, context: &PlanContext<'_>) -> Result<TableOptions, SqlError> {
    let options = Options { table, values: &table.options };
    let upsert = options.is_upsert()?;
    let value_key = if upsert || options.get("value.format").is_some() { "value.format" } else { "format" };
    if upsert {
        options.check_upsert()?;
    }
    options.check_keys(value_key)?;
    let mut warnings = Vec::new();
    options.check_properties(context, &mut warnings)?;
    options.check_rest(&mut warnings)?;
    let mut policies = PolicyOptions::default();
    for (key, value) in options.values {
        policies.take(&key.text, value)?;
    }
    Ok(TableOptions {
        topic: options.topic()?,
        format: options.value_format(value_key)?,
        group_id: options.get("properties.group.id").map(|value| value.text.clone()),
        // Flink: UpsertKafkaDynamicTableFactory; without its first records a table would miss rows.
        startup: if upsert { StartupMode::EarliestOffset } else { options.startup()? },
        reset: options.reset()?,
        idle_timeout_ms: options.duration("scan.watermark.idle-timeout")?,
        key: if upsert { Some(options.primary_key()?) } else { options.key()? },
        upsert,
        value_without_key: options.one_of("value.fields-include", &["ALL", "EXCEPT_KEY"])? == Some("EXCEPT_KEY"),
        policies,
        warnings,
    })
}

pub(super) struct Options<'a> {
    table: &'a CreateTable,
    values: &'a [(Name, Name)],
}

impl Options<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&Name> {
        self.values.iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }

    /// Where an option stands; the table's name if it is not there.
    pub(super) fn place(&self, key: &str) -> Span {
        self.get(key).map_or(self.table.name.span, |value| value.span)
    }

    pub(super) fn missing(&self, what: &str, hint: &str) -> SqlError {
        SqlError::new(self.table.name.span, format!("table {} has no {what}", self.table.name.text)).hint(hint)
    }

    /// Whether the connector is `upsert-kafka`.
    fn is_upsert(&self) -> Result<bool, SqlError> {
        let Some(connector) = self.get("connector") else {
            return Err(
                self.missing("connector", "add WITH ('connector' = 'kafka', 'topic' = '..', 'format' = 'json')")
            );
        };
        match connector.text.as_str() {
            "kafka" => Ok(false),
            "upsert-kafka" => Ok(true),
            _ => Err(SqlError::new(connector.span, format!("there is no connector '{}' here", connector.text))
                .hint("the connector is 'kafka', or 'upsert-kafka' for a table that is written by key")),
        }
    }

    fn check_upsert(&self) -> Result<(), SqlError> {
        for (option, instead) in NOT_UPSERT {
            if let Some((key, _)) = self.values.iter().find(|(key, _)| key.text == *option) {
                let message = format!("the connector 'upsert-kafka' has no option '{option}'");
                return Err(SqlError::new(key.span, message).hint(*instead));
            }
        }
        Ok(())
    }

    /// Every key is known.
    fn check_keys(&self, value_key: &str) -> Result<(), SqlError> {
        let value_prefix = if value_key == "format" { "" } else { "value." };
        for (key, _) in self.values {
            let text = key.text.as_str();
            if let Some(of_format) = formats::check_key(key, value_prefix) {
                of_format?;
                continue;
            }
            let policy = policy::KEYS.contains(&text) || policy::TABLE_KEYS.contains(&text);
            let known =
                policy || KEYS.contains(&text) || WITHOUT_EFFECT.contains(&text) || text.starts_with("properties.");
            if known {
                continue;
            }
            if LATER.contains(&text) {
                return Err(SqlError::new(key.span, format!("option '{text}' is not supported yet")));
            }
            let of_formats: Vec<String> = formats::value_keys(value_prefix).collect();
            let policies = policy::KEYS.iter().chain(policy::TABLE_KEYS);
            let all = KEYS.iter().chain(WITHOUT_EFFECT).chain(LATER).chain(policies).copied();
            let close = nearest(text, all.chain(of_formats.iter().map(String::as_str)));
            return Err(SqlError::new(key.span, format!("there is no option '{text}'"))
                .maybe_hint(close.map(|name| format!("did you mean '{name}'?"))));
        }
        Ok(())
    }

    /// `properties.*`: settings of a Kafka client. The job reads from inside of the broker, so few of them mean something.
    fn check_properties(&self, context: &PlanContext<'_>, warnings: &mut Vec<String>) -> Result<(), SqlError> {
        for (key, value) in self.values {
            let Some(property) = key.text.strip_prefix("properties.") else { continue };
            match property {
                "bootstrap.servers" if (context.is_this_broker)(&value.text) => {}
                "bootstrap.servers" => {
                    let message =
                        format!("'{}' is another Kafka cluster; a job reads and writes its own broker", value.text);
                    return Err(SqlError::new(value.span, message).hint("leave out 'properties.bootstrap.servers'"));
                }
                "group.id" if value.text.is_empty() => {
                    return Err(SqlError::new(value.span, "the group's name is empty"));
                }
                "group.id" | "auto.offset.reset" | "transaction.timeout.ms" | "isolation.level" => {}
                _ => warnings.push(format!(
                    "{}: '{}' has no effect, the job runs inside of the broker",
                    self.table.name.text, key.text
                )),
            }
        }
        match self.get("properties.isolation.level") {
            Some(value) if value.text == "read_uncommitted" => {
                Err(SqlError::new(value.span, "a job reads committed records only").hint("leave out the option"))
            }
            _ => Ok(()),
        }
    }

    fn check_rest(&self, warnings: &mut Vec<String>) -> Result<(), SqlError> {
        self.one_of("scan.watermark.emit.strategy", &["on-event", "on-periodic"])?;
        let guarantee = self.one_of("sink.delivery-guarantee", &["exactly-once", "at-least-once", "none"])?;
        if guarantee.is_some_and(|guarantee| guarantee != "exactly-once") {
            warnings.push(format!("{}: rows are written exactly once in any case", self.table.name.text));
        }
        if let Some(value) = self.get("sink.partitioner")
            && value.text != "default"
        {
            return Err(SqlError::new(
                value.span,
                format!("'sink.partitioner' = '{}' is not supported yet", value.text),
            )
            .hint("'default' puts a row where Kafka's clients would"));
        }
        for key in WITHOUT_EFFECT {
            if self.get(key).is_some() {
                warnings.push(format!("{}: '{key}' has no effect here", self.table.name.text));
            }
        }
        Ok(())
    }

    fn topic(&self) -> Result<String, SqlError> {
        let Some(topic) = self.get("topic") else {
            return Err(self.missing("topic", "add 'topic' = '..' to its WITH (..)"));
        };
        if topic.text.contains(';') {
            return Err(SqlError::new(topic.span, "several topics in one table are not supported yet")
                .hint("make a table of each topic"));
        }
        if let Some(problem) = topic_problem(&topic.text) {
            return Err(SqlError::new(topic.span, problem));
        }
        Ok(topic.text.clone())
    }

    fn key(&self) -> Result<Option<KeyOptions>, SqlError> {
        let (format, fields) = match (self.get("key.format"), self.get("key.fields")) {
            (None, None) => return Ok(None),
            (Some(format), Some(fields)) => (format, fields),
            (Some(format), None) => {
                return Err(SqlError::new(format.span, "'key.format' needs 'key.fields'")
                    .hint("add 'key.fields' = 'column' to say what the key is made of"));
            }
            (None, Some(fields)) => {
                return Err(SqlError::new(fields.span, "'key.fields' needs 'key.format'")
                    .hint("add 'key.format' = 'raw' or 'json'"));
            }
        };
        let format = self.format(format, "key.")?;
        let names: Vec<String> = fields.text.split(';').map(|field| field.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err(SqlError::new(fields.span, "'key.fields' holds an empty name")
                .hint("several columns are separated by ;"));
        }
        let prefix = self.get("key.fields-prefix").map_or("", |prefix| prefix.text.as_str()).to_owned();
        if let Some(other) = names.iter().find(|name| !name.starts_with(&prefix)) {
            let message = format!("{other} does not begin with '{prefix}', as 'key.fields-prefix' says");
            return Err(SqlError::new(fields.span, message));
        }
        let except_key = self.one_of("value.fields-include", &["ALL", "EXCEPT_KEY"])? == Some("EXCEPT_KEY");
        if !prefix.is_empty() && !except_key {
            return Err(SqlError::new(
                self.place("key.fields-prefix"),
                "'key.fields-prefix' is for columns that are in the key only",
            )
            .hint("add 'value.fields-include' = 'EXCEPT_KEY'"));
        }
        Ok(Some(KeyOptions { format, fields: names, prefix, said_by: "'key.fields'", span: fields.span }))
    }

    /// The key of a table of `upsert-kafka`.
    fn primary_key(&self) -> Result<KeyOptions, SqlError> {
        let Some(key) = &self.table.primary_key else {
            return Err(self.missing(
                "PRIMARY KEY, by which 'upsert-kafka' writes its rows",
                "add PRIMARY KEY (column) NOT ENFORCED after the columns",
            ));
        };
        let Some(format) = self.get("key.format") else {
            return Err(self.missing("key.format", "add 'key.format' = 'json' or 'raw' to its WITH (..)"));
        };
        let fields = key.columns.iter().map(|column| column.text.clone()).collect();
        let format = self.format(format, "key.")?;
        Ok(KeyOptions { format, fields, prefix: String::new(), said_by: "PRIMARY KEY", span: key.span })
    }

    fn startup(&self) -> Result<StartupMode, SqlError> {
        const MODES: &[&str] = &["group-offsets", "earliest-offset", "latest-offset", "timestamp", "specific-offsets"];
        Ok(match self.one_of("scan.startup.mode", MODES)?.unwrap_or("group-offsets") {
            "earliest-offset" => StartupMode::EarliestOffset,
            "latest-offset" => StartupMode::LatestOffset,
            "timestamp" => {
                let key = "scan.startup.timestamp-millis";
                let Some(value) = self.get(key) else { return Err(self.needs_with_mode("timestamp", key)) };
                let millis = value.text.parse().map_err(|_| {
                    SqlError::new(value.span, format!("'{}' is no number of milliseconds since 1970", value.text))
                })?;
                StartupMode::Timestamp(millis)
            }
            "specific-offsets" => {
                let key = "scan.startup.specific-offsets";
                let Some(value) = self.get(key) else { return Err(self.needs_with_mode("specific-offsets", key)) };
                StartupMode::SpecificOffsets(specific_offsets(value)?)
            }
            _ => StartupMode::GroupOffsets { reset: self.reset()?.unwrap_or_default() },
        })
    }

    fn reset(&self) -> Result<Option<OffsetReset>, SqlError> {
        let said = self.one_of("properties.auto.offset.reset", &["earliest", "latest", "none"])?;
        Ok(said.map(|said| match said {
            "latest" => OffsetReset::Latest,
            "none" => OffsetReset::None,
            _ => OffsetReset::Earliest,
        }))
    }

    fn needs_with_mode(&self, mode: &str, key: &str) -> SqlError {
        let span = self.get("scan.startup.mode").map_or(self.table.name.span, |value| value.span);
        SqlError::new(span, format!("'scan.startup.mode' = '{mode}' needs '{key}'"))
    }

    pub(super) fn one_of<'a>(&self, key: &str, allowed: &[&'a str]) -> Result<Option<&'a str>, SqlError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match allowed.iter().find(|allowed| allowed.eq_ignore_ascii_case(&value.text)) {
            Some(allowed) => Ok(Some(allowed)),
            None => Err(SqlError::new(value.span, format!("'{key}' cannot be '{}'", value.text))
                .maybe_hint(did_you_mean(&value.text, allowed.iter().copied()))),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<bool, SqlError> {
        Ok(self.one_of(key, &["true", "false"])? == Some("true"))
    }

    fn duration(&self, key: &str) -> Result<Option<i64>, SqlError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match duration_ms(&value.text) {
                Some(ms) => Ok(Some(ms)),
                None => Err(SqlError::new(value.span, format!("'{}' is no duration", value.text))
                    .hint("a duration is a number and a unit: '500 ms', '30 s', '5 min', '1 h'")),
            },
        }
    }
}

/// `partition:0,offset:42;partition:1,offset:300`.
pub(crate) fn specific_offsets(value: &Name) -> Result<BTreeMap<i32, i64>, SqlError> {
    let mut offsets = BTreeMap::new();
    for part in value.text.split(';') {
        let pair = part.split_once(',').and_then(|(partition, offset)| {
            let partition = partition.trim().strip_prefix("partition:")?.trim().parse::<i32>().ok()?;
            let offset = offset.trim().strip_prefix("offset:")?.trim().parse::<i64>().ok()?;
            Some((partition, offset))
        });
        match pair {
            Some((partition, offset)) if partition >= 0 && offset >= 0 => offsets.insert(partition, offset),
            _ => {
                return Err(SqlError::new(value.span, format!("'{part}' names no partition and offset"))
                    .hint("write partition:0,offset:42;partition:1,offset:300"));
            }
        };
    }
    Ok(offsets)
}

/// Why a text cannot be the name of a topic (Kafka: Topic.validate).
pub(crate) fn topic_problem(topic: &str) -> Option<String> {
    /// Longer names do not fit a folder's name.
    const LONGEST: usize = 249;
    if topic.is_empty() {
        return Some("the topic's name is empty".to_owned());
    }
    if topic == "." || topic == ".." {
        return Some(format!("'{topic}' cannot be a topic's name"));
    }
    if topic.len() > LONGEST {
        return Some(format!("a topic's name has at most {LONGEST} characters"));
    }
    let odd = topic.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'))?;
    Some(format!("a topic's name is made of letters, digits, '.', '_' and '-', not of '{odd}'"))
}

/// Milliseconds of a duration as Flink's TimeUtils reads it: a number and a unit, milliseconds without one.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().ok()?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Bytes of a size as Flink's MemorySize reads it: a number and a unit, bytes without one; all units are binary.
pub(crate) fn memory_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}
