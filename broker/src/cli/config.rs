//! `forebay config`: explains keys, checks files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{CliError, CliResult, Exit};
use super::output;
use super::serve::read_file;
use crate::config::key::{Effect, Key, Scope};
use crate::config::table::table;
use crate::config::{self, Sources, synonyms, value};

/// What `forebay config` takes.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ConfigCommand {
    /// Say what a key is for, what it takes and what it is by default.
    Explain {
        /// The key, of a broker, a topic, a group or a client metrics subscription.
        key: String,
    },
    /// Check a server.properties without starting a broker.
    Check {
        /// The file.
        file: PathBuf,
    },
}

/// Runs a command about configuration.
///
/// # Errors
/// There is no such key (5), or the file has mistakes (1) or cannot be read (2).
pub fn run(args: ConfigArgs) -> CliResult {
    match args.command {
        ConfigCommand::Explain { key } => output::print(&explain(&key)?),
        ConfigCommand::Check { file } => output::print(&check(file)?),
    }
}

fn explain(name: &str) -> Result<String, CliError> {
    let scopes = [Scope::Broker, Scope::Topic, Scope::Group, Scope::ClientMetrics];
    let found: Vec<String> = scopes.iter().filter_map(|&scope| table().get(scope, name)).map(explain_key).collect();
    if !found.is_empty() {
        return Ok(found.join("\n\n"));
    }
    if let Some(instead) = table().removed(name) {
        return Ok(format!("{name}\n  gone since Kafka 4: {instead}"));
    }
    let nearest = scopes.iter().find_map(|&scope| table().nearest(scope, name));
    let hint = nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Err(CliError::new(Exit::NotThere, format!("there is no key {name}{hint}")))
}

fn explain_key(key: &Key) -> String {
    let of = match key.scope {
        Scope::Broker => "broker",
        Scope::Topic => "topic",
        Scope::Group => "group",
        Scope::ClientMetrics => "client metrics subscription",
    };
    let mut lines = vec![format!("{} ({of} key, {})", key.name, key.key_type.name()), format!("  {}", key.doc)];
    lines.push(format!("  default   {}", shown_default(key)));
    lines.push(format!("  allowed   {}", value::describe_allowed(key)));
    lines.push(format!("  changes   {}", key.update_mode.name()));
    let behind: Vec<&str> = synonyms::of_topic_key(key.name).iter().map(|(name, _)| *name).collect();
    if key.scope == Scope::Topic && !behind.is_empty() {
        lines.push(format!("  broker    {}", behind.join(", then ")));
    }
    let family = synonyms::of_broker_key(key.name);
    if key.scope == Scope::Broker && !family.is_empty() {
        lines.push(format!("  order     {}", family.join(", then ")));
    }
    if key.effect == Effect::Meaningless {
        lines.push("  here      accepted, and changes nothing".to_owned());
    }
    lines.join("\n")
}

fn shown_default(key: &Key) -> &str {
    match key.default {
        None => "not set",
        Some("") => "empty",
        Some(default) => default,
    }
}

fn check(file: PathBuf) -> Result<String, CliError> {
    let (name, text) = read_file(&file)?;
    let sources = Sources { file: Some((name.clone(), text)), ..Sources::default() };
    let loaded = config::load(sources).map_err(|errors| CliError::failed(errors.to_string()))?;
    let count = loaded.config.values().all_set().count();
    let mut lines = vec![format!("{name}: {count} keys set, no mistakes")];
    lines.extend(loaded.warnings.iter().map(|warning| format!("warning: {warning}")));
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_explained() {
        let text = explain("retention.ms").unwrap();
        for part in ["topic key, long", "604800000", "at least -1", "log.retention.ms, then log.retention.minutes"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(explain("compression.type").unwrap().contains("\n\ncompression.type (topic key"));
        assert!(explain("num.io.threads").unwrap().contains("changes nothing"));
        assert!(explain("zookeeper.connect").unwrap().contains("gone since Kafka 4"));
        let error = explain("num.partition").unwrap_err();
        assert_eq!(
            (error.exit, error.message.as_str()),
            (Exit::NotThere, "there is no key num.partition; did you mean num.partitions?")
        );
    }

    #[test]
    fn a_file_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.properties");
        std::fs::write(&file, "num.partitions=2\nnum.io.threads=1\n").unwrap();
        let text = check(file.clone()).unwrap();
        assert!(text.contains("2 keys set, no mistakes\nwarning: ") && text.contains("num.io.threads"), "{text}");
        std::fs::write(&file, "num.partitions=x\n").unwrap();
        assert_eq!(check(file).unwrap_err().exit, Exit::Failed);
    }
}
