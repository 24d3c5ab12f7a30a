//! Transactions in both protocols, and what their readers see.

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::records::{Origin, batch, batch_of, values};
use crate::support::requests::{
    Topic, append, create_topic, end_txn, fetch_in, fetch_partition, fetch_request, init_producer, list_offset,
    produce_in,
};
use crate::support::{Broker, producer, text, topic, transactional};

const TXN: &str = "payments";

/// The last version of Produce in which a transaction's partitions must be added before.
const PRODUCE_V1: i16 = 11;
/// The first in which appending adds them (KIP-890).
const PRODUCE_V2: i16 = 12;

fn records(id: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    batch_of(Origin { id, epoch, sequence, transactional: true }, values)
}

fn add_partition(client: &mut Client, id: i64, epoch: i16, to: &Topic) -> i16 {
    let named = AddPartitionsToTxnTopic::default().with_name(topic(&to.name)).with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transactional(TXN))
        .with_v3_and_below_producer_id(producer(id))
        .with_v3_and_below_producer_epoch(epoch)
        .with_v3_and_below_topics(vec![named]);
    client.call(3, &request).results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
}

/// What a reader of committed records gets.
fn committed(client: &mut Client, of: &Topic, from: i64) -> PartitionData {
    let request = fetch_request(13, of, vec![fetch_partition(0, from)]).with_isolation_level(1);
    client.call(13, &request).responses.remove(0).partitions.remove(0)
}

fn aborted(answer: &PartitionData) -> Vec<(i64, i64)> {
    let list = answer.aborted_transactions.as_ref().expect("readers of committed records get a list");
    list.iter().map(|a| (a.producer_id.0, a.first_offset)).collect()
}

#[test]
fn in_the_old_protocol_partitions_are_added_first_and_the_epoch_stays() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 3, Some(TXN));
    let refused = produce_in(&mut client, PRODUCE_V1, &known, 0, &records(id, epoch, 0, &["early"]), Some(TXN));
    assert_eq!(refused.error_code, 120, "TRANSACTION_ABORTABLE: the partition is not part of the transaction");
    let refused = produce_in(&mut client, 10, &known, 0, &records(id, epoch, 0, &["early"]), Some(TXN));
    assert_eq!(refused.error_code, 48, "INVALID_TXN_STATE is what older versions know");

    assert_eq!(add_partition(&mut client, id, epoch, &known), 0);
    let sent = produce_in(&mut client, PRODUCE_V1, &known, 0, &records(id, epoch, 0, &["a", "b"]), Some(TXN));
    assert_eq!((sent.error_code, sent.base_offset), (0, 0));
    let ended = end_txn(&mut client, 4, TXN, id, epoch, true);
    assert_eq!((ended.error_code, ended.producer_id.0, ended.producer_epoch), (0, -1, -1));
    assert_eq!(end_txn(&mut client, 4, TXN, id, epoch, true).error_code, 0, "once more, after a lost answer");
    assert_eq!(end_txn(&mut client, 4, TXN, id, epoch, false).error_code, 48, "INVALID_TXN_STATE");

    assert_eq!(add_partition(&mut client, id, epoch, &known), 0, "the next one, in the same epoch");
    let sent = produce_in(&mut client, PRODUCE_V1, &known, 0, &records(id, epoch, 2, &["c"]), Some(TXN));
    assert_eq!((sent.error_code, sent.base_offset), (0, 3), "behind the marker at 2");
    assert_eq!(end_txn(&mut client, 4, TXN, id, epoch, true).error_code, 0);
    let read = committed(&mut client, &known, 0);
    assert_eq!(values(read.records.unwrap()).iter().map(|r| r.0).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn in_the_new_protocol_appending_adds_partitions_and_every_end_moves_the_epoch() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    let sent = produce_in(&mut client, PRODUCE_V2, &known, 0, &records(id, epoch, 0, &["a"]), Some(TXN));
    assert_eq!((sent.error_code, sent.base_offset), (0, 0));
    let ended = end_txn(&mut client, 5, TXN, id, epoch, true);
    assert_eq!((ended.error_code, ended.producer_id.0, ended.producer_epoch), (0, id, epoch + 1));
    // The same request again, after a lost answer, gets the same answer.
    let again = end_txn(&mut client, 5, TXN, id, epoch, true);
    assert_eq!((again.error_code, again.producer_id.0, again.producer_epoch), (0, id, epoch + 1));

    // In this protocol a producer of which the log knows nothing begins at 0 (KIP-890).
    let other = create_topic(&mut client, "other", 1, &[]);
    let gap = produce_in(&mut client, 13, &other, 0, &records(id, epoch + 1, 5, &["gap"]), Some(TXN));
    assert_eq!(gap.error_code, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER");

    let stale = produce_in(&mut client, PRODUCE_V2, &known, 0, &records(id, epoch, 1, &["late"]), Some(TXN));
    assert_eq!(stale.error_code, 47, "INVALID_PRODUCER_EPOCH");
    let sent = produce_in(&mut client, 13, &known, 0, &records(id, epoch + 1, 0, &["b"]), Some(TXN));
    assert_eq!((sent.error_code, sent.base_offset), (0, 2), "behind the marker");
    let ended = end_txn(&mut client, 5, TXN, id, epoch + 1, false);
    assert_eq!((ended.error_code, ended.producer_epoch), (0, epoch + 2));
    // Aborting what never began is allowed, and moves the epoch too (KIP-890); committing it is not.
    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch + 2, true).error_code, 48, "INVALID_TXN_STATE");
    let ended = end_txn(&mut client, 5, TXN, id, epoch + 2, false);
    assert_eq!((ended.error_code, ended.producer_epoch), (0, epoch + 3));
}

