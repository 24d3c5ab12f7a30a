//! JoinGroup (Kafka: GroupMetadataManager.classicGroupJoin).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::command::Join;
use super::config::{MAX_MEMBER_METADATA_BYTES, MAX_PROTOCOLS_PER_MEMBER, NEW_MEMBER_JOIN_TIMEOUT_MS};
use super::draft::{Draft, GroupDecision, answer};
use super::event::GroupChange;
use super::machine::GroupMachine;
use super::member::Member;
use super::records::MAX_STRING_BYTES;
use super::reply::{GroupReply, JoinReply};
use super::state::GroupState;
use super::timer::GroupTimer;
use crate::error_code::ErrorCode;
use crate::machine::ReplyTo;

/// Longest suffix that a member id gets: a hyphen and a UUID.
const MEMBER_ID_SUFFIX_BYTES: usize = 37;

impl GroupMachine {
    pub(super) fn join(&self, now: Timestamp, join: Join) -> GroupDecision {
        if let Err(error) = self.check_join(&join) {
            return answer(join.reply_to, GroupReply::Join(JoinReply::error(join.member_id, error)));
        }
        if self.share_groups.contains_key(&join.group_id) {
            let reply = JoinReply::error(Arc::from(""), ErrorCode::InconsistentGroupProtocol);
            return answer(join.reply_to, GroupReply::Join(reply));
        }
        let ended = match self.consumer_groups.get(&join.group_id) {
            Some(group) if !group.is_empty() => return self.join_consumer_group(now, group, join),
            Some(group) => self.end_empty_consumer_group(now, group),
            None => Vec::new(),
        };
        let is_unknown = join.member_id.is_empty();
        let mut draft = match self.groups.get(&join.group_id) {
            Some(group) => Draft::of(&self.config, now, group),
            // Unlike Kafka we create no group for a join that fails.
            None if is_unknown && !join.protocol_type.is_empty() && !join.protocols.is_empty() => {
                Draft::create(&self.config, now, &join.group_id)
            }
            None => {
                let error = if is_unknown { ErrorCode::InconsistentGroupProtocol } else { ErrorCode::UnknownMemberId };
                return answer(join.reply_to, GroupReply::Join(JoinReply::error(join.member_id, error)));
            }
        };
        // An empty consumer group makes room for the classic one.
        draft.decision.events.splice(0..0, ended);
        if !draft.accepts(&join.member_id) {
            draft.refuse_for_size(&join)
        } else if !draft.group.supports_protocols(&join.protocol_type, &join.protocols) {
            draft.refuse_join(join.reply_to, join.member_id, ErrorCode::InconsistentGroupProtocol)
        } else if is_unknown {
            draft.join_new(join)
        } else {
            draft.join_existing(join)
        }
    }

    fn check_join(&self, join: &Join) -> Result<(), ErrorCode> {
        self.check_group_id(&join.group_id)?;
        let sessions = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
        if !sessions.contains(&join.session_timeout_ms) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        let names = [&join.member_id, &join.client_id, &join.client_host, &join.protocol_type];
        let mut names = names.into_iter().chain(&join.instance_id).chain(join.protocols.iter().map(|(name, _)| name));
        let metadata: usize = join.protocols.iter().map(|(_, metadata)| metadata.len()).sum();
        if names.any(|name| name.len() > MAX_STRING_BYTES - MEMBER_ID_SUFFIX_BYTES)
            || join.protocols.len() > MAX_PROTOCOLS_PER_MEMBER
            || metadata > MAX_MEMBER_METADATA_BYTES
        {
            return Err(ErrorCode::InvalidRequest);
        }
        if self.has_group(&join.group_id) { Ok(()) } else { self.check_room_for_group() }
    }
}

