//! `forebay serve` as a process: what it says and how it ends when it cannot start, a clean stop, and what a restart keeps.

#![allow(clippy::unwrap_used)]

use protocol_tests::broker::{Broker, Node};
use protocol_tests::process::{self, until};
use protocol_tests::{binary, ports};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// `forebay serve` on a free port and a folder of its own, with more settings.
fn serve(port: u16, folder: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(binary::forebay());
    command.arg("serve");
    let own = [
        format!("listeners=PLAINTEXT://127.0.0.1:{port}"),
        format!("http.listeners=http://127.0.0.1:{}", ports::free_port()),
        format!("log.dirs={}", folder.display()),
    ];
    for setting in own.iter().map(String::as_str).chain(settings.iter().copied()) {
        command.args(["--override", setting]);
    }
    command
}

/// Runs a broker that must not start; answers its one line of complaint.
fn refused(mut command: Command) -> String {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sent, ended) = std::sync::mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || sent.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(LIMIT) else {
        Command::new("kill").arg("-KILL").arg(id.to_string()).status().unwrap();
        panic!("it runs, but it should have refused to start");
    };
    let Output { status, stderr, .. } = output.unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.code().is_some_and(|code| code != 0), "it ended with {status}: {stderr}");
    let complaints: Vec<&str> = stderr.lines().filter(|line| line.starts_with("forebay: ")).collect();
    assert_eq!(complaints.len(), 1, "one clear line is expected, it said:\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    complaints[0].to_owned()
}

#[test]
fn a_taken_port_is_named() {
    let port = ports::free_port();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let said = refused(serve(port, folder.path(), &[]));
    assert!(said.contains(&port.to_string()) && said.contains("taken"), "{said}");
}

#[test]
fn a_folder_that_another_broker_holds_is_named() {
    let node = Broker::Forebay.start("serve-locked").unwrap();
    let said = refused(serve(ports::free_port(), &node.log_dir(), &[]));
    assert!(said.contains(&node.log_dir().display().to_string()), "{said}");
}

#[test]
fn a_bad_value_is_named_with_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(serve(ports::free_port(), folder.path(), &["num.partitions=many"]));
    assert!(said.contains("num.partitions") && said.contains("many") && said.contains("number"), "{said}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(serve(ports::free_port(), folder.path(), &["num.partitoins=3"]));
    assert!(said.contains("num.partitoins") && said.contains("did you mean num.partitions?"), "{said}");
}

#[test]
fn a_bad_value_in_a_variable_of_kafkas_image_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(ports::free_port(), folder.path(), &[]);
    command.env("KAFKA_NUM_PARTITIONS", "many");
    let said = refused(command);
    assert!(said.contains("KAFKA_NUM_PARTITIONS") || said.contains("num.partitions"), "{said}");
}

#[test]
fn a_key_of_kafka_without_a_meaning_here_is_one_warning() {
    let node = Broker::Forebay
        .start_with("serve-meaningless", &[("num.replica.fetchers", "2"), ("log.cleaner.io.buffer.size", "600000")])
        .unwrap();
    let text = node.log_text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("num.replica.fetchers")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
}

#[test]
fn sigterm_stops_cleanly() {
    let mut node = Broker::Forebay.start("serve-sigterm").unwrap();
    let mark = node.log_dir().join(".kafka_cleanshutdown");
    assert!(!mark.exists(), "the mark is there while the broker runs");
    node.stop().unwrap();
    assert!(mark.exists(), "no clean-shutdown mark");
    node.start().unwrap();
    assert!(!mark.exists(), "the mark outlives the start");
    node.kill();
    assert!(!mark.exists(), "a mark after SIGKILL");
}

fn forebay(node: &Node, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(binary::forebay());
    command.args(arguments).args(["--admin", &node.admin_url()]);
    process::run(command, "", LIMIT)
}

#[test]
fn a_job_survives_a_stop_and_a_kill() {
    let mut node = Broker::Forebay.start("serve-job").unwrap();
    let sql: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/clicks_job.sql");
    forebay(&node, &["job", "apply", &sql.display().to_string(), "--name", "survivor"]).unwrap();
    let listed = |node: &Node| {
        let output = forebay(node, &["job", "list", "-o", "json"]).ok()?;
        output.contains("\"survivor\"").then_some(())
    };
    until("the job is listed", LIMIT, || listed(&node)).unwrap();
    node.stop().unwrap();
    node.start().unwrap();
    until("the job is listed after a stop", LIMIT, || listed(&node)).unwrap();
    node.kill();
    node.start().unwrap();
    until("the job is listed after a kill", LIMIT, || listed(&node)).unwrap();
    forebay(&node, &["job", "drop", "survivor", "--yes"]).unwrap();
    node.kill();
    node.start().unwrap();
    assert_eq!(listed(&node), None, "a dropped job is back after a kill");
}
