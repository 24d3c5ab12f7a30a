//! The configuration of a broker, checked and typed.

use std::borrow::Cow;
use std::path::PathBuf;

use super::error::{ConfigError, ConfigErrors};
use super::listeners::{ListenerKeys, Listeners, SecurityProtocol};
use super::settings::{
    ConsumerGroupSettings, GroupSettings, LogSettings, NetworkSettings, OffsetSettings, QuotaSettings,
    ShareFetchSettings, ShareGroupSettings, ShareStateSettings, TopicSettings, TransactionSettings,
};
use super::value::list;
use super::values::Values;

/// The configuration of a broker. Made by `load`; it does not change while the broker runs.
#[derive(Clone)]
pub struct BrokerConfig {
    /// Number of this node (`node.id`, or `broker.id` where only that is set).
    pub node_id: i32,
    /// The rack, shown to clients.
    pub rack: Option<String>,
    /// Directories of the data (`log.dirs`, else `log.dir`); never empty.
    pub log_dirs: Vec<PathBuf>,
    /// Where to listen, and what clients are told.
    pub listeners: Listeners,
    /// Addresses of the HTTP server, `host:port`; empty switches it off.
    pub http_listeners: Vec<String>,
    /// Sockets, connections and requests.
    pub network: NetworkSettings,
    /// What new topics get.
    pub topics: TopicSettings,
    /// The upkeep of logs.
    pub log: LogSettings,
    /// Classic groups.
    pub groups: GroupSettings,
    /// Consumer groups.
    pub consumer_groups: ConsumerGroupSettings,
    /// Client quotas.
    pub quotas: QuotaSettings,
    /// Committed offsets.
    pub offsets: OffsetSettings,
    /// Transactions.
    pub transactions: TransactionSettings,
    /// Share groups.
    pub share_groups: ShareGroupSettings,
    /// What share groups have delivered.
    pub share_state: ShareStateSettings,
    /// The delivery of records to share groups.
    pub share_fetch: ShareFetchSettings,
    values: Values,
}

impl BrokerConfig {
    /// All keys by name, with where they were set.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Types the checked values, and checks what they mean together.
    pub(super) fn build(values: Values, hostname: &dyn Fn() -> String) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let mut refuse = |key: &'static str, reason: String| {
            errors.push(ConfigError::Refused { key, reason, origin: values.origin(key) });
        };
        for (key, reason) in refusals(&values) {
            refuse(key, reason);
        }
        let listeners = read_listeners(&values, hostname).map_err(|(key, reason)| refuse(key, reason)).ok();
        let http_listeners = read_http(&values).map_err(|(key, reason)| refuse(key, reason)).ok();
        if let Some(listeners) = &listeners {
            for (key, reason) in insecure(listeners) {
                refuse(key, reason);
            }
        }
        let (Some(listeners), Some(http_listeners), true) = (listeners, http_listeners, errors.is_empty()) else {
            return Err(ConfigErrors(errors));
        };
        let log_dirs: Vec<PathBuf> = list(log_dirs(&values)).into_iter().map(PathBuf::from).collect();
        let text = |name: &'static str| values.text(name).map(Cow::Borrowed);
        Ok(Self {
            node_id: node_id(&values),
            rack: values.text("broker.rack").map(str::to_owned),
            log_dirs,
            listeners,
            http_listeners,
            network: NetworkSettings::read(text),
            topics: TopicSettings::read(text),
            log: LogSettings::read(text),
            groups: GroupSettings::read(text),
            consumer_groups: ConsumerGroupSettings::read(text),
            quotas: QuotaSettings::read(text),
            offsets: OffsetSettings::read(text),
            transactions: TransactionSettings::read(text),
            share_groups: ShareGroupSettings::read(text),
            share_state: ShareStateSettings::read(text),
            share_fetch: ShareFetchSettings::read(text),
            values,
        })
    }
}

