//! Joining, staying and leaving, and what is refused (Kafka: GroupMetadataManagerTest, GroupCoordinatorServiceTest).

use super::beat::{BAR, Beat, FOO, eager, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::sim::Sim;
use crate::group::*;

#[test]
fn the_first_member_gets_everything() {
    let mut sim = sim();
    let reply = sim.beat(&Beat::join("m1", &["foo", "bar"]));
    assert_eq!(reply.member_id.as_deref(), Some("m1"));
    assert_eq!(reply.heartbeat_interval_ms, 5_000);
    // A group and its target start at epoch 1 in Kafka 4.3, so that the first member comes to epoch 2.
    assert_eq!(reply.member_epoch, 2);
    let assignment: Vec<_> = reply.assignment.unwrap().into_iter().map(|(t, p)| (t.0.as_u128(), p)).collect();
    assert_eq!(assignment, [(FOO, (0..6).collect::<Vec<_>>()), (BAR, vec![0, 1, 2])]);
    assert_eq!(sim.epochs(), ("Stable", 2, 2));
    // Kafka: testMemberJoinsEmptyConsumerGroup; member, epoch, target, target's epoch, current assignment.
    assert_eq!(sim.records_since(0), ["5", "3", "7", "6", "8"]);
}

#[test]
fn a_heartbeat_that_says_nothing_new_writes_nothing() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    let before = sim.log.len();
    assert_eq!(sim.beat_ok(&Beat::again("m1", 2)), (2, None));
    assert_eq!(sim.log.len(), before);
    // One that says everything is told everything.
    let full = Beat { epoch: 2, ..Beat::join("m1", &["foo"]).owning(&[(FOO, &[0, 1, 2, 3, 4, 5])]) };
    assert_eq!(sim.beat_ok(&full), (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
    assert_eq!(sim.log.len(), before);
}

#[test]
fn a_member_of_version_0_is_given_an_id() {
    let mut sim = sim();
    let reply = sim.beat(&Beat { version: 0, ..Beat::join("", &["foo"]) });
    assert_eq!(reply.member_id.as_deref(), Some("fresh0"));
    assert_eq!(reply.error, ErrorCode::None);
}

#[test]
fn the_last_member_leaves_an_empty_group() {
    let mut sim = sim();
    sim.beat(&Beat::join("m1", &["foo"]));
    let before = sim.log.len();
    let reply = sim.beat(&Beat::again("m1", -1));
    assert_eq!((reply.error, reply.member_epoch, reply.heartbeat_interval_ms), (ErrorCode::None, -1, 0));
    assert_eq!(sim.records_since(before), ["-8", "-7", "-5", "3"]);
    assert_eq!(sim.epochs().0, "Empty");
    let (error, message) = sim.beat_err(&Beat::again("m1", 2));
    assert_eq!(error, ErrorCode::UnknownMemberId);
    assert_eq!(message, "Member m1 is not a member of group group.");
}

#[test]
fn requests_are_checked_with_kafkas_words() {
    let mut sim = sim();
    let join = || Beat::join("m", &["foo"]);
    let cases: Vec<(Beat, &str)> = vec![
        (Beat { member: " ".into(), ..join() }, "MemberId can't be empty."),
        (Beat { member: "".into(), version: 0, epoch: 1, ..join() }, "MemberId can't be empty."),
        (Beat { member: "".into(), version: 0, epoch: -1, ..join() }, "MemberId can't be empty."),
        (Beat { group: "", ..join() }, "GroupId can't be empty."),
        (Beat { instance: Some(" "), ..join() }, "InstanceId can't be empty."),
        (Beat { rack: Some(""), ..join() }, "RackId can't be empty."),
        (Beat { rebalance_ms: None, ..join() }, "RebalanceTimeoutMs must be provided in first request."),
        (Beat { owned: None, ..join() }, "TopicPartitions must be empty when (re-)joining."),
        (join().owning(&[(FOO, &[0])]), "TopicPartitions must be empty when (re-)joining."),
        (
            Beat { topics: None, ..join() },
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
        (Beat::again("m", -2), "InstanceId can't be null."),
        (Beat::again("m", -3), "MemberEpoch is invalid."),
    ];
    for (beat, words) in cases {
        assert_eq!(sim.beat_err(&beat), (ErrorCode::InvalidRequest, words.to_owned()), "{beat:?}");
    }
    let bad = Beat { assignor: Some("sticky"), ..join() };
    let words = "ServerAssignor sticky is not supported. Supported assignors: uniform, range.";
    assert_eq!(sim.beat_err(&bad), (ErrorCode::UnsupportedAssignor, words.to_owned()));
    assert!(sim.log.is_empty());
}

#[test]
fn unknown_groups_and_members_are_told_so() {
    let mut sim = sim();
    let words = |words: &str| (ErrorCode::GroupIdNotFound, words.to_owned());
    assert_eq!(sim.beat_err(&Beat::again("m", 1)), words("Consumer group group not found."));
    assert_eq!(sim.beat_err(&Beat::again("m", -1)), words("Group group not found."));
    sim.beat(&Beat::join("m", &["foo"]));
    let stranger = sim.beat_err(&Beat::again("x", 1));
    assert_eq!(stranger, (ErrorCode::UnknownMemberId, "Member x is not a member of group group.".into()));
    assert_eq!(sim.beat_err(&Beat::again("x", -1)).0, ErrorCode::UnknownMemberId);
}

#[test]
fn other_epochs_are_fenced() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    let ahead = "The consumer group member has a greater member epoch (3) than the one known by the group coordinator (2). \
                 The member must abandon all its partitions and rejoin.";
    assert_eq!(sim.beat_err(&Beat::again("m", 3)), (ErrorCode::FencedMemberEpoch, ahead.into()));
    let behind = "The consumer group member has a smaller member epoch (1) than the one known by the group coordinator (2). \
                  The member must abandon all its partitions and rejoin.";
    assert_eq!(sim.beat_err(&Beat::again("m", 1)), (ErrorCode::FencedMemberEpoch, behind.into()));
    // A member that is fenced joins again in epoch 0 and keeps what it had here.
    let again = sim.beat_ok(&Beat::join("m", &["foo"]));
    assert_eq!(again, (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
}

#[test]
fn the_epoch_before_is_let_in_when_an_answer_was_lost() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["bar"]));
    let more = Beat { topics: Some(vec!["foo", "bar"]), ..Beat::again("m", 2) }.owning(&[(BAR, &[0, 1, 2])]);
    assert_eq!(sim.beat_ok(&more).0, 3);
    // The member did not hear of epoch 3. What it has is part of what it shall have.
    let (epoch, assignment) = sim.beat_ok(&Beat { rebalance_ms: Some(60_000), ..more.clone() });
    assert_eq!((epoch, assignment.unwrap().len()), (3, 2));
    let too_much = more.owning(&[(BAR, &[0, 7])]);
    assert_eq!(sim.beat_err(&too_much).0, ErrorCode::FencedMemberEpoch);
}

#[test]
fn a_full_group_takes_nobody() {
    let mut config = eager();
    config.consumer.max_size = 1;
    let mut sim = Sim::with(config);
    sim.know(1, &[("foo", FOO, 1)]);
    sim.beat(&Beat::join("m1", &["foo"]));
    let words = "The consumer group has reached its maximum capacity of 1 members.";
    assert_eq!(sim.beat_err(&Beat::join("m2", &["foo"])), (ErrorCode::GroupMaxSizeReached, words.into()));
    assert_eq!(sim.beat_ok(&Beat::join("m1", &["foo"])).0, 2);
}

#[test]
fn settings_of_one_group_go_before_the_brokers() {
    let mut sim = sim();
    let overrides = GroupOverrides {
        session_timeout_ms: Some(60_000),
        heartbeat_interval_ms: Some(7_000),
        ..GroupOverrides::default()
    };
    sim.run(GroupCommand::Overrides(std::sync::Arc::new([("group".into(), overrides)].into())));
    assert_eq!(sim.beat(&Beat::join("m", &["foo"])).heartbeat_interval_ms, 7_000);
    sim.advance(59_999);
    assert_eq!(sim.epochs().0, "Stable");
    sim.advance(1);
    assert_eq!(sim.epochs().0, "Empty", "the session ends after the group's own timeout");
}

#[test]
fn what_is_set_for_all_groups_goes_behind_what_is_set_on_one() {
    let one = GroupOverrides { assignment_interval_ms: Some(7), ..GroupOverrides::default() };
    let all = AllOverrides {
        assignment_interval_ms: Some(1),
        share_assignment_interval_ms: Some(2),
        of_one: [("one".into(), one)].into(),
    };
    let intervals = |group| (all.of(group).assignment_interval_ms, all.of(group).share.assignment_interval_ms);
    assert_eq!(intervals("one"), (Some(7), Some(2)));
    assert_eq!(intervals("other"), (Some(1), Some(2)));
}

#[test]
fn assignments_come_as_often_as_is_set_for_all() {
    let assigned_at_once = |interval_ms: Option<i32>| {
        let mut sim = Sim::with(GroupConfig::default());
        sim.know(1, &[("foo", FOO, 2)]);
        let all = AllOverrides { assignment_interval_ms: interval_ms, ..AllOverrides::default() };
        sim.run(GroupCommand::Overrides(std::sync::Arc::new(all)));
        sim.beat(&Beat::join("m1", &["foo"]));
        sim.beat(&Beat::join("m2", &["foo"]));
        sim.described().assignment_epoch == sim.described().epoch
    };
    assert!(!assigned_at_once(None), "the second member waits for group.consumer.assignment.interval.ms, 1 s");
    assert!(assigned_at_once(Some(0)));
}

#[test]
fn a_silent_member_is_taken_out_after_its_session() {
    let mut sim = sim();
    sim.beat(&Beat::join("m", &["foo"]));
    sim.advance(44_000);
    sim.beat(&Beat::again("m", 2));
    sim.advance(44_999);
    assert_eq!(sim.described().members.len(), 1);
    sim.advance(1);
    assert_eq!(sim.described().members.len(), 0);
    let mut restarted = sim.restarted();
    restarted.know(1, &[("foo", FOO, 6)]);
    restarted.beat(&Beat::join("m", &["foo"]));
    let mut restarted = restarted.restarted();
    restarted.advance(44_999);
    assert_eq!(restarted.described().members.len(), 1, "a session starts anew after a restart");
    restarted.advance(1);
    assert_eq!(restarted.described().members.len(), 0);
}
