//! A member of a consumer group (KIP-848): beats, and takes what it is told.

use std::time::Duration;

use super::Member;
use crate::Failure;
use crate::wire::group::{Owned, consumer_heartbeat};

/// Until all have their part.
pub fn play(mut member: Member<'_>) -> Result<(), Failure> {
    // As long as a UUID is, and different for each.
    let id = format!("{:0>22}", member.number);
    let (mut epoch, mut owned) = (0, Owned::default());
    while !member.progress.is_over() {
        let topic = member.options.topic.clone();
        let frame = consumer_heartbeat(member.group, &id, epoch, (epoch == 0).then_some(&*topic), &owned)?;
        let beat = member.ask(&frame)?.beat()?;
        if beat.error != 0 {
            return Err(format!("ConsumerGroupHeartbeat: error {}", beat.error).into());
        }
        epoch = beat.epoch;
        if let Some(assigned) = beat.assigned {
            owned = assigned;
            member.progress.has(member.number, 0, owned.partitions.len());
            // A client tells at once that it has taken or given up partitions.
            continue;
        }
        member.progress.rest(Duration::from_millis(beat.interval_ms));
    }
    Ok(())
}
