//! DeleteGroups, OffsetDelete and deleted topics (Kafka: GroupCoordinatorShard.deleteGroups, OffsetMetadataManager.deleteOffsets).

use forebay_storage::ids::TopicPartition;

use super::sim::{GROUP, Joiner, Sim, member_commit, simple_commit};
use crate::error_code::ErrorCode;
use crate::group::{DeleteGroups, DeleteOffsets, GroupCommand, GroupReply, TopicDeleted};

fn delete_groups(sim: &mut Sim, groups: &[&str]) -> Vec<ErrorCode> {
    let group_ids = groups.iter().map(|g| (*g).into()).collect();
    let to = sim.ask(|reply_to| GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids }));
    match sim.reply(to) {
        GroupReply::DeleteGroups(results) => results.iter().map(|(_, error)| *error).collect(),
        other => panic!("{other:?}"),
    }
}

fn delete_offsets(sim: &mut Sim, topics: &[&str]) -> (ErrorCode, Vec<ErrorCode>) {
    let partitions = topics.iter().map(|t| TopicPartition::new(*t, 0)).collect();
    let command =
        |reply_to| GroupCommand::DeleteOffsets(DeleteOffsets { reply_to, group_id: GROUP.into(), partitions });
    let to = sim.ask(command);
    match sim.reply(to) {
        GroupReply::DeleteOffsets(reply) => (reply.error, reply.partitions.iter().map(|p| p.error).collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_group_is_deleted_with_its_offsets() {
    let mut sim = Sim::new();
    sim.commit(simple_commit("topic", 1));
    sim.commit_in_transaction(1, simple_commit("pending", 1));
    assert_eq!(delete_groups(&mut sim, &[GROUP, "other"]), [ErrorCode::None, ErrorCode::GroupIdNotFound]);
    sim.end_transaction(1, true);
    for sim in [&sim.restarted(), &sim] {
        assert_eq!(sim.group().error, ErrorCode::GroupIdNotFound);
        assert_eq!((sim.offset("topic"), sim.offset("pending")), (-1, -1));
    }
}

#[test]
fn a_group_with_members_is_not_deleted() {
    let mut sim = Sim::hasty();
    sim.stable_pair();
    assert_eq!(delete_groups(&mut sim, &[GROUP]), [ErrorCode::NonEmptyGroup]);
}

#[test]
fn offsets_of_topics_that_members_read_are_not_deleted() {
    let mut sim = Sim::hasty();
    assert_eq!(delete_offsets(&mut sim, &["topic"]).0, ErrorCode::GroupIdNotFound);
    let (leader, _, generation) = sim.stable_pair();
    sim.commit(member_commit("topic", 1, &leader, generation));
    sim.commit(member_commit("old", 1, &leader, generation));
    let expected = vec![ErrorCode::GroupSubscribedToTopic, ErrorCode::None, ErrorCode::None];
    assert_eq!(delete_offsets(&mut sim, &["topic", "old", "never"]), (ErrorCode::None, expected));
    assert_eq!((sim.offset("topic"), sim.offset("old")), (1, -1));
    assert_eq!(sim.restarted().offset("old"), -1);
}

#[test]
fn members_whose_topics_cannot_be_read_are_taken_to_read_all() {
    // Kafka: ClassicGroup.isSubscribedToTopic
    let mut sim = Sim::hasty();
    let odd = Joiner { protocols: vec![("range", bytes::Bytes::from_static(b"odd"))], ..Joiner::new("a") };
    sim.join(odd);
    sim.advance(0);
    assert_eq!(delete_offsets(&mut sim, &["any"]), (ErrorCode::None, vec![ErrorCode::GroupSubscribedToTopic]));
}

#[test]
fn offsets_of_a_group_of_another_kind_with_members_are_not_deleted() {
    let mut sim = Sim::hasty();
    sim.join(Joiner { kind: "connect", ..Joiner::new("a") });
    assert_eq!(delete_offsets(&mut sim, &["topic"]).0, ErrorCode::NonEmptyGroup);
}

#[test]
fn a_deleted_topic_takes_its_offsets_along_pending_ones_too() {
    let mut sim = Sim::new();
    sim.commit(simple_commit("topic", 1));
    sim.commit(simple_commit("kept", 2));
    sim.commit_in_transaction(1, simple_commit("topic", 5));
    sim.run(GroupCommand::TopicDeleted(TopicDeleted { topic: "topic".into() }));
    sim.end_transaction(1, true);
    for sim in [&sim.restarted(), &sim] {
        assert_eq!((sim.offset("topic"), sim.offset("kept")), (-1, 2));
        assert_eq!(sim.fetch("topic", true).error, ErrorCode::None);
    }
}
