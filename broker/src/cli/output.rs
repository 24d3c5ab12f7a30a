//! What commands print: tables for people, JSON for programs.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::Table;
use serde::Serialize;

use super::exit::{CliError, CliResult};

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    #[default]
    Table,
    /// JSON with stable names.
    Json,
}

/// Prints a text and a newline. A reader that went away, as `head` does, is no failure.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> CliResult {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A text in which nothing is left that a terminal would obey: what is in topics is others' words. Ends of lines and tabs stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(|c| if obeyed(c) { c.escape_default().collect() } else { vec![c] }).collect())
}

/// Prints a value as JSON.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_json(value: &impl Serialize) -> CliResult {
    let text = serde_json::to_string_pretty(value);
    print(&text.map_err(|error| CliError::failed(format!("cannot write the output as JSON: {error}")))?)
}

/// Lays rows out under a header, two blanks apart, nothing else: the same on a terminal and in a pipe.
#[must_use]
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_header(header);
    let cell = |cell: String| printable(&cell).into_owned();
    table.add_rows(rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Milliseconds as a person reads them.
#[must_use]
pub fn friendly_ms(ms: i64) -> String {
    let (sign, ms) = if ms < 0 { ("-", ms.unsigned_abs()) } else { ("", ms.unsigned_abs()) };
    let tenths = |unit: u64| format!("{sign}{}.{}", ms / unit, ms % unit * 10 / unit);
    match ms {
        0..1_000 => format!("{sign}{ms} ms"),
        1_000..60_000 => format!("{} s", tenths(1_000)),
        60_000..3_600_000 => format!("{} min", tenths(60_000)),
        3_600_000..86_400_000 => format!("{} h", tenths(3_600_000)),
        _ => format!("{} d", tenths(86_400_000)),
    }
}

/// A count with commas between thousands.
#[must_use]
pub fn friendly_count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        let shown: Vec<String> = [0, 999, 2_150, -90_000, 5_400_000, 172_800_000].map(friendly_ms).into();
        assert_eq!(shown, ["0 ms", "999 ms", "2.1 s", "-1.5 min", "1.5 h", "2.0 d"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(friendly_count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_table_is_plain_text() {
        let text = table(&["NAME", "LAG"], vec![vec!["a-long-name".into(), "1".into()], vec!["b".into(), "22".into()]]);
        assert_eq!(text, "NAME         LAG\na-long-name  1\nb            22");
    }
}
