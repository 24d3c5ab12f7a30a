//! AddPartitionsToTxn, AddOffsetsToTxn and verification. Sources: TransactionCoordinatorTest, KIP-447, KIP-890.

use super::*;

#[test]
fn adding_begins_a_transaction_and_adds_up() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    assert_eq!(w.add(id, epoch, &[0], V0), ErrorCode::None);
    let started = w.machine.entry(TX).unwrap().started;
    assert_eq!(started, w.now);
    w.advance(5);
    assert_eq!(w.add(id, epoch, &[1], V0), ErrorCode::None);
    assert_eq!(w.add_offsets(id, epoch, 17), ErrorCode::None);
    let entry = w.machine.entry(TX).unwrap();
    assert_eq!(entry.started, started);
    let expected =
        [TopicPartition::new(CONSUMER_OFFSETS_TOPIC, 17), TopicPartition::new("t", 0), TopicPartition::new("t", 1)];
    assert_eq!(entry.partitions, expected.into());
    assert_eq!(w.state(), TransactionState::Ongoing);
}

#[test]
fn adding_what_is_there_writes_nothing() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0, 1], V0);
    let written = w.log.len();
    assert_eq!(w.add(id, epoch, &[1], V0), ErrorCode::None);
    assert_eq!(w.log.len(), written);
}

#[test]
fn the_wrong_producer_is_refused() {
    let mut w = World::new();
    assert_eq!(w.add(1, 0, &[0], V0), ErrorCode::InvalidProducerIdMapping);
    let (id, epoch) = w.init();
    assert_eq!(w.add(id + 1, epoch, &[0], V0), ErrorCode::InvalidProducerIdMapping);
    assert_eq!(w.add(id, epoch - 1, &[0], V0), ErrorCode::ProducerFenced);
    assert_eq!(w.add(id, epoch + 1, &[0], V0), ErrorCode::ProducerFenced);
    assert_eq!(w.state(), TransactionState::Empty);
}

#[test]
fn while_the_last_transaction_ends_a_new_one_waits() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    w.hold_markers = true;
    w.end(id, epoch, true, V0);
    assert_eq!(w.add(id, epoch, &[1], V0), ErrorCode::ConcurrentTransactions);
    w.release_markers();
    assert_eq!(w.add(id, epoch, &[1], V0), ErrorCode::None);
    assert_eq!(w.machine.entry(TX).unwrap().partitions.len(), 1, "the ended transaction's partitions are gone");
}

#[test]
fn only_partitions_of_the_open_transaction_verify() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    let verify = |w: &World, id: i64, epoch: i16, p: i32| {
        w.machine.verify_partition(TX, ProducerId(id), ProducerEpoch(epoch), &TopicPartition::new("t", p))
    };
    assert_eq!(verify(&w, id, epoch, 0), ErrorCode::None);
    assert_eq!(verify(&w, id, epoch, 1), ErrorCode::TransactionAbortable);
    assert_eq!(verify(&w, id, epoch + 1, 0), ErrorCode::ProducerFenced);
    assert_eq!(verify(&w, id + 1, epoch, 0), ErrorCode::InvalidProducerIdMapping);
    w.hold_markers = true;
    w.end(id, epoch, true, V0);
    assert_eq!(verify(&w, id, epoch, 0), ErrorCode::ConcurrentTransactions);
    w.release_markers();
    assert_eq!(verify(&w, id, epoch, 0), ErrorCode::TransactionAbortable);
}

#[test]
fn a_transaction_has_a_largest_number_of_partitions() {
    let mut w =
        World::with_config(TransactionConfig { max_partitions_per_transaction: 2, ..TransactionConfig::default() });
    let (id, epoch) = w.init();
    assert_eq!(w.add(id, epoch, &[0, 1], V0), ErrorCode::None);
    assert_eq!(w.add(id, epoch, &[2], V0), ErrorCode::PolicyViolation);
    assert_eq!(w.machine.entry(TX).unwrap().partitions.len(), 2);
}
