//! Kafka Streams with exactly_once_v2, a repartition and a persistent store, through kills of the broker and of itself: the
//! committed output has every count of every word exactly once and in order.

use crate::client::{Feeder, LIMIT, Reader, create_topics, key_and_value};
use libtest_mimic::Trial;
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::{self, Language};
use protocol_tests::process::{Process, until};
use protocol_tests::suite::{self, Report};
use protocol_tests::workspace;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

const PARTITIONS: i32 = 4;
const NAMES: &[&str] = &["exactly-once-through-kills", "streams-group-protocol"];

/// Both checks, each with a broker of its own.
pub fn trials() -> Vec<Trial> {
    suite::story("streams", Language::Java, NAMES, || {
        language::set_up(Language::Java)?;
        language::set_up_folder(Language::Java, "streams")?;
        Ok(Report::from([(NAMES[0].into(), exactly_once()), (NAMES[1].into(), group_protocol())]))
    })
}

/// One instance of the application. The same state folder makes it the same instance to the library, transactional ids
/// included.
fn application(node: &Node, state: &TempDir, settings: &[&str]) -> Result<Process, String> {
    let mut java = language::java_program("streams", "Counts", "warn");
    java.arg(node.bootstrap()).arg(state.path()).args(settings);
    Process::spawn(java, &log())
}

fn log() -> std::path::PathBuf {
    workspace::logs().join(format!("streams-application-{}.log", std::process::id()))
}

/// What the application has put out: the last count of each word, and how many counts that were.
struct Output {
    reader: Reader,
    counts: BTreeMap<String, u64>,
    seen: u64,
}

impl Output {
    /// Reads until `goal` counts have come; each must be the successor of the word's last.
    fn read_up_to(&mut self, goal: u64, application: &mut Process) -> Result<(), String> {
        let what = format!("{goal} counts");
        until(&what, LIMIT, || self.take_next(application, goal))
            .and_then(|read| read)
            .map_err(|error| format!("{error}; there are {} counts\n{}", self.seen, application.tail()))
    }

    fn take_next(&mut self, application: &mut Process, goal: u64) -> Option<Result<(), String>> {
        if let Some(status) = application.exited() {
            return Some(Err(format!("the application ended with {status}")));
        }
        let (word, count) = key_and_value(&self.reader.next()?);
        let last = self.counts.entry(word.clone()).or_default();
        if count != (*last + 1).to_string() {
            return Some(Err(format!("after count {last} of {word} came {count}")));
        }
        *last += 1;
        self.seen += 1;
        (self.seen == goal).then_some(Ok(()))
    }
}

/// Sends words until there are `goal`; some words are frequent, most are rare.
fn feed(feeder: &Feeder, sent: &mut BTreeMap<String, u64>, goal: u64) -> Result<(), String> {
    for number in sent.values().sum()..goal {
        let word = format!("word-{}", (number * number) % 101);
        feeder.send("words", &number.to_string(), &word)?;
        *sent.entry(word).or_default() += 1;
    }
    Ok(())
}

fn exactly_once() -> Result<(), String> {
    let mut node = Broker::under_test().start("streams")?;
    create_topics(&node.bootstrap(), &["words", "counts"], PARTITIONS)?;
    let state = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut application = self::application(&node, &state, &[])?;
    let (feeder, mut sent) = (Feeder::new(&node.bootstrap())?, BTreeMap::new());
    let reader = Reader::new(&node.bootstrap(), "counts", PARTITIONS)?;
    let mut output = Output { reader, counts: BTreeMap::new(), seen: 0 };

    feed(&feeder, &mut sent, 2000)?;
    output.read_up_to(500, &mut application)?;
    node.kill();
    feed(&feeder, &mut sent, 4000)?;
    node.start()?;
    output.read_up_to(2500, &mut application)?;
    application.kill();
    feed(&feeder, &mut sent, 6000)?;
    application = self::application(&node, &state, &[])?;
    output.read_up_to(4500, &mut application)?;
    feed(&feeder, &mut sent, 8000)?;
    output.read_up_to(6500, &mut application)?;
    node.kill();
    node.start()?;
    feeder.flush()?;
    output.read_up_to(8000, &mut application)?;

    if output.counts != sent {
        return Err(format!("counted {:?}, sent {sent:?}", output.counts));
    }
    application.terminate();
    application.wait(LIMIT)?;
    // Nothing more was put out on the way down.
    match output.reader.next() {
        Some(more) => Err(format!("one count too many: {:?}", key_and_value(&more))),
        None => node.stop(),
    }
}

/// KIP-1071 has APIs that `kafka-protocol` does not know yet: the library must say so and end, not hang or take the classic
/// protocol instead. Apache Kafka has them.
fn group_protocol() -> Result<(), String> {
    let node = Broker::under_test().start("streams-group-protocol")?;
    create_topics(&node.bootstrap(), &["words", "counts"], PARTITIONS)?;
    let state = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut application = application(&node, &state, &["group.protocol=streams", "application.id=of-streams"])?;
    match node.broker() {
        Broker::Forebay => {
            let ended = application.wait(LIMIT)?;
            let said = read(&log())?;
            if ended.code() == Some(1) && said.contains("UnsupportedVersionException") {
                return Ok(());
            }
            Err(format!("it ended with {ended}\n{}", application.tail()))
        }
        Broker::ApacheKafka => {
            let feeder = Feeder::new(&node.bootstrap())?;
            feed(&feeder, &mut BTreeMap::new(), 10)?;
            feeder.flush()?;
            let reader = Reader::new(&node.bootstrap(), "counts", PARTITIONS)?;
            let mut output = Output { reader, counts: BTreeMap::new(), seen: 0 };
            output.read_up_to(10, &mut application)
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}
