//! ShareGroupHeartbeat: joining, staying and leaving in one request (Kafka: GroupMetadataManager.shareGroupHeartbeat,
//! GroupCoordinatorService.throwIfShareGroupHeartbeatRequestIsInvalid).

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::draft::ShareDraft;
use super::member::{LEAVING_EPOCH, ShareMember};
use super::records::{ShareGroupRecord, ShareMemberValue};
use super::share_group::ShareGroupChange;
use crate::error_code::ErrorCode;
use crate::group::records::MAX_STRING_BYTES;
use crate::group::{ConsumerHeartbeatReply, GroupDecision, GroupMachine, GroupReply, Refusal, answer, not_blank};
use crate::machine::ReplyTo;

/// Longest id that a member may give itself, in UTF-16 units (Kafka: KafkaApis.isMemberIdValid).
const MAX_MEMBER_ID_UNITS: usize = 36;

/// A ShareGroupHeartbeat.
#[derive(Clone, Debug)]
pub struct ShareHeartbeat {
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The group.
    pub group_id: Arc<str>,
    /// The id that the member gave itself.
    pub member_id: Arc<str>,
    /// The member's epoch: 0 joins, -1 leaves.
    pub member_epoch: i32,
    /// `client.rack`; `None` for null: none, or not changed.
    pub rack_id: Option<Arc<str>>,
    /// The topics that the member reads; `None` for null: not changed.
    pub topics: Option<Vec<Arc<str>>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address as Kafka prints it, `/127.0.0.1`.
    pub client_host: Arc<str>,
}

impl GroupMachine {
    pub(crate) fn share_heartbeat(&self, now: Timestamp, heartbeat: &ShareHeartbeat) -> GroupDecision {
        let refuse = |reply| answer(heartbeat.reply_to, GroupReply::ShareHeartbeat(reply));
        if heartbeat.member_id.is_empty() || heartbeat.member_id.encode_utf16().count() > MAX_MEMBER_ID_UNITS {
            let refusal = Refusal::invalid("Invalid member id in the request.");
            // Kafka: ShareGroupHeartbeatRequest.getErrorResponse drops the message.
            return refuse(ConsumerHeartbeatReply { error_message: None, ..ConsumerHeartbeatReply::refusal(refusal) });
        }
        self.try_share_heartbeat(now, heartbeat)
            .unwrap_or_else(|refusal| refuse(ConsumerHeartbeatReply::refusal(refusal)))
    }

    fn try_share_heartbeat(&self, now: Timestamp, heartbeat: &ShareHeartbeat) -> Result<GroupDecision, Refusal> {
        check(heartbeat)?;
        if heartbeat.member_epoch == LEAVING_EPOCH {
            return self.leave_share_group(now, heartbeat);
        }
        self.draft_share_group(now, &heartbeat.group_id, heartbeat.member_epoch == 0)?.heartbeat(heartbeat)
    }

    pub(super) fn share_session_timeout_ms(&self, group_id: &str) -> i32 {
        self.overrides_of(group_id).share.session_timeout_ms.unwrap_or(self.config.share.session_timeout_ms)
    }

    fn share_heartbeat_interval_ms(&self, group_id: &str) -> i32 {
        self.overrides_of(group_id).share.heartbeat_interval_ms.unwrap_or(self.config.share.heartbeat_interval_ms)
    }
}

fn check(heartbeat: &ShareHeartbeat) -> Result<(), Refusal> {
    not_blank(Some(&heartbeat.member_id), "MemberId can't be empty.")?;
    not_blank(Some(&heartbeat.group_id), "GroupId can't be empty.")?;
    not_blank(heartbeat.rack_id.as_deref(), "RackId can't be empty.")?;
    match heartbeat.member_epoch {
        0 if heartbeat.topics.as_ref().is_none_or(Vec::is_empty) => {
            return Err(Refusal::invalid("SubscribedTopicNames must be set in first request."));
        }
        epoch if epoch < LEAVING_EPOCH => return Err(Refusal::invalid("MemberEpoch is invalid.")),
        _ => {}
    }
    // Kafka fails when it writes longer ones; the keys of records hold lengths of 15 bits.
    match heartbeat.group_id.len() > MAX_STRING_BYTES {
        true => Err(Refusal::invalid(format!("GroupId exceeds {MAX_STRING_BYTES} bytes."))),
        false => Ok(()),
    }
}

