//! Gathers the settings from their sources, last wins: defaults, properties file, variables, flags.

use super::broker::BrokerConfig;
use super::env;
use super::error::{ConfigError, ConfigErrors};
use super::key::{Effect, Scope};
use super::origin::Origin;
use super::properties;
use super::table::table;
use super::value;
use super::values::{LISTENER_KEYS, Values};

/// Everything that settings are read from, already in memory.
pub struct Sources<'a> {
    /// The properties file: its name as shown in messages, and its text.
    pub file: Option<(String, String)>,
    /// The environment; variables that are no keys are ignored.
    pub variables: Vec<(String, String)>,
    /// `key=value` of each `--override`.
    pub overrides: Vec<String>,
    /// Flags that stand for one key: the flag, the key, the value.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// The name of this machine that clients can reach; asked only if a listener needs it.
    pub hostname: &'a dyn Fn() -> String,
}

impl Default for Sources<'_> {
    fn default() -> Self {
        Self {
            file: None,
            variables: Vec::new(),
            overrides: Vec::new(),
            flags: Vec::new(),
            hostname: &|| "localhost".to_owned(),
        }
    }
}

/// A configuration that can be run with.
pub struct Loaded {
    /// The configuration.
    pub config: BrokerConfig,
    /// What its author should know, one line each; at most one names the keys that mean nothing here.
    pub warnings: Vec<String>,
}

/// Reads and checks the configuration.
///
/// # Errors
/// Everything that is wrong, in the order of the sources.
pub fn load(sources: Sources<'_>) -> Result<Loaded, ConfigErrors> {
    let mut gathering = Gathering::default();
    if let Some((file, text)) = &sources.file {
        gathering.file(file, text);
    }
    let mut variables = sources.variables;
    variables.sort();
    for (variable, text) in &variables {
        if let Some(key) = env::key_of(variable) {
            gathering.one(&key, text, Origin::Variable(variable.clone()));
        }
    }
    for entry in &sources.overrides {
        let origin = Origin::Flag("--override");
        match entry.split_once('=') {
            Some((key, text)) if !key.trim().is_empty() => gathering.one(key.trim(), text, origin),
            _ => gathering.errors.push(ConfigError::Syntax { reason: format!("{entry} is not key=value"), origin }),
        }
    }
    for (flag, key, text) in &sources.flags {
        gathering.one(key, text, Origin::Flag(flag));
    }
    if !gathering.errors.is_empty() {
        // What the good settings mean together is checked too, so that one run shows all.
        if let Err(more) = BrokerConfig::build(gathering.values, sources.hostname) {
            gathering.errors.extend(more.0);
        }
        return Err(ConfigErrors(gathering.errors));
    }
    let warnings = gathering.warnings();
    let config = BrokerConfig::build(gathering.values, sources.hostname)?;
    Ok(Loaded { config, warnings })
}

#[derive(Default)]
struct Gathering {
    values: Values,
    meaningless: Vec<String>,
    removed: Vec<String>,
    errors: Vec<ConfigError>,
}

impl Gathering {
    fn file(&mut self, file: &str, text: &str) {
        let origin = |line| Origin::File { file: file.to_owned(), line };
        match properties::parse(text) {
            Ok(entries) => {
                for entry in entries {
                    self.one(&entry.key, &entry.value, origin(entry.line));
                }
            }
            Err(bad) => self.errors.push(ConfigError::Syntax {
                reason: "\\u must be followed by four hexadecimal digits; write \\\\u for the letters".to_owned(),
                origin: origin(bad.line),
            }),
        }
    }

    fn one(&mut self, name: &str, text: &str, origin: Origin) {
        let (listener, plain) = of_listener(name).map_or((None, name), |(listener, key)| (Some(listener), key));
        let Some(key) = table().get(Scope::Broker, plain) else { return self.not_in_table(name, origin) };
        if let Err(allowed) = value::check(key, text) {
            let value = if key.is_sensitive() { "[hidden]".to_owned() } else { text.trim().to_owned() };
            self.errors.push(ConfigError::BadValue { key: name.to_owned(), value, allowed, origin });
            return;
        }
        if key.effect == Effect::Meaningless {
            remember(&mut self.meaningless, name.to_owned());
        }
        if let Some(listener) = listener {
            return self.values.set_of_listener(listener, key, text);
        }
        self.values.set(key, text, origin);
    }

