//! Clients of both protocols as state machines, for the random model: they answer as real consumers do, lose answers and dawdle.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use forebay_storage::ids::TopicId;

use super::beat::{Beat, id};
use crate::error_code::ErrorCode;
use crate::group::records::{Subscription, decode_assignment, encode_assignment};
use crate::group::tests::sim::{GROUP, Joiner, Sim};
use crate::group::*;
use crate::machine::ReplyTo;

pub type Partitions = BTreeSet<(u128, i32)>;

/// The names of all topics there ever are.
pub const TOPICS: [&str; 3] = ["foo", "bar", "baz"];

/// A consumer of the consumer protocol.
pub struct Modern {
    pub member: String,
    pub epoch: i32,
    pub topics: Vec<&'static str>,
    pub owned: Partitions,
    /// What it was told to have, and has not come to yet.
    pub told: Option<Partitions>,
}

impl Modern {
    pub fn new(member: String, topics: Vec<&'static str>) -> Modern {
        Modern { member, epoch: 0, topics, owned: Partitions::new(), told: None }
    }

    /// Gives up and takes over what it was told.
    pub fn act(&mut self) {
        if let Some(told) = self.told.take() {
            self.owned = told;
        }
    }

    /// A heartbeat that says everything; `lost` when the answer does not arrive.
    pub fn beat(&mut self, sim: &mut Sim, lost: bool) {
        let mut owned: BTreeMap<u128, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in &self.owned {
            owned.entry(*topic).or_default().push(*partition);
        }
        let owned = owned.into_iter().map(|(t, p)| (id(t), p)).collect();
        let beat = Beat { epoch: self.epoch, owned: Some(owned), ..Beat::join(&self.member, &self.topics) };
        let reply = sim.beat(&beat);
        if lost {
            return;
        }
        match reply.error {
            ErrorCode::None => {
                self.epoch = reply.member_epoch;
                if let Some(assignment) = reply.assignment {
                    let all = assignment.into_iter().flat_map(|(t, p)| p.into_iter().map(move |p| (t.0.as_u128(), p)));
                    let told: Partitions = all.collect();
                    // Taking over alone needs no time.
                    self.told = Some(told);
                    if self.told.as_ref().is_some_and(|told| self.owned.is_subset(told)) {
                        self.act();
                    }
                }
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId | ErrorCode::GroupIdNotFound => {
                (self.epoch, self.owned, self.told) = (0, Partitions::new(), None);
            }
            other => panic!("{other:?} for {beat:?}"),
        }
    }

    pub fn leave(&mut self, sim: &mut Sim) {
        sim.beat(&Beat::again(&self.member, -1));
        (self.epoch, self.owned, self.told) = (0, Partitions::new(), None);
    }
}

/// A consumer of the classic protocol that gives up everything before it joins again.
pub struct Classic {
    pub client: &'static str,
    pub member: String,
    pub generation: i32,
    pub topics: Vec<&'static str>,
    pub owned: Partitions,
    joining: Option<ReplyTo>,
    syncing: Option<ReplyTo>,
    /// A leader watches the topics and joins again when they are not what it assigned.
    led: Option<Topics>,
    pub is_in: bool,
}

impl Classic {
    pub fn new(client: &'static str, topics: Vec<&'static str>) -> Classic {
        Classic {
            client,
            member: String::new(),
            generation: -1,
            topics,
            owned: Partitions::new(),
            joining: None,
            syncing: None,
            led: None,
            is_in: false,
        }
    }

    /// The connection is gone, and with it what it waited for.
    pub fn disconnect(&mut self) {
        (self.joining, self.syncing) = (None, None);
    }

    fn lose_all(&mut self, forget_id: bool) {
        (self.owned, self.is_in) = (Partitions::new(), false);
        if forget_id {
            self.member.clear();
        }
    }

    /// Does the next thing that a consumer does.
    pub fn go_on(&mut self, sim: &mut Sim) {
        if let Some(to) = self.joining {
            if sim.is_answered(to) {
                self.joining = None;
                self.joined(sim, to);
            }
        } else if let Some(to) = self.syncing {
            if sim.is_answered(to) {
                self.syncing = None;
                self.synced(sim, to);
            }
        } else if self.is_in && self.led.as_ref().is_some_and(|led| *led != topics_now(sim)) {
            self.lose_all(false);
        } else if self.is_in {
            self.heartbeat(sim);
        } else {
            let joiner = Joiner { known_id: true, ..Joiner::new(self.client).topics(&self.topics) };
            self.joining = Some(sim.join(joiner.member_id(&self.member)));
        }
    }

