//! `forebay job test`: a job over files, printed or compared, no broker needed and no topic touched.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use tracing::Level;

use crate::cli::exit::{CliError, CliResult};
use crate::cli::output::{self, Format, friendly_count};
use crate::cli::trial::{self, Differences, Outcome, Trial, TrialError, Written};
use crate::{logging, node};

/// Rows of a table that are printed for a person.
const SHOWN_ROWS: usize = 1_000;
/// Differences that are printed.
const SHOWN_DIFFERENCES: usize = 20;

/// What `forebay job test` takes.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Each line of an input file is a record's value. Several files of one table are its partitions. Where a
table has a key (upsert-kafka), a line is the key, a tab and the value, or a row of JSON with the key's columns.
All windows close at the end of the input, as in a bounded job. Where rows change, those at the end are shown.
The file may end with a query instead of INSERT INTO: its rows are shown.

  forebay job test clicks.sql --input clicks=clicks.jsonl
  forebay job test clicks.sql --input clicks=clicks.jsonl --expect expected.jsonl --record   # keep what comes out
  forebay job test clicks.sql --input clicks=clicks.jsonl --expect expected.jsonl            # exit status 1 if it changes")]
pub(super) struct TestArgs {
    /// The file of statements; - reads standard input.
    file: PathBuf,
    /// A table that the job reads, and the file with its records.
    #[arg(short, long = "input", value_name = "TABLE=FILE", value_parser = pair)]
    inputs: Vec<(String, PathBuf)>,
    /// Compare the rows, in any order, with those of this file; TABLE=FILE where the job writes several tables.
    #[arg(long = "expect", value_name = "[TABLE=]FILE")]
    expected: Vec<String>,
    /// Write the rows into the files of --expect instead of comparing them.
    #[arg(long, requires = "expected")]
    record: bool,
}

fn pair(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((table, file)) if !table.is_empty() && !file.is_empty() => Ok((table.to_owned(), file.into())),
        _ => Err("it is TABLE=FILE".to_owned()),
    }
}

pub(super) fn run(args: &TestArgs, format: Format) -> CliResult {
    let (sql, name) = (super::apply::read(&args.file)?, super::apply::name_of(&args.file));
    // What goes wrong is told by the error.
    logging::start(Level::ERROR).map_err(CliError::usage)?;
    let runtime = node::runtime().map_err(|error| CliError::failed(format!("cannot start threads: {error}")))?;
    let trial = Trial { name: name.unwrap_or_else(|| "test".to_owned()), sql, inputs: args.inputs.clone() };
    let outcome = runtime.block_on(trial::run(trial)).map_err(|error| told(&error, &args.file))?;
    runtime.shutdown_background();
    for warning in &outcome.warnings {
        eprintln!("forebay: {}: {warning}", args.file.display());
    }
    if args.expected.is_empty() {
        return show(&outcome, format);
    }
    args.expected.iter().try_for_each(|expected| settle(expected, &outcome, args.record))
}

fn told(error: &TrialError, file: &Path) -> CliError {
    let message = format!("{}: {error}", file.display());
    match error {
        TrialError::Invalid(_) => CliError::usage(message),
        TrialError::Failed(_) => CliError::failed(message),
    }
}

fn show(outcome: &Outcome, format: Format) -> CliResult {
    if let Format::Json = format {
        return output::print_json(outcome);
    }
    for table in &outcome.tables {
        if outcome.tables.len() > 1 {
            output::print(&format!("{}:", table.table))?;
        }
        output::print(&rows_of(table))?;
    }
    eprintln!("{}", summary(outcome));
    Ok(())
}

/// The rows under their columns; what is no JSON object stands in the first column as it is.
fn rows_of(table: &Written) -> String {
    let shown = table.rows.iter().take(SHOWN_ROWS).map(|row| cells(row, &table.columns)).collect();
    let header: Vec<String> = table.columns.iter().map(|column| column.to_uppercase()).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let text = output::table(&header, shown);
    match table.rows.len().saturating_sub(SHOWN_ROWS) {
        0 => text,
        more => format!("{text}\n... {} more; -o json prints all", friendly_count(more as u64)),
    }
}

fn cells(row: &str, columns: &[String]) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_str(row) else { return vec![row.to_owned()] };
    let cell = |column: &String| match fields.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) => "NULL".to_owned(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    columns.iter().map(cell).collect()
}

fn summary(outcome: &Outcome) -> String {
    let rows: usize = outcome.tables.iter().map(|table| table.rows.len()).sum();
    let mut text = format!("{} records read, {} rows out", friendly_count(outcome.read), friendly_count(rows as u64));
    for (count, what) in [
        (outcome.late, "late and dropped"),
        (outcome.undecodable, "undecodable and skipped"),
        (outcome.aside, "put aside"),
    ] {
        if count > 0 {
            text += &format!(", {} {what}", friendly_count(count));
        }
    }
    text
}

/// Compares one table with its file, or writes the file.
fn settle(expected: &str, outcome: &Outcome, record: bool) -> CliResult {
    let (table, file) = expected_of(expected, outcome)?;
    if record {
        trial::write_rows(&file, &table.rows).map_err(|error| CliError::failed(error.to_string()))?;
        let rows = friendly_count(table.rows.len() as u64);
        return output::print(&format!("{}: {rows} rows written to {}", table.table, file.display()));
    }
    let rows = trial::read_rows(&file).map_err(|error| CliError::usage(error.to_string()))?;
    let differences = Differences::between(&rows, &table.rows);
    if differences.is_empty() {
        let rows = friendly_count(rows.len() as u64);
        return output::print(&format!("{}: {rows} rows, as expected ({})", table.table, summary(outcome)));
    }
    let Differences { missing, unexpected } = &differences;
    print_some('-', missing)?;
    print_some('+', unexpected)?;
    Err(CliError::failed(format!(
        "{}: {} rows of {} are missing, {} came that are not there ({}); --record keeps what comes out",
        table.table,
        friendly_count(missing.len() as u64),
        file.display(),
        friendly_count(unexpected.len() as u64),
        summary(outcome)
    )))
}

fn print_some(sign: char, rows: &[String]) -> CliResult {
    rows.iter().take(SHOWN_DIFFERENCES).try_for_each(|row| output::print(&format!("{sign} {row}")))?;
    match rows.len().saturating_sub(SHOWN_DIFFERENCES) {
        0 => Ok(()),
        more => output::print(&format!("{sign} ... {} more", friendly_count(more as u64))),
    }
}

/// `FILE` of the one table, or `TABLE=FILE`.
fn expected_of<'a>(expected: &str, outcome: &'a Outcome) -> Result<(&'a Written, PathBuf), CliError> {
    if let [table] = outcome.tables.as_slice()
        && !expected.starts_with(&format!("{}=", table.table))
    {
        return Ok((table, expected.into()));
    }
    let found = expected.split_once('=').and_then(|(name, file)| {
        let table = outcome.tables.iter().find(|table| table.table == name || table.topic == name)?;
        Some((table, file.into()))
    });
    found.ok_or_else(|| {
        let tables: Vec<&str> = outcome.tables.iter().map(|table| table.table.as_str()).collect();
        let tables = tables.join(", ");
        CliError::usage(format!("--expect {expected}: it is TABLE=FILE, with one of the tables {tables}"))
    })
}
