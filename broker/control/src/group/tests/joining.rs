//! JoinGroup and the join phase of a rebalance (Kafka: GroupMetadataManager.classicGroupJoinToClassicGroup and what follows).

use super::sim::{GROUP, Joiner, Logged, Sim};
use crate::error_code::ErrorCode;
use crate::group::records::GroupMetadataValue;
use crate::group::{GroupCommand, GroupConfig, GroupEvent, GroupReply};
use crate::machine::Event;

#[test]
fn a_new_group_waits_for_its_initial_delay_and_leads_with_one_of_the_members() {
    let mut sim = Sim::new();
    let (a, b) = (sim.join(Joiner::new("a")), sim.join(Joiner::new("b")));
    assert_eq!(sim.state(), "PreparingRebalance");
    sim.advance(2_999);
    assert!(!sim.is_answered(a));
    // b came during the first delay, which extends it once (InitialDelayedJoin).
    sim.advance(1);
    assert!(!sim.is_answered(a));
    sim.advance(3_000);
    assert_eq!(sim.state(), "CompletingRebalance");
    let (a, b) = (sim.joined(a), sim.joined(b));
    assert_eq!((a.error, a.generation), (ErrorCode::None, 1));
    assert_eq!(a.leader, a.member_id, "the first to come leads");
    assert_eq!(b.leader, a.member_id);
    assert_eq!(a.members.len(), 2, "the leader gets the members");
    assert!(b.members.is_empty(), "the others do not");
    assert_eq!(a.protocol_name.as_deref(), Some("range"));
    assert_eq!(a.protocol_type.as_deref(), Some("consumer"));
    assert!(a.member_id.starts_with("a-uuid"), "client id, hyphen, UUID: {}", a.member_id);
}

#[test]
fn the_initial_delay_is_not_extended_when_nobody_else_comes() {
    let mut sim = Sim::new();
    let a = sim.join(Joiner::new("a"));
    sim.advance(3_000);
    assert_eq!(sim.joined(a).generation, 1);
}

#[test]
fn the_initial_delay_is_extended_to_the_rebalance_timeout_at_most() {
    // Kafka: tryCompleteInitialRebalanceElseSchedule: 3 s, then 3 s as 4 s remain, then 1 s, then none remains.
    let mut sim = Sim::new();
    let first = sim.join(Joiner { rebalance_ms: 7_000, ..Joiner::new("a") });
    for _ in 0..6 {
        sim.join(Joiner { rebalance_ms: 7_000, ..Joiner::new("b") });
        sim.advance(1_000);
        assert!(!sim.is_answered(first));
    }
    sim.join(Joiner { rebalance_ms: 7_000, ..Joiner::new("b") });
    sim.advance(999);
    assert!(!sim.is_answered(first));
    sim.advance(1);
    assert_eq!(sim.joined(first).members.len(), 8);
}

#[test]
fn a_delay_is_not_extended_for_those_who_came_to_an_earlier_one() {
    let mut sim = Sim::new();
    let quick = |client| Joiner { rebalance_ms: 3_000, ..Joiner::new(client) };
    let (a, b) = (sim.join(quick("a")), sim.join(quick("b")));
    sim.advance(3_000);
    let (a, b) = (sim.joined(a).member_id.clone(), sim.joined(b).member_id.clone());
    sim.leave(&[(&a, None), (&b, None)]);
    assert_eq!(sim.state(), "Empty");
    let c = sim.join(Joiner::new("c"));
    sim.advance(3_000);
    assert!(sim.is_answered(c));
}

#[test]
fn a_new_group_is_written_at_once_without_a_generation() {
    // Kafka: newEmptyGroupMetadataRecord when a group is created.
    let mut sim = Sim::new();
    sim.join(Joiner::new("a"));
    let restarted = sim.restarted();
    assert_eq!(restarted.state(), "Empty");
    assert_eq!(&*restarted.group().protocol_type, "");
}

#[test]
fn a_dynamic_member_is_given_an_id_first() {
    // KIP-394
    let mut sim = Sim::hasty();
    let first = sim.join(Joiner { known_id: true, ..Joiner::new("a") });
    let reply = sim.joined(first).clone();
    assert_eq!(reply.error, ErrorCode::MemberIdRequired);
    assert_eq!(sim.state(), "Empty");
    assert!(sim.member_ids().is_empty());
    let second = sim.join(Joiner { known_id: true, ..Joiner::new("a") }.member_id(&reply.member_id));
    sim.advance(0);
    assert_eq!(sim.joined(second).error, ErrorCode::None);
    assert_eq!(sim.joined(second).member_id, reply.member_id);
}

