//! Heartbeats and sessions (Kafka: classicGroupHeartbeatToClassicGroup, expireClassicGroupMemberHeartbeat).

use super::sim::{Joiner, Sim, member_commit};
use crate::error_code::ErrorCode;

#[test]
fn a_member_without_heartbeats_is_removed_and_the_others_rebalance() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    sim.advance(9_999);
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::None);
    assert_eq!(sim.member_ids().len(), 2);
    sim.advance(1);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::RebalanceInProgress);
    assert_eq!(sim.heartbeat(generation, &follower), ErrorCode::UnknownMemberId);
}

#[test]
fn the_last_member_that_fails_leaves_an_empty_group() {
    let mut sim = Sim::hasty();
    sim.stable_pair();
    sim.advance(10_000);
    // The first failure starts a rebalance that the second ends.
    assert_eq!(sim.state(), "Empty");
    assert_eq!(sim.restarted().state(), "Empty");
}

#[test]
fn heartbeats_keep_one_timer_a_member() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    // Past the five minutes for which a new member's first timer was armed.
    for _ in 0..1_000 {
        sim.advance(400);
        sim.heartbeat(generation, &leader);
        sim.heartbeat(generation, &follower);
    }
    assert_eq!(sim.timers.len(), 3, "two sessions and the expiry of offsets: {:?}", sim.timers);
}

#[test]
fn heartbeats_are_checked() {
    let mut sim = Sim::hasty();
    assert_eq!(sim.heartbeat(1, "m"), ErrorCode::UnknownMemberId);
    let (leader, _, generation) = sim.stable_pair();
    assert_eq!(sim.heartbeat(generation, "stranger"), ErrorCode::UnknownMemberId);
    assert_eq!(sim.heartbeat(generation + 1, &leader), ErrorCode::IllegalGeneration);
    assert_eq!(sim.heartbeat_as(generation, &leader, Some("instance")), ErrorCode::UnknownMemberId);
}

#[test]
fn a_heartbeat_counts_while_the_assignment_is_awaited() {
    let mut sim = Sim::hasty();
    let a = sim.join(Joiner::new("a"));
    sim.advance(0);
    let id = sim.joined(a).member_id.clone();
    for _ in 0..3 {
        sim.advance(9_000);
        assert_eq!(sim.heartbeat(1, &id), ErrorCode::None);
    }
    assert_eq!(sim.state(), "CompletingRebalance");
}

#[test]
fn a_commit_is_a_sign_of_life() {
    // Kafka: OffsetMetadataManager.validateOffsetCommit
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    for offset in 0..3 {
        sim.advance(9_000);
        assert_eq!(sim.commit(member_commit("topic", offset, &leader, generation)), [ErrorCode::None]);
        assert_eq!(sim.commit(member_commit("topic", offset, &follower, generation)), [ErrorCode::None]);
    }
    assert_eq!(sim.state(), "Stable");
}

#[test]
fn waiting_for_a_rebalance_is_a_sign_of_life() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let again = sim.join(Joiner::new("a").member_id(&leader));
    for _ in 0..3 {
        sim.advance(9_000);
        sim.heartbeat(generation, &follower);
    }
    assert!(!sim.is_answered(again));
    sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.joined(again).generation, generation + 1);
}

#[test]
fn a_new_member_waits_five_minutes_at_most() {
    // Kafka: CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = {
        let mut slow = |client| sim.join(Joiner { rebalance_ms: 1_000_000, ..Joiner::new(client) });
        let (a, _b) = (slow("a"), slow("b"));
        sim.advance(0);
        let reply = sim.joined(a).clone();
        let other = sim.member_ids().into_iter().find(|id| **id != *reply.member_id).unwrap();
        sim.sync(1, &reply.member_id, &[]);
        sim.sync(1, &other, &[]);
        (reply.member_id, other, 1)
    };
    let newcomer = sim.join(Joiner { rebalance_ms: 1_000_000, ..Joiner::new("c") });
    for _ in 0..30 {
        sim.advance(9_999);
        sim.heartbeat(generation, &leader);
        sim.heartbeat(generation, &follower);
    }
    assert!(!sim.is_answered(newcomer));
    sim.advance(30);
    assert_eq!(sim.joined(newcomer).error, ErrorCode::UnknownMemberId);
}

#[test]
fn sessions_start_anew_after_a_restart() {
    // Kafka: GroupMetadataManager.onLoaded
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    sim.advance(9_000);
    sim.heartbeat(generation, &leader);
    sim.heartbeat(generation, &follower);
    let mut sim = sim.restarted();
    sim.advance(9_999);
    assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::None);
    sim.advance(1);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
}
