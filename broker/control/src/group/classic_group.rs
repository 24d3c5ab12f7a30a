//! The state of one group (Kafka: ClassicGroup) and the changes that it can undergo.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::Timestamp;

use super::event::GroupChange;
use super::member::Member;
use super::records::{GroupMetadataValue, subscribed_topics};
use super::reply::JoinedMember;
use super::state::GroupState;
use crate::error_code::ErrorCode;

/// The protocol type of Kafka's consumers.
pub(super) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// A group without its offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClassicGroup {
    pub(super) id: Arc<str>,
    pub(super) state: GroupState,
    /// The state before; a rebalance that follows `Empty` waits for more members.
    pub(super) previous_state: GroupState,
    /// When it came into its state; `None` when an old record did not say.
    pub(super) state_since: Option<Timestamp>,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<Arc<str>>,
    pub(super) protocol: Option<Arc<str>>,
    pub(super) leader: Option<Arc<str>>,
    pub(super) members: BTreeMap<Arc<str>, Arc<Member>>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<Arc<str>, Arc<str>>,
    /// Member ids given out to members that have not come back yet, each with its deadline.
    pub(super) pending_members: BTreeMap<Arc<str>, Timestamp>,
    /// Members of this generation that have not sent SyncGroup yet.
    pub(super) pending_sync: BTreeSet<Arc<str>>,
    /// Topics of all members' subscriptions; `None` when unknown.
    pub(super) subscribed_topics: Option<BTreeSet<Arc<str>>>,
    pub(super) new_member_added: bool,
    /// Number of the timer that ends the join phase.
    pub(super) join_timer: u64,
}

impl ClassicGroup {
    /// An empty group that holds at most offsets ("simple group").
    pub(super) fn new(id: Arc<str>, since: Option<Timestamp>) -> ClassicGroup {
        ClassicGroup {
            id,
            state: GroupState::Empty,
            previous_state: GroupState::Dead,
            state_since: since,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_members: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            subscribed_topics: None,
            new_member_added: false,
            join_timer: 0,
        }
    }

    /// Makes a saved generation the group's, whether it was just decided or is read from the log.
    pub(super) fn load(&mut self, value: &GroupMetadataValue) {
        let protocol = value.protocol.clone().unwrap_or_else(|| Arc::from(""));
        let known = std::mem::take(&mut self.members);
        for saved in &value.members {
            let known = known.get(&saved.member_id).map(|m| &**m);
            let member = Member::load(saved, &value.protocol_type, &protocol, known);
            self.members.insert(saved.member_id.clone(), Arc::new(member));
        }
        self.static_members =
            self.members.values().filter_map(|m| Some((m.instance_id.clone()?, m.id.clone()))).collect();
        self.pending_sync.retain(|id| self.members.contains_key(id));
        self.generation = value.generation;
        self.protocol_type = Some(value.protocol_type.clone()).filter(|t| !t.is_empty());
        self.protocol = value.protocol.clone();
        self.leader = value.leader.clone();
        self.subscribed_topics = self.compute_subscribed_topics();
        self.previous_state = self.state;
        self.state = if self.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        self.state_since = value.state_since;
    }

