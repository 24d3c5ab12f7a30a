//! The effective configs of a topic, by type.

use std::collections::BTreeMap;

use super::layers::Layers;
use super::rule;
use super::table::TOPIC_CONFIGS;

/// All configs of a topic, parsed on reading. A value from the server's configuration that is not of its type counts as the default:
/// the server checks its keys when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective(BTreeMap<&'static str, String>);

impl Effective {
    /// The effective values of these layers.
    #[must_use]
    pub fn new(layers: &Layers<'_>) -> Effective {
        let value = |row: &super::Definition| {
            let value = layers.value(row);
            if row.rule.check(row, &value).is_ok() { value } else { row.default.to_owned() }
        };
        Effective(TOPIC_CONFIGS.iter().map(|row| (row.name, value(row))).collect())
    }

    /// The value as text. Panics when there is no such config: the names are ours.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("{name} is not a topic config"))
    }

    /// A value of type int.
    #[must_use]
    pub fn int(&self, name: &str) -> i32 {
        self.parsed(name)
    }

    /// A value of type long.
    #[must_use]
    pub fn long(&self, name: &str) -> i64 {
        self.parsed(name)
    }

    /// A value of type double.
    #[must_use]
    pub fn double(&self, name: &str) -> f64 {
        self.parsed(name)
    }

    /// A value of type boolean.
    #[must_use]
    pub fn boolean(&self, name: &str) -> bool {
        self.text(name).trim().eq_ignore_ascii_case("true")
    }

    /// A value of type list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        rule::items(self.text(name))
    }

    /// Whether `cleanup.policy` names `compact`.
    #[must_use]
    pub fn compacts(&self) -> bool {
        self.list("cleanup.policy").any(|policy| policy == "compact")
    }

    /// Whether `cleanup.policy` names `delete`.
    #[must_use]
    pub fn deletes(&self) -> bool {
        self.list("cleanup.policy").any(|policy| policy == "delete")
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> T {
        let text = self.text(name);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("topic config {name} was checked to be of another type than asked: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_and_broken_server_values_fall_back() {
        let topic: BTreeMap<String, String> =
            [("cleanup.policy", "compact"), ("retention.ms", " 7 ")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let server: BTreeMap<String, String> = [("message.max.bytes", "many"), ("log.segment.bytes", "2000000")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let config = Effective::new(&Layers { topic: &topic, node: None, cluster: None, server: &server });
        assert!(config.compacts() && !config.deletes());
        assert_eq!(config.long("retention.ms"), 7);
        assert_eq!(config.int("max.message.bytes"), 1_048_588);
        assert_eq!(config.int("segment.bytes"), 2_000_000);
        assert!((config.double("min.cleanable.dirty.ratio") - 0.5).abs() < f64::EPSILON);
        assert!(!config.boolean("preallocate"));
    }
}
