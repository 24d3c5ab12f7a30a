//! A data folder goes from Forebay to Apache Kafka and back, and from Apache Kafka to Forebay and back: both serve the same
//! records, offsets, groups, share groups and outcomes of transactions, and clients go on where they were.

#![allow(clippy::unwrap_used)]

mod client;
mod observe;
mod share;
mod write;

use client::text;
use libtest_mimic::Trial;
use observe::Observed;
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::Language;
use protocol_tests::suite::{self, Report};
use protocol_tests::{binary, process};
use std::process::{Command, ExitCode};
use std::time::Duration;
use write::Writers;

const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// What is looked at after each change of the broker.
const CHECKS: &[&str] =
    &["records", "offsets", "times", "groups", "share-group", "topics", "clients-go-on", "transactions"];

/// Settings of both brokers: timed-out transactions are looked for often, so that the test need not wait.
const SETTINGS: &[(&str, &str)] =
    &[("node.id", "1"), ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500")];

fn main() -> ExitCode {
    suite::main(|| {
        let mut trials = trials("forebay-kafka-forebay", Broker::Forebay, false);
        trials.extend(self::trials("kafka-forebay-kafka", Broker::ApacheKafka, true));
        trials
    })
}

fn trials(name: &'static str, first: Broker, kill: bool) -> Vec<Trial> {
    let names: Vec<String> =
        ["there", "back"].iter().flat_map(|way| CHECKS.iter().map(move |check| format!("{way}-{check}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    suite::story(&format!("kafka-folder-{name}"), Language::Java, &names, move || there_and_back(name, first, kill))
}

fn other(broker: Broker) -> Broker {
    match broker {
        Broker::Forebay => Broker::ApacheKafka,
        Broker::ApacheKafka => Broker::Forebay,
    }
}

fn there_and_back(name: &str, first: Broker, kill: bool) -> Result<Report, String> {
    protocol_tests::language::set_up(Language::Java)?;
    let mut node = first.start_with(name, SETTINGS)?;
    // A kill lets Kafka forget for half a minute that records were deleted: its checkpoint of where logs begin is that late.
    let kept_from = if kill { 0 } else { 301 };
    let mut report = Report::new();
    let outcome = Writers::begin(&node.bootstrap(), node.log_dir(), kept_from).and_then(|mut writers| {
        share::begin(node.port(), write::TRANSACTIONAL)?;
        for way in ["there", "back"] {
            change(&mut node, kill, way, &mut writers, &mut report)?;
        }
        Ok(())
    });
    outcome.map_err(|error| format!("{error}\n{}", node.tail()))?;
    if report.values().any(Result::is_err) {
        eprintln!("{}", node.tail());
    }
    Ok(report)
}

/// Hands the folder over to the other broker and looks at everything before and after.
fn change(node: &mut Node, kill: bool, way: &str, writers: &mut Writers, report: &mut Report) -> Result<(), String> {
    writers.leave_transactions_open()?;
    let before = Observed::take(&node.bootstrap(), node.port())?;
    let shared = share::observe(node.port())?;
    if kill {
        node.kill();
    } else {
        node.stop()?;
    }
    hand_over(node, way)?;
    node.start()?;
    let after = Observed::take(&node.bootstrap(), node.port())?;
    for (check, same) in before.compare(&after) {
        report.insert(format!("{way}-{check}"), same);
    }
    let same = share::observe(node.port())
        .and_then(|after| if after == shared { Ok(()) } else { Err(format!("before {shared}\nafter {after}")) });
    report.insert(format!("{way}-share-group"), same);
    report.insert(format!("{way}-clients-go-on"), writers.go_on());
    report.insert(format!("{way}-transactions"), writers.end_transactions());
    Ok(())
}

/// Runs the command twice: the second time there is nothing to do. On the way back Kafka gets a dynamic quorum.
fn hand_over(node: &mut Node, way: &str) -> Result<(), String> {
    let folder = node.log_dir().display().to_string();
    let controller = node.controller();
    let mut arguments = vec!["log"];
    match node.broker() {
        Broker::ApacheKafka => arguments.extend(["adopt", &folder]),
        Broker::Forebay if way == "there" => arguments.extend(["export", &folder]),
        Broker::Forebay => {
            arguments.extend(["export", &folder, "--controller", &controller]);
            node.set("controller.quorum.voters", "");
            node.set("controller.quorum.bootstrap.servers", &controller);
        }
    }
    let run = |more: &str| {
        let mut command = Command::new(binary::forebay());
        command.args(&arguments).arg(more);
        process::run(command, "", COMMAND_LIMIT).map_err(text)
    };
    let planned = run("--dry-run")?;
    let done = run("--yes")?;
    let again = run("--yes")?;
    for (output, part) in
        [(&planned, "Nothing was changed."), (&done, "Done."), (&again, "already; nothing was changed")]
    {
        if !output.contains(part) {
            return Err(format!("expected {part:?} in\n{output}"));
        }
    }
    node.hand_over_to(other(node.broker()));
    Ok(())
}
