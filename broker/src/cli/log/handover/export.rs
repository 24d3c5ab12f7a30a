//! `forebay log export`: makes a data folder ready for Apache Kafka.

use std::path::{Path, PathBuf};

use forebay_control::metadata::kafka_image::snapshot_for_kafka;
use forebay_control::metadata::record::{QuorumRecord, Voter, VoterEndpoint};
use forebay_storage::checkpoint::MetaProperties;
use forebay_storage::disk::{Disk, RealDisk};
use forebay_storage::ids::{LeaderEpoch, TopicId, TopicPartition};
use uuid::Uuid;

use super::folder::{DataFolders, failed};
use super::metadata::{self, Metadata};
use super::plan::{Plan, already};
use super::switch::Staged;
use super::{ExportArgs, checks, snapshot};
use crate::cli::exit::{CliError, CliResult};
use crate::cli::output::Format;
use crate::clock;
use crate::node::owner::{METADATA_FOLDER, Owner};

pub(in super::super) fn run(args: &ExportArgs, format: Format) -> CliResult {
    let endpoint = args.controller.as_deref().map(|at| endpoint(&args.controller_listener, at)).transpose()?;
    let mut folders = DataFolders::open(&args.common.dirs)?;
    let home = folders.home().path.clone();
    if folders.owner != Owner::Forebay {
        return already(format, "export", &home, "Apache Kafka's");
    }
    let found = metadata::read(&home.join(METADATA_FOLDER))?;
    let plan = plan(&folders, &found, endpoint.as_ref());
    plan.carry_out(&args.common, false, format, move || {
        give_ids(&mut folders)?;
        hand_over(&home, &folders, &found, endpoint)
    })
}

pub(super) fn plan(folders: &DataFolders, found: &Metadata, endpoint: Option<&VoterEndpoint>) -> Plan {
    let mut plan = Plan::new("export", folders, found);
    checks::folders(&mut plan, folders, found.image.machine());
    let node = folders.node();
    let home = folders.home().path.display();
    if folders.metadata != 0 {
        plan.notes
            .push(format!("Kafka looks for its metadata in the first folder of log.dirs, or metadata.log.dir: {home}"));
    }
    let quorum = match endpoint {
        None => format!("controller.quorum.voters={node}@HOST:PORT"),
        Some(at) => format!("controller.quorum.bootstrap.servers={}:{}", at.host, at.port),
    };
    // Level 27 is the last of 4.1; 30, which new folders have, is 4.3's.
    let level = found.image.machine().feature_level("metadata.version").unwrap_or_default();
    let release = if level <= 27 { "4.1" } else { "4.3" };
    plan.next = format!(
        "Start Apache Kafka {release} or newer with process.roles=broker,controller, node.id={node}, {quorum} and the same log.dirs; it \
         needs no format\nBack again: forebay log adopt {}",
        folders.arguments()
    );
    plan
}

/// HOST:PORT; an IPv6 address stands in brackets.
pub(super) fn endpoint(listener: &str, at: &str) -> Result<VoterEndpoint, CliError> {
    let parts = at.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match parts {
        Some((host, port)) if !host.is_empty() && port > 0 => {
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok(VoterEndpoint { listener: listener.to_owned(), host, port })
        }
        _ => Err(CliError::usage(format!("--controller is HOST:PORT, 127.0.0.1:9093 for example, and not {at:?}"))),
    }
}

/// Kafka knows each folder by an id; one that has none gets one.
fn give_ids(folders: &mut DataFolders) -> Result<(), CliError> {
    for dir in folders.dirs.iter_mut().filter(|dir| dir.properties.directory_id.is_none()) {
        let properties = MetaProperties { directory_id: Some(TopicId(Uuid::new_v4())), ..dir.properties.clone() };
        properties.write(&RealDisk, &dir.path).map_err(failed)?;
        dir.properties = properties;
    }
    Ok(())
}

/// Writes the snapshot and puts it in force; where Forebay's metadata are kept.
pub(super) fn hand_over(
    home: &Path,
    folders: &DataFolders,
    found: &Metadata,
    endpoint: Option<VoterEndpoint>,
) -> Result<PathBuf, CliError> {
    let directory_of = |number: usize| folders.dirs[number].properties.directory_id.unwrap_or_default().0;
    let records = snapshot_for_kafka(found.image.machine(), folders.node(), |topic, partition| {
        let place = folders.find(&TopicPartition::new(topic, partition));
        directory_of(place.expect("a partition without a folder was an obstacle").0)
    });
    let quorum = endpoint.map_or_else(Vec::new, |endpoint| {
        let directory = directory_of(folders.metadata);
        let voter = Voter { node: folders.node(), directory, endpoints: vec![endpoint] };
        vec![QuorumRecord::KraftVersion(1), QuorumRecord::Voters(vec![voter])]
    });
    // Kafka's epochs begin at 1, and a snapshot of epoch 0 at offset 0 is a special one.
    let epoch = LeaderEpoch(found.epoch.0.max(1));
    let file = snapshot::encode(epoch, found.time, quorum, &records, clock::now());
    let staged = Staged::begin(home)?;
    RealDisk.write_atomic(&staged.path().join(snapshot::name(found.end, epoch)), &file).map_err(failed)?;
    staged.put_in_force()
}
