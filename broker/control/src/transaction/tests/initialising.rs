//! InitProducerId. Sources: TransactionCoordinatorTest, KIP-98, KIP-360, KIP-588.

use super::*;

#[test]
fn a_new_id_gets_the_fresh_producer_id_and_epoch_0() {
    let mut w = World::new();
    assert_eq!(w.init(), (101, 0));
    assert_eq!(w.state(), TransactionState::Empty);
}

#[test]
fn initialising_again_keeps_the_id_and_raises_the_epoch() {
    let mut w = World::new();
    w.init();
    assert_eq!(w.init(), (101, 1));
}

#[test]
fn timeouts_out_of_range_are_refused() {
    // TransactionStateManager.validateTransactionTimeoutMs; Flink's one hour is the known case.
    let mut w = World::new();
    for (timeout_ms, error) in [
        (0, ErrorCode::InvalidTransactionTimeout),
        (-1, ErrorCode::InvalidTransactionTimeout),
        (3_600_000, ErrorCode::InvalidTransactionTimeout),
        (900_000, ErrorCode::None),
    ] {
        let reply = w.run(Command::InitProducerId(InitProducerId {
            reply_to: ReplyTo(1),
            transactional_id: TX.into(),
            timeout_ms,
            expected: None,
            fresh_producer_id: ProducerId(1),
            wait_for_abort: true,
        }));
        assert!(matches!(reply, Some(Reply::InitProducerId { error: e, .. }) if e == error), "{timeout_ms}: {reply:?}");
    }
}

#[test]
fn an_empty_id_is_refused() {
    let mut w = World::new();
    let reply = w.run(Command::InitProducerId(InitProducerId {
        reply_to: ReplyTo(1),
        transactional_id: String::new(),
        timeout_ms: 1,
        expected: None,
        fresh_producer_id: ProducerId(1),
        wait_for_abort: true,
    }));
    assert!(matches!(reply, Some(Reply::InitProducerId { error: ErrorCode::InvalidRequest, .. })));
    assert!(w.machine.is_empty());
}

#[test]
fn an_open_transaction_is_aborted_and_the_asker_told_to_come_again() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    assert_eq!(w.init_as(None, false), (ErrorCode::ConcurrentTransactions, -1, -1));
    // The server's own version 2 abort raises the epoch, and shuts the old producer out thereby.
    let markers = w.markers.last().unwrap();
    assert!(!markers.commit);
    assert_eq!((markers.producer_epoch, markers.coordinator_epoch), (ProducerEpoch(1), 4));
    assert_eq!(w.state(), TransactionState::CompleteAbort);
    assert_eq!(w.init_as(None, false), (ErrorCode::None, id, 2));
    assert_eq!(w.end(id, epoch, true, V0).0, ErrorCode::ProducerFenced);
}

#[test]
fn an_asker_that_waits_gets_its_epoch_after_the_abort() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    assert_eq!(w.init_as(None, true), (ErrorCode::None, id, 2));
    assert_eq!(w.state(), TransactionState::Empty);
}

#[test]
fn while_markers_are_being_written_the_asker_must_come_again() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    w.hold_markers = true;
    w.end(id, epoch, true, V0);
    assert_eq!(w.init_as(None, true).0, ErrorCode::ConcurrentTransactions);
    w.release_markers();
    assert_eq!(w.init(), (id, 1));
}

#[test]
fn a_producer_that_names_itself_is_raised_and_its_retry_gets_the_same() {
    // KIP-360: expected epoch present -> bump; expected epoch the last one -> retry of a bump.
    let mut w = World::new();
    let (id, _) = w.init();
    assert_eq!(w.init_as(Some((id, 0)), true), (ErrorCode::None, id, 1));
    assert_eq!(w.init_as(Some((id, 0)), true), (ErrorCode::None, id, 1));
    assert_eq!(w.init_as(Some((id, 1)), true), (ErrorCode::None, id, 2));
    assert_eq!(w.init_as(Some((id, 0)), true).0, ErrorCode::ProducerFenced);
}

