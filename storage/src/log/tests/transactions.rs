//! Idempotent producers and transactions, as KIP-98, KIP-360 and KIP-890 want them.

use super::*;

fn send(log: &mut Log, stamp: &BatchStamp, values: &[&str]) -> Result<AppendOutcome, AppendError> {
    let outcome = log.append(stamped(values, stamp), in_transaction());
    log.set_high_watermark(log.log_end_offset());
    outcome
}

fn end(log: &mut Log, id: i64, epoch: i16, kind: ControlKind) -> AppendOutcome {
    append(log, marker(id, epoch, kind), as_coordinator())
}

#[test]
fn the_last_five_batches_may_be_repeated() {
    let mut log = new_log(LogConfig::default());
    for sequence in 0..6 {
        send(&mut log, &stamp(1, 0, 2 * sequence), &["a", "b"]).unwrap();
    }
    for sequence in 1..6 {
        let again = send(&mut log, &stamp(1, 0, 2 * sequence), &["a", "b"]).unwrap();
        assert!(again.duplicate);
        assert_eq!((again.base_offset.0, again.last_offset.0), (2 * i64::from(sequence), 2 * i64::from(sequence) + 1));
        assert_eq!(again.log_append_time, NOW.plus_ms(1), "the newest time of the batch that is there");
    }
    assert!(matches!(send(&mut log, &stamp(1, 0, 0), &["a", "b"]), Err(AppendError::OutOfOrderSequence(_))));
    // Another length from the same sequence is no repetition.
    assert!(matches!(send(&mut log, &stamp(1, 0, 10), &["a"]), Err(AppendError::OutOfOrderSequence(_))));
    assert_eq!(log.log_end_offset(), Offset(12));
}

#[test]
fn sequences_have_no_gaps_and_wrap() {
    let mut log = new_log(LogConfig::default());
    // An unknown producer may begin anywhere (KIP-360).
    send(&mut log, &stamp(1, 0, i32::MAX - 1), &["a", "b"]).unwrap();
    assert!(matches!(send(&mut log, &stamp(1, 0, 1), &["x"]), Err(AppendError::OutOfOrderSequence(_))));
    send(&mut log, &stamp(1, 0, 0), &["c"]).unwrap();
    let again = send(&mut log, &stamp(1, 0, i32::MAX - 1), &["a", "b"]).unwrap();
    assert!(again.duplicate);
    // A batch that wraps inside.
    send(&mut log, &stamp(2, 0, i32::MAX), &["a", "b"]).unwrap();
    send(&mut log, &stamp(2, 0, 1), &["c"]).unwrap();
    assert!(send(&mut log, &stamp(2, 0, i32::MAX), &["a", "b"]).unwrap().duplicate);
}

#[test]
fn a_new_epoch_begins_at_zero_and_fences_the_old() {
    let mut log = new_log(LogConfig::default());
    send(&mut log, &stamp(1, 3, 0), &["a"]).unwrap();
    assert!(matches!(send(&mut log, &stamp(1, 4, 1), &["x"]), Err(AppendError::OutOfOrderSequence(_))));
    send(&mut log, &stamp(1, 4, 0), &["b"]).unwrap();
    assert!(matches!(send(&mut log, &stamp(1, 3, 1), &["x"]), Err(AppendError::InvalidProducerEpoch(_))));
    let info = log.active_producers()[0];
    assert_eq!((info.producer_epoch, info.last_sequence), (ProducerEpoch(4), Sequence(0)));
}

#[test]
fn a_transaction_begins_only_when_verified() {
    let mut log = new_log(LogConfig::default());
    let refused = log.append(stamped(&["a"], &transactional(1, 0, 0)), as_client());
    assert!(matches!(refused, Err(AppendError::InvalidTxnState(_))));
    send(&mut log, &transactional(1, 0, 0), &["a"]).unwrap();
    append(&mut log, stamped(&["b"], &transactional(1, 0, 1)), as_client());
    // The open transaction of the old epoch is not that of the new one.
    let refused = log.append(stamped(&["c"], &transactional(1, 1, 0)), as_client());
    assert!(matches!(refused, Err(AppendError::InvalidTxnState(_))));
    // No data outside of the open transaction.
    assert!(matches!(send(&mut log, &stamp(1, 0, 2), &["x"]), Err(AppendError::InvalidTxnState(_))));
}

