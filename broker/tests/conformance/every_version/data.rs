//! APIs on records.

use bytes::Bytes;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::fetch_request::{ForgottenTopic, ReplicaState};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::World;
use crate::support::client::Client;
use crate::support::records::{Origin, batch, batch_at, batch_of, now_ms};
use crate::support::requests::{fetch_partition, fetch_request, fetch_topic, produce_in};
use crate::support::{text, topic};

pub fn produce(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ProduceRequest::default().with_acks(1));
    let good = batch(&["a", "b"]);
    assert_eq!(produce_in(client, version, &world.known, 0, &good, None).error_code, 0);
    let unknown = produce_in(client, version, &world.unknown, 0, &good, None);
    assert_eq!(unknown.error_code, if version >= 13 { 100 } else { 3 }, "an unknown topic");
    assert_eq!(produce_in(client, version, &world.known, 99, &good, None).error_code, 3, "an unknown partition");
    let far_away = batch_at(&[(now_ms(), "now"), (now_ms() + 7_200_000, "in two hours")]);
    let refused = produce_in(client, version, &world.known, 0, &far_away, None);
    assert_eq!(refused.error_code, 32, "INVALID_TIMESTAMP");
    assert_eq!(refused.record_errors.len(), usize::from(version >= 8), "KIP-467");
    let mut damaged = good.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(produce_in(client, version, &world.known, 0, &damaged.into(), None).error_code, 2, "CORRUPT_MESSAGE");
    let origin = Origin { id: 1, epoch: 0, sequence: 0, transactional: true };
    let stray = batch_of(origin, &["x"]);
    assert_ne!(produce_in(client, version, &world.known, 0, &stray, Some("nobody")).error_code, 0);
    assert_eq!(produce_in(client, version, &world.known, 0, &Bytes::new(), None).error_code, 87, "INVALID_RECORD");
}

pub fn fetch(client: &mut Client, world: &World, version: i16) {
    client.call(version, &FetchRequest::default());
    produce_in(client, 13, &world.known, 0, &batch(&["a"]), None);
    let mut request = fetch_request(version, &world.known, vec![fetch_partition(0, 0), fetch_partition(99, 0)]);
    request.topics.push(fetch_topic(version, &world.unknown, vec![fetch_partition(0, 0)]));
    for isolation in [0, 1] {
        let response = client.call(version, &request.clone().with_isolation_level(isolation));
        assert_eq!(response.responses.len(), 2);
    }
    // Behind the end.
    client.call(version, &fetch_request(version, &world.known, vec![fetch_partition(0, 1 << 40)]));
    fetch_with_epochs(client, world, version);
    let mut full = request.clone();
    full = if version >= 11 { full.with_rack_id(text("rack")) } else { full };
    full = if version >= 12 { full.with_cluster_id(Some(text("cluster"))) } else { full };
    full = if version >= 15 {
        full.with_replica_state(ReplicaState::default().with_replica_id(BrokerId(-1)).with_replica_epoch(3))
    } else {
        full.with_replica_id(BrokerId(-1))
    };
    let partition = &mut full.topics[0].partitions[0];
    partition.log_start_offset = if version >= 5 { 0 } else { -1 };
    partition.replica_directory_id = if version >= 17 { Uuid::from_u128(7) } else { Uuid::nil() };
    partition.high_watermark = if version >= 18 { 1 } else { i64::MAX };
    client.call(version, &full);
    if version >= 7 {
        fetch_in_session(client, world, version, full);
    }
}

fn fetch_with_epochs(client: &mut Client, world: &World, version: i16) {
    let beliefs: &[i32] = if version >= 9 { &[0, 5] } else { &[-1] };
    let last_fetched: &[i32] = if version >= 12 { &[-1, 0, 5] } else { &[-1] };
    for believed in beliefs {
        for last in last_fetched {
            let partition =
                fetch_partition(0, 1000).with_current_leader_epoch(*believed).with_last_fetched_epoch(*last);
            client.call(version, &fetch_request(version, &world.known, vec![partition]));
        }
    }
}

fn fetch_in_session(client: &mut Client, world: &World, version: i16, full: FetchRequest) {
    let opened = client.call(version, &full.with_session_epoch(0));
    assert_ne!(opened.session_id, 0);
    let forgotten = ForgottenTopic::default().with_partitions(vec![0]);
    let forgotten = if version >= 13 {
        forgotten.with_topic_id(world.unknown.id)
    } else {
        forgotten.with_topic(topic(&world.unknown.name))
    };
    let mut next = FetchRequest::default().with_session_id(opened.session_id).with_session_epoch(1);
    next.forgotten_topics_data.push(forgotten);
    let answer = client.call(version, &next);
    assert_eq!((answer.error_code, answer.session_id), (0, opened.session_id));
    // An error of the session as a whole.
    let answer = client.call(version, &next.with_session_epoch(9));
    assert_eq!((answer.error_code, answer.responses.len()), (71, 0), "INVALID_FETCH_SESSION_EPOCH");
}

pub fn list_offsets(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ListOffsetsRequest::default());
    for name in [&world.known.name, &world.unknown.name] {
        for timestamp in -6..=1 {
            let partition = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(timestamp);
            let partition = if version >= 4 { partition.with_current_leader_epoch(0) } else { partition };
            let named = ListOffsetsTopic::default().with_name(topic(name)).with_partitions(vec![partition]);
            let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![named]);
            let request = if version >= 2 { request.with_isolation_level(1) } else { request };
            let request = if version >= 10 { request.with_timeout_ms(1000) } else { request };
            let response = client.call(version, &request);
            assert_eq!(response.topics[0].partitions.len(), 1);
        }
    }
}

pub fn offset_for_leader_epoch(client: &mut Client, world: &World, version: i16) {
    client.call(version, &OffsetForLeaderEpochRequest::default());
    for name in [&world.known.name, &world.unknown.name] {
        for (believed, wanted) in [(0, 0), (-1, 7), (9, 0)] {
            let partition = OffsetForLeaderPartition::default()
                .with_partition(0)
                .with_current_leader_epoch(believed)
                .with_leader_epoch(wanted);
            let named = OffsetForLeaderTopic::default().with_topic(topic(name)).with_partitions(vec![partition]);
            let request = OffsetForLeaderEpochRequest::default().with_topics(vec![named]);
            let request = if version >= 3 { request.with_replica_id(BrokerId(-1)) } else { request };
            assert_eq!(client.call(version, &request).topics[0].partitions.len(), 1);
        }
    }
}

pub fn delete_records(client: &mut Client, world: &World, version: i16) {
    client.call(version, &DeleteRecordsRequest::default());
    for (name, offset, error) in
        [(&world.known.name, 0, 0), (&world.known.name, 1 << 40, 1), (&world.unknown.name, 0, 3)]
    {
        let partition = DeleteRecordsPartition::default().with_partition_index(2).with_offset(offset);
        let named = DeleteRecordsTopic::default().with_name(topic(name)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![named]).with_timeout_ms(1000);
        assert_eq!(client.call(version, &request).topics[0].partitions[0].error_code, error);
    }
}
