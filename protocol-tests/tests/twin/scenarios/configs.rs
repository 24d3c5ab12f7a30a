//! DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources: what is in force, and how it is changed.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::{alter_configs_request, incremental_alter_configs_request, *};

use super::Scenario;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("configs::describe_topics", describe_topics),
    ("configs::describe_broker", describe_broker),
    ("configs::describe_others", describe_others),
    ("configs::incremental", incremental),
    ("configs::incremental_of_others", incremental_of_others),
    ("configs::replace", replace),
    ("configs::list_resources", list_resources),
];

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn resource(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResource {
    DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(|k| text(k)).collect()))
}

/// Asks, with configs in the order of their names.
fn describe(side: &mut Side, version: i16, resources: Vec<DescribeConfigsResource>, all: bool) -> Result<(), String> {
    let request = DescribeConfigsRequest::default().with_resources(resources).with_include_synonyms(all);
    let request = if version >= 3 { request.with_include_documentation(all) } else { request };
    side.ask_sorted(version, &request, |answer| {
        for result in &mut answer.results {
            result.configs.sort_by(|a, b| a.name.cmp(&b.name));
            result.configs.retain(|c| !is_our_own(&c.name));
            result.configs.iter_mut().for_each(same_everywhere);
        }
    })?;
    Ok(())
}

/// Where brokers lie, how they are named, and what Kafka's storage tool sets (KIP-966): each broker's own.
fn same_everywhere(config: &mut DescribeConfigsResourceResult) {
    // What is said of a key is each broker's own words.
    config.documentation = config.documentation.as_ref().map(|words| text(if words.is_empty() { "" } else { "words" }));
    if config.name.as_str() == "min.insync.replicas" {
        config.config_source = config.config_source.max(5);
        config.synonyms.retain(|s| s.source != 3);
    }
}

/// Keys that say how, and as what, a broker was started.
const AS_STARTED: &[&str] = &[
    "advertised.listeners",
    "broker.id",
    "broker.rack",
    "controller.listener.names",
    "controller.quorum.voters",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
    "min.insync.replicas",
    "node.id",
    "process.roles",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor",
];

fn is_our_own(name: &str) -> bool {
    name == "http.listeners" || name.starts_with("forebay.")
}

fn describe_topics(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[("retention.ms", "5000"), ("cleanup.policy", "compact")])?;
    for version in 1..=4 {
        for all in [false, true] {
            side.about(format!("two keys and one that is not, everything {all}"));
            let keys: &[&str] = &["retention.ms", "segment.bytes", "no.such.key"];
            describe(side, version, vec![resource(TOPIC, &made.name, Some(keys))], all)?;
        }
    }
    side.about("all keys");
    describe(side, 4, vec![resource(TOPIC, &made.name, None)], true)?;
    for version in 1..=3 {
        describe(side, version, vec![resource(TOPIC, "nowhere", None)], false)?;
    }
    side.about("no keys");
    describe(side, 4, vec![resource(TOPIC, &made.name, Some(&[]))], false)?;
    for name in ["nowhere", "", "bad/name"] {
        side.about(format!("topic {name:?}"));
        describe(side, 4, vec![resource(TOPIC, name, None)], false)?;
    }
    Ok(())
}

fn describe_broker(side: &mut Side) -> Result<(), String> {
    for name in ["2", "-1", "one"] {
        side.about(format!("broker {name:?}"));
        describe(side, 4, vec![resource(BROKER, name, None)], false)?;
    }
    side.about("all brokers");
    describe(side, 4, vec![resource(BROKER, "", Some(&["log.retention.ms"]))], true)?;
    for version in [1, 3, 4] {
        side.about("some keys");
        let keys: &[&str] = &[
            "log.retention.ms",
            "log.retention.hours",
            "message.max.bytes",
            "num.io.threads",
            "ssl.keystore.password",
        ];
        describe(side, version, vec![resource(BROKER, "1", Some(keys))], true)?;
    }
    side.about("names, types and what may be changed of all keys");
    let request = DescribeConfigsRequest::default().with_resources(vec![resource(BROKER, "1", None)]);
    let answer = side.quietly(4, &request)?.ok_or("closed")?;
    let mut lines: Vec<String> = answer.results[0]
        .configs
        .iter()
        .filter(|c| !is_our_own(&c.name))
        .map(|c| {
            let own = AS_STARTED.contains(&c.name.as_str());
            let value = if own { "*" } else { c.value.as_ref().map_or("null", |v| v.as_str()) };
            let source = if own { 0 } else { c.config_source };
            let (kind, only, hidden) = (c.config_type, c.read_only, c.is_sensitive);
            format!("{} = {value}: type {kind} source {source} read-only {only} sensitive {hidden}", c.name)
        })
        .collect();
    lines.sort();
    side.write_down("DescribeConfigs of the broker", &lines.join("\n"));
    Ok(())
}

fn describe_others(side: &mut Side) -> Result<(), String> {
    for (kind, name) in
        [(8, ""), (16, "metrics"), (16, ""), (32, ""), (0, "a"), (1, "a"), (3, "a"), (64, "a"), (8, "9")]
    {
        side.about(format!("resource {kind} {name:?}"));
        describe(side, 4, vec![resource(kind, name, None)], true)?;
    }
    Ok(())
}

type Op<'a> = (&'a str, i8, Option<&'a str>);