impl ShareMember {
    /// Fences a member that lives in another epoch. The one before is let in: the answer with the new epoch may have been lost.
    fn check_epoch(&self, epoch: i32) -> Result<(), Refusal> {
        let fenced = |how: &str, and: String| {
            let message = format!(
                "The share group member has a {how} member epoch ({epoch}) than the one known by the group coordinator \
                 ({}){and}. The member must abandon all its partitions and rejoin.",
                self.epoch
            );
            Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
        };
        match epoch {
            0 => Ok(()),
            _ if epoch > self.epoch => fenced("greater", String::new()),
            _ if epoch < self.epoch && epoch != self.previous_epoch => {
                let previous = self.previous_epoch;
                fenced("smaller", format!(", and it does not match the previous member epoch ({previous})"))
            }
            _ => Ok(()),
        }
    }

    /// What the member is once it has said this.
    fn updated(&self, heartbeat: &ShareHeartbeat) -> ShareMemberValue {
        let ShareMemberValue { rack_id, topics, .. } = &self.data;
        ShareMemberValue {
            rack_id: heartbeat.rack_id.clone().or_else(|| rack_id.clone()),
            client_id: heartbeat.client_id.clone(),
            client_host: heartbeat.client_host.clone(),
            topics: heartbeat.topics.as_ref().map_or_else(|| topics.clone(), |t| t.iter().cloned().collect()),
        }
    }
}

impl ShareDraft<'_> {
    fn heartbeat(mut self, heartbeat: &ShareHeartbeat) -> Result<GroupDecision, Refusal> {
        let joins = heartbeat.member_epoch == 0;
        self.check_room(&heartbeat.member_id)?;
        let before = self.find_or_subscribe(heartbeat)?;
        let id = before.id.clone();
        let topics_changed = self.update_member(&before, heartbeat);
        // Nobody waits for a target, and partitions have got a state since the last one.
        let pending = self.group.target_epoch >= self.group.epoch && self.has_unassigned_partitions();
        let bumped = self.update_epoch(topics_changed || pending);
        self.update_target();
        let member = self.reconcile(&id, bumped)?;
        self.extend_session(&id);
        let tell = joins || heartbeat.topics.is_some() || before.assigned != member.assigned;
        let reply = ConsumerHeartbeatReply {
            error: ErrorCode::None,
            error_message: None,
            member_id: Some(id),
            member_epoch: member.epoch,
            heartbeat_interval_ms: self.machine.share_heartbeat_interval_ms(&self.group.id),
            assignment: tell.then(|| {
                member.assigned.iter().map(|(topic, of_topic)| (*topic, of_topic.iter().copied().collect())).collect()
            }),
        };
        self.decision.replies.push((heartbeat.reply_to, GroupReply::ShareHeartbeat(reply)));
        self.initialize_partitions();
        Ok(self.decision)
    }

    fn check_room(&self, member_id: &str) -> Result<(), Refusal> {
        let max = self.machine.config.share.max_size;
        if self.group.members.len() < usize::try_from(max).unwrap_or(0) || self.group.members.contains_key(member_id) {
            return Ok(());
        }
        let message = format!("The share group has reached its maximum capacity of {max} members.");
        Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message))
    }

    /// The member as it was before the heartbeat; a new one is not part of the group yet.
    fn find_or_subscribe(&mut self, heartbeat: &ShareHeartbeat) -> Result<Arc<ShareMember>, Refusal> {
        let joins = heartbeat.member_epoch == 0;
        let member = match self.member(&heartbeat.member_id) {
            Err(_) if joins => Arc::new(ShareMember::new(heartbeat.member_id.clone())),
            member => member?,
        };
        member.check_epoch(heartbeat.member_epoch)?;
        if joins {
            self.log(format!("Member {} joins the share group using the share protocol.", member.id));
        }
        Ok(member)
    }

    /// Makes the member what it says it is; tells whether it reads other topics than before.
    fn update_member(&mut self, before: &ShareMember, heartbeat: &ShareHeartbeat) -> bool {
        let data = before.updated(heartbeat);
        if before.data == data && self.group.members.contains_key(&before.id) {
            return false;
        }
        let changed = before.data.topics != data.topics;
        self.record(ShareGroupRecord::Member(before.id.clone(), Some(data)));
        changed
    }

    /// Begins a new epoch if one is due or what the group reads has changed in the cluster; tells whether it did.
    fn update_epoch(&mut self, due: bool) -> bool {
        let version = self.image().version();
        if !due && self.group.topics_seen == Some(version) {
            return false;
        }
        let hash = self.metadata_hash();
        let bump = due || hash != self.group.metadata_hash;
        if bump {
            self.bump_epoch(hash);
        }
        self.change(ShareGroupChange::TopicsSeen(version));
        bump
    }
}
