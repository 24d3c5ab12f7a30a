//! SyncGroup and the end of a rebalance (Kafka: GroupMetadataManager.classicGroupSyncToClassicGroup, expirePendingSync).

use std::sync::Arc;

use super::sim::{GROUP, Joiner, Sim};
use crate::error_code::ErrorCode;
use crate::group::Sync;
use crate::machine::ReplyTo;

/// Two members that have joined, the leader first.
fn joined_pair(sim: &mut Sim) -> (Arc<str>, Arc<str>) {
    let (a, b) = (sim.join(Joiner::new("a")), sim.join(Joiner::new("b")));
    sim.advance(0);
    let (a, b) = (sim.joined(a).clone(), sim.joined(b).clone());
    assert_eq!(sim.state(), "CompletingRebalance");
    if a.leader == a.member_id { (a.member_id, b.member_id) } else { (b.member_id, a.member_id) }
}

#[test]
fn a_follower_waits_for_the_leaders_assignment() {
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    let waiting = sim.sync(1, &follower, &[]);
    assert!(!sim.is_answered(waiting));
    let own = sim.sync(1, &leader, &[(&leader, "one"), (&follower, "two")]);
    assert_eq!(sim.synced(own).assignment, "one");
    assert_eq!(sim.synced(waiting).assignment, "two");
    assert_eq!(sim.synced(waiting).error, ErrorCode::None);
    assert_eq!(sim.synced(waiting).protocol_name.as_deref(), Some("range"));
    assert_eq!(sim.synced(waiting).protocol_type.as_deref(), Some("consumer"));
    assert_eq!(sim.state(), "Stable");
}

#[test]
fn a_late_follower_gets_its_assignment_at_once() {
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    sim.sync(1, &leader, &[(&follower, "two")]);
    let late = sim.sync(1, &follower, &[]);
    assert_eq!(sim.synced(late).assignment, "two");
    let forgotten = sim.sync(1, &leader, &[]);
    assert_eq!(sim.synced(forgotten).assignment, "", "a member that the leader forgot gets nothing");
}

#[test]
fn a_stable_generation_survives_a_restart() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    let before = sim.group();
    let mut restarted = sim.restarted();
    assert_eq!(restarted.group(), before);
    assert_eq!(restarted.heartbeat(generation, &leader), ErrorCode::None);
    let again = restarted.sync(generation, &follower, &[]);
    assert_eq!(restarted.synced(again).assignment, "for follower");
}

#[test]
fn a_sync_must_fit_the_group() {
    let mut sim = Sim::hasty();
    let to = sim.sync(1, "anybody", &[]);
    assert_eq!(sim.synced(to).error, ErrorCode::UnknownMemberId, "no such group");
    let (leader, follower) = joined_pair(&mut sim);
    let to = sim.sync(1, "stranger", &[]);
    assert_eq!(sim.synced(to).error, ErrorCode::UnknownMemberId);
    let to = sim.sync(0, &follower, &[]);
    assert_eq!(sim.synced(to).error, ErrorCode::IllegalGeneration);
    // KIP-559
    let base = Sync {
        reply_to: ReplyTo(0),
        group_id: GROUP.into(),
        generation: 1,
        member_id: follower.clone(),
        instance_id: None,
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: Vec::new(),
    };
    let to = sim.sync_as(Sync { protocol_type: Some("connect".into()), ..base.clone() });
    assert_eq!(sim.synced(to).error, ErrorCode::InconsistentGroupProtocol);
    let to = sim.sync_as(Sync { protocol_name: Some("sticky".into()), ..base.clone() });
    assert_eq!(sim.synced(to).error, ErrorCode::InconsistentGroupProtocol);
    let to = sim.sync_as(base);
    assert!(!sim.is_answered(to));
    sim.leave(&[(&leader, None)]);
    assert_eq!(sim.synced(to).error, ErrorCode::RebalanceInProgress, "those who wait are sent back to join");
    let to = sim.sync(1, &follower, &[]);
    assert_eq!(sim.synced(to).error, ErrorCode::RebalanceInProgress);
}

#[test]
fn members_that_do_not_sync_within_the_rebalance_timeout_are_removed() {
    // Kafka: expirePendingSync
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    let own = sim.sync(1, &leader, &[(&leader, "one"), (&follower, "two")]);
    assert_eq!(sim.synced(own).error, ErrorCode::None);
    for _ in 0..6 {
        sim.advance(9_999);
        sim.heartbeat(1, &leader);
        sim.heartbeat(1, &follower);
    }
    assert_eq!(sim.member_ids().len(), 2);
    sim.advance(6);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
    assert_eq!(sim.state(), "PreparingRebalance");
}

#[test]
fn a_leader_that_never_syncs_is_removed_and_the_others_are_sent_back() {
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    let waiting = sim.sync(1, &follower, &[]);
    for _ in 0..7 {
        sim.advance(9_000);
        sim.heartbeat(1, &leader);
    }
    assert_eq!(sim.synced(waiting).error, ErrorCode::RebalanceInProgress);
    assert_eq!(sim.member_ids(), [follower.to_string()]);
    let again = sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.joined(again).leader, follower);
    assert_eq!(sim.joined(again).generation, 2);
}

#[test]
fn the_sync_time_limit_leaves_a_complete_group_alone() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    for _ in 0..20 {
        sim.advance(9_000);
        assert_eq!(sim.heartbeat(generation, &leader), ErrorCode::None);
        assert_eq!(sim.heartbeat(generation, &follower), ErrorCode::None);
    }
}

#[test]
fn of_two_syncs_of_one_member_the_older_is_sent_back() {
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    let (old, new) = (sim.sync(1, &follower, &[]), sim.sync(1, &follower, &[]));
    assert_eq!(sim.synced(old).error, ErrorCode::RebalanceInProgress);
    sim.sync(1, &leader, &[(&follower, "two")]);
    assert_eq!(sim.synced(new).assignment, "two");
}

#[test]
fn waiting_for_the_assignment_is_a_sign_of_life() {
    // Kafka: ClassicGroupMember.hasSatisfiedHeartbeat
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    let waiting = sim.sync(1, &follower, &[]);
    for _ in 0..3 {
        sim.advance(9_000);
        sim.heartbeat(1, &leader);
    }
    sim.sync(1, &leader, &[(&follower, "two")]);
    assert_eq!(sim.synced(waiting).assignment, "two");
    // The answer starts the session anew.
    sim.advance(9_999);
    sim.heartbeat(1, &leader);
    assert_eq!(sim.member_ids().len(), 2);
    sim.advance(1);
    assert_eq!(sim.member_ids(), [leader.to_string()]);
}

#[test]
fn the_sync_time_limit_of_an_earlier_generation_does_not_count() {
    let mut sim = Sim::hasty();
    let (leader, follower) = joined_pair(&mut sim);
    sim.sync(1, &leader, &[]);
    sim.sync(1, &follower, &[]);
    for _ in 0..6 {
        sim.advance(9_000);
        sim.heartbeat(1, &leader);
        sim.heartbeat(1, &follower);
    }
    // 54 s after the first generation began.
    sim.join(Joiner::new("a").member_id(&leader));
    sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.state(), "CompletingRebalance");
    sim.advance(9_000);
    assert_eq!(sim.state(), "CompletingRebalance");
    assert_eq!(sim.member_ids().len(), 2);
}
