//! The times of a consumer group's members: sessions, giving up partitions, and joining and syncing of classic members
//! (Kafka: scheduleConsumerGroupSessionTimeout and its neighbours). None is cancelled: one that fires counts only if its time is still
//! the one that is awaited.

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::change::ConsumerChange;
use super::draft::ConsumerDraft;
use super::group::ConsumerGroup;
use super::member::{ConsumerMember, MemberState};
use crate::group::draft::GroupDecision;
use crate::group::machine::GroupMachine;

/// What a member's time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerTimer {
    /// A sign of life.
    Session,
    /// Giving up partitions in this epoch.
    Revocation {
        /// The member's epoch when it was asked to.
        epoch: i32,
    },
    /// A classic member that joins again.
    Join,
    /// A classic member that sends SyncGroup.
    Sync,
}

impl GroupMachine {
    /// A member's timer has fired.
    pub(in crate::group) fn consumer_timer(
        &self,
        now: Timestamp,
        group_id: &str,
        member_id: &Arc<str>,
        at: Timestamp,
        timer: ConsumerTimer,
    ) -> GroupDecision {
        let Some((group, member)) =
            self.consumer_groups.get(group_id).and_then(|g| Some((g, g.members.get(member_id)?)))
        else {
            return GroupDecision::default();
        };
        match timed_out(group, member, now, at, timer) {
            TimedOut::No => GroupDecision::default(),
            TimedOut::NotBefore(deadline) => {
                let mut draft = ConsumerDraft::of(self, now, group.clone());
                draft.change(ConsumerChange::MemberSeen(member_id.clone(), deadline, deadline));
                draft.arm(member_id, deadline, ConsumerTimer::Session);
                draft.decision
            }
            TimedOut::Yes(why) => {
                let mut draft = ConsumerDraft::of(self, now, group.clone());
                draft.log(format!("Member {member_id} fenced from the group because {why}."));
                // Should a group not be able to change its protocol, its member is fenced without that.
                draft.fence(&[member_id.clone()].into());
                draft.decision
            }
        }
    }

    /// Sessions start anew after a restart, and so does the time for giving up partitions (Kafka: onLoaded).
    pub(in crate::group) fn on_consumer_groups_loaded(&self, now: Timestamp, loaded: &mut GroupDecision) {
        for group in self.consumer_groups.values() {
            let mut draft = ConsumerDraft::of(self, now, group.clone());
            for (id, member) in &group.members {
                draft.extend_session_by_group(id);
                if member.state == MemberState::UnrevokedPartitions {
                    draft.await_revocation(member);
                }
            }
            loaded.events.append(&mut draft.decision.events);
            loaded.timers.append(&mut draft.decision.timers);
        }
    }
}

enum TimedOut {
    No,
    NotBefore(Timestamp),
    Yes(String),
}

fn timed_out(
    group: &ConsumerGroup,
    member: &ConsumerMember,
    now: Timestamp,
    at: Timestamp,
    timer: ConsumerTimer,
) -> TimedOut {
    let deadlines = group.deadlines.get(&member.id).copied().unwrap_or_default();
    let timeout_ms = member.data.rebalance_timeout_ms;
    match timer {
        ConsumerTimer::Session if deadlines.session_timer == Some(at) => match deadlines.session {
            Some(deadline) if now < deadline => TimedOut::NotBefore(deadline),
            _ => TimedOut::Yes("the member session expired".into()),
        },
        ConsumerTimer::Revocation { epoch } if deadlines.revocation == Some(at) && member.epoch == epoch => {
            TimedOut::Yes(format!("it failed to transition from epoch {epoch} within {timeout_ms}ms"))
        }
        ConsumerTimer::Join if deadlines.join == Some(at) => {
            TimedOut::Yes("the classic member failed to join within the rebalance timeout".into())
        }
        ConsumerTimer::Sync if deadlines.sync == Some(at) => {
            TimedOut::Yes("the member failed to sync within timeout".into())
        }
        _ => TimedOut::No,
    }
}
