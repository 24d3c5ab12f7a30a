//! Subscriptions by regular expression (Kafka: GroupMetadataManagerTest.testConsumerGroupMemberJoinsWithNewRegex and its neighbours,
//! TopicRegexResolverTest).

use std::sync::Arc;

use super::beat::{BAR, Beat, FOO, sim};
use crate::error_code::ErrorCode;
use crate::group::tests::sim::Sim;
use crate::group::*;

/// What the last heartbeat asked to be resolved.
fn asked(sim: &mut Sim) -> Option<ResolveRegexes> {
    let effects = std::mem::take(&mut sim.effects);
    effects.into_iter().rev().find_map(|effect| match effect {
        GroupEffect::ResolveRegexes(asked) => Some(asked),
        _ => None,
    })
}

/// Resolves what was asked for, as the broker does.
fn resolve(sim: &mut Sim) {
    let asked = asked(sim).expect("a look at the topics was asked for");
    let image = sim.machine.topics.clone();
    sim.run(GroupCommand::RegexesResolved(asked.resolve(image.version(), image.names())));
}

#[test]
fn a_new_expression_is_resolved_before_it_counts() {
    let mut sim = sim();
    let before = sim.log.len();
    assert_eq!(sim.beat_ok(&Beat::by_regex("m", "fo.*")), (1, Some(vec![])), "nothing is known of it yet");
    assert_eq!(sim.records_since(before), ["5", "8"]);
    let before = sim.log.len();
    resolve(&mut sim);
    assert_eq!(sim.records_since(before), ["16", "3"]);
    assert_eq!(sim.beat_ok(&Beat::again("m", 1)), (2, Some(vec![(FOO, vec![0, 1, 2, 3, 4, 5])])));
    // The second member of the same expression gets it resolved.
    sim.beat(&Beat::by_regex("m2", "fo.*"));
    assert_eq!(sim.epochs(), ("Reconciling", 3, 3));
    assert_eq!(asked(&mut sim), None);
}

#[test]
fn a_name_is_matched_as_a_whole() {
    let look =
        ResolveRegexes { group_id: "g".into(), member_id: "m".into(), regexes: vec!["a|ab".into(), "(?i)A.".into()] };
    let topics: Vec<Arc<str>> = ["a", "ab", "abc", "ba"].map(Into::into).to_vec();
    let resolved = look.resolve(4, &topics);
    assert_eq!(resolved.version, 4);
    assert_eq!(resolved.resolved[0].1, ["a".into(), "ab".into()].into());
    assert_eq!(resolved.resolved[1].1, ["ab".into()].into());
}

#[test]
fn what_is_no_expression_is_refused() {
    let mut sim = sim();
    for bad in ["(", "a)(b", "[z-a]", r"\pX"] {
        let (error, words) = sim.beat_err(&Beat::by_regex("m", bad));
        assert_eq!(error, ErrorCode::InvalidRegularExpression);
        assert!(
            words.starts_with(&format!("SubscribedTopicRegex `{bad}` is not a valid regular expression: ")),
            "{words}"
        );
    }
    assert!(sim.log.is_empty());
}

#[test]
fn new_topics_are_looked_at_after_ten_seconds() {
    let mut sim = sim();
    sim.beat(&Beat::by_regex("m", ".*o.*"));
    resolve(&mut sim);
    sim.beat(&Beat::again("m", 1));
    sim.know(2, &[("foo", FOO, 6), ("bar", BAR, 3), ("too", 9, 1)]);
    sim.advance(10_000);
    sim.beat(&Beat::again("m", 2));
    assert_eq!(asked(&mut sim), None, "not within ten seconds of the last look");
    sim.advance(1);
    sim.beat(&Beat::again("m", 2));
    resolve(&mut sim);
    let (epoch, assignment) = sim.beat_ok(&Beat::again("m", 2));
    assert_eq!((epoch, assignment.unwrap()), (3, vec![(FOO, vec![0, 1, 2, 3, 4, 5]), (9, vec![0])]));
    sim.advance(20_000);
    sim.beat(&Beat::again("m", 3));
    assert_eq!(asked(&mut sim), None, "nothing new");
    for _ in 0..20 {
        sim.advance(30_000);
        sim.beat(&Beat::again("m", 3));
    }
    assert!(asked(&mut sim).is_some(), "once in ten minutes all the same");
}

#[test]
fn a_look_that_brings_nothing_is_asked_for_again() {
    let mut sim = sim();
    sim.beat(&Beat::by_regex("m", "fo.*"));
    assert!(asked(&mut sim).is_some());
    sim.beat(&Beat::again("m", 1));
    assert_eq!(asked(&mut sim), None, "one at a time");
    sim.advance(10_001);
    sim.beat(&Beat::again("m", 1));
    assert!(asked(&mut sim).is_some());
}

#[test]
fn the_last_reader_takes_its_expression_away() {
    let mut sim = sim();
    sim.beat(&Beat::by_regex("m", "fo.*"));
    resolve(&mut sim);
    sim.beat(&Beat::again("m", 1));
    let before = sim.log.len();
    let (epoch, assignment) = sim.beat_ok(&Beat { regex: Some(""), topics: Some(vec!["bar"]), ..Beat::again("m", 2) });
    assert_eq!((epoch, assignment), (2, Some(vec![])), "foo is to be given up first");
    assert_eq!(sim.records_since(before), ["5", "-16", "3", "7", "6", "8"]);
    let owning_nothing = Beat::again("m", 2).owning(&[]);
    assert_eq!(sim.beat_ok(&owning_nothing), (3, Some(vec![(BAR, vec![0, 1, 2])])));
    sim.beat(&Beat::by_regex("r", "b.*"));
    let before = sim.log.len();
    sim.beat(&Beat::again("r", -1));
    assert_eq!(sim.records_since(before), ["-8", "-7", "-5", "-16", "3"]);
}

#[test]
fn expressions_survive_a_restart() {
    let mut sim = sim();
    sim.beat(&Beat::by_regex("m", "fo.*"));
    resolve(&mut sim);
    sim.beat(&Beat::again("m", 1));
    let before = sim.machine.consumer_groups["group"].durable();
    let sim = sim.restarted();
    assert_eq!(sim.machine.consumer_groups["group"].durable(), before);
}
