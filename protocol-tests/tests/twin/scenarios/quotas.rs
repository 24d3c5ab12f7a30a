//! Client quotas, SCRAM credentials, configs of brokers, groups and client metrics at run time, voters of the quorum: what is
//! refused and in which words, what is stored, what is shown.

use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::*;

use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use crate::side::{Side, text};

/// How long a change may take until it is seen.
const LIMIT: Duration = Duration::from_secs(30);

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("quotas::alter", alter),
    ("quotas::refused", refused),
    ("quotas::filters", filters),
    ("quotas::scram", scram),
    ("quotas::configs_at_run_time", configs_at_run_time),
    ("quotas::raft_voters", raft_voters),
];

type Parts<'a> = &'a [(&'a str, Option<&'a str>)];
type Ops<'a> = &'a [(&'a str, f64, bool)];

fn entry(parts: Parts<'_>, ops: Ops<'_>) -> EntryData {
    let entity = |(kind, name): &(&str, Option<&str>)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    };
    let op = |(key, value, remove): &(&str, f64, bool)| {
        OpData::default().with_key(text(key)).with_value(*value).with_remove(*remove)
    };
    EntryData::default().with_entity(parts.iter().map(entity).collect()).with_ops(ops.iter().map(op).collect())
}

/// Asks, with entities in the order of their names.
fn change(side: &mut Side, version: i16, entries: Vec<EntryData>, validate_only: bool) -> Result<(), String> {
    let request = AlterClientQuotasRequest::default().with_entries(entries).with_validate_only(validate_only);
    side.ask_sorted(version, &request, |answer| {
        for entry in &mut answer.entries {
            entry.entity.sort_by(|a, b| a.entity_type.cmp(&b.entity_type));
        }
        answer.entries.sort_by_key(|entry| format!("{:?}", entry.entity));
    })?;
    Ok(())
}

fn component(kind: &str, how: i8, name: Option<&str>) -> ComponentData {
    ComponentData::default().with_entity_type(text(kind)).with_match_type(how).with_match(name.map(text))
}

/// Waits until all that was changed is seen: a broker of Kafka learns of it a moment after the controller has answered. Changes come
/// in one log, so that a last one shows that all are there.
fn settled(side: &mut Side) -> Result<(), String> {
    let mark = side.name("").replace("quotas-", "mark-");
    let filter = DescribeClientQuotasRequest::default().with_components(vec![component("user", 0, Some(&mark))]);
    let rate = |answer: &DescribeClientQuotasResponse| {
        answer.entries.iter().flatten().flat_map(|entry| &entry.values).map(|value| value.value).next()
    };
    let before = side.quietly(1, &filter)?.as_ref().and_then(rate).unwrap_or(0.0);
    let next = before + 1.0;
    let marked = entry(&[("user", Some(&mark))], &[("producer_byte_rate", next, false)]);
    side.quietly(1, &AlterClientQuotasRequest::default().with_entries(vec![marked]))?;
    until("a change that is seen", LIMIT, || match side.quietly(1, &filter) {
        Ok(answer) => (answer.as_ref().and_then(rate) == Some(next)).then_some(Ok(())),
        Err(error) => Some(Err(error)),
    })?
}

/// Asks, sorted, and of entities of other scenarios nothing.
fn show(side: &mut Side, version: i16, components: Vec<ComponentData>, strict: bool) -> Result<(), String> {
    settled(side)?;
    let own = side.name("");
    let request = DescribeClientQuotasRequest::default().with_components(components).with_strict(strict);
    side.ask_sorted(version, &request, |answer| {
        let Some(entries) = &mut answer.entries else { return };
        entries.retain(|entry| format!("{entry:?}").contains(&own));
        for entry in entries.iter_mut() {
            entry.entity.sort_by(|a, b| a.entity_type.cmp(&b.entity_type));
            entry.values.sort_by(|a, b| a.key.cmp(&b.key));
        }
        entries.sort_by_key(|entry| format!("{:?}", entry.entity));
    })?;
    Ok(())
}

fn alter(side: &mut Side) -> Result<(), String> {
    let (user, client) = (side.name("user"), side.name("client"));
    let of_user: Parts<'_> = &[("user", Some(&user))];
    let of_both: Parts<'_> = &[("user", Some(&user)), ("client-id", Some(&client))];
    for version in 0..=1 {
        let entries = || {
            vec![
                entry(of_user, &[("producer_byte_rate", 1e6, false), ("request_percentage", 12.5, false)]),
                entry(of_both, &[("consumer_byte_rate", 2e6, false), ("controller_mutation_rate", 0.5, false)]),
                entry(&[("client-id", Some(&client))], &[("consumer_byte_rate", 1e18, false)]),
            ]
        };
        for validate_only in [true, false] {
            change(side, version, entries(), validate_only)?;
            show(side, version, vec![], false)?;
        }
        side.about("one is set again, one is taken back, one was never there");
        let ops: Ops<'_> =
            &[("producer_byte_rate", 5.0, false), ("request_percentage", 0.0, true), ("consumer_byte_rate", 0.0, true)];
        change(side, version, vec![entry(of_user, ops)], false)?;
        show(side, version, vec![], false)?;
        side.about("all are taken back");
        let gone = vec![
            entry(of_user, &[("producer_byte_rate", 0.0, true)]),
            entry(of_both, &[("consumer_byte_rate", 0.0, true), ("controller_mutation_rate", 0.0, true)]),
            entry(&[("client-id", Some(&client))], &[("consumer_byte_rate", 0.0, true)]),
        ];
        change(side, version, gone, false)?;
        show(side, version, vec![], false)?;
    }
    Ok(())
}

fn refused(side: &mut Side) -> Result<(), String> {
    let user = side.name("user");
    let of_user: Parts<'_> = &[("user", Some(&user))];
    let cases: &[(Parts<'_>, Ops<'_>)] = &[
        (&[], &[("producer_byte_rate", 1.0, false)]),
        (&[("who", Some("x"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("", Some("x"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("user", Some(""))], &[("producer_byte_rate", 1.0, false)]),
        (&[("client-id", Some(""))], &[("producer_byte_rate", 1.0, false)]),
        (&[("user", Some("u")), ("ip", Some("1.2.3.4"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("ip", Some("not an address"))], &[("connection_creation_rate", 1.0, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("connection_creation_rate", 1.5, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("connection_creation_rate", 3e9, false)]),
        (of_user, &[("no_such_key", 1.0, false)]),
        (of_user, &[("no_such_key", 1.0, true)]),
        (of_user, &[("connection_creation_rate", 1.0, false)]),
        (of_user, &[("producer_byte_rate", 0.0, false)]),
        (of_user, &[("producer_byte_rate", -1.0, false)]),
        (of_user, &[("producer_byte_rate", 1.5, false)]),
        (of_user, &[("producer_byte_rate", 1.000_000_1, false)]),
        (of_user, &[("producer_byte_rate", 1e19, false)]),
        (of_user, &[("request_percentage", 0.0, false)]),
        (of_user, &[("request_percentage", 1.0, false), ("no_such_key", 1.0, false)]),
        (of_user, &[("producer_byte_rate", 1.0, false), ("producer_byte_rate", 2.0, false)]),
        (of_user, &[]),
    ];
    for (parts, ops) in cases {
        side.about(format!("{parts:?} {ops:?}"));
        change(side, 1, vec![entry(parts, ops)], false)?;
    }
    side.about("in the first version");
    change(side, 0, vec![entry(of_user, &[("no_such_key", 1.0, false)])], false)?;
    side.about("one entity twice");
    let twice = |rate| entry(of_user, &[("consumer_byte_rate", rate, false)]);
    change(side, 1, vec![twice(1.0), twice(2.0)], false)?;
    side.about("nothing at all");
    change(side, 1, vec![], false)?;
    side.about("what has become of it");
    show(side, 1, vec![], false)?;
    let all: Vec<(&str, f64, bool)> =
        ["producer_byte_rate", "consumer_byte_rate", "request_percentage"].map(|key| (key, 0.0, true)).into();
    change(side, 1, vec![entry(of_user, &all)], false)
}

fn filters(side: &mut Side) -> Result<(), String> {
    let (user, client) = (side.name("user"), side.name("client"));
    let entities: &[Parts<'_>] = &[
        &[("user", Some(&user))],
        &[("client-id", Some(&client))],
        &[("user", Some(&user)), ("client-id", Some(&client))],
        &[("user", Some(&user)), ("client-id", None)],
        &[("user", None), ("client-id", Some(&client))],
    ];
    let key = "controller_mutation_rate";
    change(side, 1, entities.iter().map(|parts| entry(parts, &[(key, 1e6, false)])).collect(), false)?;
    let (exact, default, any) = (0, 1, 2);
    let user_is = || component("user", exact, Some(&user));
    let cases = vec![
        vec![],
        vec![user_is()],
        vec![component("user", default, None)],
        vec![component("user", any, None)],
        vec![component("client-id", any, None)],
        vec![user_is(), component("client-id", default, None)],
        vec![user_is(), component("client-id", any, None)],
        vec![component("user", any, None), component("client-id", any, None)],
        vec![component("ip", any, None)],
        vec![component("user", exact, Some("nobody"))],
        // What is refused.
        vec![component("", exact, Some("x"))],
        vec![component("who", exact, Some("x"))],
        vec![user_is(), user_is()],
        vec![component("user", exact, None)],
        vec![component("user", default, Some("x"))],
        vec![component("user", any, Some("x"))],
        vec![component("user", 3, None)],
        vec![component("user", any, None), component("ip", any, None)],
    ];
    for version in 0..=1 {
        for components in &cases {
            for strict in [false, true] {
                side.about(format!("{components:?}, strict {strict}"));
                show(side, version, components.clone(), strict)?;
            }
        }
    }
    change(side, 1, entities.iter().map(|parts| entry(parts, &[(key, 0.0, true)])).collect(), false)
}

fn scram(side: &mut Side) -> Result<(), String> {
    let (anna, bert) = (side.name("anna"), side.name("bert"));
    let up = |user: &str, mechanism: i8, iterations: i32| {
        ScramCredentialUpsertion::default()
            .with_name(text(user))
            .with_mechanism(mechanism)
            .with_iterations(iterations)
            .with_salt(vec![1u8, 2, 3].into())
            .with_salted_password(vec![9u8; 32].into())
    };
    let down =
        |user: &str, mechanism: i8| ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(mechanism);
    let cases = vec![
        (vec![], vec![]),
        (vec![], vec![up(&anna, 1, 4096)]),
        (vec![], vec![up(&anna, 2, 16384), up(&bert, 1, 5000)]),
        (vec![], vec![up(&anna, 1, 4095)]),
        (vec![], vec![up(&anna, 1, 16385)]),
        (vec![], vec![up(&anna, 0, 4096)]),
        (vec![], vec![up(&anna, 3, 4096)]),
        (vec![], vec![up("", 1, 4096)]),
        (vec![], vec![up(&anna, 1, 4096), up(&anna, 2, 4096)]),
        (vec![], vec![up(&anna, 1, 1), up(&anna, 2, 4096)]),
        (vec![down(&anna, 1)], vec![up(&anna, 1, 8192)]),
        (vec![down(&bert, 2)], vec![]),
        (vec![down("nobody", 1)], vec![]),
        (vec![down(&bert, 1), down(&bert, 1)], vec![]),
        (vec![down(&bert, 0), down("", 1)], vec![]),
        (vec![down(&bert, 1)], vec![up(&anna, 1, 8192)]),
    ];
    for (deletions, upsertions) in cases {
        side.about(format!("{} deletions, {} upsertions", deletions.len(), upsertions.len()));
        let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions).with_upsertions(upsertions);
        side.ask_sorted(0, &request, |answer| answer.results.sort_by(|a, b| a.user.cmp(&b.user)))?;
        show_scram(side, Some(&[&anna, &bert]))?;
    }
    show_scram(side, Some(&["nobody"]))?;
    show_scram(side, Some(&[&anna, &anna, ""]))?;
    show_scram(side, Some(&[]))?;
    show_scram(side, None)?;
    let all = AlterUserScramCredentialsRequest::default().with_deletions(vec![down(&anna, 1)]);
    side.ask(0, &all)?;
    let all = AlterUserScramCredentialsRequest::default().with_deletions(vec![down(&anna, 2)]);
    side.ask(0, &all)?;
    show_scram(side, None)
}

fn show_scram(side: &mut Side, users: Option<&[&str]>) -> Result<(), String> {
    settled(side)?;
    let users = users.map(|users| users.iter().map(|user| UserName::default().with_name(text(user))).collect());
    side.ask_sorted(0, &DescribeUserScramCredentialsRequest::default().with_users(users), |answer| {
        answer.results.sort_by(|a, b| a.user.cmp(&b.user));
        answer.results.iter_mut().for_each(|r| r.credential_infos.sort_by_key(|info| info.mechanism));
    })?;
    Ok(())
}

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

fn configs_at_run_time(side: &mut Side) -> Result<(), String> {
    const BROKER: i8 = 4;
    const CLIENT_METRICS: i8 = 16;
    const GROUP: i8 = 32;
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
    shown(side, BROKER, "1", Some(&["num.io.threads", "max.connections"]))?;

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
    list(side, vec![CLIENT_METRICS])?;

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

fn list(side: &mut Side, kinds: Vec<i8>) -> Result<(), String> {
    settled(side)?;
    let own = side.name("");
    side.ask_sorted(1, &ListConfigResourcesRequest::default().with_resource_types(kinds), |answer| {
        answer.config_resources.retain(|r| r.resource_name.contains(&*own));
    })?;
    Ok(())
}

fn raft_voters(side: &mut Side) -> Result<(), String> {
    let listener = add_raft_voter_request::Listener::default()
        .with_name(text("CONTROLLER"))
        .with_host(text("localhost"))
        .with_port(9);
    let directory = uuid::Uuid::from_u128(7);
    for (cluster_id, id, directory) in
        [(None, 2, directory), (None, -1, directory), (None, 2, uuid::Uuid::nil()), (None, 1, directory)]
    {
        side.about(format!("cluster {cluster_id:?}, voter {id} in {directory}"));
        let request = AddRaftVoterRequest::default()
            .with_cluster_id(cluster_id.map(text))
            .with_timeout_ms(1000)
            .with_voter_id(id)
            .with_voter_directory_id(directory)
            .with_listeners(vec![listener.clone()]);
        side.ask(0, &request)?;
        side.about(format!("cluster {cluster_id:?}, voter {id} in {directory}"));
        let request = RemoveRaftVoterRequest::default()
            .with_cluster_id(cluster_id.map(text))
            .with_voter_id(id)
            .with_voter_directory_id(directory);
        side.ask(0, &request)?;
    }
    Ok(())
}
