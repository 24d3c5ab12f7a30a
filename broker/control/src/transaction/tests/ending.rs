//! EndTxn below version 5, and of jobs inside the broker. Source: TransactionCoordinatorTest, endTransactionWithTV1.

use super::*;

const OK: (ErrorCode, i64, i16) = (ErrorCode::None, -1, -1);

#[test]
fn commit_writes_markers_to_every_partition_and_keeps_the_epoch() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[1, 0], V0);
    w.add_offsets(id, epoch, 3);
    assert_eq!(w.end(id, epoch, true, V0), OK);
    let markers = w.markers.last().unwrap();
    assert!(markers.commit);
    assert_eq!((markers.producer_id.0, markers.producer_epoch.0), (id, epoch));
    let topics: Vec<_> = markers.partitions.iter().map(ToString::to_string).collect();
    assert_eq!(topics, ["__consumer_offsets-3", "t-0", "t-1"]);
    assert_eq!(w.state(), TransactionState::CompleteCommit);
    assert_eq!(w.add(id, epoch, &[0], V0), ErrorCode::None, "the same epoch goes on");
}

#[test]
fn a_repeated_end_gets_the_same_answer_and_the_opposite_one_is_refused() {
    for commit in [true, false] {
        let mut w = World::new();
        let (id, epoch) = w.init();
        w.add(id, epoch, &[0], V0);
        w.hold_markers = true;
        assert_eq!(w.end(id, epoch, commit, V0), OK);
        assert_eq!(w.end(id, epoch, commit, V0).0, ErrorCode::ConcurrentTransactions);
        assert_eq!(w.end(id, epoch, !commit, V0).0, ErrorCode::InvalidTxnState);
        w.release_markers();
        assert_eq!(w.end(id, epoch, commit, V0), OK);
        assert_eq!(w.end(id, epoch, !commit, V0).0, ErrorCode::InvalidTxnState);
        assert_eq!(w.markers.len(), 1);
    }
}

#[test]
fn nothing_can_be_ended_before_it_began() {
    let mut w = World::new();
    assert_eq!(w.end(1, 0, true, V0).0, ErrorCode::InvalidProducerIdMapping);
    let (id, epoch) = w.init();
    assert_eq!(w.end(id, epoch, true, V0).0, ErrorCode::InvalidTxnState);
    assert_eq!(w.end(id, epoch, false, V0).0, ErrorCode::InvalidTxnState);
}

#[test]
fn any_other_epoch_is_fenced() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    assert_eq!(w.end(id, epoch + 1, true, V0).0, ErrorCode::ProducerFenced);
    assert_eq!(w.end(id, epoch - 1, true, V0).0, ErrorCode::ProducerFenced);
    assert_eq!(w.end(id + 1, epoch, true, V0).0, ErrorCode::InvalidProducerIdMapping);
    assert_eq!(w.state(), TransactionState::Ongoing);
}

#[test]
fn markers_said_to_be_written_twice_change_nothing() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    w.end(id, epoch, true, V0);
    w.add(id, epoch, &[1], V0);
    let stale = w.markers[0].written();
    let written = w.log.len();
    w.run(stale);
    assert_eq!((w.log.len(), w.state()), (written, TransactionState::Ongoing));
}
