//! Offsets of transactions (Kafka: OffsetMetadataManager.commitTransactionalOffset, replayEndTransactionMarker; KIP-447).

use super::sim::{Joiner, Logged, Sim, member_commit, simple_commit};
use crate::error_code::ErrorCode;

#[test]
fn an_offset_counts_once_its_transaction_is_committed() {
    let mut sim = Sim::new();
    assert_eq!(sim.commit_in_transaction(1, simple_commit("topic", 5)), [ErrorCode::None]);
    assert_eq!(sim.offset("topic"), -1);
    assert_eq!(sim.fetch("topic", true).error, ErrorCode::UnstableOffsetCommit);
    assert_eq!(sim.fetch("topic", false).error, ErrorCode::None);
    sim.end_transaction(1, true);
    assert_eq!(sim.fetch("topic", true).offset.0, 5);
    assert_eq!(sim.restarted().offset("topic"), 5);
}

#[test]
fn an_offset_of_an_aborted_transaction_never_counts() {
    let mut sim = Sim::new();
    sim.commit(simple_commit("topic", 1));
    sim.commit_in_transaction(1, simple_commit("topic", 5));
    sim.end_transaction(1, false);
    assert_eq!(sim.fetch("topic", true).offset.0, 1);
    assert_eq!(sim.restarted().offset("topic"), 1);
}

#[test]
fn an_open_transaction_is_still_open_after_a_restart() {
    let mut sim = Sim::new();
    sim.commit_in_transaction(1, simple_commit("topic", 5));
    let mut sim = sim.restarted();
    assert_eq!(sim.fetch("topic", true).error, ErrorCode::UnstableOffsetCommit);
    sim.end_transaction(1, true);
    assert_eq!(sim.offset("topic"), 5);
}

#[test]
fn a_plain_commit_after_a_transactional_one_is_not_overtaken_by_the_marker() {
    let mut sim = Sim::new();
    sim.commit_in_transaction(1, simple_commit("topic", 5));
    sim.commit(simple_commit("topic", 6));
    sim.end_transaction(1, true);
    assert_eq!(sim.offset("topic"), 6);
    assert_eq!(sim.restarted().offset("topic"), 6);
}

#[test]
fn transactions_of_different_producers_are_independent() {
    let mut sim = Sim::new();
    sim.commit_in_transaction(1, simple_commit("topic", 5));
    sim.commit_in_transaction(2, simple_commit("topic", 6));
    sim.end_transaction(2, false);
    assert_eq!(sim.fetch("topic", true).error, ErrorCode::UnstableOffsetCommit);
    sim.end_transaction(1, true);
    assert_eq!(sim.fetch("topic", true).offset.0, 5);
    sim.end_transaction(3, true);
    assert_eq!(sim.offset("topic"), 5);
}

#[test]
fn the_records_of_a_transaction_name_its_producer() {
    let mut sim = Sim::new();
    sim.commit_in_transaction(9, simple_commit("topic", 5));
    let Some(Logged::Record(record)) = sim.log.last() else { panic!("nothing was written") };
    assert_eq!(record.producer.map(|(id, epoch)| (id.0, epoch.0)), Some((9, 0)));
}

#[test]
fn members_and_generations_are_checked_if_given() {
    // KIP-447; the group's state is not enforced.
    let mut sim = Sim::hasty();
    assert_eq!(sim.commit_in_transaction(1, member_commit("topic", 1, "m", 1)), [ErrorCode::IllegalGeneration]);
    let (leader, follower, generation) = sim.stable_pair();
    let stranger = member_commit("topic", 1, "stranger", generation);
    assert_eq!(sim.commit_in_transaction(1, stranger), [ErrorCode::UnknownMemberId]);
    let old = member_commit("topic", 1, &leader, generation - 1);
    assert_eq!(sim.commit_in_transaction(1, old), [ErrorCode::IllegalGeneration]);
    assert_eq!(
        sim.commit_in_transaction(1, simple_commit("topic", 1)),
        [ErrorCode::None],
        "an older client names neither"
    );
    sim.join(Joiner::new("a").member_id(&leader));
    sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.state(), "CompletingRebalance");
    let current = member_commit("topic", 1, &leader, generation + 1);
    assert_eq!(sim.commit_in_transaction(1, current), [ErrorCode::None]);
}
