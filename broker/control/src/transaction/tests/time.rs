//! Timeouts and expiration. Sources: TransactionCoordinatorTest.shouldAbortExpiredTransactionsInOngoingStateAndBumpEpoch,
//! TransactionStateManagerTest (expiration).

use super::*;

#[test]
fn a_transaction_that_is_open_too_long_is_aborted_and_its_producer_fenced() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    w.advance(60_000);
    assert_eq!(w.state(), TransactionState::Ongoing, "not before its time is over");
    w.advance(1);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
    assert_eq!(w.machine.entry(TX).unwrap().producer_epoch.0, epoch + 1);
    assert_eq!(w.end(id, epoch, true, V0).0, ErrorCode::ProducerFenced);
    assert_eq!(w.end(id, epoch, true, V2).0, ErrorCode::InvalidTxnState);
    // Apache Kafka 4.3.1: its own abort is what has become of it already.
    assert_eq!(w.end(id, epoch, false, V2).0, ErrorCode::None);
    // KIP-588: the producer recovers by initialising itself without being taken for a zombie, if it was not replaced.
    assert_eq!(w.init_as(Some((id, epoch)), true), (ErrorCode::None, id, epoch + 1));
    assert_eq!(w.init(), (id, epoch + 2));
}

#[test]
fn later_partitions_do_not_prolong_a_transaction() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    w.advance(59_000);
    w.add(id, epoch, &[1], V2);
    w.advance(1_001);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
}

#[test]
fn the_timer_of_an_ended_transaction_means_nothing_for_the_next() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    w.advance(40_000);
    w.end(id, epoch, true, V0);
    w.add(id, epoch, &[0], V0);
    w.advance(40_000);
    assert_eq!(w.state(), TransactionState::Ongoing);
    w.advance(20_001);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
}

#[test]
fn unused_ids_are_forgotten_and_open_ones_kept() {
    let mut w = World::new();
    let decision = w.machine.on_loaded(w.now);
    w.carry_out(decision);
    w.init();
    let day = 86_400_000;
    w.advance(6 * day);
    assert_eq!(w.machine.len(), 1);
    w.advance(day + 3_600_000);
    assert!(w.machine.is_empty());
    assert_eq!(w.log.last().unwrap().value, None, "a tombstone");
    assert!(w.replayed().is_empty());
    assert_eq!(w.init().1, 0);
}

#[test]
fn use_keeps_an_id() {
    let mut w = World::new();
    let decision = w.machine.on_loaded(w.now);
    w.carry_out(decision);
    let (id, epoch) = w.init();
    let day = 86_400_000;
    w.advance(6 * day);
    w.add(id, epoch, &[0], V0);
    w.end(id, epoch, true, V0);
    w.advance(6 * day);
    assert_eq!(w.machine.len(), 1);
}
