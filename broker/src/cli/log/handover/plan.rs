//! What a command found and will do: printed, asked about, done.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use forebay_control::metadata::record::Event;
use serde::Serialize;

use super::HandoverArgs;
use super::folder::DataFolders;
use super::metadata::Metadata;
use crate::cli::exit::{CliError, CliResult};
use crate::cli::output::{self, Format, friendly_count};

/// How many obstacles or remarks of one kind are written out.
pub(super) const WRITTEN_OUT: usize = 5;

/// What is found and will be done; in JSON all of it is printed once, at the end.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    command: &'static str,
    dirs: Vec<String>,
    pub(super) cluster_id: String,
    node_id: i32,
    pub(super) metadata_end_offset: i64,
    metadata_epoch: i32,
    pub(super) clean_shutdown: bool,
    pub(super) topics: u64,
    pub(super) partitions: u64,
    configs: u64,
    pub(super) producer_ids_below: i64,
    features: BTreeMap<String, i16>,
    /// What is there and will not be afterwards.
    pub(super) not_carried_over: Vec<NotCarriedOver>,
    /// Worth knowing.
    pub(super) notes: Vec<String>,
    /// Why it cannot be done.
    pub(super) obstacles: Vec<String>,
    done: bool,
    metadata_kept_in: Option<String>,
    /// The next step.
    #[serde(skip)]
    pub(super) next: String,
}

/// Something that is lost on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct NotCarriedOver {
    pub(super) kind: &'static str,
    pub(super) what: String,
}

impl Plan {
    pub(super) fn new(command: &'static str, folders: &DataFolders, metadata: &Metadata) -> Plan {
        let home = &folders.home().properties;
        let mut plan = Plan {
            command,
            dirs: folders.dirs.iter().map(|dir| dir.path.display().to_string()).collect(),
            cluster_id: home.cluster_id.clone(),
            node_id: home.node_id.0,
            metadata_end_offset: metadata.end.0,
            metadata_epoch: metadata.epoch.0,
            clean_shutdown: folders.dirs.iter().all(|dir| dir.clean),
            topics: 0,
            partitions: 0,
            configs: 0,
            producer_ids_below: metadata.image.machine().next_producer_id().0,
            features: BTreeMap::new(),
            not_carried_over: Vec::new(),
            notes: Vec::new(),
            obstacles: Vec::new(),
            done: false,
            metadata_kept_in: None,
            next: String::new(),
        };
        for event in metadata.image.events(home.node_id) {
            match event {
                Event::Topic(_) => plan.topics += 1,
                Event::Partition(_) => plan.partitions += 1,
                Event::Config(_) => plan.configs += 1,
                Event::FeatureLevel(feature) => {
                    plan.features.insert(feature.name, feature.level);
                }
                _ => {}
            }
        }
        if metadata.torn_bytes > 0 {
            let bytes = friendly_count(metadata.torn_bytes);
            plan.notes.push(format!(
                "the metadata log ends in {bytes} bytes of a write that was cut off; they count for nothing"
            ));
        }
        if !plan.clean_shutdown {
            plan.notes
                .push("the broker was not stopped in order; the next start checks the ends of the logs".to_owned());
        }
        plan
    }

    /// Prints it, asks unless `args` says not to, does it and says so.
    pub(super) fn carry_out(
        mut self,
        args: &HandoverArgs,
        leave_behind: bool,
        format: Format,
        act: impl FnOnce() -> Result<std::path::PathBuf, CliError>,
    ) -> CliResult {
        self.tell(format, &self.text())?;
        let settled = self.settled(args, leave_behind);
        if args.dry_run || settled.is_err() {
            self.tell(format, "\nNothing was changed.")?;
            return self.finish(format).and(settled);
        }
        let kept = act()?;
        self.done = true;
        self.metadata_kept_in = Some(kept.display().to_string());
        self.tell(format, &format!("\nDone. The metadata of before are kept in {}\n{}", kept.display(), self.next))?;
        self.finish(format)
    }

    fn tell(&self, format: Format, text: &str) -> CliResult {
        if format == Format::Table { output::print(text) } else { Ok(()) }
    }

    fn finish(&self, format: Format) -> CliResult {
        if format == Format::Json { output::print_json(self) } else { Ok(()) }
    }

    /// Whether it may be done.
    fn settled(&self, args: &HandoverArgs, leave_behind: bool) -> CliResult {
        if !self.obstacles.is_empty() {
            return Err(CliError::failed(format!("{} refused: {}", self.command, self.obstacles.join("; "))));
        }
        if !self.not_carried_over.is_empty() && !leave_behind {
            return Err(CliError::failed(format!(
                "{} refused: {} would not be carried over; --leave-behind goes on without",
                self.command,
                friendly_count(self.not_carried_over.len() as u64)
            )));
        }
        if args.yes || args.dry_run || ask(&format!("\nGo on with the {}? [y/N] ", self.command))? {
            return Ok(());
        }
        Err(CliError::failed("the answer was no"))
    }

    fn text(&self) -> String {
        let written_by = if self.command == "adopt" { "Apache Kafka" } else { "Forebay" };
        let mut lines = vec![format!(
            "{}: node {} of cluster {}, metadata of {written_by} up to offset {}, epoch {}",
            self.dirs.join(", "),
            self.node_id,
            self.cluster_id,
            self.metadata_end_offset,
            self.metadata_epoch
        )];
        let features: Vec<String> = self.features.iter().map(|(name, level)| format!("{name}={level}")).collect();
        for (what, value) in [
            ("topics", friendly_count(self.topics)),
            ("partitions", friendly_count(self.partitions)),
            ("configs", friendly_count(self.configs)),
            ("producer ids below", self.producer_ids_below.to_string()),
            ("features", features.join(" ")),
        ] {
            lines.push(format!("  {what:<20}{value}"));
        }
        section(
            &mut lines,
            "NOT carried over:",
            self.not_carried_over.iter().map(|n| format!("{}: {}", n.kind, n.what)),
        );
        section(&mut lines, "Worth knowing:", self.notes.iter().cloned());
        section(&mut lines, "In the way:", self.obstacles.iter().cloned());
        lines.join("\n")
    }
}

fn section(lines: &mut Vec<String>, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("  - {item}")).collect();
    if !items.is_empty() {
        lines.push(title.to_owned());
        lines.extend(items);
    }
}

/// Up to [`WRITTEN_OUT`] of the items, and how many more there are.
pub(super) fn some_of(items: &[String]) -> String {
    let shown = items.iter().take(WRITTEN_OUT).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(WRITTEN_OUT) {
        0 => shown,
        more => format!("{shown} and {} more", friendly_count(more as u64)),
    }
}

/// That there is nothing to do.
pub(super) fn already(format: Format, command: &'static str, home: &Path, whose: &str) -> CliResult {
    match format {
        Format::Table => {
            output::print(&format!("The metadata in {} are {whose} already; nothing was changed.", home.display()))
        }
        Format::Json => output::print_json(&serde_json::json!({
            "command": command, "dirs": [home.display().to_string()], "done": false, "already": true,
        })),
    }
}

fn ask(question: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("without a terminal to ask on, this needs --yes, or --dry-run to only look"));
    }
    eprint!("{question}");
    // The question is still worth answering if it could not be shown at once.
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| CliError::failed(format!("cannot read the answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