#[test]
fn a_member_id_that_is_not_used_in_time_is_void() {
    let mut sim = Sim::hasty();
    let first = sim.join(Joiner { known_id: true, ..Joiner::new("a") });
    let id = sim.joined(first).member_id.clone();
    sim.advance(10_000);
    let late = sim.join(Joiner { known_id: true, ..Joiner::new("a") }.member_id(&id));
    assert_eq!(sim.joined(late).error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_rebalance_waits_for_members_with_a_fresh_id_until_they_are_void() {
    let mut sim = Sim::hasty();
    let (leader, follower, _) = sim.stable_pair();
    let pending = sim.join(Joiner { known_id: true, ..Joiner::new("c") });
    assert_eq!(sim.joined(pending).error, ErrorCode::MemberIdRequired);
    assert_eq!(sim.state(), "Stable", "an id given out rebalances nothing");
    let a = sim.join(Joiner::new("a").member_id(&leader));
    let b = sim.join(Joiner::new("b").member_id(&follower));
    assert!(!sim.is_answered(a) && !sim.is_answered(b));
    sim.advance(10_000);
    assert_eq!(sim.joined(a).generation, 2);
    assert_eq!(sim.joined(b).generation, 2);
}

#[test]
fn a_void_member_id_does_not_disturb_a_stable_group() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    sim.join(Joiner { known_id: true, session_ms: 6_000, ..Joiner::new("c") });
    sim.advance(6_000);
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::None);
    assert_eq!(sim.heartbeat(generation, &follower), ErrorCode::None);
}

#[test]
fn unknown_members_and_groups_are_told_so() {
    let mut sim = Sim::hasty();
    let to = sim.join(Joiner::new("a").member_id("stranger"));
    assert_eq!(sim.joined(to).error, ErrorCode::UnknownMemberId);
    assert_eq!(sim.group().error, ErrorCode::GroupIdNotFound, "no group came into being");
    sim.stable_pair();
    let to = sim.join(Joiner::new("a").member_id("stranger"));
    assert_eq!(sim.joined(to).error, ErrorCode::UnknownMemberId);
    assert_eq!(&*sim.joined(to).member_id, "stranger");
}

#[test]
fn session_timeouts_have_bounds() {
    let mut sim = Sim::new();
    for (session_ms, error) in
        [(5_999, ErrorCode::InvalidSessionTimeout), (1_800_001, ErrorCode::InvalidSessionTimeout)]
    {
        let to = sim.join(Joiner { session_ms, ..Joiner::new("a") });
        assert_eq!(sim.joined(to).error, error);
    }
    for session_ms in [6_000, 1_800_000] {
        let to = sim.join(Joiner { session_ms, ..Joiner::new("a") });
        assert!(!sim.is_answered(to));
    }
}

#[test]
fn group_ids_are_not_empty() {
    let mut sim = Sim::new();
    let join = Joiner::new("a").command(crate::machine::ReplyTo(0), "u");
    let to = sim.ask(|reply_to| GroupCommand::Join(crate::group::Join { reply_to, group_id: "".into(), ..join }));
    assert_eq!(sim.joined(to).error, ErrorCode::InvalidGroupId);
}

#[test]
fn protocols_must_have_something_in_common_with_those_of_all_members() {
    // Kafka: ClassicGroup.supportsProtocols
    let mut sim = Sim::hasty();
    let none = sim.join(Joiner { protocols: Vec::new(), ..Joiner::new("a") });
    assert_eq!(sim.joined(none).error, ErrorCode::InconsistentGroupProtocol);
    sim.join(Joiner::new("a").protocols(&["range", "sticky"]));
    let other = sim.join(Joiner::new("b").protocols(&["roundrobin"]));
    assert_eq!(sim.joined(other).error, ErrorCode::InconsistentGroupProtocol);
    let kind = sim.join(Joiner { kind: "connect", ..Joiner::new("b").protocols(&["range"]) });
    assert_eq!(sim.joined(kind).error, ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn the_protocol_that_most_members_prefer_among_the_common_ones_is_selected() {
    // Kafka: ClassicGroup.selectProtocol
    let mut sim = Sim::hasty();
    let a = sim.join(Joiner::new("a").protocols(&["only a", "range", "sticky"]));
    sim.join(Joiner::new("b").protocols(&["sticky", "range"]));
    sim.join(Joiner::new("c").protocols(&["sticky", "range"]));
    sim.advance(0);
    assert_eq!(sim.joined(a).protocol_name.as_deref(), Some("sticky"));
}

#[test]
fn a_newcomer_rebalances_a_stable_group() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let c = sim.join(Joiner::new("c"));
    assert_eq!(sim.state(), "PreparingRebalance");
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::RebalanceInProgress);
    let a = sim.join(Joiner::new("a").member_id(&leader));
    assert!(!sim.is_answered(a));
    let b = sim.join(Joiner::new("b").member_id(&follower));
    for to in [a, b, c] {
        assert_eq!(sim.joined(to).generation, generation + 1);
        assert_eq!(sim.joined(to).leader, leader);
    }
}

