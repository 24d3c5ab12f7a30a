//! A folder that Kafka itself has written is told in full, adopted and exported, and whatever is wrong with it changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use forebay_control::metadata::command::ConfigResource;
use forebay_storage::checkpoint::MetaProperties;
use forebay_storage::disk::{Disk, RealDisk};
use forebay_storage::ids::Offset;
use tempfile::TempDir;

use super::folder::DataFolders;
use super::metadata::{self, Metadata};
use super::plan::Plan;
use super::{AdoptArgs, ExportArgs, HandoverArgs};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::Format;
use crate::node::owner::{METADATA_FOLDER, Owner, is_kept, kept_name, owner_of};

/// A copy of the folder that fixture/README.md tells of.
fn kafkas() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/log/handover/fixture"), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Every file below a folder with its content; without the lock file.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if !entry.ends_with(".lock") {
            let content = fs::read(&entry).unwrap();
            found.push((entry, content));
        }
    }
    found.sort();
    found
}

fn args(dirs: &[&Path]) -> HandoverArgs {
    HandoverArgs { dirs: dirs.iter().map(|dir| dir.to_path_buf()).collect(), dry_run: false, yes: true }
}

fn adopt(dir: &Path, leave_behind: bool) -> CliResult {
    super::adopt(&AdoptArgs { common: args(&[dir]), leave_behind }, Format::Json)
}

fn export(dir: &Path, controller: Option<&str>) -> CliResult {
    let controller = controller.map(str::to_owned);
    super::export(
        &ExportArgs { common: args(&[dir]), controller, controller_listener: "CONTROLLER".into() },
        Format::Table,
    )
}

fn read(dir: &Path) -> Metadata {
    metadata::read(&dir.join(METADATA_FOLDER)).unwrap()
}

fn plan(dir: &Path) -> Plan {
    let folders = DataFolders::open(&[dir.to_path_buf()]).unwrap();
    super::adopt::plan(&folders, &read(dir)).unwrap()
}

fn owner(dir: &Path) -> Option<Owner> {
    owner_of(&RealDisk, dir).unwrap()
}

fn kept(dir: &Path) -> Vec<String> {
    let names = RealDisk.list(dir).unwrap().into_iter().map(|entry| entry.name);
    names.filter(|name| is_kept(name)).collect()
}

fn refused(result: CliResult) -> CliError {
    result.unwrap_err()
}

#[test]
fn everything_in_kafkas_folder_is_told() {
    let folder = kafkas();
    let plan = plan(folder.path());
    assert_eq!(plan.cluster_id, "Zm9yZWJheS10ZXN0cyEhIQ");
    assert_eq!((plan.topics, plan.partitions), (3, 4), "orders, and the topics of the two kinds of groups");
    assert_eq!(plan.obstacles, [""; 0], "also the replicas that Kafka took off the in-sync lists when it stopped");
    assert!(plan.clean_shutdown);
    let left: Vec<(&str, &str)> = plan.not_carried_over.iter().map(|n| (n.kind, n.what.as_str())).collect();
    // The share group is taken over: its records are served as they are.
    assert_eq!(left, [("access control entry", "allow User:alice from * to read topic literal:orders")]);
}

#[test]
fn what_would_be_lost_is_lost_on_request_only() {
    let folder = kafkas();
    let before = files(folder.path());
    let error = refused(adopt(folder.path(), false));
    assert!(error.exit == Exit::Failed && error.message.contains("--leave-behind"), "{error}");
    assert_eq!(files(folder.path()), before);
    adopt(folder.path(), true).unwrap();
    assert_eq!(owner(folder.path()), Some(Owner::Forebay));
}

