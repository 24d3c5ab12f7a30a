//! A name belongs to groups of one protocol (Kafka: getOrMaybeCreateShareGroup, getOrMaybeCreateConsumerGroup, classicGroupJoin).

use super::beat::{Beat, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::consumer::beat::Beat as ConsumerBeat;
use crate::group::tests::sim::{GROUP, Joiner, simple_commit};
use crate::group::*;

#[test]
fn other_groups_are_no_share_groups() {
    let not_share = (ErrorCode::GroupIdNotFound, "Group group is not a share group.".to_owned());
    let mut modern = sim();
    modern.beat_ok(&ConsumerBeat::join("m", &["foo"]));
    let mut simple = sim();
    simple.commit(simple_commit("foo", 1));
    for sim in [&mut modern, &mut simple] {
        assert_eq!(sim.share_err(&Beat::join("a", &["foo"])), not_share);
        assert_eq!(sim.share_err(&Beat::again("a", -1)), not_share);
        let described = sim.share_described();
        assert_eq!((described.error, described.error_message.unwrap()), not_share);
        assert_eq!(sim.alter(GROUP, &[]).unwrap_err().error, ErrorCode::GroupIdNotFound);
        assert_eq!(sim.release_states(), Ok(Default::default()), "that is for the others to say");
    }
}

#[test]
fn a_share_group_is_no_other_group() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    let not_consumer = (ErrorCode::GroupIdNotFound, "Group group is not a consumer group.".to_owned());
    assert_eq!(sim.beat_err(&ConsumerBeat::join("m", &["foo"])), not_consumer);
    let described = sim.described();
    assert_eq!((described.error, described.error_message.unwrap()), not_consumer);
    let join = sim.join(Joiner::new("client"));
    assert_eq!(sim.joined(join).error, ErrorCode::InconsistentGroupProtocol);
    assert_eq!(sim.heartbeat(1, "a"), ErrorCode::UnknownMemberId);
    assert_eq!(sim.commit(simple_commit("foo", 1)), [ErrorCode::GroupIdNotFound]);
    let classic = sim.machine.describe_group(GROUP);
    assert_eq!(classic.error_message.as_deref(), Some("Group group is not a classic group."));
    let listed = sim.machine.list_groups(&["stable"], &["share"]);
    let expected =
        GroupListing { group_id: GROUP.into(), protocol_type: "share".into(), state: "Stable", group_type: "share" };
    assert_eq!(listed, [expected]);
    assert_eq!(sim.machine.list_groups(&[], &["consumer", "classic"]), []);
}

#[test]
fn a_deleted_share_group_makes_room_for_another_protocol() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    assert_eq!(sim.delete_groups(&[GROUP]), [ErrorCode::NonEmptyGroup]);
    sim.share_ok(&Beat { topics: None, ..Beat::again("a", 2) });
    sim.share(&Beat::again("a", -1));
    let since = sim.log.len();
    assert_eq!(sim.delete_groups(&[GROUP]), [ErrorCode::None]);
    assert_eq!(sim.records_since(since), ["-12", "-15", "-11"]);
    sim.beat_ok(&ConsumerBeat::join("m", &["foo"]));
    let again = sim.restarted();
    assert!(again.machine.share_groups.is_empty());
    assert_eq!(again.described().members.len(), 1);
}
