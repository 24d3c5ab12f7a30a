//! From classic to consumer groups and back while members stay (Kafka: GroupMetadataManagerTest.testConsumerGroupHeartbeatWith*Classic*,
//! testJoiningConsumerGroup*, testLastConsumerProtocolMember*).

use std::sync::Arc;

use super::beat::{BAR, Beat, FOO, eager, sim};
use super::clients::{Classic, Partitions};
use crate::error_code::ErrorCode;
use crate::group::records::encode_assignment;
use crate::group::tests::sim::{GROUP, Joiner, Sim, member_commit, simple_commit};
use crate::group::*;

/// A stable classic group of one member that has all of foo; its member id.
fn classic_group(sim: &mut Sim) -> Arc<str> {
    let to = sim.join(Joiner::new("x").topics(&["foo"]));
    sim.advance(0);
    let joined = sim.joined(to).clone();
    assert_eq!(joined.generation, 1);
    let all = encode_assignment(0, [("foo", (0..6).collect())].into_iter());
    let sync = Sync {
        reply_to: crate::machine::ReplyTo(0),
        group_id: GROUP.into(),
        generation: 1,
        member_id: joined.member_id.clone(),
        instance_id: None,
        protocol_type: None,
        protocol_name: None,
        assignments: vec![(joined.member_id.clone(), all)],
    };
    sim.sync_as(sync);
    assert_eq!(sim.state(), "Stable");
    joined.member_id
}

fn policy(policy: MigrationPolicy) -> Sim {
    let mut config = eager();
    config.consumer.migration_policy = policy;
    let mut sim = Sim::with(config);
    sim.know(1, &[("foo", FOO, 6), ("bar", BAR, 3)]);
    sim
}

#[test]
fn a_consumer_member_upgrades_a_classic_group() {
    let mut sim = sim();
    let old = classic_group(&mut sim);
    let before = sim.log.len();
    assert_eq!(sim.beat_ok(&Beat::join("m", &["foo"])), (2, Some(vec![])));
    // Tombstone; the converted group; then the new member.
    assert_eq!(sim.records_since(before), ["-2", "5", "3", "7", "6", "8", "5", "3", "7", "7", "6", "8"]);
    let group = sim.described();
    assert_eq!((group.epoch, group.assignment_epoch, group.members.len()), (2, 2, 2));
    assert!(group.members.iter().any(|m| m.is_classic && m.member_id == old && m.epoch == 1));
    // The classic member is sent to join again, gives up half, and its epoch is its generation.
    assert_eq!(sim.heartbeat(1, &old), ErrorCode::RebalanceInProgress);
    let to = sim.join(Joiner::new("x").topics(&["foo"]).member_id(&old));
    let joined = sim.joined(to).clone();
    assert_eq!((joined.error, joined.generation, &*joined.leader), (ErrorCode::None, 2, ""));
    assert!(joined.members.is_empty(), "nobody leads here");
    let to = sim.sync(2, &old, &[]);
    assert_eq!(sim.synced(to).assignment, encode_assignment(0, [("foo", vec![0, 1, 2])].into_iter()));
    assert_eq!(sim.heartbeat(2, &old), ErrorCode::None);
    assert_eq!(sim.beat_ok(&Beat::again("m", 2)), (2, Some(vec![(FOO, vec![3, 4, 5])])));
    assert_eq!(sim.epochs().0, "Stable");
}

#[test]
fn the_last_consumer_member_leaves_a_classic_group() {
    let mut sim = sim();
    let old = classic_group(&mut sim);
    sim.commit(member_commit("foo", 5, &old, 1));
    sim.beat(&Beat::join("m", &["foo"]));
    let before = sim.log.len();
    sim.beat(&Beat::again("m", -1));
    assert_eq!(sim.records_since(before), ["-8", "-8", "-7", "-7", "-6", "-5", "-5", "-4", "-3", "2"]);
    assert_eq!(sim.state(), "PreparingRebalance");
    assert_eq!(sim.member_ids(), [&*old]);
    assert_eq!(sim.offset("foo"), 5, "offsets stay");
    // The generation goes on from the group's epoch.
    assert_eq!(sim.heartbeat(2, &old), ErrorCode::RebalanceInProgress);
    let to = sim.join(Joiner::new("x").topics(&["foo"]).member_id(&old));
    assert_eq!((sim.joined(to).generation, sim.joined(to).members.len()), (3, 1), "it leads again");
}

