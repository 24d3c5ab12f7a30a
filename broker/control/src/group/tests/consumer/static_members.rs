//! Static members of consumer groups (Kafka: GroupMetadataManagerTest.testStaticMember*, testNewStaticMember*,
//! testShouldThrow*InstanceId*).

use super::beat::{Beat, FOO, sim};
use crate::error_code::ErrorCode;

fn words(error: ErrorCode, words: &str) -> (ErrorCode, String) {
    (error, words.to_owned())
}

#[test]
fn a_static_member_comes_back_to_what_it_had() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    let before = sim.log.len();
    let reply = sim.beat(&Beat::again("m1", -2).instance("i1"));
    assert_eq!((reply.error, reply.member_epoch, reply.member_id.as_deref()), (ErrorCode::None, -2, Some("m1")));
    assert_eq!(sim.records_since(before), ["8"], "only the current assignment says that it is away");
    assert_eq!(sim.described().members[0].epoch, -2);
    let before = sim.log.len();
    let back = sim.beat_ok(&Beat::join("m2", &["foo"]).instance("i1"));
    assert_eq!(back, (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])), "no new epoch: nothing has changed");
    // Kafka: testStaticMemberGetsBackAssignmentUponRejoin, with the records of replaceMember before the reconciled one.
    assert_eq!(sim.records_since(before), ["-8", "-7", "-5", "5", "7", "8", "8"]);
    let group = sim.described();
    assert_eq!((group.members.len(), &*group.members[0].member_id), (1, "m2"));
}

#[test]
fn a_static_member_that_is_there_is_not_replaced() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    let refused = sim.beat_err(&Beat::join("m2", &["foo"]).instance("i1"));
    let text =
        "Static member m2 with instance id i1 cannot join the group because the instance id is owned by m1 member.";
    assert_eq!(refused, words(ErrorCode::UnreleasedInstanceId, text));
}

#[test]
fn the_replaced_member_is_fenced() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    sim.beat(&Beat::again("m1", -2).instance("i1"));
    sim.beat(&Beat::join("m2", &["foo"]).instance("i1"));
    let fenced = words(ErrorCode::FencedInstanceId, "Static member m1 with instance id i1 was fenced by member m2.");
    assert_eq!(sim.beat_err(&Beat::again("m1", 2).instance("i1")), fenced);
    assert_eq!(sim.beat_err(&Beat::again("m1", -1).instance("i1")), fenced);
    assert_eq!(sim.beat_err(&Beat::again("m1", -2).instance("i1")), fenced);
    let unknown = words(ErrorCode::UnknownMemberId, "Instance id i9 is unknown.");
    assert_eq!(sim.beat_err(&Beat::again("m1", 2).instance("i9")), unknown);
    assert_eq!(sim.beat_err(&Beat::again("m1", -2).instance("i9")), unknown);
}

#[test]
fn who_does_not_come_back_in_time_is_taken_out() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    sim.beat(&Beat::join("m2", &["foo"]).instance("i2"));
    sim.beat(&Beat::again("m1", 2).instance("i1"));
    sim.beat(&Beat::again("m1", 2).instance("i1").owning(&[(FOO, &[0, 1, 2])]));
    sim.beat(&Beat::again("m1", -2).instance("i1"));
    assert_eq!(sim.epochs(), ("Reconciling", 3, 3), "the partitions wait for its return");
    sim.advance(44_000);
    sim.beat(&Beat::again("m2", 3).instance("i2"));
    sim.advance(1_000);
    assert_eq!(sim.described().members.len(), 1);
    let all = sim.beat_ok(&Beat::again("m2", 3).instance("i2"));
    assert_eq!(all, (4, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}

#[test]
fn a_static_member_leaves_for_good_with_minus_1() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    sim.beat(&Beat::again("m1", -1).instance("i1"));
    assert_eq!(sim.epochs().0, "Empty");
}

#[test]
fn being_away_survives_a_restart() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]).instance("i1"));
    sim.beat(&Beat::again("m1", -2).instance("i1"));
    let mut sim = sim.restarted();
    sim.know(1, &[("foo", FOO, 6), ("bar", 2, 3)]);
    let back = sim.beat_ok(&Beat::join("m2", &["foo"]).instance("i1"));
    assert_eq!(back, (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}