    fn joined(&mut self, sim: &mut Sim, to: ReplyTo) {
        let reply = sim.joined(to).clone();
        match reply.error {
            ErrorCode::None => {
                (self.member, self.generation) = (reply.member_id.to_string(), reply.generation);
                self.led = (!reply.members.is_empty()).then(|| topics_now(sim));
                let assignments = lead(&reply.members, sim);
                let assignments = assignments.into_iter().map(|(m, a)| (m.into(), a)).collect();
                let sync = Sync {
                    reply_to: to,
                    group_id: GROUP.into(),
                    generation: self.generation,
                    member_id: reply.member_id,
                    instance_id: None,
                    protocol_type: reply.protocol_type,
                    protocol_name: reply.protocol_name,
                    assignments,
                };
                self.syncing = Some(sim.sync_as(sync));
            }
            ErrorCode::MemberIdRequired => self.member = reply.member_id.to_string(),
            ErrorCode::UnknownMemberId => self.lose_all(true),
            ErrorCode::RebalanceInProgress => {}
            other => panic!("{other:?} to a join"),
        }
    }

    fn synced(&mut self, sim: &Sim, to: ReplyTo) {
        let reply = sim.synced(to);
        match reply.error {
            ErrorCode::None => {
                let (topics, _) = if reply.assignment.is_empty() {
                    Default::default()
                } else {
                    decode_assignment(&reply.assignment).unwrap()
                };
                // What was deleted meanwhile cannot be read.
                let there = topics.into_iter().filter_map(|(t, p)| Some((sim.machine.topics.by_name(&t)?.id(), p)));
                let all = there.flat_map(|(t, p)| p.into_iter().map(move |p| (t.0.as_u128(), p)));
                (self.owned, self.is_in) = (all.collect(), true);
            }
            ErrorCode::RebalanceInProgress => {}
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => self.lose_all(true),
            other => panic!("{other:?} to a sync"),
        }
    }

    fn heartbeat(&mut self, sim: &mut Sim) {
        match sim.heartbeat(self.generation, &self.member) {
            ErrorCode::None => {}
            ErrorCode::RebalanceInProgress => self.lose_all(false),
            ErrorCode::IllegalGeneration => self.lose_all(false),
            ErrorCode::UnknownMemberId => self.lose_all(true),
            other => panic!("{other:?} to a heartbeat"),
        }
    }

    pub fn leave(&mut self, sim: &mut Sim) {
        self.disconnect();
        if !self.member.is_empty() {
            sim.leave(&[(&self.member, None)]);
        }
        self.lose_all(true);
    }
}

/// The id of each topic that is there, and how many partitions it has.
type Topics = Vec<(TopicId, i32)>;

fn topics_now(sim: &Sim) -> Topics {
    let there = TOPICS.iter().filter_map(|topic| sim.machine.topics.by_name(topic));
    there.map(|topic| (topic.id(), topic.partitions())).collect()
}

/// The leader's assignment: each partition to one of those who read its topic, in turn.
fn lead(members: &[JoinedMember], sim: &Sim) -> Vec<(String, Bytes)> {
    let mut owned: BTreeMap<String, BTreeMap<&str, Vec<i32>>> =
        members.iter().map(|m| (m.member_id.to_string(), BTreeMap::new())).collect();
    for topic in TOPICS {
        let partitions = sim.machine.topics.by_name(topic).map_or(0, |t| t.partitions());
        let reads = |m: &&JoinedMember| Subscription::decode(&m.metadata).unwrap().topics.iter().any(|t| &**t == topic);
        let readers: Vec<_> = members.iter().filter(reads).collect();
        for partition in 0..if readers.is_empty() { 0 } else { partitions } {
            let reader = readers[partition as usize % readers.len()];
            owned.get_mut(&*reader.member_id).unwrap().entry(topic).or_default().push(partition);
        }
    }
    owned.into_iter().map(|(member, topics)| (member, encode_assignment(0, topics.into_iter()))).collect()
}
