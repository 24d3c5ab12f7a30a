//! `forebay log`: works on the files of logs, without a broker.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::CliResult;
use super::output::Format;

mod batches;
mod decode;
mod dump;
mod entries;
mod fields;
mod files;
mod handover;
mod text;
mod verify;

#[cfg(test)]
mod tests;

/// What `forebay log` takes.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// The form of what is printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum LogCommand {
    /// Check every batch and index of a data folder or of one partition's folder. Exit code 1: something is damaged.
    Verify {
        /// The folder.
        dir: PathBuf,
    },
    /// Print what is in one file: a .log, an index, a snapshot, a checkpoint, meta.properties.
    Dump(DumpArgs),
    /// Take over the data folder of a stopped Apache Kafka, so that Forebay serves what is in it.
    Adopt(handover::AdoptArgs),
    /// Make the data folder of a stopped Forebay ready for Apache Kafka.
    Export(handover::ExportArgs),
}

/// What `forebay log dump` takes.
#[derive(Clone, Debug, Args)]
struct DumpArgs {
    /// The file.
    file: PathBuf,
    /// Show the records of a .log, those of Kafka's internal topics in words.
    #[arg(long)]
    records: bool,
}

/// Runs a command about files of logs.
///
/// # Errors
/// The file or folder is not there (5), is of no known kind (2), or is damaged (1).
pub fn run(args: &LogArgs) -> CliResult {
    match &args.command {
        LogCommand::Verify { dir } => verify::run(dir, args.output),
        LogCommand::Dump(dump) => dump::run(&dump.file, dump.records, args.output),
        LogCommand::Adopt(adopt) => handover::adopt(adopt, args.output),
        LogCommand::Export(export) => handover::export(export, args.output),
    }
}
