//! Requests about share groups (KIP-932), in every version that is served.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::initialize_share_group_state_request::{
    InitializeStateData, PartitionData as InitializePartition,
};
use kafka_protocol::messages::read_share_group_state_request::{PartitionData as ReadPartition, ReadStateData};
use kafka_protocol::messages::read_share_group_state_response::PartitionResult as ReadResult;
use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::read_share_group_state_summary_response::PartitionResult as SummaryResult;
use kafka_protocol::messages::write_share_group_state_request::{
    PartitionData as WritePartition, StateBatch, WriteStateData,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;

use super::client::{Client, decode};
use super::requests::Topic;
use super::text;

/// Begins a share-partition at `start` in the state epoch 0; the error code.
pub fn initialize(client: &mut Client, group: &str, topic: &Topic, partition: i32, start: i64) -> i16 {
    initialize_in_epoch(client, group, topic, partition, start, 0)
}

/// The same in another state epoch.
pub fn initialize_in_epoch(
    client: &mut Client,
    group: &str,
    topic: &Topic,
    partition: i32,
    start: i64,
    epoch: i32,
) -> i16 {
    let partition =
        InitializePartition::default().with_partition(partition).with_state_epoch(epoch).with_start_offset(start);
    let topic = InitializeStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    let request = InitializeShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    client.call(0, &request).results[0].partitions[0].error_code
}

/// What the share coordinator keeps of partition 0.
pub fn read_state(client: &mut Client, group: &str, topic: &Topic, leader_epoch: i32) -> ReadResult {
    let partition = ReadPartition::default().with_leader_epoch(leader_epoch);
    let topic = ReadStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    let request = ReadShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    client.call(0, &request).results[0].partitions[0].clone()
}

/// A request to keep that of partition 0 from `start` on offsets `first..=last` have a state after a number of deliveries.
pub fn write_request(
    group: &str,
    topic: &Topic,
    epochs: (i32, i32),
    start: i64,
    batch: (i64, i64, i8, i16),
) -> WriteShareGroupStateRequest {
    let batch = StateBatch::default()
        .with_first_offset(batch.0)
        .with_last_offset(batch.1)
        .with_delivery_state(batch.2)
        .with_delivery_count(batch.3);
    let partition = WritePartition::default()
        .with_state_epoch(epochs.0)
        .with_leader_epoch(epochs.1)
        .with_start_offset(start)
        .with_state_batches(vec![batch]);
    let topic = WriteStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// Sends a request of [`write_request`] in a version; from version 1 on with this many records done with. The error code.
pub fn write_state(client: &mut Client, version: i16, request: &WriteShareGroupStateRequest, done: i32) -> i16 {
    if version == 0 {
        return client.call(0, request).results[0].partitions[0].error_code;
    }
    let mut body = encoded(request, 0);
    // Group, topics, topic id, partitions, partition, two epochs, start offset; then the count.
    let at = 1 + request.group_id.len() + 1 + 16 + 1 + 4 + 4 + 4 + 8;
    insert(&mut body, at, &done.to_be_bytes());
    let response: WriteShareGroupStateResponse = call_raw(client, 85, version, 0, &body);
    response.results[0].partitions[0].error_code
}

/// Where partition 0 is, and from version 1 on how many records are done with.
pub fn summary(client: &mut Client, version: i16, group: &str, topic: &Topic) -> (SummaryResult, Option<i32>) {
    let topic =
        ReadStateSummaryData::default().with_topic_id(topic.id).with_partitions(vec![SummaryPartition::default()]);
    let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    if version == 0 {
        return (client.call(0, &request).results[0].partitions[0].clone(), None);
    }
    client.send_body(87, version, 2, &encoded(&request, 0));
    let frame = client.receive_frame().expect("an answer");
    // The count is the last field of the only partition, before the tags of partition, topic and answer.
    let at = frame.len() - 3 - 4;
    let count = i32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
    let mut without = BytesMut::from(&frame[..at]);
    without.put_slice(&frame[at + 4..]);
    let (_, response) = decode::<ReadShareGroupStateSummaryResponse>(&mut without.freeze(), 0, "summary");
    (response.results[0].partitions[0].clone(), Some(count))
}

/// A request's body in a version.
pub fn encoded<R: Request>(request: &R, version: i16) -> Vec<u8> {
    let mut body = BytesMut::new();
    request.encode(&mut body, version).unwrap();
    body.to_vec()
}

/// Puts bytes between those of a body.
pub fn insert(body: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    body.splice(at..at, bytes.iter().copied());
}

/// Sends a body in a version that `kafka-protocol` does not know, and reads an answer of the form of version `like`.
pub fn call_raw<T>(client: &mut Client, key: i16, version: i16, like: i16, body: &[u8]) -> T
where
    T: kafka_protocol::protocol::Decodable
        + kafka_protocol::protocol::HeaderVersion
        + kafka_protocol::protocol::Message,
{
    let sent = client.send_body(key, version, 2, body);
    let mut frame: Bytes = client.receive_frame().expect("an answer");
    let (correlation_id, response) = decode(&mut frame, like, "a raw answer");
    assert_eq!(correlation_id, sent);
    assert!(frame.is_empty(), "bytes behind the answer {frame:?}");
    response
}

/// A member of a share group with the session that it counts.
pub struct ShareMember {
    /// Its connection.
    pub client: Client,
    group: String,
    name: String,
    /// The epoch of its next request.
    pub epoch: i32,
    /// The version in which it asks.
    pub version: i16,
}

/// Acknowledgements: first offset, last offset, and one type for all or one for each.
pub type Acks<'a> = &'a [(i64, i64, &'a [i8])];

impl ShareMember {
    /// A member without a session yet, which asks in version 1.
    pub fn new(client: Client, group: &str, name: &str) -> ShareMember {
        ShareMember { client, group: group.into(), name: name.into(), epoch: 0, version: 1 }
    }

    /// A fetch of partition 0 with acknowledgements by the way, which waits for up to half a minute.
    pub fn request(&self, topic: &Topic, acks: Acks) -> ShareFetchRequest {
        use kafka_protocol::messages::share_fetch_request::{AcknowledgementBatch, FetchPartition, FetchTopic};
        let batch = |(first, last, types): &(i64, i64, &[i8])| {
            AcknowledgementBatch::default()
                .with_first_offset(*first)
                .with_last_offset(*last)
                .with_acknowledge_types(types.to_vec())
        };
        let partition = FetchPartition::default().with_acknowledgement_batches(acks.iter().map(batch).collect());
        let topic = FetchTopic::default().with_topic_id(topic.id).with_partitions(vec![partition]);
        ShareFetchRequest::default()
            .with_group_id(Some(super::group(&self.group)))
            .with_member_id(Some(text(&self.name)))
            .with_share_session_epoch(self.epoch)
            .with_max_wait_ms(15_000)
            .with_min_bytes(1)
            .with_max_bytes(1 << 20)
            .with_max_records(500)
            .with_batch_size(500)
            .with_topics(vec![topic])
    }

    /// Sends a fetch; the session's epoch moves on.
    pub fn send(&mut self, request: &ShareFetchRequest) {
        self.send_mode(request, 0, false);
    }

    /// The same with the fields of version 2.
    pub fn send_mode(&mut self, request: &ShareFetchRequest, mode: i8, is_renew_ack: bool) {
        let mut body = encoded(request, 1);
        if self.version >= 2 {
            let at = 1 + self.group.len() + 1 + self.name.len() + 6 * 4;
            insert(&mut body, at, &[mode as u8, u8::from(is_renew_ack)]);
        }
        self.client.send_body(78, self.version, 2, &body);
        self.epoch = if request.share_session_epoch == -1 { 0 } else { request.share_session_epoch + 1 };
    }

    /// The answer to a fetch.
    pub fn receive(&mut self) -> ShareFetchResponse {
        let mut frame = self.client.receive_frame().expect("an answer");
        let (_, response) = decode(&mut frame, 1, "ShareFetch");
        assert!(frame.is_empty());
        response
    }

    /// Fetches and waits for the answer.
    pub fn fetch(&mut self, request: &ShareFetchRequest) -> ShareFetchResponse {
        self.send(request);
        self.receive()
    }

    /// What partition 0 brings: its records' offsets with their values and the acquired runs.
    pub fn take(&mut self, topic: &Topic, acks: Acks) -> Taken {
        let response = self.fetch(&self.request(topic, acks));
        assert_eq!(response.error_code, 0, "{response:?}");
        Taken::of(&response)
    }

    /// Acknowledges; the error codes of the answer and of partition 0, and from version 2 on how long locks hold.
    pub fn acknowledge(&mut self, topic: &Topic, acks: Acks) -> (i16, Option<i16>, Option<i32>) {
        self.acknowledge_in(topic, acks, self.epoch, false)
    }

    /// The same in another epoch (-1 closes the session), perhaps to renew locks.
    pub fn acknowledge_in(
        &mut self,
        topic: &Topic,
        acks: Acks,
        epoch: i32,
        is_renew_ack: bool,
    ) -> (i16, Option<i16>, Option<i32>) {
        use kafka_protocol::messages::share_acknowledge_request::{
            AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch,
        };
        let batch = |(first, last, types): &(i64, i64, &[i8])| {
            AcknowledgementBatch::default()
                .with_first_offset(*first)
                .with_last_offset(*last)
                .with_acknowledge_types(types.to_vec())
        };
        let partition = AcknowledgePartition::default().with_acknowledgement_batches(acks.iter().map(batch).collect());
        let partitions = if acks.is_empty() { Vec::new() } else { vec![partition] };
        let topics = vec![AcknowledgeTopic::default().with_topic_id(topic.id).with_partitions(partitions)];
        let request = ShareAcknowledgeRequest::default()
            .with_group_id(Some(super::group(&self.group)))
            .with_member_id(Some(text(&self.name)))
            .with_share_session_epoch(epoch)
            .with_topics(topics);
        let mut body = encoded(&request, 1);
        if self.version >= 2 {
            insert(&mut body, 1 + self.group.len() + 1 + self.name.len() + 4, &[u8::from(is_renew_ack)]);
        }
        self.client.send_body(79, self.version, 2, &body);
        let mut frame = self.client.receive_frame().expect("an answer");
        let mut lock_ms = None;
        if self.version >= 2 {
            // Correlation id, tags, throttle time, error, no message; then how long locks hold.
            let at = 4 + 1 + 4 + 2 + 1;
            lock_ms = Some(i32::from_be_bytes(frame[at..at + 4].try_into().unwrap()));
            let mut without = BytesMut::from(&frame[..at]);
            without.put_slice(&frame[at + 4..]);
            frame = without.freeze();
        }
        let (_, response) = decode::<ShareAcknowledgeResponse>(&mut frame, 1, "ShareAcknowledge");
        if response.error_code == 0 && epoch > 0 {
            self.epoch = epoch + 1;
        }
        let partition = response.responses.first().map(|topic| topic.partitions[0].error_code);
        (response.error_code, partition, lock_ms)
    }
}

/// What a fetch has brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Acquired runs: first offset, last offset, deliveries.
    pub acquired: Vec<(i64, i64, i16)>,
    /// The records that came, acquired or not.
    pub records: Vec<(i64, String)>,
    /// The error code of the acknowledgements.
    pub acknowledged: i16,
}

impl Taken {
    /// Of partition 0, if the answer has it.
    pub fn of(response: &ShareFetchResponse) -> Taken {
        let Some(topic) = response.responses.first() else { return Taken::default() };
        let partition = &topic.partitions[0];
        assert_eq!(partition.error_code, 0, "{partition:?}");
        let runs = partition.acquired_records.iter().map(|run| (run.first_offset, run.last_offset, run.delivery_count));
        Taken {
            acquired: runs.collect(),
            records: super::records::values(partition.records.clone().unwrap_or_default()),
            acknowledged: partition.acknowledge_error_code,
        }
    }
}
