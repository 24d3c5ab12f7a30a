//! Joining, staying, leaving and being fenced (Kafka: GroupMetadataManagerTest's share group tests, shareGroupHeartbeat).

use super::beat::{BAR, Beat, FOO, eager, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::sim::{GROUP, Sim};
use crate::group::{GroupCommand, GroupConfig, GroupOverrides};
use crate::share::group::{ShareGroupConfig, ShareGroupOverrides};

#[test]
fn a_member_gets_what_has_a_state_and_nothing_before() {
    let mut sim = sim();
    let since = sim.log.len();
    assert_eq!(sim.share_ok(&Beat::join("a", &["foo"])), (2, Some(vec![])));
    // Member, epoch, target, target epoch, current, state partitions: Kafka's order.
    assert_eq!(sim.records_since(since), ["10", "11", "13", "12", "14", "15"]);
    assert_eq!(sim.states(), (vec![(FOO, vec![0, 1, 2, 3])], vec![], vec![]));
    let asked = sim.asked_states();
    assert_eq!((asked.len(), asked[0].state_epoch, asked[0].partitions.len()), (1, 2, 4));
    assert!(asked[0].partitions.values().all(|offset| offset.0 == -1));
    assert_eq!(sim.share_ok(&Beat::again("a", 2)), (2, None), "no answer yet");
    assert!(sim.asked_states().is_empty(), "nobody is asked twice");
    sim.states_are(&asked[0], true);
    assert_eq!(sim.states(), (vec![], vec![(FOO, vec![0, 1, 2, 3])], vec![]));
    assert_eq!(sim.share_ok(&Beat::again("a", 2)), (3, Some(vec![(FOO, vec![0, 1, 2, 3])])));
    assert_eq!(sim.share_ok(&Beat::again("a", 3)), (3, None), "nothing is new");
    assert_eq!(sim.share_epochs(), ("Stable", 3, 3));
}

#[test]
fn partitions_are_shared_when_there_are_more_members() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar"]));
    sim.answer_states(true);
    sim.share_ok(&Beat::again("a", 2));
    let mut readers = [0; 2];
    for (at, member) in ["b", "c", "d"].into_iter().enumerate() {
        let (epoch, _) = sim.share_ok(&Beat::join(member, &["bar"]));
        assert_eq!(epoch, 4 + at as i32);
    }
    for member in ["a", "b", "c", "d"] {
        sim.share_ok(&Beat::join(member, &["bar"]));
    }
    for member in sim.share_described().members {
        assert_eq!(member.assignment.len(), 1);
        for partition in &member.assignment[0].partitions {
            readers[*partition as usize] += 1;
        }
    }
    assert_eq!(readers, [2, 2], "four members read two partitions");
}

#[test]
fn a_member_that_reads_something_else_loses_the_rest_at_once() {
    let mut config = eager();
    config.share.assignment_interval_ms = 1_000;
    let mut sim = Sim::with(config);
    sim.know(1, &[("foo", FOO, 4), ("bar", BAR, 2)]);
    sim.share_ok(&Beat::join("a", &["foo", "bar"]));
    sim.answer_states(true);
    sim.advance(1_000);
    let all = vec![(FOO, vec![0, 1, 2, 3]), (BAR, vec![0, 1])];
    assert_eq!(sim.share_ok(&Beat::again("a", 2)), (3, Some(all)));
    let other = Beat { topics: Some(vec!["bar"]), ..Beat::again("a", 3) };
    assert_eq!(sim.share_ok(&other), (3, Some(vec![(BAR, vec![0, 1])])), "before the next target is due");
    assert_eq!(sim.share_epochs(), ("Stable", 4, 3));
    sim.advance(1_000);
    assert_eq!(sim.share_ok(&Beat::again("a", 3)), (4, None), "the epoch alone has moved");
}

#[test]
fn epochs_fence() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    sim.answer_states(true);
    assert_eq!(sim.share_ok(&Beat::again("a", 2)).0, 3);
    assert_eq!(sim.share_ok(&Beat::again("a", 2)).0, 3, "the answer with the new epoch may have been lost");
    let greater = "The share group member has a greater member epoch (4) than the one known by the group coordinator (3). The \
                   member must abandon all its partitions and rejoin.";
    assert_eq!(sim.share_err(&Beat::again("a", 4)), (ErrorCode::FencedMemberEpoch, greater.into()));
    let smaller = "The share group member has a smaller member epoch (1) than the one known by the group coordinator (3), and \
                   it does not match the previous member epoch (2). The member must abandon all its partitions and rejoin.";
    assert_eq!(sim.share_err(&Beat::again("a", 1)), (ErrorCode::FencedMemberEpoch, smaller.into()));
    let stranger = "Member b is not a member of group group.";
    assert_eq!(sim.share_err(&Beat::again("b", 3)), (ErrorCode::UnknownMemberId, stranger.into()));
    let again = sim.share_ok(&Beat::join("a", &["foo"]));
    assert_eq!(again, (3, Some(vec![(FOO, vec![0, 1, 2, 3])])), "who begins anew is told all");
}

