//! Kafka Connect with its file connectors: a file goes through a topic into another file, whole and in order, while the worker
//! and the broker are killed; standalone, and distributed with its three compacted internal topics.

use crate::client::{LIMIT, Reader, committed, create_topics, key_and_value, text};
use libtest_mimic::Trial;
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::{self, Language};
use protocol_tests::process::{Process, until};
use protocol_tests::suite::{self, Report};
use protocol_tests::{ports, workspace};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use tempfile::TempDir;

const NAMES: &[&str] = &["standalone-files-through-kills", "distributed-files-through-kills"];

/// Both checks, each with a broker of its own.
pub fn trials() -> Vec<Trial> {
    suite::story("connect", Language::Java, NAMES, || {
        language::set_up(Language::Java)?;
        Ok(Report::from([(NAMES[0].into(), standalone()), (NAMES[1].into(), distributed())]))
    })
}

/// A worker of either kind with its folder, in which the input and the output lie.
struct Worker {
    node: Node,
    folder: TempDir,
    rest_port: u16,
    lines: usize,
    process: Option<Process>,
}

impl Worker {
    /// With one partition between the connectors, so that lines keep their order.
    fn new(name: &str) -> Result<Self, String> {
        let node = Broker::under_test().start(name)?;
        create_topics(&node.bootstrap(), &["lines"], 1)?;
        let folder = tempfile::tempdir().map_err(text)?;
        Ok(Self { node, folder, rest_port: ports::free_port(), lines: 0, process: None })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a properties file of `key=value` lines.
    fn properties(&self, name: &str, settings: &[(&str, &str)]) -> Result<PathBuf, String> {
        let mut lines = String::new();
        for (key, value) in settings {
            writeln!(lines, "{key}={value}").map_err(text)?;
        }
        fs::write(self.path(name), lines).map_err(text)?;
        Ok(self.path(name))
    }

    /// Starts the framework's `class` with its worker's settings and further files.
    fn start(&mut self, class: &str, settings: &[(&str, &str)], more: &[PathBuf]) -> Result<(), String> {
        let (bootstrap, rest) = (self.node.bootstrap(), format!("http://127.0.0.1:{}", self.rest_port));
        let mut all = vec![
            ("bootstrap.servers", bootstrap.as_str()),
            ("listeners", &rest),
            ("plugin.discovery", "service_load"),
            ("offset.flush.interval.ms", "200"),
            ("consumer.session.timeout.ms", "6000"),
            // A broker that is killed may have taken what it did not acknowledge.
            ("producer.enable.idempotence", "true"),
        ];
        all.extend_from_slice(settings);
        let worker = self.properties("worker.properties", &all)?;
        let mut java = language::java_program(Language::Java.name(), class, "warn");
        java.arg(worker).args(more);
        let log = workspace::logs().join(format!("connect-worker-{}.log", std::process::id()));
        self.process = Some(Process::spawn(java, &log)?);
        Ok(())
    }

    /// Adds lines to the input.
    fn write_lines(&mut self, count: usize) -> Result<(), String> {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path("input.txt")).map_err(text)?;
        for number in self.lines..self.lines + count {
            writeln!(file, "line {number}").map_err(text)?;
        }
        self.lines += count;
        Ok(())
    }

