//! Static membership (KIP-345, KIP-814; Kafka: updateStaticMemberThenRebalanceOrCompleteJoin).

use std::sync::Arc;

use super::sim::{Joiner, Sim, member_commit};
use crate::error_code::ErrorCode;
use crate::group::CommitOffsets;

/// A stable group of the instances i (the leader) and j; their member ids.
fn stable(sim: &mut Sim) -> (Arc<str>, Arc<str>) {
    let i = sim.join(Joiner::new("a").instance("i"));
    let j = sim.join(Joiner::new("b").instance("j"));
    sim.advance(0);
    let (i, j) = (sim.joined(i).clone(), sim.joined(j).clone());
    assert!(i.member_id.starts_with("i-uuid"), "instance id, hyphen, UUID: {}", i.member_id);
    assert_eq!(i.leader, i.member_id);
    sim.sync(1, &i.member_id, &[(&i.member_id, "for i"), (&j.member_id, "for j")]);
    sim.sync(1, &j.member_id, &[]);
    (i.member_id, j.member_id)
}

#[test]
fn a_static_member_needs_no_id_first_and_returns_without_a_rebalance() {
    let mut sim = Sim::hasty();
    let (_, old) = stable(&mut sim);
    let written = sim.log.len();
    let back = sim.join(Joiner { known_id: true, ..Joiner::new("b") }.instance("j"));
    let reply = sim.joined(back).clone();
    assert_eq!((reply.error, reply.generation), (ErrorCode::None, 1));
    assert_ne!(reply.member_id, old);
    assert!(!reply.skip_assignment);
    assert_eq!(sim.state(), "Stable");
    assert_eq!(sim.log.len(), written + 1, "the new id is written");
    let own = sim.sync(1, &reply.member_id, &[]);
    assert_eq!(sim.synced(own).assignment, "for j");
    assert_eq!(sim.restarted().group(), sim.group());
}

#[test]
fn the_old_id_is_fenced() {
    let mut sim = Sim::hasty();
    let (_, old) = stable(&mut sim);
    sim.join(Joiner::new("b").instance("j"));
    assert_eq!(sim.heartbeat_as(1, &old, Some("j")), ErrorCode::FencedInstanceId);
    let commit = CommitOffsets { instance_id: Some("j".into()), ..member_commit("topic", 1, &old, 1) };
    assert_eq!(sim.commit(commit), [ErrorCode::FencedInstanceId]);
    assert_eq!(sim.leave(&[(&old, Some("j"))]), [ErrorCode::FencedInstanceId]);
    let again = sim.join(Joiner::new("b").instance("j").member_id(&old));
    assert_eq!(sim.joined(again).error, ErrorCode::FencedInstanceId);
    assert_eq!(sim.heartbeat(1, &old), ErrorCode::UnknownMemberId);
}

#[test]
fn a_parked_request_of_the_old_id_is_fenced() {
    let mut sim = Sim::hasty();
    let (leader, old) = stable(&mut sim);
    sim.join(Joiner::new("a").instance("i").member_id(&leader));
    assert_eq!(sim.state(), "PreparingRebalance");
    sim.leave(&[]);
    let third = sim.join(Joiner::new("c"));
    let parked = sim.join(Joiner::new("b").instance("j"));
    assert_eq!(sim.joined(parked).generation, 2, "everybody is there");
    let new = sim.joined(parked).member_id.clone();
    assert_ne!(new, old);
    assert_eq!(sim.joined(third).generation, 2);
    let sync = sim.sync(2, &new, &[]);
    assert!(!sim.is_answered(sync));
    let back = sim.join(Joiner::new("b").instance("j"));
    assert_eq!(sim.synced(sync).error, ErrorCode::FencedInstanceId);
    assert_eq!(sim.state(), "PreparingRebalance", "while the assignment is awaited a return rebalances");
    let again = sim.join(Joiner::new("b").instance("j"));
    assert_eq!(sim.joined(back).error, ErrorCode::FencedInstanceId);
    assert!(!sim.is_answered(again));
}

#[test]
fn a_returned_leader_skips_the_assignment() {
    // KIP-814
    let mut sim = Sim::hasty();
    stable(&mut sim);
    let back = sim.join(Joiner::new("a").instance("i"));
    let reply = sim.joined(back);
    assert!(reply.skip_assignment);
    assert_eq!(reply.leader, reply.member_id);
    assert_eq!(reply.members.len(), 2);
}

