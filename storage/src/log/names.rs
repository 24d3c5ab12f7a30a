//! Names of the folders of logs (Kafka: LocalLog.parseTopicPartitionName, logDeleteDirName).

use crate::ids::{TopicId, TopicPartition};

const DELETED: &str = "-delete";
const FUTURE: &str = "-future";
/// Longest name of a folder, in bytes.
const NAME_LIMIT: usize = 255;

/// Whether the folder was marked for deletion; what is left of it can go.
#[must_use]
pub fn is_deleted_dir(name: &str) -> bool {
    name.ends_with(DELETED) && name.contains('.')
}

/// The partition whose log is in a folder of that name; `None` for other folders.
#[must_use]
pub fn parse_dir_name(name: &str) -> Option<TopicPartition> {
    if is_deleted_dir(name) || name.ends_with(FUTURE) {
        return None;
    }
    let (topic, number) = name.rsplit_once('-')?;
    let partition = number.parse().ok().filter(|number| *number >= 0)?;
    (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
}

/// The name of a folder that is about to be removed: `<topic>-<partition>.<32 digits>-delete`.
#[must_use]
pub fn deleted_dir_name(partition: &TopicPartition, topic_id: Option<TopicId>) -> String {
    passing_dir_name(partition, topic_id, DELETED)
}

/// The name of a folder that a log is being moved to: `<topic>-<partition>.<32 digits>-future`. `None` if the topic's name is too long
/// for that (Kafka: KAFKA-4893).
#[must_use]
pub fn future_dir_name(partition: &TopicPartition, topic_id: Option<TopicId>) -> Option<String> {
    let name = passing_dir_name(partition, topic_id, FUTURE);
    name.starts_with(&partition.to_string()).then_some(name)
}

/// The partition whose log was being moved to a folder of that name; `None` for other folders.
#[must_use]
pub fn future_of(name: &str) -> Option<TopicPartition> {
    let (log, _) = name.strip_suffix(FUTURE)?.rsplit_once('.')?;
    parse_dir_name(log)
}

fn passing_dir_name(partition: &TopicPartition, topic_id: Option<TopicId>, ending: &str) -> String {
    let unique = topic_id.unwrap_or(TopicId::ZERO).0.simple();
    let suffix = format!("-{}.{unique}{ending}", partition.partition);
    // Topic names are ASCII, so this never cuts a character.
    let topic = partition.topic.get(..NAME_LIMIT.saturating_sub(suffix.len())).unwrap_or(&partition.topic);
    format!("{topic}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn folders_are_named_as_kafka_does() {
        assert_eq!(parse_dir_name("web-clicks-12"), Some(TopicPartition::new("web-clicks", 12)));
        assert_eq!(parse_dir_name("__consumer_offsets-0"), Some(TopicPartition::new("__consumer_offsets", 0)));
        assert_eq!(parse_dir_name("lost+found"), None);
        assert_eq!(parse_dir_name("a-b"), None);
        assert_eq!(parse_dir_name("-1"), None);
        let id = TopicId(Uuid::from_u128(0xabc));
        let name = deleted_dir_name(&TopicPartition::new("t", 3), Some(id));
        assert_eq!(name, "t-3.00000000000000000000000000000abc-delete");
        assert!(is_deleted_dir(&name));
        assert_eq!(parse_dir_name(&name), None);
        assert_eq!(deleted_dir_name(&TopicPartition::new("t".repeat(249), 3), None).len(), 255);
    }
}
