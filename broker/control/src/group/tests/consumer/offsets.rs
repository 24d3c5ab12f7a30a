//! Offsets of consumer groups: fenced by member epoch, kept while they are read, deleted with the group
//! (Kafka: ConsumerGroupTest.testValidateOffsetCommit*, OffsetMetadataManagerTest, KIP-1251).

use forebay_storage::ids::TopicPartition;

use super::beat::{Beat, FOO, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::sim::{GROUP, Sim, member_commit, simple_commit};
use crate::group::*;

fn commit(sim: &mut Sim, member: &str, epoch: i32) -> ErrorCode {
    sim.commit(member_commit("foo", 7, member, epoch))[0]
}

#[test]
fn commits_are_fenced_by_the_members_epoch() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    assert_eq!(commit(&mut sim, "m", 2), ErrorCode::None);
    assert_eq!(sim.offset("foo"), 7);
    assert_eq!(commit(&mut sim, "x", 2), ErrorCode::UnknownMemberId);
    assert_eq!(commit(&mut sim, "m", 3), ErrorCode::StaleMemberEpoch);
    // The epoch in which it got the partition is 2.
    assert_eq!(commit(&mut sim, "m", 1), ErrorCode::StaleMemberEpoch);
    assert_eq!(
        sim.commit(simple_commit("foo", 9)),
        [ErrorCode::UnknownMemberId],
        "nobody from outside while there are members"
    );
    let old = CommitOffsets { knows_group_id_not_found: false, ..member_commit("foo", 7, "m", 2) };
    assert_eq!(sim.commit(old), [ErrorCode::UnsupportedVersion], "OffsetCommit before version 9");
    let transactional =
        |sim: &mut Sim, member: &str, epoch| sim.commit_in_transaction(1, member_commit("foo", 8, member, epoch))[0];
    assert_eq!(transactional(&mut sim, "m", 2), ErrorCode::None);
    assert_eq!(transactional(&mut sim, "m", 3), ErrorCode::IllegalGeneration);
    assert_eq!(transactional(&mut sim, "m", 1), ErrorCode::IllegalGeneration);
    assert_eq!(transactional(&mut sim, "x", 2), ErrorCode::UnknownMemberId);
    assert_eq!(transactional(&mut sim, "", -1), ErrorCode::None, "the producer's epoch fences it");
}

#[test]
fn a_member_that_is_behind_may_commit_what_it_had_before() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    sim.beat(&Beat::join("m2", &["foo"]));
    sim.beat(&Beat::again("m1", 2));
    sim.beat(&Beat::again("m1", 2).owning(&[(FOO, &[0, 1, 2])]));
    assert_eq!(sim.described().members[0].epoch, 3);
    // It has partition 0 since epoch 2 and does not know of epoch 3 yet.
    assert_eq!(commit(&mut sim, "m1", 2), ErrorCode::None);
    let mut given_up = member_commit("foo", 7, "m1", 2);
    given_up.offsets[0].partition = TopicPartition::new("foo", 5);
    assert_eq!(sim.commit(given_up), [ErrorCode::StaleMemberEpoch]);
}

#[test]
fn fetches_are_fenced_by_the_members_epoch() {
    let mut sim = sim();
    let check = |sim: &Sim, member, epoch| sim.machine.check_offset_fetch(GROUP, member, epoch);
    assert_eq!(check(&sim, Some("m"), 2), Ok(()), "no such group");
    sim.beat(&Beat::join("m", &["foo"]));
    assert_eq!(check(&sim, None, -1), Ok(()));
    assert_eq!(check(&sim, Some("m"), 2), Ok(()));
    assert_eq!(check(&sim, Some("m"), 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(check(&sim, Some("x"), 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(check(&sim, Some(""), 0), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn offsets_of_topics_that_are_read_stay() {
    let mut sim = sim();
    sim.commit(simple_commit("foo", 1));
    sim.commit(simple_commit("bar", 2));
    sim.beat(&Beat::join("m", &["foo"]));
    let partitions = ["foo", "bar"].map(|topic| TopicPartition::new(topic, 0)).to_vec();
    let group_id = || GROUP.into();
    let to =
        sim.ask(|reply_to| GroupCommand::DeleteOffsets(DeleteOffsets { reply_to, group_id: group_id(), partitions }));
    let GroupReply::DeleteOffsets(reply) = sim.reply(to) else { panic!("another answer") };
    let errors: Vec<_> = reply.partitions.iter().map(|p| p.error).collect();
    assert_eq!(errors, [ErrorCode::GroupSubscribedToTopic, ErrorCode::None]);
    assert_eq!((sim.offset("foo"), sim.offset("bar")), (1, -1));
}

#[test]
fn an_empty_group_expires_with_its_last_offset() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    commit(&mut sim, "m", 2);
    sim.commit(member_commit("bar", 3, "m", 2));
    for _ in 0..7 * 24 * 60 * 2 + 21 {
        sim.advance(30_000);
        sim.beat(&Beat::again("m", 2));
    }
    assert_eq!((sim.offset("foo"), sim.offset("bar")), (7, -1), "bar is not read");
    sim.beat(&Beat::again("m", -1));
    let before = sim.log.len();
    sim.advance(1_200_000);
    assert_eq!(sim.offset("foo"), -1);
    assert_eq!(sim.records_since(before), ["-1", "-6", "-4", "-3"]);
    assert!(sim.machine.list_groups::<&str>(&[], &[]).is_empty());
}

#[test]
fn groups_are_listed_described_and_deleted() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let listed = sim.machine.list_groups(&["STABLE"], &["Consumer"]);
    assert_eq!(
        (listed.len(), &*listed[0].protocol_type, listed[0].state, listed[0].group_type),
        (1, "consumer", "Stable", "consumer")
    );
    assert!(sim.machine.list_groups(&["empty"], &[]).is_empty());
    assert!(sim.machine.list_groups(&[], &["classic"]).is_empty());
    let classic = sim.group();
    assert_eq!((classic.error, classic.state), (ErrorCode::GroupIdNotFound, "Dead"));
    assert_eq!(classic.error_message.as_deref(), Some("Group group is not a classic group."));
    let member = sim.described().members.remove(0);
    assert_eq!((&*member.client_id, &*member.client_host, member.is_classic), ("client", "/127.0.0.1", false));
    assert_eq!((&*member.assignment[0].name, &member.assignment[0].partitions), ("foo", &vec![0, 1, 2, 3, 4, 5]));
    assert_eq!(member.assignment, member.target);
    let missing = sim.machine.describe_consumer_group("nope");
    assert_eq!(
        (missing.error, missing.error_message.as_deref()),
        (ErrorCode::GroupIdNotFound, Some("Group nope not found."))
    );
    commit(&mut sim, "m", 2);
    let delete = |sim: &mut Sim| {
        let to =
            sim.ask(|reply_to| GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids: vec![GROUP.into()] }));
        match sim.reply(to) {
            GroupReply::DeleteGroups(results) => results[0].1,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(delete(&mut sim), ErrorCode::NonEmptyGroup);
    sim.beat(&Beat::again("m", -1));
    assert_eq!(delete(&mut sim), ErrorCode::None);
    assert_eq!(delete(&mut sim), ErrorCode::GroupIdNotFound);
    assert_eq!(sim.offset("foo"), -1);
}
