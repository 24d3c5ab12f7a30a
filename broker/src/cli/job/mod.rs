//! `forebay job`: runs, shows and stops jobs through the broker's HTTP server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{CliError, CliResult, Exit};
use super::output::{self, Format};
use client::Client;

mod apply;
pub(in crate::cli) mod client;
mod drop;
mod savepoint;
mod show;
mod test;
#[cfg(test)]
mod tests;

/// What `forebay job` takes.
#[derive(Clone, Debug, Args)]
pub struct JobArgs {
    /// The broker's HTTP server.
    #[arg(long, global = true, value_name = "URL", env = "FOREBAY_ADMIN", default_value = "http://127.0.0.1:9644")]
    admin: String,
    /// The form of what is printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(subcommand)]
    command: JobCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum JobCommand {
    /// Run a file of SQL over files and print what comes out; no broker is needed, and no topic is touched.
    Test(test::TestArgs),
    #[command(flatten)]
    InBroker(BrokerCommand),
}

/// What a broker is asked for.
#[derive(Clone, Debug, Subcommand)]
enum BrokerCommand {
    /// Register a file of SQL as a job and start it.
    Apply(ApplyArgs),
    /// List all jobs.
    List,
    /// Show one job: state, watermark, lag, rates, last error, partitions.
    Describe {
        /// The job.
        name: String,
    },
    /// Stop a job where it is; its state stays.
    Pause {
        /// The job.
        name: String,
    },
    /// Let a paused job go on.
    Resume {
        /// The job.
        name: String,
    },
    /// Keep where a job is under a name, to start another one from there.
    #[command(subcommand)]
    Savepoint(savepoint::SavepointCommand),
    /// Remove a job with its state and offsets; its output topic and its savepoints stay.
    Drop(DropArgs),
}

/// What `forebay job apply` takes.
#[derive(Clone, Debug, Args)]
struct ApplyArgs {
    /// The file of statements; - reads standard input.
    file: PathBuf,
    /// The job's name; the file's name otherwise.
    #[arg(long)]
    name: Option<String>,
    /// Do nothing if there is a job of that name.
    #[arg(long)]
    if_not_exists: bool,
    /// If there is a job of that name, give it these statements: it goes on with its state, or is refused before it is stopped.
    #[arg(long, conflicts_with_all = ["if_not_exists", "from_savepoint"])]
    replace: bool,
    /// Start where this savepoint was made.
    #[arg(long, value_name = "JOB/SAVEPOINT")]
    from_savepoint: Option<String>,
}

/// What `forebay job drop` takes.
#[derive(Clone, Debug, Args)]
struct DropArgs {
    /// The job.
    name: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Do nothing if there is no such job.
    #[arg(long)]
    if_exists: bool,
}

/// Runs a command about jobs.
///
/// # Errors
/// The broker cannot be reached (3), the job is not there (5) or there already (6), the statements are wrong (1).
pub fn run(args: JobArgs) -> CliResult {
    match args.command {
        JobCommand::Test(test) => test::run(&test, args.output),
        JobCommand::InBroker(command) => ask(&Client::new(&args.admin)?, command, args.output),
    }
}

fn ask(client: &Client, command: BrokerCommand, format: Format) -> CliResult {
    match command {
        BrokerCommand::Apply(apply) => apply::run(client, &apply, format),
        BrokerCommand::List => {
            let jobs = client.list()?;
            match format {
                Format::Json => output::print_json(&jobs),
                Format::Table => output::print(&show::list(&jobs)),
            }
        }
        BrokerCommand::Describe { name } => {
            let job = client.describe(&name)?;
            match format {
                Format::Json => output::print_json(&job),
                Format::Table => output::print(&show::one(&job)),
            }
        }
        BrokerCommand::Pause { name } => change(client, &name, "pause", format),
        BrokerCommand::Resume { name } => change(client, &name, "resume", format),
        BrokerCommand::Savepoint(command) => savepoint::run(client, &command, format),
        BrokerCommand::Drop(drop) => drop::run(client, &drop),
    }
}

fn change(client: &Client, name: &str, action: &str, format: Format) -> CliResult {
    let job = client.change(name, action)?;
    match format {
        Format::Json => output::print_json(&job),
        Format::Table => output::print(&format!("job {}: {}", job.name, show::state(&job))),
    }
}

/// Turns a failure with this exit code into success, for `--if-exists` and `--if-not-exists`.
fn forgive(result: CliResult, code: Exit, forgive: bool) -> CliResult {
    match result {
        Err(CliError { exit, .. }) if forgive && exit == code => Ok(()),
        other => other,
    }
}
