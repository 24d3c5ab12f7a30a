//! Versions of the share APIs that the codec does not know: bytes put in and taken out by hand.

use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::write_share_group_state_request::{PartitionData as WritePartition, WriteStateData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use uuid::Uuid;

use super::Scenario;
use super::share_fetch::{acknowledging, fetching, filled};
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[("share_newer_versions::newer_versions", newer_versions)];

/// A request's body in the last version that the codec knows, with `bytes` put in at `at`.
fn spliced<R: Request>(request: &R, version: i16, at: usize, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = bytes::BytesMut::new();
    request.encode(&mut body, version).map_err(|e| e.to_string())?;
    let mut body = body.to_vec();
    body.splice(at..at, bytes.iter().copied());
    Ok(body)
}

/// ShareFetch 2: `ShareAcquireMode` and `IsRenewAck` behind the batch size.
fn fetch_2(side: &mut Side, request: &ShareFetchRequest, mode: i8, is_renew_ack: bool) -> Result<(), String> {
    let texts =
        request.group_id.as_ref().map_or(0, |id| id.len()) + request.member_id.as_ref().map_or(0, |id| id.len());
    let body = spliced(request, 1, texts + 2 + 6 * 4, &[mode as u8, u8::from(is_renew_ack)])?;
    side.ask_beyond::<ShareFetchRequest>(2, 1, &body, |_| {}).map(drop)
}

/// ShareAcknowledge 2: `IsRenewAck` behind the epoch, and in the answer how long locks hold behind the message.
fn acknowledge_2(side: &mut Side, request: &ShareAcknowledgeRequest, is_renew_ack: bool) -> Result<(), String> {
    let texts =
        request.group_id.as_ref().map_or(0, |id| id.len()) + request.member_id.as_ref().map_or(0, |id| id.len());
    let body = spliced(request, 1, texts + 2 + 4, &[u8::from(is_renew_ack)])?;
    let mut lock_ms = Vec::new();
    side.ask_beyond::<ShareAcknowledgeRequest>(2, 1, &body, |frame| {
        // Correlation id, tags, throttle time, error; no message.
        let at = 4 + 1 + 4 + 2 + 1;
        lock_ms = frame.drain(at..at + 4).collect();
    })?;
    side.write_down("how long locks hold", &format!("{lock_ms:?}"));
    Ok(())
}

fn newer_versions(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    let m = |epoch, acks| fetching(&g, "m", epoch, made.id, acks);
    side.about("no session");
    fetch_2(side, &m(1, &[]), 0, false)?;
    acknowledge_2(side, &acknowledging(&g, "m", 1, made.id, &[(0, 0, &[1])]), false)?;
    side.about("no more than one record");
    fetch_2(side, &m(0, &[]).with_max_records(1), 1, false)?;
    side.about("no more than two, over two batches");
    fetch_2(side, &m(1, &[]).with_max_records(2), 1, false)?;
    side.about("a mode that nobody knows");
    fetch_2(side, &m(2, &[]), 9, false)?;
    side.about("renewed in a request that is not for that");
    acknowledge_2(side, &acknowledging(&g, "m", 3, made.id, &[(0, 0, &[4])]), false)?;
    side.about("renewed");
    acknowledge_2(side, &acknowledging(&g, "m", 4, made.id, &[(0, 0, &[4])]), true)?;
    side.about("renewed beside a fetch");
    fetch_2(side, &m(5, &[(0, 0, &[4])]), 0, true)?;
    let nothing = |epoch, acks| {
        let request = fetching(&g, "m", epoch, made.id, acks);
        request.with_max_wait_ms(0).with_min_bytes(0).with_max_bytes(0).with_max_records(0)
    };
    side.about("renewed and accepted by the way");
    fetch_2(side, &nothing(5, &[(0, 1, &[4, 1])]), 0, true)?;
    side.about("renewed what is done");
    acknowledge_2(side, &acknowledging(&g, "m", 6, made.id, &[(1, 1, &[4])]), true)?;
    side.about("the rest, whole batches");
    fetch_2(side, &m(7, &[]).with_max_records(1), 0, false)?;
    side.about("accepted");
    acknowledge_2(side, &acknowledging(&g, "m", 8, made.id, &[(0, 0, &[1]), (2, 2, &[1])]), false)?;
    counted(side, &g, made.id)
}

/// WriteShareGroupState 1 and ReadShareGroupStateSummary 1: how many records are done with.
fn counted(side: &mut Side, group: &str, id: Uuid) -> Result<(), String> {
    let write = |epochs: (i32, i32)| {
        let partition =
            WritePartition::default().with_state_epoch(epochs.0).with_leader_epoch(epochs.1).with_start_offset(2);
        let topic = WriteStateData::default().with_topic_id(id).with_partitions(vec![partition]);
        WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
    };
    // Group, topics, topic id, partitions, partition, two epochs, start offset; then the count.
    let at = 1 + group.len() + 1 + 16 + 1 + 4 + 4 + 4 + 8;
    let body = spliced(&write((0, -1)), 0, at, &3_i32.to_be_bytes())?;
    side.ask_beyond::<WriteShareGroupStateRequest>(1, 0, &body, |_| {})?;
    for (what, id) in [("there", id), ("nowhere", Uuid::from_u128(7))] {
        side.about(what);
        let topic =
            ReadStateSummaryData::default().with_topic_id(id).with_partitions(vec![SummaryPartition::default()]);
        let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
        let body = spliced(&request, 0, 0, &[])?;
        let mut count = Vec::new();
        side.ask_beyond::<ReadShareGroupStateSummaryRequest>(1, 0, &body, |frame| {
            // The last field but for the tags of partition, topic and answer.
            let at = frame.len() - 3 - 4;
            count = frame.drain(at..at + 4).collect();
        })?;
        side.write_down("records done with", &format!("{count:?}"));
    }
    side.about("nowhere");
    let mut nowhere = write((0, -1));
    nowhere.topics[0].topic_id = Uuid::from_u128(7);
    let body = spliced(&nowhere, 0, at, &3_i32.to_be_bytes())?;
    side.ask_beyond::<WriteShareGroupStateRequest>(1, 0, &body, |_| {})?;
    Ok(())
}
