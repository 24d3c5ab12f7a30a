//! DescribeConfigs.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::requests::create_topic;
use crate::support::{Broker, text};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Sources as Kafka's `DescribeConfigsResponse.ConfigSource` numbers them.
const OF_TOPIC: i8 = 1;
const OF_FILE: i8 = 4;
const DEFAULT: i8 = 5;

pub fn describe(client: &mut Client, kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(|k| text(k)).collect()));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true)
        .with_include_documentation(true);
    client.call(4, &request).results.remove(0)
}

pub fn synonyms(config: &DescribeConfigsResourceResult) -> Vec<(&str, Option<&str>, i8)> {
    config.synonyms.iter().map(|s| (&*s.name, s.value.as_deref(), s.source)).collect()
}

#[test]
fn a_topic_s_configs_with_their_synonyms() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[("max.message.bytes", "5000")]);
    let result = describe(&mut client, TOPIC, "t", Some(&["max.message.bytes", "cleanup.policy"]));
    assert_eq!((result.error_code, result.configs.len()), (0, 2));
    let of = |name: &str| result.configs.iter().find(|c| &*c.name == name).unwrap();
    let set = of("max.message.bytes");
    assert_eq!(
        (set.value.as_deref(), set.config_source, set.read_only, set.is_sensitive),
        (Some("5000"), OF_TOPIC, false, false)
    );
    // Kafka: ConfigHelper lists the topic's own value, then the broker's synonyms down to the default.
    assert_eq!(
        synonyms(set),
        [("max.message.bytes", Some("5000"), OF_TOPIC), ("message.max.bytes", Some("1048588"), DEFAULT)]
    );
    assert_eq!(set.config_type, 3, "INT");
    assert!(set.documentation.as_ref().is_some_and(|d| !d.is_empty()));
    let default = of("cleanup.policy");
    assert_eq!((default.value.as_deref(), default.config_source, default.config_type), (Some("delete"), DEFAULT, 7));
    assert_eq!(synonyms(default), [("log.cleanup.policy", Some("delete"), DEFAULT)]);
}

#[test]
fn all_of_a_topic_s_configs() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    let all = describe(&mut client, TOPIC, "t", None);
    for name in ["retention.ms", "segment.bytes", "min.insync.replicas", "compression.type", "message.timestamp.type"] {
        assert!(all.configs.iter().any(|c| &*c.name == name), "{name}");
    }
    assert_eq!(describe(&mut client, TOPIC, "nowhere", None).error_code, 3, "UNKNOWN_TOPIC_OR_PARTITION");
}

#[test]
fn the_broker_s_configs() {
    let broker = Broker::start();
    let mut client = broker.client();
    let keys = ["group.initial.rebalance.delay.ms", "num.partitions"];
    let result = describe(&mut client, BROKER, "1", Some(&keys));
    assert_eq!(result.error_code, 0);
    let of = |name: &str| result.configs.iter().find(|c| &*c.name == name).unwrap();
    let set = of("group.initial.rebalance.delay.ms");
    assert_eq!((set.value.as_deref(), set.config_source, set.read_only), (Some("0"), OF_FILE, true));
    assert_eq!(
        synonyms(set),
        [
            ("group.initial.rebalance.delay.ms", Some("0"), OF_FILE),
            ("group.initial.rebalance.delay.ms", Some("3000"), DEFAULT)
        ]
    );
    assert_eq!((of("num.partitions").value.as_deref(), of("num.partitions").config_source), (Some("1"), DEFAULT));
    assert_eq!(describe(&mut client, BROKER, "2", None).error_code, 42, "INVALID_REQUEST: another broker");
    assert_eq!(describe(&mut client, BROKER, "one", None).error_code, 42, "INVALID_REQUEST: not a number");
}
