//! Where an answer's rows go: a table, JSON or CSV; on a terminal with a line that tells how far the query is.

use std::io::{self, Write};

use super::cells;
use super::grid::{self, Grid};
use super::highlight::dim;
use super::live::Live;
use crate::cli::exit::CliError;
use crate::cli::output::{friendly_count, friendly_ms, printable};
use crate::http::{SqlEnd, SqlHead, SqlProgress};

/// Rows of a table that are looked at for the widths of its columns before the first one is printed.
const FIT_ROWS: usize = 500;
/// The name of the column that tells what a row does to others.
const OPERATION: &str = "op";
/// Columns that hold whole texts, which are printed as they are.
const TEXTS: &[&str] = &["plan", "create table"];

/// The form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
}

/// How answers look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub format: Format,
    pub color: bool,
    /// Whether a person looks on: lines are drawn over, counts told.
    pub live: bool,
    /// Whether rows go to a terminal, which would obey what is in them.
    pub on_terminal: bool,
}

/// Writes one answer.
pub(super) struct Sink {
    look: Look,
    /// Names of columns, with that of the operation before them where rows take others back.
    names: Vec<String>,
    updates: bool,
    is_text: bool,
    grid: Grid,
    /// Rows of a table that wait for its widths.
    waiting: Vec<Vec<String>>,
    live: Option<Live>,
    begun: bool,
    /// Whether the line with the cursor tells how far the query is.
    told: bool,
    rows: u64,
    /// Whether a script does not want these rows.
    silent: bool,
}

/// Whether somebody still reads the output.
pub(super) type Wrote = Result<bool, CliError>;

