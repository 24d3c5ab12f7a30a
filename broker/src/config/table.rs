//! The one table of configuration keys, read once from the text files in `keys/`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::key::{Effect, Importance, Key, KeyType, Scope, UpdateMode};

/// The chapters of the table: title, scope, rows.
const FAMILIES: &[(&str, Scope, &str)] = &[
    ("Broker", Scope::Broker, include_str!("keys/broker.txt")),
    ("Listeners and requests", Scope::Broker, include_str!("keys/network.txt")),
    ("Log", Scope::Broker, include_str!("keys/log.txt")),
    ("Groups", Scope::Broker, include_str!("keys/group.txt")),
    ("Transactions", Scope::Broker, include_str!("keys/transaction.txt")),
    ("Forebay's own", Scope::Broker, include_str!("keys/forebay.txt")),
    ("Replication", Scope::Broker, include_str!("keys/replication.txt")),
    ("Controller quorum and metadata", Scope::Broker, include_str!("keys/quorum.txt")),
    ("Security", Scope::Broker, include_str!("keys/security.txt")),
    ("Authorizer", Scope::Broker, include_str!("keys/authorizer.txt")),
    ("Quotas", Scope::Broker, include_str!("keys/quota.txt")),
    ("Metrics and telemetry", Scope::Broker, include_str!("keys/metrics.txt")),
    ("Share and streams groups", Scope::Broker, include_str!("keys/share-streams.txt")),
    ("Tiered storage", Scope::Broker, include_str!("keys/tiering.txt")),
    ("Topics", Scope::Topic, include_str!("keys/topic.txt")),
    ("A single group", Scope::Group, include_str!("keys/group-scope.txt")),
    ("Client metrics subscriptions", Scope::ClientMetrics, include_str!("keys/client-metrics.txt")),
];

/// Keys that Kafka 4 dropped, with what to do instead.
const REMOVED: &str = include_str!("keys/removed.txt");

/// Prefixes of keys that plugins and other builds read; whatever follows is accepted and changes nothing.
const OPEN_PREFIXES: &[&str] =
    &["listener.name.", "config.providers.", "rlmm.config.", "rsm.config.", "remote.log.metadata.", "confluent."];

/// The table of all keys.
pub struct Table {
    keys: Vec<Key>,
    by_name: BTreeMap<(Scope, &'static str), usize>,
    removed: BTreeMap<&'static str, &'static str>,
}

/// The table; built on first use.
#[must_use]
pub fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(Table::build)
}

impl Table {
    fn build() -> Self {
        let mut keys = Vec::with_capacity(450);
        for (family, scope, text) in FAMILIES {
            for row in rows(text) {
                keys.push(parse_row(row, *scope, family).expect("rows are checked by a test"));
            }
        }
        let by_name = keys.iter().enumerate().map(|(i, key)| ((key.scope, key.name), i)).collect();
        let removed = rows(REMOVED).filter_map(|row| row.split_once('|')).map(|(k, v)| (k.trim(), v.trim())).collect();
        Self { keys, by_name, removed }
    }

    /// All rows, chapter by chapter.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The rows of a scope, sorted by name.
    pub fn scope(&self, scope: Scope) -> impl Iterator<Item = &Key> {
        self.by_name.iter().filter(move |((of, _), _)| *of == scope).map(|(_, &i)| &self.keys[i])
    }

    /// The row of a key.
    #[must_use]
    pub fn get(&self, scope: Scope, name: &str) -> Option<&Key> {
        let by_name: &BTreeMap<(Scope, &str), usize> = &self.by_name;
        by_name.get(&(scope, name)).map(|&i| &self.keys[i])
    }

    /// What to do instead of a key that Kafka 4 dropped; `None` if it is not one.
    #[must_use]
    pub fn removed(&self, name: &str) -> Option<&'static str> {
        if name.starts_with("zookeeper.") {
            return Some("nothing replaces ZooKeeper");
        }
        self.removed.get(name).copied()
    }

    /// Whether a key belongs to a plugin or to another build, so that nothing can be said about it.
    #[must_use]
    pub fn is_open(&self, name: &str) -> bool {
        OPEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }

    /// The known key that looks most like `name`; `None` if none is close.
    #[must_use]
    pub fn nearest(&self, scope: Scope, name: &str) -> Option<&'static str> {
        let wanted = name.to_ascii_lowercase().replace('_', ".");
        let furthest = (wanted.len() / 3).max(2);
        self.scope(scope)
            .map(|key| (strsim::damerau_levenshtein(key.name, &wanted), key.name))
            .min()
            .filter(|(distance, _)| *distance <= furthest)
            .map(|(_, name)| name)
    }
}

