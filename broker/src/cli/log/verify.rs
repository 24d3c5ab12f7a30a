//! `forebay log verify`: checks a data folder or the folder of one partition, and says what is wrong where.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use forebay_storage::inspect::{self, Finding, Recovery, Report, Severity};
use serde::Serialize;

use super::files::ReadOnly;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{self, Format, friendly_count, table};
use crate::clock;

/// Nothing is said of progress before this, and then this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The report as JSON.
#[derive(Debug, Serialize)]
struct Shape {
    dir: String,
    live: bool,
    clean_shutdown: bool,
    ok: bool,
    damaged: usize,
    torn_tails: usize,
    partitions: Vec<PartitionShape>,
    findings: Vec<FindingShape>,
}

#[derive(Debug, Serialize)]
struct PartitionShape {
    partition: String,
    segments: u64,
    batches: u64,
    records: u64,
    size_bytes: u64,
    first_offset: i64,
    end_offset: i64,
    ok: bool,
}

#[derive(Debug, Serialize)]
struct FindingShape {
    severity: &'static str,
    /// Relative to the folder.
    file: String,
    position: Option<u64>,
    what: String,
    recovery: Option<&'static str>,
    /// What a person can do about it.
    advice: Option<&'static str>,
}

/// Checks `dir` and prints the report.
pub(super) fn run(dir: &Path, format: Format) -> CliResult {
    let mut progress = Progress::new();
    let whole = fs::canonicalize(dir).map_err(|error| {
        let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NotThere } else { Exit::Failed };
        CliError::new(exit, format!("cannot look at {}: {error}", dir.display()))
    })?;
    let report = inspect::check(&ReadOnly, &whole, &mut |done, total| progress.tell(done, total));
    progress.clear();
    let report = report.map_err(|error| {
        let exit = if error.is_not_found() { Exit::NotThere } else { Exit::Failed };
        CliError::new(exit, error.to_string())
    })?;
    if report.live {
        eprintln!(
            "forebay: {} is in use by another process; it is read as it is just now, stop the broker for a sure answer",
            dir.display()
        );
    }
    let shape = shape(dir, &report);
    match format {
        Format::Json => output::print_json(&shape)?,
        Format::Table => output::print(&text(&shape))?,
    }
    if shape.ok {
        return Ok(());
    }
    let places = shape.damaged + shape.torn_tails;
    Err(CliError::failed(format!(
        "{} is not as it was written: {} found",
        dir.display(),
        count(places as u64, "place")
    )))
}

/// The report as people read it.
#[cfg(test)]
pub(super) fn report(dir: &Path) -> Result<String, forebay_storage::error::StorageError> {
    Ok(text(&shape(dir, &inspect::check(&ReadOnly, dir, &mut |_, _| ())?)))
}

fn shape(dir: &Path, report: &Report) -> Shape {
    let mut findings: Vec<FindingShape> = report.findings.iter().map(|finding| finding_shape("", finding)).collect();
    for partition in &report.partitions {
        findings.extend(partition.findings.iter().map(|finding| finding_shape(&partition.name, finding)));
    }
    let of = |severity: &str| findings.iter().filter(|finding| finding.severity == severity).count();
    let (damaged, torn_tails) = (of("damage"), of("torn_tail"));
    let partitions = report.partitions.iter().map(|partition| PartitionShape {
        partition: partition.name.clone(),
        segments: partition.segments,
        batches: partition.batches,
        records: partition.records,
        size_bytes: partition.bytes,
        first_offset: partition.first_offset.0,
        end_offset: partition.end_offset.0,
        ok: partition.findings.iter().all(|finding| finding.severity == Severity::Note),
    });
    Shape {
        dir: dir.display().to_string(),
        live: report.live,
        clean_shutdown: report.clean_shutdown,
        ok: damaged + torn_tails == 0,
        damaged,
        torn_tails,
        partitions: partitions.collect(),
        findings,
    }
}

fn finding_shape(folder: &str, finding: &Finding) -> FindingShape {
    FindingShape {
        severity: match finding.severity {
            Severity::Note => "note",
            Severity::TornTail => "torn_tail",
            Severity::Damage => "damage",
        },
        file: Path::new(folder).join(&finding.file).display().to_string(),
        position: finding.position,
        what: finding.what.clone(),
        recovery: finding.recovery.map(|recovery| match recovery {
            Recovery::Cut => "cut",
            Recovery::Rebuilt => "rebuilt",
            Recovery::Kept => "kept",
        }),
        advice: finding.advice(),
    }
}

fn text(shape: &Shape) -> String {
    let row = |partition: &PartitionShape| {
        vec![
            partition.partition.clone(),
            friendly_count(partition.segments),
            friendly_count(partition.batches),
            friendly_count(partition.records),
            friendly_count(partition.size_bytes),
            format!("{}-{}", partition.first_offset, partition.end_offset),
            if partition.ok { "ok" } else { "WRONG" }.to_owned(),
        ]
    };
    let header = ["PARTITION", "SEGMENTS", "BATCHES", "RECORDS", "BYTES", "OFFSETS", "STATE"];
    let mut lines = vec![table(&header, shape.partitions.iter().map(row).collect()), String::new()];
    lines.extend(shape.findings.iter().map(finding_line));
    if !shape.findings.is_empty() {
        lines.push(String::new());
    }
    let sum = |of: fn(&PartitionShape) -> u64| shape.partitions.iter().map(of).sum();
    lines.push(format!(
        "{}, {}, {} and {} bytes checked: {}",
        count(shape.partitions.len() as u64, "partition"),
        count(sum(|partition| partition.segments), "segment"),
        count(sum(|partition| partition.batches), "batch"),
        friendly_count(sum(|partition| partition.size_bytes)),
        if shape.ok {
            "all as it was written".to_owned()
        } else {
            format!("{}, {}", count(shape.torn_tails as u64, "torn tail"), count(shape.damaged as u64, "damaged place"))
        }
    ));
    lines.join("\n")
}

fn finding_line(finding: &FindingShape) -> String {
    let position = finding.position.map(|position| format!(" byte {position}")).unwrap_or_default();
    let recovery = match finding.recovery {
        Some("cut") => "; recovery would cut this off",
        Some("rebuilt") => "; recovery would make the index anew",
        Some(_) => "; recovery would not look here",
        None => "",
    };
    let advice = finding.advice.map(|advice| format!("\n{:<9}  what to do: {advice}", "")).unwrap_or_default();
    let severity = finding.severity.replace('_', " ");
    format!("{severity:<9}  {}{position}: {}{recovery}{advice}", finding.file, finding.what)
}

fn count(number: u64, what: &str) -> String {
    let plural = match (number, what) {
        (1, _) => "",
        (_, "batch") => "es",
        _ => "s",
    };
    format!("{} {what}{plural}", friendly_count(number))
}

/// A line on the terminal that is written over, on standard error.
struct Progress {
    since: Instant,
    told: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Progress {
        Progress { since: clock::instant(), told: false, terminal: io::stderr().is_terminal() }
    }

    fn tell(&mut self, done: u64, total: u64) {
        if !self.terminal || self.since.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.since = clock::instant();
        self.told = true;
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        eprint!("\r{percent:>3} %  {} of {} bytes", friendly_count(done), friendly_count(total));
        // Progress that cannot be shown is no reason to stop.
        let _ = io::stderr().flush();
    }

    fn clear(&self) {
        if self.told {
            eprint!("\r{:60}\r", "");
        }
    }
}
