//! `forebay log adopt`: takes over a data folder of Apache Kafka.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_control::metadata::record::Event;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::disk::RealDisk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};
use forebay_storage::log::{AppendOptions, Log, LogConfig, LogOptions, Origin};

use super::folder::{DataFolders, failed};
use super::metadata::{self, Metadata};
use super::plan::{NotCarriedOver, Plan, already};
use super::switch::Staged;
use super::{AdoptArgs, checks, groups};
use crate::cli::exit::{CliError, CliResult};
use crate::cli::output::Format;
use crate::clock;
use crate::coordinator::METADATA_LOG;
use crate::node::owner::{METADATA_FOLDER, Owner};

/// A batch is closed when it has grown to this; far below what a log takes at once.
const LARGEST_BATCH_BYTES: usize = 256 * 1024;

pub(in super::super) fn run(args: &AdoptArgs, format: Format) -> CliResult {
    let folders = DataFolders::open(&args.common.dirs)?;
    let home = &folders.home().path;
    if folders.owner != Owner::Kafka {
        return already(format, "adopt", home, "Forebay's");
    }
    let found = metadata::read(&home.join(METADATA_FOLDER))?;
    let plan = plan(&folders, &found)?;
    plan.carry_out(&args.common, args.leave_behind, format, || take_over(home, &found.image.events(folders.node())))
}

pub(super) fn plan(folders: &DataFolders, found: &Metadata) -> Result<Plan, CliError> {
    let mut plan = Plan::new("adopt", folders, found);
    let machine = found.image.machine();
    checks::folders(&mut plan, folders, machine);
    checks::whole_cluster(&mut plan, folders, machine);
    let unserved = found.image.unserved();
    plan.not_carried_over =
        unserved.map(|(kind, what)| NotCarriedOver { kind: kind.name(), what: what.to_owned() }).collect();
    plan.not_carried_over.extend(groups::unserved(folders)?);
    if let Some(voters) = &found.voters {
        let listeners = voters.iter().flat_map(|voter| &voter.endpoints);
        let listeners: Vec<String> = listeners.map(|e| format!("{}://{}:{}", e.listener, e.host, e.port)).collect();
        plan.notes.push(format!(
            "the quorum was a dynamic one ({}); an export back needs --controller HOST:PORT",
            listeners.join(", ")
        ));
    }
    let node = folders.node();
    let home = folders.home().path.display();
    if folders.metadata != 0 {
        plan.notes.push(format!("Forebay keeps its metadata in the first folder of log.dirs; {home} must stand there"));
    }
    plan.next = format!(
        "Start Forebay with node.id={node} and log.dirs beginning with {home}\nBack again: forebay log export {}",
        folders.arguments()
    );
    Ok(plan)
}

/// Writes a metadata log with the records and puts it in force; where Kafka's is kept.
pub(super) fn take_over(home: &Path, events: &[Event]) -> Result<PathBuf, CliError> {
    let staged = Staged::begin(home)?;
    write_log(staged.path(), events)?;
    staged.put_in_force()
}

fn write_log(dir: PathBuf, events: &[Event]) -> Result<(), CliError> {
    let now = clock::now();
    let opened = Log::open(LogOptions {
        disk: Arc::new(RealDisk),
        dir,
        partition: TopicPartition::new(METADATA_LOG, 0),
        topic_id: None,
        config: LogConfig { delete: false, ..LogConfig::default() },
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        clean: false,
        now,
    });
    let mut log = opened.map_err(failed)?;
    let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: LeaderEpoch(0), now, verified: false };
    let mut builder = BatchBuilder::new(Compression::None);
    for (number, event) in events.iter().enumerate() {
        builder.push(now, None, Some(&event.encode()), &[]);
        if builder.size_in_bytes() > LARGEST_BATCH_BYTES || number + 1 == events.len() {
            let batch = std::mem::replace(&mut builder, BatchBuilder::new(Compression::None));
            log.append(batch.finish(&BatchStamp::default()), options)
                .map_err(|error| CliError::failed(format!("the metadata cannot be written: {error}")))?;
        }
    }
    log.flush().and_then(|()| log.close()).map_err(|error: StorageError| failed(error))
}
