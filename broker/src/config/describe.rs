//! What DescribeConfigs says of a key: value in force, where from, and the keys that stand behind it.
//!
//! Kafka: `ConfigHelper.createTopicConfigEntry`, `createBrokerConfigEntry`, `createGroupConfigEntry`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::dynamic::Dynamic;
use super::key::{Key, KeyType, Scope};
use super::synonyms;
use super::table::table;
use super::topic::broker_default;
use super::values::Values;

/// Where a value comes from; the number is the one on the wire (Kafka: `ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set on the topic.
    Topic = 1,
    /// Set for this broker while running.
    DynamicBroker = 2,
    /// Set for all brokers while running.
    DynamicDefaultBroker = 3,
    /// Set at start, by file, variable or flag.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
    /// Set on the client metrics subscription.
    ClientMetrics = 7,
    /// Set on the group.
    Group = 8,
}

/// One key that a value comes from or would come from next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key.
    pub name: &'static str,
    /// Its value; `None` if it is hidden.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
}

/// One key with its value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The key.
    pub name: &'static str,
    /// The value in force; `None` if it is null or hidden.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
    /// Whether it cannot change while running.
    pub read_only: bool,
    /// Whether its value is hidden.
    pub sensitive: bool,
    /// The type of its value.
    pub key_type: KeyType,
    /// One line that says what it is for.
    pub doc: &'static str,
    /// The keys behind it, best first.
    pub synonyms: Vec<Synonym>,
}

/// All keys of the broker, sorted by name.
#[must_use]
pub fn broker(values: &Values, dynamic: &Dynamic) -> Vec<Described> {
    let one = |key: &'static Key| {
        let value = dynamic.get(key.name).or_else(|| values.text(key.name)).map(Cow::Borrowed);
        described(key, value, broker_synonyms(values, dynamic, key.name))
    };
    table().scope(Scope::Broker).map(one).collect()
}

/// What is set at run time for all brokers, sorted by name.
#[must_use]
pub fn all_brokers(dynamic: &Dynamic) -> Vec<Described> {
    let source = ConfigSource::DynamicDefaultBroker;
    let one = |(name, value): (&String, &String)| {
        let key = table().get(Scope::Broker, name)?;
        let shown = Some(value.clone()).filter(|_| !key.is_sensitive());
        let synonyms = vec![Synonym { name: key.name, value: shown, source }];
        Some(described(key, Some(Cow::Borrowed(value)), synonyms))
    };
    dynamic.cluster.iter().filter_map(one).collect()
}

/// All keys of a topic with these overrides, sorted by name.
#[must_use]
pub fn topic(values: &Values, dynamic: &Dynamic, overrides: &BTreeMap<String, String>) -> Vec<Described> {
    let one = |key: &'static Key| {
        let behind = synonyms::of_topic_key(key.name).first();
        let synonyms = behind.map(|(name, _)| broker_synonyms(values, dynamic, name)).unwrap_or_default();
        let default = match behind.and_then(|(name, _)| dynamic.get(name)) {
            Some(value) => Some(Cow::Borrowed(value)),
            None => broker_default(values, key),
        };
        overridden(key, overrides, ConfigSource::Topic, default, synonyms)
    };
    table().scope(Scope::Topic).map(one).collect()
}

/// All keys of a group with these overrides, sorted by name.
#[must_use]
pub fn group(values: &Values, overrides: &BTreeMap<String, String>) -> Vec<Described> {
    let one = |key: &'static Key| {
        // A group's key has the broker's default of the same name behind `group.`, where there is one.
        let behind = table().get(Scope::Broker, &format!("group.{}", key.name)).map(|behind| behind.name);
        let default = behind.map_or(key.default, |name| values.text(name)).map(Cow::Borrowed);
        let own = || Synonym { name: key.name, value: key.default.map(str::to_owned), source: ConfigSource::Default };
        let synonyms = match behind {
            Some(name) => broker_synonyms(values, &Dynamic::default(), name),
            None => vec![own()],
        };
        overridden(key, overrides, ConfigSource::Group, default, synonyms)
    };
    table().scope(Scope::Group).map(one).collect()
}

