//! `forebay log dump`: prints one file, by what its name says that it is.

use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use forebay_storage::checkpoint::{
    CLEANER_OFFSET_FILE, LOG_START_OFFSET_FILE, META_PROPERTIES_FILE, PARTITION_METADATA_FILE, RECOVERY_POINT_FILE,
    REPLICATION_OFFSET_FILE,
};
use forebay_storage::epochs::LEADER_EPOCH_FILE;
use forebay_storage::error::StorageError;
use forebay_storage::ids::Offset;
use forebay_storage::inspect::{Files, read_whole};
use forebay_storage::log::parse_dir_name;
use serde_json::json;

use super::batches::LogDump;
use super::entries::{self, Listing};
use super::files::ReadOnly;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Format, table};

/// Bytes read and written at a time.
const BUFFER: usize = 256 * 1024;

pub(super) fn run(path: &Path, records: bool, format: Format) -> CliResult {
    dump(path, records, format, &mut BufWriter::with_capacity(BUFFER, io::stdout().lock()))
}

/// Prints the file to `out`. A reader of `out` that went away is no failure.
pub(super) fn dump(path: &Path, records: bool, format: Format, out: &mut dyn Write) -> CliResult {
    let metadata = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if metadata.is_dir() {
        let path = path.display();
        return Err(CliError::usage(format!(
            "{path} is a folder; `forebay log verify {path}` checks it, dump takes a file"
        )));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // What is about to be deleted, or half-way through compaction, is of the kind that it was.
    let kind = [".deleted", ".cleaned", ".swap"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    if kind.ends_with(".log") {
        return dump_log(path, records, format, out);
    }
    let listing = listing(path, kind)?;
    let printed = print(&listing, name, format, out).and_then(|()| out.flush());
    written(printed)
}

fn listing(path: &Path, kind: &str) -> Result<Listing, CliError> {
    let dir = path.parent().unwrap_or(Path::new(""));
    let whole = || read_whole(&ReadOnly, path).map_err(|error| cannot_read(path, &error));
    let stored = |listing: Result<Listing, StorageError>| listing.map_err(|error| CliError::failed(error.to_string()));
    match kind {
        LEADER_EPOCH_FILE => stored(entries::epochs(dir)),
        PARTITION_METADATA_FILE => stored(entries::partition_metadata(dir)),
        META_PROPERTIES_FILE => stored(entries::meta_properties(dir)),
        RECOVERY_POINT_FILE | LOG_START_OFFSET_FILE | REPLICATION_OFFSET_FILE | CLEANER_OFFSET_FILE => {
            stored(entries::checkpoint(path))
        }
        _ => match kind.rsplit_once('.') {
            Some((base, "index")) => Ok(entries::offsets(&whole()?, base_offset(path, base)?)),
            Some((base, "timeindex")) => Ok(entries::times(&whole()?, base_offset(path, base)?)),
            Some((_, "txnindex")) => Ok(entries::aborts(&whole()?)),
            Some((_, "snapshot")) => entries::producers(&whole()?)
                .map_err(|error| CliError::failed(format!("{} is damaged: {error}", path.display()))),
            _ => Err(CliError::usage(format!(
                "{} is no file of a log by its name: dump knows .log, .index, .timeindex, .txnindex, .snapshot, \
                 {LEADER_EPOCH_FILE}, {PARTITION_METADATA_FILE}, {META_PROPERTIES_FILE} and the offset checkpoints",
                path.display()
            ))),
        },
    }
}

/// Entries of an index count from the offset in its name.
fn base_offset(path: &Path, digits: &str) -> Result<Offset, CliError> {
    match digits.parse() {
        Ok(base) if base >= 0 => Ok(Offset(base)),
        _ => {
            let path = path.display();
            Err(CliError::usage(format!("{path}: the name of an index is the first offset of its segment, 20 digits")))
        }
    }
}

fn print(listing: &Listing, file: &str, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => {
            let shape =
                json!({ "file": file, "kind": listing.kind, "entries": listing.entries, "remark": listing.remark });
            serde_json::to_writer_pretty(&mut *out, &shape)?;
            writeln!(out)
        }
        Format::Table => {
            let (header, rows) = listing.table();
            if rows.is_empty() {
                writeln!(out, "no entries")?;
            } else {
                writeln!(out, "{}", table(&header.iter().map(String::as_str).collect::<Vec<_>>(), rows))?;
            }
            listing.remark.iter().try_for_each(|remark| writeln!(out, "{remark}"))
        }
    }
}

fn dump_log(path: &Path, records: bool, format: Format, out: &mut dyn Write) -> CliResult {
    let (file, length) = ReadOnly.open(path).map_err(|error| cannot_read(path, &error))?;
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let partition = parse_dir_name(folder);
    let dump = LogDump {
        file: path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
        topic: partition.as_ref().map_or("", |partition| &*partition.topic),
        records,
        format,
    };
    let printed = dump.print(BufReader::with_capacity(BUFFER, file), length, out);
    let summary = match printed.and_then(|summary| out.flush().map(|()| summary)) {
        Ok(summary) => summary,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) => return Err(CliError::failed(format!("cannot print {}: {error}", path.display()))),
    };
    match (summary.damaged, summary.broken) {
        (0, None) => Ok(()),
        (0, Some(broken)) => {
            Err(CliError::failed(format!("{} is damaged at byte {}: {broken}", path.display(), broken.position)))
        }
        (damaged, _) => {
            Err(CliError::failed(format!("{} is damaged: {damaged} batches with a wrong checksum", path.display())))
        }
    }
}

fn written(result: io::Result<()>) -> CliResult {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> CliError {
    let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NotThere } else { Exit::Failed };
    CliError::new(exit, format!("cannot read {}: {error}", path.display()))
}