#[test]
fn a_session_that_ends_downgrades_too() {
    let mut sim = sim();
    let mut classic = Classic::new("x", vec!["foo"]);
    sim.beat(&Beat::join("m", &["foo"]));
    for _ in 0..3 {
        classic.go_on(&mut sim);
    }
    for _ in 0..12 {
        sim.advance(4_000);
        classic.go_on(&mut sim);
    }
    assert!(sim.machine.consumer_groups.is_empty());
    for _ in 0..6 {
        classic.go_on(&mut sim);
    }
    assert_eq!(sim.state(), "Stable");
    assert_eq!(classic.owned, (0..6).map(|p| (FOO, p)).collect::<Partitions>());
}

#[test]
fn policies_are_kept() {
    let mut sim = policy(MigrationPolicy::Downgrade);
    classic_group(&mut sim);
    let words = "Cannot upgrade classic group group to consumer group because online upgrade is disabled.";
    assert_eq!(sim.beat_err(&Beat::join("m", &["foo"])), (ErrorCode::GroupIdNotFound, words.into()));

    let mut sim = policy(MigrationPolicy::Upgrade);
    let old = classic_group(&mut sim);
    sim.beat(&Beat::join("m", &["foo"]));
    sim.beat(&Beat::again("m", -1));
    assert_eq!(sim.described().members[0].member_id, old, "it stays a consumer group");

    let mut sim = policy(MigrationPolicy::Disabled);
    sim.beat(&Beat::join("m", &["foo"]));
    let to = sim.join(Joiner::new("x").topics(&["foo"]));
    assert_eq!(sim.joined(to).error, ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn only_groups_of_consumers_are_upgraded() {
    let mut sim = sim();
    let connect = Joiner { kind: "connect", ..Joiner::new("x") };
    sim.join(connect);
    sim.advance(0);
    let words = "Cannot upgrade classic group group to consumer group because the group does not use the consumer embedded \
                 protocol.";
    assert_eq!(sim.beat_err(&Beat::join("m", &["foo"])), (ErrorCode::GroupIdNotFound, words.into()));
    assert_eq!(sim.beat_err(&Beat::again("m", 1)).1, "Group group is not a consumer group.");
    assert_eq!(sim.beat_err(&Beat::again("m", -1)).1, "Group group is not a consumer group.");
}

#[test]
fn whoever_waits_for_a_classic_rebalance_is_sent_back() {
    let mut sim = sim();
    let old = classic_group(&mut sim);
    let waiting = sim.join(Joiner::new("y").topics(&["foo"]));
    assert!(!sim.is_answered(waiting));
    sim.beat(&Beat::join("m", &["foo"]));
    assert_eq!(sim.joined(waiting).error, ErrorCode::RebalanceInProgress);
    assert_eq!(sim.described().members.len(), 3);
    assert_eq!(sim.heartbeat(1, &old), ErrorCode::RebalanceInProgress);
}

#[test]
fn an_empty_group_changes_its_protocol_and_keeps_its_offsets() {
    let mut sim = sim();
    sim.commit(simple_commit("foo", 4));
    let before = sim.log.len();
    sim.beat(&Beat::join("m", &["foo"]));
    assert_eq!(sim.records_since(before)[0], "-2");
    sim.beat(&Beat::again("m", -1));
    let to = sim.join(Joiner::new("x").topics(&["foo"]));
    sim.advance(0);
    assert_eq!(sim.joined(to).error, ErrorCode::None);
    assert!(sim.machine.consumer_groups.is_empty());
    assert_eq!(sim.offset("foo"), 4);
    let known = sim.restarted();
    assert_eq!(known.offset("foo"), 4);
    assert_eq!(known.state(), "Empty", "a generation that was never stable is forgotten");
}

#[test]
fn a_classic_member_is_held_to_its_times() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let to = sim.join(Joiner { rebalance_ms: 5_000, ..Joiner::new("x").topics(&["foo"]) });
    let classic = sim.joined(to).member_id.clone();
    sim.advance(4_999);
    assert_eq!(sim.described().members.len(), 2);
    sim.advance(1);
    assert_eq!(sim.described().members.len(), 1, "no SyncGroup within its rebalance timeout");
    assert_eq!(sim.heartbeat(3, &classic), ErrorCode::UnknownMemberId);
}

#[test]
fn classic_requests_are_checked_like_in_classic_groups() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let to = sim.join(Joiner { known_id: true, ..Joiner::new("x").topics(&["foo"]) });
    assert_eq!(sim.joined(to).error, ErrorCode::MemberIdRequired);
    let to = sim.join(Joiner { kind: "connect", ..Joiner::new("x") });
    assert_eq!(sim.joined(to).error, ErrorCode::InconsistentGroupProtocol);
    let to = sim.join(Joiner::new("x").topics(&["foo"]));
    let joined = sim.joined(to).clone();
    let member = &joined.member_id;
    assert_eq!(sim.heartbeat(joined.generation - 1, member), ErrorCode::IllegalGeneration);
    assert_eq!(sim.heartbeat(joined.generation, "m"), ErrorCode::UnknownMemberId, "not a classic member");
    let to = sim.sync(joined.generation - 1, member, &[]);
    assert_eq!(sim.synced(to).error, ErrorCode::IllegalGeneration);
    let to = sim.join(Joiner::new("y").protocols(&["sticky"]));
    assert_eq!(sim.joined(to).error, ErrorCode::InconsistentGroupProtocol, "no protocol in common");
    assert_eq!(sim.leave(&[("nobody", None), (member, None)]), [ErrorCode::UnknownMemberId, ErrorCode::None]);
    assert_eq!(sim.described().members.len(), 1);
}

