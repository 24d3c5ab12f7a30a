//! The assignors against Kafka's own: `kafka_assignments.txt` is what Kafka 4.3.1's RangeAssignor and UniformAssignor gave for random
//! groups (members in the order of their ids), each step on top of the one before.
//!
//! A case is a line with the assignor, one with the partitions of each topic, and one for each member: id, instance id, topics,
//! target before, target after.

use std::sync::Arc;

use forebay_storage::ids::TopicId;
use proptest::prelude::*;
use uuid::Uuid;

use super::{GroupAssignment, GroupSpec, MemberSpec, RANGE, UNIFORM, assign};
use crate::group::records::Assignment;

fn topic(text: &str) -> TopicId {
    TopicId(Uuid::from_u128(text.parse().unwrap()))
}

fn assignment(text: &str) -> Assignment {
    let of = |text: &str| {
        let (id, partitions) = text.split_once(':').unwrap();
        (topic(id), partitions.split(',').map(|p| p.parse().unwrap()).collect())
    };
    text.split(' ').filter(|t| !t.is_empty()).map(of).collect()
}

fn check_case(case: &str) {
    let mut lines = case.lines();
    let (assignor, kind) = lines.next().unwrap().split_once(' ').unwrap();
    let partitions = lines.next().unwrap().strip_prefix("partitions ").unwrap();
    let count = |text: &str| text.split_once(':').map(|(id, n)| (topic(id), n.parse().unwrap())).unwrap();
    let mut spec = GroupSpec {
        homogeneous: kind == "homogeneous",
        partitions: partitions.split(' ').map(count).collect(),
        ..GroupSpec::default()
    };
    let mut expected = GroupAssignment::new();
    for line in lines {
        let fields: Vec<&str> = line.split('|').collect();
        let id: Arc<str> = fields[0].into();
        let instance_id = Some(fields[1]).filter(|i| !i.is_empty()).map(Into::into);
        let topics = fields[2].split(',').filter(|t| !t.is_empty()).map(topic).collect();
        let target = assignment(fields[3]);
        spec.members.insert(id.clone(), MemberSpec { instance_id, topics, target });
        expected.insert(id, assignment(fields[4]));
    }
    let mut given = assign(assignor, &spec);
    for id in spec.members.keys() {
        given.entry(id.clone()).or_default();
    }
    assert_eq!(given, expected, "{case}");
}

#[test]
fn assignments_are_kafkas() {
    let cases: Vec<&str> = include_str!("kafka_assignments.txt").split("# ").skip(1).collect();
    assert!(cases.len() > 150);
    cases.into_iter().for_each(check_case);
}

fn member() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), 3)
}

proptest! {
    #[test]
    fn every_partition_that_is_read_has_one_owner(
        partitions in prop::collection::vec(1..9i32, 3),
        rounds in prop::collection::vec(prop::collection::vec(member(), 1..6), 1..4),
        range: bool,
    ) {
        let id = |n: usize| TopicId(Uuid::from_u128(n as u128 + 1));
        let mut before = GroupAssignment::new();
        for members in rounds {
            let mut spec = GroupSpec::default();
            for (n, reads) in members.iter().enumerate() {
                let name: Arc<str> = format!("m{n}").into();
                let topics = (0..3).filter(|t| reads[*t]).map(id).collect();
                let target = before.get(&name).cloned().unwrap_or_default();
                spec.members.insert(name, MemberSpec { instance_id: None, topics, target });
            }
            spec.partitions = (0..3).map(|t| (id(t), partitions[t])).collect();
            spec.homogeneous = members.iter().all(|m| *m == members[0]);
            let given = assign(if range { RANGE } else { UNIFORM }, &spec);
            for t in 0..3 {
                let read = members.iter().any(|m| m[t]);
                for p in 0..partitions[t] {
                    let owners = given.values().filter(|a| a.get(&id(t)).is_some_and(|of| of.contains(&p))).count();
                    prop_assert_eq!(owners, usize::from(read), "topic {} partition {}", t, p);
                }
            }
            for (name, of) in &given {
                prop_assert!(of.keys().all(|t| spec.members[name].topics.contains(t)));
            }
            if !range && spec.homogeneous {
                let loads: Vec<usize> = given.values().map(|a| a.values().map(|p| p.len()).sum()).collect();
                let (least, most) = (loads.iter().min().unwrap_or(&0), loads.iter().max().unwrap_or(&0));
                prop_assert!(most - least <= 1);
            }
            before = given;
        }
    }
}
