//! SHOW CREATE TABLE: a table's statement, written so that Flink takes it too.

use std::fmt::Write;

use super::reserved::is_reserved;
use super::statement::{ColumnKind, CreateTable};

/// A name as it may be written in a statement: in backticks where it needs them.
#[must_use]
pub(crate) fn quoted_name(name: &str) -> String {
    let plain =
        name.chars().enumerate().all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
    if plain && !name.is_empty() && !is_reserved(name) {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// A text as it is written in a statement.
#[must_use]
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The statement that makes a table.
#[must_use]
pub(crate) fn create_table(table: &CreateTable) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(table.columns.len() + 2);
    for column in &table.columns {
        let name = quoted_name(&column.name.text);
        parts.push(match &column.kind {
            ColumnKind::Physical { data_type, nullable } => {
                format!("{name} {data_type}{}", if *nullable { "" } else { " NOT NULL" })
            }
            ColumnKind::Computed(expr) => format!("{name} AS {expr}"),
            ColumnKind::Metadata { data_type, key, is_virtual } => {
                let from = if key.text == column.name.text {
                    String::new()
                } else {
                    format!(" FROM {}", quoted_text(&key.text))
                };
                format!("{name} {data_type} METADATA{from}{}", if *is_virtual { " VIRTUAL" } else { "" })
            }
        });
    }
    if let Some(watermark) = &table.watermark {
        parts.push(format!("WATERMARK FOR {} AS {}", quoted_name(&watermark.column.text), watermark.expr));
    }
    if let Some(key) = &table.primary_key {
        let columns: Vec<String> = key.columns.iter().map(|column| quoted_name(&column.text)).collect();
        parts.push(format!("PRIMARY KEY ({}) NOT ENFORCED", columns.join(", ")));
    }
    let options = table.options.iter().map(|(key, value)| (key.text.as_str(), value.text.as_str()));
    written(&table.name.text, &parts, options)
}

/// A statement from the lines between its parentheses and its options.
pub(crate) fn written<'a>(name: &str, parts: &[String], options: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = format!("CREATE TABLE {} (\n  {}\n) WITH (\n", quoted_name(name), parts.join(",\n  "));
    let options: Vec<String> =
        options.map(|(key, value)| format!("  {} = {}", quoted_text(key), quoted_text(value))).collect();
    // Writing to a text does not fail.
    let _ = write!(text, "{}\n)", options.join(",\n"));
    text
}
