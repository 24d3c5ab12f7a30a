//! What heartbeats of consumer groups and of share groups have in common: the topics there are, and what answers tell.

use std::fmt::Debug;
use std::sync::Arc;

use forebay_storage::ids::TopicId;
use uuid::Uuid;

use super::sim::Sim;
use crate::error_code::ErrorCode;
use crate::group::*;

/// Topics of most tests: name, id, partitions.
pub const FOO: u128 = 1;
pub const BAR: u128 = 2;

/// Partitions by topic, as an answer tells them.
pub type Told = Vec<(u128, Vec<i32>)>;

pub fn id(topic: u128) -> TopicId {
    TopicId(Uuid::from_u128(topic))
}

/// An answer that is welcome: the epoch and the assignment that is told.
pub fn welcome(beat: &impl Debug, reply: ConsumerHeartbeatReply) -> (i32, Option<Told>) {
    assert_eq!((reply.error, &reply.error_message), (ErrorCode::None, &None), "{beat:?}");
    let assignment = reply.assignment.map(|a| a.into_iter().map(|(t, p)| (t.0.as_u128(), p)).collect());
    (reply.member_epoch, assignment)
}

/// An answer that refuses: the error and Kafka's words.
pub fn refused(beat: &impl Debug, reply: ConsumerHeartbeatReply) -> (ErrorCode, String) {
    assert_ne!(reply.error, ErrorCode::None, "{beat:?}");
    assert_eq!((reply.member_epoch, reply.heartbeat_interval_ms, reply.assignment), (0, 0, None));
    (reply.error, reply.error_message.unwrap())
}

impl Sim {
    /// The cluster has these topics from now on: name, id, partitions.
    pub fn know(&mut self, version: i64, topics: &[(&str, u128, i32)]) {
        let info = |(name, topic, partitions): &(&str, u128, i32)| {
            Arc::new(TopicInfo::new((*name).into(), id(*topic), *partitions, &[]))
        };
        let next = self.machine.topics.next(version, topics.iter().map(info));
        self.run(GroupCommand::Topics(Arc::new(next)));
        self.run(GroupCommand::ForgetTopics);
    }
}