#[test]
fn readers_of_committed_records_stop_at_an_open_transaction_and_learn_of_aborted_ones() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &known, &batch(&["plain"]));
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["doomed", "doomed too"]), Some(TXN));
    append(&mut client, &known, &batch(&["between"]));

    let open = committed(&mut client, &known, 0);
    assert_eq!((open.high_watermark, open.last_stable_offset, aborted(&open)), (4, 1, vec![]));
    assert_eq!(values(open.records.unwrap()), [(0, "plain".to_owned())]);
    assert_eq!(list_offset(&mut client, 10, &known, -1, true).offset, 1, "the last stable offset");
    assert_eq!(list_offset(&mut client, 10, &known, -1, false).offset, 4);
    let all = fetch_in(&mut client, 13, &known, 0, 0);
    assert_eq!((values(all.records.unwrap()).len(), all.aborted_transactions), (4, None));

    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch, false).error_code, 0);
    let ended = committed(&mut client, &known, 0);
    assert_eq!((ended.high_watermark, ended.last_stable_offset, aborted(&ended)), (5, 5, vec![(id, 1)]));
    assert_eq!(values(ended.records.unwrap()).len(), 4, "the reader drops them, not the broker");
    let behind = committed(&mut client, &known, 5);
    assert_eq!(aborted(&behind), []);
    produce_in(&mut client, 13, &known, 0, &records(id, epoch + 1, 0, &["kept"]), Some(TXN));
    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch + 1, true).error_code, 0);
    let kept = committed(&mut client, &known, 5);
    assert_eq!((aborted(&kept), values(kept.records.unwrap())), (vec![], vec![(5, "kept".to_owned())]));
}

#[test]
fn a_reader_of_committed_records_wakes_when_the_transaction_ends() {
    let broker = Broker::start();
    let (mut reader, mut client) = (broker.client(), broker.client());
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["soon"]), Some(TXN));
    let request = fetch_request(13, &known, vec![fetch_partition(0, 0)]).with_isolation_level(1);
    let sent = broker.until_received(|| reader.send(13, &request.with_max_wait_ms(3_600_000)));
    // Something that does not move the last stable offset.
    append(&mut client, &known, &batch(&["plain"]));
    reader.assert_unanswered();
    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch, true).error_code, 0);
    let mut response = reader.receive(sent);
    let answer = response.responses.remove(0).partitions.remove(0);
    assert_eq!(values(answer.records.unwrap()).len(), 2);
}

