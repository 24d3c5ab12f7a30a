//! What administrators do with the offsets of share groups (Kafka: alterShareGroupOffsets, initiateDeleteShareGroupOffsets,
//! sharePartitionDeleteRequests).

use forebay_storage::ids::Offset;

use super::beat::{BAR, Beat, FOO, partitions, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::heartbeats::id;
use crate::group::tests::sim::{GROUP, Sim};
use crate::share::group::InitializeShareState;

#[test]
fn altering_offsets_makes_a_group_and_asks_for_its_states() {
    let mut sim = sim();
    let altered = sim.alter(GROUP, &[("foo", &[(1, 7), (9, 7), (-1, 7)]), ("none", &[(0, 1)])]).unwrap();
    let (none, unknown) = (ErrorCode::None, ErrorCode::UnknownTopicOrPartition);
    let told: Vec<_> = altered.topics.iter().map(|t| (t.id, t.partitions.clone())).collect();
    assert_eq!(told[0], (Some(id(FOO)), vec![(1, none), (9, unknown), (-1, unknown)]));
    assert_eq!(told[1], (None, vec![(0, unknown)]));
    assert_eq!(altered.initialize.state_epoch, 1);
    assert_eq!(altered.initialize.partitions, [((id(FOO), 1), Offset(7))].into());
    assert_eq!(sim.states(), (vec![(FOO, vec![1])], vec![], vec![]));
    sim.states_are(&altered.initialize, true);
    assert_eq!(sim.states(), (vec![], vec![(FOO, vec![1])], vec![]));
    assert_eq!(sim.share_epochs(), ("Empty", 1, 1));
    assert_eq!(sim.restarted().share_epochs(), ("Empty", 1, 1), "the record of its states is all that there is of it");
}

#[test]
fn altering_nothing_makes_no_group() {
    let mut sim = sim();
    let since = sim.log.len();
    assert!(sim.alter(GROUP, &[("none", &[(0, 1)])]).unwrap().initialize.partitions.is_empty());
    assert_eq!(sim.records_since(since), Vec::<String>::new());
    assert_eq!(sim.share_described().error, ErrorCode::GroupIdNotFound);
}

#[test]
fn a_group_with_members_keeps_its_offsets() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    let refused = sim.alter(GROUP, &[("foo", &[(0, 1)])]).unwrap_err();
    assert_eq!((refused.error, &*refused.message), (ErrorCode::NonEmptyGroup, "The group is not empty."));
    assert_eq!(sim.delete_states_of(&["foo"]).unwrap_err(), refused);
    assert_eq!(sim.release_states(), Err(ErrorCode::NonEmptyGroup));
}

#[test]
fn deleting_offsets_goes_through_the_share_coordinator() {
    let mut sim = sim();
    assert_eq!(sim.delete_states_of(&["foo"]).unwrap_err().message, "Group group not found.");
    let altered = sim.alter(GROUP, &[("foo", &[(1, 7), (2, 7)]), ("bar", &[(0, 0)])]).unwrap();
    sim.states_are(&altered.initialize, true);
    sim.know(2, &[("foo", FOO, 4), ("bar", BAR, 2), ("other", 3, 1)]);
    let deleted = sim.delete_states_of(&["foo", "other", "none"]).unwrap();
    assert_eq!(deleted.delete, [(id(FOO), "foo".into(), [1, 2].into())]);
    assert_eq!(deleted.unknown, [("other".into(), true), ("none".into(), false)]);
    assert_eq!(sim.states(), (vec![], vec![(BAR, vec![0])], vec![FOO]));
    // The share coordinator may have failed: then all partitions are tried.
    let again = sim.delete_states_of(&["foo"]).unwrap();
    assert_eq!(again.delete, [(id(FOO), "foo".into(), [0, 1, 2, 3].into())]);
    sim.states_deleted(&[FOO]);
    assert_eq!(sim.states(), (vec![], vec![(BAR, vec![0])], vec![]));
    assert_eq!(sim.delete_states_of(&["foo"]).unwrap().unknown, [("foo".into(), true)]);
}