#[test]
fn a_returned_leader_that_cannot_skip_is_not_told_that_it_leads() {
    let mut sim = Sim::hasty();
    let (old, _) = stable(&mut sim);
    let back = sim.join(Joiner { skips: false, ..Joiner::new("a") }.instance("i"));
    let reply = sim.joined(back);
    assert!(!reply.skip_assignment);
    assert_eq!(reply.leader, old);
    assert!(reply.members.is_empty());
}

#[test]
fn a_return_that_changes_the_selected_protocol_rebalances() {
    let mut sim = Sim::hasty();
    let both = |client| Joiner::new(client).protocols(&["range", "sticky"]);
    let i = sim.join(both("a").instance("i"));
    sim.join(both("b").instance("j"));
    sim.advance(0);
    assert_eq!(sim.joined(i).protocol_name.as_deref(), Some("range"));
    let leader = sim.joined(i).member_id.clone();
    sim.sync(1, &leader, &[]);
    let back = sim.join(Joiner::new("b").protocols(&["sticky"]).instance("j"));
    assert!(!sim.is_answered(back));
    assert_eq!(sim.state(), "PreparingRebalance");
}

#[test]
fn a_static_member_that_is_away_keeps_its_place_until_its_session_ends() {
    let mut sim = Sim::hasty();
    let i = sim.join(Joiner { rebalance_ms: 5_000, ..Joiner::new("a") }.instance("i"));
    let j = sim.join(Joiner { rebalance_ms: 5_000, session_ms: 100_000, ..Joiner::new("b") }.instance("j"));
    sim.advance(0);
    let (i, j) = (sim.joined(i).member_id.clone(), sim.joined(j).member_id.clone());
    sim.sync(1, &i, &[]);
    sim.sync(1, &j, &[]);
    let again = sim.join(Joiner { rebalance_ms: 5_000, ..Joiner::new("a") }.instance("i").member_id(&i));
    sim.advance(5_000);
    assert_eq!(sim.joined(again).generation, 2, "the rebalance goes on without it");
    assert_eq!(sim.joined(again).members.len(), 2, "and it is assigned to nonetheless");
}

#[test]
fn a_rebalance_that_nobody_joins_goes_on_until_sessions_end() {
    // Kafka: maybeElectNewJoinedLeader fails, and the join phase is started again.
    let mut sim = Sim::hasty();
    let (i, j) = stable(&mut sim);
    sim.join(Joiner::new("a").instance("i").member_id(&i));
    sim.leave(&[(&i, Some("i"))]);
    for _ in 0..13 {
        sim.advance(9_999);
        assert_eq!(sim.heartbeat_as(1, &j, Some("j")), ErrorCode::RebalanceInProgress);
    }
    sim.advance(10_000);
    assert_eq!(sim.state(), "Empty");
}

#[test]
fn a_member_that_returns_without_having_synced_still_has_to() {
    let mut sim = Sim::hasty();
    let i = sim.join(Joiner::new("a").instance("i"));
    sim.join(Joiner::new("b").instance("j"));
    sim.advance(0);
    let i = sim.joined(i).member_id.clone();
    sim.sync(1, &i, &[]);
    let back = sim.join(Joiner::new("b").instance("j"));
    let j = sim.joined(back).member_id.clone();
    for _ in 0..6 {
        sim.advance(9_999);
        sim.heartbeat(1, &i);
        sim.heartbeat(1, &j);
    }
    assert_eq!(sim.member_ids().len(), 2);
    sim.advance(6);
    assert_eq!(sim.member_ids(), [i.to_string()]);
}

#[test]
fn an_administrator_removes_an_instance_by_its_name() {
    let mut sim = Sim::hasty();
    let (_, j) = stable(&mut sim);
    assert_eq!(sim.leave(&[("", Some("nobody")), ("", None)]), [ErrorCode::UnknownMemberId; 2]);
    assert_eq!(sim.leave(&[("", Some("i"))]), [ErrorCode::None]);
    assert_eq!(sim.member_ids(), [j.to_string()]);
    assert_eq!(sim.state(), "PreparingRebalance");
}

#[test]
fn a_given_out_id_cannot_be_used_by_a_static_member() {
    let mut sim = Sim::hasty();
    let to = sim.join(Joiner { known_id: true, ..Joiner::new("a") });
    let id = sim.joined(to).member_id.clone();
    let to = sim.join(Joiner::new("a").instance("i").member_id(&id));
    assert_eq!(sim.joined(to).error, ErrorCode::UnknownServerError);
}
