//! Stock clients in their own languages against the real binary: produce, consume, groups, transactions, admin.
//!
//! The checks are programs below `protocol-tests/clients`; each prints a line a check. `PROTOCOL_TESTS_BROKER=apache-kafka`
//! runs them against Apache Kafka itself.

use libtest_mimic::Trial;
use protocol_tests::broker::Node;
use protocol_tests::language::{self, Language};
use protocol_tests::process::Process;
use protocol_tests::suite::{self, Report};
use protocol_tests::workspace;
use std::process::ExitCode;
use std::time::Duration;

/// All checks of one client together; each has its own limit of half a minute for each thing it waits for.
const PROGRAM_LIMIT: Duration = Duration::from_secs(400);

const PRODUCE_AND_CONSUME: &[&str] =
    &["round-trip-none", "round-trip-gzip", "round-trip-snappy", "record-fields", "idempotent-producer"];
const MORE_CODECS: &[&str] = &["round-trip-lz4", "round-trip-zstd"];
const GROUPS: &[&str] = &["group-rebalance-range", "group-rebalance-cooperative", "static-membership"];
const OFFSETS_AND_TRANSACTIONS: &[&str] =
    &["committed-offsets-resume", "transaction-commit-abort", "consume-transform-produce", "zombie-fencing"];
const ADMIN: &[&str] =
    &["admin-topics", "admin-configs", "admin-cluster", "admin-list-offsets", "admin-delete-records", "admin-groups"];
const JAVA_ONLY: &[&str] =
    &["transaction-timeout-too-large", "admin-topic-errors", "admin-transactions", "auto-create-topic"];

/// Groups of the consumer protocol (KIP-848).
const CONSUMER_PROTOCOL: &[&str] = &[
    "consumer-protocol-rebalance",
    "consumer-protocol-static-membership",
    "consumer-protocol-resume",
    "consumer-protocol-regex",
    "consumer-protocol-migration",
];

fn main() -> ExitCode {
    suite::main(|| {
        let most = [PRODUCE_AND_CONSUME, MORE_CODECS, GROUPS, OFFSETS_AND_TRANSACTIONS, ADMIN].concat();
        let mut trials = client(Language::Java, &[&most, JAVA_ONLY, CONSUMER_PROTOCOL].concat());
        trials.extend(client(Language::Python, &most));
        trials.extend(client(Language::Go, &[&most[..], &["admin-transactions"]].concat()));
        // kafkajs knows neither lz4 and zstd nor static members nor cooperative rebalances.
        trials.extend(client(
            Language::Node,
            &[PRODUCE_AND_CONSUME, &["group-rebalance"], OFFSETS_AND_TRANSACTIONS, ADMIN].concat(),
        ));
        trials
    })
}

fn client(language: Language, names: &[&str]) -> Vec<Trial> {
    suite::program(language.name(), language, names, move |node| run(language, node))
}

/// Runs the program and reads its lines: `ok NAME MILLIS` and `failed NAME: reason`; everything else is the client's own talk.
fn run(language: Language, node: &Node) -> Result<Report, String> {
    let home = language::set_up(language)?;
    let log = workspace::logs().join(format!("{}-checks-{}.log", language.name(), std::process::id()));
    let mut program = Process::spawn(language::checks(language, &home, &node.bootstrap()), &log)?;
    let ended = program.wait(PROGRAM_LIMIT);
    let text =
        std::fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|e| e.to_string())?;
    let mut report = Report::new();
    for line in text.lines() {
        if let Some(ok) = line.strip_prefix("ok ") {
            report.insert(ok.split(' ').next().unwrap_or(ok).to_owned(), Ok(()));
        } else if let Some((name, reason)) = line.strip_prefix("failed ").and_then(|failed| failed.split_once(": ")) {
            report.insert(name.to_owned(), Err(reason.to_owned()));
        }
    }
    let all_good = report.values().all(Result::is_ok);
    match ended {
        Ok(status) if status.success() == all_good && !report.is_empty() => Ok(report),
        Ok(status) => Err(format!("the program ended with {status}\n{}", program.tail())),
        // What was not reached is missing from the report and fails as that.
        Err(late) if report.is_empty() => Err(format!("{late}\n{}", program.tail())),
        Err(_) => Ok(report),
    }
}
