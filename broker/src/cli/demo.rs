//! `forebay demo`: its arguments; the demo itself is in `crate::demo`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tracing::Level;

use super::duration;
use super::exit::{CliError, CliResult};
use crate::{demo, logging, node};

/// What `forebay demo` takes.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// End by itself after this time, with a summary (10s, 2m).
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse)]
    pub duration: Option<Duration>,
    /// Events generated each second.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Keep the data in this directory instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print one plain line each second, as without a terminal.
    #[arg(long, alias = "plain")]
    pub no_terminal: bool,
}

/// Runs the demo.
///
/// # Errors
/// The broker could not start or failed, or a row was not what it should be.
pub fn run(args: &DemoArgs) -> CliResult {
    // The screen belongs to the demo; only what goes wrong is logged beside it.
    logging::start(Level::WARN).map_err(CliError::usage)?;
    let runtime = node::runtime().map_err(|error| CliError::failed(format!("cannot start threads: {error}")))?;
    let options = demo::Options {
        run_for: args.duration,
        rate: args.rate,
        data_dir: args.data_dir.clone(),
        plain: args.no_terminal,
    };
    let ended = runtime.block_on(demo::run(options)).map_err(CliError::failed);
    runtime.shutdown_background();
    ended
}