#[test]
fn a_producer_that_was_replaced_is_fenced() {
    let mut w = World::new();
    let (id, _) = w.init();
    assert_eq!(w.init(), (id, 1));
    assert_eq!(w.init_as(Some((id, 0)), true).0, ErrorCode::ProducerFenced);
    assert_eq!(w.init_as(Some((id + 7, 0)), true).0, ErrorCode::ProducerFenced);
}

#[test]
fn a_replaced_producer_is_fenced_when_it_comes_again() {
    // Kafka: prepareInitProducerIdTransit fences whoever has the transaction before it looks at the asker's epoch.
    let mut w = World::new();
    let (id, old) = w.init();
    let (_, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    assert_eq!(w.init_as(Some((id, old)), true).0, ErrorCode::ConcurrentTransactions);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
    assert_eq!(w.init_as(Some((id, old)), true).0, ErrorCode::ProducerFenced);
    assert_eq!(w.end(id, epoch, true, V2).0, ErrorCode::InvalidTxnState, "its successor's was aborted");
}

#[test]
fn an_unknown_id_lets_a_producer_recover_with_a_new_producer_id() {
    let mut w = World::new();
    assert_eq!(w.init_as(Some((5, 9)), true), (ErrorCode::None, 101, 0));
}

#[test]
fn used_up_epochs_bring_a_new_producer_id() {
    let mut w = World::new();
    let (id, _) = w.init();
    w.force_epoch(i16::MAX - 2);
    assert_eq!(w.init(), (id, i16::MAX - 1));
    let (new, epoch) = w.init();
    assert_ne!(new, id);
    assert_eq!(epoch, 0);
    // A retry by the producer that had the last epoch, which never saw the answer, is let through.
    let mut w = World::new();
    let (id, _) = w.init();
    w.force_epoch(i16::MAX - 1);
    let (error, new, epoch) = w.init_as(Some((id, i16::MAX - 1)), true);
    assert_eq!((error, epoch), (ErrorCode::None, 0));
    assert_eq!(w.init_as(Some((id, i16::MAX - 1)), true), (ErrorCode::None, new, 0));
}

#[test]
fn fencing_at_the_last_epoch_neither_overflows_nor_gives_it_away() {
    let mut w = World::new();
    let (id, _) = w.init();
    w.force_epoch(i16::MAX - 1);
    w.add(id, i16::MAX - 1, &[0], V0);
    let (error, new, epoch) = w.init_as(None, true);
    assert_eq!((error, epoch), (ErrorCode::None, 0));
    assert_ne!(new, id);
}

#[test]
fn the_epoch_kept_for_fencing_is_refused_when_a_client_makes_it_up() {
    let mut w = World::new();
    let (id, _) = w.init();
    w.force_epoch(i16::MAX - 1);
    w.add(id, i16::MAX - 1, &[0], V2);
    w.advance(60_001);
    assert_eq!(w.machine.entry(TX).unwrap().producer_epoch.0, i16::MAX);
    assert_eq!(w.add(id, i16::MAX, &[0], V2), ErrorCode::ProducerFenced);
    assert_eq!(w.end(id, i16::MAX, true, V2).0, ErrorCode::ProducerFenced);
    assert_eq!(w.end(id, i16::MAX, false, V0).0, ErrorCode::ProducerFenced);
    assert_eq!(w.init_as(Some((id, i16::MAX)), true).0, ErrorCode::ProducerFenced);
}

#[test]
fn more_ids_than_the_limit_are_refused() {
    let mut w = World::with_config(TransactionConfig { max_transactional_ids: 1, ..TransactionConfig::default() });
    w.init();
    let reply = w.run(Command::InitProducerId(InitProducerId {
        reply_to: ReplyTo(1),
        transactional_id: "another".into(),
        timeout_ms: 1,
        expected: None,
        fresh_producer_id: ProducerId(1),
        wait_for_abort: true,
    }));
    assert!(matches!(reply, Some(Reply::InitProducerId { error: ErrorCode::PolicyViolation, .. })));
    assert_eq!(w.init().1, 1, "the known id goes on");
}
