//! Apache Kafka's own reader of log files, `DumpLogSegments`, over every file that the real binary leaves: after a clean
//! stop, and after SIGKILL, damage as a crash of the machine leaves it, a start and a clean stop.

use libtest_mimic::Trial;
use protocol_tests::broker::{self, Broker, Node};
use protocol_tests::language::Language;
use protocol_tests::suite::{self, Report};
use protocol_tests::{binary, process};
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
/// Compacted by the broker, one with transactions.
const COMPACTED: &[&str] = &["dump-compacted", "dump-compacted-transactional"];
/// Its files have all their room from the start.
const PREALLOCATED: &str = "dump-preallocated";
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

/// What it says of compacted files, which is as it should be there.
const GAPS: &str = "Non-consecutive offsets";

const CHECKS: &[&str] = &[
    "data",
    "compacted",
    "offsets",
    "transactions",
    "indexes",
    "index-sanity",
    "producer-snapshots",
    "rolled-files",
    "forebay-log-verify",
];

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
    let mut node = Broker::under_test().start_with("dump-log", &[("log.cleaner.backoff.ms", "100")])?;
    write_everything(&node.bootstrap()).map_err(|error| format!("{error}\n{}", node.tail()))?;
    wait_for_cleaner(&node.log_dir()).map_err(|error| format!("{error}\n{}", node.tail()))?;
    if kill {
        node.kill();
        damage(&node.log_dir())?;
        let before = node.log_text().len();
        node.start()?;
        // Logs are recovered when they are opened, most of them in the background.
        process::until("every log is open", LIMIT, || {
            node.log_text().get(before..).is_some_and(|new| new.contains("every log is open")).then_some(())
        })?;
    }
    node.stop()?;
    Ok(node)
}

/// The cleaner notes how far it has got: past the second segment of the one topic, past anything of the other.
fn wait_for_cleaner(folder: &Path) -> Result<(), String> {
    let path = folder.join("cleaner-offset-checkpoint");
    process::until("the compacted topics are cleaned", LIMIT, || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let reached = |topic: &str| -> Option<u64> {
            let mut entries =
                text.lines().filter_map(|line| line.strip_prefix(topic)?.strip_prefix(" 0 ")?.parse().ok());
            entries.next()
        };
        (reached(COMPACTED[0])? >= 500 && reached(COMPACTED[1])? > 0).then_some(())
    })
}

/// What the machine may lose beyond what the process does: the end of a log, an index, the entries of another.
fn damage(folder: &Path) -> Result<(), String> {
    let last = |topic: &str, ending: &str| -> Result<PathBuf, String> {
        let of_topic = |path: &PathBuf| path.parent().is_some_and(|dir| dir.ends_with(format!("{topic}-0")));
        let found = files(folder, &[ending])?.into_iter().rfind(of_topic);
        found.ok_or_else(|| format!("{topic} has no .{ending}"))
    };
    let cut = |path: &Path, bytes: u64| -> Result<(), String> {
        let file = fs::OpenOptions::new().write(true).open(path).map_err(text)?;
        let length = file.metadata().map_err(text)?.len();
        file.set_len(length.saturating_sub(bytes)).map_err(text)
    };
    cut(&last("dump-none", "log")?, 7)?;
    cut(&last(ROLLED, "log")?, 1000)?;
    cut(&last(ROLLED, "timeindex")?, 5)?;
    fs::remove_file(last("dump-gzip", "index")?).map_err(text)?;
    fs::write(last("dump-lz4", "index")?, [0xff; 21]).map_err(text)
}

fn write_everything(bootstrap: &str) -> Result<(), String> {
    let mut names: Vec<String> = CODECS.iter().map(|codec| format!("dump-{codec}")).collect();
    names.extend([TRANSACTIONAL.to_owned(), ROLLED.to_owned()]);
    create_topics(bootstrap, &names, &[])?;
    create_topics(bootstrap, &[PREALLOCATED.to_owned()], &[("preallocate", "true")])?;
    let compacted: Vec<String> = COMPACTED.iter().map(|name| (*name).to_owned()).collect();
    create_topics(bootstrap, &compacted, &[("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.01")])?;
    for codec in CODECS {
        let producer = producer(bootstrap, &[("compression.type", codec)])?;
        let records: Vec<String> = (0..300).map(|i| format!("value {i} {}", "again ".repeat(20))).collect();
        send(&producer, &format!("dump-{codec}"), &records)?;
    }
    // Timestamps stay the client's; with the index interval of 4 KiB each of these batches gets index entries.
    let producer = producer(bootstrap, &[("batch.size", "20000"), ("enable.idempotence", "true")])?;
    let large = |count| (0..count).map(|i| format!("{i:0>4000}")).collect::<Vec<_>>();
    send(&producer, ROLLED, &large(900))?;
    send(&producer, PREALLOCATED, &large(300))?;
    // Of the first 300 offsets the last 50 stay, of the next 200 those whose keys have not come again before the segment written to.
    [300, 200, 250].into_iter().try_for_each(|count| send(&producer, COMPACTED[0], &large(count)))?;
    transactions(bootstrap, TRANSACTIONAL, &["first".to_owned(), "second".to_owned()])?;
    transactions(bootstrap, COMPACTED[1], &large(300))?;
    commit_offsets(bootstrap)
}

