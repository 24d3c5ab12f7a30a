//! The clicks job's input and the rows it must put out, from files that share no code with the project or computed here.

use crate::workspace;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// The width of the job's tumbling windows.
const WINDOW_MS: i64 = 5_000;
const DAY_MS: i64 = 86_400_000;
/// How many events are made where the real ones are absent; as many as there are real ones.
const GENERATED: u64 = 10_000;

/// One click: the topic's key, its event time and its whole value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The key.
    pub user_id: String,
    /// Milliseconds since the epoch.
    pub event_time: i64,
    /// JSON.
    pub value: String,
}

/// One row of `user-metrics`: one user in one window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The user.
    pub user_id: String,
    /// Milliseconds since the epoch, inclusive.
    pub window_start: i64,
    /// Milliseconds since the epoch, exclusive.
    pub window_end: i64,
    /// How many clicks.
    pub clicks: i64,
    /// Their bytes together.
    pub bytes: i64,
    /// The bytes of the largest.
    pub max_bytes: i64,
}

/// The clicks in the order in which they are sent, and the rows that must finally have come out, sorted.
#[derive(Debug)]
pub struct Clicks {
    /// The input.
    pub events: Vec<Click>,
    /// The expected output.
    pub expected: Vec<Row>,
}

impl Clicks {
    /// The real ones where `../shared/data` is, generated ones elsewhere.
    ///
    /// # Panics
    /// When the files are there and cannot be read.
    pub fn load() -> Self {
        let Some(data) = workspace::shared_data() else { return Self::generate() };
        let read = |name: &str| fs::read_to_string(data.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let events: Vec<Click> = read("clicks.jsonl").lines().map(click).collect();
        let mut expected: Vec<Row> = read("expected/clicks_tumble_5s.csv").lines().map(expected_row).collect();
        expected.sort();
        Self { events, expected }
    }

    /// Seeded events: a few users make most clicks, event times up to 59 s out of order.
    pub fn generate() -> Self {
        let mut random = Random::new(20_240_229);
        let mut events = Vec::new();
        let mut windows: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
        for i in 0..GENERATED {
            let user_id = format!("user-{}", random.below(40) * random.below(40) / 10);
            let event_time = 1_700_000_000_000 + (i * 100) as i64 - random.below(59_000) as i64;
            let bytes = random.below(100_000) as i64;
            let value = json!({ "user_id": user_id, "url": "/", "bytes": bytes, "event_time": event_time }).to_string();
            let window = windows.entry((user_id.clone(), event_time - event_time % WINDOW_MS)).or_default();
            *window = (window.0 + 1, window.1 + bytes, window.2.max(bytes));
            events.push(Click { user_id, event_time, value });
        }
        let row = |((user_id, window_start), (clicks, bytes, max_bytes))| {
            let window_end = window_start + WINDOW_MS;
            Row { user_id, window_start, window_end, clicks, bytes, max_bytes }
        };
        let mut expected: Vec<Row> = windows.into_iter().map(row).collect();
        expected.sort();
        Self { events, expected }
    }

    /// An event for each of `partitions`, `days` after the last click: they move the watermark past every real window.
    pub fn closers(&self, partitions: i32, days: i64) -> Vec<Click> {
        let last = self.events.iter().map(|event| event.event_time).max().expect("there are events");
        let closer = |partition| {
            let (user_id, event_time) = (closer_name(partition), last + days * DAY_MS);
            let value = json!({ "user_id": user_id, "bytes": 1, "event_time": event_time }).to_string();
            Click { user_id, event_time, value }
        };
        (0..partitions).map(closer).collect()
    }
}

/// The user of the event that closes the windows of a partition.
fn closer_name(partition: i32) -> String {
    format!("closer-{partition}")
}

/// Whether a row comes from [`Clicks::closers`].
pub fn is_closer(row: &Row) -> bool {
    row.user_id.starts_with("closer-")
}

/// Reads a record of `user-metrics`.
///
/// # Errors
/// What is wrong with the record.
pub fn output_row(value: &[u8]) -> Result<Row, String> {
    let shown = String::from_utf8_lossy(value);
    let parsed: Value = serde_json::from_slice(value).map_err(|e| format!("{e} in {shown}"))?;
    let number = |name: &str| parsed[name].as_i64().ok_or_else(|| format!("no whole number {name} in {shown}"));
    let text = |name: &str| parsed[name].as_str().ok_or_else(|| format!("no text {name} in {shown}"));
    let time = |name: &str| timestamp_ms(text(name)?).ok_or_else(|| format!("{name} is not a timestamp in {shown}"));
    Ok(Row {
        user_id: text("user_id")?.to_owned(),
        window_start: time("window_start")?,
        window_end: time("window_end")?,
        clicks: number("clicks")?,
        bytes: number("bytes")?,
        max_bytes: number("max_bytes")?,
    })
}

/// Compares row by row.
///
/// # Errors
/// The first rows that are missing, too many or different.
pub fn compare(expected: &[Row], mut found: Vec<Row>) -> Result<(), String> {
    found.sort();
    if expected == found {
        return Ok(());
    }
    let count = |rows: &[Row]| {
        rows.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<Row, i64>, row| {
            *counts.entry(row.clone()).or_default() += 1;
            counts
        })
    };
    let (wanted, got) = (count(expected), count(&found));
    let lacking: Vec<_> = wanted.iter().filter(|(row, n)| got.get(row).unwrap_or(&0) < n).map(|(row, _)| row).collect();
    let extra: Vec<_> = got.iter().filter(|(row, n)| wanted.get(row).unwrap_or(&0) < n).map(|(row, _)| row).collect();
    let first = |rows: &[&Row]| rows.iter().take(5).map(|row| format!("  {row:?}\n")).collect::<String>();
    Err(format!(
        "expected {} rows, found {}; {} are missing or different, first:\n{}{} are doubled or different, first:\n{}",
        expected.len(),
        found.len(),
        lacking.len(),
        first(&lacking),
        extra.len(),
        first(&extra)
    ))
}

