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
    "consumer-protocol-commit-in-listener",
    "consumer-protocol-seek-in-listener",
    "consumer-protocol-lost-in-listener",
    "consumer-protocol-asynchronous-commits",
    "consumer-protocol-wakeup",
    "consumer-protocol-close",
    "consumer-protocol-seek",
    "consumer-protocol-pause",
    "consumer-protocol-patterns",
];

/// Reading, processing and writing in one transaction, in groups of both protocols (KIP-447).
const READ_PROCESS_WRITE: &[&str] = &[
    "kip-447-workers-classic",
    "kip-447-generation-classic",
    "kip-447-left-classic",
    "kip-447-workers-consumer",
    "kip-447-generation-consumer",
    "kip-447-left-consumer",
    "kip-447-instance",
];

/// Share groups (KIP-932).
const SHARE_GROUPS: &[&str] = &[
    "share-implicit-acknowledgement",
    "share-explicit-acknowledgement",
    "share-several-consumers",
    "share-redelivery-after-close",
    "share-read-committed",
    "share-renew",
    "share-record-limit",
];

/// kafka-python and aiokafka do not rebalance cooperatively.
const PURE_PYTHON: &[&str] =
    &["seek-and-timestamps", "static-membership", "group-rebalance-range", "group-rebalance-sticky"];
const KAFKA_PYTHON_ADMIN: &[&str] = &[
    "admin-topics",
    "admin-configs",
    "admin-cluster",
    "admin-offsets-and-records",
    "admin-groups",
    "admin-transactions",
    "admin-acls-refused",
];
const SARAMA: &[&str] = &[
    "group-rebalance-range",
    "group-rebalance-sticky",
    "group-rebalance-roundrobin",
    "static-membership",
    "transaction-commit-abort",
    "consume-transform-produce",
    "zombie-fencing",
    "admin-topics",
    "admin-configs",
    "admin-cluster",
    "admin-offsets-and-records",
    "admin-groups",
    "admin-acls-refused",
];

/// A program with checks of one client: `protocol-tests/clients/FOLDER/PROGRAM`.
#[derive(Debug, Clone, Copy)]
struct Client {
    name: &'static str,
    language: Language,
    folder: &'static str,
    program: &'static str,
}

const JAVA: Client = Client { name: "java", language: Language::Java, folder: "java", program: "Checks" };
const ADMIN_INTERFACE: Client =
    Client { name: "admin", language: Language::Java, folder: "admin", program: "EveryMethod" };
const CONFLUENT: Client = Client { name: "python", language: Language::Python, folder: "python", program: "confluent" };
const KAFKA_PYTHON: Client =
    Client { name: "kafka-python", language: Language::Python, folder: "python", program: "kafka_python" };
const AIOKAFKA: Client =
    Client { name: "aiokafka", language: Language::Python, folder: "python", program: "aio_kafka" };
const FRANZ: Client = Client { name: "go", language: Language::Go, folder: "go", program: "franz" };
const SARAMA_CLIENT: Client = Client { name: "sarama", language: Language::Go, folder: "go", program: "sarama" };
const KAFKAJS: Client = Client { name: "node", language: Language::Node, folder: "node", program: "checks" };
const JAVA_CONSUMER_PROTOCOL: Client = Client {
    name: "java-consumer-protocol",
    language: Language::Java,
    folder: "java",
    program: "ConsumerProtocolChecks",
};
const JAVA_SHARE: Client =
    Client { name: "java-share", language: Language::Java, folder: "java", program: "ShareChecks" };

fn main() -> ExitCode {
    suite::main(|| {
        let round_trips = [PRODUCE_AND_CONSUME, MORE_CODECS].concat();
        let most = [&round_trips, GROUPS, OFFSETS_AND_TRANSACTIONS, ADMIN].concat();
        let every_admin_call = every_admin_call();
        let pure = [&round_trips, PURE_PYTHON, OFFSETS_AND_TRANSACTIONS].concat();
        [
            (JAVA, [&most, JAVA_ONLY].concat()),
            (JAVA_CONSUMER_PROTOCOL, [CONSUMER_PROTOCOL, READ_PROCESS_WRITE].concat()),
            (ADMIN_INTERFACE, every_admin_call.iter().map(String::as_str).collect()),
            (CONFLUENT, most.clone()),
            (KAFKA_PYTHON, [&pure, KAFKA_PYTHON_ADMIN].concat()),
            (AIOKAFKA, [&pure[..], &["group-rebalance-roundrobin", "admin"]].concat()),
            (FRANZ, [&most[..], &["admin-transactions"]].concat()),
            (SARAMA_CLIENT, [&round_trips, SARAMA].concat()),
            // kafkajs knows neither lz4 and zstd nor static members nor cooperative rebalances.
            (KAFKAJS, [PRODUCE_AND_CONSUME, &["group-rebalance"], OFFSETS_AND_TRANSACTIONS, ADMIN].concat()),
            (JAVA_SHARE, SHARE_GROUPS.to_vec()),
        ]
        .into_iter()
        .flat_map(|(client, names)| suite::program(client.name, client.language, &names, move |node| run(client, node)))
        .collect::<Vec<Trial>>()
    })
}

/// The names of the calls that `clients/admin` makes: those with an answer of Apache Kafka in its `Answers.java`.
fn every_admin_call() -> Vec<String> {
    let answers = language::sources(ADMIN_INTERFACE.folder).join("Answers.java");
    let text = std::fs::read_to_string(answers).expect("the answers are a file of this repository");
    let names = text.lines().filter(|line| !line.starts_with("//")).filter_map(|line| line.split_once(" | "));
    names.map(|(name, _)| name.trim().trim_start_matches('!').to_owned()).collect()
}

/// Runs the program and reads what it has printed.
fn run(client: Client, node: &Node) -> Result<Report, String> {
    let Client { name, language, folder, program } = client;
    // A Java folder may need the jars of the first one.
    language::set_up(language)?;
    language::set_up_folder(language, folder)?;
    let log = workspace::logs().join(format!("{name}-checks-{}.log", std::process::id()));
    let mut program = Process::spawn(language::checks(language, folder, program, &node.bootstrap()), &log)?;
    let ended = program.wait(PROGRAM_LIMIT);
    let text =
        std::fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|e| e.to_string())?;
    let report = suite::read_report(&text);
    let all_good = report.values().all(Result::is_ok);
    match ended {
        Ok(status) if status.success() == all_good && !report.is_empty() => Ok(report),
        Ok(status) => Err(format!("the program ended with {status}\n{}", program.tail())),
        // What was not reached is missing from the report and fails as that.
        Err(late) if report.is_empty() => Err(format!("{late}\n{}", program.tail())),
        Err(_) => Ok(report),
    }
}