#[test]
fn a_new_incarnation_fences_the_old_one_and_aborts_its_transaction() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["zombie"]), Some(TXN));
    let (same_id, next) = init_producer(&mut client, 5, Some(TXN));
    assert_eq!(same_id, id);
    assert!(next > epoch);
    assert_eq!(aborted(&committed(&mut client, &known, 0)), [(id, 0)]);
    let stale = produce_in(&mut client, 13, &known, 0, &records(id, epoch, 1, &["zombie"]), Some(TXN));
    assert_eq!(stale.error_code, 47, "INVALID_PRODUCER_EPOCH");
    assert_eq!(end_txn(&mut client, 4, TXN, id, epoch, true).error_code, 90, "PRODUCER_FENCED");
    assert_eq!(end_txn(&mut client, 1, TXN, id, epoch, true).error_code, 47, "its name before version 2");
    assert_eq!(end_txn(&mut client, 4, TXN, id + 1, next, true).error_code, 49, "INVALID_PRODUCER_ID_MAPPING");
    assert_eq!(end_txn(&mut client, 4, "nobody", id, next, true).error_code, 49, "INVALID_PRODUCER_ID_MAPPING");
}

#[test]
fn a_transaction_and_its_producers_are_described_and_listed() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    init_producer(&mut client, 5, Some("idle"));
    append(&mut client, &known, &batch(&["plain"]));
    produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["open"]), Some(TXN));

    let ids = vec![transactional(TXN)];
    let described = client.call(0, &DescribeTransactionsRequest::default().with_transactional_ids(ids));
    let found = &described.transaction_states[0];
    assert_eq!((&*found.transaction_state, found.producer_id.0, found.producer_epoch), ("Ongoing", id, epoch));
    assert_eq!((found.transaction_timeout_ms, found.topics[0].topic.as_str()), (60_000, "known"));
    assert!(found.transaction_start_time_ms > 0);
    let named = TopicRequest::default().with_name(topic("known")).with_partition_indexes(vec![0]);
    let producers = client.call(0, &DescribeProducersRequest::default().with_topics(vec![named]));
    let found = &producers.topics[0].partitions[0].active_producers[0];
    assert_eq!((found.producer_id.0, found.current_txn_start_offset), (id, 1));

    let mut list = |request: &ListTransactionsRequest, version| {
        let mut found: Vec<(String, String)> = client
            .call(version, request)
            .transaction_states
            .iter()
            .map(|t| (t.transactional_id.to_string(), t.transaction_state.to_string()))
            .collect();
        found.sort();
        found
    };
    let both = [("idle".to_owned(), "Empty".to_owned()), (TXN.to_owned(), "Ongoing".to_owned())];
    let all = ListTransactionsRequest::default();
    assert_eq!(list(&all, 0), both);
    assert_eq!(list(&all.clone().with_state_filters(vec![text("Ongoing")]), 0), both[1..]);
    assert_eq!(list(&all.clone().with_state_filters(vec![text("CompleteCommit")]), 0), []);
    assert_eq!(list(&all.clone().with_producer_id_filters(vec![producer(id)]), 0), both[1..]);
    // KIP-994: only what has been running for longer than the filter says.
    let long = all.clone().with_state_filters(vec![text("Ongoing")]).with_duration_filter(3_600_000);
    assert_eq!(list(&long, 1), []);
    assert_eq!(list(&long.with_duration_filter(-1), 1), both[1..]);
    assert_eq!(list(&all.clone().with_transactional_id_pattern(Some(text(""))), 2), both, "an empty pattern is none");
    assert_eq!(list(&all.with_transactional_id_pattern(Some(text("i.*"))), 2), both[..1]);
}

#[test]
fn transactional_records_need_the_transactional_id() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    // Kafka: KafkaApis.handleProduceRequest takes it for a missing permission.
    let nameless = produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["x"]), None);
    assert_eq!(nameless.error_code, 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED");
    assert_eq!(fetch_in(&mut client, 13, &known, 0, 0).high_watermark, 0);
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(TXN)))
        .with_transaction_timeout_ms(50);
    let started = client.call(5, &request);
    let (id, epoch) = (started.producer_id.0, started.producer_epoch);
    produce_in(&mut client, 13, &known, 0, &records(id, epoch, 0, &["slow"]), Some(TXN));
    let waiting = fetch_request(13, &known, vec![fetch_partition(0, 0)]).with_isolation_level(1);
    let mut response = client.call(13, &waiting.with_max_wait_ms(15_000));
    let answer = response.responses.remove(0).partitions.remove(0);
    assert_eq!((answer.last_stable_offset, aborted(&answer)), (2, vec![(id, 0)]));
    let late = end_txn(&mut client, 5, TXN, id, epoch, true).error_code;
    // The abort moved the epoch, but nobody has taken it since: the producer may go on with the one it has (twin: times_out).
    assert_eq!(late, 48, "INVALID_TXN_STATE: it was aborted");
}