/// All keys of a client metrics subscription with these overrides, sorted by name.
#[must_use]
pub fn client_metrics(overrides: &BTreeMap<String, String>) -> Vec<Described> {
    let one = |key: &'static Key| {
        overridden(key, overrides, ConfigSource::ClientMetrics, key.default.map(Cow::Borrowed), Vec::new())
    };
    table().scope(Scope::ClientMetrics).map(one).collect()
}

fn overridden(
    key: &'static Key,
    overrides: &BTreeMap<String, String>,
    source: ConfigSource,
    default: Option<Cow<'_, str>>,
    mut synonyms: Vec<Synonym>,
) -> Described {
    let Some(value) = overrides.get(key.name) else { return described(key, default, synonyms) };
    let shown = Some(value.trim().to_owned()).filter(|_| !key.is_sensitive());
    synonyms.insert(0, Synonym { name: key.name, value: shown, source });
    described(key, Some(Cow::Borrowed(value.trim())), synonyms)
}

fn described(key: &'static Key, value: Option<Cow<'_, str>>, synonyms: Vec<Synonym>) -> Described {
    Described {
        name: key.name,
        value: value.filter(|_| !key.is_sensitive()).map(Cow::into_owned),
        source: synonyms.first().map_or(ConfigSource::Default, |synonym| synonym.source),
        read_only: key.is_read_only(),
        sensitive: key.is_sensitive(),
        key_type: key.key_type,
        doc: key.doc,
        synonyms,
    }
}