fn alter(side: &mut Side, version: i16, kind: i8, name: &str, ops: &[Op<'_>], validate: bool) -> Result<(), String> {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let one = |(key, op, value): &Op<'_>| {
        AlterableConfig::default().with_name(text(key)).with_config_operation(*op).with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(ops.iter().map(one).collect());
    side.about(format!("resource {kind} {name:?}: {ops:?}, validate {validate}"));
    side.ask(
        version,
        &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate),
    )?;
    Ok(())
}

fn incremental(side: &mut Side) -> Result<(), String> {
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    const APPEND: i8 = 2;
    const SUBTRACT: i8 = 3;
    let made = side.topic("t", 1, &[])?;
    let cases: &[&[Op<'_>]] = &[
        &[("retention.ms", SET, Some("1000"))],
        &[("retention.ms", SET, Some("x"))],
        &[("retention.ms", SET, None)],
        &[("retention.ms", APPEND, Some("1"))],
        &[("retention.ms", SUBTRACT, Some("1"))],
        &[("retention.ms", DELETE, Some("ignored"))],
        &[("no.such.key", SET, Some("1"))],
        &[("no.such.key", DELETE, None)],
        &[("no.such.key", APPEND, Some("1"))],
        &[("cleanup.policy", APPEND, Some("compact"))],
        &[("cleanup.policy", SUBTRACT, Some("delete"))],
        &[("cleanup.policy", SUBTRACT, Some("never there"))],
        &[("cleanup.policy", APPEND, Some("bogus"))],
        &[("cleanup.policy", APPEND, None)],
        &[("retention.ms", SET, Some("1")), ("retention.ms", SET, Some("2"))],
        &[("retention.ms", SET, Some("1")), ("segment.ms", SET, Some("0"))],
        &[("segment.bytes", SET, Some("1"))],
        &[("min.insync.replicas", SET, Some("0"))],
        &[],
    ];
    for version in 0..=1 {
        for ops in cases {
            alter(side, version, TOPIC, &made.name, ops, true)?;
            alter(side, version, TOPIC, &made.name, ops, false)?;
        }
    }
    for name in ["nowhere", "", "bad/name", "__consumer_offsets2"] {
        alter(side, 1, TOPIC, name, &[("retention.ms", SET, Some("1"))], false)?;
    }
    side.settle()?;
    side.about("what has become of it");
    describe(side, 4, vec![resource(TOPIC, &made.name, Some(&["retention.ms", "cleanup.policy", "segment.ms"]))], true)
}

fn incremental_of_others(side: &mut Side) -> Result<(), String> {
    for (kind, name, key, value) in [
        (BROKER, "1", "log.retention.ms", Some("1000000")),
        (BROKER, "1", "message.max.bytes", Some("x")),
        (BROKER, "", "message.max.bytes", Some("-1")),
        (BROKER, "1", "node.id", Some("2")),
        (BROKER, "", "log.retention.ms", Some("1000000")),
        (BROKER, "2", "log.retention.ms", Some("1000000")),
        (BROKER, "x", "log.retention.ms", Some("1000000")),
        (0, "x", "y", Some("z")),
        (3, "x", "y", Some("z")),
    ] {
        alter(side, 1, kind, name, &[(key, 0, value)], true)?;
    }
    Ok(())
}

fn replace(side: &mut Side) -> Result<(), String> {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let made = side.topic("t", 1, &[("segment.ms", "77777")])?;
    let one = |(key, value): &(&str, Option<&str>)| {
        AlterableConfig::default().with_name(text(key)).with_value(value.map(text))
    };
    let cases: &[&[(&str, Option<&str>)]] = &[
        &[("retention.ms", Some("1000"))],
        &[("retention.ms", Some("x"))],
        &[("retention.ms", None)],
        &[("no.such.key", Some("1"))],
        &[("retention.ms", Some("1")), ("retention.ms", Some("2"))],
        &[],
    ];
    for version in 0..=2 {
        for configs in cases {
            for (kind, name) in [(TOPIC, made.name.as_str()), (TOPIC, "nowhere")] {
                side.about(format!("resource {kind} {name:?}: {configs:?}"));
                let resource = AlterConfigsResource::default()
                    .with_resource_type(kind)
                    .with_resource_name(text(name))
                    .with_configs(configs.iter().map(one).collect());
                side.ask(version, &AlterConfigsRequest::default().with_resources(vec![resource]))?;
            }
            side.settle()?;
            side.about("what has become of it");
            describe(side, 4, vec![resource(TOPIC, &made.name, Some(&["retention.ms", "segment.ms"]))], true)?;
        }
    }
    Ok(())
}

fn list_resources(side: &mut Side) -> Result<(), String> {
    let own = side.name("t");
    side.topic("t", 1, &[])?;
    for version in 0..=1 {
        for kinds in if version == 0 {
            vec![vec![]]
        } else {
            vec![vec![], vec![2], vec![4], vec![8], vec![2, 4], vec![99], vec![0], vec![16]]
        } {
            side.about(format!("of {kinds:?}"));
            let request = ListConfigResourcesRequest::default().with_resource_types(kinds);
            side.ask_sorted(version, &request, |a| {
                a.config_resources.retain(|r| r.resource_type != 2 || r.resource_name.as_str() == own);
                a.config_resources
                    .sort_by(|a, b| (a.resource_type, &a.resource_name).cmp(&(b.resource_type, &b.resource_name)));
            })?;
        }
    }
    Ok(())
}
