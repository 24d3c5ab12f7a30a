//! `forebay job drop`: says what goes, asks, and removes a job.

use std::io::{self, IsTerminal, Write};

use super::client::Client;
use super::{DropArgs, forgive};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output;

pub(super) fn run(client: &Client, args: &DropArgs) -> CliResult {
    forgive(remove(client, args), Exit::NotThere, args.if_exists)
}

fn remove(client: &Client, args: &DropArgs) -> CliResult {
    if !args.yes {
        let job = client.describe(&args.name)?;
        let question = format!(
            "This removes the job {}, its state and its offsets (group {}). Its output stays in {}. Remove it? [y/N] ",
            job.name,
            job.group,
            job.sinks.join(", ")
        );
        if !ask(&question)? {
            return Err(CliError::failed("nothing was removed"));
        }
    }
    client.remove(&args.name)?;
    output::print(&format!("job {} removed", args.name))
}

fn ask(question: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("without a terminal to ask on, removing a job needs --yes"));
    }
    eprint!("{question}");
    // The question is still worth answering if it could not be shown at once.
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| CliError::failed(format!("cannot read the answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
