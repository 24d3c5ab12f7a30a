//! Apache Kafka's command line tools (kafka-topics, kafka-console-consumer ...), as the processes that people run, against
//! the real binary. One story; each step counts as a test of its own and the steps after a failed one still run.

mod cluster;
mod hanging;
mod share_groups;

use protocol_tests::broker::{self, Node};
use protocol_tests::language::{self, Language};
use protocol_tests::process;
use protocol_tests::suite::{self, Report};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const TOOL_LIMIT: Duration = Duration::from_secs(60);
const TOOLS: &str = "org.apache.kafka.tools.";
const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";

/// One step: runs tools and says what was wrong with their output.
type Step = fn(&Node) -> Result<(), String>;

const STEPS: &[(&str, Step)] = &[
    ("kafka-broker-api-versions", broker_api_versions),
    ("kafka-topics-create-describe-list", topics),
    ("kafka-console-producer", console_producer),
    ("kafka-console-consumer", console_consumer),
    ("kafka-console-consumer-class-by-partition", console_consumer_of_one_partition),
    ("kafka-consumer-groups-describe", groups_describe),
    ("kafka-consumer-groups-reset-offsets", groups_reset),
    ("kafka-consumer-groups-of-both-types", groups_of_both_types),
    ("kafka-share-groups", share_groups::step),
    ("kafka-console-share-consumer", console_share_consumer),
    ("kafka-get-offsets", get_offsets),
    ("kafka-configs-describe", configs),
    ("kafka-configs-alter", configs_alter),
    ("kafka-configs-quotas-and-credentials", configs_of_clients),
    ("kafka-delete-records", delete_records),
    ("kafka-log-dirs", log_dirs),
    ("kafka-verifiable-producer", verifiable_producer),
    ("kafka-verifiable-consumer", verifiable_consumer),
    ("kafka-transactions", transactions),
    ("kafka-features", cluster::features),
    ("kafka-metadata-quorum", cluster::metadata_quorum),
    ("kafka-cluster", cluster::cluster),
    ("kafka-leader-election", cluster::leader_election),
    ("kafka-reassign-partitions", cluster::reassign_partitions),
    ("kafka-e2e-latency", cluster::end_to_end_latency),
    ("kafka-consumer-perf-test", cluster::consumer_performance),
    ("kafka-groups", cluster::groups),
    ("kafka-streams-application-reset", cluster::streams_application_reset),
    ("kafka-acls-and-delegation-tokens-refused", cluster::security_refused),
    ("kafka-client-metrics", cluster::client_metrics),
    ("kafka-topics-alter-delete", topics_delete),
];

fn main() -> ExitCode {
    let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
    suite::main(|| {
        let mut trials = suite::program("console-tools", Language::Java, &names, |node| {
            // Set up first, so that a step's limit is the tool's alone.
            language::set_up(Language::Java)?;
            Ok(STEPS.iter().map(|(name, step)| (name.to_string(), timed(name, step, node))).collect::<Report>())
        });
        trials.extend(suite::story("console-tools", Language::Java, hanging::NAMES, || {
            language::set_up(Language::Java)?;
            hanging::report()
        }));
        trials
    })
}

/// What a step takes is told at once: each tool starts a JVM, and the step's own test only reports when all have run.
fn timed(name: &str, step: &Step, node: &Node) -> Result<(), String> {
    let start = Instant::now();
    let outcome = step(node);
    eprintln!("{name}: {} ms{}", start.elapsed().as_millis(), if outcome.is_ok() { "" } else { ", failed" });
    outcome
}

/// Runs a tool with `--bootstrap-server` and the given words (split at blanks); its standard output.
fn tool(node: &Node, class: &str, words: &str, input: &str) -> Result<String, String> {
    outputs(node, class, words, input).map(|(output, _)| output)
}

/// The same with what goes to standard error.
fn outputs(node: &Node, class: &str, words: &str, input: &str) -> Result<(String, String), String> {
    let class = if class.contains('.') { class.to_owned() } else { format!("{TOOLS}{class}") };
    let mut command = broker::java(&class)?;
    command.args(["--bootstrap-server", &node.bootstrap()]).args(words.split_whitespace());
    process::outputs(command, input, TOOL_LIMIT)
}

