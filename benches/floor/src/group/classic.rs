//! A member of a classic group: joins, gets its part from the leader, beats.

use std::time::Duration;

use super::Member;
use crate::Failure;
use crate::wire::group::{Joined, heartbeat, join, sync};

/// `heartbeat.interval.ms` of clients.
const INTERVAL: Duration = Duration::from_secs(3);
const MEMBER_ID_REQUIRED: i16 = 79;
/// A rebalance is under way, or the generation has passed.
const AGAIN: [i16; 2] = [27, 22];

/// Until all have their part.
pub fn play(mut member: Member<'_>) -> Result<(), Failure> {
    let mut id = String::new();
    while !member.progress.is_over() {
        let joined = rejoin(&mut member, &mut id)?;
        let topic = &member.options.topic;
        let parts = if joined.leader == id { parts(&joined.members, member.options.partitions) } else { Vec::new() };
        let frame = sync(member.group, joined.generation, &id, topic, &parts)?;
        let (error, partitions) = member.ask(&frame)?.synced()?;
        match error {
            0 => member.progress.has(member.number, joined.generation, partitions),
            again if AGAIN.contains(&again) => continue,
            other => return Err(format!("SyncGroup: error {other}").into()),
        }
        loop {
            member.progress.rest(INTERVAL);
            if member.progress.is_over() {
                return Ok(());
            }
            let beat = heartbeat(member.group, joined.generation, &id)?;
            match member.ask(&beat)?.error()? {
                0 => {}
                again if AGAIN.contains(&again) => break,
                other => return Err(format!("Heartbeat: error {other}").into()),
            }
        }
    }
    Ok(())
}

fn rejoin(member: &mut Member<'_>, id: &mut String) -> Result<Joined, Failure> {
    loop {
        let frame = join(member.group, id, &member.options.topic)?;
        let joined = member.ask(&frame)?.joined()?;
        match joined.error {
            0 => return Ok(joined),
            MEMBER_ID_REQUIRED => *id = joined.member,
            other => return Err(format!("JoinGroup: error {other}").into()),
        }
    }
}

/// The partitions dealt out in turn.
fn parts(members: &[String], partitions: usize) -> Vec<(String, Vec<i32>)> {
    let of = |at: usize| (at..partitions).step_by(members.len()).map(|partition| partition as i32).collect();
    members.iter().enumerate().map(|(at, member)| (member.clone(), of(at))).collect()
}
