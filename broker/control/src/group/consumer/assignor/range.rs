//! Each member gets a range of each topic that it reads (Kafka: RangeAssignor). Among members with the same subscriptions, topics
//! with the same number of partitions are split alike.

use std::collections::BTreeMap;

use forebay_storage::ids::TopicId;

use super::{GroupAssignment, GroupSpec, MemberSpec};
use crate::group::records::Assignment;

/// How a topic is split.
struct Split {
    partitions: i32,
    quota: i32,
    /// Members that still get one partition more.
    extra: i32,
    next: i32,
}

impl Split {
    fn new(partitions: i32, members: usize) -> Split {
        let members = i32::try_from(members).unwrap_or(i32::MAX).max(1);
        Split { partitions, quota: partitions / members, extra: partitions % members, next: 0 }
    }

    fn take(&mut self) -> std::ops::Range<i32> {
        let more = i32::from(self.extra > 0);
        self.extra -= more;
        let range = self.next..(self.next + self.quota + more).min(self.partitions);
        self.next = range.end;
        range
    }
}

pub(super) fn assign(spec: &GroupSpec) -> GroupAssignment {
    let mut readers: BTreeMap<TopicId, usize> = BTreeMap::new();
    for topic in spec.members.values().flat_map(|m| &m.topics) {
        *readers.entry(*topic).or_default() += 1;
    }
    let mut splits: BTreeMap<TopicId, Split> = readers
        .into_iter()
        .map(|(topic, readers)| (topic, Split::new(spec.partitions.get(&topic).copied().unwrap_or(0), readers)))
        .collect();
    let mut members: Vec<_> = spec.members.iter().collect();
    members.sort_by(|(id, a), (other, b)| order(a).cmp(&order(b)).then(id.cmp(other)));
    let ranges = |member: &MemberSpec, splits: &mut BTreeMap<TopicId, Split>| -> Assignment {
        let taken = member.topics.iter().filter_map(|topic| Some((*topic, splits.get_mut(topic)?.take())));
        taken.filter(|(_, range)| !range.is_empty()).map(|(topic, range)| (topic, range.collect())).collect()
    };
    members.into_iter().map(|(id, member)| (id.clone(), ranges(member, &mut splits))).collect()
}

/// Static members come first and by their instance ids, so that a restart under a new member id changes nothing.
fn order(member: &MemberSpec) -> (bool, Option<&str>) {
    (member.instance_id.is_none(), member.instance_id.as_deref())
}
