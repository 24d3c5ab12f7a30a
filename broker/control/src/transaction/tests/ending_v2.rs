//! EndTxn from version 5 on. Source: KIP-890, the table in TransactionCoordinator.endTransaction.

use super::*;

#[test]
fn every_end_raises_the_epoch_and_the_markers_carry_the_new_one() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    assert_eq!(w.end(id, epoch, true, V2), (ErrorCode::None, id, epoch + 1));
    assert_eq!(w.markers.last().unwrap().producer_epoch.0, epoch + 1);
    assert_eq!(w.add(id, epoch, &[0], V2), ErrorCode::ProducerFenced, "a late append cannot begin a new transaction");
    assert_eq!(w.add(id, epoch + 1, &[0], V2), ErrorCode::None);
}

/// The state in which the call is made, whether it commits, whether it is a retry, and Kafka's answer; `None` means the epoch rises.
fn table() -> [(TransactionState, bool, bool, Option<ErrorCode>); 12] {
    use ErrorCode::{InvalidTxnState as Its, None as Done, ProducerFenced as Fenced};
    use TransactionState::{CompleteAbort, CompleteCommit, Empty};
    [
        (Empty, false, true, Some(Fenced)),
        (Empty, false, false, None),
        (Empty, true, true, Some(Fenced)),
        (Empty, true, false, Some(Its)),
        (CompleteAbort, false, true, Some(Done)),
        (CompleteAbort, false, false, None),
        (CompleteAbort, true, true, Some(Its)),
        (CompleteAbort, true, false, Some(Its)),
        (CompleteCommit, false, true, Some(Its)),
        (CompleteCommit, false, false, None),
        (CompleteCommit, true, true, Some(Done)),
        (CompleteCommit, true, false, Some(Its)),
    ]
}

#[test]
fn the_table_holds() {
    for (state, commit, retry, expected) in table() {
        let mut w = World::new();
        let (id, mut epoch) = w.init();
        if state == TransactionState::Empty {
            epoch = w.init().1;
        } else {
            w.add(id, epoch, &[0], V2);
            epoch = w.end(id, epoch, state == TransactionState::CompleteCommit, V2).2;
        }
        assert_eq!(w.state(), state);
        let answer = w.end(id, if retry { epoch - 1 } else { epoch }, commit, V2);
        let case = format!("{state}, commit {commit}, retry {retry}");
        match expected {
            None => assert_eq!(answer, (ErrorCode::None, id, epoch + 1), "{case}"),
            Some(ErrorCode::None) => assert_eq!(answer, (ErrorCode::None, id, epoch), "{case}"),
            Some(error) => assert_eq!(answer, (error, -1, -1), "{case}"),
        }
    }
}

#[test]
fn a_retry_before_the_markers_are_written_must_wait() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    w.hold_markers = true;
    assert_eq!(w.end(id, epoch, true, V2), (ErrorCode::None, id, epoch + 1));
    assert_eq!(w.end(id, epoch, true, V2).0, ErrorCode::ConcurrentTransactions);
    assert_eq!(w.end(id, epoch, false, V2).0, ErrorCode::InvalidTxnState);
    assert_eq!(w.end(id, epoch + 1, true, V2).0, ErrorCode::ProducerFenced);
    w.release_markers();
    assert_eq!(w.end(id, epoch, true, V2), (ErrorCode::None, id, epoch + 1));
}

#[test]
fn an_abort_without_partitions_needs_a_start_time_and_no_marker() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    assert_eq!(w.end(id, epoch, false, V2), (ErrorCode::None, id, epoch + 1));
    assert!(w.markers.last().unwrap().partitions.is_empty());
    assert_eq!(w.machine.entry(TX).unwrap().started, w.now);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
}

#[test]
fn the_last_epoch_is_followed_by_a_new_producer_id() {
    let mut w = World::new();
    let (id, _) = w.init();
    let last = i16::MAX - 1;
    w.force_epoch(last);
    w.add(id, last, &[0], V2);
    let (error, new, epoch) = w.end(id, last, true, V2);
    assert_eq!((error, epoch), (ErrorCode::None, 0));
    assert_ne!(new, id);
    let markers = w.markers.last().unwrap();
    assert_eq!((markers.producer_id.0, markers.producer_epoch.0), (id, i16::MAX), "the old id's transaction is ended");
    assert_eq!(w.end(id, last, true, V2), (ErrorCode::None, new, 0), "its retry is recognised");
    assert_eq!(w.end(id, last, false, V2).0, ErrorCode::InvalidTxnState);
    assert_eq!(w.add(new, 0, &[0], V2), ErrorCode::None);
    assert_eq!(w.add(id, last, &[0], V2), ErrorCode::InvalidProducerIdMapping);
}

#[test]
fn api_versions_speak_kafkas_transaction_versions() {
    assert_eq!(TransactionVersion::of_end_txn(4), V0);
    assert_eq!(TransactionVersion::of_end_txn(5), V2);
    assert_eq!(TransactionVersion::of_add_partitions(3), V0);
    assert_eq!(TransactionVersion::of_add_partitions(4), V2);
}
