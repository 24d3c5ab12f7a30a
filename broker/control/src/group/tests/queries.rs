//! DescribeGroups and ListGroups (Kafka: GroupMetadataManager.describeGroups, listGroups).

use super::sim::{GROUP, Joiner, Sim, simple_commit, subscription};
use crate::error_code::ErrorCode;
use crate::group::{CommitOffsets, GroupEvent};

#[test]
fn a_stable_group_is_described_whole() {
    let mut sim = Sim::hasty();
    let (leader, ..) = sim.stable_pair();
    let group = sim.group();
    assert_eq!(
        (group.error, group.state, &*group.protocol_type, &*group.protocol),
        (ErrorCode::None, "Stable", "consumer", "range")
    );
    let member = group.members.iter().find(|m| m.member_id == leader).unwrap();
    assert_eq!((&*member.client_id, &*member.client_host), ("a", "/127.0.0.1"));
    assert_eq!(member.metadata, subscription(&["topic"]));
    assert_eq!(member.assignment, "for leader");
}

#[test]
fn a_group_in_a_rebalance_is_described_without_protocol_and_metadata() {
    let mut sim = Sim::hasty();
    sim.join(Joiner::new("a"));
    let group = sim.group();
    assert_eq!((group.state, &*group.protocol), ("PreparingRebalance", ""));
    assert!(group.members[0].metadata.is_empty());
}

#[test]
fn a_group_that_is_not_there_is_dead() {
    let group = Sim::new().group();
    assert_eq!((group.error, group.state), (ErrorCode::GroupIdNotFound, "Dead"));
    assert_eq!(group.error_message.as_deref(), Some("Group group not found."));
}

#[test]
fn groups_are_listed_by_state_and_type_without_regard_to_case() {
    let mut sim = Sim::hasty();
    sim.stable_pair();
    sim.commit(CommitOffsets { group_id: "simple".into(), ..simple_commit("topic", 1) });
    let list = |states: &[&str], types: &[&str]| -> Vec<String> {
        sim.machine.list_groups(states, types).iter().map(|g| g.group_id.to_string()).collect()
    };
    assert_eq!(list(&[], &[]), [GROUP, "simple"]);
    assert_eq!(list(&["stable"], &[]), [GROUP]);
    assert_eq!(list(&["EMPTY", "Dead"], &["Classic"]), ["simple"]);
    assert!(list(&[], &["consumer"]).is_empty());
    let listed = sim.machine.list_groups::<&str>(&[], &[]);
    assert_eq!((&*listed[0].protocol_type, listed[0].state, listed[0].group_type), ("consumer", "Stable", "classic"));
    assert_eq!(&*listed[1].protocol_type, "");
}

#[test]
fn records_of_other_kinds_of_groups_are_skipped() {
    // Kafka: CoordinatorRecordType 17 is StreamsGroupMetadata.
    assert_eq!(GroupEvent::parse(b"\0\x11\0\x01g", Some(b"\0\0"), None), Ok(None));
    assert!(GroupEvent::parse(b"\0", None, None).is_err());
    assert!(GroupEvent::parse(b"\0\x02\0\x01g", Some(b"\0\x09"), None).is_err());
}