    /// Waits until the last line of the input has come out; answers all lines that are out.
    fn read_lines(&mut self) -> Result<Vec<String>, String> {
        let (last, output) = (format!("line {}\n", self.lines - 1), self.path("output.txt"));
        let process = self.process.as_mut().ok_or("the worker does not run")?;
        let what = format!("{last:?} in {}", output.display());
        let found = until(&what, LIMIT, || {
            if let Some(status) = process.exited() {
                return Some(Err(format!("the worker ended with {status}")));
            }
            fs::read_to_string(&output).ok().filter(|found| found.ends_with(&last)).map(Ok)
        });
        let found = found.and_then(|found| found).map_err(|error| format!("{error}\n{}", process.tail()))?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// SIGTERM, and waits for the end.
    fn stop(&mut self) -> Result<(), String> {
        let mut process = self.process.take().ok_or("the worker does not run")?;
        process.terminate();
        process.wait(LIMIT).map(drop)
    }

    /// One HTTP request to the worker; answers the status line and the body, or nothing while it does not serve.
    fn rest(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.rest_port)).ok()?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        (!answer.is_empty()).then_some(answer)
    }

    /// Waits until the connector and its task run.
    fn running(&self, connector: &str) -> Result<(), String> {
        until(&format!("{connector} runs"), LIMIT, || {
            let answer = self.rest("GET", &format!("/connectors/{connector}/status"), "")?;
            (answer.starts_with("HTTP/1.1 200") && answer.matches(r#""state":"RUNNING""#).count() == 2).then_some(())
        })
    }
}

/// The settings of the two connectors.
fn source(worker: &Worker) -> Vec<(&'static str, String)> {
    vec![
        ("name", "file-source".into()),
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector".into()),
        ("file", worker.path("input.txt").display().to_string()),
        ("topic", "lines".into()),
    ]
}

fn sink(worker: &Worker) -> Vec<(&'static str, String)> {
    vec![
        ("name", "file-sink".into()),
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector".into()),
        ("file", worker.path("output.txt").display().to_string()),
        ("topics", "lines".into()),
    ]
}

/// The lines from the first to the last, each in its place.
fn expect_lines(worker: &Worker, found: &[String]) -> Result<(), String> {
    let expected: Vec<String> = (0..worker.lines).map(|number| format!("line {number}")).collect();
    match expected.iter().zip(found).position(|(expected, found)| expected != found) {
        Some(at) => Err(format!("line {at} is {:?}", found[at])),
        None if expected.len() == found.len() => Ok(()),
        None => Err(format!("{} lines of {}", found.len(), expected.len())),
    }
}

/// As [`expect_lines`], where the sink may have written some lines again: it promises at least once.
fn expect_lines_at_least_once(worker: &Worker, found: &[String]) -> Result<(), String> {
    let mut next = 0;
    for line in found {
        let number: usize =
            line.strip_prefix("line ").and_then(|n| n.parse().ok()).ok_or(format!("not a line: {line}"))?;
        if number > next {
            return Err(format!("line {next} is missing before {line}"));
        }
        next = next.max(number + 1);
    }
    if next == worker.lines { Ok(()) } else { Err(format!("{next} lines of {}", worker.lines)) }
}

/// Lines that come while the broker is away are not lost.
fn through_a_kill_of_the_broker(worker: &mut Worker) -> Result<(), String> {
    worker.node.kill();
    worker.write_lines(1000)?;
    worker.node.start()?;
    let found = worker.read_lines()?;
    expect_lines_at_least_once(worker, &found).map_err(|error| format!("after a kill of the broker: {error}"))
}

fn start_standalone(worker: &mut Worker) -> Result<(), String> {
    let offsets = worker.path("offsets").display().to_string();
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let settings =
        [("offset.storage.file.filename", offsets.as_str()), ("key.converter", json), ("value.converter", json)];
    let mut connectors = Vec::new();
    for (name, connector) in [("source.properties", source(worker)), ("sink.properties", sink(worker))] {
        let connector: Vec<(&str, &str)> = connector.iter().map(|(key, value)| (*key, value.as_str())).collect();
        connectors.push(worker.properties(name, &connector)?);
    }
    worker.start("org.apache.kafka.connect.cli.ConnectStandalone", &settings, &connectors)
}

fn standalone() -> Result<(), String> {
    let mut worker = Worker::new("connect-standalone")?;
    worker.write_lines(1000)?;
    start_standalone(&mut worker)?;
    let found = worker.read_lines()?;
    expect_lines(&worker, &found)?;
    worker.running("file-source")?;
    worker.running("file-sink")?;
    let root = worker.rest("GET", "/", "").unwrap_or_default();
    if !root.contains(r#""version":"4.3.1""#) {
        return Err(format!("not what the worker's first page says: {root}"));
    }

    worker.stop()?;
    worker.write_lines(1000)?;
    start_standalone(&mut worker)?;
    let found = worker.read_lines()?;
    expect_lines(&worker, &found).map_err(|error| format!("after a restart of the worker: {error}"))?;

    through_a_kill_of_the_broker(&mut worker)?;
    worker.stop()?;
    // The sink is a consumer group that commits where it is.
    match committed(&worker.node.bootstrap(), "connect-file-sink", "lines")? {
        3000 => worker.node.stop(),
        other => Err(format!("the sink has committed {other} of 3000")),
    }
}

/// The source writes its records and its place in the file in one transaction.
fn start_distributed(worker: &mut Worker) -> Result<(), String> {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let settings = [
        ("group.id", "connect-workers"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
        ("scheduled.rebalance.max.delay.ms", "0"),
        ("config.storage.topic", "connect-configs"),
        ("config.storage.replication.factor", "1"),
        ("offset.storage.topic", "connect-offsets"),
        ("offset.storage.replication.factor", "1"),
        ("offset.storage.partitions", "4"),
        ("status.storage.topic", "connect-status"),
        ("status.storage.replication.factor", "1"),
        ("status.storage.partitions", "4"),
        ("exactly.once.source.support", "enabled"),
        ("consumer.isolation.level", "read_committed"),
        ("key.converter", string),
        ("value.converter", string),
    ];
    worker.start("org.apache.kafka.connect.cli.ConnectDistributed", &settings, &[])
}

/// Registers a connector over REST.
fn register(worker: &Worker, connector: &[(&str, String)]) -> Result<(), String> {
    let body: serde_json::Map<String, serde_json::Value> =
        connector.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect();
    let (body, path) = (serde_json::Value::Object(body).to_string(), format!("/connectors/{}/config", connector[0].1));
    until(&format!("{} is registered", connector[0].1), LIMIT, || {
        let answer = worker.rest("PUT", &path, &body)?;
        // Before the worker has joined its group it answers with a conflict.
        answer.starts_with("HTTP/1.1 201").then_some(())
    })
}

fn distributed() -> Result<(), String> {
    let mut worker = Worker::new("connect-distributed")?;
    worker.write_lines(1000)?;
    start_distributed(&mut worker)?;
    register(&worker, &source(&worker))?;
    register(&worker, &sink(&worker))?;
    let found = worker.read_lines()?;
    expect_lines(&worker, &found)?;
    worker.running("file-source")?;

    // The connectors and their places come back from the internal topics.
    worker.process = None;
    worker.write_lines(1000)?;
    start_distributed(&mut worker)?;
    let found = worker.read_lines()?;
    expect_lines_at_least_once(&worker, &found).map_err(|error| format!("after a kill of the worker: {error}"))?;

    through_a_kill_of_the_broker(&mut worker)?;
    worker.stop()?;

    let reader = Reader::new(&worker.node.bootstrap(), "lines", 1)?;
    let mut committed = Vec::new();
    until("all lines of the topic", LIMIT, || {
        committed.push(key_and_value(&reader.next()?).1);
        (committed.len() >= worker.lines).then_some(())
    })?;
    committed.extend(reader.next().map(|more| key_and_value(&more).1));
    expect_lines(&worker, &committed).map_err(|error| format!("of the topic, exactly once: {error}"))?;
    worker.node.stop()
}