#[test]
fn a_classic_member_takes_a_static_members_place() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]).instance("i"));
    let before = sim.log.len();
    let to = sim.join(Joiner::new("x").topics(&["foo"]).instance("i"));
    let joined = sim.joined(to).clone();
    assert_eq!((joined.error, joined.generation), (ErrorCode::None, 2));
    // It was the last member of the consumer protocol: the group is a classic one, without a rebalance.
    assert_eq!(sim.records_since(before).last().map(String::as_str), Some("2"));
    assert_eq!((sim.state(), sim.member_ids()), ("Stable", vec![joined.member_id.to_string()]));
    let to = sim.sync_as(Sync {
        reply_to: crate::machine::ReplyTo(0),
        group_id: GROUP.into(),
        generation: 2,
        member_id: joined.member_id.clone(),
        instance_id: Some("i".into()),
        protocol_type: None,
        protocol_name: None,
        assignments: Vec::new(),
    });
    assert_eq!(sim.synced(to).assignment, encode_assignment(0, [("foo", (0..6).collect())].into_iter()));
    let restarted = sim.restarted();
    assert_eq!(restarted.group(), sim.group());
}

#[test]
fn a_consumer_member_takes_a_static_classic_members_place() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    sim.join(Joiner::new("x").topics(&["foo"]).instance("i"));
    // A classic member does not say that it is away; who takes its place need not wait for that.
    let reply = sim.beat(&Beat::join("new", &["foo"]).instance("i"));
    assert_eq!(reply.error, ErrorCode::None);
    let ids: Vec<_> = sim.described().members.into_iter().map(|m| (m.member_id.to_string(), m.is_classic)).collect();
    assert_eq!(ids, [("m".to_owned(), false), ("new".to_owned(), false)]);
}

#[test]
fn a_newcomer_that_reads_nothing_upgrades_all_the_same() {
    let mut sim = sim();
    let mut classic = Classic::new("x", vec!["bar"]);
    for _ in 0..3 {
        classic.go_on(&mut sim);
    }
    sim.beat(&Beat::join("m", &[]));
    for _ in 0..4 {
        classic.go_on(&mut sim);
    }
    assert_eq!(classic.owned, (0..3).map(|p| (BAR, p)).collect::<Partitions>());
}

#[test]
fn back_and_forth_gives_away_nothing_that_is_still_read() {
    let mut sim = sim();
    let old = classic_group(&mut sim);
    sim.beat(&Beat::join("m", &["foo"]));
    // The classic member has heard of nothing yet and has all of foo, half of which the newcomer shall have.
    sim.beat(&Beat::again("m", -1));
    assert_eq!(sim.beat_ok(&Beat::join("m", &["foo"])).1, Some(vec![]), "it is all still taken");
    let group = sim.described();
    let classic = group.members.iter().find(|m| m.member_id == old).unwrap();
    assert_eq!(classic.assignment[0].partitions, [0, 1, 2, 3, 4, 5]);
}