#[test]
fn an_adopted_folder_has_the_topics_and_keeps_kafkas_metadata() {
    let folder = kafkas();
    let before = files(&folder.path().join(METADATA_FOLDER));
    adopt(folder.path(), true).unwrap();
    let after = read(folder.path());
    let machine = after.image.machine();
    let names: Vec<&str> = machine.topics().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["__consumer_offsets", "__share_group_state", "orders"]);
    let configs = machine.dynamic_configs(&ConfigResource::Topic("orders".into()));
    assert_eq!(configs.get("retention.ms").map(String::as_str), Some("12345678900"));
    assert_eq!(machine.next_producer_id().0, 1000, "Kafka has given out one block");
    let [kept] = &kept(folder.path())[..] else { panic!("{:?}", kept(folder.path())) };
    let names = |files: Vec<(PathBuf, Vec<u8>)>| -> Vec<(String, Vec<u8>)> {
        files.into_iter().map(|(path, bytes)| (path.file_name().unwrap().to_string_lossy().into(), bytes)).collect()
    };
    assert_eq!(names(files(&folder.path().join(kept))), names(before));
    let once = files(folder.path());
    adopt(folder.path(), true).unwrap();
    assert_eq!(files(folder.path()), once, "the second time there is nothing to do");
}

#[test]
fn an_exported_folder_names_its_directory_and_its_voter() {
    let folder = kafkas();
    adopt(folder.path(), true).unwrap();
    export(folder.path(), Some("127.0.0.1:9093")).unwrap();
    assert_eq!(owner(folder.path()), Some(Owner::Kafka));
    let exported = read(folder.path());
    let id = MetaProperties::read(&RealDisk, folder.path()).unwrap().unwrap().directory_id.unwrap().0;
    let voters = exported.voters.unwrap();
    assert_eq!((voters[0].node.0, voters[0].directory, voters[0].endpoints[0].port), (1, id, 9093));
    let snapshot = files(&folder.path().join(METADATA_FOLDER));
    assert_eq!(snapshot.len(), 1, "a snapshot and nothing else");
    let named = snapshot[0].1.windows(16).filter(|part| *part == id.as_bytes()).count();
    assert_eq!(named, 4 + 1, "by each partition and by the voter");
    // Without a voter the quorum is a static one.
    adopt(folder.path(), true).unwrap();
    export(folder.path(), None).unwrap();
    assert!(read(folder.path()).voters.is_none());
    assert_eq!(kept(folder.path()).len(), 4, "of each step");
}

