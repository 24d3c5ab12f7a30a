//! The shape that Kafka's checkpoints share: version, number of entries, one entry a line (Kafka: CheckpointFile).

use std::fmt::Write;
use std::path::Path;
use std::str::{FromStr, SplitWhitespace};

use crate::disk::Disk;
use crate::error::StorageError;

const VERSION: &str = "0";

/// Reads all entries; a file that is not there has none.
pub(crate) fn read_entries<T>(
    disk: &dyn Disk,
    path: &Path,
    parse: impl Fn(SplitWhitespace<'_>) -> Option<T>,
) -> Result<Vec<T>, StorageError> {
    let content = match disk.read(path) {
        Ok(content) => content,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let corrupt = |reason: String| StorageError::corrupt(path, reason);
    let text = std::str::from_utf8(&content).map_err(|_| corrupt("not UTF-8".into()))?;
    let mut lines = text.lines();
    match lines.next() {
        Some(VERSION) => {}
        other => return Err(corrupt(format!("version {other:?}, only {VERSION:?} is known"))),
    }
    let count: usize = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .ok_or_else(|| corrupt("the second line is not the number of entries".into()))?;
    let mut entries = Vec::new();
    for (number, line) in lines.filter(|line| !line.trim().is_empty()).enumerate() {
        let entry = parse(line.split_whitespace());
        entries.push(entry.ok_or_else(|| corrupt(format!("entry {number} is malformed: {line:?}")))?);
    }
    if entries.len() != count {
        return Err(corrupt(format!("{count} entries announced, {} there", entries.len())));
    }
    Ok(entries)
}

/// Replaces the file by these entries.
pub(crate) fn write_entries<T>(
    disk: &dyn Disk,
    path: &Path,
    entries: impl ExactSizeIterator<Item = T>,
    format: impl Fn(&mut String, T) -> std::fmt::Result,
) -> Result<(), StorageError> {
    let mut text = format!("{VERSION}\n{}\n", entries.len());
    for entry in entries {
        format(&mut text, entry).and_then(|()| text.write_char('\n')).expect("writing to a string does not fail");
    }
    disk.write_atomic(path, text.as_bytes())
}

/// The next field of a line.
pub(crate) fn field<T: FromStr>(fields: &mut SplitWhitespace<'_>) -> Option<T> {
    fields.next()?.parse().ok()
}
