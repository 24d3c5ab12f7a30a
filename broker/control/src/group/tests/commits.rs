//! OffsetCommit (Kafka: ClassicGroup.validateOffsetCommit, OffsetMetadataManager.commitOffset).

use std::sync::Arc;

use forebay_storage::ids::{LeaderEpoch, TopicId};
use uuid::Uuid;

use super::sim::{GROUP, Joiner, Sim, member_commit, simple_commit};
use crate::error_code::ErrorCode;
use crate::group::CommitOffsets;

#[test]
fn a_consumer_outside_of_group_management_commits_to_a_group_of_its_own() {
    let mut sim = Sim::new();
    assert_eq!(sim.commit(simple_commit("topic", 7)), [ErrorCode::None]);
    assert_eq!(sim.offset("topic"), 7);
    assert_eq!(sim.state(), "Empty");
    assert_eq!(sim.restarted().offset("topic"), 7);
    assert_eq!(sim.commit(simple_commit("topic", 3)), [ErrorCode::None]);
    assert_eq!(sim.restarted().offset("topic"), 3, "the last commit counts, not the highest");
}

#[test]
fn what_was_committed_comes_back_whole() {
    let mut sim = Sim::new();
    let mut commit = simple_commit("topic", 7);
    commit.offsets[0].leader_epoch = LeaderEpoch(4);
    commit.offsets[0].metadata = Some("note".into());
    commit.offsets[0].topic_id = TopicId(Uuid::from_u128(9));
    sim.commit(commit);
    for sim in [&sim.restarted(), &sim] {
        let fetched = sim.fetch("topic", false);
        assert_eq!((fetched.leader_epoch, &*fetched.metadata), (LeaderEpoch(4), "note"));
        assert_eq!(fetched.topic_id, TopicId(Uuid::from_u128(9)));
    }
}

#[test]
fn a_generation_needs_its_group() {
    let mut sim = Sim::new();
    let commit = member_commit("topic", 1, "m", 1);
    assert_eq!(sim.commit(commit.clone()), [ErrorCode::GroupIdNotFound], "version 9 on");
    let older = CommitOffsets { knows_group_id_not_found: false, ..commit };
    assert_eq!(sim.commit(older), [ErrorCode::IllegalGeneration]);
    // Kafka: GroupCoordinatorService.commitOffsets takes the empty group id for the sake of old clients.
    let nameless = CommitOffsets { group_id: "".into(), ..simple_commit("topic", 1) };
    assert_eq!(sim.commit(nameless.clone()), [ErrorCode::None]);
    assert_eq!(sim.commit_in_transaction(1, nameless), [ErrorCode::InvalidGroupId]);
    let endless = CommitOffsets { group_id: "g".repeat(40_000).into(), ..simple_commit("topic", 1) };
    assert_eq!(sim.commit(endless), [ErrorCode::InvalidGroupId]);
}

#[test]
fn only_members_of_the_generation_commit_to_a_group_with_members() {
    let mut sim = Sim::hasty();
    let (leader, _, generation) = sim.stable_pair();
    assert_eq!(sim.commit(simple_commit("topic", 1)), [ErrorCode::UnknownMemberId]);
    assert_eq!(sim.commit(member_commit("topic", 1, "stranger", generation)), [ErrorCode::UnknownMemberId]);
    assert_eq!(sim.commit(member_commit("topic", 1, &leader, generation - 1)), [ErrorCode::IllegalGeneration]);
    assert_eq!(sim.commit(member_commit("topic", 1, &leader, -1)), [ErrorCode::IllegalGeneration]);
    assert_eq!(sim.offset("topic"), -1);
    assert_eq!(sim.commit(member_commit("topic", 1, &leader, generation)), [ErrorCode::None]);
    assert_eq!(sim.offset("topic"), 1);
}

#[test]
fn commits_are_taken_while_a_rebalance_is_prepared_but_not_while_it_completes() {
    let mut sim = Sim::hasty();
    let (leader, follower, generation) = sim.stable_pair();
    sim.join(Joiner::new("c"));
    assert_eq!(sim.commit(member_commit("topic", 1, &leader, generation)), [ErrorCode::None]);
    sim.join(Joiner::new("a").member_id(&leader));
    sim.join(Joiner::new("b").member_id(&follower));
    assert_eq!(sim.state(), "CompletingRebalance");
    let early = member_commit("topic", 2, &leader, generation + 1);
    assert_eq!(sim.commit(early), [ErrorCode::RebalanceInProgress]);
    assert_eq!(sim.commit(member_commit("topic", 2, &leader, generation)), [ErrorCode::IllegalGeneration]);
}

#[test]
fn notes_have_a_maximum_length_in_utf_16_units() {
    // offset.metadata.max.bytes, compared with Java's String.length()
    let mut sim = Sim::new();
    let mut commit = simple_commit("a", 1);
    commit.offsets[0].metadata = Some(Arc::from("ä".repeat(4_096)));
    let mut too_long = simple_commit("b", 1).offsets.remove(0);
    too_long.metadata = Some(Arc::from("x".repeat(4_097)));
    commit.offsets.push(too_long);
    assert_eq!(sim.commit(commit), [ErrorCode::None, ErrorCode::OffsetMetadataTooLarge]);
    assert_eq!((sim.offset("a"), sim.offset("b")), (1, -1));
}

#[test]
fn groups_do_not_see_each_others_offsets() {
    let mut sim = Sim::new();
    sim.commit(CommitOffsets { group_id: "other".into(), ..simple_commit("topic", 5) });
    assert_eq!(sim.offset("topic"), -1);
    assert!(sim.machine.fetch_offsets(GROUP, None, true).is_empty());
    assert_eq!(sim.machine.fetch_offsets("other", None, true).len(), 1);
}
