//! Balance first, then keeping what is there, among members that read different topics
//! (Kafka: UniformHeterogeneousAssignmentBuilder): give up what is not read, hand out what nobody has, move until it is even.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::balancer::Balancer;
use super::{GroupAssignment, GroupSpec};

/// Most rounds of moving. Members with overlapping subscriptions may otherwise take long for little.
const MAX_ROUNDS: usize = 16;

struct Topic {
    /// Numbers of the members that read it, in order.
    readers: Vec<usize>,
    /// Number of the member that shall have each partition.
    owners: Vec<Option<usize>>,
}

struct Builder {
    ids: Vec<Arc<str>>,
    topics: BTreeMap<TopicId, Topic>,
    /// How many partitions each member shall have.
    loads: Vec<i64>,
}

pub(super) fn assign(spec: &GroupSpec) -> GroupAssignment {
    let mut builder = Builder::new(spec);
    if builder.topics.is_empty() {
        return GroupAssignment::new();
    }
    builder.hand_out();
    builder.even_out();
    builder.finish()
}

impl Builder {
    fn new(spec: &GroupSpec) -> Builder {
        let mut topics: BTreeMap<TopicId, Topic> = BTreeMap::new();
        for (number, member) in spec.members.values().enumerate() {
            for topic in &member.topics {
                let partitions = spec.partitions.get(topic).copied().unwrap_or(0);
                let new =
                    || Topic { readers: Vec::new(), owners: vec![None; usize::try_from(partitions).unwrap_or(0)] };
                topics.entry(*topic).or_insert_with(new).readers.push(number);
            }
        }
        let mut loads = vec![0; spec.members.len()];
        for (number, member) in spec.members.values().enumerate() {
            for (id, partitions) in member.target.iter().filter(|(id, _)| member.topics.contains(*id)) {
                let Some(topic) = topics.get_mut(id) else { continue };
                for partition in partitions {
                    let owner = usize::try_from(*partition).ok().and_then(|p| topic.owners.get_mut(p));
                    if let Some(owner @ None) = owner {
                        *owner = Some(number);
                        loads[number] += 1;
                    }
                }
            }
        }
        Builder { ids: spec.members.keys().cloned().collect(), topics, loads }
    }

    /// Topics with the most partitions for each reader first, then those with the fewest readers, then by id.
    fn sorted(&self, wanted: impl Fn(&Topic) -> bool) -> Vec<TopicId> {
        let mut sorted: Vec<_> = self.topics.iter().filter(|(_, t)| wanted(t)).collect();
        let share = |t: &Topic| t.owners.len() as f64 / t.readers.len() as f64;
        sorted.sort_by(|(id, a), (other, b)| {
            let shares = share(b).partial_cmp(&share(a)).unwrap_or(Ordering::Equal);
            shares.then(a.readers.len().cmp(&b.readers.len())).then(id.cmp(other))
        });
        sorted.into_iter().map(|(id, _)| *id).collect()
    }

    fn hand_out(&mut self) {
        let mut balancer = Balancer::default();
        for id in self.sorted(|t| t.owners.contains(&None)) {
            let Some(topic) = self.topics.get_mut(&id) else { continue };
            balancer.start(&topic.readers, &self.loads);
            for owner in topic.owners.iter_mut().filter(|o| o.is_none()) {
                let number = balancer.next_least(&self.loads);
                *owner = Some(number);
                self.loads[number] += 1;
            }
        }
    }

    /// Goes round the topics until one whole round has moved nothing.
    fn even_out(&mut self) {
        let sorted = self.sorted(|t| t.readers.len() >= 2);
        let mut balancer = Balancer::default();
        let mut last_moved = None;
        for _ in 0..MAX_ROUNDS {
            for (at, id) in sorted.iter().enumerate() {
                if last_moved == Some(at) {
                    return;
                }
                let Some(topic) = self.topics.get_mut(id) else { continue };
                let moved = even_out_topic(topic, &mut self.loads, &mut balancer);
                if moved || last_moved.is_none() {
                    last_moved = Some(at);
                }
            }
        }
    }

    fn finish(self) -> GroupAssignment {
        let mut target: GroupAssignment = self.ids.iter().map(|id| (id.clone(), BTreeMap::new())).collect();
        for (id, topic) in self.topics {
            for (partition, owner) in (0..).zip(topic.owners) {
                let member = owner.and_then(|number| target.get_mut(&self.ids[number]));
                if let Some(member) = member {
                    member.entry(id).or_default().insert(partition);
                }
            }
        }
        target
    }
}

/// Moves partitions of a topic from those who have most to those who have least; tells whether any was moved.
fn even_out_topic(topic: &mut Topic, loads: &mut [i64], balancer: &mut Balancer) -> bool {
    if balancer.start(&topic.readers, loads) <= 1 {
        return false;
    }
    let mut owned: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (partition, owner) in topic.owners.iter().enumerate() {
        owned.entry(owner.unwrap_or(usize::MAX)).or_default().push(partition);
    }
    let mut moved = false;
    while !balancer.is_balanced() {
        let Some(giver) = balancer.next_most(loads) else { break };
        let Some(partition) = owned.get_mut(&giver).and_then(Vec::pop) else {
            balancer.exclude_most();
            continue;
        };
        let taker = balancer.next_least(loads);
        if balancer.is_balanced() {
            break;
        }
        topic.owners[partition] = Some(taker);
        loads[giver] -= 1;
        loads[taker] += 1;
        moved = true;
    }
    moved
}
