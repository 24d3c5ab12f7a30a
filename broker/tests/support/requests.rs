//! Requests that many tests send, in any version.

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::client::Client;
use super::{producer, text, topic, transactional};

/// A topic by its two names.
#[derive(Clone)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
}

impl Topic {
    /// A topic that does not exist.
    pub fn unknown() -> Topic {
        Topic { name: "nowhere".into(), id: Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd) }
    }
}

/// Makes a topic with these configs.
pub fn create_topic(client: &mut Client, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Topic {
    let config = |(name, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let wanted = CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.iter().map(config).collect());
    let request = CreateTopicsRequest::default().with_topics(vec![wanted]).with_timeout_ms(5000);
    let response = client.call(7, &request);
    assert_eq!((response.topics[0].error_code, &response.topics[0].error_message), (0, &None), "creation of {name}");
    Topic { name: name.into(), id: response.topics[0].topic_id }
}

/// Deletes a topic.
pub fn delete_topic(client: &mut Client, gone: &Topic) {
    let state = delete_topics_request::DeleteTopicState::default().with_topic_id(gone.id);
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(5000);
    assert_eq!(client.call(6, &request).responses[0].error_code, 0, "deletion of {}", gone.name);
}

/// A request to append `records` to one partition with acks=-1.
pub fn produce_request(version: i16, to: &Topic, partition: i32, records: &Bytes, txn: Option<&str>) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(records.clone()));
    let named = TopicProduceData::default().with_partition_data(vec![data]);
    let named = if version >= 13 { named.with_topic_id(to.id) } else { named.with_name(topic(&to.name)) };
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(5000)
        .with_transactional_id(txn.map(transactional))
        .with_topic_data(vec![named])
}

/// Appends and returns the partition's answer.
pub fn produce_in(
    client: &mut Client,
    version: i16,
    to: &Topic,
    partition: i32,
    records: &Bytes,
    txn: Option<&str>,
) -> PartitionProduceResponse {
    let mut response = client.call(version, &produce_request(version, to, partition, records, txn));
    response.responses.remove(0).partition_responses.remove(0)
}

/// Appends to partition 0 in the newest version; the offset of the first record.
pub fn append(client: &mut Client, to: &Topic, records: &Bytes) -> i64 {
    let answer = produce_in(client, 13, to, 0, records, None);
    assert_eq!((answer.error_code, &answer.error_message), (0, &None));
    answer.base_offset
}

/// Deletes the records of partition 0 before an offset, -1 for all; the error and where the log begins then.
pub fn delete_records(client: &mut Client, of: &Topic, before: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(before);
    let named = DeleteRecordsTopic::default().with_name(topic(&of.name)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![named]).with_timeout_ms(5000);
    let answer = client.call(2, &request).topics.remove(0).partitions.remove(0);
    (answer.error_code, answer.low_watermark)
}

/// What to fetch of one partition, as much as there is.
pub fn fetch_partition(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition::default().with_partition(partition).with_fetch_offset(offset).with_partition_max_bytes(1 << 20)
}

/// A topic in a fetch request of this version.
pub fn fetch_topic(version: i16, of: &Topic, partitions: Vec<FetchPartition>) -> FetchTopic {
    let named = FetchTopic::default().with_partitions(partitions);
    if version >= 13 { named.with_topic_id(of.id) } else { named.with_topic(topic(&of.name)) }
}

/// A request without a session that does not wait.
pub fn fetch_request(version: i16, of: &Topic, partitions: Vec<FetchPartition>) -> FetchRequest {
    let request = FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![fetch_topic(version, of, partitions)]);
    if version >= 7 { request.with_session_epoch(-1) } else { request }
}

/// Fetches one partition from `offset` on, without waiting.
pub fn fetch_in(client: &mut Client, version: i16, of: &Topic, partition: i32, offset: i64) -> PartitionData {
    let request = fetch_request(version, of, vec![fetch_partition(partition, offset)]);
    let mut response = client.call(version, &request);
    response.responses.remove(0).partitions.remove(0)
}

/// Asks for one offset of partition 0.
pub fn list_offset(
    client: &mut Client,
    version: i16,
    of: &Topic,
    timestamp: i64,
    committed: bool,
) -> ListOffsetsPartitionResponse {
    let partition = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(timestamp);
    let named = ListOffsetsTopic::default().with_name(topic(&of.name)).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(i8::from(committed))
        .with_topics(vec![named]);
    client.call(version, &request).topics.remove(0).partitions.remove(0)
}

/// A producer id and its epoch, for a transactional id or none.
pub fn init_producer(client: &mut Client, version: i16, txn: Option<&str>) -> (i64, i16) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(txn.map(transactional))
        .with_transaction_timeout_ms(60_000);
    let response = client.call(version, &request);
    assert_eq!(response.error_code, 0, "InitProducerId v{version} of {txn:?}");
    (response.producer_id.0, response.producer_epoch)
}

/// The error of InitProducerId.
pub fn init_error(client: &mut Client, txn: &str) -> i16 {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(txn)))
        .with_transaction_timeout_ms(60_000);
    client.call(5, &request).error_code
}

/// Ends a transaction.
pub fn end_txn(client: &mut Client, version: i16, txn: &str, id: i64, epoch: i16, commit: bool) -> EndTxnResponse {
    let request = EndTxnRequest::default()
        .with_transactional_id(transactional(txn))
        .with_producer_id(producer(id))
        .with_producer_epoch(epoch)
        .with_committed(commit);
    client.call(version, &request)
}
