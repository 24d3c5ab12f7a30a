//! Offsets committed with a transaction.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit, fetch_offset, lone_member};
use crate::support::requests::{create_topic, end_txn, init_producer};
use crate::support::{Broker, group, producer, text, topic, transactional};

const TXN: &str = "copier";
const GROUP: &str = "readers";

fn commit_request(id: i64, epoch: i16, offset: i64) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(0)
        .with_committed_metadata(Some(text("m")));
    let named = TxnOffsetCommitRequestTopic::default().with_name(topic("known")).with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(transactional(TXN))
        .with_group_id(group(GROUP))
        .with_producer_id(producer(id))
        .with_producer_epoch(epoch)
        .with_topics(vec![named])
}

fn send(client: &mut Client, version: i16, request: &TxnOffsetCommitRequest) -> i16 {
    client.call(version, request).topics[0].partitions[0].error_code
}

fn add_offsets(client: &mut Client, id: i64, epoch: i16) -> i16 {
    let request = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional(TXN))
        .with_producer_id(producer(id))
        .with_producer_epoch(epoch)
        .with_group_id(group(GROUP));
    client.call(3, &request).error_code
}

#[test]
fn offsets_count_when_the_transaction_commits() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    assert_eq!(commit(&mut client, GROUP, (-1, ""), ("known", 0, 3)), 0);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    // From version 5 on the group's partition becomes part of the transaction by itself (KIP-890).
    assert_eq!(send(&mut client, 5, &commit_request(id, epoch, 10)), 0);
    let pending = fetch_offset(&mut client, GROUP, ("known", 0), true);
    assert_eq!((pending.error_code, pending.committed_offset), (88, -1), "UNSTABLE_OFFSET_COMMIT");
    let loose = fetch_offset(&mut client, GROUP, ("known", 0), false);
    assert_eq!((loose.error_code, loose.committed_offset), (0, 3), "what was committed before");
    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch, true).error_code, 0);
    let stable = fetch_offset(&mut client, GROUP, ("known", 0), true);
    assert_eq!((stable.error_code, stable.committed_offset, stable.metadata), (0, 10, Some(text("m"))));
}

#[test]
fn offsets_are_forgotten_when_the_transaction_aborts() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    assert_eq!(send(&mut client, 5, &commit_request(id, epoch, 10)), 0);
    assert_eq!(end_txn(&mut client, 5, TXN, id, epoch, false).error_code, 0);
    let stable = fetch_offset(&mut client, GROUP, ("known", 0), true);
    assert_eq!((stable.error_code, stable.committed_offset), (0, -1));
    let late = send(&mut client, 5, &commit_request(id, epoch, 11));
    assert_eq!(late, 47, "INVALID_PRODUCER_EPOCH: the transaction's end moved the epoch");
}

#[test]
fn in_the_old_protocol_the_group_is_added_first() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (id, epoch) = init_producer(&mut client, 4, Some(TXN));
    assert_eq!(send(&mut client, 3, &commit_request(id, epoch, 10)), 48, "INVALID_TXN_STATE");
    assert_eq!(send(&mut client, 4, &commit_request(id, epoch, 10)), 120, "TRANSACTION_ABORTABLE");
    assert_eq!(add_offsets(&mut client, id, epoch), 0);
    assert_eq!(send(&mut client, 3, &commit_request(id, epoch, 10)), 0);
    assert_eq!(end_txn(&mut client, 3, TXN, id, epoch, true).error_code, 0);
    assert_eq!(fetch_offset(&mut client, GROUP, ("known", 0), true).committed_offset, 10);
}

#[test]
fn a_commit_says_which_member_it_comes_from() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, GROUP);
    let (id, epoch) = init_producer(&mut client, 5, Some(TXN));
    let of = |generation, member: &str| {
        commit_request(id, epoch, 10).with_generation_id(generation).with_member_id(text(member))
    };
    assert_eq!(send(&mut client, 5, &of(generation, "nobody")), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(send(&mut client, 5, &of(generation + 1, &member)), 22, "ILLEGAL_GENERATION");
    let stranger = of(generation, &member).with_group_instance_id(Some(text("stranger")));
    assert_eq!(send(&mut client, 5, &stranger), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(send(&mut client, 5, &of(generation, &member)), 0);
}
