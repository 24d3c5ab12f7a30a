//! Whether a topic may have these configs (Kafka: LogConfig.validate); the message is that of INVALID_CONFIG.

use super::effective::Effective;
use super::layers::Layers;
use super::table::definition;

/// Checks the configs of the topic layer, and that the effective ones do not contradict each other.
pub fn validate(layers: &Layers<'_>) -> Result<(), String> {
    if let Some(unknown) = layers.topic.keys().find(|name| definition(name).is_none()) {
        return Err(format!("Unknown topic config name: {unknown}"));
    }
    for (name, value) in layers.topic {
        let row = definition(name).expect("unknown names are refused above");
        row.rule.check(row, value)?;
    }
    let config = Effective::new(layers);
    let (min, max) = (config.long("min.compaction.lag.ms"), config.long("max.compaction.lag.ms"));
    if min > max {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        ));
    }
    if config.boolean("remote.storage.enable") {
        // As a broker without remote.log.storage.system.enable answers.
        return Err(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log \
                    storage."
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(pairs: &[(&str, &str)]) -> Result<(), String> {
        let topic: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        validate(&Layers { topic: &topic, node: None, cluster: None, server: &BTreeMap::new() })
    }

    #[test]
    fn names_values_and_contradictions() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("a.b", "1")]), Err("Unknown topic config name: a.b".to_owned()));
        assert!(check(&[("retention.ms", "x")]).is_err());
        assert_eq!(
            check(&[("min.compaction.lag.ms", "5"), ("max.compaction.lag.ms", "4")]),
            Err("conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)".to_owned())
        );
        assert!(check(&[("remote.storage.enable", "true")]).is_err());
    }
}