#[test]
fn requests_are_checked_in_kafkas_order() {
    let mut sim = sim();
    let invalid = |message: &str| (ErrorCode::InvalidRequest, message.to_owned());
    for member in [String::new(), "m".repeat(37)] {
        let reply = sim.share(&Beat::join(&member, &["foo"]));
        assert_eq!((reply.error, reply.error_message), (ErrorCode::InvalidRequest, None), "{member}");
    }
    let cases = [
        (Beat::join(" ", &["foo"]), "MemberId can't be empty."),
        (Beat { group: String::new(), ..Beat::join("a", &["foo"]) }, "GroupId can't be empty."),
        (Beat { rack: Some(""), ..Beat::join("a", &["foo"]) }, "RackId can't be empty."),
        (Beat::join("a", &[]), "SubscribedTopicNames must be set in first request."),
        (Beat::again("a", 0), "SubscribedTopicNames must be set in first request."),
        (Beat::again("a", -2), "MemberEpoch is invalid."),
    ];
    for (beat, message) in cases {
        assert_eq!(sim.share_err(&beat), invalid(message), "{beat:?}");
    }
    let gone = (ErrorCode::GroupIdNotFound, "Share group group not found.".to_owned());
    assert_eq!(sim.share_err(&Beat::again("a", 1)), gone);
    let gone = (ErrorCode::GroupIdNotFound, "Group group not found.".to_owned());
    assert_eq!(sim.share_err(&Beat::again("a", -1)), gone);
    sim.share_ok(&Beat::join(&"m".repeat(36), &["foo"]));
}

#[test]
fn a_full_group_takes_no_more() {
    let share = ShareGroupConfig { max_size: 1, ..ShareGroupConfig::default() };
    let mut sim = Sim::with(GroupConfig { share, ..GroupConfig::default() });
    sim.share_ok(&Beat::join("a", &["foo"]));
    let full = "The share group has reached its maximum capacity of 1 members.";
    assert_eq!(sim.share_err(&Beat::join("b", &["foo"])), (ErrorCode::GroupMaxSizeReached, full.into()));
    sim.share_ok(&Beat::join("a", &["foo"]));
}

#[test]
fn who_leaves_leaves_an_empty_group_behind() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    let since = sim.log.len();
    let left = sim.share(&Beat::again("a", -1));
    assert_eq!((left.error, left.member_id.as_deref(), left.member_epoch), (ErrorCode::None, Some("a"), -1));
    assert_eq!((left.heartbeat_interval_ms, left.assignment), (0, None));
    assert_eq!(sim.records_since(since), ["-14", "-13", "-10", "11"]);
    assert_eq!(sim.share_epochs(), ("Empty", 3, 2));
    let stranger = (ErrorCode::UnknownMemberId, "Member a is not a member of group group.".to_owned());
    assert_eq!(sim.share_err(&Beat::again("a", -1)), stranger);
}

#[test]
fn sessions_end_after_the_groups_timeout_and_begin_anew_after_a_restart() {
    let mut sim = sim();
    let share = ShareGroupOverrides { session_timeout_ms: Some(50_000), ..ShareGroupOverrides::default() };
    let overrides = [(GROUP.into(), GroupOverrides { share, ..GroupOverrides::default() })];
    sim.run(GroupCommand::Overrides(std::sync::Arc::new(overrides.into())));
    sim.share_ok(&Beat::join("a", &["foo"]));
    sim.advance(49_999);
    sim.share_ok(&Beat::again("a", 2));
    sim.advance(49_999);
    assert_eq!(sim.share_epochs().0, "Stable");
    let mut again = sim.restarted();
    again.advance(44_999);
    assert_eq!(again.share_epochs(), ("Stable", 2, 2), "the log does not hold what is set on groups");
    again.advance(1);
    assert_eq!(again.share_epochs(), ("Empty", 3, 2));
    sim.advance(1);
    assert_eq!(sim.share_epochs(), ("Empty", 3, 2));
}

#[test]
fn heartbeats_carry_the_interval_of_the_group() {
    let mut sim = sim();
    assert_eq!(sim.share(&Beat::join("a", &["foo"])).heartbeat_interval_ms, 5_000);
    let share = ShareGroupOverrides { heartbeat_interval_ms: Some(7_000), ..ShareGroupOverrides::default() };
    let overrides = [(GROUP.into(), GroupOverrides { share, ..GroupOverrides::default() })];
    sim.run(GroupCommand::Overrides(std::sync::Arc::new(overrides.into())));
    assert_eq!(sim.share(&Beat::again("a", 2)).heartbeat_interval_ms, 7_000);
}