fn expect(output: &str, parts: &[&str]) -> Result<(), String> {
    // Tables are padded with blanks and tabs, which are not what is tested.
    let squeezed =
        output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n");
    match parts.iter().find(|part| !squeezed.contains(**part)) {
        None => Ok(()),
        Some(part) => Err(format!("expected {part:?} in\n{output}")),
    }
}

fn broker_api_versions(node: &Node) -> Result<(), String> {
    let output = tool(node, "BrokerApiVersionsCommand", "", "")?;
    // The ranges that Kafka 4.1 offers to clients.
    expect(
        &output,
        &[
            "Produce(0): 0 to 13",
            "Fetch(1): 4 to",
            "Metadata(3): 0 to 13",
            "JoinGroup(11): 0 to 9",
            "EndTxn(26): 0 to 5",
            "ListTransactions(66): 0 to",
        ],
    )
}

fn topics(node: &Node) -> Result<(), String> {
    let created =
        tool(node, "TopicCommand", "--create --topic tools --partitions 2 --config segment.bytes=1048576", "")?;
    expect(&created, &["Created topic tools."])?;
    let described = tool(node, "TopicCommand", "--describe --topic tools", "")?;
    expect(
        &described,
        &[
            "PartitionCount: 2 ReplicationFactor: 1",
            "segment.bytes=1048576",
            "Partition: 1 Leader: 1 Replicas: 1 Isr: 1",
        ],
    )?;
    expect(&tool(node, "TopicCommand", "--list", "")?, &["tools"])
}

fn console_producer(node: &Node) -> Result<(), String> {
    let input = "a:1\nb:2\nc:3\n";
    tool(
        node,
        "ConsoleProducer",
        "--topic tools --compression-codec zstd --reader-property parse.key=true --reader-property key.separator=:",
        input,
    )
    .map(drop)
}

fn console_consumer(node: &Node) -> Result<(), String> {
    let words = "--topic tools --from-beginning --max-messages 3 --timeout-ms 20000 --group tools --formatter-property print.key=true --isolation-level read_committed";
    expect(&tool(node, CONSUMER, words, "")?, &["a 1", "b 2", "c 3"])
}

fn console_consumer_of_one_partition(node: &Node) -> Result<(), String> {
    // Keys a, b, c go to partition 0 of 2 by murmur2, so that this partition has exactly the three.
    let words = "--topic tools --partition 0 --offset 1 --max-messages 2 --timeout-ms 20000 --formatter-property print.offset=true";
    expect(&tool(node, CONSUMER, words, "")?, &["Offset:1 2", "Offset:2 3"])
}

fn console_share_consumer(node: &Node) -> Result<(), String> {
    let words = "--alter --entity-type groups --entity-name sharers --add-config share.auto.offset.reset=earliest";
    let set = tool(node, "kafka.admin.ConfigCommand", words, "")?;
    expect(&set, &["Completed updating config for group sharers."])?;
    let words = "--topic tools --group sharers --max-messages 3 --timeout-ms 20000 --formatter-property print.key=true --formatter-property print.delivery=true";
    let class = "org.apache.kafka.tools.consumer.ConsoleShareConsumer";
    expect(&tool(node, class, words, "")?, &["Delivery:1 a 1", "Delivery:1 b 2", "Delivery:1 c 3"])
}

fn groups_describe(node: &Node) -> Result<(), String> {
    expect(&tool(node, GROUPS, "--list", "")?, &["tools"])?;
    expect(&tool(node, GROUPS, "--describe --group tools", "")?, &["tools tools 0 3 3 0", "tools tools 1 0 0 0"])?;
    expect(&tool(node, GROUPS, "--describe --group tools --state", "")?, &["Empty"])
}

fn groups_reset(node: &Node) -> Result<(), String> {
    tool(node, GROUPS, "--group tools --reset-offsets --to-earliest --topic tools --execute", "")?;
    expect(&tool(node, GROUPS, "--describe --group tools", "")?, &["tools tools 0 0 3 3"])?;
    expect(
        &tool(node, GROUPS, "--delete --group tools", "")?,
        &["Deletion of requested consumer groups ('tools') was successful."],
    )
}

