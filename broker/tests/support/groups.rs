//! Members of classic groups, as clients play them.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponsePartitions;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;

use super::client::Client;
use super::{group, text, topic};

/// A member's request to join with one protocol, as `version` has it.
pub fn join_request(version: i16, group_id: &str, member_id: &str, instance: Option<&str>) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0]));
    let request = JoinGroupRequest::default()
        .with_group_id(group(group_id))
        .with_session_timeout_ms(30_000)
        .with_member_id(text(member_id))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let request = if version >= 1 { request.with_rebalance_timeout_ms(30_000) } else { request };
    if version >= 5 { request.with_group_instance_id(instance.map(text)) } else { request }
}

/// A member's request for its assignment; with assignments the leader's.
pub fn sync_request(
    version: i16,
    group_id: &str,
    generation: i32,
    member_id: &str,
    assignments: &[(&str, &'static [u8])],
) -> SyncGroupRequest {
    let assignment = |(member, bytes): &(&str, &'static [u8])| {
        SyncGroupRequestAssignment::default().with_member_id(text(member)).with_assignment(Bytes::from_static(bytes))
    };
    let request = SyncGroupRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id(generation)
        .with_member_id(text(member_id))
        .with_assignments(assignments.iter().map(assignment).collect());
    if version >= 5 {
        request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("range")))
    } else {
        request
    }
}

/// A member of a stable group of one: its id and generation.
pub fn lone_member(client: &mut Client, group_id: &str) -> (String, i32) {
    let asked = client.call(9, &join_request(9, group_id, "", None));
    assert_eq!(asked.error_code, 79, "MEMBER_ID_REQUIRED");
    let member = asked.member_id.to_string();
    let joined = client.call(9, &join_request(9, group_id, &member, None));
    assert_eq!(joined.error_code, 0);
    let synced = client.call(5, &sync_request(5, group_id, joined.generation_id, &member, &[(&member, b"mine")]));
    assert_eq!(synced.error_code, 0);
    (member, joined.generation_id)
}

/// A commit of one offset. A member says which generation it belongs to; (-1, "") stands for nobody.
pub fn commit_request(
    version: i16,
    group_id: &str,
    (generation, member_id): (i32, &str),
    (topic_name, partition, offset): (&str, i32, i64),
) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("note")));
    let partition = if version >= 6 { partition.with_committed_leader_epoch(0) } else { partition };
    let named = OffsetCommitRequestTopic::default().with_name(topic(topic_name)).with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(text(member_id))
        .with_topics(vec![named])
}

/// Commits one offset in the newest version and returns the partition's error.
pub fn commit(client: &mut Client, group_id: &str, member: (i32, &str), what: (&str, i32, i64)) -> i16 {
    client.call(9, &commit_request(9, group_id, member, what)).topics[0].partitions[0].error_code
}

/// A request for the committed offset of one partition, in the newest version.
pub fn fetch_offset_request(
    group_id: &str,
    (topic_name, partition): (&str, i32),
    require_stable: bool,
) -> OffsetFetchRequest {
    let topics =
        OffsetFetchRequestTopics::default().with_name(topic(topic_name)).with_partition_indexes(vec![partition]);
    let wanted = OffsetFetchRequestGroup::default().with_group_id(group(group_id)).with_topics(Some(vec![topics]));
    OffsetFetchRequest::default().with_groups(vec![wanted]).with_require_stable(require_stable)
}

/// The committed offset of one partition.
pub fn fetch_offset(
    client: &mut Client,
    group_id: &str,
    of: (&str, i32),
    require_stable: bool,
) -> OffsetFetchResponsePartitions {
    let mut response = client.call(9, &fetch_offset_request(group_id, of, require_stable));
    assert_eq!(response.groups[0].error_code, 0);
    response.groups[0].topics.remove(0).partitions.remove(0)
}
