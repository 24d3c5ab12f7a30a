//! Random sequences of commands: nothing panics, the log alone tells everything durable, generations only grow, nobody is
//! answered twice (the simulation checks the last at each step).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::sim::{GROUP, Joiner, Logged, Sim, member_commit, replay, simple_commit};
use crate::group::*;
use crate::machine::ReplyTo;

/// A command in terms of what the clients know: `who` picks one of the member ids that were ever given out.
#[derive(Clone, Debug)]
enum Step {
    Join { who: usize, fresh: bool, instance: Option<usize>, protocol: usize, known_id: bool, skips: bool },
    Sync { who: usize, stale: bool },
    Heartbeat { who: usize, stale: bool },
    Leave { who: usize, instance: Option<usize> },
    Commit { who: Option<usize>, topic: usize, offset: i64 },
    CommitInTransaction { producer: i64, topic: usize, offset: i64 },
    EndTransaction { producer: i64, committed: bool },
    DeleteGroup,
    DeleteOffsets { topic: usize },
    TopicDeleted { topic: usize },
    Wait { ms: i64 },
    Restart,
}

const TOPICS: [&str; 3] = ["topic", "other", "third"];
const INSTANCES: [&str; 2] = ["i", "j"];
const CLIENTS: [&str; 3] = ["a", "b", "c"];

