//! From the target assignment to the members: giving up, waiting, getting (Kafka: GroupMetadataManagerTest.testReconciliationProcess,
//! CurrentAssignmentBuilderTest).

use std::sync::Arc;

use super::beat::{BAR, Beat, FOO, Told, eager, id, sim};
use crate::error_code::ErrorCode;
use crate::group::records::CurrentAssignmentValue;
use crate::group::tests::sim::Sim;
use crate::group::*;
use crate::machine::Machine;

#[test]
fn a_partition_is_given_only_after_it_was_given_up() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    // Two members get three partitions each; those of the second are still with the first.
    assert_eq!(sim.beat_ok(&Beat::join("m2", &["foo"])), (3, Some(vec![])));
    assert_eq!(sim.epochs(), ("Reconciling", 3, 3));
    // The first stays in its epoch while it has partitions to give up.
    assert_eq!(sim.beat_ok(&Beat::again("m1", 2)), (2, Some(vec![(FOO, vec![0, 1, 2])])));
    assert_eq!(sim.beat_ok(&Beat::again("m2", 3)), (3, None), "nothing is free yet");
    let still = Beat::again("m1", 2).owning(&[(FOO, &[0, 1, 2, 3])]);
    assert_eq!(sim.beat_ok(&still), (2, None), "it still has one of them");
    assert_eq!(sim.beat_ok(&Beat::again("m2", 3)), (3, None));
    let given_up = Beat::again("m1", 2).owning(&[(FOO, &[0, 1, 2])]);
    assert_eq!(sim.beat_ok(&given_up), (3, None), "now it comes to the new epoch");
    assert_eq!(sim.beat_ok(&Beat::again("m2", 3)), (3, Some(vec![(FOO, vec![3, 4, 5])])));
    assert_eq!(sim.epochs(), ("Stable", 3, 3));
}

#[test]
fn a_member_that_does_not_give_up_is_taken_out() {
    let mut sim = sim();
    sim.beat(&Beat { rebalance_ms: Some(20_000), ..Beat::join("m1", &["foo"]) });
    sim.beat(&Beat::join("m2", &["foo"]));
    sim.beat(&Beat::again("m1", 2));
    sim.advance(19_999);
    sim.beat(&Beat::again("m1", 2));
    assert_eq!(sim.described().members.len(), 2);
    sim.advance(1);
    assert_eq!(sim.described().members.len(), 1, "its rebalance timeout is over");
    // All of it goes to the other one.
    assert_eq!(sim.beat_ok(&Beat::again("m2", 3)), (4, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}

#[test]
fn giving_up_in_time_ends_the_wait() {
    let mut sim = sim();
    sim.beat(&Beat { rebalance_ms: Some(20_000), ..Beat::join("m1", &["foo"]) });
    sim.beat(&Beat::join("m2", &["foo"]));
    sim.beat(&Beat::again("m1", 2));
    sim.beat(&Beat::again("m1", 2).owning(&[(FOO, &[0, 1, 2])]));
    sim.beat(&Beat::again("m2", 3));
    sim.advance(30_000);
    assert_eq!(sim.described().members.len(), 2);
}

#[test]
fn the_wait_starts_anew_after_a_restart() {
    let mut sim = sim();
    sim.beat(&Beat { rebalance_ms: Some(20_000), ..Beat::join("m1", &["foo"]) });
    sim.beat(&Beat::join("m2", &["foo"]));
    sim.beat(&Beat::again("m1", 2));
    let mut sim = sim.restarted();
    sim.advance(19_999);
    assert_eq!(sim.described().members.len(), 2);
    sim.advance(1);
    assert_eq!(sim.described().members.len(), 1);
}

#[test]
fn a_member_that_changes_topics_gives_up_the_old_ones() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let other = Beat { topics: Some(vec!["bar"]), ..Beat::again("m", 2) };
    // It keeps its epoch and has nothing until it has given up foo.
    assert_eq!(sim.beat_ok(&other), (2, Some(vec![])));
    assert_eq!(sim.epochs(), ("Reconciling", 3, 3));
    assert_eq!(sim.beat_ok(&Beat::again("m", 2).owning(&[])), (3, Some(vec![(BAR, vec![0, 1, 2])])));
}

#[test]
fn new_partitions_and_topics_begin_a_new_epoch() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo", "later"]));
    sim.know(2, &[("foo", FOO, 8), ("bar", BAR, 3)]);
    assert_eq!(sim.beat_ok(&Beat::again("m", 2)), (3, Some(vec![(FOO, (0..8).collect())])));
    sim.know(3, &[("foo", FOO, 8), ("bar", BAR, 3), ("later", 9, 1)]);
    assert_eq!(sim.beat_ok(&Beat::again("m", 3)), (4, Some(vec![(FOO, (0..8).collect()), (9, vec![0])])));
    let before = sim.log.len();
    sim.know(4, &[("foo", FOO, 8), ("bar", BAR, 5), ("later", 9, 1)]);
    assert_eq!(sim.beat_ok(&Beat::again("m", 4)), (4, None), "bar is not read here");
    assert_eq!(sim.log.len(), before);
    // A deleted topic is given up like any other.
    sim.know(5, &[("foo", FOO, 8), ("bar", BAR, 5)]);
    assert_eq!(sim.beat_ok(&Beat::again("m", 4)), (4, Some(vec![(FOO, (0..8).collect())])));
    assert_eq!(sim.beat_ok(&Beat::again("m", 4).owning(&[(FOO, &[0, 1, 2, 3, 4, 5, 6, 7])])), (5, None));
}

