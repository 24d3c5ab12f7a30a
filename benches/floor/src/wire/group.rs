//! The frames of groups: FindCoordinator 3, JoinGroup 6, SyncGroup 4, Heartbeat 4, ConsumerGroupHeartbeat 1.

use super::{Cursor, finish, header, name, unsigned};
use crate::Failure;

const SESSION_TIMEOUT_MS: i32 = 45_000;
const REBALANCE_TIMEOUT_MS: i32 = 300_000;

/// What a member of a consumer group owns of its topic.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    topic: [u8; 16],
    /// Numbers of partitions.
    pub partitions: Vec<i32>,
}

/// An answer to ConsumerGroupHeartbeat.
pub struct Beat {
    /// The error's code.
    pub error: i16,
    /// The member's epoch.
    pub epoch: i32,
    /// When to beat again.
    pub interval_ms: u64,
    /// What the member is to own, if that is new.
    pub assigned: Option<Owned>,
}

/// An answer to JoinGroup.
pub struct Joined {
    /// The error's code.
    pub error: i16,
    /// The generation.
    pub generation: i32,
    /// The leader's id.
    pub leader: String,
    /// The member's id.
    pub member: String,
    /// The ids of all, for the leader.
    pub members: Vec<String>,
}

/// Asks who coordinates a group.
pub fn find_coordinator(group: &str) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 10, 3);
    name(&mut frame, group);
    frame.extend([0, 0]); // a group's, no tagged fields
    finish(frame)
}

/// Joins with the protocol `range`, subscribed to one topic.
pub fn join(group: &str, member: &str, topic: &str) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 11, 6);
    name(&mut frame, group);
    frame.extend(SESSION_TIMEOUT_MS.to_be_bytes());
    frame.extend(REBALANCE_TIMEOUT_MS.to_be_bytes());
    name(&mut frame, member);
    frame.push(0); // no instance
    name(&mut frame, "consumer");
    frame.push(2); // one protocol
    name(&mut frame, "range");
    // ConsumerProtocolSubscription 0: one topic, no user data.
    let mut subscription = vec![0, 0, 0, 0, 0, 1];
    text(&mut subscription, topic);
    subscription.extend((-1i32).to_be_bytes());
    bytes(&mut frame, &subscription);
    frame.extend([0, 0]); // no tagged fields of the protocol and the request
    finish(frame)
}

/// Asks for one's part; the leader hands in those of all.
pub fn sync(
    group: &str,
    generation: i32,
    member: &str,
    topic: &str,
    parts: &[(String, Vec<i32>)],
) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 14, 4);
    name(&mut frame, group);
    frame.extend(generation.to_be_bytes());
    name(&mut frame, member);
    frame.push(0); // no instance
    unsigned(&mut frame, parts.len() + 1);
    for (member, partitions) in parts {
        name(&mut frame, member);
        // ConsumerProtocolAssignment 0: one topic, no user data.
        let mut assignment = vec![0, 0, 0, 0, 0, 1];
        text(&mut assignment, topic);
        assignment.extend(i32::try_from(partitions.len())?.to_be_bytes());
        partitions.iter().for_each(|partition| assignment.extend(partition.to_be_bytes()));
        assignment.extend((-1i32).to_be_bytes());
        bytes(&mut frame, &assignment);
        frame.push(0);
    }
    frame.push(0);
    finish(frame)
}

/// Beats in a classic group.
pub fn heartbeat(group: &str, generation: i32, member: &str) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 12, 4);
    name(&mut frame, group);
    frame.extend(generation.to_be_bytes());
    name(&mut frame, member);
    frame.extend([0, 0]); // no instance, no tagged fields
    finish(frame)
}

/// Beats in a consumer group. `joins` is the topic, when joining.
pub fn consumer_heartbeat(
    group: &str,
    member: &str,
    epoch: i32,
    joins: Option<&str>,
    owned: &Owned,
) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 68, 1);
    name(&mut frame, group);
    name(&mut frame, member);
    frame.extend(epoch.to_be_bytes());
    frame.extend([0, 0]); // no instance, no rack
    frame.extend(REBALANCE_TIMEOUT_MS.to_be_bytes());
    match joins {
        Some(topic) => {
            frame.push(2);
            name(&mut frame, topic);
        }
        None => frame.push(0),
    }
    frame.extend([0, 0]); // no expression, no assignor
    if owned.partitions.is_empty() {
        frame.push(1);
    } else {
        frame.push(2);
        frame.extend(owned.topic);
        unsigned(&mut frame, owned.partitions.len() + 1);
        owned.partitions.iter().for_each(|partition| frame.extend(partition.to_be_bytes()));
        frame.push(0);
    }
    frame.push(0);
    finish(frame)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    unsigned(out, bytes.len() + 1);
    out.extend(bytes);
}

/// An answer behind its correlation id, tagged fields and throttle time.
pub struct Answer<'a>(Cursor<'a>);

impl<'a> Answer<'a> {
    /// Of a frame without its length.
    pub fn new(frame: &'a [u8]) -> Result<Answer<'a>, Failure> {
        let mut cursor = Cursor(frame);
        cursor.skip(4 + 1 + 4)?;
        Ok(Answer(cursor))
    }

    /// The code of the error that comes first.
    pub fn error(mut self) -> Result<i16, Failure> {
        self.0.i16()
    }

    /// An answer to [`join`].
    pub fn joined(mut self) -> Result<Joined, Failure> {
        let (error, generation) = (self.0.i16()?, self.0.i32()?);
        self.0.text()?; // the protocol
        let (leader, member) = (self.0.text()?, self.0.text()?);
        let count = self.0.unsigned()?.saturating_sub(1);
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            members.push(self.0.text()?);
            self.0.text()?; // the instance
            self.0.text()?; // what it is subscribed to
            self.0.skip(1)?;
        }
        Ok(Joined { error, generation, leader, member, members })
    }

    /// The error and the number of partitions in an answer to [`sync`].
    pub fn synced(mut self) -> Result<(i16, usize), Failure> {
        let error = self.0.i16()?;
        let length = self.0.unsigned()?.saturating_sub(1);
        let mut assignment = Cursor(self.0.skip(length)?);
        if length < 6 || assignment.skip(2)?.is_empty() || assignment.i32()? == 0 {
            return Ok((error, 0));
        }
        let name = assignment.i16()? as usize;
        assignment.skip(name)?;
        Ok((error, usize::try_from(assignment.i32()?)?))
    }

    /// An answer to [`consumer_heartbeat`].
    pub fn beat(mut self) -> Result<Beat, Failure> {
        let error = self.0.i16()?;
        self.0.text()?; // the message
        self.0.text()?; // the member
        let (epoch, interval_ms) = (self.0.i32()?, u64::try_from(self.0.i32()?)?);
        let assigned = if self.0.skip(1)?[0] == 1 { Some(self.owned()?) } else { None };
        Ok(Beat { error, epoch, interval_ms, assigned })
    }

    fn owned(&mut self) -> Result<Owned, Failure> {
        let mut owned = Owned::default();
        for _ in 1..self.0.unsigned()? {
            owned.topic = self.0.skip(16)?.try_into()?;
            for _ in 1..self.0.unsigned()? {
                owned.partitions.push(self.0.i32()?);
            }
            self.0.skip(1)?;
        }
        Ok(owned)
    }
}
