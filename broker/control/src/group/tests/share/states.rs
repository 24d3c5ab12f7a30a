//! States of partitions at the share coordinator, from the group's side (Kafka: subscribedTopicsChangeMap,
//! uninitializeShareGroupState, maybeCleanupShareGroupState).

use std::sync::Arc;

use super::beat::{BAR, Beat, FOO, sim};
use crate::group::tests::heartbeats::id;
use crate::group::{GroupCommand, GroupTimer};

#[test]
fn an_answer_that_never_comes_is_asked_for_again() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar"]));
    assert_eq!(sim.asked_states().len(), 1);
    sim.advance(29_999);
    sim.share_ok(&Beat::again("a", 2));
    assert!(sim.asked_states().is_empty());
    sim.advance(1);
    sim.share_ok(&Beat::again("a", 2));
    let asked = sim.asked_states();
    assert_eq!((asked.len(), asked[0].partitions.len()), (1, 2));
    sim.share_ok(&Beat::again("a", 2));
    assert!(sim.asked_states().is_empty(), "and then awaited as long");
}

#[test]
fn a_failure_is_asked_for_again_at_once() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar"]));
    sim.answer_states(false);
    assert_eq!(sim.states(), (vec![], vec![], vec![]));
    sim.share_ok(&Beat::again("a", 2));
    sim.answer_states(true);
    assert_eq!(sim.share_ok(&Beat::again("a", 2)), (3, Some(vec![(BAR, vec![0, 1])])));
}

#[test]
fn new_partitions_and_new_topics_get_a_state() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar", "later"]));
    sim.answer_states(true);
    sim.share_ok(&Beat::again("a", 2));
    sim.know(2, &[("foo", FOO, 4), ("bar", BAR, 3), ("later", 9, 1)]);
    assert_eq!(sim.share_ok(&Beat::again("a", 3)), (4, None), "what is read has changed, and has no state yet");
    let asked = sim.asked_states();
    let partitions: Vec<_> = asked[0].partitions.keys().map(|(topic, p)| (topic.0.as_u128(), *p)).collect();
    assert_eq!((asked[0].state_epoch, partitions), (4, vec![(BAR, 2), (9, 0)]));
    sim.states_are(&asked[0], true);
    assert_eq!(sim.share_ok(&Beat::again("a", 4)), (5, Some(vec![(BAR, vec![0, 1, 2]), (9, vec![0])])));
}

#[test]
fn deleted_topics_are_forgotten() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo", "bar"]));
    sim.answer_states(true);
    sim.share_ok(&Beat::again("a", 2));
    sim.know(2, &[("bar", BAR, 2)]);
    assert_eq!(sim.states(), (vec![], vec![(BAR, vec![0, 1])], vec![]));
    assert_eq!(sim.share_ok(&Beat::again("a", 3)), (4, Some(vec![(BAR, vec![0, 1])])));
    let since = sim.log.len();
    sim.know(3, &[("bar", BAR, 2)]);
    assert_eq!(sim.records_since(since), Vec::<String>::new(), "once");
}

#[test]
fn topics_are_known_without_a_record_and_what_could_not_be_forgotten_is_later() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["foo", "bar"]));
    sim.answer_states(true);
    sim.share_ok(&Beat::again("a", 2));
    let bar = sim.machine.topics.by_id(id(BAR)).unwrap().clone();
    let since = sim.log.len();
    sim.run(GroupCommand::Topics(Arc::new(sim.machine.topics.next(2, [bar]))));
    assert_eq!(sim.records_since(since), Vec::<String>::new());
    assert!(sim.machine.topics.by_id(id(FOO)).is_none());
    // There was no room when it was to be forgotten.
    sim.run(GroupCommand::Timer(GroupTimer::ExpireOffsets));
    assert_eq!(sim.states(), (vec![], vec![(BAR, vec![0, 1])], vec![]));
}

#[test]
fn what_a_restart_finds_in_the_log_is_awaited_anew() {
    let mut sim = sim();
    sim.share_ok(&Beat::join("a", &["bar"]));
    let mut again = sim.restarted();
    again.know(1, &[("foo", FOO, 4), ("bar", BAR, 2)]);
    again.share_ok(&Beat::again("a", 2));
    assert!(again.asked_states().is_empty());
    again.advance(30_000);
    again.share_ok(&Beat::again("a", 2));
    assert_eq!(again.asked_states().len(), 1);
}