fn step() -> impl Strategy<Value = Step> {
    let who = 0..6usize;
    let join = (
        who.clone(),
        any::<bool>(),
        proptest::option::weighted(0.3, 0..2usize),
        0..4usize,
        any::<bool>(),
        any::<bool>(),
    );
    prop_oneof![
        8 => join.prop_map(|(who, fresh, instance, protocol, known_id, skips)| {
            Step::Join { who, fresh, instance, protocol, known_id, skips }
        }),
        6 => (who.clone(), proptest::bool::weighted(0.1)).prop_map(|(who, stale)| Step::Sync { who, stale }),
        3 => (who.clone(), proptest::bool::weighted(0.1)).prop_map(|(who, stale)| Step::Heartbeat { who, stale }),
        2 => (who.clone(), proptest::option::weighted(0.3, 0..2usize)).prop_map(|(who, instance)| Step::Leave { who, instance }),
        3 => (proptest::option::of(who), 0..3usize, 0..100i64).prop_map(|(who, topic, offset)| Step::Commit { who, topic, offset }),
        3 => (0..3i64, 0..3usize, 0..100i64).prop_map(|(producer, topic, offset)| Step::CommitInTransaction { producer, topic, offset }),
        2 => (0..3i64, any::<bool>()).prop_map(|(producer, committed)| Step::EndTransaction { producer, committed }),
        1 => Just(Step::DeleteGroup),
        1 => (0..3usize).prop_map(|topic| Step::DeleteOffsets { topic }),
        1 => (0..3usize).prop_map(|topic| Step::TopicDeleted { topic }),
        5 => prop_oneof![Just(0), 1..3_000i64, Just(10_000), Just(60_000), Just(11 * 86_400_000)].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

/// Every member id that a client has ever heard of.
fn known_ids(sim: &Sim) -> Vec<String> {
    let replied = sim.replies.values().filter_map(|r| match r {
        GroupReply::Join(reply) if !reply.member_id.is_empty() => Some(reply.member_id.to_string()),
        _ => None,
    });
    let mut ids: Vec<String> = replied.chain(sim.member_ids()).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn pick(ids: &[String], who: usize) -> String {
    if ids.is_empty() { "nobody".to_owned() } else { ids[ids.len() - 1 - who % ids.len()].clone() }
}

fn generation(sim: &Sim) -> i32 {
    sim.machine.groups.get(GROUP).map_or(0, |g| g.generation)
}

fn take(sim: &mut Sim, step: &Step) {
    let ids = known_ids(sim);
    let now = generation(sim);
    match *step {
        Step::Join { who, fresh, instance, protocol, known_id, skips } => {
            let names: [&[&'static str]; 4] =
                [&["range"], &["range", "sticky"], &["sticky", "range"], &["odd", "range"]];
            let mut joiner = Joiner { known_id, skips, ..Joiner::new(CLIENTS[who % 3]).protocols(names[protocol]) };
            joiner.instance = instance.map(|i| INSTANCES[i]);
            sim.join(if fresh { joiner } else { joiner.member_id(&pick(&ids, who)) });
        }
        Step::Sync { who, stale } => {
            let assignments: Vec<_> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
            sim.sync(now - i32::from(stale), &pick(&ids, who), &assignments);
        }
        Step::Heartbeat { who, stale } => {
            sim.heartbeat(now - i32::from(stale), &pick(&ids, who));
        }
        Step::Leave { who, instance } => {
            let id = if instance.is_some() { String::new() } else { pick(&ids, who) };
            sim.leave(&[(&id, instance.map(|i| INSTANCES[i]))]);
        }
        Step::Commit { who, topic, offset } => {
            sim.commit(match who {
                Some(who) => member_commit(TOPICS[topic], offset, &pick(&ids, who), now),
                None => simple_commit(TOPICS[topic], offset),
            });
        }
        Step::CommitInTransaction { producer, topic, offset } => {
            sim.commit_in_transaction(producer, simple_commit(TOPICS[topic], offset));
        }
        Step::EndTransaction { producer, committed } => sim.end_transaction(producer, committed),
        Step::DeleteGroup => {
            sim.ask(|reply_to| {
                GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids: vec![GROUP.into(), GROUP.into()] })
            });
        }
        Step::DeleteOffsets { topic } => {
            let partitions = vec![forebay_storage::ids::TopicPartition::new(TOPICS[topic], 0)];
            sim.ask(|reply_to| {
                GroupCommand::DeleteOffsets(DeleteOffsets { reply_to, group_id: GROUP.into(), partitions })
            });
        }
        Step::TopicDeleted { topic } => {
            sim.run(GroupCommand::TopicDeleted(TopicDeleted { topic: TOPICS[topic].into() }));
        }
        Step::Wait { ms } => sim.advance(ms),
        Step::Restart => {
            let replies = std::mem::take(&mut sim.replies);
            *sim = sim.restarted();
            sim.replies = replies;
        }
    }
}

/// The invariants of a group at rest between two commands.
fn check_group(sim: &Sim) {
    let Some(group) = sim.machine.groups.get(GROUP) else { return };
    let waiting =
        |f: fn(&crate::group::member::Member) -> Option<ReplyTo>| group.members.values().any(|m| f(m).is_some());
    match group.state {
        GroupState::Empty => assert!(group.members.is_empty()),
        GroupState::PreparingRebalance => assert!(!waiting(|m| m.awaiting_sync)),
        GroupState::CompletingRebalance => assert!(!waiting(|m| m.awaiting_join)),
        GroupState::Stable => assert!(!waiting(|m| m.awaiting_join) && !waiting(|m| m.awaiting_sync)),
        GroupState::Dead => panic!("a dead group is not kept"),
    }
    if let Some(leader) = &group.leader {
        assert!(group.members.contains_key(leader), "the leader is a member");
    }
    for (instance, id) in &group.static_members {
        assert_eq!(group.members[id].instance_id.as_ref(), Some(instance));
    }
    let statics = group.members.values().filter(|m| m.instance_id.is_some()).count();
    assert_eq!(statics, group.static_members.len());
    assert!(group.pending_sync.iter().all(|id| group.members.contains_key(id)));
    assert!(group.pending_members.keys().all(|id| !group.members.contains_key(id)));
}

/// Whoever waits, and every session, has a timer that will look after it.
fn check_timers(sim: &Sim) {
    let Some(group) = sim.machine.groups.get(GROUP) else { return };
    for member in group.members.values().filter(|m| !m.is_waiting_for_us()) {
        let armed = sim.timers.iter().any(|((at, _), timer)| {
            let id = &member.id;
            matches!(timer, GroupTimer::Session { member_id, .. } if member_id == id)
                && member.timer_at.is_some_and(|t| t.0 == *at)
        });
        assert!(armed, "member {} has no session timer", member.id);
    }
    if group.state == GroupState::PreparingRebalance {
        let armed = sim.timers.values().any(|timer| match timer {
            GroupTimer::Join { rebalance, .. } | GroupTimer::InitialJoin { rebalance, .. } => {
                *rebalance == group.join_timer
            }
            _ => false,
        });
        assert!(armed, "the join phase has no end");
    }
}

/// What replaying the log gives is what is durable in memory.
fn check_replay(sim: &Sim) {
    let replayed = replay(&sim.config, &sim.log);
    assert_eq!(replayed.offsets, sim.machine.offsets);
    let Some(group) = sim.machine.groups.get(GROUP) else {
        assert!(!replayed.groups.contains_key(GROUP), "a removed group came back");
        return;
    };
    if group.state == GroupState::Stable {
        assert_eq!(replayed.describe_group(GROUP), sim.machine.describe_group(GROUP));
    }
    if let Some(saved) = replayed.groups.get(GROUP) {
        assert!(saved.generation <= group.generation);
        if matches!(group.state, GroupState::Stable | GroupState::Empty) {
            assert_eq!((saved.generation, saved.state, &saved.leader), (group.generation, group.state, &group.leader));
            assert_eq!((&saved.protocol_type, &saved.protocol), (&group.protocol_type, &group.protocol));
            assert_eq!(saved.subscribed_topics, group.subscribed_topics);
            assert_eq!(saved.state_since, group.state_since);
        }
    }
}

/// Compaction must not matter: the last record of each key tells the same, markers in between aside.
fn check_compaction(sim: &Sim) {
    if sim.log.iter().any(|l| matches!(l, Logged::Marker(..)) || matches!(l, Logged::Record(r) if r.producer.is_some()))
    {
        return;
    }
    let mut last = BTreeMap::new();
    for (at, entry) in sim.log.iter().enumerate() {
        let Logged::Record(record) = entry else { continue };
        last.insert(record.key.clone(), at);
    }
    let mut kept: Vec<usize> = last.into_values().collect();
    kept.sort_unstable();
    let compacted: Vec<Logged> = kept.into_iter().map(|at| sim.log[at].clone()).collect();
    let (whole, compacted) = (replay(&sim.config, &sim.log), replay(&sim.config, &compacted));
    assert_eq!(whole.fetch_offsets(GROUP, None, true), compacted.fetch_offsets(GROUP, None, true));
    let saved =
        |m: &GroupMachine| m.groups.get(GROUP).filter(|g| g.protocol_type.is_some()).map(|g| describe(m, g.generation));
    assert_eq!(saved(&whole), saved(&compacted));
}

fn describe(machine: &GroupMachine, generation: i32) -> (GroupDescription, i32) {
    (machine.describe_group(GROUP), generation)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn any_sequence_of_commands_keeps_the_invariants(steps in proptest::collection::vec(step(), 1..80)) {
        let mut sim = Sim::hasty();
        let mut before = 0;
        for step in &steps {
            take(&mut sim, step);
            check_group(&sim);
            check_timers(&sim);
            check_replay(&sim);
            // A restart forgets a generation that never became stable, and a removed group starts again.
            let restarted = matches!(step, Step::Restart) || !sim.machine.groups.contains_key(GROUP);
            prop_assert!(restarted || generation(&sim) >= before, "{} after {before}", generation(&sim));
            before = generation(&sim);
        }
        check_compaction(&sim);
    }

    #[test]
    fn any_bytes_in_the_log_are_an_error_or_an_event(kind in 0u8..18, key: Vec<u8>, value in proptest::option::of(any::<Vec<u8>>())) {
        let mut machine = GroupMachine::new(GroupConfig::default());
        let key = [&[0, kind], key.as_slice()].concat();
        if let Ok(Some(event)) = GroupEvent::parse(&key, value.as_deref(), None) {
            crate::machine::Machine::apply(&mut machine, event);
        }
    }
}
