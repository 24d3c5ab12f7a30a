//! Tools about the cluster, its features and its balance, and the ones that only measure.

use crate::{TOOL_LIMIT, TOOLS, expect, tool};
use protocol_tests::broker::{self, Node};
use protocol_tests::process;

pub fn features(node: &Node) -> Result<(), String> {
    let described = tool(node, "FeatureCommand", "describe", "")?;
    expect(
        &described,
        &[
            "Feature: transaction.version SupportedMinVersion: 0 SupportedMaxVersion: 2 FinalizedVersionLevel: 2",
            "Feature: group.version SupportedMinVersion: 0 SupportedMaxVersion: 1 FinalizedVersionLevel: 1",
        ],
    )
}

pub fn metadata_quorum(node: &Node) -> Result<(), String> {
    let status = tool(node, "MetadataQuorumCommand", "describe --status", "")?;
    expect(&status, &["LeaderId: 1", "LeaderEpoch:", "HighWatermark:", "CurrentVoters:"])?;
    let replication = tool(node, "MetadataQuorumCommand", "describe --replication", "")?;
    expect(&replication, &["NodeId DirectoryId LogEndOffset Lag", "Leader"])
}

/// Its subcommands want their options behind their names.
pub fn cluster(node: &Node) -> Result<(), String> {
    let cluster = |words: &str| {
        let mut command = broker::java(&format!("{TOOLS}ClusterTool"))?;
        command.args(words.split_whitespace()).args(["--bootstrap-server", &node.bootstrap()]);
        process::run(command, "", TOOL_LIMIT)
    };
    expect(&cluster("cluster-id")?, &["Cluster ID: "])?;
    let port = node.port().to_string();
    expect(&cluster("list-endpoints")?, &["ID HOST PORT RACK STATE ENDPOINT_TYPE", &format!("1 127.0.0.1 {port} null")])
}

pub fn leader_election(node: &Node) -> Result<(), String> {
    let topic = "--election-type preferred --topic tools --partition 0";
    let elected = tool(node, "LeaderElectionCommand", topic, "")?;
    expect(&elected, &["Valid replica already elected for partitions tools-0"])
}

pub fn reassign_partitions(node: &Node) -> Result<(), String> {
    let reassign = |words: &str| tool(node, "org.apache.kafka.tools.reassign.ReassignPartitionsCommand", words, "");
    expect(&reassign("--list")?, &["No partition reassignments found."])?;
    let file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
    let path = file.path().display();
    let plan = |text: &str| std::fs::write(file.path(), text).map_err(|e| e.to_string());
    plan(r#"{"topics":[{"topic":"tools"}],"version":1}"#)?;
    let proposed = reassign(&format!("--generate --broker-list 1 --topics-to-move-json-file {path}"))?;
    expect(
        &proposed,
        &["Proposed partition reassignment configuration", r#""topic":"tools","partition":1,"replicas":[1]"#],
    )?;
    plan(r#"{"version":1,"partitions":[{"topic":"tools","partition":0,"replicas":[1]}]}"#)?;
    let started = reassign(&format!("--execute --reassignment-json-file {path}"))?;
    expect(&started, &["Successfully started partition reassignment for tools-0"])?;
    let verified = reassign(&format!("--verify --reassignment-json-file {path}"))?;
    expect(&verified, &["Reassignment of partition tools-0 is completed."])?;
    plan(r#"{"version":1,"partitions":[{"topic":"tools","partition":0,"replicas":[2]}]}"#)?;
    refused(reassign(&format!("--execute --reassignment-json-file {path}")), "Unknown broker id 2")
}

/// What must be said of what is refused; some tools end well all the same.
pub fn refused(outcome: Result<String, String>, reason: &str) -> Result<(), String> {
    expect(&outcome.unwrap_or_else(|failed| failed), &[reason])
}

pub fn end_to_end_latency(node: &Node) -> Result<(), String> {
    let words = "--topic tools --num-records 50 --producer-acks all --record-size 20";
    expect(&tool(node, "EndToEndLatency", words, "")?, &["Avg latency:", "Percentiles: 50th ="])
}

pub fn consumer_performance(node: &Node) -> Result<(), String> {
    let output = tool(node, "ConsumerPerformance", "--topic tools --num-records 100 --group perf", "")?;
    expect(&output, &["start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg"])?;
    let mut records = output.lines().filter_map(|line| line.split(", ").nth(4)?.parse::<u64>().ok());
    match records.next() {
        Some(100..) => Ok(()),
        _ => Err(format!("100 records were wanted:\n{output}")),
    }
}

pub fn groups(node: &Node) -> Result<(), String> {
    expect(&tool(node, "GroupsCommand", "--list", "")?, &["perf Classic consumer"])
}

pub fn streams_application_reset(node: &Node) -> Result<(), String> {
    let words = "--application-id perf --input-topics tools --force";
    expect(&tool(node, "StreamsResetter", words, "")?, &["Reset-offsets for input topics [tools]", "Done."])
}

/// Without an authorizer and without a secret for tokens.
pub fn security_refused(node: &Node) -> Result<(), String> {
    refused(tool(node, "AclCommand", "--list", ""), "No Authorizer is configured")?;
    let token = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
    let words = format!("--describe --command-config {}", token.path().display());
    refused(tool(node, "DelegationTokenCommand", &words, ""), "Delegation Token")
}

pub fn client_metrics(node: &Node) -> Result<(), String> {
    let metrics = |words: &str| tool(node, "ClientMetricsCommand", words, "");
    metrics("--alter --name slow --metrics org.apache.kafka.producer. --interval 10000 --match client_id=tools.*")?;
    expect(&metrics("--list")?, &["slow"])?;
    expect(
        &metrics("--describe --name slow")?,
        &["interval.ms=10000", "match=client_id=tools.*", "metrics=org.apache.kafka.producer."],
    )?;
    metrics("--delete --name slow")?;
    if metrics("--list")?.contains("slow") { Err("still listed".into()) } else { Ok(()) }
}