    /// The group as a record holds it, with these assignments (none is an empty one).
    pub(super) fn save(&self, at: Timestamp, assignment: impl Fn(&Member) -> Bytes) -> GroupMetadataValue {
        let protocol = self.protocol.as_deref().unwrap_or("");
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Arc::from("")),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since: Some(at),
            members: self.members.values().map(|m| m.save(protocol, assignment(m))).collect(),
        }
    }

    /// Makes a volatile change part of the state.
    pub(super) fn apply(&mut self, change: GroupChange) {
        match change {
            GroupChange::MemberJoined(member) => self.put_member(member),
            GroupChange::MemberRemoved(id) => self.remove_member(&id),
            GroupChange::MemberReplaced { old, new } => self.replace_member(&old, new),
            GroupChange::MemberSeen { member_id, deadline, timer_at } => {
                self.update(&member_id, |m| (m.deadline, m.timer_at) = (deadline, timer_at));
            }
            GroupChange::PendingAdded { member_id, deadline } => {
                self.pending_members.insert(member_id, deadline);
            }
            GroupChange::PendingRemoved(id) => {
                self.pending_members.remove(&id);
            }
            GroupChange::NewMemberAdded(added) => self.new_member_added = added,
            GroupChange::RebalanceStarted { at } => {
                self.pending_sync.clear();
                self.new_member_added = false;
                for member in self.members.values_mut() {
                    // Those who waited for this generation's assignment have been sent back to join.
                    if self.state == GroupState::CompletingRebalance {
                        let member = Arc::make_mut(member);
                        (member.awaiting_sync, member.assignment) = (None, Bytes::new());
                    }
                }
                self.transition(GroupState::PreparingRebalance, at);
            }
            GroupChange::JoinTimerArmed(number) => self.join_timer = number,
            GroupChange::LeaderElected(id) => self.leader = Some(id),
            GroupChange::GenerationStarted { generation, protocol, at } => {
                self.start_generation(generation, protocol, at);
            }
            GroupChange::SyncParked { member_id, reply_to } => {
                self.update(&member_id, |m| m.awaiting_sync = Some(reply_to));
                self.pending_sync.remove(&member_id);
            }
            GroupChange::SyncReceived(id) => {
                self.pending_sync.remove(&id);
            }
        }
    }

    fn update(&mut self, member_id: &str, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(member_id) {
            change(Arc::make_mut(member));
        }
    }

    fn transition(&mut self, state: GroupState, at: Timestamp) {
        self.previous_state = self.state;
        self.state = state;
        self.state_since = Some(at);
    }

    fn put_member(&mut self, member: Arc<Member>) {
        if self.members.is_empty() {
            self.protocol_type = Some(member.protocol_type.clone());
        }
        self.pending_members.remove(&member.id);
        if let Some(instance) = &member.instance_id {
            self.static_members.insert(instance.clone(), member.id.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.members.insert(member.id.clone(), member);
    }

    fn remove_member(&mut self, id: &str) {
        if let Some(instance) = self.members.remove(id).and_then(|m| m.instance_id.clone()) {
            self.static_members.remove(&instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_members.remove(id);
        self.pending_sync.remove(id);
    }

    fn replace_member(&mut self, old: &str, new: Arc<Member>) {
        self.members.remove(old);
        if self.is_leader(old) {
            self.leader = Some(new.id.clone());
        }
        if self.pending_sync.remove(old) {
            self.pending_sync.insert(new.id.clone());
        }
        self.put_member(new);
    }

    fn start_generation(&mut self, generation: i32, protocol: Arc<str>, at: Timestamp) {
        for member in self.members.values_mut() {
            let member = Arc::make_mut(member);
            (member.awaiting_join, member.is_new) = (None, false);
        }
        self.generation = generation;
        self.protocol = Some(protocol);
        self.pending_sync = self.members.keys().cloned().collect();
        self.subscribed_topics = self.compute_subscribed_topics();
        self.transition(GroupState::CompletingRebalance, at);
    }

    fn compute_subscribed_topics(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscribed_topics(member.metadata(protocol)?).ok()?);
        }
        Some(topics)
    }

    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// Whether a member reads `topic`; yes if that is not known and the group is one of consumers.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    pub(super) fn awaiting_join_count(&self) -> usize {
        self.members.values().filter(|m| m.awaiting_join.is_some()).count()
    }

    pub(super) fn has_all_members_joined(&self) -> bool {
        self.pending_members.is_empty() && self.awaiting_join_count() == self.members.len()
    }

    /// The largest rebalance timeout of the members, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|m| i64::from(m.rebalance_timeout_ms)).max().unwrap_or(0).max(0)
    }

    /// Whether a member with these protocols can join (Kafka: ClassicGroup.supportsProtocols).
    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[(Arc<str>, Bytes)]) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| self.members.values().all(|m| m.supports(name)))
    }

    /// The protocol that all members support and most prefer; among equals the first by name.
    pub(super) fn select_protocol(&self) -> Arc<str> {
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        let first = self.members.values().next();
        let common: BTreeSet<&str> = first
            .into_iter()
            .flat_map(|m| m.protocols.iter().map(|(name, _)| &**name))
            .filter(|name| self.members.values().all(|m| m.supports(name)))
            .collect();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| common.contains(&**name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let mut best: Option<(&Arc<str>, usize)> = None;
        for (name, count) in votes {
            if best.is_none_or(|(_, most)| count > most) {
                best = Some((name, count));
            }
        }
        best.map(|(name, _)| name.clone()).unwrap_or_else(|| Arc::from(""))
    }

    /// Checks that a request comes from a member that is not fenced (Kafka: ClassicGroup.validateMember).
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<&Arc<Member>, ErrorCode> {
        if let Some(instance) = instance_id {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if &**current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        self.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)
    }

    /// The members with their metadata, as the leader gets them.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or("");
        self.members
            .values()
            .map(|m| JoinedMember {
                member_id: m.id.clone(),
                instance_id: m.instance_id.clone(),
                metadata: m.metadata(protocol).cloned().unwrap_or_default(),
            })
            .collect()
    }
}