fn node_id(values: &Values) -> i32 {
    let name = if values.setting("node.id").is_none() && values.setting("broker.id").is_some() {
        "broker.id"
    } else {
        "node.id"
    };
    values.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn log_dirs(values: &Values) -> &str {
    values.text("log.dirs").filter(|dirs| !dirs.is_empty()).or_else(|| values.text("log.dir")).unwrap_or_default()
}

/// What Kafka's `KafkaConfig.validateValues` refuses, and what one node cannot be.
fn refusals(values: &Values) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let number = |name: &str| values.text(name).and_then(|text| text.parse::<i64>().ok());
    if let (Some(node), Some(broker)) = (values.setting("node.id"), values.setting("broker.id"))
        && node.value != broker.value
    {
        found.push(("broker.id", format!("{} differs from node.id={}; set only node.id", broker.value, node.value)));
    }
    if node_id(values) < 0 {
        found.push(("broker.id", "the number of a node is 0 or more".to_owned()));
    }
    if list(log_dirs(values)).iter().any(|dir| dir.is_empty()) || log_dirs(values).is_empty() {
        found.push(("log.dirs", "a directory has no name".to_owned()));
    }
    let queued = number("queued.max.request.bytes");
    if queued.is_some_and(|bytes| bytes > 0) && queued < number("socket.request.max.bytes") {
        let reason =
            "it must not be less than socket.request.max.bytes, or the largest request would never fit".to_owned();
        found.push(("queued.max.request.bytes", reason));
    }
    let overrides = values.text("max.connections.per.ip.overrides").unwrap_or_default();
    if number("max.connections.per.ip") == Some(0) && overrides.trim().is_empty() {
        let reason = "0 lets nobody in; it is for use with max.connections.per.ip.overrides".to_owned();
        found.push(("max.connections.per.ip", reason));
    }
    for name in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
        if number(name).is_some_and(|n| n == 0) {
            found.push((name, "0 would delete everything at once; -1 keeps everything".to_owned()));
        }
    }
    if number("group.min.session.timeout.ms") > number("group.max.session.timeout.ms") {
        found.push(("group.min.session.timeout.ms", "it is above group.max.session.timeout.ms".to_owned()));
    }
    found.extend(consumer_group_refusals(values));
    found.extend(share_group_refusals(values));
    found.extend(cluster_refusals(values));
    if values.text("authorizer.class.name").is_some_and(|name| !name.is_empty()) {
        let reason = "authorization is not there yet, and without it every client could do everything; remove the key to allow that";
        found.push(("authorizer.class.name", reason.to_owned()));
    }
    found
}

/// Kafka: `GroupCoordinatorConfig`; and assignors that would be code to load.
fn consumer_group_refusals(values: &Values) -> Vec<(&'static str, String)> {
    let number = |name: &str| values.text(name).and_then(|text| text.parse::<i64>().ok());
    let mut found = out_of_bounds(
        values,
        "group.consumer",
        &[
            "group.consumer.session.timeout.ms",
            "group.consumer.heartbeat.interval.ms",
            "group.consumer.assignment.interval.ms",
        ],
    );
    if number("group.consumer.heartbeat.interval.ms") >= number("group.consumer.session.timeout.ms") {
        found
            .push(("group.consumer.heartbeat.interval.ms", "it is not below group.consumer.session.timeout.ms".into()));
    }
    // Kafka: KafkaConfig.groupCoordinatorRebalanceProtocols.
    let protocols = list(values.text("group.coordinator.rebalance.protocols").unwrap_or_default());
    if !protocols.contains(&"classic") {
        found.push((
            "group.coordinator.rebalance.protocols",
            "Disabling the 'classic' protocol is not supported.".into(),
        ));
    }
    let assignors = list(values.text("group.consumer.assignors").unwrap_or_default());
    if assignors.is_empty() {
        found.push(("group.consumer.assignors", "there must be at least one".into()));
    }
    if let Some(other) = assignors.iter().find(|name| !["uniform", "range"].contains(name)) {
        found.push(("group.consumer.assignors", format!("{other} is not known; there are uniform and range")));
    }
    found
}

