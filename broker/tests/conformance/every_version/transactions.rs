//! APIs of producers and transactions.

use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::requests::init_producer;
use crate::support::{group, producer, text, topic, transactional};

pub fn init_producer_id(client: &mut Client, _: &World, version: i16) {
    client.call(version, &InitProducerIdRequest::default());
    init_producer(client, version, None);
    let id = format!("init-{version}");
    let (producer_id, epoch) = init_producer(client, version, Some(&id));
    assert_eq!(epoch, 0);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(&id)))
        .with_transaction_timeout_ms(i32::MAX);
    assert_eq!(client.call(version, &request).error_code, 50, "INVALID_TRANSACTION_TIMEOUT");
    if version >= 3 {
        let request = request
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(producer(producer_id))
            .with_producer_epoch(epoch);
        assert_eq!(client.call(version, &request).producer_epoch, 1);
        let fenced = client.call(version, &request.with_producer_epoch(7)).error_code;
        assert_eq!(fenced, if version >= 4 { 90 } else { 47 }, "PRODUCER_FENCED");
    }
}

pub fn add_partitions_to_txn(client: &mut Client, world: &World, version: i16) {
    client.call(version, &AddPartitionsToTxnRequest::default());
    let id = format!("adding-{version}");
    let (producer_id, epoch) = init_producer(client, 4, Some(&id));
    let named = |name| AddPartitionsToTxnTopic::default().with_name(topic(name)).with_partitions(vec![0, 1]);
    let good = vec![named(&*world.known.name)];
    let bad = vec![named(&*world.known.name), named(&*world.unknown.name)];
    for (topics, first) in [(bad, 55), (good, 0)] {
        let mut request = AddPartitionsToTxnRequest::default();
        if version >= 4 {
            let transaction = AddPartitionsToTxnTransaction::default()
                .with_transactional_id(transactional(&id))
                .with_producer_id(producer(producer_id))
                .with_producer_epoch(epoch)
                .with_topics(topics.clone());
            let again = transaction.clone().with_verify_only(true);
            request.transactions = vec![transaction, again];
        } else {
            request.v3_and_below_transactional_id = transactional(&id);
            request.v3_and_below_producer_id = producer(producer_id);
            request.v3_and_below_producer_epoch = epoch;
            request.v3_and_below_topics = topics;
        }
        let response = client.call(version, &request);
        let topics = if version >= 4 {
            &response.results_by_transaction[0].topic_results
        } else {
            &response.results_by_topic_v3_and_below
        };
        assert_eq!(topics[0].results_by_partition[0].partition_error_code, first);
    }
}

pub fn add_offsets_to_txn(client: &mut Client, _: &World, version: i16) {
    client.call(version, &AddOffsetsToTxnRequest::default());
    let id = format!("offsets-{version}");
    let (producer_id, epoch) = init_producer(client, 4, Some(&id));
    let request = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional(&id))
        .with_producer_id(producer(producer_id))
        .with_producer_epoch(epoch)
        .with_group_id(group("some"));
    assert_eq!(client.call(version, &request).error_code, 0);
    let fenced = client.call(version, &request.with_producer_epoch(9)).error_code;
    assert_eq!(fenced, if version >= 2 { 90 } else { 47 }, "PRODUCER_FENCED");
}

pub fn end_txn(client: &mut Client, _: &World, version: i16) {
    client.call(version, &EndTxnRequest::default());
    let id = format!("ended-{version}");
    let (producer_id, epoch) = init_producer(client, 4, Some(&id));
    let add = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional(&id))
        .with_producer_id(producer(producer_id))
        .with_producer_epoch(epoch)
        .with_group_id(group("some"));
    assert_eq!(client.call(4, &add).error_code, 0);
    let request = EndTxnRequest::default()
        .with_transactional_id(transactional(&id))
        .with_producer_id(producer(producer_id))
        .with_producer_epoch(epoch)
        .with_committed(true);
    assert_eq!(client.call(version, &request).error_code, 0);
    let fenced = client.call(version, &request.with_producer_epoch(9)).error_code;
    assert_eq!(fenced, if version >= 2 { 90 } else { 47 }, "PRODUCER_FENCED");
}

