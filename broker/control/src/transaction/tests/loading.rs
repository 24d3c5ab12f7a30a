//! What a coordinator does once its log is replayed, and what it shows. Sources: TransactionStateManagerTest, KIP-664, KIP-994.

use super::*;

#[test]
fn decided_transactions_are_finished_after_a_restart() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0, 2], V2);
    w.hold_markers = true;
    w.end(id, epoch, true, V2);
    let machine = w.replayed();
    let decision = machine.on_loaded(w.now);
    let [Effect::WriteMarkers(markers)] = &decision.effects[..] else { panic!("{decision:?}") };
    assert_eq!(markers.coordinator_epoch, 5, "of the new leader");
    assert_eq!((markers.commit, markers.partitions.len(), markers.producer_epoch.0), (true, 2, epoch + 1));
    w.machine = machine;
    w.hold_markers = false;
    w.carry_out(decision);
    assert_eq!(w.state(), TransactionState::CompleteCommit);
}

#[test]
fn a_used_up_epoch_survives_a_restart_between_decision_and_markers() {
    let mut w = World::new();
    let (id, _) = w.init();
    w.force_epoch(i16::MAX - 1);
    w.add(id, i16::MAX - 1, &[0], V2);
    w.hold_markers = true;
    let (_, new, _) = w.end(id, i16::MAX - 1, true, V2);
    w.machine = w.replayed();
    w.hold_markers = false;
    let decision = w.machine.on_loaded(w.now);
    w.carry_out(decision);
    assert_eq!(w.add(new, 0, &[0], V2), ErrorCode::None);
}

#[test]
fn open_transactions_keep_their_deadline() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V2);
    w.now = w.now.plus_ms(50_000);
    w.machine = w.replayed();
    w.timers.clear();
    let decision = w.machine.on_loaded(w.now);
    w.carry_out(decision);
    w.advance(10_000);
    assert_eq!(w.state(), TransactionState::Ongoing);
    w.advance(1);
    assert_eq!(w.state(), TransactionState::CompleteAbort);
}

#[test]
fn describe_shows_the_open_transaction() {
    let mut w = World::new();
    assert_eq!(w.machine.describe(""), Err(ErrorCode::InvalidRequest));
    assert_eq!(w.machine.describe(TX), Err(ErrorCode::TransactionalIdNotFound));
    let (id, epoch) = w.init();
    w.add(id, epoch, &[2, 0], V0);
    let shown = w.machine.describe(TX).unwrap();
    assert_eq!(shown.state.name(), "Ongoing");
    assert_eq!((shown.producer_id.0, shown.producer_epoch.0, shown.timeout_ms), (id, epoch, 60_000));
    assert_eq!(shown.started, w.now);
    assert_eq!(shown.topics, [("t".into(), vec![0, 2])].into());
}

#[test]
fn list_filters() {
    let mut w = World::new();
    let (id, epoch) = w.init();
    w.add(id, epoch, &[0], V0);
    w.advance(1_000);
    let count = |filter: &ListFilter| w.machine.list(w.now, filter).transactions.len();
    let all = ListFilter::default();
    assert_eq!(count(&all), 1);
    assert_eq!(count(&ListFilter { states: vec!["Ongoing".into()], ..all.clone() }), 1);
    assert_eq!(count(&ListFilter { states: vec!["Empty".into()], ..all.clone() }), 0);
    assert_eq!(count(&ListFilter { producer_ids: vec![ProducerId(id)], ..all.clone() }), 1);
    assert_eq!(count(&ListFilter { producer_ids: vec![ProducerId(id + 1)], ..all.clone() }), 0);
    assert_eq!(count(&ListFilter { running_longer_than_ms: 999, ..all.clone() }), 1);
    assert_eq!(count(&ListFilter { running_longer_than_ms: 1_000, ..all.clone() }), 0);
    let unknown = w.machine.list(w.now, &ListFilter { states: vec!["Odd".into()], ..all });
    assert_eq!((unknown.unknown_states, unknown.transactions.len()), (vec!["Odd".to_owned()], 0));
}
