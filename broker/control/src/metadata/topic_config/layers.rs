//! Where the value of a topic config comes from: the topic, the node, all nodes, the server's file, Kafka's default
//! (Kafka: KafkaConfigSchema.resolveEffectiveTopicConfig, ConfigHelper).

use std::collections::BTreeMap;

use super::entry::{ConfigEntry, ConfigSource, ConfigSynonym};
use super::table::{Definition, TOPIC_CONFIGS};

/// What is set where.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// On the topic, by topic config.
    pub topic: &'a BTreeMap<String, String>,
    /// At run time for this node, by server key.
    pub node: Option<&'a BTreeMap<String, String>>,
    /// At run time for all nodes, by server key.
    pub cluster: Option<&'a BTreeMap<String, String>>,
    /// In the server's configuration, by server key.
    pub server: &'a BTreeMap<String, String>,
}

impl Layers<'_> {
    /// Every value that is set for a config, the effective one first; Kafka's default last.
    #[must_use]
    pub fn synonyms(&self, row: &Definition) -> Vec<ConfigSynonym> {
        let mut all = Vec::new();
        if let Some(value) = self.topic.get(row.name) {
            all.push(synonym(row.name, value.trim().to_owned(), ConfigSource::DynamicTopic));
        }
        let layers = [
            (self.node, ConfigSource::DynamicBroker),
            (self.cluster, ConfigSource::DynamicDefaultBroker),
            (Some(self.server), ConfigSource::StaticBroker),
        ];
        for (layer, source) in layers {
            for (key, unit) in row.synonyms {
                if let Some(value) = layer.and_then(|layer| layer.get(*key)) {
                    all.push(synonym(key, in_units(value, *unit), source));
                }
            }
        }
        let key = row.synonyms.first().map_or(row.name, |(key, _)| key);
        all.push(synonym(key, row.default.to_owned(), ConfigSource::Default));
        all
    }

    /// The effective value of a config.
    #[must_use]
    pub fn value(&self, row: &Definition) -> String {
        self.synonyms(row).swap_remove(0).value.unwrap_or_default()
    }

    /// All configs with their effective values, by name.
    #[must_use]
    pub fn describe(&self) -> Vec<ConfigEntry> {
        let entry = |row: &'static Definition| {
            let synonyms = self.synonyms(row);
            ConfigEntry {
                name: row.name,
                value: synonyms[0].value.clone(),
                source: synonyms[0].source,
                config_type: row.config_type,
                read_only: false,
                sensitive: false,
                synonyms,
            }
        };
        TOPIC_CONFIGS.iter().map(entry).collect()
    }
}

fn synonym(name: &str, value: String, source: ConfigSource) -> ConfigSynonym {
    ConfigSynonym { name: name.to_owned(), value: Some(value), source }
}

/// A value of a key in hours or minutes as milliseconds; every negative one means "for ever" (Kafka: AbstractKafkaConfig).
fn in_units(value: &str, unit: i64) -> String {
    match value.trim().parse::<i64>() {
        Ok(number) if unit != 1 => if number < 0 { -1 } else { number.saturating_mul(unit) }.to_string(),
        _ => value.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::definition;
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_nearest_value_wins() {
        let row = definition("retention.ms").unwrap();
        let (topic, node, cluster) =
            (map(&[("retention.ms", "1")]), map(&[("log.retention.ms", "2")]), map(&[("log.retention.ms", "3")]));
        let server = map(&[("log.retention.minutes", "1"), ("log.retention.hours", "2")]);
        let none = BTreeMap::new();
        let layers = Layers { topic: &topic, node: Some(&node), cluster: Some(&cluster), server: &server };
        let values: Vec<_> = layers.synonyms(row).into_iter().map(|s| (s.name, s.value.unwrap(), s.source)).collect();
        let expected = [
            ("retention.ms", "1", ConfigSource::DynamicTopic),
            ("log.retention.ms", "2", ConfigSource::DynamicBroker),
            ("log.retention.ms", "3", ConfigSource::DynamicDefaultBroker),
            ("log.retention.minutes", "60000", ConfigSource::StaticBroker),
            ("log.retention.hours", "7200000", ConfigSource::StaticBroker),
            ("log.retention.ms", "604800000", ConfigSource::Default),
        ];
        assert_eq!(values, expected.map(|(n, v, s)| (n.to_owned(), v.to_owned(), s)));
        let layers = Layers { topic: &none, node: None, cluster: None, server: &server };
        assert_eq!(layers.value(row), "60000", "minutes stand before hours");
        let forever = map(&[("log.retention.hours", "-1")]);
        assert_eq!(Layers { server: &forever, ..layers }.value(row), "-1");
        assert_eq!(Layers { server: &none, ..layers }.value(row), "604800000");
    }
}