#[test]
fn the_stable_offset_waits_for_the_first_open_transaction() {
    let mut log = new_log(LogConfig::default());
    append(&mut log, plain(&["0"]), as_client());
    assert_eq!(log.last_stable_offset(), Offset(1));
    send(&mut log, &transactional(1, 0, 0), &["1", "2"]).unwrap();
    send(&mut log, &transactional(2, 0, 0), &["3"]).unwrap();
    append(&mut log, plain(&["4"]), as_client());
    assert_eq!(log.last_stable_offset(), Offset(1));
    assert!(log.has_ongoing_transaction(ProducerId(1)) && log.has_ongoing_transaction(ProducerId(2)));
    end(&mut log, 1, 0, ControlKind::Commit);
    assert_eq!(log.last_stable_offset(), Offset(3));
    assert!(!log.has_ongoing_transaction(ProducerId(1)));
    // The marker counts when it is replicated.
    log.append(marker(2, 0, ControlKind::Abort), as_coordinator()).unwrap();
    assert_eq!(log.last_stable_offset(), Offset(3));
    log.set_high_watermark(log.log_end_offset());
    assert_eq!(log.last_stable_offset(), Offset(7));
}

#[test]
fn aborted_transactions_are_listed() {
    let mut log = new_log(small_segments());
    send(&mut log, &transactional(1, 0, 0), &["0", "1"]).unwrap();
    send(&mut log, &transactional(2, 0, 0), &["2"]).unwrap();
    end(&mut log, 2, 0, ControlKind::Abort); // at 3
    end(&mut log, 1, 0, ControlKind::Abort); // at 4
    send(&mut log, &transactional(3, 0, 0), &["5"]).unwrap();
    end(&mut log, 3, 0, ControlKind::Commit); // at 6
    send(&mut log, &transactional(1, 0, 2), &["7"]).unwrap();
    end(&mut log, 1, 0, ControlKind::Abort); // at 8
    assert!(log.segment_count() > 1, "the list is to cross segments");
    let list = |from, to| {
        let found = log.aborted_transactions(Offset(from), Offset(to)).unwrap();
        found.iter().map(|a| (a.producer_id.0, a.first_offset.0, a.last_offset.0)).collect::<Vec<_>>()
    };
    assert_eq!(list(0, 9), [(2, 2, 3), (1, 0, 4), (1, 7, 8)]);
    assert_eq!(list(0, 1), [(1, 0, 4)]);
    assert_eq!(list(4, 6), [(1, 0, 4)]);
    assert_eq!(list(5, 7), []);
    assert_eq!(list(8, 9), [(1, 7, 8)]);
    let stable: Vec<_> = log.aborted_transactions(Offset(0), Offset(9)).unwrap();
    assert_eq!(stable.iter().map(|a| a.last_stable_offset.0).collect::<Vec<_>>(), [0, 5, 9]);
}

#[test]
fn old_coordinators_and_old_epochs_cannot_end_a_transaction() {
    let mut log = new_log(LogConfig::default());
    send(&mut log, &transactional(1, 5, 0), &["a"]).unwrap();
    let mark = |epoch, coordinator_epoch| {
        ControlRecord { kind: ControlKind::Commit, coordinator_epoch }.encode(ProducerId(1), ProducerEpoch(epoch), NOW)
    };
    assert!(matches!(log.append(mark(4, 9), as_coordinator()), Err(AppendError::InvalidProducerEpoch(_))));
    append(&mut log, mark(6, 9), as_coordinator());
    let refused = log.append(mark(6, 8), as_coordinator());
    assert!(matches!(refused, Err(AppendError::TransactionCoordinatorFenced(_))));
    let info = log.active_producers()[0];
    assert_eq!((info.producer_epoch, info.coordinator_epoch), (ProducerEpoch(6), 9));
    assert_eq!((info.last_sequence, info.current_txn_start_offset), (Sequence::NONE, None));
    // The marker bumped the epoch (KIP-890): the next transaction begins at 0 in it.
    send(&mut log, &transactional(1, 6, 0), &["b"]).unwrap();
}

#[test]
fn idle_producers_are_forgotten_unless_in_a_transaction() {
    let mut log = new_log(LogConfig::default());
    send(&mut log, &stamp(1, 0, 0), &["a"]).unwrap();
    send(&mut log, &transactional(2, 0, 0), &["b"]).unwrap();
    log.expire_producers(NOW.plus_ms(999), 1000);
    assert_eq!(log.active_producers().len(), 2);
    log.expire_producers(NOW.plus_ms(1000), 1000);
    assert_eq!(log.active_producers().iter().map(|p| p.producer_id.0).collect::<Vec<_>>(), [2]);
    assert!(!log.has_hanging_transaction(NOW.plus_ms(301_000), 1000));
    assert!(log.has_hanging_transaction(NOW.plus_ms(301_001), 1000));
}

#[test]
fn coordinators_write_without_sequences() {
    let mut log = new_log(LogConfig::default());
    let batch = stamped(&["offset"], &transactional(1, 0, -1));
    append(&mut log, batch.clone(), as_coordinator());
    append(&mut log, batch, as_coordinator());
    assert_eq!(log.last_stable_offset(), Offset(0));
    end(&mut log, 1, 0, ControlKind::Commit);
    assert_eq!(log.last_stable_offset(), Offset(3));
}
