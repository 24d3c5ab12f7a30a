//! Apache Kafka's own reader of log files, `DumpLogSegments`, over every file that the real binary leaves: after a clean
//! stop, and after SIGKILL, a start and a clean stop.

use libtest_mimic::Trial;
use protocol_tests::broker::{self, Broker, Node};
use protocol_tests::language::Language;
use protocol_tests::process;
use protocol_tests::suite::{self, Report};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const CODECS: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];
const TRANSACTIONAL: &str = "dump-transactional";
/// With segments of 1 MiB, the smallest that Kafka allows.
const ROLLED: &str = "dump-rolled";
const GROUP: &str = "dump-group";
const TRANSACTIONAL_ID: &str = "dump-transactional-id";

/// What the tool prints about a file that is not as it should be (org.apache.kafka.tools.DumpLogSegments and the exceptions
/// that end it).
const COMPLAINTS: &[&str] = &[
    "isvalid: false",
    "Found timestamp mismatch",
    "Found out of order timestamp",
    "Mismatches in",
    "Non-consecutive offsets",
    "Exception",
    "is invalid",
    "is corrupt",
    "not valid",
    "trailing bytes",
];

const CHECKS: &[&str] =
    &["data", "offsets", "transactions", "indexes", "index-sanity", "producer-snapshots", "rolled-files"];

fn main() -> ExitCode {
    suite::main(|| {
        let names: Vec<String> = ["clean-stop", "kill"]
            .iter()
            .flat_map(|when| CHECKS.iter().map(move |check| format!("{when}-{check}")))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let trials: Vec<Trial> = suite::story("dump-log", Language::Java, &names, || {
            let mut report = Report::new();
            for (when, kill) in [("clean-stop", false), ("kill", true)] {
                let folder = written_folder(kill)?;
                for check in CHECKS {
                    report.insert(format!("{when}-{check}"), dump(&folder.log_dir(), check));
                }
            }
            Ok(report)
        });
        trials
    })
}

/// Lets a broker write one of everything and stops it.
fn written_folder(kill: bool) -> Result<Node, String> {
    protocol_tests::language::set_up(Language::Java)?;
    let mut node = Broker::under_test().start("dump-log")?;
    write_everything(&node.bootstrap()).map_err(|error| format!("{error}\n{}", node.tail()))?;
    if kill {
        node.kill();
        node.start()?;
    }
    node.stop()?;
    Ok(node)
}

fn write_everything(bootstrap: &str) -> Result<(), String> {
    let mut names: Vec<String> = CODECS.iter().map(|codec| format!("dump-{codec}")).collect();
    names.extend([TRANSACTIONAL.to_owned(), ROLLED.to_owned()]);
    create_topics(bootstrap, &names)?;
    for codec in CODECS {
        let producer = producer(bootstrap, &[("compression.type", codec)])?;
        let records: Vec<String> = (0..300).map(|i| format!("value {i} {}", "again ".repeat(20))).collect();
        send(&producer, &format!("dump-{codec}"), &records)?;
    }
    // Timestamps stay the client's; with the index interval of 4 KiB each of these batches gets index entries.
    let producer = producer(bootstrap, &[("batch.size", "20000"), ("enable.idempotence", "true")])?;
    send(&producer, ROLLED, &(0..900).map(|i| format!("{i:0>4000}")).collect::<Vec<_>>())?;
    transactions(bootstrap)?;
    commit_offsets(bootstrap)
}

fn create_topics(bootstrap: &str, names: &[String]) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().map_err(text)?;
    let topic = |name| NewTopic::new(name, 1, TopicReplication::Fixed(1)).set("segment.bytes", "1048576");
    let topics: Vec<NewTopic<'_>> = names.iter().map(|name| topic(name.as_str())).collect();
    let created = support::block_on(admin.create_topics(&topics, &AdminOptions::new().operation_timeout(Some(LIMIT))))
        .map_err(text)?;
    created.into_iter().try_for_each(|result| result.map(drop).map_err(|(name, code)| format!("{name}: {code}")))
}

fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> Result<BaseProducer, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create().map_err(text)
}

fn send(producer: &BaseProducer, topic: &str, values: &[String]) -> Result<(), String> {
    for (i, value) in values.iter().enumerate() {
        producer
            .send(BaseRecord::to(topic).key(&format!("key {i}")).payload(value))
            .map_err(|(error, _)| text(error))?;
    }
    producer.flush(LIMIT).map_err(text)
}

fn transactions(bootstrap: &str) -> Result<(), String> {
    let producer = producer(bootstrap, &[("transactional.id", TRANSACTIONAL_ID)])?;
    producer.init_transactions(LIMIT).map_err(text)?;
    for commit in [true, false, true] {
        producer.begin_transaction().map_err(text)?;
        send(&producer, TRANSACTIONAL, &["first".to_owned(), "second".to_owned()])?;
        if commit { producer.commit_transaction(LIMIT) } else { producer.abort_transaction(LIMIT) }.map_err(text)?;
    }
    Ok(())
}

fn commit_offsets(bootstrap: &str) -> Result<(), String> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", GROUP)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().map_err(text)?;
    consumer.subscribe(&["dump-none"]).map_err(text)?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(message) = consumer.poll(Duration::from_millis(100)).transpose().map_err(text)? {
            return consumer.commit_message(&message, CommitMode::Sync).map_err(text);
        }
    }
    Err("the group gets no record".into())
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

// ---- what the tool says

