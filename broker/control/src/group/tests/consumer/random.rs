//! Random lives of groups with consumers of both protocols: nobody shares a partition, epochs only grow, the log alone tells everything
//! durable, offsets survive every migration, and once all are quiet every partition is read.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::beat::eager;
use super::clients::{Classic, Modern, Partitions, TOPICS};
use crate::group::tests::sim::{GROUP, Sim, replay, simple_commit};
use crate::group::*;

#[derive(Clone, Debug)]
enum Step {
    Beat { who: usize, lost: bool },
    Act { who: usize },
    GoOn { who: usize },
    Subscribe { who: usize, topics: usize },
    Leave { who: usize },
    LeaveClassic { who: usize },
    Grow { topic: usize },
    Drop { topic: usize },
    Make { topic: usize, partitions: i32 },
    Wait { ms: i64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3usize;
    prop_oneof![
        12 => (who.clone(), prop::bool::weighted(0.2)).prop_map(|(who, lost)| Step::Beat { who, lost }),
        4 => who.clone().prop_map(|who| Step::Act { who }),
        12 => who.clone().prop_map(|who| Step::GoOn { who }),
        2 => (who.clone(), 0..6usize).prop_map(|(who, topics)| Step::Subscribe { who, topics }),
        1 => who.clone().prop_map(|who| Step::Leave { who }),
        1 => who.prop_map(|who| Step::LeaveClassic { who }),
        1 => (0..3usize).prop_map(|topic| Step::Grow { topic }),
        1 => (0..3usize).prop_map(|topic| Step::Drop { topic }),
        2 => (0..3usize, 1..4).prop_map(|(topic, partitions)| Step::Make { topic, partitions }),
        4 => prop_oneof![Just(500), Just(4_000), Just(12_000), Just(50_000), Just(70_000)].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

fn topics(choice: usize) -> Vec<&'static str> {
    let choices: [&[&'static str]; 6] = [&["foo"], &["bar"], &["foo", "bar"], &["foo", "bar", "baz"], &["baz"], &[]];
    choices[choice].to_vec()
}

struct World {
    sim: Sim,
    version: i64,
    partitions: [i32; 3],
    /// The topics' ids; one that is made again has another than before.
    ids: [u128; 3],
    modern: Vec<Modern>,
    classic: Vec<Classic>,
    epoch: i32,
}

impl World {
    fn new(assignment_interval_ms: i32, modern: usize, classic: usize) -> World {
        let mut config = eager();
        config.consumer.assignment_interval_ms = assignment_interval_ms;
        let mut world = World {
            sim: Sim::with(config),
            version: 0,
            partitions: [6, 3, 2],
            ids: [1, 2, 3],
            modern: (0..modern).map(|n| Modern::new(format!("modern{n}"), topics(n % 4))).collect(),
            classic: (0..classic).map(|n| Classic::new(["x", "y", "z"][n], topics((n + 1) % 4))).collect(),
            epoch: 0,
        };
        world.tell_topics();
        for (at, topic) in TOPICS.iter().enumerate() {
            world.sim.commit(simple_commit(topic, at as i64 + 10));
        }
        world
    }

    fn tell_topics(&mut self) {
        self.version += 1;
        let all = TOPICS.iter().zip(self.partitions).zip(self.ids);
        let known: Vec<_> = all.filter(|((_, n), _)| *n > 0).map(|((name, n), id)| (*name, id, n)).collect();
        self.sim.know(self.version, &known);
    }

    /// The classic clients have a stable group before the others come.
    fn start_classic(&mut self) {
        for _ in 0..8 {
            self.classic.iter_mut().for_each(|c| c.go_on(&mut self.sim));
            self.sim.advance(0);
        }
        assert!(self.classic.iter().all(|c| c.is_in));
    }

    fn take(&mut self, step: &Step) {
        let (moderns, classics) = (self.modern.len(), self.classic.len());
        match *step {
            Step::Beat { who, lost } if who < moderns => self.modern[who].beat(&mut self.sim, lost),
            Step::Act { who } if who < moderns => self.modern[who].act(),
            Step::GoOn { who } if who < classics => self.classic[who].go_on(&mut self.sim),
            Step::Subscribe { who, topics: choice } if who < moderns => self.modern[who].topics = topics(choice),
            Step::Leave { who } if who < moderns => self.modern[who].leave(&mut self.sim),
            Step::LeaveClassic { who } if who < classics => self.classic[who].leave(&mut self.sim),
            Step::Grow { topic } if self.partitions[topic] > 0 => {
                self.partitions[topic] += 1;
                self.tell_topics();
            }
            Step::Make { topic, partitions } if self.partitions[topic] == 0 => {
                self.partitions[topic] = partitions;
                self.ids[topic] = self.ids.iter().max().unwrap() + 1;
                self.tell_topics();
            }
            // Gone for the groups; its offsets are another matter.
            Step::Drop { topic } => {
                self.partitions[topic] = 0;
                self.tell_topics();
            }
            Step::Wait { ms } => self.sim.advance(ms),
            Step::Restart => {
                let replies = std::mem::take(&mut self.sim.replies);
                self.sim = self.sim.restarted();
                self.sim.replies = replies;
                self.tell_topics();
                self.classic.iter_mut().for_each(Classic::disconnect);
                // A classic generation that never became stable is forgotten.
                if self.sim.machine.groups.contains_key(GROUP) {
                    self.epoch = 0;
                }
            }
            _ => {}
        }
    }

    fn is_member(&self, id: &str) -> bool {
        let classic = self.sim.machine.groups.get(GROUP).is_some_and(|g| g.members.contains_key(id));
        classic || self.sim.machine.consumer_groups.get(GROUP).is_some_and(|g| g.has_member(id))
    }

    /// Who is a member has nothing that another member has. Whoever was taken out finds out with its next request.
    fn check_owners(&self) {
        let modern = self.modern.iter().map(|c| (c.member.as_str(), &c.owned));
        let owners = modern.chain(self.classic.iter().map(|c| (c.member.as_str(), &c.owned)));
        let mut taken: BTreeMap<(u128, i32), &str> = BTreeMap::new();
        for (member, owned) in owners.filter(|(member, _)| self.is_member(member)) {
            for partition in owned {
                let other = taken.insert(*partition, member);
                assert_eq!(other, None, "{member} shares {partition:?}");
            }
        }
    }

    fn check_state(&mut self) {
        let machine = &self.sim.machine;
        let replayed = replay(&self.sim.config, &self.sim.log);
        assert_eq!(replayed.offsets, machine.offsets);
        let durable = |m: &GroupMachine| m.consumer_groups.values().map(|g| g.durable()).collect::<Vec<_>>();
        assert_eq!(durable(&replayed), durable(machine));
        assert!(machine.groups.len() + machine.consumer_groups.len() <= 1, "the group is of one protocol");
        for (at, topic) in TOPICS.iter().enumerate() {
            assert_eq!(self.sim.offset(topic), at as i64 + 10, "the offset of {topic}");
        }
        let (consumer, classic) = (machine.consumer_groups.get(GROUP), machine.groups.get(GROUP));
        consumer.inspect(|g| g.check());
        let epoch = consumer.map(|g| g.epoch()).or(classic.map(|g| g.generation)).unwrap_or(0);
        // An empty group may give way to one of the other protocol, which begins anew.
        let is_new = consumer.is_some_and(|g| g.is_empty()) || epoch <= 2;
        assert!(epoch >= self.epoch || is_new, "epoch {epoch} after {}", self.epoch);
        self.epoch = epoch;
    }

    /// All clients behave for a while.
    fn settle(&mut self) {
        for _ in 0..60 {
            for at in 0..self.modern.len() {
                self.modern[at].act();
                self.modern[at].beat(&mut self.sim, false);
            }
            for at in 0..self.classic.len() {
                self.classic[at].go_on(&mut self.sim);
                self.classic[at].go_on(&mut self.sim);
            }
            self.check_owners();
            self.sim.advance(3_000);
        }
        // On the way an empty group may have given way to one of the other protocol.
        self.epoch = 0;
    }

    fn check_settled(&self) {
        let mut expected = Partitions::new();
        let modern = self.modern.iter().flat_map(|c| &c.topics);
        for topic in modern.chain(self.classic.iter().flat_map(|c| &c.topics)) {
            let at = TOPICS.iter().position(|t| t == topic).unwrap();
            expected.extend((0..self.partitions[at]).map(|p| (self.ids[at], p)));
        }
        let mut owned = Partitions::new();
        self.modern.iter().for_each(|c| owned.extend(&c.owned));
        self.classic.iter().for_each(|c| owned.extend(&c.owned));
        assert_eq!(owned, expected, "every partition is read once all are quiet");
        if !self.modern.is_empty() {
            assert_eq!(self.sim.described().state, "Stable");
        }
        for client in &self.modern {
            let reads = |id: u128| (0..3).any(|at| self.ids[at] == id && client.topics.contains(&TOPICS[at]));
            assert!(client.owned.iter().all(|(t, _)| reads(*t)), "{} has what it does not read", client.member);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_partition_has_two_owners_and_all_have_one_in_the_end(
        interval in prop_oneof![Just(0), Just(1_000)],
        modern in 0usize..4,
        classic in 0usize..3,
        head_start: bool,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(interval, modern, classic);
        if head_start {
            world.start_classic();
        }
        for step in &steps {
            world.take(step);
            world.check_owners();
            world.check_state();
        }
        world.settle();
        world.check_state();
        world.check_settled();
    }
}
