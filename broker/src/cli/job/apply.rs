//! `forebay job apply`: sends a file of SQL to the broker.

use std::io::Read;
use std::path::Path;

use super::client::Client;
use super::{ApplyArgs, forgive, show};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{self, Format};
use crate::http::CreateJob;

pub(super) fn run(client: &Client, args: &ApplyArgs, format: Format) -> CliResult {
    let sql = read(&args.file)?;
    let name = args.name.clone().or_else(|| name_of(&args.file));
    if args.replace
        && let Some(name) = &name
    {
        match replace(client, args, name, &sql, format) {
            // There is none yet: it is made.
            Err(error) if error.exit == Exit::NotThere => {}
            done => return done,
        }
    }
    let request = CreateJob { name, sql, from_savepoint: args.from_savepoint.clone() };
    let made = client.create(&request).map_err(|error| in_file(error, &args.file));
    let told = made.and_then(|job| match format {
        Format::Json => output::print_json(&job),
        Format::Table => output::print(&show::created(&job)),
    });
    forgive(told, Exit::AlreadyThere, args.if_not_exists)
}

fn replace(client: &Client, args: &ApplyArgs, name: &str, sql: &str, format: Format) -> CliResult {
    let replaced = client.replace(name, sql).map_err(|error| match error.exit {
        // Not that the name is taken: the job stays as it was.
        Exit::AlreadyThere => CliError::failed(format!("job {name} stays as it is: {}", error.message)),
        _ => in_file(error, &args.file),
    })?;
    match format {
        Format::Json => output::print_json(&replaced),
        Format::Table => output::print(&show::replaced(&replaced)),
    }
}

pub(super) fn read(file: &Path) -> Result<String, CliError> {
    let unreadable = |error| CliError::usage(format!("cannot read {}: {error}", file.display()));
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file).map_err(unreadable);
    }
    let mut sql = String::new();
    std::io::stdin().read_to_string(&mut sql).map_err(unreadable)?;
    Ok(sql)
}

/// A file is one job, called as the file without its ending.
pub(super) fn name_of(file: &Path) -> Option<String> {
    if file.as_os_str() == "-" { None } else { Some(file.file_stem()?.to_str()?.to_owned()) }
}

/// Mistakes in statements are told with the file they are in.
fn in_file(error: CliError, file: &Path) -> CliError {
    if error.exit == Exit::Failed {
        CliError { message: format!("{}: {}", file.display(), error.message), ..error }
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_called_as_its_file() {
        assert_eq!(name_of(Path::new("docs/examples/user-metrics.sql")).as_deref(), Some("user-metrics"));
        assert_eq!(name_of(Path::new("-")), None);
    }
}
