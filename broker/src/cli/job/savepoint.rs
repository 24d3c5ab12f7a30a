//! `forebay job savepoint`: keeps where a job is under a name, and lists and removes what was kept.

use clap::{Args, Subcommand};
use forebay_processor::job::time_text;

use super::client::Client;
use super::forgive;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{self, Format, table};
use crate::http::SavepointInfo;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum SavepointCommand {
    /// Keep a job's positions and state under a name; the job goes on.
    Create(Which),
    /// List all savepoints, or those of one job.
    List {
        /// The job.
        job: Option<String>,
    },
    /// Remove a savepoint.
    Drop {
        #[command(flatten)]
        which: Which,
        /// Do nothing if there is no such savepoint.
        #[arg(long)]
        if_exists: bool,
    },
}

/// A savepoint by its names.
#[derive(Clone, Debug, Args)]
pub(super) struct Which {
    /// The job.
    job: String,
    /// The savepoint.
    name: String,
}

pub(super) fn run(client: &Client, command: &SavepointCommand, format: Format) -> CliResult {
    match command {
        SavepointCommand::Create(Which { job, name }) => {
            let made = client.savepoint(job, name)?;
            match format {
                Format::Json => output::print_json(&made),
                Format::Table => output::print(&format!(
                    "savepoint {name} of job {job} made\nstart a job from it with `forebay job apply FILE.sql --name NAME --from-savepoint {job}/{name}`"
                )),
            }
        }
        SavepointCommand::List { job } => {
            let found = client.savepoints(job.as_deref())?;
            match format {
                Format::Json => output::print_json(&found),
                Format::Table => output::print(&list(&found)),
            }
        }
        SavepointCommand::Drop { which: Which { job, name }, if_exists } => {
            let removed = client.remove_savepoint(job, name);
            let told = removed.and_then(|()| output::print(&format!("savepoint {name} of job {job} removed")));
            forgive(told, Exit::NotThere, *if_exists)
        }
    }
}

fn list(found: &[SavepointInfo]) -> String {
    if found.is_empty() {
        return "no savepoints; `forebay job savepoint create JOB NAME` makes one".to_owned();
    }
    let row = |savepoint: &SavepointInfo| {
        vec![savepoint.job.clone(), savepoint.name.clone(), time_text(savepoint.created_at_ms), savepoint.topic.clone()]
    };
    table(&["JOB", "SAVEPOINT", "MADE", "TOPIC"], found.iter().map(row).collect())
}
