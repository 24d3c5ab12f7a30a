//! `forebay sql`: a shell for the SQL of a running broker, and the same for scripts.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::{CliError, CliResult};
use super::job::client::Client;
use run::Runner;
use sink::{Format, Look};

mod cells;
mod commands;
mod complete;
mod grid;
mod highlight;
mod interrupt;
mod live;
mod run;
mod shell;
mod sink;
mod split;

/// What `forebay sql` takes.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Without -e and -f it is a shell on a terminal, and takes the statements of standard input otherwise.

  forebay sql                                              # \\? lists what the shell knows
  forebay sql -i tables.sql -e 'SELECT * FROM clicks LIMIT 10' -o jsonl
  forebay sql -f report.sql -o csv > report.csv            # SET 'execution.runtime-mode' = 'batch' ends queries")]
pub struct SqlArgs {
    /// The broker's HTTP server.
    #[arg(
        short = 'b',
        long,
        visible_alias = "broker",
        value_name = "URL",
        env = "FOREBAY_ADMIN",
        default_value = "http://127.0.0.1:9644"
    )]
    admin: String,
    /// Run these statements and end.
    #[arg(short = 'e', long, short_alias = 'c', value_name = "SQL", conflicts_with = "file")]
    execute: Option<String>,
    /// Run the statements of a file and end; - reads standard input.
    #[arg(short, long)]
    file: Option<PathBuf>,
    /// Run the statements of a file first: tables and settings of every session.
    #[arg(short, long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// The form of rows.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// End each query after so many rows.
    #[arg(short = 'n', long, value_name = "N")]
    rows: Option<u64>,
}

/// The form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Aligned columns.
    Table,
    /// One JSON array of objects.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// Commas between values, quotes where they are needed, a line of names first.
    Csv,
}

impl From<Output> for Format {
    fn from(output: Output) -> Format {
        match output {
            Output::Table => Format::Table,
            Output::Json => Format::Json,
            Output::Jsonl => Format::Jsonl,
            Output::Csv => Format::Csv,
        }
    }
}

/// Runs statements, or a shell.
///
/// # Errors
/// A statement has a mistake or fails (1), a file cannot be read (2), the broker cannot be reached (3), something is not there (5),
/// Ctrl-C (130).
pub fn run(args: &SqlArgs) -> CliResult {
    let admin = match args.admin.contains("://") {
        true => args.admin.clone(),
        false => format!("http://{}", args.admin),
    };
    let client = Client::new(&admin)?;
    let script = match (&args.execute, &args.file) {
        (Some(text), _) => Some((text.clone(), None)),
        (None, Some(file)) => Some((read(file)?, Some(file.display().to_string()))),
        (None, None) if std::io::stdin().is_terminal() => None,
        (None, None) => Some((read(Path::new("-"))?, None)),
    };
    let on_terminal = std::io::stdout().is_terminal();
    let look = Look {
        format: args.output.into(),
        color: on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        live: on_terminal && script.is_none(),
        on_terminal,
    };
    let mut runner = Runner::new(client, look, args.rows);
    interrupt::listen(runner.interrupted.clone())?;
    if let Some(init) = &args.init {
        runner.script(&read(init)?, Some(&init.display().to_string()))?;
    }
    match script {
        Some((text, name)) => runner.script(&text, name.as_deref()),
        None => shell::run(&mut runner, &admin),
    }
}

/// The text of a file, or of standard input.
fn read(file: &Path) -> Result<String, CliError> {
    let unreadable = |error| CliError::usage(format!("cannot read {}: {error}", file.display()));
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file).map_err(unreadable);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}
