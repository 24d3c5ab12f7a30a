//! ListOffsets, OffsetForLeaderEpoch, DeleteRecords: where a log begins and ends, and what lies where.

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::*;

use super::Scenario;
use crate::records;
use crate::side::{Side, Topic, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("list_offsets::every_version", every_version),
    ("list_offsets::epochs", epochs),
    ("list_offsets::requests_of_other_replicas", replicas),
    ("list_offsets::offset_for_leader_epoch", offset_for_leader_epoch),
    ("list_offsets::delete_records", delete_records),
];

/// When the scenario's records are from: long ago, but not too long for a log to keep.
fn filled(side: &mut Side) -> Result<(Topic, i64), String> {
    let made = side.topic("log", 2, &[("retention.ms", "-1")])?;
    let base = 1_700_000_000_000;
    super::produce::append(side, &made.name, 0, records::batch_at(&[(base, "a"), (base + 20, "b"), (base + 10, "c")]))?;
    super::produce::append(side, &made.name, 0, records::batch_at(&[(base + 30, "d"), (base + 30, "e")]))?;
    Ok((made, base))
}

fn every_version(side: &mut Side) -> Result<(), String> {
    let (made, base) = filled(side)?;
    for version in 1..=10 {
        for isolation in if version >= 2 { vec![0, 1, 9] } else { vec![0] } {
            for at in [-1, -2, -3, -4, -5, -6, -7, i64::MIN, 0, base + 1, base + 20, base + 21, base + 30, base + 31] {
                side.about(format!("isolation {isolation}, time {at}"));
                let part = |index: i32| {
                    ListOffsetsPartition::default()
                        .with_partition_index(index)
                        .with_timestamp(at)
                        .with_current_leader_epoch(-1)
                };
                let of = |name: &str, list: Vec<ListOffsetsPartition>| {
                    ListOffsetsTopic::default().with_name(topic(name)).with_partitions(list)
                };
                let request = ListOffsetsRequest::default()
                    .with_replica_id(BrokerId(-1))
                    .with_isolation_level(isolation)
                    .with_topics(vec![of(&made.name, vec![part(0), part(1), part(7)]), of("nowhere", vec![part(0)])]);
                let request = if version >= 10 { request.with_timeout_ms(5000) } else { request };
                side.ask_or_closed_sorted(version, &request, |a| {
                    a.topics.sort_by(|a, b| a.name.cmp(&b.name));
                    a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
                })?;
            }
        }
    }
    side.about("one partition twice");
    let part = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
    let of = ListOffsetsTopic::default().with_name(topic(&made.name)).with_partitions(vec![part.clone(), part]);
    side.ask(9, &ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![of]))?;
    Ok(())
}

fn epochs(side: &mut Side) -> Result<(), String> {
    let (made, base) = filled(side)?;
    for version in 4..=10 {
        for epoch in [-1, 0, 1, 5] {
            for at in [-1, base] {
                side.about(format!("leader epoch {epoch}, time {at}"));
                let part = ListOffsetsPartition::default().with_timestamp(at).with_current_leader_epoch(epoch);
                let of = ListOffsetsTopic::default().with_name(topic(&made.name)).with_partitions(vec![part]);
                side.ask(version, &ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![of]))?;
            }
        }
    }
    Ok(())
}

fn replicas(side: &mut Side) -> Result<(), String> {
    let (made, _) = filled(side)?;
    for replica in [-2, -3, 1, 2] {
        side.about(format!("of replica {replica}"));
        let part = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
        let of = ListOffsetsTopic::default().with_name(topic(&made.name)).with_partitions(vec![part]);
        side.ask(9, &ListOffsetsRequest::default().with_replica_id(BrokerId(replica)).with_topics(vec![of]))?;
    }
    Ok(())
}

fn offset_for_leader_epoch(side: &mut Side) -> Result<(), String> {
    let (made, _) = filled(side)?;
    for version in 2..=4 {
        for current in [-1, 0, 3] {
            for epoch in [-1, 0, 1, 9] {
                side.about(format!("epoch {epoch}, current {current}"));
                let part = |index: i32| {
                    OffsetForLeaderPartition::default()
                        .with_partition(index)
                        .with_leader_epoch(epoch)
                        .with_current_leader_epoch(current)
                };
                let of = |name: &str, list: Vec<OffsetForLeaderPartition>| {
                    OffsetForLeaderTopic::default().with_topic(topic(name)).with_partitions(list)
                };
                let request = OffsetForLeaderEpochRequest::default()
                    .with_topics(vec![of(&made.name, vec![part(0), part(1), part(9)]), of("nowhere", vec![part(0)])]);
                let request = if version >= 3 { request.with_replica_id(BrokerId(-1)) } else { request };
                side.ask_sorted(version, &request, |a| a.topics.sort_by(|a, b| a.topic.cmp(&b.topic)))?;
            }
        }
    }
    Ok(())
}

fn delete_records(side: &mut Side) -> Result<(), String> {
    let compacted = side.topic("compacted", 1, &[("cleanup.policy", "compact")])?;
    let (made, _) = filled(side)?;
    for version in 0..=2 {
        for offset in [0, 1 + i64::from(version), -2, 99, -1] {
            if offset == -1 && version < 2 {
                continue;
            }
            side.about(format!("before {offset}"));
            let part = |index: i32| DeleteRecordsPartition::default().with_partition_index(index).with_offset(offset);
            let of = |name: &str, list: Vec<DeleteRecordsPartition>| {
                DeleteRecordsTopic::default().with_name(topic(name)).with_partitions(list)
            };
            let request = DeleteRecordsRequest::default().with_timeout_ms(5000).with_topics(vec![
                of(&made.name, vec![part(0), part(7)]),
                of("nowhere", vec![part(0)]),
                of(&compacted.name, vec![part(0)]),
            ]);
            side.ask_sorted(version, &request, |a| {
                a.topics.sort_by(|a, b| a.name.cmp(&b.name));
                a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
            })?;
        }
    }
    for at in [-2, -1, 0] {
        side.about(format!("after that, time {at}"));
        let part = ListOffsetsPartition::default().with_timestamp(at).with_current_leader_epoch(-1);
        let of = ListOffsetsTopic::default().with_name(topic(&made.name)).with_partitions(vec![part]);
        side.ask(9, &ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![of]))?;
    }
    side.coordinator(0, "any")?;
    side.await_leaders("__consumer_offsets", 4)?;
    side.about("the broker's own topic");
    let part = DeleteRecordsPartition::default().with_offset(0);
    let of = DeleteRecordsTopic::default().with_name(topic("__consumer_offsets")).with_partitions(vec![part]);
    side.ask(2, &DeleteRecordsRequest::default().with_timeout_ms(5000).with_topics(vec![of]))?;
    Ok(())
}