fn create_topics(bootstrap: &str, names: &[String], settings: &[(&str, &str)]) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().map_err(text)?;
    let topic = |name| {
        let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1)).set("segment.bytes", "1048576");
        settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
    };
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

fn transactions(bootstrap: &str, topic: &str, values: &[String]) -> Result<(), String> {
    let producer = producer(bootstrap, &[("transactional.id", TRANSACTIONAL_ID)])?;
    producer.init_transactions(LIMIT).map_err(text)?;
    for commit in [true, false, true] {
        producer.begin_transaction().map_err(text)?;
        send(&producer, topic, values)?;
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
            let plain = |name: &str| !name.starts_with("__") && !name.starts_with("dump-compacted");
            let output = dump_log(&logs(folder, plain)?, &["--deep-iteration", "--print-data-log"])?;
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
        "compacted" => {
            let output = dump_with(
                &logs(folder, |name| name.starts_with("dump-compacted"))?,
                &["--deep-iteration", "--print-data-log"],
                &|complaint| complaint != GAPS,
            )?;
            // Without gaps nothing was compacted; what aborted goes, the markers stay for their time.
            expect(&output, &[GAPS, "endTxnMarker: COMMIT", "endTxnMarker: ABORT", "key: key 299 "])
        }
        "forebay-log-verify" => {
            let mut command = std::process::Command::new(binary::forebay());
            command.args(["log", "verify"]).arg(folder);
            let output = process::run(command, "", LIMIT)?;
            expect(&output, &["all as it was written"])
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
    dump_with(files, flags, &|_| true)
}

/// As [`dump_log`], where not every complaint is one.
fn dump_with(files: &[PathBuf], flags: &[&str], counts: &dyn Fn(&str) -> bool) -> Result<String, String> {
    let list: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut command = broker::java("org.apache.kafka.tools.DumpLogSegments")?;
    command.args(flags).arg("--files").arg(list.join(","));
    // The content goes to one output, what is wrong to the other.
    let (content, wrong) = process::outputs(command, "", LIMIT)?;
    let output = format!("{}{content}", without_quirks(&wrong));
    let complains = |line: &&str| COMPLAINTS.iter().any(|complaint| counts(complaint) && line.contains(complaint));
    let complaint = output.lines().find(complains);
    complaint.map_or(Ok(output.clone()), |line| {
        let around: Vec<&str> = output.lines().skip_while(|l| l != &line).take(5).collect();
        Err(format!("the tool complains: {}", around.join("\n")))
    })
}

/// Leaves out what the tool says of files of Apache Kafka's own just as well: that the first record of a segment does not follow on
/// offset -1, and that a batch whose records were compacted away has no timestamp in its records. A heading that loses all of its
/// lines goes with them.
fn without_quirks(wrong: &str) -> String {
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for line in wrong.lines() {
        match groups.last_mut() {
            Some(group) if line.starts_with("  ") => group.push(line),
            _ => groups.push(vec![line]),
        }
    }
    let quirk = |heading: &str, line: &str| {
        line.starts_with("  -1 is followed by ")
            || (heading.contains("dump-compacted") && line.ends_with(", log timestamp: -1"))
    };
    let mut kept = String::new();
    for group in groups {
        let (heading, lines) = (group[0], &group[1..]);
        let real: Vec<&str> = lines.iter().copied().filter(|line| !quirk(heading, line)).collect();
        if !real.is_empty() || lines.is_empty() {
            for line in std::iter::once(heading).chain(real) {
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    kept
}

#[path = "support/block_on.rs"]
mod support;