/// The keys behind a broker key: first all that were set, then all defaults that are not null, and of that list
/// what stands before the key itself falls away (Kafka: `ConfigHelper.configSynonyms`).
fn broker_synonyms(values: &Values, dynamic: &Dynamic, name: &'static str) -> Vec<Synonym> {
    let family = synonyms::of_broker_key(name);
    let names = if family.is_empty() { std::slice::from_ref(&name) } else { family };
    let rows = || names.iter().filter_map(|name| table().get(Scope::Broker, name));
    let show = |key: &Key, text: &str| Some(text.to_owned()).filter(|_| !key.is_sensitive());
    let layer = |set: &BTreeMap<String, String>, source| -> Vec<Synonym> {
        let one = |key: &'static Key| Some(Synonym { name: key.name, value: show(key, set.get(key.name)?), source });
        rows().filter_map(one).collect()
    };
    let mut now = layer(&dynamic.node, ConfigSource::DynamicBroker);
    now.extend(layer(&dynamic.cluster, ConfigSource::DynamicDefaultBroker));
    let set = rows().filter_map(|key| {
        let setting = values.setting(key.name)?;
        Some(Synonym { name: key.name, value: show(key, &setting.value), source: ConfigSource::StaticBroker })
    });
    let defaults = rows().filter_map(|key| {
        Some(Synonym { name: key.name, value: show(key, key.default?), source: ConfigSource::Default })
    });
    now.into_iter().chain(set).chain(defaults).skip_while(|synonym| synonym.name != name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Sources, load};

    fn values(overrides: &[&str]) -> Values {
        let overrides = overrides.iter().map(|&o| o.to_owned()).collect();
        load(Sources { overrides, ..Sources::default() }).unwrap().config.values().clone()
    }

    fn broker_at_start(values: &Values) -> Vec<Described> {
        broker(values, &Dynamic::default())
    }

    fn topic_at_start(values: &Values, overrides: &BTreeMap<String, String>) -> Vec<Described> {
        topic(values, &Dynamic::default(), overrides)
    }

    fn find<'a>(all: &'a [Described], name: &str) -> &'a Described {
        all.iter().find(|described| described.name == name).unwrap()
    }

    fn chain(described: &Described) -> Vec<(&'static str, Option<&str>, ConfigSource)> {
        described.synonyms.iter().map(|s| (s.name, s.value.as_deref(), s.source)).collect()
    }

    #[test]
    fn broker_keys_with_all_that_stand_behind() {
        let all = broker_at_start(&values(&["log.retention.ms=5", "log.retention.hours=24"]));
        let found = find(&all, "log.retention.ms");
        assert_eq!((found.value.as_deref(), found.source), (Some("5"), ConfigSource::StaticBroker));
        assert_eq!(
            chain(found),
            [
                ("log.retention.ms", Some("5"), ConfigSource::StaticBroker),
                ("log.retention.hours", Some("24"), ConfigSource::StaticBroker),
                ("log.retention.hours", Some("168"), ConfigSource::Default),
            ]
        );
        let null = find(&all, "log.retention.minutes");
        assert_eq!((null.value.as_deref(), null.source, null.synonyms.len()), (None, ConfigSource::Default, 0));
        assert!(find(&all, "node.id").read_only && !find(&all, "message.max.bytes").read_only);
    }

    #[test]
    fn passwords_are_never_shown() {
        let all = broker_at_start(&values(&["ssl.key.password=secret"]));
        let found = find(&all, "ssl.key.password");
        assert!(found.sensitive && found.value.is_none());
        assert_eq!(chain(found), [("ssl.key.password", None, ConfigSource::StaticBroker)]);
    }

    #[test]
    fn a_topic_s_own_value_stands_before_the_broker_s() {
        let overrides = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
        let all = topic_at_start(&values(&["log.segment.bytes=2000000"]), &overrides);
        let policy = find(&all, "cleanup.policy");
        assert_eq!((policy.value.as_deref(), policy.source), (Some("compact"), ConfigSource::Topic));
        assert_eq!(
            chain(policy),
            [
                ("cleanup.policy", Some("compact"), ConfigSource::Topic),
                ("log.cleanup.policy", Some("delete"), ConfigSource::Default)
            ]
        );
        let segment = find(&all, "segment.bytes");
        assert_eq!((segment.value.as_deref(), segment.source), (Some("2000000"), ConfigSource::StaticBroker));
        // kafka-configs --describe --all shows `retention.ms=604800000 sensitive=false synonyms={}`.
        let retention = find(&all, "retention.ms");
        assert_eq!((retention.value.as_deref(), retention.source), (Some("604800000"), ConfigSource::Default));
        assert!(retention.synonyms.is_empty());
    }

    #[test]
    fn what_is_set_at_run_time_stands_before_the_file() {
        let set = |value: &str| BTreeMap::from([("log.segment.bytes".to_owned(), value.to_owned())]);
        let dynamic = Dynamic { node: set("3000000"), cluster: set("4000000") };
        let values = values(&["log.segment.bytes=2000000"]);
        let expected = [
            ("log.segment.bytes", Some("3000000"), ConfigSource::DynamicBroker),
            ("log.segment.bytes", Some("4000000"), ConfigSource::DynamicDefaultBroker),
            ("log.segment.bytes", Some("2000000"), ConfigSource::StaticBroker),
            ("log.segment.bytes", Some("1073741824"), ConfigSource::Default),
        ];
        let of_broker = broker(&values, &dynamic);
        assert_eq!(chain(find(&of_broker, "log.segment.bytes")), expected);
        let of_topic = topic(&values, &dynamic, &BTreeMap::new());
        let segment = find(&of_topic, "segment.bytes");
        assert_eq!((segment.value.as_deref(), segment.source), (Some("3000000"), ConfigSource::DynamicBroker));
        assert_eq!(chain(segment), expected);
        let all = all_brokers(&dynamic);
        assert_eq!((all.len(), chain(&all[0])), (1, expected[1..2].to_vec()));
    }

    #[test]
    fn a_group_s_default_is_the_broker_s() {
        let all = group(&values(&["group.consumer.session.timeout.ms=50000"]), &BTreeMap::new());
        assert_eq!(find(&all, "consumer.session.timeout.ms").value.as_deref(), Some("50000"));
        assert_eq!(find(&all, "share.isolation.level").value.as_deref(), Some("read_uncommitted"));
        assert_eq!(client_metrics(&BTreeMap::new()).len(), 3);
    }
}
