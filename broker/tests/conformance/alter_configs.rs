//! IncrementalAlterConfigs, AlterConfigs and ListConfigResources; and that a change acts on the live topic.

use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;

use super::topic_configs::{describe, synonyms};
use crate::support::client::Client;
use crate::support::records::batch;
use crate::support::requests::{append, create_topic, produce_in};
use crate::support::{Broker, text};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

pub type Op<'a> = (&'a str, i8, Option<&'a str>);

fn resource(kind: i8, name: &str, ops: &[Op<'_>]) -> AlterConfigsResource {
    let op = |(name, kind, value): &Op<'_>| {
        AlterableConfig::default().with_name(text(name)).with_config_operation(*kind).with_value(value.map(text))
    };
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(ops.iter().map(op).collect())
}

fn alter_all(client: &mut Client, resources: Vec<AlterConfigsResource>, validate_only: bool) -> Vec<(i16, String)> {
    let request = IncrementalAlterConfigsRequest::default().with_resources(resources).with_validate_only(validate_only);
    let answers = client.call(1, &request).responses;
    answers.into_iter().map(|a| (a.error_code, a.error_message.map(|m| m.to_string()).unwrap_or_default())).collect()
}

pub fn alter(client: &mut Client, kind: i8, name: &str, ops: &[Op<'_>]) -> (i16, String) {
    alter_all(client, vec![resource(kind, name, ops)], false).remove(0)
}

fn value(client: &mut Client, topic: &str, key: &str) -> (String, i8) {
    let config = describe(client, TOPIC, topic, Some(&[key])).configs.remove(0);
    (config.value.unwrap().to_string(), config.config_source)
}

fn none() -> (i16, String) {
    (0, String::new())
}

#[test]
fn set_delete_append_and_subtract_show_at_once() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    let set = [("retention.ms", SET, Some("9")), ("cleanup.policy", APPEND, Some("compact"))];
    assert_eq!(alter(&mut client, TOPIC, "t", &set), none());
    assert_eq!(value(&mut client, "t", "retention.ms"), ("9".into(), 1));
    assert_eq!(value(&mut client, "t", "cleanup.policy"), ("delete,compact".into(), 1));
    let back = [("retention.ms", DELETE, None), ("cleanup.policy", SUBTRACT, Some("delete"))];
    assert_eq!(alter(&mut client, TOPIC, "t", &back), none());
    assert_eq!(value(&mut client, "t", "retention.ms"), ("604800000".into(), 5));
    assert_eq!(value(&mut client, "t", "cleanup.policy"), ("compact".into(), 1));
}

#[test]
fn what_cannot_be_is_refused_as_kafka_refuses_it() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    let cases: &[(i8, &str, &[Op<'_>], i16, &str)] = &[
        (TOPIC, "t", &[("no.such", SET, Some("1"))], 40, "Unknown topic config name: no.such"),
        (
            TOPIC,
            "t",
            &[("retention.ms", SET, Some("soon"))],
            40,
            "Invalid value soon for configuration retention.ms: Not a number of type LONG",
        ),
        (
            TOPIC,
            "t",
            &[("retention.ms", APPEND, Some("1"))],
            40,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (
            TOPIC,
            "t",
            &[("min.compaction.lag.ms", SET, Some("5")), ("max.compaction.lag.ms", SET, Some("4"))],
            40,
            "conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)",
        ),
        (TOPIC, "t", &[("retention.ms", SET, None)], 42, "Null value not supported for : retention.ms"),
        (
            TOPIC,
            "t",
            &[("retention.ms", SET, Some("1")), ("retention.ms", DELETE, None)],
            42,
            "Error due to duplicate config keys",
        ),
        (TOPIC, "t", &[("retention.ms", 7, Some("1"))], 42, "Unknown operations type 7"),
        (TOPIC, "nowhere", &[("retention.ms", SET, Some("1"))], 3, "The topic 'nowhere' does not exist."),
        (TOPIC, "", &[("retention.ms", SET, Some("1"))], 42, "Default topic resources are not allowed."),
        (BROKER, "2", &[], 42, "Unexpected broker id, expected 1, but received 2"),
        (BROKER, "one", &[], 42, "Node id must be an integer, but it is: one"),
        (BROKER, "1", &[("log.dirs", SET, Some("/x"))], 42, "Cannot update these configs dynamically: [log.dirs]"),
        (77, "t", &[], 42, "Unknown resource type 77"),
    ];
    for (kind, name, ops, code, message) in cases {
        assert_eq!(alter(&mut client, *kind, name, ops), (*code, (*message).to_owned()), "{name} {ops:?}");
    }
    assert_eq!(value(&mut client, "t", "retention.ms"), ("604800000".into(), 5));
}

#[test]
fn each_entry_is_answered_for_itself_and_in_its_place() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    create_topic(&mut client, "u", 1, &[]);
    let set = [("retention.ms", SET, Some("9"))];
    let resources = ["u", "nowhere", "t", "u"].map(|name| resource(TOPIC, name, &set));
    let repeated = (42, "Each resource must appear at most once.".to_owned());
    let expected = vec![repeated.clone(), (3, "The topic 'nowhere' does not exist.".to_owned()), none(), repeated];
    assert_eq!(alter_all(&mut client, resources.clone().into(), true), expected);
    assert_eq!(value(&mut client, "t", "retention.ms").0, "604800000", "it was only checked");
    assert_eq!(alter_all(&mut client, resources.into(), false), expected);
    assert_eq!(value(&mut client, "t", "retention.ms").0, "9");
    assert_eq!(value(&mut client, "u", "retention.ms").0, "604800000");
}

#[test]
fn the_older_request_replaces_everything() {
    use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[("segment.ms", "5"), ("retention.ms", "6")]);
    let mut replace = |configs: &[(&str, Option<&str>)]| {
        let config =
            |(n, v): &(&str, Option<&str>)| AlterableConfig::default().with_name(text(n)).with_value(v.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text("t"))
            .with_configs(configs.iter().map(config).collect());
        client.call(2, &AlterConfigsRequest::default().with_resources(vec![resource])).responses.remove(0)
    };
    assert_eq!(replace(&[("retention.ms", None)]).error_code, 42, "INVALID_REQUEST: null");
    assert_eq!(replace(&[("retention.ms", Some("1")), ("retention.ms", Some("2"))]).error_code, 42, "twice");
    assert_eq!(replace(&[("retention.ms", Some("7"))]).error_code, 0);
    assert_eq!(value(&mut client, "t", "retention.ms"), ("7".into(), 1));
    assert_eq!(value(&mut client, "t", "segment.ms"), ("604800000".into(), 5));
}