pub fn txn_offset_commit(client: &mut Client, world: &World, version: i16) {
    client.call(version, &TxnOffsetCommitRequest::default());
    let id = format!("committing-{version}");
    let (producer_id, epoch) = init_producer(client, 4, Some(&id));
    let add = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional(&id))
        .with_producer_id(producer(producer_id))
        .with_producer_epoch(epoch)
        .with_group_id(group(&id));
    assert_eq!(client.call(4, &add).error_code, 0);
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(5)
        .with_committed_metadata(Some(text("note")));
    let partition = if version >= 2 { partition.with_committed_leader_epoch(0) } else { partition };
    let named =
        |name| TxnOffsetCommitRequestTopic::default().with_name(topic(name)).with_partitions(vec![partition.clone()]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(transactional(&id))
        .with_group_id(group(&id))
        .with_producer_id(producer(producer_id))
        .with_producer_epoch(epoch)
        .with_topics(vec![named(&*world.known.name), named(&*world.unknown.name)]);
    let errors = |response: TxnOffsetCommitResponse| -> Vec<i16> {
        response.topics.iter().map(|t| t.partitions[0].error_code).collect()
    };
    assert_eq!(errors(client.call(version, &request)), [0, 3]);
    if version >= 3 {
        let request = request.with_generation_id(4).with_member_id(text("m")).with_group_instance_id(Some(text("i")));
        assert_ne!(errors(client.call(version, &request)), [0, 3]);
    }
}

pub fn describe_producers(client: &mut Client, world: &World, version: i16) {
    client.call(version, &DescribeProducersRequest::default());
    let named = |name| TopicRequest::default().with_name(topic(name)).with_partition_indexes(vec![0]);
    let topics = vec![named(&*world.known.name), named(&*world.unknown.name)];
    let response = client.call(version, &DescribeProducersRequest::default().with_topics(topics));
    assert_eq!(response.topics.iter().map(|t| t.partitions[0].error_code).collect::<Vec<_>>(), [0, 3]);
}

pub fn write_txn_markers(client: &mut Client, world: &World, version: i16) {
    client.call(version, &WriteTxnMarkersRequest::default());
    let named = |name| WritableTxnMarkerTopic::default().with_name(topic(name)).with_partition_indexes(vec![0]);
    let marker = |epoch: i16| {
        WritableTxnMarker::default()
            .with_producer_id(producer(40_000))
            .with_producer_epoch(epoch)
            .with_topics(vec![named(&*world.known.name), named(&*world.unknown.name)])
    };
    let mut errors = |epoch: i16| -> Vec<i16> {
        let response = client.call(version, &WriteTxnMarkersRequest::default().with_markers(vec![marker(epoch)]));
        response.markers[0].topics.iter().map(|t| t.partitions[0].error_code).collect()
    };
    // As Apache Kafka 4.3.1 answers (the twin's transactions::markers).
    assert_eq!(errors(0), [0, 3]);
    assert_eq!(errors(-1), [-1, -1]);
}

pub fn describe_transactions(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DescribeTransactionsRequest::default());
    init_producer(client, 4, Some("described"));
    let ids = vec![transactional("described"), transactional("nobody-knows-it")];
    let response = client.call(version, &DescribeTransactionsRequest::default().with_transactional_ids(ids));
    let found: Vec<(i16, &str)> =
        response.transaction_states.iter().map(|t| (t.error_code, &*t.transaction_state)).collect();
    assert_eq!(found, [(0, "Empty"), (105, "")], "TRANSACTIONAL_ID_NOT_FOUND");
}

pub fn list_transactions(client: &mut Client, _: &World, version: i16) {
    client.call(version, &ListTransactionsRequest::default());
    init_producer(client, 4, Some("listed"));
    let request = ListTransactionsRequest::default()
        .with_state_filters(vec![text("Empty"), text("Nonsense")])
        .with_producer_id_filters(vec![]);
    let request = if version >= 1 { request.with_duration_filter(-1) } else { request };
    let response = client.call(version, &request);
    assert!(response.transaction_states.iter().any(|t| t.transactional_id.as_str() == "listed"));
    assert_eq!(response.unknown_state_filters, vec![text("Nonsense")]);
    if version >= 2 {
        client.call(version, &request.with_transactional_id_pattern(Some(text("l.*"))));
    }
}