fn click(line: &str) -> Click {
    let parsed: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("clicks.jsonl: {e} in {line}"));
    let user_id = parsed["user_id"].as_str().expect("a click has a user").to_owned();
    let event_time = parsed["event_time"].as_i64().expect("a click has a time");
    Click { user_id, event_time, value: line.to_owned() }
}

fn expected_row(line: &str) -> Row {
    let fields: Vec<&str> = line.split(',').collect();
    let number = |at: usize| fields[at].parse().unwrap_or_else(|e| panic!("expected rows: {e} in {line}"));
    Row {
        user_id: fields[0].to_owned(),
        window_start: number(1),
        window_end: number(2),
        clicks: number(3),
        bytes: number(4),
        max_bytes: number(5),
    }
}

/// `YYYY-MM-DD HH:MM:SS[.fff]`, UTC, in milliseconds since the epoch.
pub fn timestamp_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let numbers =
        |text: &str, separator: char| text.split(separator).map(|n| n.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    let ([year, month, day], [hour, minute, second]) = (&numbers(date, '-')?[..], &numbers(time, ':')?[..]) else {
        return None;
    };
    // Days from the civil calendar: years that begin in March have their leap day at the end.
    let (year, month) = if *month > 2 { (*year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

/// Steele, Lea and Flood's SplitMix64: numbers that repeat from one seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_as_flink_writes_them() {
        // Values from `date -u -d @SECONDS`.
        assert_eq!(timestamp_ms("1970-01-01 00:00:00"), Some(0));
        assert_eq!(timestamp_ms("2015-05-17 10:05:03"), Some(1_431_857_103_000));
        assert_eq!(timestamp_ms("2024-02-29 23:59:59.5"), Some(1_709_251_199_500));
        assert_eq!(timestamp_ms("2015-05-17T10:05:03"), None);
    }

    #[test]
    fn a_doubled_row_and_a_lacking_row_are_named() {
        let row =
            |clicks| Row { user_id: "a".into(), window_start: 0, window_end: 5000, clicks, bytes: 0, max_bytes: 0 };
        assert_eq!(compare(&[row(1), row(2)], vec![row(2), row(1)]), Ok(()));
        let said = compare(&[row(1), row(2)], vec![row(1), row(1)]).err().unwrap_or_default();
        assert!(said.contains("1 are missing or different, first:\n  Row { user_id: \"a\""), "{said}");
        assert!(said.contains("1 are doubled or different"), "{said}");
    }

    #[test]
    fn generated_rows_hold_every_event_once() {
        let clicks = Clicks::generate();
        assert_eq!(clicks.expected.iter().map(|row| row.clicks).sum::<i64>(), GENERATED as i64);
        assert!(
            clicks
                .expected
                .iter()
                .all(|row| row.window_end - row.window_start == WINDOW_MS && row.window_start % WINDOW_MS == 0)
        );
    }
}
