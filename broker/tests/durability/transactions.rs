//! What was decided of a transaction comes everywhere, whatever a disk does meanwhile.

use bytes::Bytes;
use forebay_storage::disk::Fault;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::*;

use crate::node::Node;
use crate::support::client::Client;
use crate::support::groups::fetch_offset;
use crate::support::records::{Origin, batch_of, values};
use crate::support::requests::{
    Topic, create_topic, end_txn, fetch_partition, fetch_request, init_error, init_producer, produce_in,
};
use crate::support::{eventually, group, producer, topic, transactional};

const OFFSETS: &str = "__consumer_offsets";
const TRANSACTIONS: &str = "__transaction_state";

fn records(id: i64, epoch: i16, values: &[&str]) -> Bytes {
    batch_of(Origin { id, epoch, sequence: 0, transactional: true }, values)
}

/// A transactional id whose coordinator's log lies in the folder of that number.
fn transactional_id_in(node: &Node, dir: usize) -> String {
    init_producer(&mut node.client(), 5, Some("makes the topic"));
    let rooms = node.rooms();
    let lies_there = |id: &String| {
        let number = rooms.transactions.partition_of(id).unwrap();
        rooms.partitions.dir_of(TRANSACTIONS, number) == Some(node.dir(dir))
    };
    (0..).map(|n| format!("payments-{n}")).find(lies_there).unwrap()
}

/// A group whose offsets lie in the folder of that number.
fn group_in(node: &Node, dir: usize) -> String {
    let rooms = node.rooms();
    let lies_there = |id: &String| {
        let number = rooms.groups.partition_of(id).unwrap();
        rooms.partitions.dir_of(OFFSETS, number) == Some(node.dir(dir))
    };
    (0..).map(|n| format!("readers-{n}")).find(lies_there).unwrap()
}

/// Begins a transaction with a record in one partition.
fn begin(client: &mut Client, txn: &str, to: &Topic, partition: i32) -> (i64, i16) {
    let (id, epoch) = init_producer(client, 5, Some(txn));
    let sent = produce_in(client, 13, to, partition, &records(id, epoch, &["kept"]), Some(txn));
    assert_eq!((sent.error_code, sent.base_offset), (0, 0));
    (id, epoch)
}

fn commit_offset(client: &mut Client, txn: &str, (id, epoch): (i64, i16), readers: &str, offset: i64) -> i16 {
    let partition = TxnOffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(offset);
    let named = TxnOffsetCommitRequestTopic::default().with_name(topic("known")).with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(transactional(txn))
        .with_group_id(group(readers))
        .with_producer_id(producer(id))
        .with_producer_epoch(epoch)
        .with_topics(vec![named]);
    client.call(5, &request).topics[0].partitions[0].error_code
}

/// Starts it again with a folder that cannot be opened, and once more with all.
fn restart_without_and_with(node: &mut Node, dir: usize, without: impl FnOnce(&Node)) {
    node.stop();
    node.disk.inject(&node.dir(dir), Fault::EverythingFails);
    node.try_run().unwrap();
    without(node);
    node.stop();
    node.disk.heal_all();
    node.try_run().unwrap();
}