impl Draft<'_> {
    /// Whether the group has room for the member (Kafka: acceptJoiningMember). While members join again, those who wait count,
    /// so that the last ones are turned away when `group.max.size` was lowered.
    fn accepts(&self, member_id: &str) -> bool {
        let max = usize::try_from(self.config.max_size).unwrap_or(0);
        let member = self.group.members.get(member_id);
        match self.group.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                member.is_some_and(|m| m.awaiting_join.is_some()) || self.group.awaiting_join_count() < max
            }
            GroupState::CompletingRebalance | GroupState::Stable => member.is_some() || self.group.members.len() < max,
        }
    }

    fn refuse_for_size(mut self, join: &Join) -> GroupDecision {
        if self.group.members.contains_key(&join.member_id) || self.group.pending_members.contains_key(&join.member_id)
        {
            self.remove_member(&join.member_id);
        }
        self.refuse_join(join.reply_to, Arc::from(""), ErrorCode::GroupMaxSizeReached)
    }

    fn join_new(self, join: Join) -> GroupDecision {
        let prefix = join.instance_id.as_ref().unwrap_or(&join.client_id);
        let new_id: Arc<str> = format!("{prefix}-{}", join.fresh_member_uuid).into();
        match &join.instance_id {
            Some(instance) => match self.group.static_members.get(instance).cloned() {
                Some(current) => self.rejoin_static(&current, new_id, join),
                None => self.add_member(new_id, join),
            },
            None if join.require_known_member_id => self.require_member_id(new_id, &join),
            None => self.add_member(new_id, join),
        }
    }

    /// Gives out a member id to come back with (KIP-394), so that a client that never saw the answer leaves no member behind.
    fn require_member_id(mut self, member_id: Arc<str>, join: &Join) -> GroupDecision {
        let at = self.now.plus_ms(i64::from(join.session_timeout_ms));
        self.change(GroupChange::PendingAdded { member_id: member_id.clone(), deadline: at });
        let group_id = self.group.id.clone();
        self.arm(at, GroupTimer::PendingMember { group_id, member_id: member_id.clone(), at });
        self.refuse_join(join.reply_to, member_id, ErrorCode::MemberIdRequired)
    }

    fn add_member(mut self, member_id: Arc<str>, join: Join) -> GroupDecision {
        if self.group.state == GroupState::PreparingRebalance && self.group.previous_state == GroupState::Empty {
            self.change(GroupChange::NewMemberAdded(true));
        }
        let reason = format!("adding new member {member_id}; client reason: {}", reason_of(&join));
        let member = Member {
            id: member_id.clone(),
            instance_id: join.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            session_timeout_ms: join.session_timeout_ms,
            protocol_type: join.protocol_type,
            protocols: join.protocols,
            assignment: bytes::Bytes::new(),
            awaiting_join: Some(join.reply_to),
            awaiting_sync: None,
            is_new: true,
            deadline: self.now,
            timer_at: None,
        };
        self.change(GroupChange::MemberJoined(Arc::new(member)));
        // A new member cannot send heartbeats while its request is parked. Its client may have given up and come again as
        // another member; so that such remains do not pile up, the request has a time limit of its own.
        self.extend_session(&member_id, NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.rebalance_or_complete_join(&reason);
        self.decision
    }

    fn join_existing(self, join: Join) -> GroupDecision {
        if self.group.pending_members.contains_key(&join.member_id) {
            // Ids are given out to dynamic members only.
            return match &join.instance_id {
                Some(_) => self.refuse_join(join.reply_to, join.member_id, ErrorCode::UnknownServerError),
                None => self.add_member(join.member_id.clone(), join),
            };
        }
        let member = match self.group.validate_member(&join.member_id, join.instance_id.as_deref()) {
            Ok(member) => member.clone(),
            Err(error) => return self.refuse_join(join.reply_to, join.member_id, error),
        };
        let same_protocols = member.protocols == join.protocols;
        match self.group.state {
            GroupState::PreparingRebalance => self.rejoin(&member, join, "joining"),
            GroupState::CompletingRebalance if same_protocols => self.tell_generation(join.reply_to, &member.id, true),
            // A leader joins again to have changes looked at that are not in any metadata, such as new partitions.
            GroupState::Stable if self.group.is_leader(&member.id) => {
                self.rejoin(&member, join, "the leader is joining again")
            }
            GroupState::Stable if same_protocols => self.tell_generation(join.reply_to, &member.id, false),
            GroupState::CompletingRebalance | GroupState::Stable => self.rejoin(&member, join, "updating metadata"),
            GroupState::Empty | GroupState::Dead => {
                self.refuse_join(join.reply_to, join.member_id, ErrorCode::UnknownMemberId)
            }
        }
    }

    /// Nothing new: the member only missed the answer.
    fn tell_generation(mut self, reply_to: ReplyTo, member_id: &Arc<str>, with_members: bool) -> GroupDecision {
        let mut reply = self.joined(member_id);
        if !with_members {
            reply.members.clear();
        }
        self.reply_join(reply_to, reply);
        self.decision
    }

    fn rejoin(mut self, member: &Member, join: Join, why: &str) -> GroupDecision {
        let reason = format!("member {}: {why}; client reason: {}", member.id, reason_of(&join));
        let joined = self.with_join(member, join);
        self.change(GroupChange::MemberJoined(Arc::new(joined)));
        self.rebalance_or_complete_join(&reason);
        self.decision
    }

    /// `member` as its new request says. A request of it that still waits is one that its client has given up; it is sent back
    /// so that it does not wait for ever.
    pub(super) fn with_join(&mut self, member: &Member, join: Join) -> Member {
        if let Some(abandoned) = member.awaiting_join {
            let reply = JoinReply::error(member.id.clone(), ErrorCode::RebalanceInProgress);
            self.reply_join(abandoned, reply);
        }
        Member {
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            session_timeout_ms: join.session_timeout_ms,
            protocols: join.protocols,
            awaiting_join: Some(join.reply_to),
            ..member.clone()
        }
    }
}

pub(super) fn reason_of(join: &Join) -> &str {
    join.reason.as_deref().filter(|reason| !reason.is_empty()).unwrap_or("not provided")
}