#[test]
fn a_change_acts_on_the_live_topic_and_outlives_a_restart() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &[]);
    let large = batch(&[&"x".repeat(2000)]);
    append(&mut client, &t, &large);
    assert_eq!(alter(&mut client, TOPIC, "t", &[("max.message.bytes", SET, Some("1000"))]), none());
    assert_eq!(produce_in(&mut client, 13, &t, 0, &large, None).error_code, 10, "MESSAGE_TOO_LARGE");
    assert_eq!(alter(&mut client, TOPIC, "t", &[("min.insync.replicas", SET, Some("2"))]), none());
    // Kafka asks for no more replicas in sync than a partition has (Partition.effectiveMinIsr; the twin's produce::acks).
    assert_eq!(produce_in(&mut client, 13, &t, 0, &batch(&["x"]), None).error_code, 0);
    broker.restart();
    let mut client = broker.client();
    assert_eq!(produce_in(&mut client, 13, &t, 0, &large, None).error_code, 10, "MESSAGE_TOO_LARGE");
    let back = [("min.insync.replicas", DELETE, None), ("max.message.bytes", DELETE, None)];
    assert_eq!(alter(&mut client, TOPIC, "t", &back), none());
    assert_eq!(append(&mut client, &t, &large), 2);
}

#[test]
fn the_brokers_own_keys_stand_behind_those_of_topics() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &[]);
    assert_eq!(alter(&mut client, BROKER, "", &[("message.max.bytes", SET, Some("1500"))]), none());
    assert_eq!(alter(&mut client, BROKER, "1", &[("message.max.bytes", SET, Some("1000"))]), none());
    let large = batch(&[&"x".repeat(2000)]);
    assert_eq!(produce_in(&mut client, 13, &t, 0, &large, None).error_code, 10, "MESSAGE_TOO_LARGE");
    let check = |client: &mut Client| {
        let expected = [
            ("message.max.bytes", Some("1000"), 2),
            ("message.max.bytes", Some("1500"), 3),
            ("message.max.bytes", Some("1048588"), 5),
        ];
        let of_topic = describe(client, TOPIC, "t", Some(&["max.message.bytes"])).configs.remove(0);
        assert_eq!((of_topic.value.as_deref(), synonyms(&of_topic)), (Some("1000"), expected.to_vec()));
        let of_broker = describe(client, BROKER, "1", Some(&["message.max.bytes"])).configs.remove(0);
        assert_eq!((of_broker.config_source, synonyms(&of_broker)), (2, expected.to_vec()));
        let of_all = describe(client, BROKER, "", None);
        assert_eq!((of_all.configs.len(), synonyms(&of_all.configs[0])), (1, expected[1..2].to_vec()));
    };
    check(&mut client);
    broker.restart();
    check(&mut broker.client());
}

#[test]
fn names_of_what_has_configs() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    let mut list = |kinds: &[i8]| {
        let answer = client.call(1, &ListConfigResourcesRequest::default().with_resource_types(kinds.into()));
        let named: Vec<(i8, String)> =
            answer.config_resources.iter().map(|r| (r.resource_type, r.resource_name.to_string())).collect();
        (answer.error_code, named)
    };
    assert_eq!(list(&[TOPIC]), (0, vec![(TOPIC, "t".to_owned())]));
    let all = vec![(TOPIC, "t".to_owned()), (BROKER, "1".to_owned()), (8, "1".to_owned())];
    assert_eq!(list(&[]), (0, all));
    assert_eq!(list(&[16, 32]), (0, vec![]));
    assert_eq!(list(&[TOPIC, 77]), (35, vec![]), "UNSUPPORTED_VERSION");
}
