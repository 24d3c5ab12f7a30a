//! Random lives of a share group: epochs only grow, the log alone tells everything durable, nobody has what it does not read, and once
//! all are quiet every partition that is read has a state and a reader.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::beat::{Beat, eager};
use crate::error_code::ErrorCode;
use crate::group::GroupMachine;
use crate::group::tests::sim::{GROUP, Sim, replay};

const TOPICS: [&str; 3] = ["foo", "bar", "baz"];
const CLIENTS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Step {
    Beat { who: usize, lost: bool },
    Subscribe { who: usize, topics: usize },
    Leave { who: usize },
    Answer { done: bool },
    Forget,
    Grow { topic: usize },
    Drop { topic: usize },
    Wait { ms: i64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..CLIENTS.len();
    prop_oneof![
        12 => (who.clone(), prop::bool::weighted(0.2)).prop_map(|(who, lost)| Step::Beat { who, lost }),
        3 => (who.clone(), 0..5usize).prop_map(|(who, topics)| Step::Subscribe { who, topics }),
        2 => who.prop_map(|who| Step::Leave { who }),
        6 => prop::bool::weighted(0.8).prop_map(|done| Step::Answer { done }),
        1 => Just(Step::Forget),
        1 => (0..3usize).prop_map(|topic| Step::Grow { topic }),
        1 => (0..3usize).prop_map(|topic| Step::Drop { topic }),
        4 => prop_oneof![Just(500), Just(4_000), Just(30_000), Just(46_000)].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

fn topics(choice: usize) -> Vec<&'static str> {
    let choices: [&[&'static str]; 5] = [&["foo"], &["bar"], &["foo", "bar"], &["foo", "bar", "baz"], &["baz"]];
    choices[choice].to_vec()
}

fn name(id: u128) -> &'static str {
    TOPICS[(id % TOPICS.len() as u128) as usize]
}

/// What a share consumer knows of itself.
struct Client {
    epoch: i32,
    topics: Vec<&'static str>,
    assigned: BTreeSet<(u128, i32)>,
    tells_topics: bool,
}

struct World {
    sim: Sim,
    version: i64,
    partitions: [i32; 3],
    /// How often each topic was made.
    made: [u128; 3],
    clients: Vec<Client>,
    epoch: i32,
}

impl World {
    fn new(assignment_interval_ms: i32) -> World {
        let mut config = eager();
        config.share.assignment_interval_ms = assignment_interval_ms;
        let client =
            |at: usize| Client { epoch: 0, topics: topics(at), assigned: BTreeSet::new(), tells_topics: false };
        let clients = (0..CLIENTS.len()).map(client).collect();
        let mut world =
            World { sim: Sim::with(config), version: 0, partitions: [4, 2, 1], made: [0; 3], clients, epoch: 0 };
        world.tell_topics();
        world
    }

    fn tell_topics(&mut self) {
        self.version += 1;
        let there = (0..TOPICS.len()).filter(|at| self.partitions[*at] > 0);
        let known: Vec<_> = there.map(|at| (TOPICS[at], self.id(at), self.partitions[at])).collect();
        self.sim.know(self.version, &known);
    }

    /// A topic that is made anew is another one.
    fn id(&self, at: usize) -> u128 {
        self.made[at] * TOPICS.len() as u128 + at as u128
    }

    /// Like the Java client: it begins anew when it is fenced, and sends all when it begins or an answer was lost.
    fn beat(&mut self, who: usize, lost: bool) {
        let client = &self.clients[who];
        let full = client.epoch == 0 || client.tells_topics;
        let beat = Beat { topics: full.then(|| client.topics.clone()), ..Beat::again(CLIENTS[who], client.epoch) };
        let reply = self.sim.share(&beat);
        let client = &mut self.clients[who];
        match reply.error {
            ErrorCode::None if lost => client.tells_topics = true,
            ErrorCode::None => {
                assert!(reply.member_epoch >= client.epoch, "a member's epoch never shrinks");
                (client.epoch, client.tells_topics) = (reply.member_epoch, false);
                if let Some(assignment) = reply.assignment {
                    let flat = |(topic, of): (forebay_storage::ids::TopicId, Vec<i32>)| {
                        of.into_iter().map(move |partition| (topic.0.as_u128(), partition))
                    };
                    client.assigned = assignment.into_iter().flat_map(flat).collect();
                }
                let reads = |topic: u128| client.topics.contains(&name(topic));
                assert!(
                    client.assigned.iter().all(|(topic, _)| reads(*topic)),
                    "{} has what it does not read",
                    CLIENTS[who]
                );
            }
            ErrorCode::UnknownMemberId | ErrorCode::GroupIdNotFound | ErrorCode::FencedMemberEpoch => {
                client.epoch = 0;
                client.assigned.clear();
            }
            other => panic!("{other:?} {:?}", reply.error_message),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Beat { who, lost } => self.beat(who, lost),
            Step::Subscribe { who, topics: choice } => {
                let client = &mut self.clients[who];
                (client.topics, client.tells_topics) = (topics(choice), true);
                self.beat(who, false);
            }
            Step::Leave { who } => {
                self.sim.share(&Beat::again(CLIENTS[who], -1));
                self.clients[who].epoch = 0;
                self.clients[who].assigned.clear();
            }
            Step::Answer { done } => self.sim.answer_states(done),
            Step::Forget => drop(self.sim.asked_states()),
            Step::Grow { topic } => {
                self.made[topic] += u128::from(self.partitions[topic] == 0);
                self.partitions[topic] += 1;
                self.tell_topics();
            }
            Step::Drop { topic } => {
                self.partitions[topic] = 0;
                self.tell_topics();
            }
            Step::Wait { ms } => self.sim.advance(ms),
            Step::Restart => {
                self.sim = self.sim.restarted();
                self.tell_topics();
            }
        }
    }

    fn check(&mut self) {
        let machine = &self.sim.machine;
        let durable = |m: &GroupMachine| m.share_groups.values().map(|g| g.durable()).collect::<Vec<_>>();
        assert_eq!(durable(&replay(&self.sim.config, &self.sim.log)), durable(machine));
        let Some(group) = machine.share_groups.get(GROUP) else { return };
        group.check();
        let epoch = self.sim.share_described().epoch;
        assert!(epoch >= self.epoch, "epoch {epoch} after {}", self.epoch);
        self.epoch = epoch;
    }

    /// All clients behave, and so does the share coordinator.
    fn settle(&mut self) {
        for _ in 0..30 {
            (0..CLIENTS.len()).for_each(|who| self.beat(who, false));
            self.sim.answer_states(true);
            self.check();
            self.sim.advance(3_000);
        }
    }

    fn check_settled(&self) {
        let mut expected = BTreeSet::new();
        for topic in self.clients.iter().flat_map(|c| &c.topics) {
            let at = TOPICS.iter().position(|t| t == topic).unwrap();
            expected.extend((0..self.partitions[at]).map(|p| (self.id(at), p)));
        }
        let read: BTreeSet<_> = self.clients.iter().flat_map(|c| c.assigned.clone()).collect();
        assert_eq!(read, expected, "every partition is read once all are quiet");
        let (initializing, initialized, deleting) = self.sim.states();
        let there: BTreeSet<_> = initialized.iter().flat_map(|(t, of)| of.iter().map(|p| (*t, *p))).collect();
        assert!(there.is_superset(&expected));
        assert_eq!(deleting, []);
        // What nobody reads any more may be awaited for ever; Kafka leaves it so, too.
        let reads = |topic: u128| self.clients.iter().any(|c| c.topics.contains(&name(topic)));
        assert!(initializing.iter().all(|(topic, _)| !reads(*topic)), "{initializing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn all_that_is_read_has_a_state_and_a_reader_in_the_end(
        interval in prop_oneof![Just(0), Just(1_000)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(interval);
        for step in &steps {
            world.take(step);
            world.check();
        }
        world.settle();
        world.check_settled();
    }
}
