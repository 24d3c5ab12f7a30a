//! Configs of brokers, client metrics and groups at run time: what is refused and in which words, what is stored, what is shown.

use kafka_protocol::messages::*;

use super::Scenario;
use super::quotas::settled;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("configs_at_run_time::brokers", brokers),
    ("configs_at_run_time::client_metrics", client_metrics),
    ("configs_at_run_time::groups", groups),
];

/// Kinds of resources.
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

fn set(side: &mut Side, kind: i8, name: &str, ops: &[(&str, i8, Option<&str>)], validate: bool) -> Result<(), String> {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let one = |(key, op, value): &(&str, i8, Option<&str>)| {
        AlterableConfig::default().with_name(text(key)).with_config_operation(*op).with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(ops.iter().map(one).collect());
    side.about(format!("resource {kind} {name:?}: {ops:?}"));
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate);
    side.ask(1, &request)?;
    Ok(())
}

fn shown(side: &mut Side, kind: i8, name: &str, keys: Option<&[&str]>) -> Result<(), String> {
    settled(side)?;
    let resource = describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(|key| text(key)).collect()));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(true);
    side.ask_sorted(4, &request, |answer| {
        answer.results.iter_mut().for_each(|result| result.configs.sort_by(|a, b| a.name.cmp(&b.name)));
    })?;
    Ok(())
}

fn list(side: &mut Side, kinds: Vec<i8>) -> Result<(), String> {
    settled(side)?;
    let own = side.name("");
    side.ask_sorted(1, &ListConfigResourcesRequest::default().with_resource_types(kinds), |answer| {
        answer.config_resources.retain(|r| r.resource_name.contains(&*own));
    })?;
    Ok(())
}

fn brokers(side: &mut Side) -> Result<(), String> {
    let cases: &[(&str, &str, &str)] = &[
        ("1", "num.io.threads", "9"),
        ("1", "num.io.threads", "100"),
        ("1", "num.io.threads", "1"),
        ("1", "num.io.threads", "0"),
        ("1", "num.network.threads", "100"),
        ("1", "log.cleaner.threads", "5"),
        ("1", "background.threads", "x"),
        ("1", "max.connections", "1000"),
        ("", "max.connections", "-1"),
        ("1", "max.connections.per.ip", "1000"),
        ("1", "log.retention.ms", "x"),
        ("1", "log.cleanup.policy", "bogus"),
        ("1", "compression.type", "bogus"),
        ("1", "unclean.leader.election.enable", "maybe"),
        ("1", "log.cleaner.io.buffer.load.factor", "x"),
        ("", "listeners", "PLAINTEXT://:1234"),
        ("1", "ssl.keystore.location", "/nowhere"),
        ("1", "log.dirs", "/nowhere"),
        ("1", "auto.create.topics.enable", "false"),
        ("", "group.consumer.assignment.interval.ms", "2000"),
        ("", "no.such.key", "1"),
    ];
    for (name, key, value) in cases {
        set(side, BROKER, name, &[(key, 0, Some(value))], true)?;
    }
    for (key, op) in [("max.connections", 2), ("max.connections", 3), ("no.such.key", 2), ("log.cleanup.policy", 2)] {
        set(side, BROKER, "1", &[(key, op, Some("compact"))], true)?;
    }
    set(side, BROKER, "1", &[("num.io.threads", 0, Some("9")), ("max.connections", 0, Some("5000"))], false)?;
    set(side, BROKER, "", &[("num.io.threads", 0, Some("10"))], false)?;
    shown(side, BROKER, "1", Some(&["num.io.threads", "max.connections"]))?;
    shown(side, BROKER, "", Some(&["num.io.threads", "max.connections"]))?;
    set(side, BROKER, "1", &[("num.io.threads", 1, None), ("max.connections", 1, None)], false)?;
    set(side, BROKER, "", &[("num.io.threads", 1, None)], false)?;
    shown(side, BROKER, "1", Some(&["num.io.threads", "max.connections"]))
}

fn client_metrics(side: &mut Side) -> Result<(), String> {
    let sub = side.name("metrics");
    let cases: &[&[(&str, i8, Option<&str>)]] = &[
        &[("interval.ms", 0, Some("1000")), ("metrics", 0, Some("org.apache.kafka.producer.,x"))],
        &[("match", 0, Some("client_id=a.*,client_software_name=librdkafka"))],
        &[("match", 2, Some("client_source_port=90[0-9]+"))],
        &[("metrics", 3, Some("x"))],
        &[("interval.ms", 0, Some("99"))],
        &[("interval.ms", 0, Some("3600001"))],
        &[("interval.ms", 0, Some("x"))],
        &[("interval.ms", 2, Some("1"))],
        &[("match", 0, Some("client_id"))],
        &[("match", 0, Some("nothing=a"))],
        &[("match", 0, Some("client_id=("))],
        &[("no.such.key", 0, Some("1"))],
    ];
    for ops in cases {
        set(side, CLIENT_METRICS, &sub, ops, false)?;
    }
    set(side, CLIENT_METRICS, "", &[("interval.ms", 0, Some("1000"))], false)?;
    shown(side, CLIENT_METRICS, &sub, None)?;
    list(side, vec![CLIENT_METRICS])?;
    set(side, CLIENT_METRICS, &sub, &[("interval.ms", 1, None), ("match", 1, None), ("metrics", 1, None)], false)?;
    list(side, vec![CLIENT_METRICS])
}

fn groups(side: &mut Side) -> Result<(), String> {
    let group = side.name("group");
    let cases: &[(&str, &str)] = &[
        ("share.session.timeout.ms", "50000"),
        ("share.session.timeout.ms", "1000"),
        ("share.session.timeout.ms", "100000"),
        ("share.heartbeat.interval.ms", "1"),
        ("share.heartbeat.interval.ms", "0"),
        ("share.record.lock.duration.ms", "20000"),
        ("share.record.lock.duration.ms", "1000"),
        ("share.record.lock.duration.ms", "70000"),
        ("share.auto.offset.reset", "earliest"),
        ("share.auto.offset.reset", "by_duration:PT1H"),
        ("share.auto.offset.reset", "never"),
        ("share.isolation.level", "read_committed"),
        ("share.isolation.level", "READ_COMMITTED"),
        ("share.isolation.level", "x"),
        ("share.delivery.count.limit", "3"),
        ("share.delivery.count.limit", "11"),
        ("share.delivery.count.limit", "1"),
        ("share.partition.max.record.locks", "5000"),
        ("share.renew.acknowledge.enable", "x"),
        ("share.assignment.interval.ms", "20000"),
        ("streams.session.timeout.ms", "1"),
        ("streams.num.standby.replicas", "3"),
        ("streams.num.standby.replicas", "1"),
        ("streams.initial.rebalance.delay.ms", "-1"),
        ("streams.heartbeat.interval.ms", "20000"),
        ("consumer.session.timeout.ms", "x"),
        ("consumer.session.timeout.ms", "-1"),
        ("consumer.heartbeat.interval.ms", "1"),
        ("no.such.key", "1"),
    ];
    for (key, value) in cases {
        set(side, GROUP, &group, &[(key, 0, Some(value))], true)?;
    }
    set(side, GROUP, &group, &[("share.session.timeout.ms", 0, Some("50000"))], false)?;
    shown(side, GROUP, &group, None)?;
    set(side, GROUP, &group, &[("share.session.timeout.ms", 1, None)], false)
}