fn groups_of_both_types(node: &Node) -> Result<(), String> {
    let read = |group: &str, protocol: &str| {
        let words = format!(
            "--topic tools --from-beginning --max-messages 3 --timeout-ms 20000 --group {group} --command-property group.protocol={protocol}"
        );
        tool(node, CONSUMER, &words, "").map(drop)
    };
    read("of-consumers", "consumer")?;
    read("of-old", "classic")?;
    let listed = tool(node, GROUPS, "--list --type", "")?;
    expect(&listed, &["of-consumers Consumer", "of-old Classic"])?;
    let consumers = tool(node, GROUPS, "--list --type consumer", "")?;
    if !consumers.contains("of-consumers") || consumers.contains("of-old") {
        return Err(format!("not those of one type: {consumers}"));
    }
    expect(&tool(node, GROUPS, "--describe --group of-consumers", "")?, &["of-consumers tools 0 3 3 0"])?;
    let state = tool(node, GROUPS, "--describe --group of-consumers --state --verbose", "")?;
    expect(&state, &["uniform Empty"])?;
    tool(node, GROUPS, "--delete --group of-consumers --group of-old", "").map(drop)
}

fn get_offsets(node: &Node) -> Result<(), String> {
    expect(&tool(node, "GetOffsetShell", "--topic tools", "")?, &["tools:0:3", "tools:1:0"])?;
    expect(&tool(node, "GetOffsetShell", "--topic tools --time earliest", "")?, &["tools:0:0"])
}

fn configs(node: &Node) -> Result<(), String> {
    let topic = tool(node, "kafka.admin.ConfigCommand", "--describe --entity-type topics --entity-name tools", "")?;
    expect(&topic, &["segment.bytes=1048576"])?;
    let all = tool(node, "kafka.admin.ConfigCommand", "--describe --all --entity-type brokers --entity-name 1", "")?;
    expect(&all, &["group.initial.rebalance.delay.ms=0", "log.segment.bytes=1073741824"])
}

fn configs_alter(node: &Node) -> Result<(), String> {
    let configs = |words: &str| tool(node, "kafka.admin.ConfigCommand", words, "");
    let topic = "--entity-type topics --entity-name tools";
    let set = configs(&format!("--alter {topic} --add-config retention.ms=86400000,cleanup.policy=[compact,delete]"))?;
    expect(&set, &["Completed updating config for topic tools."])?;
    let shown = configs(&format!("--describe {topic}"))?;
    expect(&shown, &["retention.ms=86400000", "cleanup.policy=compact,delete", "DYNAMIC_TOPIC_CONFIG:retention.ms"])?;
    let taken_back = configs(&format!("--alter {topic} --delete-config retention.ms,cleanup.policy"))?;
    expect(&taken_back, &["Completed updating config for topic tools."])?;
    let shown = configs(&format!("--describe {topic}"))?;
    if shown.contains("retention.ms") || shown.contains("cleanup.policy") {
        return Err(format!("still set: {shown}"));
    }
    match configs(&format!("--alter {topic} --add-config retention.ms=soon")) {
        Err(refused) => {
            expect(&refused, &["Invalid value soon for configuration retention.ms: Not a number of type LONG"])?
        }
        Ok(output) => return Err(format!("not refused: {output}")),
    }
    configs("--alter --entity-type brokers --entity-default --add-config log.cleaner.backoff.ms=14000")?;
    let shown = configs("--describe --entity-type brokers --entity-default")?;
    expect(&shown, &["log.cleaner.backoff.ms=14000"])?;
    configs("--alter --entity-type brokers --entity-default --delete-config log.cleaner.backoff.ms").map(drop)
}