#[test]
fn a_controller_is_host_and_port() {
    let host = |at: &str| super::export::endpoint("CONTROLLER", at).map(|endpoint| endpoint.host);
    assert_eq!(host("[::1]:9093").unwrap(), "::1");
    for wrong in ["", "localhost", ":9093", "localhost:0", "localhost:99999"] {
        assert_eq!(host(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
    }
}

#[test]
fn folders_that_do_not_fit_stand_in_the_way() {
    let folder = kafkas();
    fs::rename(folder.path().join("orders-1"), folder.path().join("others-1")).unwrap();
    let other = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZA";
    fs::write(folder.path().join("orders-0/partition.metadata"), other).unwrap();
    let before = files(folder.path());
    let plan = plan(folder.path());
    assert!(plan.obstacles[0].contains("orders-1"), "{:?}", plan.obstacles);
    assert!(plan.obstacles[1].contains("orders-0"), "{:?}", plan.obstacles);
    assert!(plan.notes.iter().any(|note| note.contains("others-1")), "{:?}", plan.notes);
    assert_eq!(refused(adopt(folder.path(), true)).exit, Exit::Failed);
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_folder_in_use_or_of_another_node_or_of_none_is_refused() {
    let (one, two, none) = (kafkas(), kafkas(), tempfile::tempdir().unwrap());
    let lock = RealDisk.lock(&one.path().join(".lock")).unwrap();
    assert!(refused(adopt(one.path(), true)).message.contains("stop it first"));
    drop(lock);
    assert_eq!(refused(adopt(none.path(), true)).exit, Exit::NotThere);
    fs::write(two.path().join("meta.properties"), "cluster.id=x\nnode.id=2\nversion=1\n").unwrap();
    let both = AdoptArgs { common: args(&[one.path(), two.path()]), leave_behind: true };
    assert_eq!(refused(super::adopt(&both, Format::Table)).exit, Exit::Usage);
    fs::remove_dir_all(one.path().join(METADATA_FOLDER)).unwrap();
    assert_eq!(refused(adopt(one.path(), true)).exit, Exit::NotThere);
}

#[test]
fn partitions_of_a_second_folder_are_found_there() {
    let (one, two) = (kafkas(), tempfile::tempdir().unwrap());
    let properties = fs::read_to_string(one.path().join("meta.properties")).unwrap();
    let properties: Vec<&str> = properties.lines().filter(|line| !line.starts_with("directory.id")).collect();
    fs::write(two.path().join("meta.properties"), properties.join("\n")).unwrap();
    copy(&one.path().join("orders-1"), &two.path().join("orders-1"));
    fs::remove_dir_all(one.path().join("orders-1")).unwrap();
    assert!(plan(one.path()).obstacles[0].contains("orders-1"));
    let common = args(&[one.path(), two.path()]);
    super::adopt(&AdoptArgs { common: common.clone(), leave_behind: true }, Format::Table).unwrap();
    let export = ExportArgs { common, controller: None, controller_listener: "CONTROLLER".into() };
    super::export(&export, Format::Table).unwrap();
    let id = |dir: &Path| MetaProperties::read(&RealDisk, dir).unwrap().unwrap().directory_id.unwrap().0;
    let (_, snapshot) = files(&one.path().join(METADATA_FOLDER)).remove(0);
    let named = |dir: &Path| snapshot.windows(16).filter(|part| *part == id(dir).as_bytes()).count();
    assert_eq!((named(one.path()), named(two.path())), (3, 1), "the second folder got an id");
}

#[test]
fn an_interrupted_command_is_cleaned_up_or_told() {
    let folder = kafkas();
    let unfinished = folder.path().join(kept_name("20260101T000000"));
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("unfinished"), "").unwrap();
    adopt(folder.path(), true).unwrap();
    assert!(!unfinished.exists());
    fs::remove_dir_all(folder.path().join(METADATA_FOLDER)).unwrap();
    let error = refused(adopt(folder.path(), true));
    assert!(error.message.contains("interrupted"), "{error}");
}

/// A kill leaves the log cut off anywhere: what is whole counts, and a snapshot that is cut off is refused.
#[test]
fn a_log_that_is_cut_off_anywhere_is_read_up_to_there() {
    let folder = kafkas();
    let dir = folder.path().join(METADATA_FOLDER);
    let path = dir.join("00000000000000000000.log");
    let whole = fs::read(&path).unwrap();
    let mut last = Offset(i64::MAX);
    for length in (0..whole.len()).rev().step_by(97) {
        fs::write(&path, &whole[..length]).unwrap();
        let found = metadata::read(&dir).unwrap();
        assert!(found.end <= last && found.end >= Offset(24), "the snapshot ends at 24");
        last = found.end;
    }
    let snapshot = dir.join("00000000000000000024-0000000001.checkpoint");
    let whole = fs::read(&snapshot).unwrap();
    fs::write(&snapshot, &whole[..whole.len() - 1]).unwrap();
    assert!(metadata::read(&dir).is_err());
}

#[test]
fn damaged_metadata_are_an_error_and_no_panic() {
    let folder = kafkas();
    let dir = folder.path().join(METADATA_FOLDER);
    for name in ["00000000000000000000.log", "00000000000000000024-0000000001.checkpoint"] {
        let path = dir.join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(53) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xa5;
            fs::write(&path, &damaged).unwrap();
            let _ = metadata::read(&dir);
        }
        fs::write(&path, &whole).unwrap();
    }
    // A snapshot is all there is of what it holds: a log that begins later is no use without it.
    fs::remove_file(dir.join("00000000000000000024-0000000001.checkpoint")).unwrap();
    fs::rename(dir.join("00000000000000000000.log"), dir.join("00000000000000000024.log")).unwrap();
    assert!(metadata::read(&dir).is_err());
}