    fn not_in_table(&mut self, name: &str, origin: Origin) {
        if let Some(instead) = table().removed(name) {
            remember(&mut self.removed, format!("{name} (gone since Kafka 4: {instead})"));
        } else if table().is_open(name) {
            remember(&mut self.meaningless, name.to_owned());
        } else {
            let nearest = table().nearest(Scope::Broker, name);
            self.errors.push(ConfigError::UnknownKey { key: name.to_owned(), nearest, origin });
        }
    }

    fn warnings(&self) -> Vec<String> {
        let names: Vec<&str> = self.meaningless.iter().chain(&self.removed).map(String::as_str).collect();
        if names.is_empty() {
            return Vec::new();
        }
        vec![format!("these keys are accepted and change nothing here: {}", names.join(", "))]
    }
}

/// The listener and the key, where a name is of the form `listener.name.<listener>.<key>` and the key means something there.
fn of_listener(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix("listener.name.")?;
    LISTENER_KEYS.iter().find_map(|key| Some((rest.strip_suffix(key)?.strip_suffix('.')?, *key)))
}

fn remember(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic;

    fn sources(file: &str) -> Sources<'static> {
        Sources { file: Some(("server.properties".to_owned(), file.to_owned())), ..Sources::default() }
    }

    /// What a topic without overrides has.
    fn of_topic(config: &BrokerConfig, name: &str) -> String {
        let key = table().get(Scope::Topic, name).unwrap();
        topic::broker_default(config.values(), key).unwrap().into_owned()
    }

    fn errors(sources: Sources<'_>) -> String {
        load(sources).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn without_any_source_kafka_s_defaults_hold() {
        let config = load(Sources::default()).unwrap().config;
        assert_eq!(config.node_id, 1);
        assert_eq!(config.log_dirs, [std::path::PathBuf::from("/tmp/kafka-logs")]);
        assert_eq!(config.listeners.advertised[0].to_string(), "PLAINTEXT://localhost:9092");
        assert_eq!(config.http_listeners, ["127.0.0.1:9644"]);
        assert_eq!((config.topics.num_partitions, config.topics.auto_create), (1, true));
        assert_eq!(config.network.request_max_bytes, 104_857_600);
        assert_eq!(config.offsets.topic_num_partitions, 50);
        assert_eq!(config.transactions.max_timeout_ms, 900_000);
        let topic = ["retention.ms", "segment.ms", "flush.ms", "segment.jitter.ms", "cleanup.policy"];
        let expected = ["604800000", "604800000", "9223372036854775807", "0", "delete"];
        assert_eq!(topic.map(|name| of_topic(&config, name)), expected);
    }

    #[test]
    fn the_last_source_wins() {
        let mut s = sources("num.partitions=2\nnum.partitions=3\nlog.dirs=/a, /b\nmessage.max.bytes=1");
        let read = |s: Sources<'_>| load(s).unwrap().config;
        assert_eq!(read(sources("num.partitions=2\nnum.partitions=3")).topics.num_partitions, 3);
        s.variables = vec![("KAFKA_NUM_PARTITIONS".into(), "4".into()), ("KAFKA_MESSAGE_MAX_BYTES".into(), "2".into())];
        s.overrides = vec!["num.partitions=5".into(), "message.max.bytes = 3".into(), "num.partitions=6".into()];
        s.flags = vec![("--data", "log.dirs", "/c".into())];
        let config = read(s);
        assert_eq!(config.topics.num_partitions, 6);
        assert_eq!(of_topic(&config, "max.message.bytes"), "3");
        assert_eq!(config.log_dirs, [std::path::PathBuf::from("/c")]);
        assert_eq!(config.values().origin("log.dirs"), Origin::Flag("--data"));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place_and_the_nearest() {
        assert_eq!(
            errors(sources("# x\nnum.partition=2")),
            "server.properties:2: unknown key num.partition; did you mean num.partitions?"
        );
        let mut s = Sources { variables: vec![("KAFKA_LOG_DRIS".into(), "/x".into())], ..Sources::default() };
        s.overrides = vec!["some.thing.that.nobody.knows=1".into(), "novalue".into()];
        assert_eq!(
            errors(s),
            "variable KAFKA_LOG_DRIS: unknown key log.dris; did you mean log.dirs? (unset the variable if it is not for the broker)\n\
             --override: unknown key some.thing.that.nobody.knows\n--override: novalue is not key=value"
        );
    }

    #[test]
    fn a_bad_value_says_what_is_allowed_and_hides_passwords() {
        assert_eq!(
            errors(sources("num.partitions = many")),
            "server.properties:1: num.partitions=many is not valid: a whole number of at least 1 is expected"
        );
        assert!(errors(sources("a=\\u12")).starts_with("server.properties:1: \\u must be followed"));
    }

    #[test]
    fn meaningless_keys_are_named_in_one_warning() {
        let file = "num.io.threads=8\nzookeeper.connect=x:2181\nnum.partitions=1\nlistener.name.a.ssl.client.auth=none\n\
                    inter.broker.protocol.version=3.9\nnum.io.threads=9";
        let warnings = load(sources(file)).unwrap().warnings;
        assert_eq!(warnings.len(), 1);
        for name in
            ["num.io.threads", "zookeeper.connect", "listener.name.a.ssl.client.auth", "inter.broker.protocol.version"]
        {
            assert_eq!(warnings[0].matches(name).count(), 1, "{name} in {warnings:?}");
        }
        assert!(!warnings[0].contains("num.partitions"));
    }

    #[test]
    fn security_that_is_not_there_is_refused() {
        for (file, part) in [
            ("listeners=SSL://:9093", "asks for SSL"),
            (
                "listeners=A://:1,B://:2\nlistener.security.protocol.map=A:PLAINTEXT,B:SASL_PLAINTEXT",
                "asks for SASL_PLAINTEXT",
            ),
            (
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "authorization is not there",
            ),
            ("http.listeners=https://127.0.0.1:9644", "not of the form http://host:port"),
        ] {
            assert!(errors(sources(file)).contains(part), "{file}: {}", errors(sources(file)));
        }
    }

    #[test]
    fn one_node_does_not_pose_as_a_cluster() {
        let good = "process.roles=broker,controller\nnode.id=7\ncontroller.quorum.voters=7@localhost:9093\n\
                    listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER";
        assert_eq!(load(sources(good)).unwrap().config.node_id, 7);
        assert!(errors(sources("process.roles=broker")).contains("use broker,controller"));
        assert!(errors(sources("controller.quorum.voters=1@a:1,2@b:1,3@c:1")).contains("3 nodes are named"));
        assert!(errors(sources("controller.quorum.voters=2@a:1")).contains("it names node 2 and this is node 1"));
    }

    /// The file that Apache Kafka 4 ships as config/server.properties, without its comments.
    #[test]
    fn kafka_s_own_file_is_taken() {
        let file = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
                    listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
                    advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
                    controller.listener.names=CONTROLLER\n\
                    listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n\
                    num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\n\
                    socket.request.max.bytes=104857600\nlog.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\n\
                    num.recovery.threads.per.data.dir=2\noffsets.topic.replication.factor=1\n\
                    share.coordinator.state.topic.replication.factor=1\ntransaction.state.log.min.isr=1\n\
                    log.retention.hours=168\nlog.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000\n";
        let config = load(sources(file)).unwrap().config;
        assert_eq!(config.listeners.bind.len(), 1);
        assert_eq!(config.listeners.advertised[0].to_string(), "PLAINTEXT://localhost:9092");
    }

    #[test]
    fn broker_id_stands_in_for_node_id() {
        assert_eq!(load(sources("broker.id=4")).unwrap().config.node_id, 4);
        assert!(errors(sources("broker.id=4\nnode.id=5")).contains("differs from node.id=5"));
    }

    #[test]
    fn hours_and_minutes_become_the_topic_s_milliseconds() {
        for (file, name, expected) in [
            ("log.retention.hours=2", "retention.ms", "7200000"),
            ("log.retention.hours=2\nlog.retention.minutes=3", "retention.ms", "180000"),
            ("log.retention.ms=4\nlog.retention.minutes=3", "retention.ms", "4"),
            ("log.retention.hours=-1", "retention.ms", "-1"),
            ("log.roll.hours=1", "segment.ms", "3600000"),
            ("log.roll.jitter.hours=1", "segment.jitter.ms", "3600000"),
            ("log.flush.scheduler.interval.ms=9", "flush.ms", "9"),
        ] {
            assert_eq!(of_topic(&load(sources(file)).unwrap().config, name), expected, "{file}");
        }
    }
}