#[test]
fn a_marker_for_a_folder_that_is_away_is_written_when_it_is_back() {
    let mut node = Node::start(2, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let away = node.partition_in(&node.dir(1), &known, 2);
    let txn = transactional_id_in(&node, 0);
    let (id, epoch) = begin(&mut client, &txn, &known, away);
    node.disk.inject(&node.dir(1), Fault::EverythingFails);
    assert_eq!(end_txn(&mut client, 5, &txn, id, epoch, true).error_code, 0, "it is decided");
    restart_without_and_with(&mut node, 1, |node| {
        assert_eq!(init_error(&mut node.client(), &txn), 51, "CONCURRENT_TRANSACTIONS: it is not ended");
    });
    eventually("the transaction ends", || node.offsets_of("known", away) == (0, 2, 2));
    let read = fetch_request(13, &known, vec![fetch_partition(away, 0)]).with_isolation_level(1);
    let read = node.client().call(13, &read).responses.remove(0).partitions.remove(0);
    assert_eq!(read.aborted_transactions, Some(vec![]));
    assert_eq!(values(read.records.unwrap()), [(0, "kept".to_owned())]);
}

#[test]
fn offsets_in_a_folder_that_is_away_are_committed_when_it_is_back() {
    let mut node = Node::start(2, &[]);
    let mut client = node.client();
    create_topic(&mut client, "known", 1, &[]);
    let (txn, readers) = (transactional_id_in(&node, 0), group_in(&node, 1));
    let (id, epoch) = init_producer(&mut client, 5, Some(&txn));
    assert_eq!(commit_offset(&mut client, &txn, (id, epoch), &readers, 10), 0);
    node.disk.inject(&node.dir(1), Fault::EverythingFails);
    assert_eq!(end_txn(&mut client, 5, &txn, id, epoch, true).error_code, 0, "it is decided");
    restart_without_and_with(&mut node, 1, |node| {
        assert_eq!(init_error(&mut node.client(), &txn), 51, "CONCURRENT_TRANSACTIONS: it is not ended");
    });
    let mut client = node.client();
    eventually("the offset is in force", || {
        let found = fetch_offset(&mut client, &readers, ("known", 0), true);
        assert!([0, 88].contains(&found.error_code), "UNSTABLE_OFFSET_COMMIT until then");
        found.committed_offset == 10
    });
}

#[test]
fn a_producer_that_waits_for_an_abort_hears_when_the_coordinators_disk_fails() {
    let node = Node::start(2, &["log.flush.interval.messages=1"]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let good = node.partition_in(&node.dir(0), &known, 2);
    let txn = transactional_id_in(&node, 1);
    begin(&mut client, &txn, &known, good);
    // Its successor's abort is appended, and is not on disk when the folder fails.
    node.disk.hold_syncs(&node.dir(1));
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(&txn)))
        .with_transaction_timeout_ms(60_000);
    let sent = client.send(5, &request);
    node.disk.await_held_syncs(1);
    node.rooms().partitions.dir_failed(&node.dir(1), "it was unplugged");
    assert_eq!(client.receive(sent).error_code, 15, "COORDINATOR_NOT_AVAILABLE");
}

#[test]
fn a_marker_that_its_partition_refuses_for_good_holds_up_nobody() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let (id, epoch) = begin(&mut client, "payments", &known, 0);
    assert_eq!(produce_in(&mut client, 13, &known, 1, &records(id, epoch, &["kept"]), Some("payments")).error_code, 0);
    // Somebody has ended it in one partition as a coordinator of a later epoch.
    let named = WritableTxnMarkerTopic::default().with_name(topic("known")).with_partition_indexes(vec![0]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(producer(id))
        .with_producer_epoch(epoch)
        .with_coordinator_epoch(7)
        .with_transaction_result(false)
        .with_topics(vec![named]);
    let ended = client.call(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker]));
    assert_eq!(ended.markers[0].topics[0].partitions[0].error_code, 0);
    assert_eq!(end_txn(&mut client, 5, "payments", id, epoch, true).error_code, 0);
    assert_eq!(node.offsets_of("known", 0), (0, 2, 2), "no second marker");
    eventually("the other has its marker", || node.offsets_of("known", 1) == (0, 2, 2));
    eventually("the id goes on", || init_error(&mut client, "payments") == 0);
}

#[test]
fn a_marker_counts_as_unwritten_until_it_is_on_disk() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 1, &[("flush.messages", "1")]);
    let (id, epoch) = begin(&mut client, "payments", &known, 0);
    node.fill("known", 0);
    assert_eq!(end_txn(&mut client, 5, "payments", id, epoch, true).error_code, 0, "it is decided");
    let unwritten = || node.rooms().transactions.has_unwritten("payments");
    assert!(unwritten());
    node.disk.hold_syncs(&node.log_of(&known, 0));
    node.disk.heal_all();
    node.disk.await_held_syncs(1);
    assert!(unwritten(), "it is being written");
    node.disk.let_syncs_go();
    eventually("it is written", || !unwritten());
    assert_eq!(node.offsets_of("known", 0), (0, 2, 2));
}

#[test]
fn a_transaction_whose_time_is_over_while_the_disk_is_full_ends_when_there_is_room() {
    const TIMEOUT_MS: i32 = 1_000;
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional("payments")))
        .with_transaction_timeout_ms(TIMEOUT_MS);
    let begun = client.call(5, &request);
    node.fill(TRANSACTIONS, 0);
    node.disk.heal_all();
    let batch = records(begun.producer_id.0, begun.producer_epoch, &["open"]);
    assert_eq!(produce_in(&mut client, 13, &known, 0, &batch, Some("payments")).error_code, 0);
    node.fill(TRANSACTIONS, 0);
    node.disk.forget_counts();
    // On a machine that was too slow the time was over before: then the disk was never in the way, and it must end all the same.
    let aborted = || node.offsets_of("known", 0) == (0, 2, 2);
    eventually("its end finds no room", || node.disk.refused(&node.dir(0)) > 0 || aborted());
    node.disk.heal_all();
    eventually("it is aborted", aborted);
}