impl Sink {
    pub(super) fn new(look: Look, head: &SqlHead) -> Sink {
        let operation = head.updates.then(|| free_name(head));
        let operation = operation.as_deref().map(|name| (name, "STRING"));
        let columns = || head.columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str()));
        let is_live = look.live && look.format == Format::Table && head.updates;
        Sink {
            look,
            names: operation.into_iter().chain(columns()).map(|(name, _)| name.to_owned()).collect(),
            updates: head.updates,
            is_text: head.columns.len() == 1 && TEXTS.contains(&head.columns[0].name.as_str()),
            grid: Grid::new(operation.into_iter().chain(columns())),
            waiting: Vec::new(),
            live: is_live.then(|| Live::new(Grid::new(columns()), head)),
            begun: false,
            told: false,
            rows: 0,
            silent: head.proposal && !look.live,
        }
    }

    /// Takes a row, a JSON object.
    pub(super) fn row(&mut self, op: &str, row: &str) -> Wrote {
        if self.silent {
            return Ok(true);
        }
        // Rows that are there, not changes.
        self.rows = if op.starts_with('-') { self.rows.saturating_sub(1) } else { self.rows + 1 };
        let fields = || cells::fields(row).into_iter().map(|(_, value)| value);
        match self.look.format {
            Format::Table if self.is_text => {
                let texts: Vec<String> = fields().map(cells::text_of).collect();
                let text = texts.concat();
                put(&format!("{}\n", text.replace(|c: char| c.is_control() && c != '\n', " ")))
            }
            Format::Table => {
                let shown: Vec<String> = fields().map(cells::shown).collect();
                if let Some(live) = &mut self.live {
                    live.take(op, shown);
                    return Ok(true);
                }
                self.waiting.push(self.updates.then(|| op.to_owned()).into_iter().chain(shown).collect());
                if self.waiting.len() >= FIT_ROWS { self.flush() } else { Ok(true) }
            }
            Format::Json => {
                let before = if std::mem::replace(&mut self.begun, true) { ",\n" } else { "[\n" };
                self.put_line(&format!("{before}{}", self.with_operation(op, row)))
            }
            Format::Jsonl => self.put_line(&format!("{}\n", self.with_operation(op, row))),
            Format::Csv => {
                let operation = self.updates.then(|| op.to_owned());
                let line: Vec<String> = operation.into_iter().chain(fields().map(cells::csv)).collect();
                let header = if std::mem::replace(&mut self.begun, true) { String::new() } else { self.csv_header() };
                self.put_line(&format!("{header}{}\n", line.join(",")))
            }
        }
    }

    /// Writes what a program would read; a terminal is not given what it would obey.
    fn put_line(&self, text: &str) -> Wrote {
        if self.look.on_terminal { put(&printable(text)) } else { put(text) }
    }

    fn csv_header(&self) -> String {
        let names: Vec<String> =
            self.names.iter().map(|name| cells::csv(&serde_json::Value::from(name.as_str()).to_string())).collect();
        format!("{}\n", names.join(","))
    }

    /// The row with its operation as the first field, where rows take others back.
    fn with_operation(&self, op: &str, row: &str) -> String {
        let name = self.names.first().map_or(OPERATION, String::as_str);
        match (self.updates, row.strip_prefix('{')) {
            (true, Some("}")) => format!(r#"{{"{name}":"{op}"}}"#),
            (true, Some(rest)) => format!(r#"{{"{name}":"{op}",{rest}"#),
            _ => row.to_owned(),
        }
    }

    /// Nothing comes for a moment: what has come is shown.
    pub(super) fn pause(&mut self) -> Wrote {
        match &mut self.live {
            Some(live) => live.draw(self.look.color, ""),
            None => self.flush(),
        }
    }

    /// Tells how far the query is.
    pub(super) fn progress(&mut self, progress: &SqlProgress) -> Wrote {
        if !self.look.live {
            return Ok(true);
        }
        let line = status(progress);
        if let Some(live) = &mut self.live {
            return live.draw(self.look.color, &line);
        }
        if !self.flush()? {
            return Ok(false);
        }
        let (columns, _) = grid::screen();
        self.told = true;
        put(&format!("\r\x1b[K{}", dim(&grid::fitted(&line, columns.saturating_sub(1)), self.look.color)))
    }

    fn clear(&mut self) -> String {
        if std::mem::take(&mut self.told) { "\r\x1b[K".to_owned() } else { String::new() }
    }

    fn flush(&mut self) -> Wrote {
        if self.waiting.is_empty() {
            return Ok(true);
        }
        let mut text = self.clear();
        let rows = std::mem::take(&mut self.waiting);
        rows.iter().for_each(|row| self.grid.fit(row));
        if self.look.live {
            self.grid.cut(grid::screen().0);
        }
        if !std::mem::replace(&mut self.begun, true) {
            text.push_str(&self.header());
        }
        for row in &rows {
            text.push_str(&format!("{}\n", self.grid.line(row)));
        }
        put(&text)
    }

    fn header(&self) -> String {
        if !self.look.live {
            return format!("{}\n", self.grid.header());
        }
        format!("{}\n{}\n", self.grid.header(), dim(&self.grid.rule(), self.look.color))
    }

    /// The answer is over; `how` says so where it is not its own end.
    pub(super) fn end(&mut self, end: &SqlEnd, how: Option<&str>) -> Wrote {
        if self.silent {
            return Ok(true);
        }
        let mut text = String::new();
        match self.look.format {
            Format::Table => {
                if let Some(live) = &mut self.live {
                    live.draw(self.look.color, "")?;
                } else if !self.flush()? {
                    return Ok(false);
                }
                text.push_str(&self.clear());
                let is_empty = self.rows == 0 && !self.names.is_empty() && !self.is_text;
                if is_empty && !self.look.live {
                    text.push_str(&self.header());
                }
            }
            Format::Json if self.begun => text.push_str("\n]\n"),
            Format::Json if !self.names.is_empty() => text.push_str("[]\n"),
            Format::Csv if !self.begun && !self.names.is_empty() => text.push_str(&self.csv_header()),
            Format::Json | Format::Jsonl | Format::Csv => {}
        }
        if self.look.live && !self.names.is_empty() && !self.is_text {
            let rows = if self.rows == 1 { "1 row".to_owned() } else { format!("{} rows", friendly_count(self.rows)) };
            let read =
                end.progress.as_ref().map(|done| format!(", {} records read", friendly_count(done.records_read)));
            let late = end.progress.as_ref().filter(|done| done.late_records > 0);
            let late = late.map(|done| format!(", {} late and dropped", friendly_count(done.late_records)));
            let limit = end.more && end.message.is_empty();
            let how = how.or(limit.then_some("there may be more: \\limit ends it here")).map(|how| format!("; {how}"));
            let about: String = [read, late, how].into_iter().flatten().collect();
            text.push_str(&format!("{}\n", dim(&format!("{rows}{about}"), self.look.color)));
        }
        put(&text)
    }
}

/// The name of the column of operations: one that no other column has.
fn free_name(head: &SqlHead) -> String {
    let taken = |name: &str| head.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let numbered = (0..).map(|number| format!("{OPERATION}{number}"));
    std::iter::once(OPERATION.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

fn status(progress: &SqlProgress) -> String {
    let mut text =
        format!("{} rows, {} records read", friendly_count(progress.rows), friendly_count(progress.records_read));
    if progress.lag_records > 0 {
        text.push_str(&format!(", {} to go", friendly_count(progress.lag_records)));
    }
    if let Some(watermark) = progress.watermark_ms {
        text.push_str(&format!(", watermark {} behind", friendly_ms(crate::clock::now().0.saturating_sub(watermark))));
    }
    text.push_str(" (Ctrl-C ends it)");
    // It may be long, and is what is cut on a narrow terminal.
    if let Some(why) = progress.why.first().filter(|_| progress.lag_records == 0) {
        text.push_str(&format!("; {}", printable(why)));
    }
    text
}

/// Writes a text to standard output at once; false if nobody reads it any more.
pub(super) fn put(text: &str) -> Wrote {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CliError::failed(format!("cannot write the output: {error}"))),
    }
}
