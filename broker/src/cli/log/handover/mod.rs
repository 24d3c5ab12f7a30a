//! `forebay log adopt` and `forebay log export`: a data folder changes hands between Apache Kafka and Forebay.
//!
//! The logs of topics are the same for both, and are not touched. Only the metadata log is written anew, beside the old one,
//! and takes its place in one step at the end.

use std::path::PathBuf;

use clap::Args;

mod adopt;
mod checks;
mod export;
mod folder;
mod groups;
mod metadata;
mod plan;
mod snapshot;
mod switch;

#[cfg(test)]
mod tests;

pub(super) use adopt::run as adopt;
pub(super) use export::run as export;

/// What both commands take.
#[derive(Clone, Debug, Args)]
pub(super) struct HandoverArgs {
    /// The data folder; all of them if log.dirs has several. No broker may run on them.
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// What `forebay log adopt` takes.
#[derive(Clone, Debug, Args)]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    common: HandoverArgs,
    /// Go on although something is not carried over, such as access control entries.
    #[arg(long)]
    leave_behind: bool,
}

/// What `forebay log export` takes.
#[derive(Clone, Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    common: HandoverArgs,
    /// HOST:PORT of this node's controller listener, for a server.properties with controller.quorum.bootstrap.servers. Without it
    /// the folder is for one with controller.quorum.voters.
    #[arg(long, value_name = "HOST:PORT")]
    controller: Option<String>,
    /// The name of the controller listener, as in controller.listener.names.
    #[arg(long, value_name = "NAME", default_value = "CONTROLLER", requires = "controller")]
    controller_listener: String,
}
