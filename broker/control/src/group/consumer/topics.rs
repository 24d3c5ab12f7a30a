//! What the groups know of the cluster's topics: a value that comes in from outside, and its hash (Kafka: CoordinatorMetadataImage,
//! Utils.computeTopicHash, Utils.computeGroupHash).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::xxh3;

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    name: Arc<str>,
    id: TopicId,
    partitions: i32,
    hash: u64,
}

impl TopicInfo {
    /// A topic with `partitions` partitions. `racks` has for each partition the racks of its replicas, and may be shorter than the
    /// partitions where no racks are known.
    #[must_use]
    pub fn new(name: Arc<str>, id: TopicId, partitions: i32, racks: &[Vec<Arc<str>>]) -> TopicInfo {
        let hash = hash_topic(&name, id, partitions, racks);
        TopicInfo { name, id, partitions, hash }
    }

    /// The topic's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The topic's id.
    #[must_use]
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }
}

/// All topics at one version of the cluster's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicsImage {
    version: i64,
    newest_topics: i64,
    by_name: BTreeMap<Arc<str>, Arc<TopicInfo>>,
    by_id: BTreeMap<TopicId, Arc<TopicInfo>>,
}

impl TopicsImage {
    /// The image that follows this one. `version` grows with each change of the metadata and must not shrink over a restart
    /// (the offset of the metadata log does that). Pass the [`TopicInfo`]s of topics that have not changed on: they are cheap to copy
    /// and costly to make, as they hold a hash.
    #[must_use]
    pub fn next(&self, version: i64, topics: impl IntoIterator<Item = Arc<TopicInfo>>) -> TopicsImage {
        let mut next = TopicsImage { version, newest_topics: self.newest_topics, ..TopicsImage::default() };
        for topic in topics {
            if self.by_name.is_empty() || !self.by_id.contains_key(&topic.id) {
                next.newest_topics = version;
            }
            next.by_id.insert(topic.id, topic.clone());
            next.by_name.insert(topic.name.clone(), topic);
        }
        next
    }

    /// Version of the metadata.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Version in which the last new topic came.
    pub(super) fn newest_topics(&self) -> i64 {
        self.newest_topics
    }

    /// The topic of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<TopicInfo>> {
        self.by_name.get(name)
    }

    /// The topic with this id.
    #[must_use]
    pub fn by_id(&self, id: TopicId) -> Option<&Arc<TopicInfo>> {
        self.by_id.get(&id)
    }

    /// The names of all topics, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    /// The ids of those of `names` that exist.
    pub(crate) fn ids<'a>(&self, names: impl IntoIterator<Item = &'a Arc<str>>) -> BTreeSet<TopicId> {
        names.into_iter().filter_map(|name| self.by_name.get(name)).map(|topic| topic.id).collect()
    }

    /// The hash of the metadata of those of `names` (in order, each once) that exist; 0 when none does.
    pub(crate) fn hash<'a>(&self, names: impl IntoIterator<Item = &'a Arc<str>>) -> i64 {
        let topics = names.into_iter().filter_map(|name| self.by_name.get(name));
        let hashes: Vec<u8> = topics.flat_map(|topic| topic.hash.to_le_bytes()).collect();
        if hashes.is_empty() { 0 } else { xxh3::hash(&hashes) as i64 }
    }
}

/// hash4j writes a text as its UTF-16 units followed by their number.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let before = out.len();
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let units = ((out.len() - before) / 2) as u32;
    out.extend(units.to_le_bytes());
}

fn hash_topic(name: &str, id: TopicId, partitions: i32, racks: &[Vec<Arc<str>>]) -> u64 {
    let mut bytes = vec![0];
    let (most, least) = id.0.as_u64_pair();
    bytes.extend(most.to_le_bytes());
    bytes.extend(least.to_le_bytes());
    put_text(&mut bytes, name);
    bytes.extend(partitions.to_le_bytes());
    for partition in 0..partitions {
        bytes.extend(partition.to_le_bytes());
        let mut racks = usize::try_from(partition).ok().and_then(|p| racks.get(p)).cloned().unwrap_or_default();
        racks.sort();
        for rack in racks {
            bytes.extend((rack.encode_utf16().count() as u32).to_le_bytes());
            put_text(&mut bytes, &rack);
        }
    }
    xxh3::hash(&bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn topic(name: &str, id: Uuid, partitions: i32, racks: &[Vec<Arc<str>>]) -> Arc<TopicInfo> {
        Arc::new(TopicInfo::new(name.into(), TopicId(id), partitions, racks))
    }

    /// Expected values: hash4j 0.22 fed as Kafka's Utils.computeTopicHash and computeGroupHash do.
    #[test]
    fn hashes_are_kafkas() {
        let three = topic("topic", Uuid::from_u64_pair(1, 2), 3, &[]);
        let hundred = topic("a.longer-topic_name", Uuid::from_u64_pair(0, 7), 100, &[]);
        let racks: [Vec<Arc<str>>; 2] = [vec!["rack-é".into(), "a".into()], vec![]];
        assert_eq!(three.hash as i64, -8_483_762_276_388_380_808);
        assert_eq!(hundred.hash as i64, -537_975_980_439_392_543);
        assert_eq!(topic("topic", Uuid::from_u64_pair(1, 2), 2, &racks).hash as i64, 4_553_490_080_651_104_488);
        let image = TopicsImage::default().next(1, [three, hundred]);
        let names = image.names().cloned().collect::<Vec<_>>();
        assert_eq!(image.hash(&names), 581_266_348_835_752_082);
        assert_eq!(image.hash(&["topic".into(), "missing".into()]), -2_842_611_935_966_059_670);
        assert_eq!(image.hash(&["missing".into()]), 0);
    }

    #[test]
    fn only_new_topics_move_the_version_of_the_newest() {
        let (a, b) = (topic("a", Uuid::from_u128(1), 1, &[]), topic("b", Uuid::from_u128(2), 1, &[]));
        let first = TopicsImage::default().next(5, [a.clone()]);
        assert_eq!(first.newest_topics(), 5);
        assert_eq!(first.next(6, [a.clone()]).newest_topics(), 5);
        assert_eq!(first.next(6, [a.clone(), b]).newest_topics(), 6);
        let again = topic("a", Uuid::from_u128(3), 1, &[]);
        assert_eq!(first.next(7, [again]).newest_topics(), 7, "made again under the same name");
    }
}
