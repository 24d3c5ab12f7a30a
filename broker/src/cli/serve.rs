//! `forebay serve`: gathers the configuration and starts a broker with it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;
use tracing::Level;

use super::exit::{CliError, CliResult};
use super::hostname;
use crate::config::{self, Loaded, Sources};
use crate::node::{self, Running};
use crate::{clock, logging};

/// What `forebay serve` takes.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Settings come from, the last wins: Kafka's defaults, the file of --config, variables as Apache Kafka's container image
reads them (KAFKA_LOG_DIRS is log.dirs), --override, and the flags. Without any, the data goes to Kafka's default,
/tmp/kafka-logs. `forebay config explain KEY` says what a key does. FOREBAY_LOG=debug shows more.")]
pub struct ServeArgs {
    /// Read Kafka's server.properties.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one configuration key; may be given often.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Keep the data in this directory (log.dirs).
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    pub data: Option<PathBuf>,
    /// Keep the data in a temporary directory that is removed at the end.
    #[arg(long)]
    pub ephemeral: bool,
}

/// A broker's configuration, and the directory that goes when it ends.
pub struct Prepared {
    /// The configuration and its warnings.
    pub loaded: Loaded,
    /// The data directory of `--ephemeral`; removed when dropped.
    pub temporary: Option<TempDir>,
}

/// Starts a broker and waits for its end.
///
/// # Errors
/// The configuration is wrong (exit code 2), or the broker could not start or failed (1).
pub fn run(args: &ServeArgs) -> CliResult {
    logging::start(Level::INFO).map_err(CliError::usage)?;
    let prepared = prepare(args)?;
    for warning in &prepared.loaded.warnings {
        tracing::warn!("{warning}");
    }
    start(prepared)
}

/// Runs the broker until a signal stops it.
fn start(prepared: Prepared) -> CliResult {
    let begun = clock::instant();
    let runtime = node::runtime().map_err(|error| CliError::failed(format!("cannot start threads: {error}")))?;
    let failed = |error: node::StartError| CliError::failed(error.to_string());
    let ended = runtime.block_on(async {
        // Signals are taken from here on, so that one during the start still ends in a clean stop.
        let stop = node::stop_signal();
        let stop = stop.map_err(|error| CliError::failed(format!("cannot wait for signals: {error}")))?;
        let dirs = prepared.loaded.config.log_dirs.clone();
        let running = node::start(prepared.loaded.config).await.map_err(failed)?;
        announce(&running, &dirs, begun.elapsed());
        tokio::select! {
            () = stop => {}
            why = running.doomed() => {
                tracing::error!("the broker halts: {why}");
                // As Kafka, at once: nothing that could be written in order would be.
                std::process::exit(1);
            }
        }
        tracing::info!("stopping");
        running.stop().await.map_err(failed)?;
        tracing::info!("stopped");
        Ok(())
    });
    runtime.shutdown_background();
    ended
}

/// Says where everything is.
fn announce(running: &Running, dirs: &[PathBuf], took: Duration) {
    running.rooms.metrics.start_microseconds.set(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    for listener in &running.listeners {
        let (name, local) = (&listener.name, listener.local);
        tracing::info!("{name} on {local}, clients are told {}:{}", listener.advertised_host, listener.advertised_port);
    }
    for address in &running.http {
        tracing::info!("HTTP on http://{address}: /v1/jobs /metrics /healthz /readyz");
    }
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!("forebay {version} ready in {} ms, data in {}", took.as_millis(), dirs.join(", "));
}

/// Reads everything the configuration comes from, and checks it.
///
/// # Errors
/// Lines that say what is wrong and where; exit code 2, or 1 if a temporary directory cannot be made.
pub fn prepare(args: &ServeArgs) -> Result<Prepared, CliError> {
    let mut flags = Vec::new();
    let mut temporary = None;
    if let Some(dir) = &args.data {
        flags.push(("--data", "log.dirs", text_of(dir)?));
    } else if args.ephemeral {
        let dir = tempfile::Builder::new().prefix("forebay-").tempdir();
        let dir = dir.map_err(|error| CliError::failed(format!("--ephemeral: cannot make a directory: {error}")))?;
        flags.push(("--ephemeral", "log.dirs", text_of(dir.path())?));
        temporary = Some(dir);
    }
    let file = args.config.as_deref().map(read_file).transpose()?;
    let found = OnceCell::new();
    let sources = Sources {
        file,
        variables: variables(),
        overrides: args.overrides.clone(),
        flags,
        hostname: &|| found.get_or_init(hostname::reachable).clone(),
    };
    let loaded = config::load(sources).map_err(|errors| CliError::usage(errors.to_string()))?;
    Ok(Prepared { loaded, temporary })
}

/// Reads a properties file that a person named.
pub(super) fn read_file(path: &Path) -> Result<(String, String), CliError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| CliError::usage(format!("cannot read {name}: {error}")))?;
    // Java reads these files as ISO 8859-1; UTF-8 is what people write, and all else is taken as Java does.
    let text = String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().iter().map(|&b| char::from(b)).collect());
    Ok((name, text))
}

/// The environment, without what is not text.
pub(super) fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn text_of(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) if !text.contains(',') => Ok(text.to_owned()),
        _ => Err(CliError::usage(format!("{}: a data directory's name must be text without commas", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_flags_become_a_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("server.properties");
        std::fs::write(&file, "num.partitions=3\nlog.dirs=/elsewhere\n").unwrap();
        let data = dir.path().join("data");
        let args = ServeArgs {
            config: Some(file),
            overrides: vec!["node.id=9".to_owned()],
            data: Some(data.clone()),
            ephemeral: false,
        };
        let config = prepare(&args).unwrap().loaded.config;
        assert_eq!((config.node_id, config.topics.num_partitions, config.log_dirs), (9, 3, vec![data]));
    }

    #[test]
    fn ephemeral_data_goes_with_the_broker() {
        let prepared = prepare(&ServeArgs { ephemeral: true, ..ServeArgs::default() }).unwrap();
        let dir = prepared.loaded.config.log_dirs[0].clone();
        assert!(dir.is_dir());
        drop(prepared);
        assert!(!dir.exists());
    }

    #[test]
    fn what_is_wrong_is_one_line_and_exit_code_2() {
        let missing = ServeArgs { config: Some("/nowhere/x.properties".into()), ..ServeArgs::default() };
        let error = prepare(&missing).err().unwrap();
        assert_eq!(error.exit, super::super::exit::Exit::Usage);
        assert!(error.message.starts_with("cannot read /nowhere/x.properties: ") && !error.message.contains('\n'));
        let bad = ServeArgs { overrides: vec!["num.partitions=0".to_owned()], ..ServeArgs::default() };
        assert_eq!(
            prepare(&bad).err().unwrap().message,
            "--override: num.partitions=0 is not valid: a whole number of at least 1 is expected"
        );
    }
}
