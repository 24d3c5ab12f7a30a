//! Expiry of offsets and groups (Kafka: GroupCoordinatorShard.cleanupGroupMetadata, ClassicGroup.offsetExpirationCondition; KIP-211).

use super::sim::{Joiner, Sim, member_commit, simple_commit};
use crate::error_code::ErrorCode;
use crate::group::{CommitOffsets, GroupConfig};

const MINUTE: i64 = 60_000;

/// Offsets are kept for 100 minutes and looked at each minute.
fn sim() -> Sim {
    Sim::with(GroupConfig {
        initial_rebalance_delay_ms: 0,
        offsets_retention_minutes: 100,
        offsets_retention_check_interval_ms: MINUTE,
        ..GroupConfig::default()
    })
}

#[test]
fn without_members_ever_each_commit_counts() {
    let mut sim = sim();
    sim.commit(simple_commit("old", 1));
    sim.advance(50 * MINUTE);
    sim.commit(simple_commit("new", 1));
    sim.advance(50 * MINUTE);
    assert_eq!((sim.offset("old"), sim.offset("new")), (-1, 1));
    assert_eq!(sim.restarted().offset("old"), -1);
    sim.advance(49 * MINUTE);
    assert_eq!(sim.offset("new"), 1);
    sim.advance(2 * MINUTE);
    assert_eq!(sim.group().error, ErrorCode::GroupIdNotFound, "a group without offsets goes too");
    assert_eq!(sim.restarted().group().error, ErrorCode::GroupIdNotFound);
}

#[test]
fn after_members_the_moment_counts_when_the_last_one_left() {
    let mut sim = sim();
    let (leader, follower, generation) = sim.stable_pair();
    sim.commit(member_commit("topic", 1, &leader, generation));
    for _ in 0..120 {
        for _ in 0..10 {
            sim.advance(MINUTE / 10);
            sim.heartbeat(generation, &leader);
            sim.heartbeat(generation, &follower);
        }
    }
    assert_eq!(sim.offset("topic"), 1, "subscribed: kept");
    sim.leave(&[(&leader, None), (&follower, None)]);
    assert_eq!(sim.state(), "Empty");
    sim.advance(99 * MINUTE);
    assert_eq!(sim.offset("topic"), 1);
    assert_eq!(sim.restarted().state(), "Empty");
    sim.advance(2 * MINUTE);
    assert_eq!(sim.group().error, ErrorCode::GroupIdNotFound);
}

#[test]
fn an_active_group_loses_offsets_of_topics_that_it_no_longer_reads() {
    let mut sim = sim();
    let (leader, follower, generation) = sim.stable_pair();
    sim.commit(member_commit("topic", 1, &leader, generation));
    sim.commit(member_commit("other", 1, &leader, generation));
    for _ in 0..1_010 {
        sim.advance(MINUTE / 10);
        sim.heartbeat(generation, &leader);
        sim.heartbeat(generation, &follower);
    }
    assert_eq!((sim.offset("topic"), sim.offset("other")), (1, -1));
    assert_eq!(sim.state(), "Stable");
}

#[test]
fn a_client_may_ask_for_a_retention_of_its_own() {
    // OffsetCommit versions 2 to 4
    let mut sim = sim();
    sim.commit(CommitOffsets { retention_ms: Some(5 * MINUTE), ..simple_commit("topic", 1) });
    sim.commit(simple_commit("kept", 1));
    let mut sim = sim.restarted();
    sim.advance(5 * MINUTE - 1);
    assert_eq!(sim.offset("topic"), 1);
    sim.advance(MINUTE);
    assert_eq!((sim.offset("topic"), sim.offset("kept")), (-1, 1));
}

#[test]
fn offsets_of_open_transactions_do_not_expire() {
    let mut sim = sim();
    sim.commit(simple_commit("topic", 1));
    sim.commit_in_transaction(1, simple_commit("topic", 2));
    sim.advance(200 * MINUTE);
    assert_eq!(sim.offset("topic"), 1);
    sim.end_transaction(1, false);
    sim.advance(MINUTE);
    assert_eq!(sim.offset("topic"), -1);
}

#[test]
fn a_group_that_waits_for_a_new_member_is_not_removed_under_it() {
    let mut sim = sim();
    let to = sim.join(Joiner { known_id: true, session_ms: 90_000, ..Joiner::new("a") });
    let id = sim.joined(to).member_id.clone();
    sim.advance(MINUTE);
    let to = sim.join(Joiner { known_id: true, ..Joiner::new("a") }.member_id(&id));
    sim.advance(0);
    assert_eq!(sim.joined(to).error, ErrorCode::None);
}

#[test]
fn much_to_expire_is_written_in_pieces() {
    let mut sim = sim();
    for partition in 0..5_000 {
        let mut commit = simple_commit("topic", 1);
        commit.offsets[0].partition.partition = partition;
        sim.commit(commit);
    }
    sim.advance(100 * MINUTE);
    let left = sim.machine.fetch_offsets(super::sim::GROUP, None, false).len();
    assert_eq!(left, 3_000);
    sim.advance(1_000);
    assert_eq!(sim.machine.fetch_offsets(super::sim::GROUP, None, false).len(), 0);
}
