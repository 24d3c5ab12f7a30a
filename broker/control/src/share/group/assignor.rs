//! The simple assignor: every partition to as many members as keep all busy (Kafka: SimpleAssignor,
//! SimpleHomogeneousAssignmentBuilder, SimpleHeterogeneousAssignmentBuilder).
//!
//! Members have equally many partitions give or take one, and keep what they had as far as that allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use crate::group::records::Assignment;

/// What the assignor knows of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareMemberSpec {
    /// The topics that it reads.
    pub topics: BTreeSet<TopicId>,
    /// What it was to have before.
    pub target: Assignment,
}

type Partition = (TopicId, i32);
type Given = BTreeMap<Arc<str>, BTreeSet<Partition>>;

/// The members' partitions, out of those in `assignable` (the ones that have a state at the share coordinator).
#[must_use]
pub fn assign(
    members: &BTreeMap<Arc<str>, ShareMemberSpec>,
    assignable: &Assignment,
) -> BTreeMap<Arc<str>, Assignment> {
    let mut assigned: BTreeMap<Arc<str>, Assignment> =
        members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    for topics in shared_topics(members) {
        let readers = members.iter().filter(|(_, member)| topics.iter().all(|topic| member.topics.contains(topic)));
        let partitions: Vec<Partition> = topics.iter().flat_map(|topic| partitions_of(assignable, *topic)).collect();
        for (id, given) in balance(&readers.collect::<Vec<_>>(), &partitions) {
            let member = assigned.entry(id).or_default();
            for (topic, partition) in given {
                member.entry(topic).or_default().insert(partition);
            }
        }
    }
    assigned
}

/// The topics that are balanced together: all when everybody reads the same, each by itself otherwise.
fn shared_topics(members: &BTreeMap<Arc<str>, ShareMemberSpec>) -> Vec<BTreeSet<TopicId>> {
    let mut sets = members.values().map(|member| &member.topics);
    let Some(first) = sets.next() else { return Vec::new() };
    if sets.all(|topics| topics == first) {
        return vec![first.clone()];
    }
    let all: BTreeSet<TopicId> = members.values().flat_map(|member| &member.topics).copied().collect();
    all.into_iter().map(|topic| [topic].into()).collect()
}

fn partitions_of(assignable: &Assignment, topic: TopicId) -> impl Iterator<Item = Partition> {
    assignable.get(&topic).into_iter().flatten().map(move |partition| (topic, *partition))
}

/// Gives each partition to as many of `members` as it takes for everybody to have one.
fn balance(members: &[(&Arc<str>, &ShareMemberSpec)], partitions: &[Partition]) -> Given {
    if members.is_empty() || partitions.is_empty() {
        return Given::new();
    }
    let sharing = members.len().div_ceil(partitions.len());
    let total = sharing * partitions.len();
    // The parts of `total` add up to it and differ by one at most.
    let upto = |index: usize| (total * index).div_ceil(members.len());
    let wanted: Vec<usize> = (0..members.len()).map(|index| upto(index + 1) - upto(index)).collect();
    let mut readers: BTreeMap<Partition, usize> = partitions.iter().map(|partition| (*partition, 0)).collect();
    let mut given: Vec<BTreeSet<Partition>> = vec![BTreeSet::new(); members.len()];
    for (index, (_, member)) in members.iter().enumerate() {
        for partition in member.target.iter().flat_map(|(topic, of_topic)| of_topic.iter().map(|p| (*topic, *p))) {
            if let Some(count) = readers.get_mut(&partition).filter(|count| **count < sharing)
                && given[index].len() < wanted[index]
            {
                *count += 1;
                given[index].insert(partition);
            }
        }
    }
    fill(&mut given, &wanted, readers, sharing);
    members.iter().map(|(id, _)| (*id).clone()).zip(given).collect()
}

