//! Idempotent producers: duplicates, gaps, epochs.

use std::collections::BTreeSet;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::*;

use super::alter_configs::alter;
use crate::support::client::Client;
use crate::support::records::{Origin, batch_of, values};
use crate::support::requests::{Topic, create_topic, fetch_in, init_producer, produce_in};
use crate::support::{Broker, eventually, producer, topic};

struct Producer<'a> {
    client: &'a mut Client,
    to: &'a Topic,
    id: i64,
    epoch: i16,
}

impl Producer<'_> {
    /// Appends records with numbers from `sequence` on: the error and the base offset.
    fn send(&mut self, sequence: i32, records: &[&str]) -> (i16, i64) {
        let origin = Origin { id: self.id, epoch: self.epoch, sequence, transactional: false };
        let answer = produce_in(self.client, 13, self.to, 0, &batch_of(origin, records), None);
        (answer.error_code, answer.base_offset)
    }
}

#[test]
fn a_batch_sent_twice_is_there_once() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, None);
    assert_eq!(epoch, 0);
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    for n in 0..6 {
        assert_eq!(sender.send(n * 2, &["a", "b"]), (0, i64::from(n) * 2));
    }
    // The last five batches are remembered (Kafka: ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
    for n in 1..6 {
        assert_eq!(sender.send(n * 2, &["a", "b"]), (0, i64::from(n) * 2), "batch {n} again");
    }
    // Kafka: ProducerAppendInfo.checkSequence knows nothing of older ones, for which 12 comes next and nothing else.
    assert_eq!(sender.send(0, &["a", "b"]).0, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(sender.send(12, &["c"]), (0, 12));
    let all = fetch_in(&mut client, 12, &known, 0, 0);
    assert_eq!(values(all.records.unwrap()).len(), 13);
}

#[test]
fn a_gap_and_an_old_epoch_are_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, _) = init_producer(&mut client, 5, None);
    let mut sender = Producer { client: &mut client, to: &known, id, epoch: 3 };
    assert_eq!(sender.send(0, &["a"]), (0, 0));
    assert_eq!(sender.send(2, &["c"]), (45, -1), "OUT_OF_ORDER_SEQUENCE_NUMBER: 1 is missing");
    sender.epoch = 2;
    assert_eq!(sender.send(1, &["b"]), (47, -1), "INVALID_PRODUCER_EPOCH");
    sender.epoch = 4;
    assert_eq!(sender.send(1, &["b"]), (45, -1), "OUT_OF_ORDER_SEQUENCE_NUMBER: a new epoch begins at 0");
    assert_eq!(sender.send(0, &["b"]), (0, 1));
}

#[test]
fn sequences_go_round_at_the_largest_number() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, None);
    // A producer that is not known may begin anywhere (KIP-360).
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    assert_eq!(sender.send(i32::MAX, &["last"]), (0, 0));
    assert_eq!(sender.send(0, &["first"]), (0, 1));
    assert_eq!(sender.send(i32::MAX, &["last"]), (0, 0), "a duplicate");
}

#[test]
fn producers_of_a_partition_are_described() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, None);
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    sender.send(0, &["a", "b", "c"]);
    let named = TopicRequest::default().with_name(topic("known")).with_partition_indexes(vec![0]);
    let response = client.call(0, &DescribeProducersRequest::default().with_topics(vec![named]));
    let found = &response.topics[0].partitions[0].active_producers;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].producer_id, found[0].producer_epoch, found[0].last_sequence), (producer(id), 0, 2));
    assert_eq!((found[0].current_txn_start_offset, found[0].coordinator_epoch), (-1, -1));
}

#[test]
fn ids_are_never_given_twice() {
    let broker = Broker::start();
    let mut client = broker.client();
    let ids: Vec<i64> = (0..50).map(|_| init_producer(&mut client, 0, None).0).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 50, "{ids:?}");
    // One of id and epoch without the other makes no sense.
    let half = InitProducerIdRequest::default().with_transactional_id(None).with_producer_id(producer(ids[0]));
    assert_eq!(client.call(5, &half).error_code, 42, "INVALID_REQUEST");
    let empty = InitProducerIdRequest::default().with_transaction_timeout_ms(1000);
    assert_eq!(client.call(5, &empty).error_code, 42, "INVALID_REQUEST: an empty transactional id");
}

#[test]
fn how_long_producers_are_remembered_changes_at_run_time() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, None);
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    assert_eq!(sender.send(0, &["a"]), (0, 0));
    let set = |client: &mut Client, ms: Option<&str>| {
        let operation = if ms.is_some() { 0 } else { 1 };
        alter(client, 4, "", &[("producer.id.expiration.ms", operation, ms)])
    };
    assert_eq!(active(&mut client), 1);
    assert_eq!(set(&mut client, Some("1")), (0, String::new()));
    eventually("the producer is forgotten", || active(&mut client) == 0);
    // What is set is in force after a restart, too; without it there is a day.
    broker.restart();
    let mut client = broker.client();
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    assert_eq!(sender.send(1, &["b"]).0, 0, "a producer that is not known may begin anywhere (KIP-360)");
    eventually("the producer is forgotten again", || active(&mut client) == 0);
    assert_eq!(set(&mut client, None), (0, String::new()));
    let mut sender = Producer { client: &mut client, to: &known, id, epoch };
    let mut sequence = 2;
    eventually("a gap is noticed, as the producer is remembered", || {
        sequence += 10;
        sender.send(sequence, &["c"]);
        sender.send(sequence + 7, &["d"]).0 == 45
    });
}

/// How many producers are remembered.
fn active(client: &mut Client) -> usize {
    let named = TopicRequest::default().with_name(topic("known")).with_partition_indexes(vec![0]);
    let response = client.call(0, &DescribeProducersRequest::default().with_topics(vec![named]));
    response.topics[0].partitions[0].active_producers.len()
}