/// Runs one kind of dump over the files it is for.
fn dump(folder: &Path, check: &str) -> Result<(), String> {
    let group = format!("offset_commit::group={GROUP}");
    match check {
        "data" => {
            let output =
                dump_log(&logs(folder, |name| !name.starts_with("__"))?, &["--deep-iteration", "--print-data-log"])?;
            expect(
                &output,
                &[
                    "compresscodec: gzip",
                    "compresscodec: snappy",
                    "compresscodec: lz4",
                    "compresscodec: zstd",
                    "payload: value 299 again",
                ],
            )?;
            expect(&output, &["endTxnMarker: COMMIT", "endTxnMarker: ABORT", "isTransactional: true"])
        }
        "offsets" => {
            let output =
                dump_log(&logs(folder, |name| name.starts_with("__consumer_offsets-"))?, &["--offsets-decoder"])?;
            if output.contains(GROUP) && output.contains("dump-none") {
                Ok(())
            } else {
                Err(format!("expected {group} in\n{output}"))
            }
        }
        "transactions" => {
            let output = dump_log(
                &logs(folder, |name| name.starts_with("__transaction_state-"))?,
                &["--transaction-log-decoder"],
            )?;
            // TransactionState's ids: ongoing, prepare commit, prepare abort, complete commit, complete abort.
            let states: Vec<String> = (1..=5).map(|id| format!("\"transactionStatus\":{id},")).collect();
            expect(&output, &[TRANSACTIONAL_ID])?;
            expect(&output, &states.iter().map(String::as_str).collect::<Vec<_>>())
        }
        "indexes" => {
            let output = dump_log(&files(folder, &["index", "timeindex"])?, &["--verify-index-only"])?;
            expect(&output, &["Dumping"])
        }
        "index-sanity" => {
            let output = dump_log(&files(folder, &["index", "timeindex"])?, &["--index-sanity-check"])?;
            expect(&output, &["passed sanity check."])
        }
        "producer-snapshots" => {
            let output = dump_log(&files(folder, &["snapshot", "txnindex"])?, &[])?;
            expect(&output, &["producerId:", "producerEpoch:", "lastOffset:"])
        }
        "rolled-files" => rolled_files(folder),
        other => Err(format!("there is no check {other}")),
    }
}

fn expect(output: &str, parts: &[&str]) -> Result<(), String> {
    let lacking = parts.iter().find(|part| !output.contains(**part));
    let start: String = output.chars().take(3000).collect();
    lacking.map_or(Ok(()), |part| Err(format!("expected {part:?} in\n{start}")))
}

/// 3.6 MB in segments of 1 MiB: four segments, each with its files, and a producer snapshot where each but the first begins.
fn rolled_files(folder: &Path) -> Result<(), String> {
    let names = |ending: &str| -> Result<Vec<String>, String> {
        let all = files(folder, &[ending])?
            .into_iter()
            .filter(|path| path.parent().is_some_and(|p| p.ends_with(format!("{ROLLED}-0"))));
        Ok(all.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect())
    };
    let logs = names("log")?;
    if logs.len() < 4 || logs[0] != "00000000000000000000" {
        return Err(format!("expected four segments and more, found {logs:?}"));
    }
    for ending in ["index", "timeindex"] {
        if names(ending)? != logs {
            return Err(format!(".{ending} files {:?} beside segments {logs:?}", names(ending)?));
        }
    }
    let snapshots = names("snapshot")?;
    match logs[1..].iter().find(|log| !snapshots.contains(log)) {
        None => Ok(()),
        // Kafka keeps only the snapshots that recovery can need: the last two at least.
        Some(_) if logs[logs.len() - 1..].iter().all(|log| snapshots.contains(log)) => Ok(()),
        Some(log) => Err(format!("no producer snapshot at {log}, only {snapshots:?}")),
    }
}

/// The `.log` files of the partitions whose folder is wanted.
fn logs(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, String> {
    let of_partition =
        |path: &PathBuf| path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).is_some_and(&wanted);
    let found: Vec<PathBuf> = files(folder, &["log"])?.into_iter().filter(of_partition).collect();
    if found.is_empty() { Err(format!("no such .log file in {}", folder.display())) } else { Ok(found) }
}

/// Every file of every partition with one of the endings, sorted. `__cluster_metadata` is the broker's own affair: Kafka
/// keeps snapshots of another kind there.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for partition in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?.flatten() {
        if !partition.path().is_dir() || partition.file_name().to_string_lossy().starts_with("__cluster_metadata") {
            continue;
        }
        for file in fs::read_dir(partition.path()).map_err(text)?.flatten() {
            let ending = file.path().extension().and_then(|ending| ending.to_str()).map(str::to_owned);
            if ending.is_some_and(|ending| endings.contains(&ending.as_str())) {
                found.push(file.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the tool over the files; an error when it complains.
fn dump_log(files: &[PathBuf], flags: &[&str]) -> Result<String, String> {
    let list: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut command = broker::java("org.apache.kafka.tools.DumpLogSegments")?;
    command.args(flags).arg("--files").arg(list.join(","));
    let output = process::run(command, "", LIMIT)?;
    let complaint = output.lines().find(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)));
    complaint.map_or(Ok(output.clone()), |line| {
        let around: Vec<&str> = output.lines().skip_while(|l| l != &line).take(5).collect();
        Err(format!("the tool complains: {}", around.join("\n")))
    })
}

#[path = "support/block_on.rs"]
mod support;