/// Kafka: `GroupCoordinatorConfig`, `ShareGroupConfig`; and assignors that would be code to load.
fn share_group_refusals(values: &Values) -> Vec<(&'static str, String)> {
    let number = |name: &str| values.text(name).and_then(|text| text.parse::<i64>().ok());
    let mut found = out_of_bounds(
        values,
        "group.share",
        &[
            "group.share.session.timeout.ms",
            "group.share.heartbeat.interval.ms",
            "group.share.assignment.interval.ms",
            "group.share.record.lock.duration.ms",
            "group.share.delivery.count.limit",
            "group.share.partition.max.record.locks",
        ],
    );
    if number("group.share.heartbeat.interval.ms") >= number("group.share.session.timeout.ms") {
        found.push(("group.share.heartbeat.interval.ms", "it is not below group.share.session.timeout.ms".into()));
    }
    if number("group.share.max.share.sessions") < number("group.share.max.size") {
        found.push(("group.share.max.share.sessions", "it is below group.share.max.size".into()));
    }
    if list(values.text("group.share.assignors").unwrap_or_default()) != ["simple"] {
        found.push(("group.share.assignors", "there is one assignor, simple".into()));
    }
    found
}

/// Those of `keys`, all beginning with `prefix`, that are not between their `min` and their `max`.
fn out_of_bounds(values: &Values, prefix: &str, keys: &[&'static str]) -> Vec<(&'static str, String)> {
    let number = |name: &str| values.text(name).and_then(|text| text.parse::<i64>().ok());
    let mut found = Vec::new();
    for key in keys {
        let what = key.trim_start_matches(prefix);
        let (least, most) = (format!("{prefix}.min{what}"), format!("{prefix}.max{what}"));
        if number(key) < number(&least) || number(key) > number(&most) {
            found.push((*key, format!("it is not between {least} and {most}")));
        }
    }
    found
}

/// A node that should be part of a cluster must not run alone beside it.
fn cluster_refusals(values: &Values) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let roles = list(values.text("process.roles").unwrap_or_default());
    if !roles.is_empty() && roles.len() < 2 {
        let reason =
            format!("{} alone needs other nodes, and clusters are not there yet; use broker,controller", roles[0]);
        found.push(("process.roles", reason));
    }
    let voters = list(values.text("controller.quorum.voters").unwrap_or_default());
    if voters.len() > 1 {
        found.push((
            "controller.quorum.voters",
            format!(
                "{} nodes are named, and clusters are not there yet; name this node alone or remove the key",
                voters.len()
            ),
        ));
    } else if let Some(id) = voters.first().and_then(|voter| voter.split('@').next())
        && id.trim().parse() != Ok(node_id(values))
    {
        found.push((
            "controller.quorum.voters",
            format!("it names node {id} and this is node {}; a single node is its own controller", node_id(values)),
        ));
    }
    found
}

fn read_listeners(values: &Values, hostname: &dyn Fn() -> String) -> super::listeners::Read<Listeners> {
    let keys = ListenerKeys {
        listeners: values.text("listeners").unwrap_or_default(),
        advertised: values.text("advertised.listeners"),
        protocol_map: values.text("listener.security.protocol.map").unwrap_or_default(),
        controller_names: values.text("controller.listener.names").unwrap_or_default(),
        inter_broker_name: values.text("inter.broker.listener.name"),
    };
    keys.read(hostname)
}

/// Listeners that ask for a security that is not there: never serve them in the clear instead.
fn insecure(listeners: &Listeners) -> Vec<(&'static str, String)> {
    let asks = |l: &&super::listeners::Listener| l.protocol != SecurityProtocol::Plaintext;
    let refuse = |l: &super::listeners::Listener| {
        let name = l.protocol.name();
        ("listeners", format!("{l} asks for {name}, which is not there yet; only PLAINTEXT listeners can be served"))
    };
    listeners.bind.iter().filter(asks).map(refuse).collect()
}

fn read_http(values: &Values) -> super::listeners::Read<Vec<String>> {
    let read = |entry: &str| {
        let address = entry.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let valid = address.and_then(|a| a.rsplit_once(':')).filter(|(_, port)| port.parse::<u16>().is_ok());
        match (address, valid) {
            (Some(_), Some(("", port))) => Ok(format!("0.0.0.0:{port}")),
            (Some(address), Some(_)) => Ok(address.to_owned()),
            _ => Err((
                "http.listeners",
                format!("{entry} is not of the form http://host:port, such as http://127.0.0.1:9644"),
            )),
        }
    };
    list(values.text("http.listeners").unwrap_or_default()).into_iter().map(read).collect()
}