/// Gives what is left of the partitions to the members that have not got enough, in turn.
fn fill(given: &mut [BTreeSet<Partition>], wanted: &[usize], readers: BTreeMap<Partition, usize>, sharing: usize) {
    let mut turn = 0;
    for (partition, count) in readers {
        for _ in count..sharing {
            let next = (0..given.len())
                .map(|step| (turn + step) % given.len())
                .find(|index| given[*index].len() < wanted[*index] && !given[*index].contains(&partition));
            let Some(index) = next else { break };
            given[index].insert(partition);
            turn = index + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn topic(number: u8) -> TopicId {
        TopicId(Uuid::from_u128(number.into()))
    }

    fn member(topics: &[u8]) -> ShareMemberSpec {
        ShareMemberSpec { topics: topics.iter().map(|t| topic(*t)).collect(), target: Assignment::new() }
    }

    fn topics(counts: &[(u8, i32)]) -> Assignment {
        counts.iter().map(|(number, count)| (topic(*number), (0..*count).collect())).collect()
    }

    fn group(members: &[(&str, ShareMemberSpec)]) -> BTreeMap<Arc<str>, ShareMemberSpec> {
        members.iter().map(|(id, member)| (Arc::from(*id), member.clone())).collect()
    }

    fn count(assignment: &Assignment) -> usize {
        assignment.values().map(BTreeSet::len).sum()
    }

    #[test]
    fn members_share_partitions_when_there_are_more_of_them() {
        let members = group(&[("a", member(&[1])), ("b", member(&[1])), ("c", member(&[1]))]);
        let assigned = assign(&members, &topics(&[(1, 2)]));
        let counts: Vec<usize> = assigned.values().map(count).collect();
        assert_eq!(counts, [2, 1, 1], "two readers for each of two partitions");
        let one = assign(&members, &topics(&[(1, 1)]));
        assert!(one.values().all(|assignment| *assignment == topics(&[(1, 1)])));
    }

    #[test]
    fn partitions_are_dealt_out_when_there_are_more_of_them() {
        let members = group(&[("a", member(&[1, 3])), ("b", member(&[1, 3]))]);
        let assigned = assign(&members, &topics(&[(1, 3), (3, 2)]));
        assert_eq!(assigned.values().map(count).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn topics_are_balanced_by_themselves_when_members_read_different_ones() {
        let members = group(&[("a", member(&[1])), ("b", member(&[2])), ("c", member(&[1, 2]))]);
        let assigned = assign(&members, &topics(&[(1, 2), (2, 2)]));
        assert_eq!(assigned.values().map(count).collect::<Vec<_>>(), [1, 1, 2]);
    }

    #[test]
    fn a_newcomer_takes_no_more_than_its_part() {
        let mut members = group(&[("a", member(&[1])), ("b", member(&[1]))]);
        let assignable = topics(&[(1, 4)]);
        for (id, target) in assign(&members, &assignable) {
            members.get_mut(&id).unwrap().target = target;
        }
        let before = members.clone();
        members.insert("c".into(), member(&[1]));
        let assigned = assign(&members, &assignable);
        for (id, spec) in &before {
            assert!(assigned[id].iter().all(|(topic, of_topic)| of_topic.is_subset(&spec.target[topic])));
        }
        assert_eq!(count(&assigned["c"]), 1);
    }

    #[test]
    fn topics_without_a_state_are_nobodys() {
        let assigned = assign(&group(&[("a", member(&[1, 2]))]), &topics(&[(1, 1)]));
        assert_eq!(assigned["a"], topics(&[(1, 1)]));
        assert_eq!(assign(&BTreeMap::new(), &topics(&[(1, 1)])), BTreeMap::new());
    }

    proptest! {
        #[test]
        fn everything_is_read_and_a_second_look_changes_nothing(
            reads in proptest::collection::vec(proptest::collection::btree_set(1u8..4, 1..4), 1..9),
            counts in proptest::collection::vec(1i32..6, 3),
        ) {
            let assignable: Assignment =
                (1u8..4).zip(&counts).map(|(number, count)| (topic(number), (0..*count).collect())).collect();
            let mut members: BTreeMap<Arc<str>, ShareMemberSpec> = reads.iter().enumerate()
                .map(|(index, topics)| (format!("m{index}").into(), member(&topics.iter().copied().collect::<Vec<_>>())))
                .collect();
            let assigned = assign(&members, &assignable);
            for (number, count) in (1u8..4).zip(&counts) {
                let is_read = reads.iter().any(|topics| topics.contains(&number));
                for partition in 0..*count {
                    let has = |a: &Assignment| a.get(&topic(number)).is_some_and(|p| p.contains(&partition));
                    prop_assert_eq!(assigned.values().any(has), is_read);
                }
            }
            for (id, target) in &assigned {
                prop_assert!(target.keys().all(|topic| members[id].topics.contains(topic)));
                members.get_mut(id).unwrap().target = target.clone();
            }
            prop_assert_eq!(assign(&members, &assignable), assigned);
        }
    }
}