/// Through AlterClientQuotas and AlterUserScramCredentials of the Java admin client.
fn configs_of_clients(node: &Node) -> Result<(), String> {
    let configs = |words: &str| tool(node, "kafka.admin.ConfigCommand", words, "");
    let cases = [
        (
            "--entity-type clients --entity-name app",
            "producer_byte_rate=1000000000,request_percentage=900",
            "producer_byte_rate,request_percentage",
            "Quota configs for client-id 'app' are",
            "producer_byte_rate=1.0E9",
        ),
        (
            "--entity-type users --entity-name alice --entity-type clients --entity-default",
            "consumer_byte_rate=1000000000",
            "consumer_byte_rate",
            "Quota configs for user-principal 'alice', the default client-id are",
            "consumer_byte_rate=1.0E9",
        ),
        (
            "--entity-type ips --entity-name 127.0.0.9",
            "connection_creation_rate=100",
            "connection_creation_rate",
            "Quota configs for ip '127.0.0.9' are",
            "connection_creation_rate=100.0",
        ),
        (
            "--entity-type users --entity-name alice",
            "SCRAM-SHA-256=[iterations=8192,password=secret]",
            "SCRAM-SHA-256",
            "SCRAM credential configs for user-principal 'alice' are",
            "SCRAM-SHA-256=iterations=8192",
        ),
    ];
    for (entity, add, delete, whose, what) in cases {
        expect(&configs(&format!("--alter {entity} --add-config {add}"))?, &["Completed updating config for"])?;
        expect(&configs(&format!("--describe {entity}"))?, &[whose, what])?;
        configs(&format!("--alter {entity} --delete-config {delete}"))?;
        let shown = configs(&format!("--describe {entity}"))?;
        if shown.contains(what) {
            return Err(format!("{what} should be gone:\n{shown}"));
        }
    }
    match configs("--alter --entity-type clients --entity-name app --add-config producer_byte_rate=-1") {
        Ok(output) => Err(format!("a negative rate was taken:\n{output}")),
        Err(refused) => expect(&refused, &["Quota producer_byte_rate must be greater than 0"]),
    }
}

fn delete_records(node: &Node) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
    std::fs::write(file.path(), r#"{"partitions":[{"topic":"tools","partition":0,"offset":1}],"version":1}"#)
        .map_err(|e| e.to_string())?;
    let output = tool(node, "DeleteRecordsCommand", &format!("--offset-json-file {}", file.path().display()), "")?;
    expect(&output, &["partition: tools-0 low_watermark: 1"])
}

fn log_dirs(node: &Node) -> Result<(), String> {
    let described = tool(node, "LogDirsCommand", "--describe --topic-list tools", "")?;
    expect(&described, &["\"broker\":1", "\"partition\":\"tools-0\"", "\"offsetLag\":0", "\"isFuture\":false"])
}

fn verifiable_producer(node: &Node) -> Result<(), String> {
    expect(&tool(node, "VerifiableProducer", "--topic tools --max-messages 500", "")?, &[r#""sent":500,"acked":500"#])
}

fn verifiable_consumer(node: &Node) -> Result<(), String> {
    let output = tool(
        node,
        "VerifiableConsumer",
        "--topic tools --group-id verifiable --max-messages 500 --reset-policy earliest",
        "",
    )?;
    expect(&output, &["partitions_assigned", "offsets_committed", "shutdown_complete"])
}

fn transactions(node: &Node) -> Result<(), String> {
    // The transactional performance tool ends with its transactions committed; `list` and `describe` then show its id.
    let mut producer = broker::java(&format!("{TOOLS}ProducerPerformance"))?;
    let words = "--topic tools --num-records 10 --record-size 10 --throughput -1 --transactional-id tools-tx --transaction-duration-ms 100";
    producer.args(words.split_whitespace()).args(["--bootstrap-server", &node.bootstrap()]);
    process::run(producer, "", TOOL_LIMIT)?;
    expect(&tool(node, "TransactionsCommand", "list", "")?, &["tools-tx 1", "CompleteCommit"])?;
    let described = tool(node, "TransactionsCommand", "describe --transactional-id tools-tx", "")?;
    expect(&described, &["CoordinatorId TransactionalId ProducerId ProducerEpoch TransactionState", "tools-tx"])?;
    let producers = tool(node, "TransactionsCommand", "describe-producers --topic tools --partition 0", "")?;
    expect(&producers, &["ProducerId ProducerEpoch LatestCoordinatorEpoch LastSequence"])?;
    tool(node, "TransactionsCommand", "find-hanging --broker-id 1", "").map(drop)
}

fn topics_delete(node: &Node) -> Result<(), String> {
    tool(node, "TopicCommand", "--alter --topic tools --partitions 4", "")?;
    expect(&tool(node, "TopicCommand", "--describe --topic tools", "")?, &["PartitionCount: 4"])?;
    tool(node, "TopicCommand", "--delete --topic tools", "")?;
    let listed = tool(node, "TopicCommand", "--list", "")?;
    if listed.lines().any(|line| line == "tools") { Err(format!("still listed: {listed}")) } else { Ok(()) }
}