/// The lines of a table file that are neither blank nor comments.
fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

fn parse_row(row: &'static str, scope: Scope, family: &'static str) -> Option<Key> {
    let mut cells = row.splitn(8, '|').map(str::trim);
    let key = Key {
        name: cells.next().filter(|name| !name.is_empty())?,
        key_type: KeyType::from_name(cells.next()?)?,
        default: cells.next().map(|cell| (cell != "(none)").then_some(cell))?,
        allowed: cells.next()?,
        scope,
        update_mode: UpdateMode::from_name(cells.next()?)?,
        importance: Importance::from_name(cells.next()?)?,
        effect: if cells.next()? == "used" { Effect::Used } else { Effect::Meaningless },
        doc: cells.next().filter(|doc| !doc.is_empty())?,
        family,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value;

    #[test]
    fn every_row_parses_and_every_default_is_allowed() {
        for (family, scope, text) in FAMILIES {
            for row in rows(text) {
                let key = parse_row(row, *scope, family).unwrap_or_else(|| panic!("bad row in {family}: {row}"));
                let Some(default) = key.default else { continue };
                value::check(&key, default).unwrap_or_else(|e| panic!("{}: default {default}: {e}", key.name));
            }
        }
        assert_eq!(table().by_name.len(), table().keys.len(), "a key stands twice in a scope");
    }

    #[test]
    fn a_typing_error_finds_its_key() {
        assert_eq!(table().nearest(Scope::Broker, "num.partition"), Some("num.partitions"));
        assert_eq!(table().nearest(Scope::Broker, "log.retention.hour"), Some("log.retention.hours"));
        assert_eq!(table().nearest(Scope::Broker, "LOG_DIRS"), Some("log.dirs"));
        assert_eq!(table().nearest(Scope::Topic, "retention.msec"), Some("retention.ms"));
        assert_eq!(table().nearest(Scope::Broker, "quite.something.else.entirely"), None);
    }

    /// The controller has a table of its own for topics; the two must agree.
    #[test]
    fn topics_are_as_the_controller_has_them() {
        use forebay_control::metadata::topic_config::TOPIC_CONFIGS;
        let ours: Vec<&Key> = table().scope(Scope::Topic).collect();
        assert_eq!(ours.len(), TOPIC_CONFIGS.len());
        for (key, theirs) in ours.into_iter().zip(TOPIC_CONFIGS) {
            assert_eq!((key.name, key.default), (theirs.name, Some(theirs.default)));
            assert_eq!(key.key_type as i8, theirs.config_type as i8, "type of {}", key.name);
            assert_eq!(crate::config::synonyms::of_topic_key(key.name), theirs.synonyms, "behind {}", key.name);
        }
    }

    /// Names, types, defaults and read-only flags against the list that Apache Kafka 4.3.1 gave of itself.
    #[test]
    fn defaults_equal_kafka_s_own_list() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference/kafka-4.3.1-configs.tsv");
        let Ok(list) = std::fs::read_to_string(path) else {
            println!("skipped: {path} is not there");
            return;
        };
        for line in list.lines().skip(1).filter(|line| !line.is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            let scope = match cells[0] {
                "topic" => Scope::Topic,
                "broker" => Scope::Broker,
                "group" => Scope::Group,
                _ => Scope::ClientMetrics,
            };
            let key = table().get(scope, cells[1]).unwrap_or_else(|| panic!("{} is missing", cells[1]));
            assert_eq!(key.key_type.name(), cells[2], "type of {}", key.name);
            assert_eq!(key.is_read_only(), cells[4] == "true", "read-only of {}", key.name);
            if !cells[3].starts_with("(set here") {
                assert_eq!(key.default.unwrap_or("(none)"), cells[3], "default of {}", key.name);
            }
        }
    }
}