#[test]
fn members_that_do_not_join_again_within_the_rebalance_timeout_are_removed() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let again = sim.join(Joiner::new("a").member_id(&leader));
    for _ in 0..6 {
        // Heartbeats alone do not keep a member in.
        sim.advance(9_999);
        assert_eq!(sim.heartbeat(generation, &follower), ErrorCode::RebalanceInProgress);
    }
    sim.advance(6);
    assert_eq!(sim.joined(again).generation, generation + 1);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
    assert_eq!(sim.heartbeat(generation, &follower), ErrorCode::UnknownMemberId);
}

#[test]
fn the_time_limit_of_an_earlier_rebalance_does_not_end_a_later_one() {
    let mut sim = Sim::hasty();
    let slow = |client| Joiner { session_ms: 600_000, ..Joiner::new(client) };
    let (a, b) = (sim.join(slow("a")), sim.join(slow("b")));
    sim.advance(0);
    let (a, b) = (sim.joined(a).member_id.clone(), sim.joined(b).member_id.clone());
    sim.sync(1, &a, &[]);
    sim.sync(1, &b, &[]);
    sim.join(slow("a").member_id(&a));
    sim.join(slow("b").member_id(&b));
    sim.sync(2, &a, &[]);
    sim.sync(2, &b, &[]);
    sim.advance(50_000);
    let again = sim.join(slow("a").member_id(&a));
    sim.advance(59_999);
    assert!(!sim.is_answered(again), "the limit of the second rebalance was due 10 s after this one began");
    sim.advance(1);
    assert_eq!(sim.joined(again).generation, 3);
}

#[test]
fn a_leader_that_does_not_join_again_is_replaced() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let changed = sim.join(Joiner::new("b").member_id(&follower).topics(&["other"]));
    for _ in 0..7 {
        sim.advance(9_000);
        sim.heartbeat(generation, &leader);
    }
    assert_eq!(sim.joined(changed).leader, follower);
    assert_eq!(sim.joined(changed).members.len(), 1);
}

#[test]
fn a_rejoining_leader_forces_a_rebalance_and_a_follower_without_news_does_not() {
    // What cooperative rebalancing builds on; Kafka: classicGroupJoinExistingMember.
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let again = sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.joined(again).generation, generation);
    assert_eq!(sim.state(), "Stable");
    let forced = sim.join(Joiner::new("a").member_id(&leader));
    assert!(!sim.is_answered(forced));
    assert_eq!(sim.state(), "PreparingRebalance");
}

#[test]
fn a_follower_with_new_metadata_forces_a_rebalance() {
    let mut sim = Sim::hasty();
    let (_, follower, _) = sim.stable_pair();
    let again = sim.join(Joiner::new("b").member_id(&follower).topics(&["topic", "more"]));
    assert!(!sim.is_answered(again));
    assert_eq!(sim.state(), "PreparingRebalance");
}

#[test]
fn a_member_that_missed_its_answer_gets_it_again_before_the_sync() {
    let mut sim = Sim::hasty();
    let a = sim.join(Joiner::new("a"));
    sim.advance(0);
    let first = sim.joined(a).clone();
    let again = sim.join(Joiner::new("a").member_id(&first.member_id));
    assert_eq!(sim.joined(again), &first);
    assert_eq!(sim.state(), "CompletingRebalance");
}

#[test]
fn of_two_requests_of_one_member_the_older_is_sent_back() {
    let mut sim = Sim::hasty();
    let (leader, _, generation) = sim.stable_pair();
    let old = sim.join(Joiner::new("a").member_id(&leader));
    let new = sim.join(Joiner::new("a").member_id(&leader));
    assert_eq!(sim.joined(old).error, ErrorCode::RebalanceInProgress);
    sim.advance(60_000);
    assert_eq!(sim.joined(new).generation, generation + 1);
}