#[test]
fn a_group_to_be_deleted_gives_up_all_states() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo"]));
    sim.answer_states(true);
    sim.share(&Beat::again("a", -1));
    sim.alter(GROUP, &[("bar", &[(1, 0)])]).unwrap();
    let all = partitions(&[(FOO, &[0, 1, 2, 3]), (BAR, &[1])]);
    assert_eq!(sim.release_states(), Ok(all));
    assert_eq!(sim.states(), (vec![], vec![], vec![FOO, BAR]));
    let all = partitions(&[(FOO, &[0, 1, 2, 3]), (BAR, &[0, 1])]);
    assert_eq!(sim.release_states(), Ok(all), "a second attempt knows the topics only");
    assert_eq!(sim.delete_groups(&[GROUP]), [ErrorCode::None]);
    assert_eq!(sim.release_states(), Ok(Default::default()));
}

#[test]
fn who_comes_back_before_the_states_are_deleted_gets_new_ones() {
    let mut sim = sim();
    let altered = sim.alter(GROUP, &[("bar", &[(0, 5), (1, 5)])]).unwrap();
    sim.states_are(&altered.initialize, true);
    sim.delete_states_of(&["bar"]).unwrap();
    sim.share_ok(&Beat::join("a", &["bar"]));
    assert_eq!(sim.states(), (vec![(BAR, vec![0, 1])], vec![], vec![]));
}

/// A group whose bar has partition 0 initialised, partition 1 awaited by a heartbeat, and no member.
fn half_awaited() -> (Sim, InitializeShareState) {
    let mut sim = sim();
    let altered = sim.alter(GROUP, &[("bar", &[(0, 2)])]).unwrap();
    sim.states_are(&altered.initialize, true);
    sim.share_ok(&Beat::join("a", &["bar"]));
    sim.share(&Beat::again("a", -1));
    let asked = sim.asked_states().remove(0);
    assert_eq!(sim.states(), (vec![(BAR, vec![1])], vec![(BAR, vec![0])], vec![]));
    (sim, asked)
}

#[test]
fn deleted_offsets_do_not_come_back_with_a_late_answer() {
    let (mut sim, asked) = half_awaited();
    assert_eq!(sim.machine.still_awaited(&asked), asked);
    let deleted = sim.delete_states_of(&["bar"]).unwrap();
    assert_eq!(deleted.delete, [(id(BAR), "bar".into(), [0, 1].into())], "what is awaited goes, too");
    assert!(sim.machine.still_awaited(&asked).partitions.is_empty());
    let since = sim.log.len();
    for done in [true, false] {
        sim.states_are(&asked, done);
        assert_eq!(sim.records_since(since), Vec::<String>::new());
    }
    sim.states_deleted(&[BAR]);
    assert_eq!(sim.states(), (vec![], vec![], vec![]));
    assert_eq!(sim.delete_states_of(&["bar"]).unwrap().unknown, [("bar".into(), true)]);
}

#[test]
fn a_topic_that_is_only_awaited_has_no_offsets_to_delete() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar"]));
    sim.share(&Beat::again("a", -1));
    assert_eq!(sim.delete_states_of(&["bar"]).unwrap().unknown, [("bar".into(), true)]);
    sim.answer_states(true);
    assert_eq!(sim.states(), (vec![], vec![(BAR, vec![0, 1])], vec![]), "nothing was deleted");
}

#[test]
fn a_deleted_group_awaits_nothing() {
    let (mut sim, asked) = half_awaited();
    sim.release_states().unwrap();
    assert!(sim.machine.still_awaited(&asked).partitions.is_empty());
    assert_eq!(sim.delete_groups(&[GROUP]), [ErrorCode::None]);
    sim.states_are(&asked, true);
    assert_eq!(sim.share_described().error, ErrorCode::GroupIdNotFound);
    assert!(sim.machine.still_awaited(&asked).partitions.is_empty());
}