#[test]
fn assignments_keep_their_distance() {
    let mut config = eager();
    config.consumer.assignment_interval_ms = 1_000;
    let mut sim = Sim::with(config);
    sim.know(1, &[("foo", FOO, 6)]);
    sim.beat(&Beat::join("m1", &["foo"]));
    // Within the interval the newcomer waits in the epoch of the last assignment.
    assert_eq!(sim.beat_ok(&Beat::join("m2", &["foo"])), (2, Some(vec![])));
    assert_eq!(sim.epochs(), ("Assigning", 3, 2));
    sim.advance(999);
    assert_eq!(sim.beat_ok(&Beat::again("m2", 2)), (2, None));
    sim.advance(1);
    assert_eq!(sim.beat_ok(&Beat::again("m2", 2)), (3, None));
    assert_eq!(sim.epochs(), ("Reconciling", 3, 3));
}

#[test]
fn most_votes_choose_the_assignor() {
    let mut sim = sim();
    let range = |member: &str| Beat { assignor: Some("range"), ..Beat::join(member, &["foo", "bar"]) };
    sim.beat(&range("m1"));
    assert_eq!(&*sim.described().assignor, "range");
    sim.beat(&range("m2"));
    sim.beat(&Beat::again("m1", 2));
    let (_, assignment) = sim.beat_ok(&Beat { epoch: 2, ..range("m1") }.owning(&[(FOO, &[0, 1, 2]), (BAR, &[0, 1])]));
    assert_eq!(assignment, Some(vec![(FOO, vec![0, 1, 2]), (BAR, vec![0, 1])]), "ranges from the start of each topic");
    for member in ["m3", "m4", "m5"] {
        sim.beat(&Beat { assignor: Some("uniform"), ..Beat::join(member, &["foo", "bar"]) });
    }
    assert_eq!(&*sim.described().assignor, "uniform");
}

#[test]
fn what_comes_back_while_it_is_given_up_is_given_again() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    sim.beat(&Beat::join("m2", &["foo"]));
    assert_eq!(sim.beat_ok(&Beat::again("m1", 2)), (2, Some(vec![(FOO, vec![0, 1, 2])])));
    // The other leaves before the first has given anything up; all of it is the first one's again.
    sim.beat(&Beat::again("m2", -1));
    assert_eq!(sim.beat_ok(&Beat::again("m1", 2)), (2, None), "it is still held to what it was asked");
    let given_up = Beat::again("m1", 2).owning(&[(FOO, &[0, 1, 2])]);
    assert_eq!(sim.beat_ok(&given_up), (4, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}

#[test]
fn partitions_come_as_they_are_freed() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    sim.beat(&Beat::join("m2", &["bar"]));
    let (_, both) = sim.beat_ok(&Beat { topics: Some(vec!["foo", "bar"]), ..Beat::again("m2", 3) });
    assert_eq!(both, None, "what it gains is not free");
    sim.beat(&Beat::join("m3", &["foo"]));
    let shares: usize = sim.described().members.iter().flat_map(|m| &m.target).map(|t| t.partitions.len()).sum();
    assert_eq!(shares, 9);
    let told = |reply: (i32, Option<Told>)| reply.1.unwrap_or_default();
    let kept = told(sim.beat_ok(&Beat::again("m1", 2)));
    let kept: Vec<(u128, &[i32])> = kept.iter().map(|(t, p)| (*t, p.as_slice())).collect();
    assert_eq!(sim.beat_ok(&Beat::again("m1", 2).owning(&kept)).0, sim.epochs().2);
    for member in ["m2", "m3", "m2"] {
        let epoch = sim.described().members.iter().find(|m| &*m.member_id == member).unwrap().epoch;
        sim.beat(&Beat::again(member, epoch));
    }
    assert_eq!(sim.epochs().0, "Stable");
}

#[test]
fn a_member_in_a_state_of_a_newer_broker_starts_from_nothing() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let value = CurrentAssignmentValue {
        epoch: 2,
        previous_epoch: 1,
        state: 9,
        assigned: [(id(FOO), [(0, 2)].into())].into(),
        revoking: [].into(),
    };
    let record = ConsumerRecord::Current("m".into(), Some(value));
    sim.machine.apply(GroupEvent::Consumer { group_id: "group".into(), record });
    let words =
        "The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.";
    assert_eq!(sim.beat_err(&Beat::again("m", 2)), (ErrorCode::FencedMemberEpoch, words.into()));
    assert_eq!(sim.beat_ok(&Beat::join("m", &["foo"])), (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}

#[test]
fn racks_of_replicas_are_part_of_what_is_watched() {
    let mut sim = sim();
    sim.beat(&Beat { rack: Some("a"), ..Beat::join("m", &["foo"]) });
    assert_eq!(sim.described().members[0].rack_id.as_deref(), Some("a"));
    let racks = vec![vec!["a".into()]; 6];
    let foo = Arc::new(TopicInfo::new("foo".into(), id(FOO), 6, &racks));
    let next = sim.machine.topics.next(2, [foo]);
    sim.run(GroupCommand::Topics(Arc::new(next)));
    // No assignor of Kafka 4.3 looks at racks, but a change of them begins a new epoch.
    assert_eq!(sim.beat_ok(&Beat::again("m", 2)), (3, None));
}