#[test]
fn a_group_has_a_maximum_size() {
    // Kafka: acceptJoiningMember
    let mut sim = Sim::with(GroupConfig { initial_rebalance_delay_ms: 0, max_size: 2, ..GroupConfig::default() });
    let (leader, ..) = sim.stable_pair();
    let third = sim.join(Joiner::new("c"));
    assert_eq!(sim.joined(third).error, ErrorCode::GroupMaxSizeReached);
    assert_eq!(&*sim.joined(third).member_id, "");
    let again = sim.join(Joiner::new("a").member_id(&leader));
    assert!(!sim.is_answered(again), "a member is not refused");
}

#[test]
fn a_loaded_group_over_the_maximum_size_is_rebalanced_down() {
    // Kafka: GroupMetadataManager.onLoaded
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    sim.config.max_size = 1;
    let mut sim = sim.restarted();
    assert_eq!(sim.state(), "PreparingRebalance");
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::RebalanceInProgress);
    sim.join(Joiner::new("a").member_id(&leader));
    let late = sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.joined(late).error, ErrorCode::GroupMaxSizeReached);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
}

#[test]
fn members_leave() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    assert_eq!(sim.leave(&[("stranger", None)]), [ErrorCode::UnknownMemberId]);
    assert_eq!(sim.state(), "Stable");
    assert_eq!(sim.leave(&[(&leader, None)]), [ErrorCode::None]);
    assert_eq!(sim.state(), "PreparingRebalance");
    let again = sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.joined(again).generation, generation + 1);
    assert_eq!(sim.joined(again).leader, follower);
    assert_eq!(sim.leave(&[(&follower, None), (&follower, None)]), [ErrorCode::None, ErrorCode::UnknownMemberId]);
    assert_eq!(sim.state(), "Empty");
    let restarted = sim.restarted();
    assert_eq!(restarted.state(), "Empty");
    assert_eq!(&*restarted.group().protocol_type, "consumer", "an emptied group keeps its protocol type");
    let Some(Logged::Record(record)) = sim.log.last() else { panic!("nothing was written") };
    let value = GroupMetadataValue::decode(record.value.as_ref().unwrap()).unwrap();
    assert_eq!((value.generation, value.protocol, value.leader), (generation + 2, None, None));
    assert!(value.members.is_empty());
}

#[test]
fn the_last_member_that_a_rebalance_waits_for_may_leave() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let again = sim.join(Joiner::new("a").member_id(&leader));
    sim.leave(&[(&follower, None)]);
    assert_eq!(sim.joined(again).generation, generation + 1);
}

#[test]
fn a_leaving_members_parked_join_is_answered() {
    // Kafka: removeCurrentMemberFromClassicGroup
    let mut sim = Sim::hasty();
    let (leader, ..) = sim.stable_pair();
    let parked = sim.join(Joiner::new("a").member_id(&leader));
    sim.leave(&[(&leader, None)]);
    assert_eq!(sim.joined(parked).error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_pending_member_may_leave() {
    let mut sim = Sim::hasty();
    let to = sim.join(Joiner { known_id: true, ..Joiner::new("a") });
    let id = sim.joined(to).member_id.clone();
    assert_eq!(sim.leave(&[(&id, None)]), [ErrorCode::None]);
    assert_eq!(sim.leave(&[(&id, None)]), [ErrorCode::UnknownMemberId]);
}

#[test]
fn leaving_an_unknown_group_is_an_error_of_each_member() {
    // Kafka: GroupCoordinatorService.leaveGroup
    let mut sim = Sim::hasty();
    assert_eq!(sim.leave(&[("m", None), ("n", None)]), [ErrorCode::UnknownMemberId; 2]);
}

#[test]
fn members_coming_and_parked_replies_are_not_written() {
    let mut sim = Sim::hasty();
    sim.join(Joiner::new("a"));
    let written = sim.log.len();
    assert_eq!(written, 1, "only the new group");
    sim.join(Joiner::new("b"));
    sim.advance(0);
    assert_eq!(sim.log.len(), written);
    assert!(matches!(sim.replies.values().next(), Some(GroupReply::Join(_))));
    let removed = GroupEvent::Removed { group_id: GROUP.into() };
    assert_eq!(removed.record().unwrap().value, None);
}
